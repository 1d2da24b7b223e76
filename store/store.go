package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"tingji/transcript"
)

// Store keeps the court's records in one database. It is safe for use by
// several goroutines.
type Store struct {
	write   *sql.DB
	read    *sql.DB
	dialect Dialect
	closed  func() error
	index   index
}

var _ transcript.Store = (*Store)(nil)

// Database is an opened database that speaks one of the two dialects.
//
// Write and Read may be the same pool. A store on SQLite has one connection to
// write with and several to read: there, a second writer could only wait.
type Database struct {
	Write   *sql.DB
	Read    *sql.DB
	Dialect Dialect
	// Closed, where it is set, is called when the pools have been closed.
	Closed func() error
}

// Open brings the schema of a database up to date and returns the store on it.
// The store owns the pools from then on; they are closed when Open fails.
//
// A database of a newer program gives an error that says so, and is not
// touched.
func Open(ctx context.Context, db Database, log *slog.Logger) (*Store, error) {
	s := newStore(db)
	if err := migrate(ctx, db, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Look is Open for whoever only reads, beside a record server that may be of
// another version: the schema stays as it is. Where it is an older one the error
// is a [*SchemaError].
func Look(ctx context.Context, db Database) (*Store, error) {
	s := newStore(db)
	has, err := schemaVersion(ctx, db)
	switch {
	case err != nil:
		err = fmt.Errorf("read the schema version: %w", err)
	case has > SchemaVersion:
		err = newerSchema(has)
	case has < SchemaVersion:
		err = &SchemaError{Has: has}
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func newStore(db Database) *Store {
	s := &Store{write: db.Write, read: db.Read, dialect: db.Dialect, closed: db.Closed}
	if s.closed == nil {
		s.closed = func() error { return nil }
	}
	return s
}

// Close ends the store; calls under way fail. Idempotent.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.write.Close(), s.closed())
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.read.PingContext(ctx); err != nil {
		return fmt.Errorf("ping the database: %w", err)
	}
	return nil
}

// change runs f in a transaction and commits it, unless f fails. Whoever keeps
// the index makes way for a while.
//
// f must not use s: with SQLite it holds the only connection that can write.
func (s *Store) change(ctx context.Context, f func(*sql.Tx) error) error {
	s.index.changed.Store(time.Now().UnixNano())
	return s.transact(ctx, f)
}

// transact is change for what no speech waits behind: the index itself, and the
// accesses of readers.
func (s *Store) transact(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return nameFull(err)
	}
	defer tx.Rollback() // after a commit: no effect
	if err := f(tx); err != nil {
		return nameFull(err)
	}
	return nameFull(tx.Commit())
}

// changeLightly is change for what can be made anew: the commit does not wait
// for the disk, and so keeps nobody else from committing. A crash may lose it,
// but only with everything that was committed after it: both databases write one
// log, from its beginning to its end, and the next commit of change waits for
// all of it.
func (s *Store) changeLightly(ctx context.Context, f func(*sql.Tx) error) (err error) {
	if s.dialect == Postgres {
		return s.transact(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, `SET LOCAL synchronous_commit = off`); err != nil {
				return err
			}
			return f(tx)
		})
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	defer func() {
		if _, bad := conn.ExecContext(context.WithoutCancel(ctx), `PRAGMA synchronous = FULL`); bad != nil {
			// Nobody else may commit on it.
			err = errors.Join(err, bad, conn.Raw(func(any) error { return driver.ErrBadConn }))
		}
	}()
	if _, err := conn.ExecContext(ctx, `PRAGMA synchronous = NORMAL`); err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// view runs f on one snapshot of the database.
func (s *Store) view(ctx context.Context, f func(*sql.Tx) error) error {
	// SQLite has no levels and takes a snapshot with the first read; PostgreSQL
	// would otherwise take one for each statement.
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return f(tx)
}

// nextChange numbers a change of a hearing and holds the hearing's row until
// the transaction ends, so that numbers become visible in their order. It
// returns the hearing's status before.
func nextChange(ctx context.Context, tx *sql.Tx, hearing string) (id int64, status string, err error) {
	err = tx.QueryRowContext(ctx,
		`UPDATE hearings SET changes = changes + 1 WHERE id = $1 RETURNING changes, status`, hearing).
		Scan(&id, &status)
	if errors.Is(err, sql.ErrNoRows) {
		err = transcript.ErrNotFound
	}
	return id, status, err
}

// MaxText bounds the text of a line, in bytes. It is far beyond what anybody
// says in one turn, and keeps one line from weighing down every page.
const MaxText = 64 << 10

const maxName = 1 << 10 // of roles, speakers, authors, engines

// checkText refuses what one of the databases could not keep as it is. A
// *transcript.FieldError is permanent: the same text will be refused again.
func checkText(field, s string, max int) error {
	bad := func(zh, en string) error {
		return &transcript.FieldError{Field: field, Text: zh, TextEN: en}
	}
	switch {
	case len(s) > max:
		return bad(fmt.Sprintf("太长：%d 字节，最多 %d 字节", len(s), max), fmt.Sprintf("too long: %d bytes, at most %d", len(s), max))
	case !utf8.ValidString(s):
		return bad("不是有效的 UTF-8 文本", "not valid UTF-8")
	case strings.ContainsRune(s, 0):
		return bad("含有空字符（U+0000）", "contains U+0000")
	}
	return nil
}

// Times are kept as whole microseconds since 1970: the same in both databases,
// and what a hash over them was made of.
func toMicro(t time.Time) int64    { return t.UnixMicro() }
func fromMicro(us int64) time.Time { return time.UnixMicro(us).UTC() }
func now() time.Time               { return time.Now().UTC().Truncate(time.Microsecond) }

func toInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
