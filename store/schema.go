package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Dialect names what the two databases do differently. It is part of the names
// of the migrations that are not for both: 00002_append_only.sqlite.sql.
type Dialect string

const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// SchemaVersion is the version that this program reads and writes.
const SchemaVersion = 7

//go:embed schema/*.sql
var schemaFiles embed.FS

// migrate brings the schema up to SchemaVersion: forward only, each file in a
// transaction of its own, so that a crash leaves one version or the next.
func migrate(ctx context.Context, db Database, log *slog.Logger) error {
	p, err := migrations(db)
	if err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	has, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	if has > SchemaVersion {
		return newerSchema(has)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("bring the schema from version %d to %d: %w", has, SchemaVersion, err)
	}
	if len(done) > 0 {
		log.Info("database schema brought up to date", "from", has, "to", SchemaVersion)
	}
	return nil
}

func newerSchema(has int64) error {
	return fmt.Errorf("the database was written by a newer tingji (schema %d, this one knows %d): install that version or a later one", has, SchemaVersion)
}

// SchemaError is that of [Look] where the schema is older than this program's.
type SchemaError struct {
	Has int64 // 0: there is none yet
}

func (e *SchemaError) Error() string {
	if e.Has == 0 {
		return "the database holds no record yet: the record server makes one when it starts"
	}
	return fmt.Sprintf("the database is of an older tingji (schema %d, this one has %d), and only the record server changes that: start this version's, or use the version that is installed", e.Has, SchemaVersion)
}

// schemaVersion reads the version and changes nothing: 0 where there is no schema.
func schemaVersion(ctx context.Context, db Database) (has int64, err error) {
	there := "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'"
	if db.Dialect == Postgres {
		there = "SELECT count(to_regclass('schema_version'))"
	}
	if err = db.Read.QueryRowContext(ctx, there).Scan(&has); err == nil && has > 0 {
		err = db.Read.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM schema_version").Scan(&has)
	}
	return has, err
}

func migrations(db Database) (*goose.Provider, error) {
	files, err := fs.Sub(schemaFiles, "schema")
	if err != nil {
		return nil, err
	}
	opts := []goose.ProviderOption{
		goose.WithTableName("schema_version"),
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)), // migrate says what there is to say
	}
	dialect, other := goose.DialectSQLite3, Postgres
	if db.Dialect == Postgres {
		dialect, other = goose.DialectPostgres, SQLite
		// Two servers that start together must not both migrate.
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	names, err := fs.Glob(files, "*."+string(other)+".sql")
	if err != nil {
		return nil, err
	}
	opts = append(opts, goose.WithExcludeNames(names))
	return goose.NewProvider(dialect, db.Write, files, opts...)
}

// places are n values of a statement, of which the first is the at-th: ($3,$4).
// SQLite gets them without names: it would look for each among all.
func (d Dialect) places(at, n int) string {
	if d == SQLite {
		return "(" + strings.Repeat("?,", n-1) + "?)"
	}
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(at+i)
	}
	return "(" + strings.Join(list, ",") + ")"
}
