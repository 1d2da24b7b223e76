package sqlite

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tingji/store/search/corpus"
	"tingji/store/storetest"
	"tingji/transcript"
)

// indexFile names the database that a test process started by TestIndexKill
// indexes.
const indexFile = "TINGJI_TEST_INDEX_FILE"

// TestIndexVictim marks hearings and indexes them until it is killed.
func TestIndexVictim(t *testing.T) {
	path := os.Getenv(indexFile)
	if path == "" {
		t.Skip("skipped: it is the process that TestIndexKill kills")
	}
	s, err := Open(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	db := past(t, path)
	for n := 0; ; n++ {
		if err := s.IndexNow(t.Context()); err != nil {
			t.Fatal(err)
		}
		fmt.Println("indexed")
		if _, err := db.ExecContext(t.Context(), `UPDATE hearings SET changes = changes + 1 WHERE substr(id, -1) = $1`, fmt.Sprint(n%10)); err != nil {
			t.Fatal(err)
		}
	}
}

func past(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := pool(path, url.Values{"_pragma": {"busy_timeout(10000)", "synchronous(OFF)"}, "_txlock": {"immediate"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Whenever the process is killed that makes the index, every line is found,
// once; and what it left half-written goes.
func TestIndexKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.db")
	s, err := Open(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db := past(t, path)
	c := corpus.New(5)
	lines := 0
	for range 12 {
		h := c.Next()
		lines += len(h.Lines)
		if err := corpus.Load(t.Context(), db, &h); err != nil {
			t.Fatal(err)
		}
	}
	everybody := func(transcript.SearchHearing) bool { return true }
	count := func(query string) int {
		t.Helper()
		s, err := Open(t.Context(), path, quiet)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		r := transcript.SearchRequest{Query: query}
		n := 0
		for {
			found, err := s.Search(t.Context(), r, everybody)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range found.Hearings {
				n += h.Count
			}
			if r.Cursor = found.Next; r.Cursor == "" {
				return n
			}
		}
	}
	want := count("我")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range storetest.Rounds(12, 100) {
		victim := exec.Command(program, "-test.run=^TestIndexVictim$")
		victim.Env = append(os.Environ(), indexFile+"="+path)
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(100+rand.IntN(900)) * time.Millisecond) // not for luck: any instant will do
		if err := victim.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		victim.Wait()
		if n := count("我"); n != want {
			t.Fatalf("round %d: %d lines found, want %d", round, n, want)
		}
	}
	if s, err = Open(t.Context(), path, quiet); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.IndexNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	var orphans, indexed int
	if err := db.QueryRowContext(t.Context(), `SELECT
		(SELECT count(*) FROM search_rows WHERE id >> 24 NOT IN (SELECT block FROM search_blocks WHERE ready = 1)),
		(SELECT sum(lines) FROM search_blocks)`).Scan(&orphans, &indexed); err != nil {
		t.Fatal(err)
	}
	if orphans != 0 || indexed < lines {
		t.Errorf("%d rows belong to no block; %d lines indexed of %d", orphans, indexed, lines)
	}
	if n := count("我"); n != want {
		t.Errorf("indexed: %d lines found, want %d", n, want)
	}
}
