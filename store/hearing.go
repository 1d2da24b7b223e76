package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

const (
	usualHearings = 100
	maxHearings   = 1000
	// announcedAhead is how long before it is held a hearing can have been
	// announced and still be found by its day: a bound on the rows to look at.
	announcedAhead = 366 * 24 * time.Hour
)

// CreateHearing stores a new hearing as its change 1.
func (s *Store) CreateHearing(ctx context.Context, h capture.Hearing) error {
	state, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("create hearing %s: %w", h.ID, err)
	}
	res, err := s.write.ExecContext(ctx, `
		INSERT INTO hearings (id, version, status, courtroom, case_no, created_at, changes, hand_lines, state)
		VALUES ($1, $2, $3, $4, $5, $6, 1, 0, $7)
		ON CONFLICT (id) DO NOTHING`,
		h.ID, h.Version, string(h.Status), h.Courtroom, h.CaseNo, toMicro(h.CreatedAt), string(state))
	if err != nil {
		return fmt.Errorf("create hearing %s: %w", h.ID, nameFull(err))
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("create hearing %s: %w", h.ID, errors.Join(errors.New("a hearing with this id exists"), err))
	}
	return nil
}

// UpdateHearing implements transcript.HearingStore. change must not call the
// store. A signed hearing is refused whatever change says.
func (s *Store) UpdateHearing(ctx context.Context, id string, change func(*capture.Hearing) error) (capture.Hearing, int64, error) {
	h, n, err := s.updateHearing(ctx, id, change, func(*sql.Tx, int64) error { return nil })
	var own *ownError
	switch {
	case errors.As(err, &own):
		return capture.Hearing{}, 0, own.err
	case err != nil:
		return capture.Hearing{}, 0, fmt.Errorf("update hearing %s: %w", id, err)
	}
	return h, n, nil
}

// ownError is an error of a caller's function: it goes back as it is.
type ownError struct{ err error }

func (e *ownError) Error() string { return e.err.Error() }

// updateHearing changes a hearing's state, and in the same transaction does
// what goes with it; that sees the number of the change.
func (s *Store) updateHearing(ctx context.Context, id string, change func(*capture.Hearing) error,
	also func(tx *sql.Tx, change int64) error,
) (h capture.Hearing, n int64, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		var status string
		if n, status, err = nextChange(ctx, tx, id); err != nil {
			return err
		}
		if h, err = hearingIn(ctx, tx, id); err != nil {
			return err
		}
		version := h.Version
		if err := change(&h); err != nil {
			return &ownError{err}
		}
		if st := capture.Status(status); st == capture.Signed {
			return &transcript.StateError{Hearing: id, Status: st, Action: "revise"}
		}
		h.ID, h.Version = id, max(version, h.Version)+1
		state, err := json.Marshal(h)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE hearings SET version = $2, status = $3, courtroom = $4, case_no = $5, state = $6 WHERE id = $1`,
			id, h.Version, string(h.Status), h.Courtroom, h.CaseNo, string(state))
		if err != nil {
			return err
		}
		return also(tx, n)
	})
	return h, n, err
}

// Hearing implements transcript.HearingStore.
func (s *Store) Hearing(ctx context.Context, id string) (capture.Hearing, error) {
	h, err := hearingIn(ctx, s.read, id)
	if err != nil {
		return capture.Hearing{}, fmt.Errorf("read hearing %s: %w", id, err)
	}
	return h, nil
}

// querier is a pool or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func hearingIn(ctx context.Context, q querier, id string) (h capture.Hearing, err error) {
	err = q.QueryRowContext(ctx, `SELECT state FROM hearings WHERE id = $1`, id).Scan(jsonText{&h})
	if errors.Is(err, sql.ErrNoRows) {
		err = transcript.ErrNotFound
	}
	return h, err
}

// Hearings implements transcript.HearingStore. The hearings of a filter's
// Before are those created earlier, and of the same instant those with a
// smaller id, so that pages neither repeat nor skip one.
func (s *Store) Hearings(ctx context.Context, f transcript.HearingFilter) ([]capture.Hearing, error) {
	var (
		where []string
		args  []any
	)
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	if len(f.Status) > 0 {
		var list []string
		for _, st := range f.Status {
			list = append(list, arg(string(st)))
		}
		where = append(where, "status IN ("+strings.Join(list, ", ")+")")
	}
	if f.Courtroom != "" {
		where = append(where, "courtroom = "+arg(f.Courtroom))
	}
	if f.CaseNo != "" {
		literal := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(f.CaseNo)
		where = append(where, "case_no LIKE "+arg("%"+literal+"%")+` ESCAPE '\'`)
	}
	if f.Before != "" {
		where = append(where, "(created_at, id) < (SELECT created_at, id FROM hearings WHERE id = "+arg(f.Before)+")")
	}
	limit := f.Limit
	if limit <= 0 {
		limit = usualHearings
	}
	limit = min(limit, maxHearings)
	byDay := !f.From.IsZero() || !f.To.IsZero()
	if !f.From.IsZero() {
		where = append(where, "created_at >= "+arg(toMicro(f.From.Add(-announcedAhead))))
	}
	query := "SELECT state FROM hearings"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	query += " ORDER BY created_at DESC, id DESC"
	if !byDay {
		query += " LIMIT " + arg(limit)
	}
	list, err := collect(ctx, s.read, func(rows *sql.Rows) (h capture.Hearing, err error) {
		return h, rows.Scan(jsonText{&h})
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list hearings: %w", err)
	}
	if byDay {
		// Only the state knows when a hearing is held.
		list = slices.DeleteFunc(list, func(h capture.Hearing) bool {
			at := transcript.HeldAt(h)
			return at.Before(f.From) || !f.To.IsZero() && !at.Before(f.To)
		})
		list = list[:min(limit, len(list))]
	}
	return list, nil
}

// collect reads all rows of a query; the result is not nil.
func collect[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// jsonText scans a column of JSON text into what into points to.
type jsonText struct{ into any }

func (j jsonText) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), j.into)
	case []byte:
		return json.Unmarshal(v, j.into)
	}
	return fmt.Errorf("JSON column holds %T", v)
}
