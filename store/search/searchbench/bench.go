// Package searchbench measures the search on a made-up corpus: how fast it
// loads, how large the index is, how long each kind of query takes, and how
// long a live hearing waits while the index is made.
package searchbench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"tingji/asr"
	"tingji/capture"
	"tingji/store"
	"tingji/store/postgres"
	"tingji/store/search/corpus"
	"tingji/store/sqlite"
	"tingji/transcript"
)

// Config says what to measure.
type Config struct {
	Lines   int
	Queries int       // of each kind; 0: 200
	DB      string    // a folder for SQLite, or postgres://…; empty: a temporary folder
	Keep    bool      // use a folder or database that was filled before, and leave it
	Reindex bool      // with Keep: throw the index away and make it again
	Newest  bool      // ask newest first only; otherwise both orders by turns
	Bare    bool      // make only the index, without the record
	Only    string    // kinds of queries that contain this
	Out     io.Writer // a table for people; nil: none
}

// Run measures SQLite with a corpus of so many lines, in a temporary folder.
// Times are in milliseconds. Keys: search_p95_ms (characters, with and without
// filters), search_pinyin_p95_ms (by sound), search_index_bytes_per_line,
// search_index_lines_per_s, search_insert_p99_ms and search_insert_max_ms (a
// live line while the index is made).
func Run(ctx context.Context, lines int) (map[string]float64, error) {
	return Measure(ctx, Config{Lines: lines})
}

// Measure is Run with a choice of database.
func Measure(ctx context.Context, c Config) (figures map[string]float64, err error) {
	if c.Queries == 0 {
		c.Queries = 200
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	b := &bench{Config: c, figures: map[string]float64{}, rng: rand.New(rand.NewPCG(1, 2))}
	if err := b.open(ctx); err != nil {
		return nil, fmt.Errorf("measure search: %w", err)
	}
	defer b.close()
	if err := b.run(ctx); err != nil {
		return nil, fmt.Errorf("measure search: %w", err)
	}
	return b.figures, nil
}

type bench struct {
	Config
	figures map[string]float64
	rng     *rand.Rand
	dir     string // to delete
	path    string // of SQLite's file
	store   *store.Store
	past    *sql.DB // the same database, past the store
	corpus  *corpus.Corpus
	sample  []sampled
}

// sampled is a line that queries are made of.
type sampled struct {
	text, truth, role string
	hearing           string
}

func (b *bench) open(ctx context.Context) (err error) {
	log := slog.New(slog.DiscardHandler)
	if strings.HasPrefix(b.DB, "postgres") {
		if b.store, err = postgres.Open(ctx, b.DB, log); err != nil {
			return err
		}
		b.past, err = sql.Open("pgx", b.DB)
		return err
	}
	folder := b.DB
	if folder == "" {
		if folder, err = os.MkdirTemp("", "tingji-searchbench-"); err != nil {
			return err
		}
		b.dir = folder
	}
	b.path = filepath.Join(folder, "record.db")
	if b.store, err = sqlite.Open(ctx, b.path, log); err != nil {
		return err
	}
	u := url.URL{Path: filepath.ToSlash(b.path)}
	b.past, err = sql.Open("sqlite", "file:"+u.EscapedPath()+"?_pragma=busy_timeout(60000)&_pragma=synchronous(OFF)&_txlock=immediate")
	return err
}

func (b *bench) close() {
	b.store.Close()
	if b.past != nil {
		b.past.Close()
	}
	if b.dir != "" {
		os.RemoveAll(b.dir)
	}
}

func (b *bench) run(ctx context.Context) error {
	began := time.Now()
	if err := b.load(ctx); err != nil {
		return err
	}
	fmt.Fprintf(b.Out, "%d lines, loaded in %s\n", b.Lines, time.Since(began).Round(time.Second))
	if b.Keep && b.Reindex {
		if err := b.store.Reindex(ctx); err != nil {
			return err
		}
	}
	if (!b.Keep || b.Reindex) && !b.Bare {
		if err := b.index(ctx); err != nil {
			return err
		}
	}
	return b.queries(ctx)
}

// load fills the database, or, where that is done, only makes the same corpus
// to take queries from its beginning.
func (b *bench) load(ctx context.Context) error {
	b.corpus = corpus.New(1)
	next := make(chan corpus.Hearing, 8)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // the next hearing is made while one is written
		defer close(next)
		for lines := 0; lines < b.Lines; {
			h := b.corpus.Next()
			lines += len(h.Lines)
			select {
			case next <- h:
			case <-ctx.Done():
				return
			}
		}
	}()
	if b.Bare && !b.Keep {
		return b.fill(ctx, next)
	}
	for h := range next {
		if !b.Keep {
			if err := corpus.Load(ctx, b.past, &h); err != nil {
				return err
			}
		}
		b.take(&h)
		if b.Keep && len(b.sample) >= b.enough() {
			return nil
		}
	}
	return nil
}

func (b *bench) enough() int { return max(2000, b.Queries*10) }

// take samples a hearing.
func (b *bench) take(h *corpus.Hearing) {
	for range 3 {
		i := b.rng.IntN(len(h.Lines))
		s := sampled{h.Lines[i].Text, h.Truth[i], h.Lines[i].Role, h.ID}
		if len(b.sample) < b.enough() {
			b.sample = append(b.sample, s)
		} else if at := b.rng.IntN(b.enough() * 10); at < b.enough() {
			b.sample[at] = s
		}
	}
}

// index measures a hearing that goes on while the index is made, for a minute
// at most, and then how fast it is made when nobody speaks.
func (b *bench) index(ctx context.Context) error {
	if err := b.settle(); err != nil {
		return err
	}
	if b.Lines >= 100_000 { // what the machine alone makes a line wait
		waits, err := b.speak(ctx, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}, 20*time.Second)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.Out, "before the index is made, %s\n", waited(waits))
	}
	waits, err := b.speak(ctx, b.store.IndexNow, time.Minute)
	if err != nil {
		return err
	}
	b.figures["search_insert_p99_ms"] = percentile(waits, 99)
	b.figures["search_insert_max_ms"] = percentile(waits, 100)
	if err := b.store.Reindex(ctx); err != nil {
		return err
	}
	if b.Lines >= 100_000 {
		time.Sleep(store.MakeWay)
	}
	began := time.Now()
	if err := b.store.IndexNow(ctx); err != nil {
		return err
	}
	took := time.Since(began)
	var bytes, lines int64
	if err := b.past.QueryRowContext(ctx, `SELECT sum(lines) FROM search_blocks`).Scan(&lines); err != nil {
		return err
	}
	if strings.HasPrefix(b.DB, "postgres") {
		err = b.past.QueryRowContext(ctx, `SELECT pg_total_relation_size('search_rows') + pg_total_relation_size('search_blocks')
			+ pg_total_relation_size('search_hearings') + pg_total_relation_size('search_moved')`).Scan(&bytes)
	} else {
		err = b.past.QueryRowContext(ctx, `SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'search_%' OR name LIKE 'sqlite_autoindex_search%'`).Scan(&bytes)
	}
	if err != nil { // without dbstat: what the rows hold
		if err = b.past.QueryRowContext(ctx, `SELECT sum(length(data)) FROM search_rows`).Scan(&bytes); err != nil {
			return err
		}
		fmt.Fprintln(b.Out, "(size without the database's own share)")
	}
	b.figures["search_index_bytes_per_line"] = float64(bytes) / float64(lines)
	b.figures["search_index_lines_per_s"] = float64(lines) / took.Seconds()
	fmt.Fprintf(b.Out, "while it was made, %s\nindexed in %s: %.0f lines/s, %.0f bytes/line\n", waited(waits),
		took.Round(time.Second), b.figures["search_index_lines_per_s"], b.figures["search_index_bytes_per_line"])
	return nil
}

// settle writes to the disk what loading left in memory, so that nobody waits
// for that.
func (b *bench) settle() error {
	if strings.HasPrefix(b.DB, "postgres") {
		_, err := b.past.Exec(`CHECKPOINT`)
		return err
	}
	file, err := os.OpenFile(b.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func waited(waits []time.Duration) string {
	return fmt.Sprintf("%d live lines: p50 %.1f p99 %.1f max %.1f ms", len(waits), percentile(waits, 50), percentile(waits, 99), percentile(waits, 100))
}

// speak stores 50 lines a second until meanwhile has ended, which is stopped
// after a while, and measures each. Waits are sorted.
func (b *bench) speak(ctx context.Context, meanwhile func(context.Context) error, atMost time.Duration) (waits []time.Duration, err error) {
	limited, stop := context.WithTimeout(ctx, atMost)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- meanwhile(limited) }()
	now := time.Now().UTC()
	h := capture.Hearing{ID: "live-" + now.Format("150405.000"), Version: 1, Status: capture.Open, Courtroom: "live", CreatedAt: now, OpenedAt: &now}
	if err := b.store.CreateHearing(ctx, h); err != nil {
		return nil, err
	}
	before := asr.Position{}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := int64(0); ; n++ {
		select {
		case err := <-done:
			if limited.Err() != nil && ctx.Err() == nil {
				err = nil // stopped
			}
			slices.Sort(waits)
			return waits, err
		case <-tick.C:
		}
		after := asr.Position{Epoch: 1, Sample: capture.SampleIndex(n+1) * 16000, Seq: uint64(n + 1)}
		first := capture.SampleIndex(n) * 16000
		seg := asr.Segment{V: 1, Hearing: h.ID, Channel: "c", Epoch: 1, Utterance: asr.UtteranceID("c", 1, first), Stage: asr.Final,
			First: first, Last: first + 15999, Before: &before, After: &after}
		line := &transcript.Line{ID: seg.Utterance, Hearing: h.ID, Channel: "c", Role: "审判长", Text: b.sample[int(n)%len(b.sample)].text,
			StartMS: n * 1000, EndMS: n*1000 + 900, StartedAt: now.Add(time.Duration(n) * time.Second), Origin: transcript.Speech}
		began := time.Now()
		if _, _, err := b.store.ApplyStep(ctx, transcript.Source{Topic: "t", Offset: n}, seg, line); err != nil {
			return nil, err
		}
		waits = append(waits, time.Since(began))
		before = after
	}
}

func percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, len(sorted)*p/100)].Microseconds()) / 1000
}
