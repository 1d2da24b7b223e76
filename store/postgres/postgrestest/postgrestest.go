// Package postgrestest starts a PostgreSQL server for tests: a cluster of its
// own in a temporary folder, reached through a socket there, gone afterwards.
package postgrestest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// Server is a running server.
type Server struct {
	dir  string
	last atomic.Int32
}

// Start starts a server that ends with the test. It skips the test where
// PostgreSQL is not installed.
func Start(t testing.TB) *Server {
	t.Helper()
	bin := programs()
	if bin == "" {
		t.Skip("skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)")
	}
	user, err := unprivileged()
	if err != nil {
		t.Skipf("skipped: PostgreSQL refuses to run as root, and there is nobody else: %v", err)
	}
	// Not t.TempDir: the path of a socket has room for 100 bytes, and the user
	// must be able to enter.
	dir, err := os.MkdirTemp("", "tingji-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := user.own(dir); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "tingji", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, user.attr()
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}

	// The shell ends the server when its standard input ends: also when the
	// test is killed.
	server := exec.Command("/bin/sh", "-c", `"$@" & read -r _; kill -INT $!; wait $!`, "sh",
		filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	server.Dir, server.SysProcAttr = dir, user.attr()
	out, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	server.Stdout, server.Stderr = out, out
	leash, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leash.Close(); server.Wait() })

	s := &Server{dir: dir}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := s.exec("SELECT 1")
		if err == nil {
			return s
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("PostgreSQL does not answer: %v\n%s", err, text)
		}
	}
}

// Database makes an empty database and returns its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.last.Add(1))
	if err := s.exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	return s.url(name)
}

func (s *Server) url(name string) string { return "postgres://tingji@/" + name + "?host=" + s.dir }

func (s *Server) exec(query string) error {
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = db.ExecContext(ctx, query)
	return err
}

// programs is the folder of the newest server that is installed, or "".
func programs() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian keeps it off the path
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(slices.Max(found))
}
