package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"tingji/asr"
	"tingji/transcript"
)

const asideColumns = `hearing, id, channel, kind, source, text, started_at, ended_at, line`

// insertAsides keeps what was taken out of a segment's text.
func insertAsides(ctx context.Context, tx *sql.Tx, seg asr.Segment) error {
	for _, a := range transcript.AsidesOf(seg) {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO asides (`+asideColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '')
			ON CONFLICT (hearing, id) DO NOTHING`,
			seg.Hearing, a.ID, a.Channel, string(a.Kind), a.Source, a.Text, toMicro(a.StartedAt), toMicro(a.EndedAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// Asides implements transcript.LineStore.
func (s *Store) Asides(ctx context.Context, hearing string) ([]transcript.Aside, error) {
	list, err := collect(ctx, s.read, func(rows *sql.Rows) (transcript.Aside, error) { return scanAside(rows) },
		`SELECT `+asideColumns+` FROM asides WHERE hearing = $1`, hearing)
	if err != nil {
		return nil, fmt.Errorf("list what was taken out of %s: %w", hearing, err)
	}
	slices.SortFunc(list, func(a, b transcript.Aside) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

func scanAside(row interface{ Scan(...any) error }) (a transcript.Aside, err error) {
	var hearing string
	var from, to int64
	err = row.Scan(&hearing, &a.ID, &a.Channel, &a.Kind, &a.Source, &a.Text, &from, &to, &a.Line)
	a.StartedAt, a.EndedAt = fromMicro(from), fromMicro(to)
	return a, err
}

// BringBack implements transcript.LineStore.
func (s *Store) BringBack(ctx context.Context, aside string, l transcript.Line) (transcript.Line, bool, error) {
	l.Origin = transcript.Hand
	added := false
	err := checkLine(&l)
	if err == nil {
		err = s.change(ctx, func(tx *sql.Tx) error {
			added = false
			a, err := scanAside(tx.QueryRowContext(ctx,
				`SELECT `+asideColumns+` FROM asides WHERE hearing = $1 AND id = $2`, l.Hearing, aside))
			if errors.Is(err, sql.ErrNoRows) {
				return transcript.ErrNotFound
			} else if err != nil {
				return err
			}
			if a.Line == "" {
				if err := addLine(ctx, tx, &l); err != nil {
					return err
				}
				// Whoever else brings it back at this moment waits for the hearing, above.
				res, err := tx.ExecContext(ctx, `UPDATE asides SET line = $3 WHERE hearing = $1 AND id = $2 AND line = ''`, l.Hearing, aside, l.ID)
				if err != nil {
					return err
				}
				n, err := res.RowsAffected()
				if err == nil && n == 0 {
					err = fmt.Errorf("%s was brought back at the same moment: try again", aside)
				}
				added = err == nil
				return err
			}
			l, err = lineIn(ctx, tx, l.Hearing, a.Line)
			return err
		})
	}
	if err != nil {
		return transcript.Line{}, false, fmt.Errorf("bring back %s/%s: %w", l.Hearing, aside, err)
	}
	return l, added, nil
}
