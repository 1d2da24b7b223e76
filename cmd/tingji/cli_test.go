package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestEveryCommandHasHelp: --help of each command names it, shows an example,
// and exits 0.
func TestEveryCommandHasHelp(t *testing.T) {
	parser, err := kong.New(new(cli), kong.Name("tingji"), kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	leaves := parser.Model.Leaves(false)
	if len(leaves) < 8 {
		t.Fatalf("only %d commands: the walk is wrong", len(leaves))
	}
	for _, leaf := range leaves {
		var path []string
		for node := leaf; node != nil && node.Type == kong.CommandNode; node = node.Parent {
			path = append([]string{node.Name}, path...)
		}
		var stdout, stderr bytes.Buffer
		code := run(append(path, "--help"), nil, nil, &stdout, &stderr)
		if code != 0 || !strings.Contains(stdout.String(), "Example") || !strings.Contains(stdout.String(), strings.Join(path, " ")) {
			t.Errorf("tingji %s --help: exit code %d, no example:\n%s%s", strings.Join(path, " "), code, stdout.String(), stderr.String())
		}
	}
}

func TestMisuseIsOneLine(t *testing.T) {
	for _, args := range [][]string{
		{"serve"}, {"asr"}, {"capture"}, {"nonsense"}, {"up", "--nonsense"}, {"--config", "/does/not/exist.toml", "up"},
		{"up", "--asr-url", "somewhere"}, {"up", "--db", "oracle://x", "--data", t.TempDir(), "--listen", "127.0.0.1:0"},
		{"export", "x", "--data", t.TempDir()},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(args, nil, nil, &stdout, &stderr); code != exitMisuse || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("tingji %s: exit code %d, standard output %q, standard error %q; want 2 and one line", strings.Join(args, " "), code, stdout.String(), stderr.String())
		}
	}
}
