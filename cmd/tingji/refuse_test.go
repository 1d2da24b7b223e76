package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUpRefuses: what cannot be had is said in one line at the start, with what
// to do, and exit code 1; nothing is left running.
func TestUpRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("no folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	used := t.TempDir()
	start(t, "up", "--data", used, "--listen", "127.0.0.1:0")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"port taken", []string{"--data", t.TempDir(), "--listen", taken.Addr().String()}, "address already in use; choose another address with --listen"},
		{"folder used", []string{"--data", used, "--listen", "127.0.0.1:0"}, "is used by process"},
		{"folder is a file", []string{"--data", file, "--listen", "127.0.0.1:0"}, "not a directory"},
		{"broker away", []string{"--data", t.TempDir(), "--listen", "127.0.0.1:0", "--kafka", freePort(t)}, "connection refused"},
		{"database away", []string{"--data", t.TempDir(), "--listen", "127.0.0.1:0", "--db", "postgres://nobody@" + freePort(t) + "/none"}, "refused"},
		{"no database", []string{"--data", t.TempDir(), "--listen", "127.0.0.1:0", "--db", "sqlite:" + file}, "file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, code := tingji(t, nil, append([]string{"up"}, tt.args...)...)
			said := ""
			for line := range strings.Lines(stderr) {
				if strings.HasPrefix(line, "tingji: ") {
					said += line
				}
			}
			if code != 1 || stdout != "" || !strings.Contains(said, tt.want) || strings.Count(said, "\n") != 1 {
				t.Errorf("exit code %d, standard output %q, standard error %q; want 1 and one line with %q", code, stdout, stderr, tt.want)
			}
		})
	}
}
