package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tingji/store"
	"tingji/store/storetest"
)

// victimFile names the file that a test process started by TestKill writes.
const victimFile = "TINGJI_TEST_VICTIM_FILE"

// openedFile names the file that a test process started by TestKillMigration
// opens, and so brings up to date.
const openedFile = "TINGJI_TEST_OPENED_FILE"

// victim writes to the store until it is killed, and reports on standard output
// the number of each step that was confirmed.
func victim(path string) {
	ctx := context.Background()
	die := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s, err := Open(ctx, path, quiet)
	if err != nil {
		die(err)
	}
	if err := storetest.WriteForEver(ctx, s, func(n int64) bool { fmt.Println(n); return true }); err != nil {
		die(err)
	}
}

// A store whose process is killed at any instant opens and is whole: what was
// confirmed is there, once, and nothing is half there.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.db")
	var confirmed int64
	rounds := storetest.Rounds(20, 100)
	for round := range rounds {
		last := writeAndKill(t, path)
		confirmed = max(confirmed, last)
		s, err := Open(t.Context(), path, quiet)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		storetest.CheckWritten(t, s, confirmed)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("round %d, %d steps confirmed", round, confirmed)
		}
	}
	if confirmed < 20 {
		t.Errorf("%d steps were written in all: too few to prove anything", confirmed)
	}
	var verdict string
	db, err := pool(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity: %s %v", verdict, err)
	}
	t.Logf("%d kills, %d steps confirmed", rounds, confirmed)
}

// A process killed while it brings an old file up to date leaves one that the
// next one brings up to date; from every version there was, and from one that
// was killed before the first was whole.
func TestKillMigration(t *testing.T) {
	files := oldFiles(t)
	cut, rounds := 0, storetest.Rounds(12, 100)
	for round := range rounds {
		file := files[round%len(files)]
		path := filepath.Join(t.TempDir(), "record.db")
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		for range 3 { // killed, and killed again
			startAndKill(t, path, time.Duration(rand.IntN(60))*time.Millisecond)
			if v := schemaVersion(t, path); v > 0 && v < store.SchemaVersion {
				cut++
			}
		}
		s, err := Open(t.Context(), path, quiet)
		if err != nil {
			t.Fatalf("round %d, %s: %v", round, file, err)
		}
		if !strings.HasSuffix(file, "schema-1.db") {
			storetest.CheckSample(t, s)
		}
		if c, err := s.Check(t.Context(), func(f store.Fault) { t.Errorf("%s: %+v", file, f) }); err != nil {
			t.Errorf("%s: %+v %v", file, c, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d files, 3 kills each: %d left the file at an older version", rounds, cut)
	if cut == 0 {
		t.Error("no kill came before the end of the migration: the test tests nothing")
	}
}

// startAndKill opens a store in another process and kills that.
func startAndKill(t *testing.T, path string, after time.Duration) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), openedFile+"="+path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after) // not for luck: any instant will do
	cmd.Process.Kill()
	cmd.Wait()
}

func schemaVersion(t *testing.T, path string) (version int) {
	t.Helper()
	db, err := pool(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), `SELECT coalesce(max(version_id), 0) FROM schema_version`).Scan(&version); err != nil {
		return 0 // killed before there was such a table
	}
	return version
}

// writeAndKill runs a victim for a moment, some of them too short to open the
// store, and returns the last step that it reported.
func writeAndKill(t *testing.T, path string) int64 {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), victimFile+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Duration(rand.IntN(400))*time.Millisecond, func() { cmd.Process.Kill() })
	defer kill.Stop()
	var last int64
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a torn line was never read by anybody
		}
		if err != nil {
			t.Fatal(err)
		}
		if last, err = strconv.ParseInt(line[:len(line)-1], 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Wait()
	return last
}
