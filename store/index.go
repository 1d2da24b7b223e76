package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tingji/capture"
	"tingji/store/search"
)

// The search index is made behind the writers. A trigger marks each hearing
// that changes; a marked hearing is searched in its lines (live.go), so that
// what was said is found as soon as it is stored. Once a hearing is quiet it is
// written into a block (package search), and the mark is taken off. Blocks are
// merged as they grow in number. A block counts from one instant on, in one
// transaction; what a crash leaves half-written is swept away.

// MakeWay is for how long after a change of the record the index works a
// quarter of the time only.
const MakeWay = 30 * time.Second

const (
	indexEvery  = time.Second
	quietOpen   = time.Minute     // without a change: a hearing that is not closed
	quietClosed = 2 * time.Second // a closed one
	// Blocks of about the same size are merged when there are this many.
	mergeAt = 8
	// Rows written or deleted in one transaction: no more than take a writer's
	// patience, which is what a live line may have to wait for.
	rowsAtOnce  = 64
	bytesAtOnce = 128 << 10 // a longer row stands alone
	patience    = 10 * time.Millisecond
	// Hearings of a block that is not merged: each takes 50 µs of the transaction
	// from which on it counts. In a merged one it takes 4.
	hearingsAtOnce = 1000
	// After so many rows SQLite's log is moved into its file.
	checkpointAfter = 512
	// While it makes way, the index rests restFor times as long as it worked, after
	// each workAtLeast or a little more. What a live line waits for is hardly ever
	// a lock but its own commit, which wants a core and the disk: both are then
	// free most of the time.
	restFor     = 3
	workAtLeast = 2 * time.Millisecond
	longestRest = time.Second
	// Blocks hold fewer than 1<<rowBits rows.
	rowBits = 24
)

// index is the part of a Store that searches and keeps the index. The zero
// value is ready.
type index struct {
	mu       sync.Mutex
	live     map[string]*liveHearing
	blocks   latest[search.Block]
	contents latest[search.Contents]
	rows     rowCache
	sets     sync.Pool    // of *search.Sets
	changed  atomic.Int64 // when somebody last changed the record, Unix nanoseconds
}

// RunIndex keeps the index until ctx ends. One process runs it; searches are
// right without it, but slow.
func (s *Store) RunIndex(ctx context.Context, log *slog.Logger) error {
	seen := map[string]sighting{}
	tick := time.NewTicker(indexEvery)
	defer tick.Stop()
	swept, warm, unsummed, failing := false, false, true, false
	for {
		err := func() error {
			if !warm {
				if err := s.warm(ctx); err != nil {
					return err
				}
				warm = true
			}
			if !swept {
				if err := s.sweep(ctx); err != nil {
					return err
				}
				swept = true
			}
			quiet, err := s.quiet(ctx, seen, time.Now())
			if err != nil {
				return err
			}
			if err := s.indexHearings(ctx, quiet); err != nil {
				return err
			}
			s.checkpoint(ctx)
			if unsummed = unsummed || len(quiet) > 0; !unsummed {
				return nil
			}
			err = s.sumHearings(ctx)
			unsummed = err != nil
			return err
		}()
		if ctx.Err() != nil {
			return nil
		}
		if (err != nil) != failing {
			if failing = err != nil; failing {
				log.Warn("search index is behind: searches stay right but grow slow", "err", err)
			} else {
				log.Info("search index is kept again")
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// IndexNow indexes every hearing that has changed, quiet or not, and returns
// when that is done.
func (s *Store) IndexNow(ctx context.Context) error {
	if err := s.sweep(ctx); err != nil {
		return err
	}
	done := map[string]bool{}
	for {
		list, err := s.marked(ctx, maxIndexed)
		if err != nil {
			return err
		}
		// A hearing that goes on is marked again at once: one time is enough.
		list = slices.DeleteFunc(list, func(m marked) bool { return done[m.hearing] })
		if len(list) == 0 {
			return nil
		}
		if err := s.indexHearings(ctx, list); err != nil {
			return err
		}
		for _, m := range list {
			done[m.hearing] = true
		}
	}
}

// marked is a hearing that changed since it was indexed.
type marked struct {
	hearing string
	changes int64
	status  capture.Status
}

const (
	// maxMarked bounds how many marked hearings are searched in their lines.
	maxMarked = 1000
	// maxIndexed bounds how many are written into blocks in one go: enough for
	// most of these to be full.
	maxIndexed = 5000
)

func (s *Store) marked(ctx context.Context, limit int) ([]marked, error) {
	list, err := markedIn(ctx, s.read, limit)
	if err != nil {
		return nil, fmt.Errorf("list hearings to index: %w", err)
	}
	return list, nil
}

// markedIn are the newest marked hearings.
func markedIn(ctx context.Context, q querier, limit int) ([]marked, error) {
	return collect(ctx, q, func(rows *sql.Rows) (m marked, err error) {
		return m, rows.Scan(&m.hearing, &m.changes, &m.status)
	}, `SELECT h.id, h.changes, h.status FROM search_dirty d CROSS JOIN hearings h WHERE h.id = d.hearing
		ORDER BY -h.created_at LIMIT $1`, limit) // SQLite begins at the marks, and not at the newest hearings
}

// sighting is since when a hearing has been seen with a number of changes.
type sighting struct {
	changes int64
	since   time.Time
}

// quiet are the marked hearings that have not changed for a while.
func (s *Store) quiet(ctx context.Context, seen map[string]sighting, now time.Time) ([]marked, error) {
	list, err := s.marked(ctx, maxIndexed)
	if err != nil {
		return nil, err
	}
	var quiet []marked
	still := map[string]bool{}
	for _, m := range list {
		still[m.hearing] = true
		wait := quietOpen
		if m.status == capture.Closed || m.status == capture.Signed {
			wait = quietClosed
		}
		at, ok := seen[m.hearing]
		if !ok || at.changes != m.changes {
			seen[m.hearing] = sighting{m.changes, now}
		} else if now.Sub(at.since) >= wait {
			quiet = append(quiet, m)
		}
	}
	for id := range seen {
		if !still[id] {
			delete(seen, id)
		}
	}
	return quiet, nil
}

// indexHearings writes hearings into new blocks and merges what has become
// many. Hearings that change meanwhile stay marked.
func (s *Store) indexHearings(ctx context.Context, list []marked) error {
	ids := make([]string, len(list))
	for i, m := range list {
		ids[i] = m.hearing
	}
	for len(ids) > 0 {
		n, err := s.writeBlock(ctx, ids)
		if err != nil {
			return fmt.Errorf("index %d hearings: %w", len(ids), err)
		}
		ids = ids[n:]
	}
	return s.merge(ctx)
}

// merge makes one block of several as long as there are too many of a size.
func (s *Store) merge(ctx context.Context) error {
	for {
		blocks, err := blocksIn(ctx, s.read)
		if err != nil {
			return fmt.Errorf("list blocks: %w", err)
		}
		small := smallBlocks(blocks)
		if small == nil {
			return nil
		}
		if err := s.mergeBlocks(ctx, small); err != nil {
			return fmt.Errorf("merge %d blocks: %w", len(small), err)
		}
	}
}

// mergeBlocks puts a new block in the place of some, without the hearings that
// do not count in them any more.
func (s *Store) mergeBlocks(ctx context.Context, small []blockInfo) error {
	var sources []search.Source
	var numbers []int64
	for _, b := range small {
		rows := &blockRows{ctx: ctx, q: s.read, block: b.block}
		row, err := rows.read(search.RowDirectory)
		if err != nil {
			return err
		}
		contents, err := search.ReadContents(row)
		if err != nil {
			return fmt.Errorf("block %d: %w", b.block, err)
		}
		list, err := collect(ctx, s.read, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) },
			`SELECT hearing FROM search_moved WHERE block = $1`, b.block)
		if err != nil {
			return fmt.Errorf("list what left block %d: %w", b.block, err)
		}
		left := map[string]bool{}
		for _, id := range list {
			left[id] = true
		}
		sources = append(sources, search.Source{Contents: contents, Row: rows.read, Without: func(id string) bool { return left[id] }})
		numbers = append(numbers, b.block)
	}
	m, err := search.NewMerger(sources)
	if err != nil {
		return err
	}
	entries := make([]marked, len(m.Hearings()))
	var at span
	for i, h := range m.Hearings() {
		at.add(h.Place())
		entries[i] = marked{hearing: h.ID, changes: -1} // as they were: a mark stays
	}
	w, err := s.newBlock(ctx, m.Lines(), at)
	if err != nil {
		return err
	}
	if err := m.Rows(func(row int, data []byte) error { return w.write(ctx, row, data) }, func() { w.rest(ctx) }); err != nil {
		return err
	}
	return w.publish(ctx, entries, numbers)
}

// span is from the newest to the oldest of some hearings.
type span struct {
	newest, oldest search.Place
	some           bool
}

func (s *span) add(p search.Place) {
	if !s.some || p.Compare(s.newest) < 0 {
		s.newest = p
	}
	if !s.some || p.Compare(s.oldest) > 0 {
		s.oldest = p
	}
	s.some = true
}

// blockRows reads the rows of a block, some ahead. For one goroutine.
type blockRows struct {
	ctx   context.Context
	q     querier
	block int64
	first int // of rows
	rows  [][]byte
}

// read is a row of the block; what it returns stays as it is.
func (r *blockRows) read(row int) ([]byte, error) {
	if row < r.first || row >= r.first+len(r.rows) {
		next := r.block<<rowBits | int64(row) // id of the row that has to come
		rows, err := collect(r.ctx, r.q, func(rows *sql.Rows) (data []byte, err error) {
			var id int64
			if err = rows.Scan(&id, &data); err == nil && id != next {
				err = fmt.Errorf("block %d row %d is missing: %w", r.block, next&(1<<rowBits-1), search.ErrBlock)
			}
			next++
			return data, err
		}, `SELECT id, data FROM search_rows WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3`, next, (r.block+1)<<rowBits, rowsAtOnce)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return nil, fmt.Errorf("block %d row %d is missing: %w", r.block, row, search.ErrBlock)
		}
		r.first, r.rows = row, rows
	}
	return r.rows[row-r.first], nil
}

// smallBlocks are blocks to merge, which fit into one: as many of one size as
// there are allowed to be. Sizes are powers of mergeAt.
func smallBlocks(blocks []blockInfo) []blockInfo {
	levels := map[int][]blockInfo{}
	for _, b := range blocks {
		level, size := 0, int64(mergeAt*mergeAt*mergeAt)
		for b.lines >= size {
			level++
			size *= mergeAt
		}
		list := append(levels[level], b)
		levels[level] = list
		total := int64(0)
		for _, one := range list {
			total += one.lines
		}
		switch n := len(list) - 1; {
		case total > search.MaxLines && n >= mergeAt/2:
			return list[:n]
		case total > search.MaxLines: // big enough to stay as they are
			levels[level] = list[n:]
		case len(list) >= mergeAt:
			return list
		}
	}
	return nil
}

// writeBlock writes hearings into a new block, as many as fit, at least one. It
// returns how many were written.
func (s *Store) writeBlock(ctx context.Context, ids []string) (int, error) {
	b := search.NewBuilder()
	steps := newSteps(s)
	var entries []marked
	var at span
	reading, stop := context.WithCancel(ctx)
	hearings := s.hearingsToIndex(reading, ids)
	defer func() {
		stop()
		for range hearings { // until it has ended
		}
	}()
	for next := range hearings {
		if next.err != nil {
			return 0, next.err
		}
		if len(entries) == hearingsAtOnce || len(entries) > 0 && b.Lines()+len(next.lines) > search.MaxBuilt {
			break
		}
		b.Add(next.Hearing, next.lines)
		at.add(next.Place())
		entries = append(entries, marked{hearing: next.ID, changes: next.changes})
		steps.rest(ctx)
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	rows, err := b.Rows(func() { steps.rest(ctx) })
	if err != nil {
		return 0, err
	}
	w, err := s.newBlock(ctx, b.Lines(), at)
	if err != nil {
		return 0, err
	}
	for i, data := range rows {
		if err := w.write(ctx, i, data); err != nil {
			return 0, err
		}
	}
	return len(entries), w.publish(ctx, entries, nil)
}

// blockWriter writes the rows of a new block, some in a transaction.
type blockWriter struct {
	*steps
	block   int64
	waiting [][2]any // id and data
	bytes   int      // of waiting
}

// newBlock begins a block that does not count yet.
func (s *Store) newBlock(ctx context.Context, lines int, at span) (*blockWriter, error) {
	w := &blockWriter{steps: newSteps(s)}
	return w, s.write.QueryRowContext(ctx, `
		INSERT INTO search_blocks (ready, lines, newest_at, newest_id, oldest_at, oldest_id)
		VALUES (0, $1, $2, $3, $4, $5) RETURNING block`,
		int64(lines), at.newest.AtMS, at.newest.ID, at.oldest.AtMS, at.oldest.ID).Scan(&w.block)
}

func (w *blockWriter) write(ctx context.Context, row int, data []byte) error {
	w.waiting = append(w.waiting, [2]any{w.block<<rowBits | int64(row), data})
	if w.bytes += len(data); len(w.waiting) < w.n && w.bytes < bytesAtOnce {
		return nil
	}
	return w.flush(ctx)
}

func (w *blockWriter) flush(ctx context.Context) error {
	rows := w.waiting
	w.waiting, w.bytes = nil, 0
	if len(rows) == 0 {
		return nil
	}
	return w.take(ctx, len(rows), func() error { return w.store.writeRows(ctx, rows) })
}

// publish makes the block count in place of others, which it deletes.
func (w *blockWriter) publish(ctx context.Context, entries []marked, replaces []int64) error {
	if err := w.flush(ctx); err != nil {
		return err
	}
	err := w.store.transact(ctx, func(tx *sql.Tx) error {
		return publish(ctx, tx, w.store.dialect, w.block, entries, replaces)
	})
	if err != nil {
		return err
	}
	for _, old := range replaces {
		if err := w.store.deleteRows(ctx, old); err != nil {
			return err
		}
	}
	return nil
}

// toIndex is a hearing with its lines, of one instant.
type toIndex struct {
	search.Hearing
	changes int64
	lines   []search.Line
	err     error // the last one
}

// hearingsToIndex reads hearings, the next one while one is taken in, until ctx
// ends.
func (s *Store) hearingsToIndex(ctx context.Context, ids []string) <-chan toIndex {
	read := make(chan toIndex, 1)
	go func() {
		defer close(read)
		for _, id := range ids {
			h := s.hearingToIndex(ctx, id)
			select {
			case read <- h:
			case <-ctx.Done():
				return
			}
			if h.err != nil {
				return
			}
		}
	}()
	return read
}

func (s *Store) hearingToIndex(ctx context.Context, id string) (h toIndex) {
	var state capture.Hearing
	var byHand map[string]bool
	h.err = s.view(ctx, func(tx *sql.Tx) (err error) {
		state, h.changes, err = searchHearing(ctx, tx, id)
		if err == nil {
			h.lines, byHand, err = searchLines(ctx, tx, id, 0)
		}
		return err
	})
	search.Phases(&state, sortLines(h.lines), byHand)
	h.Hearing = search.NewHearing(&state)
	return h
}

// steps is the work of the index, in pieces between which it makes way for
// others. It bounds transactions by their time: half as many rows after one
// that took too long, a few more after each that did not. For one goroutine.
type steps struct {
	store *Store
	n     int       // rows of the next transaction
	since int       // rows since the last checkpoint
	began time.Time // the work since the last rest
}

func newSteps(s *Store) *steps {
	return &steps{store: s, n: rowsAtOnce / 4, began: time.Now()}
}

// rest waits while others want the machine, and not where nobody does. It comes
// back at once where ctx ended.
func (w *steps) rest(ctx context.Context) {
	worked := time.Since(w.began)
	if worked < workAtLeast {
		return
	}
	if time.Since(time.Unix(0, w.store.index.changed.Load())) < MakeWay {
		rest := time.NewTimer(min(restFor*worked, longestRest))
		defer rest.Stop()
		select {
		case <-ctx.Done():
		case <-rest.C:
		}
	}
	w.began = time.Now()
}

func (w *steps) take(ctx context.Context, rows int, write func() error) error {
	began := time.Now()
	if err := write(); err != nil {
		return err
	}
	if time.Since(began) > patience {
		w.n = max(1, w.n/2)
	} else {
		w.n = min(rowsAtOnce, w.n+4)
	}
	if w.since += rows; w.since >= checkpointAfter {
		w.since = 0
		w.store.checkpoint(ctx)
	}
	w.rest(ctx)
	return nil
}

// checkpoint moves SQLite's log into its file while nobody waits. Left to
// itself, SQLite does that within the commit that makes the log too long, which
// may be that of a live line. Whether it could be done now is no matter.
func (s *Store) checkpoint(ctx context.Context) {
	if s.dialect == SQLite {
		s.read.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`)
	}
}

// writeRows writes pairs of id and data.
func (s *Store) writeRows(ctx context.Context, rows [][2]any) error {
	query := `INSERT INTO search_rows (id, data) VALUES `
	var args []any
	for i, row := range rows {
		if i > 0 {
			query += ","
		}
		query += s.dialect.places(2*i+1, 2)
		args = append(args, row[0], row[1])
	}
	return s.changeLightly(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}

// publish makes a block count, in place of others, and takes the marks off
// those of its hearings that have not changed since they were read.
func publish(ctx context.Context, tx *sql.Tx, d Dialect, block int64, entries []marked, replaces []int64) error {
	exec := func(query string, args ...any) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}
	for _, old := range replaces {
		if err := exec(`DELETE FROM search_blocks WHERE block = $1`, old); err != nil {
			return err
		}
		if err := exec(`DELETE FROM search_moved WHERE block = $1`, old); err != nil {
			return err
		}
	}
	versions := make([][2]any, len(entries))
	for i, e := range entries {
		versions[i] = [2]any{e.hearing, e.changes}
	}
	list, err := json.Marshal(versions)
	if err != nil {
		return err
	}
	each := `(SELECT value ->> 0 AS hearing, CAST(value ->> 1 AS BIGINT) AS changes FROM ` + d.each() + `)`
	same, err := collect(ctx, tx, func(rows *sql.Rows) (id [1]string, err error) { return id, rows.Scan(&id[0]) }, `
		SELECT id FROM hearings
		WHERE (id, changes) IN `+each+` AND id IN (SELECT hearing FROM search_dirty)`+d.hold(), string(list))
	if err != nil {
		return err
	}
	unmarked, err := json.Marshal(same)
	if err != nil {
		return err
	}
	if err := exec(`DELETE FROM search_dirty WHERE hearing IN (SELECT hearing FROM `+each+` AS e)`, string(unmarked)); err != nil {
		return err
	}
	if err := exec(`INSERT INTO search_moved (block, hearing) SELECT block, hearing FROM search_hearings
		WHERE hearing IN (SELECT hearing FROM `+each+` AS e) AND block IN (SELECT block FROM search_blocks)`, string(list)); err != nil {
		return err
	}
	if err := exec(`INSERT INTO search_hearings (hearing, block)
		SELECT hearing, CAST($2 AS BIGINT) FROM `+each+` AS e WHERE true
		ON CONFLICT (hearing) DO UPDATE SET block = excluded.block`, string(list), block); err != nil {
		return err
	}
	return exec(`UPDATE search_blocks SET ready = 1 WHERE block = $1`, block)
}

// hold ends a query whose rows nobody may change until the transaction ends: a
// hearing that changes now is marked after the mark was taken off. SQLite has
// one writer at a time anyway.
func (d Dialect) hold() string {
	if d == Postgres {
		return ` FOR UPDATE`
	}
	return ``
}

// each is a table with a row for each element of the JSON array $1, in the
// column value. Lists are passed so because SQLite looks for each of many
// parameters among all of them.
func (d Dialect) each() string {
	if d == Postgres {
		return `jsonb_array_elements(CAST($1 AS jsonb))`
	}
	return `json_each($1)`
}

// rowsIn selects the rows of search_rows in ranges, which are the JSON array
// of pairs $1: the first and the last id of each.
func (d Dialect) rowsIn() string {
	if d == Postgres { // an array scans its index best, and the plan is always that
		return `SELECT id, data FROM search_rows WHERE id = ANY (ARRAY(
			SELECT generate_series(CAST(value ->> 0 AS bigint), CAST(value ->> 1 AS bigint)) FROM jsonb_array_elements(CAST($1 AS jsonb))))`
	}
	return `SELECT r.id, r.data FROM json_each($1) AS of CROSS JOIN search_rows AS r WHERE r.id BETWEEN of.value ->> 0 AND of.value ->> 1`
}

// warm reads into memory what every search needs, so that the first one does
// not wait for it.
func (s *Store) warm(ctx context.Context) error {
	var blocks []blockInfo
	err := s.view(ctx, func(tx *sql.Tx) (err error) {
		if _, _, _, err = s.liveHearings(ctx, tx); err == nil {
			blocks, err = blocksIn(ctx, tx)
		}
		return err
	})
	slices.SortFunc(blocks, func(a, b blockInfo) int { return a.newest.Compare(b.newest) })
	lines := 0
	for _, info := range blocks {
		if lines += int(info.lines); err != nil || lines > maxContents {
			break
		}
		// Each by itself: a long view keeps SQLite's log from being used again.
		err = s.view(ctx, func(tx *sql.Tx) error {
			f := finder{ctx: ctx, store: s, tx: tx}
			b, err := f.blockOf(info)
			if err == nil {
				_, err = f.contentsOf(info.block, b)
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("read the search index: %w", err)
	}
	return nil
}

// sweep deletes what was written for blocks that do not count: a process ended
// before they did, or before it had deleted them.
func (s *Store) sweep(ctx context.Context) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM search_blocks WHERE ready = 0`); err != nil {
		return fmt.Errorf("sweep the search index: %w", err)
	}
	for block := int64(0); ; block++ {
		var row sql.NullInt64
		err := s.read.QueryRowContext(ctx, `SELECT min(id) FROM search_rows WHERE id >= $1`, block<<rowBits).Scan(&row)
		if err != nil {
			return fmt.Errorf("sweep the search index: %w", err)
		}
		if !row.Valid {
			return nil
		}
		block = row.Int64 >> rowBits
		var counts int
		err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM search_blocks WHERE block = $1`, block).Scan(&counts)
		if err == nil && counts == 0 {
			err = s.deleteRows(ctx, block)
		}
		if err != nil {
			return fmt.Errorf("sweep block %d: %w", block, err)
		}
	}
}

// deleteRows deletes the rows of a block, some at a time.
func (s *Store) deleteRows(ctx context.Context, block int64) error {
	steps := newSteps(s)
	for {
		n, deleted := steps.n, int64(0)
		err := steps.take(ctx, n, func() error {
			return s.changeLightly(ctx, func(tx *sql.Tx) error {
				res, err := tx.ExecContext(ctx, `DELETE FROM search_rows WHERE id IN (
					SELECT id FROM search_rows WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3)`,
					block<<rowBits, (block+1)<<rowBits, n)
				if err == nil {
					deleted, err = res.RowsAffected()
				}
				return err
			})
		})
		if err != nil || deleted < int64(n) {
			return err
		}
	}
}
