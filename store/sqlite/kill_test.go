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
	"testing"
	"time"

	"tingji/store/storetest"
)

// victimFile names the file that a test process started by TestKill writes.
const victimFile = "TINGJI_TEST_VICTIM_FILE"

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
	for round := range 20 {
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
	t.Logf("20 kills, %d steps confirmed", confirmed)
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
