// Beside measures Tingji's search beside bleve (CJK analyser) and PostgreSQL's
// pg_trgm: the same corpus, the same queries, in one run. It is a module of its
// own, so that Tingji does not depend on what it is compared with.
//
//	go run . -lines 1000000 -postgres 'postgres://user@host/empty' > beside.txt
//
// The database needs a locale that knows Chinese letters (C.UTF-8): with C,
// pg_trgm has no trigrams of them.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/lang/cjk"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"tingji/store"
	"tingji/store/postgres"
	"tingji/store/search/corpus"
	"tingji/store/sqlite"
	"tingji/transcript"
)

var (
	lines    = flag.Int("lines", 100_000, "lines of the corpus")
	queries  = flag.Int("queries", 100, "queries of each kind")
	database = flag.String("postgres", "", "an empty database; without it, PostgreSQL is left out")
)

func main() {
	flag.Parse()
	if _, err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// engine is one of those compared.
type engine struct {
	name string
	add  func(ctx context.Context, h *corpus.Hearing) error
	// done ends the loading and says how large what it searches by is.
	done func(ctx context.Context) (bytes int64, err error)
	// find counts the lines with a text, up to 1,000 and more than those, and
	// finds the newest twenty.
	find func(ctx context.Context, text, role string) (count int, err error)
}

// run prints a table, and returns the times of each engine for all that every one
// of them can find: two characters and more.
func run(ctx context.Context) (took map[string][]time.Duration, err error) {
	dir, err := os.MkdirTemp("", "tingji-beside-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	list := []func(context.Context, string) (*engine, error){ours, bleveCJK}
	if *database != "" {
		list = append(list, oursOnPostgres, trgm)
	}
	var engines []*engine
	var c *corpus.Corpus
	var texts []string
	for _, open := range list {
		e, err := open(ctx, dir)
		if err != nil {
			return nil, err
		}
		c = corpus.New(1)
		texts = nil
		began, n := time.Now(), 0
		for n < *lines {
			h := c.Next()
			if err := e.add(ctx, &h); err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			n += len(h.Lines)
			texts = append(texts, h.Lines[len(h.Lines)/2].Text, h.Lines[len(h.Lines)/3].Text)
		}
		bytes, err := e.done(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
		loading := time.Since(began)
		fmt.Printf("%-16s %8d lines in %s: %.0f lines/s, %.0f bytes/line to search by\n", e.name, n, loading.Round(time.Second),
			float64(n)/loading.Seconds(), float64(bytes)/float64(n))
		engines = append(engines, e)
	}

	rng := rand.New(rand.NewPCG(3, 4))
	part := func(n int) string {
		for {
			runes := []rune(strings.Trim(texts[rng.IntN(len(texts))], "。"))
			if len(runes) < n {
				continue
			}
			at := rng.IntN(len(runes) - n + 1)
			if s := string(runes[at : at+n]); !strings.ContainsAny(s, "，0123456789") {
				return s
			}
		}
	}
	fmt.Printf("\n%-22s", "ms, p50 / p95 (lines)")
	for _, e := range engines {
		fmt.Printf(" %26s", e.name)
	}
	fmt.Println()
	took = map[string][]time.Duration{}
	for _, kind := range []struct {
		name string
		text func() string
	}{
		{"one character", func() string { return part(1) }},
		{"common word", func() string { return []string{"我们", "没有", "合同", "这个", "原告"}[rng.IntN(5)] }},
		{"word as spoken", func() string { return c.Word() }},
		{"rare word", func() string { return c.RareWord() }},
		{"4 characters", func() string { return part(4) }},
		{"8 characters", func() string { return part(8) }},
	} {
		for _, role := range []string{"", "证人"} {
			var asked []string
			for range *queries {
				asked = append(asked, kind.text())
			}
			name := kind.name
			if role != "" {
				name += " + role"
			}
			fmt.Printf("%-22s", name)
			for _, e := range engines {
				var times []time.Duration
				found := 0
				for _, text := range asked {
					began := time.Now()
					n, err := e.find(ctx, text, role)
					if err != nil {
						return nil, fmt.Errorf("%s: %s: %w", e.name, text, err)
					}
					times = append(times, time.Since(began))
					found += n
				}
				if kind.name != "one character" {
					took[e.name] = append(took[e.name], times...)
				}
				slices.Sort(times)
				at := func(p int) float64 { return float64(times[len(times)*p/100].Microseconds()) / 1000 }
				fmt.Printf(" %26s", fmt.Sprintf("%.1f / %.1f (%d)", at(50), at(95), found/len(asked)))
			}
			fmt.Println()
		}
	}
	return took, nil
}

func ours(ctx context.Context, dir string) (*engine, error) {
	path := filepath.Join(dir, "record.db")
	s, err := sqlite.Open(ctx, path, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	past, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(60000)&_pragma=synchronous(OFF)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	return tingji("tingji, SQLite", s, past, `SELECT sum(length(data)) FROM search_rows`), nil
}

func oursOnPostgres(ctx context.Context, _ string) (*engine, error) {
	s, err := postgres.Open(ctx, *database, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	past, err := sql.Open("pgx", *database)
	if err != nil {
		return nil, err
	}
	return tingji("tingji, PostgreSQL", s, past, `SELECT pg_total_relation_size('search_rows')`), nil
}

func tingji(name string, s *store.Store, past *sql.DB, size string) *engine {
	return &engine{
		name: name,
		add:  func(ctx context.Context, h *corpus.Hearing) error { return corpus.Load(ctx, past, h) },
		done: func(ctx context.Context) (bytes int64, err error) {
			if err := s.IndexNow(ctx); err != nil {
				return 0, err
			}
			return bytes, past.QueryRowContext(ctx, size).Scan(&bytes)
		},
		find: func(ctx context.Context, text, role string) (int, error) {
			r, err := s.Search(ctx, transcript.SearchRequest{Query: `"` + text + `"`, Role: role, Newest: true},
				func(transcript.SearchHearing) bool { return true })
			return r.Count, err
		},
	}
}

func bleveCJK(_ context.Context, dir string) (*engine, error) {
	doc := bleve.NewDocumentMapping()
	text := bleve.NewTextFieldMapping()
	text.Analyzer, text.Store, text.IncludeInAll = cjk.AnalyzerName, false, false
	role := bleve.NewTextFieldMapping()
	role.Analyzer, role.Store, role.IncludeInAll = keyword.Name, false, false
	at := bleve.NewNumericFieldMapping()
	at.Store, at.IncludeInAll = false, false
	doc.AddFieldMappingsAt("text", text)
	doc.AddFieldMappingsAt("role", role)
	doc.AddFieldMappingsAt("at", at)
	mapping := bleve.NewIndexMapping()
	mapping.DefaultMapping = doc
	path := filepath.Join(dir, "bleve")
	index, err := bleve.New(path, mapping)
	if err != nil {
		return nil, err
	}
	batch := index.NewBatch()
	return &engine{
		name: "bleve, CJK",
		add: func(_ context.Context, h *corpus.Hearing) error {
			for _, l := range h.Lines {
				err := batch.Index(h.ID+"/"+l.ID, map[string]any{"text": l.Text, "role": l.Role, "at": float64(h.OpenedAt.UnixMilli() + l.StartMS)})
				if err != nil {
					return err
				}
			}
			if batch.Size() < 5000 {
				return nil
			}
			err := index.Batch(batch)
			batch.Reset()
			return err
		},
		done: func(context.Context) (bytes int64, err error) {
			if err := index.Batch(batch); err != nil {
				return 0, err
			}
			err = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				info, err := e.Info()
				if err == nil {
					bytes += info.Size()
				}
				return nil
			})
			return bytes, err
		},
		find: func(ctx context.Context, text, role string) (int, error) {
			phrase := bleve.NewMatchPhraseQuery(text)
			phrase.SetField("text")
			request := bleve.NewSearchRequestOptions(phrase, 20, 0, false)
			if role != "" {
				of := bleve.NewTermQuery(role)
				of.SetField("role")
				request = bleve.NewSearchRequestOptions(bleve.NewConjunctionQuery(phrase, of), 20, 0, false)
			}
			request.SortBy([]string{"-at"})
			r, err := index.SearchInContext(ctx, request)
			if err != nil {
				return 0, err
			}
			return min(1000, int(r.Total)), nil
		},
	}, nil
}

func trgm(ctx context.Context, _ string) (*engine, error) {
	db, err := sql.Open("pgx", *database)
	if err != nil {
		return nil, err
	}
	// The lines are there: those of the store, whose rows it searches.
	return &engine{
		name: "pg_trgm",
		add:  func(context.Context, *corpus.Hearing) error { return nil },
		done: func(ctx context.Context) (bytes int64, err error) {
			for _, q := range []string{`CREATE EXTENSION IF NOT EXISTS pg_trgm`, `CREATE INDEX beside ON lines USING gin (text gin_trgm_ops)`, `ANALYZE lines`} {
				if _, err := db.ExecContext(ctx, q); err != nil {
					return 0, err
				}
			}
			return bytes, db.QueryRowContext(ctx, `SELECT pg_total_relation_size('beside')`).Scan(&bytes)
		},
		find: func(ctx context.Context, text, role string) (n int, err error) {
			where := ` WHERE text LIKE $1 AND ($2 = '' OR role = $2)`
			rows, err := db.QueryContext(ctx, `SELECT hearing, id, text FROM lines`+where+` ORDER BY started_at DESC LIMIT 20`, "%"+text+"%", role)
			if err != nil {
				return 0, err
			}
			for rows.Next() {
			}
			if err := rows.Close(); err != nil {
				return 0, err
			}
			return n, db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM lines`+where+` LIMIT 1000) AS l`, "%"+text+"%", role).Scan(&n)
		},
	}, nil
}
