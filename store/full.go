package store

import (
	"errors"
	"fmt"
	"syscall"

	"tingji/transcript"
)

// DiskFull reports whether an error, of the database or of a file, says that
// there is no room: nothing is broken, and space is all that is needed.
func DiskFull(err error) bool {
	const (
		sqliteFull = 13 // SQLITE_FULL
		pgDiskFull = "53100"
	)
	var (
		lite interface{ Code() int }        // *sqlite.Error
		pg   interface{ SQLState() string } // *pgconn.PgError
	)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return true
	case errors.As(err, &lite):
		return lite.Code()&0xff == sqliteFull
	case errors.As(err, &pg):
		return pg.SQLState() == pgDiskFull
	}
	return false
}

// nameFull makes the error of a full disk one that the docket and the pages know.
func nameFull(err error) error {
	if DiskFull(err) {
		return fmt.Errorf("%w: %w", transcript.ErrDiskFull, err)
	}
	return err
}
