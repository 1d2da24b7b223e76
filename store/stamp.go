package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// stampFile is a time-stamp's place beside the files of a signed record.
const stampFile = "timestamp.tsr"

// Unstamped implements transcript.StampStore. A hearing that was announced more
// than a year before it was signed is not found.
func (s *Store) Unstamped(ctx context.Context, since time.Time) ([]capture.Hearing, error) {
	list, err := collect(ctx, s.read, func(rows *sql.Rows) (h capture.Hearing, err error) {
		return h, rows.Scan(jsonText{&h})
	}, `
		SELECT state FROM hearings h WHERE status = $1 AND created_at >= $2
			AND NOT EXISTS (SELECT 1 FROM sealed_files f WHERE f.hearing = h.id AND f.path = $3)`,
		string(capture.Signed), toMicro(since.Add(-announcedAhead)), stampFile)
	if err != nil {
		return nil, fmt.Errorf("list records without a time-stamp: %w", err)
	}
	list = slices.DeleteFunc(list, func(h capture.Hearing) bool { return h.Signing == nil || h.Signing.At.Before(since) })
	slices.SortFunc(list, func(a, b capture.Hearing) int { return b.Signing.At.Compare(a.Signing.At) })
	return list, nil
}

// KeepStamp implements transcript.StampStore.
func (s *Store) KeepStamp(ctx context.Context, hearing string, stamp []byte) error {
	packed, err := pack(stamp)
	if err == nil {
		err = s.change(ctx, func(tx *sql.Tx) error {
			var status string
			err := tx.QueryRowContext(ctx, `SELECT status FROM hearings WHERE id = $1`, hearing).Scan(&status)
			if errors.Is(err, sql.ErrNoRows) {
				return transcript.ErrNotFound
			} else if err != nil {
				return err
			}
			if st := capture.Status(status); st != capture.Signed {
				return &transcript.StateError{Hearing: hearing, Status: st, Action: "stamp"}
			}
			var there int64
			err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM sealed_files WHERE hearing = $1 AND path = $2`, hearing, stampFile).Scan(&there)
			if err != nil || there > 0 {
				return err
			}
			_, err = tx.ExecContext(ctx, `INSERT INTO sealed_files (hearing, path, data) VALUES ($1, $2, $3)`, hearing, stampFile, packed)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("keep the time-stamp of %s: %w", hearing, err)
	}
	return nil
}
