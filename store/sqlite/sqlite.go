// Package sqlite keeps the court's records in one SQLite file: the default,
// for one court with nothing installed. The driver is pure Go.
//
// The file belongs to one process: locking its folder is the caller's part.
// A copy of the file alone, taken while the store is open, is not a backup:
// the newest changes stand in the -wal file beside it.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"tingji/store"
)

// applicationID marks the file as ours (PRAGMA application_id): "Tngj".
const applicationID = 0x546e676a

const readers = 4

// Open opens the record in the file path, and makes it where there is none.
// A file that is damaged, is no database, or belongs to another program or a
// newer tingji gives one error that says so, and is not changed.
func Open(ctx context.Context, path string, log *slog.Logger) (*store.Store, error) {
	fail := func(err error) (*store.Store, error) { return nil, fmt.Errorf("open %s: %w", path, explain(err)) }
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fail(errors.New("not a file"))
	}
	if err := identify(ctx, path); err != nil {
		return fail(err)
	}
	db, err := pools(path)
	if err != nil {
		return fail(err)
	}
	s, err := store.Open(ctx, db, log)
	if err != nil {
		return fail(err)
	}
	return s, nil
}

// Look opens the record in the file path for whoever only reads, also beside a
// server of another version; see [store.Look].
func Look(ctx context.Context, path string) (*store.Store, error) {
	db, err := pools(path)
	return look(ctx, path, db, err)
}

// LookStill is Look for a file that nobody writes, a backup's: it may lie where
// nothing can be written, and not a byte of it or of its folder changes.
func LookStill(ctx context.Context, path string) (*store.Store, error) {
	db, err := pool(path, url.Values{"mode": {"ro"}, "immutable": {"1"}, "_pragma": {"cache_size(-16000)"}})
	if db != nil {
		db.SetMaxOpenConns(readers)
	}
	return look(ctx, path, store.Database{Write: db, Read: db, Dialect: store.SQLite}, err)
}

func look(ctx context.Context, path string, db store.Database, err error) (s *store.Store, _ error) {
	if err == nil {
		s, err = store.Look(ctx, db)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, explain(err))
	}
	return s, nil
}

// OpenCopy opens a copy of the file path, which nobody may be writing, brought up
// to date. It lies in the system's folder for such things until it is closed.
func OpenCopy(ctx context.Context, path string, log *slog.Logger) (*store.Store, error) {
	temp, err := os.MkdirTemp("", "tingji-copy-*")
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", path, err)
	}
	copied := filepath.Join(temp, filepath.Base(path))
	remove := func() error { return os.RemoveAll(temp) }
	if err := copyFile(ctx, path, copied); err != nil {
		return nil, errors.Join(fmt.Errorf("copy %s into %s, which TMPDIR names: %w", path, os.TempDir(), err), remove())
	}
	db, err := pools(copied)
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	db.Closed = remove
	s, err := store.Open(ctx, db, log)
	if err != nil {
		return nil, fmt.Errorf("open a copy of %s: %w", path, explain(err))
	}
	return s, nil
}

func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { in.Close() })() // ends the copying of a long file
	_, err = io.Copy(out, in)
	return errors.Join(err, ctx.Err(), out.Close())
}

// pools are one connection that writes and several that read. Each setting
// holds for a connection; journal_mode for the file. In WAL mode readers see
// the state before a transaction while it is written, and nobody waits.
func pools(path string) (store.Database, error) {
	common := []string{"busy_timeout(10000)", "foreign_keys(1)"}
	write, err := pool(path, url.Values{
		"_txlock": {"immediate"}, // a transaction that will write never has to turn from a reader into a writer
		// The store moves the log into the file when nobody waits; a commit does it only where that was long not done: 32 MB.
		"_pragma": slices.Concat(common, []string{"journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)", "wal_autocheckpoint(8192)"}),
	})
	if err != nil {
		return store.Database{}, err
	}
	// 16 MB of pages for each that reads: the upper ones of the search index stay.
	read, err := pool(path, url.Values{"_pragma": slices.Concat(common, []string{"query_only(1)", "cache_size(-16000)"})})
	if err != nil {
		return store.Database{}, err
	}
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return store.Database{Write: write, Read: read, Dialect: store.SQLite}, nil
}

// identify refuses what is not ours, with a connection that changes nothing,
// and marks a new file.
func identify(ctx context.Context, path string) error {
	db, err := pool(path, url.Values{"_pragma": {"busy_timeout(10000)"}})
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var id, tables int
	if err = db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err == nil {
		err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables)
	}
	switch {
	case err != nil:
		return err
	case id == applicationID:
		return nil
	case id != 0 || tables > 0:
		return errors.New("is the database of another program")
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return err
}

// explain puts what SQLite says into words for the person who can mend it.
func explain(err error) error {
	var e *driver.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff { // without the extension
	case lib.SQLITE_NOTADB:
		return fmt.Errorf("is no database, or its beginning is damaged: restore it from a backup, or name another file (%w)", err)
	case lib.SQLITE_CORRUPT:
		return fmt.Errorf("is damaged: restore it from a backup (%w)", err)
	case lib.SQLITE_CANTOPEN:
		return fmt.Errorf("cannot be opened or made: does the folder exist, and may this user write there? (%w)", err)
	case lib.SQLITE_READONLY, lib.SQLITE_PERM:
		return fmt.Errorf("may not be written by this user (%w)", err)
	case lib.SQLITE_FULL:
		return fmt.Errorf("the disk is full (%w)", err)
	case lib.SQLITE_BUSY:
		return fmt.Errorf("is locked by another process (%w)", err)
	}
	return err
}

// pool opens connections as they are needed. Everything in path is escaped, so
// that nothing of it is taken for an option.
func pool(path string, options url.Values) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	u := url.URL{Path: "/" + strings.TrimPrefix(filepath.ToSlash(abs), "/")} // C:\… becomes /C:/…
	return sql.Open("sqlite", "file:"+u.EscapedPath()+"?"+options.Encode())
}

// Backup writes a copy of the record in the file path to the new file target:
// one instant of it, without its free pages, readable by Open. A server may go
// on writing: nobody waits.
func Backup(ctx context.Context, path, target string) error {
	fail := func(err error) error { return fmt.Errorf("back up %s into %s: %w", path, target, explain(err)) }
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		return fail(errors.Join(fmt.Errorf("%s is there already", target), err))
	}
	db, err := pool(path, url.Values{"_pragma": {"busy_timeout(10000)"}, "mode": {"rw"}})
	if err != nil {
		return fail(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", target); err != nil {
		return fail(errors.Join(err, os.Remove(target)))
	}
	file, err := os.OpenFile(target, os.O_RDWR, 0)
	if err != nil {
		return fail(err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fail(err)
	}
	return nil
}
