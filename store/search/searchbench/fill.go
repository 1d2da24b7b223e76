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
	blocks := make(chan filled)
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
		if f.builder.Lines()+len(h.Lines) > search.MaxLines {
			blocks <- f
			f = newFilled()
		}
		f.add(search.NewHearing(&h.Hearing), h.Lines)
	}
	blocks <- f
	close(blocks)
	return <-written
}

// filled is a block to write.
type filled struct {
	builder        *search.Builder
	ids            []string
	newest, oldest search.Place
}

func newFilled() filled { return filled{builder: search.NewBuilder()} }

func (f *filled) add(h search.Hearing, lines []search.Line) {
	if f.newest = h.Place(); len(f.ids) == 0 { // they come in the order of time
		f.oldest = f.newest
	}
	f.ids = append(f.ids, h.ID)
	f.builder.Add(h, lines)
}

func (f *filled) write(ctx context.Context, db *sql.DB) error {
	rows, err := f.builder.Rows(func() {})
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
		f.builder.Lines(), f.newest.AtMS, f.newest.ID, f.oldest.AtMS, f.oldest.ID).Scan(&block)
	if err != nil {
		return err
	}
	each := func(query string, n int, args func(i int) []any) error {
		stmt, err := tx.PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for i := range n {
			if _, err := stmt.ExecContext(ctx, args(i)...); err != nil {
				return fmt.Errorf("block %d: %w", block, err)
			}
		}
		return nil
	}
	err = each(`INSERT INTO search_rows (id, data) VALUES ($1, $2)`, len(rows), func(i int) []any {
		return []any{block<<24 | int64(i), rows[i]}
	})
	if err == nil {
		err = each(`INSERT INTO search_hearings (hearing, block) VALUES ($1, $2)`, len(f.ids), func(i int) []any {
			return []any{f.ids[i], block}
		})
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}
