package searchbench

import (
	"context"
	"database/sql"
	"fmt"

	"tingji/store/search"
	"tingji/store/search/corpus"
)

// fill writes the corpus into the index and nowhere else, past the store: what
// a search reads is all there, without the record that it was made from, which
// takes three times the room.
func (b *bench) fill(ctx context.Context, hearings <-chan corpus.Hearing) error {
	blocks := make(chan *filled)
	written := make(chan error, 1)
	writing, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // one block while the next is made
		var err error
		for f := range blocks {
			if err == nil {
				err = f.write(writing, b.past)
			}
		}
		written <- err
	}()
	f := newFilled()
	for h := range hearings {
		b.take(&h)
		search.Phases(&h.Hearing, h.Lines, nil)
		if f.lines+len(h.Lines) > search.MaxLines {
			if err := f.end(); err != nil {
				return err
			}
			blocks <- f
			f = newFilled()
		}
		if err := f.add(search.NewHearing(&h.Hearing), h.Lines); err != nil {
			return err
		}
	}
	if err := f.end(); err != nil {
		return err
	}
	blocks <- f
	close(blocks)
	return <-written
}

// filled is a block to write.
type filled struct {
	builder        *search.Builder
	parts          []search.Source
	lines          int
	ids            []string
	newest, oldest search.Place
}

func newFilled() *filled { return &filled{builder: search.NewBuilder()} }

func (f *filled) add(h search.Hearing, lines []search.Line) error {
	if f.builder.Lines()+len(lines) > search.MaxBuilt {
		if err := f.end(); err != nil {
			return err
		}
	}
	if f.newest = h.Place(); len(f.ids) == 0 { // they come in the order of time
		f.oldest = f.newest
	}
	f.ids = append(f.ids, h.ID)
	f.lines += len(lines)
	f.builder.Add(h, lines)
	return nil
}

// end makes a part of what came since the last one.
func (f *filled) end() error {
	rows, err := f.builder.Rows(func() {})
	if err != nil {
		return err
	}
	contents, err := search.ReadContents(rows[search.RowDirectory])
	f.parts = append(f.parts, search.Source{Contents: contents, Row: func(n int) ([]byte, error) { return rows[n], nil }})
	f.builder = search.NewBuilder()
	return err
}

func (f *filled) write(ctx context.Context, db *sql.DB) error {
	m, err := search.NewMerger(f.parts)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var block int64
	err = tx.QueryRowContext(ctx, `INSERT INTO search_blocks (ready, lines, newest_at, newest_id, oldest_at, oldest_id)
		VALUES (1, $1, $2, $3, $4, $5) RETURNING block`,
		f.lines, f.newest.AtMS, f.newest.ID, f.oldest.AtMS, f.oldest.ID).Scan(&block)
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO search_rows (id, data) VALUES ($1, $2)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	err = m.Rows(func(row int, data []byte) error {
		_, err := insert.ExecContext(ctx, block<<24|int64(row), data)
		return err
	}, func() {})
	for _, id := range f.ids {
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO search_hearings (hearing, block) VALUES ($1, $2)`, id, block)
		}
	}
	if err != nil {
		return fmt.Errorf("block %d: %w", block, err)
	}
	return tx.Commit()
}
