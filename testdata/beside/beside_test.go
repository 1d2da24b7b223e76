package main

import (
	"database/sql"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tingji/store/postgres/postgrestest"
)

// TestBeside is how `tingji bench` runs the comparison: with a PostgreSQL of its own
// where there is one. It says what our search takes of what theirs does, at p95 over
// all queries of two characters and more.
//
//	go test -run Beside -v -args -lines 100000
func TestBeside(t *testing.T) {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "lines" })
	if !given {
		*lines, *queries = 2000, 10 // does it work?
	}
	// In a test of its own, which is skipped where there is no PostgreSQL.
	t.Run("PostgreSQL", func(t *testing.T) {
		*database = chinese(t, postgrestest.Start(t).Database(t))
		compare(t)
	})
	if *database == "" {
		compare(t)
	}
}

func compare(t *testing.T) {
	took, err := run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p95 := func(engine string) float64 {
		times := slices.Sorted(slices.Values(took[engine]))
		if len(times) == 0 {
			return 0
		}
		return float64(times[len(times)*95/100]) / float64(time.Millisecond)
	}
	ours := p95("tingji, SQLite")
	for key, engine := range map[string]string{"search_vs_bleve": "bleve, CJK", "search_vs_postgres": "pg_trgm"} {
		if theirs := p95(engine); theirs > 0 {
			t.Logf("p95: tingji %.2f ms, %s %.2f ms", ours, engine, theirs)
			t.Attr(key, fmt.Sprint(ours/theirs))
		}
	}
}

// chinese makes a database beside the one at url whose locale knows Chinese letters,
// and returns its address.
func chinese(t *testing.T, url string) string {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `CREATE DATABASE beside TEMPLATE template0 LOCALE 'C.UTF-8'`); err != nil {
		t.Fatal(err)
	}
	at, parameters, _ := strings.Cut(url, "?")
	return at[:strings.LastIndex(at, "/")+1] + "beside?" + parameters
}
