package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"
)

// What does not wait for the disk leaves no connection behind on which others
// would not wait either, however it ends.
func TestChangeLightly(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "x.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	s := &Store{write: db, read: db, dialect: SQLite}
	if _, err := db.Exec(`CREATE TABLE t (n)`); err != nil {
		t.Fatal(err)
	}
	synchronous := func() (level int) {
		t.Helper()
		if err := db.QueryRow(`PRAGMA synchronous`).Scan(&level); err != nil {
			t.Fatal(err)
		}
		return level
	}
	const normal, full = 1, 2
	ctx, cancel := context.WithCancel(t.Context())
	failed := errors.New("failed")
	for _, one := range []struct {
		name string
		end  func() error
	}{
		{"done", func() error { return nil }},
		{"failed", func() error { return failed }},
		{"ended", func() error { cancel(); return ctx.Err() }}, // the last: there is no ctx afterwards
	} {
		err := s.changeLightly(ctx, func(tx *sql.Tx) error {
			var level int
			if err := tx.QueryRow(`PRAGMA synchronous`).Scan(&level); err != nil || level != normal {
				t.Errorf("%s: level %d within, %v", one.name, level, err)
			}
			if _, err := tx.Exec(`INSERT INTO t VALUES (1)`); err != nil {
				return err
			}
			return one.end()
		})
		if level := synchronous(); level != full || (err == nil) != (one.name == "done") {
			t.Errorf("%s: level %d afterwards, error %v", one.name, level, err)
		}
	}
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM t`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}
