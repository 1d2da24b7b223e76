package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"tingji/capture"
	"tingji/transcript"
)

// Seal implements transcript.ProofStore: state and files in one transaction. An
// error of change is returned as it is.
func (s *Store) Seal(ctx context.Context, id string, ifChange int64, files []transcript.SealedFile, change func(*capture.Hearing) error) (capture.Hearing, int64, error) {
	fail := func(err error) (capture.Hearing, int64, error) {
		return capture.Hearing{}, 0, fmt.Errorf("seal hearing %s: %w", id, err)
	}
	packed := make([][]byte, len(files)) // before the transaction: others wait for it
	for i, f := range files {
		var err error
		if packed[i], err = pack(f.Data); err != nil {
			return fail(err)
		}
	}
	h, n, err := s.updateHearing(ctx, id, change, func(tx *sql.Tx, n int64) error {
		if n != ifChange+1 {
			return transcript.ErrChanged
		}
		for i, f := range files {
			_, err := tx.ExecContext(ctx, `INSERT INTO sealed_files (hearing, path, data) VALUES ($1, $2, $3)`, id, f.Path, packed[i])
			if err != nil {
				return fmt.Errorf("keep %s: %w", f.Path, err)
			}
		}
		return nil
	})
	var own *ownError
	if errors.As(err, &own) {
		return capture.Hearing{}, 0, own.err
	}
	if err != nil {
		return fail(err)
	}
	return h, n, nil
}

// Sealed implements transcript.ProofStore.
func (s *Store) Sealed(ctx context.Context, hearing string) ([]transcript.SealedFile, error) {
	list, err := collect(ctx, s.read, func(rows *sql.Rows) (f transcript.SealedFile, err error) {
		var packed []byte
		if err = rows.Scan(&f.Path, &packed); err == nil {
			f.Data, err = unpack(packed)
		}
		return f, err
	}, `SELECT path, data FROM sealed_files WHERE hearing = $1 ORDER BY path`, hearing)
	if err != nil {
		return nil, fmt.Errorf("read the signed record of %s: %w", hearing, err)
	}
	return list, nil
}

func pack(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(z)
	return data, errors.Join(err, z.Close())
}
