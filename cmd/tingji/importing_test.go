package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImportCommand: a file of the case system is looked at, taken, and taken again;
// one that is wrong changes nothing, and it is said where.
func TestImportCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	up := start(t, sample20(filepath.Join(dir, "data"), "127.0.0.1:0")...)
	good := write("good.csv", "案号,法庭\n（2026）内0000民初7号,sample\n")
	for _, step := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // a part of each; "" for nothing at all
	}{
		{"nothing in it", []string{write("empty.csv", "")}, exitMisuse, "", "empty.csv: there is no hearing in the file; nothing was imported\n"},
		{"wrong rows", []string{write("bad.csv", "案号,法庭\n1,sample\n2,sample\n")}, exitMisuse, "", "2 problem(s) in the file"},
		{"no file", []string{filepath.Join(dir, "nowhere.csv")}, exitMisuse, "", "nowhere.csv: no such file"},
		{"looked at", []string{good, "--check"}, exitOK, "（2026）内0000民初7号", ""},
		{"taken", []string{good}, exitOK, "（2026）内0000民初7号", ""},
		{"taken again", []string{good}, exitOK, "", "announced before"},
	} {
		stdout, stderr, code := tingji(t, nil, append([]string{"import", "--server", up.url}, step.args...)...)
		if code != step.code || !strings.Contains(stdout, step.stdout) || !strings.Contains(stderr, step.stderr) ||
			(stdout == "") != (step.stdout == "") || (stderr == "") != (step.stderr == "") {
			t.Errorf("%s: exit code %d, standard output %q, standard error %q", step.name, code, stdout, stderr)
		}
		if rows := strings.Count(stderr, "\n"); step.name != "wrong rows" && rows > 1 {
			t.Errorf("%s: %d lines on standard error", step.name, rows)
		}
	}
}
