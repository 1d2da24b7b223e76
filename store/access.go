package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"tingji/transcript"
)

const accessColumns = `number, at, reader, action, hearing, detail, refused, previous, hash`

// accessLock keeps two writers of PostgreSQL from taking the same number. SQLite
// has one writer.
const accessLock = 7_461_001

// AddAccess implements transcript.AccessStore.
func (s *Store) AddAccess(ctx context.Context, a transcript.Access) error {
	a.At = a.At.UTC().Truncate(time.Microsecond)
	for _, text := range []*string{&a.Reader, &a.Action, &a.Hearing, &a.Detail} {
		// It comes from outside, and PostgreSQL keeps no other text.
		*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "\uFFFD"), "\x00", "\uFFFD")
	}
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if s.dialect == Postgres {
			if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, accessLock); err != nil {
				return err
			}
		}
		a.Number, a.Previous = 0, ""
		err := tx.QueryRowContext(ctx, `SELECT number, hash FROM accesses ORDER BY number DESC LIMIT 1`).Scan(&a.Number, &a.Previous)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		a.Number++
		a.Hash = transcript.HashAccess(a)
		_, err = tx.ExecContext(ctx, `INSERT INTO accesses (`+accessColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			a.Number, toMicro(a.At), a.Reader, a.Action, a.Hearing, a.Detail, toInt(a.Refused), a.Previous, a.Hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("write down the access %s of %s: %w", a.Action, a.Reader, err)
	}
	return nil
}

// Accesses implements transcript.AccessStore.
func (s *Store) Accesses(ctx context.Context, filter transcript.AccessFilter, f func(transcript.Access) error) error {
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !filter.From.IsZero() {
		from = toMicro(filter.From)
	}
	if !filter.To.IsZero() {
		to = toMicro(filter.To)
	}
	query, args := `at >= $1 AND at < $2`, []any{from, to}
	if filter.Hearing != "" {
		query, args = query+` AND hearing = $3`, append(args, filter.Hearing)
	}
	err := eachAccess(ctx, s.read, func(a transcript.Access) error {
		if !strings.Contains(a.Reader, filter.Reader) {
			return nil
		}
		return f(a)
	}, query, args...)
	if err != nil {
		return fmt.Errorf("list accesses: %w", err)
	}
	return nil
}

func eachAccess(ctx context.Context, q querier, f func(transcript.Access) error, where string, args ...any) error {
	rows, err := q.QueryContext(ctx, `SELECT `+accessColumns+` FROM accesses WHERE `+where+` ORDER BY number`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a transcript.Access
		var at, refused int64
		if err := rows.Scan(&a.Number, &at, &a.Reader, &a.Action, &a.Hearing, &a.Detail, &refused, &a.Previous, &a.Hash); err != nil {
			return err
		}
		a.At, a.Refused = fromMicro(at), refused != 0
		if err := f(a); err != nil {
			return err
		}
	}
	return rows.Err()
}
