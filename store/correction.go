package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"tingji/capture"
	"tingji/transcript"
)

// maxRequest bounds a request or a decision, as JSON in bytes.
const maxRequest = 4 * MaxText

// nextCorrection numbers a change of a hearing that is not signed.
func nextCorrection(ctx context.Context, tx *sql.Tx, hearing string) (int64, error) {
	change, status, err := nextChange(ctx, tx, hearing)
	if st := capture.Status(status); err == nil && st == capture.Signed {
		err = &transcript.StateError{Hearing: hearing, Status: st, Action: "correct"}
	}
	return change, err
}

// AddCorrection implements transcript.CorrectionStore. ErrNotFound for an
// unknown hearing.
func (s *Store) AddCorrection(ctx context.Context, c transcript.Correction) (transcript.Correction, int64, error) {
	var change int64
	err := s.change(ctx, func(tx *sql.Tx) error {
		var err error
		if change, err = nextCorrection(ctx, tx, c.Hearing); err != nil {
			return err
		}
		var n int64 // the hearing's row is held: nobody else counts now
		if err := tx.QueryRowContext(ctx, `SELECT count(*) + 1 FROM corrections WHERE hearing = $1`, c.Hearing).Scan(&n); err != nil {
			return err
		}
		c.ID, c.Decision = strconv.FormatInt(n, 10), nil
		request, err := toJSON(c)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO corrections (hearing, number, request) VALUES ($1, $2, $3)`, c.Hearing, n, request)
		return err
	})
	if err != nil {
		return transcript.Correction{}, 0, fmt.Errorf("add a correction to %s: %w", c.Hearing, err)
	}
	return c, change, nil
}

// DecideCorrection implements transcript.CorrectionStore.
func (s *Store) DecideCorrection(ctx context.Context, hearing, id string, dec transcript.Decision, ifRevision int, r *transcript.Revision,
) (c transcript.Correction, line *transcript.Line, change int64, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		if c, err = correctionIn(ctx, tx, hearing, id); err != nil {
			return err
		}
		if r != nil {
			l, err := reviseIn(ctx, tx, hearing, c.Line, ifRevision, *r)
			if err != nil {
				return err
			}
			line = &l
		}
		if change, err = nextCorrection(ctx, tx, hearing); err != nil {
			return err
		}
		// Read again: the row of the hearing is held from here on.
		if c, err = correctionIn(ctx, tx, hearing, id); err != nil {
			return err
		}
		if c.Decision != nil {
			return &transcript.DecidedError{Current: c}
		}
		c.Decision = &dec
		decision, err := toJSON(dec)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO decisions (hearing, number, decision) SELECT hearing, number, $3 FROM corrections
			WHERE hearing = $1 AND number = $2`, hearing, number(id), decision)
		return err
	})
	if err != nil {
		return transcript.Correction{}, nil, 0, fmt.Errorf("decide correction %s/%s: %w", hearing, id, err)
	}
	return c, line, change, nil
}

// toJSON writes what a JSON column keeps.
func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err == nil {
		err = checkText("correction", string(b), maxRequest)
	}
	return string(b), err
}

// number is that of a correction's id; 0 where there can be none.
func number(id string) int64 {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != id {
		return 0
	}
	return n
}

const correctionQuery = `SELECT c.request, d.decision FROM corrections c
	LEFT JOIN decisions d ON d.hearing = c.hearing AND d.number = c.number WHERE c.hearing = $1`

func scanCorrection(row interface{ Scan(...any) error }) (c transcript.Correction, err error) {
	var decision sql.NullString
	if err = row.Scan(jsonText{&c}, &decision); err == nil && decision.Valid {
		err = json.Unmarshal([]byte(decision.String), &c.Decision)
	}
	return c, err
}

func correctionIn(ctx context.Context, q querier, hearing, id string) (transcript.Correction, error) {
	c, err := scanCorrection(q.QueryRowContext(ctx, correctionQuery+` AND c.number = $2`, hearing, number(id)))
	if errors.Is(err, sql.ErrNoRows) {
		err = transcript.ErrNotFound
	}
	return c, err
}

// Correction implements transcript.CorrectionStore.
func (s *Store) Correction(ctx context.Context, hearing, id string) (transcript.Correction, error) {
	c, err := correctionIn(ctx, s.read, hearing, id)
	if err != nil {
		return transcript.Correction{}, fmt.Errorf("read correction %s/%s: %w", hearing, id, err)
	}
	return c, nil
}

// Corrections implements transcript.CorrectionStore.
func (s *Store) Corrections(ctx context.Context, hearing string) ([]transcript.Correction, error) {
	list, err := collect(ctx, s.read, func(rows *sql.Rows) (transcript.Correction, error) { return scanCorrection(rows) },
		correctionQuery+` ORDER BY c.number`, hearing)
	if err != nil {
		return nil, fmt.Errorf("read corrections of %s: %w", hearing, err)
	}
	return list, nil
}
