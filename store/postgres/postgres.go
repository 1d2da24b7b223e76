// Package postgres keeps the court's records in PostgreSQL, for a court that
// has outgrown one file. It needs PostgreSQL 13 or later and a database of its
// own, in UTF-8, in which it may create tables.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"tingji/store"
)

const connections = 8

// Open opens the record in the database that url names
// (postgres://user@host/name, or a libpq keyword string). Errors name the
// server and the database, never the password.
func Open(ctx context.Context, url string, log *slog.Logger) (*store.Store, error) {
	return open(ctx, url, func(db store.Database) (*store.Store, error) { return store.Open(ctx, db, log) })
}

// Look opens the record for whoever only reads; see [store.Look].
func Look(ctx context.Context, url string) (*store.Store, error) {
	return open(ctx, url, func(db store.Database) (*store.Store, error) { return store.Look(ctx, db) })
}

func open(ctx context.Context, url string, with func(store.Database) (*store.Store, error)) (*store.Store, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err) // pgx hides the password
	}
	// A commit that was confirmed is on the server's disk, whatever its default.
	config.RuntimeParams["synchronous_commit"] = "on"
	config.RuntimeParams["timezone"] = "UTC"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "tingji"
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	fail := func(err error) (*store.Store, error) {
		return nil, fmt.Errorf("open PostgreSQL database %s at %s: %w", config.Database, address(config), explain(err))
	}
	if err := identify(ctx, db); err != nil {
		return fail(errors.Join(err, db.Close()))
	}
	s, err := with(store.Database{Write: db, Read: db, Dialect: store.Postgres})
	if err != nil {
		return fail(err)
	}
	return s, nil
}

// identify refuses a database that cannot hold the record or holds something
// else, before anything is written to it.
func identify(ctx context.Context, db *sql.DB) error {
	var (
		version      int
		encoding     string
		ours, tables bool
	)
	err := db.QueryRowContext(ctx, `
		SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
			to_regclass('schema_version') IS NOT NULL,
			EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema())`).Scan(&version, &encoding, &ours, &tables)
	switch {
	case err != nil:
		return err
	case version < 130000:
		return fmt.Errorf("PostgreSQL %d is too old: 13 or later is needed", version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("its encoding is %s: create it with ENCODING 'UTF8'", encoding)
	case tables && !ours:
		return errors.New("it holds the tables of another program: create a database for tingji alone")
	}
	return nil
}

// explain puts what the server says into words for the person who can mend it.
func explain(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		var netErr net.Error
		if errors.As(err, &netErr) {
			// err says the same once for each address and attempt, in several lines.
			return fmt.Errorf("it cannot be reached: is the server running, and the address right? (%w)", netErr)
		}
		return err
	}
	switch e.Code {
	case "28P01", "28000":
		return fmt.Errorf("the server refuses this user or password (%w)", err)
	case "3D000":
		return fmt.Errorf("there is no such database: create it first (%w)", err)
	case "42501":
		return fmt.Errorf("this user may not create tables there (%w)", err)
	}
	return err
}

func address(c *pgx.ConnConfig) string { return net.JoinHostPort(c.Host, fmt.Sprint(c.Port)) }
