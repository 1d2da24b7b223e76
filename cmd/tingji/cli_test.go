package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestEveryCommandHasHelp: --help of the program, of each group and command names it, shows an example,
// and exits 0.
func TestEveryCommandHasHelp(t *testing.T) {
	parser, err := kong.New(new(cli), kong.Name("tingji"), kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	paths := [][]string{nil} // tingji itself, groups, and commands
	for i := 0; i < len(paths); i++ {
		node := parser.Model.Node
		for _, name := range paths[i] {
			node = node.Children[slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == name })]
		}
		for _, child := range node.Children {
			paths = append(paths, append(slices.Clone(paths[i]), child.Name))
		}
	}
	if len(paths) < 30 {
		t.Fatalf("only %d commands: the walk is wrong", len(paths))
	}
	for _, path := range paths {
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
		{"export", "x", "--data", t.TempDir()}, {"search", "x", "--db", "postgres://clerk:geheim@[db/court"}, {"search", "x", "--db", "postgres://clerk:geheim@db:port/court"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(args, nil, nil, &stdout, &stderr); code != exitMisuse || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("tingji %s: exit code %d, standard output %q, standard error %q; want 2 and one line", strings.Join(args, " "), code, stdout.String(), stderr.String())
		}
		if strings.Contains(stderr.String(), "geheim") {
			t.Errorf("tingji %s: says the password", strings.Join(args, " "))
		}
	}
}

// Who is told that something is missing is sent to the help of that command.
func TestMisuseNamesTheCommand(t *testing.T) {
	for want, args := range map[string][]string{
		"see tingji --help": {"nonsense"}, "see tingji export --help": {"export"}, "see tingji store --help": {"store"},
		"see tingji store backup --help": {"store", "backup"}, "see tingji up --help": {"up", "--pace", "fast"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(args, nil, nil, &stdout, &stderr); code != exitMisuse || !strings.HasSuffix(stderr.String(), want+"\n") {
			t.Errorf("tingji %s: exit code %d, says %q; want %q", strings.Join(args, " "), code, stderr.String(), want)
		}
	}
}

// A mistyped folder is refused, and not made.
func TestStoreMakesNoFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mistyped")
	for _, args := range [][]string{{"check"}, {"backup", filepath.Join(t.TempDir(), "to")}, {"move", "--to", "sqlite:" + filepath.Join(t.TempDir(), "to.db")}, {"reindex"}, {"audit"}} {
		var stdout, stderr bytes.Buffer
		if code := run(append([]string{"store", "--data", dir}, args...), nil, nil, &stdout, &stderr); code != exitMisuse || !strings.Contains(stderr.String(), "there is no store") {
			t.Errorf("tingji store %s: exit code %d, says %q", strings.Join(args, " "), code, stderr.String())
		}
		if _, err := os.Stat(dir); err == nil {
			t.Fatalf("tingji store %s has made the folder", strings.Join(args, " "))
		}
	}
}
