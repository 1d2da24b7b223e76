package searchbench

import (
	"flag"
	"os"
	"testing"
)

var (
	lines   = flag.Int("lines", 2000, "lines of the corpus")
	queries = flag.Int("queries", 5, "queries of each kind")
	db      = flag.String("db", "", "folder for SQLite or postgres://…; empty: a temporary folder")
	newest  = flag.Bool("newest", false, "ask newest first only")
	bare    = flag.Bool("bare", false, "make only the index, without the record")
	only    = flag.String("only", "", "kinds of queries that contain this")
	keep    = flag.Bool("keep", false, "the database is filled already")
	reindex = flag.Bool("reindex", false, "with -keep: make the index again")
)

// The measurement itself works; with -lines it is the measurement:
//
//	go test ./store/search/searchbench -v -timeout 3h -lines 10000000 -queries 200 -db /somewhere
func TestMeasure(t *testing.T) {
	figures, err := Measure(t.Context(), Config{Lines: *lines, Queries: *queries, DB: *db, Keep: *keep, Reindex: *reindex, Only: *only, Bare: *bare, Newest: *newest, Out: os.Stdout})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"search_p95_ms", "search_pinyin_p95_ms"} {
		if figures[key] <= 0 {
			t.Errorf("%s is %v", key, figures[key])
		}
	}
}
