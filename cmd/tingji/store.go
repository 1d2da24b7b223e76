package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tingji/store"
	"tingji/store/audio"
	"tingji/store/sqlite"
)

// storeCmd looks after what the record server keeps.
type storeCmd struct {
	DB *string `name:"db" placeholder:"URL" help:"sqlite:FILE or postgres://…; without it, SQLite in the data folder."`

	Check   storeCheckCmd   `cmd:"" help:"Read everything that is kept, and name what was changed or is missing."`
	Backup  storeBackupCmd  `cmd:"" help:"Copy database and sound into a new folder, also while hearings go on."`
	Restore storeRestoreCmd `cmd:"" help:"Make a data folder, or fill an empty database, from a backup."`
	Move    storeMoveCmd    `cmd:"" help:"Copy the whole record into another, empty database, and compare."`
	Audit   storeAuditCmd   `cmd:"" help:"Print who looked at which hearing, and when."`
	Reindex storeReindexCmd `cmd:"" help:"Throw the search index away: the record server makes it anew."`
}

func (storeCmd) Help() string {
	return "What it reads may be read while hearings go on; docs/STORE.md says when to run which.\n\n" +
		"Examples:\n  tingji store check --data /srv/tingji\n  tingji store backup --data /srv/tingji /backup/2026-11-23"
}

func (c storeCmd) apply(config *Config) { set(&config.DB, c.DB) }

type storeCheckCmd struct {
	NoAudio bool `help:"Leave the archive's sound out."`
}

func (storeCheckCmd) once() {}

func (storeCheckCmd) Help() string {
	return "Checks the database's own structure, the chain of every line's revisions, the sums taken of quiet hearings, the chain of accesses, the search index " +
		"against the lines, and the SHA-256 of every file of sound. It changes nothing and may run beside the record server. " +
		"Prints ok, or a line for each fault, and exits with 1.\n\nExample:\n  tingji store check --data /srv/tingji"
}

func (c storeCheckCmd) Run(ctx context.Context, a *app) error {
	db, err := a.existingStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	faults := 0
	say := func(where, what string) {
		faults++
		fmt.Fprintf(a.stdout, "%s: %s\n", where, oneLine(errors.New(what)))
	}
	checked, err := db.Check(ctx, func(f store.Fault) { say(f.Where, f.What) })
	if err != nil {
		return interrupted(ctx, err)
	}
	var sound audio.Checked
	if !c.NoAudio {
		sound, err = a.archive(db).Check(ctx, func(file, what string) { say("audio file "+file, what) })
		if err != nil {
			return interrupted(ctx, err)
		}
	}
	if faults > 0 {
		return fmt.Errorf("%d faults: restore a backup where it is the record or its sound; tingji store reindex mends the search index", faults)
	}
	fmt.Fprintf(a.stdout, "ok\n%d hearings (%d held to their sum), %d lines, %d revisions, %d accesses, %d blocks of the search index\n",
		checked.Hearings, checked.Summed, checked.Lines, checked.Revisions, checked.Accesses, checked.Blocks)
	if c.NoAudio {
		return nil
	}
	fmt.Fprintf(a.stdout, "%d audio files with %s of sound\n", sound.Files, sound.Samples.Duration().Round(time.Second))
	if sound.Unproved > 0 {
		fmt.Fprintf(a.stdout, "%d of them are of an older program and have no SHA-256: only their length was checked\n", sound.Unproved)
	}
	return nil
}

// interrupted is err, or that somebody ended what failed.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

type storeMoveCmd struct {
	To string `required:"" placeholder:"URL" help:"The empty database: postgres://user@host/database, or sqlite:FILE."`
}

func (storeMoveCmd) once() {}

func (storeMoveCmd) Help() string {
	return "Copies the whole record in one transaction, reads it again from the new database, and compares rows and sums of every table. " +
		"Stop the record server first. Whatever ends it before its end leaves the new database empty and the old one as it is: run it again. " +
		"The sound stays in the data folder; the search index is made anew by the server.\n\n" +
		"Example:\n  tingji store move --data /srv/tingji --to postgres://tingji@db/court"
}

func (c storeMoveCmd) Run(ctx context.Context, a *app) error {
	if c.To == a.config.DB {
		return misuse("--to %s: that is where the record is", c.To)
	}
	from, letGo, err := a.quietStore(ctx)
	if err != nil {
		return err
	}
	defer letGo()
	other := *a
	other.config.DB = c.To
	if file, ok := strings.CutPrefix(c.To, "sqlite:"); ok {
		if _, err := os.Stat(file); err == nil {
			return misuse("--to %s: the file is there already", c.To)
		}
	}
	to, err := other.openStore(ctx)
	if err != nil {
		return err
	}
	defer to.Close()
	began := time.Now()
	tables, err := from.CopyTo(ctx, to, a.progressRows())
	if err != nil {
		if errors.Is(err, store.ErrNotEmpty) {
			return misuse("--to: %v", err)
		}
		return interrupted(ctx, err)
	}
	printTables(a, tables)
	_, err = fmt.Fprintf(a.stdout, "ok, in %s: rows and sums are equal; now set db = %q\n", time.Since(began).Round(time.Second), withoutPassword(c.To))
	return err
}

// progressRows says on a terminal how far a copy is.
func (a *app) progressRows() func(string, int64) {
	return func(table string, rows int64) {
		if a.progress {
			fmt.Fprintf(a.stderr, "\r\033[K%s %d", table, rows)
		}
	}
}

func printTables(a *app, tables []store.CopiedTable) {
	if a.progress {
		fmt.Fprint(a.stderr, "\r\033[K")
	}
	for _, t := range tables {
		fmt.Fprintf(a.stdout, "%-14s %9d rows  %s\n", t.Name, t.Rows, t.Sum)
	}
}

type storeReindexCmd struct{}

func (storeReindexCmd) once() {}

func (storeReindexCmd) Help() string {
	return "The search index is made from the lines and can be made anew. Stop the record server, run this, start it again: it indexes the " +
		"newest hearings first, and says of a search that not everything was looked through until it is done.\n\nExample:\n  tingji store reindex"
}

func (storeReindexCmd) Run(ctx context.Context, a *app) error {
	db, letGo, err := a.quietStore(ctx)
	if err != nil {
		return err
	}
	defer letGo()
	return db.Reindex(ctx)
}

// quietStore opens a store that is there already, and keeps record servers on
// this data folder from starting until it is let go.
func (a *app) quietStore(ctx context.Context) (db *store.Store, letGo func(), err error) {
	if err := a.storeExists(); err != nil {
		return nil, nil, err // before the locks make a folder of a name that was mistyped
	}
	var closers []func() error
	letGo = func() {
		for _, c := range slices.Backward(closers) {
			c()
		}
	}
	for _, name := range []string{"up", "serve"} {
		unlock, err := openFolder(a.config.Data, name)
		if err != nil {
			letGo()
			return nil, nil, fmt.Errorf("no record server may run meanwhile: %w", err)
		}
		closers = append(closers, unlock)
	}
	if db, err = a.openStore(ctx); err != nil {
		letGo()
		return nil, nil, err
	}
	closers = append(closers, db.Close)
	return db, letGo, nil
}

// backUp writes one instant of the database into a file of SQLite.
func (a *app) backUp(ctx context.Context, target string) error {
	db, err := a.existingStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if file, ok := a.sqliteFile(); ok {
		return sqlite.Backup(ctx, file, target)
	}
	to, err := sqlite.Open(ctx, target, a.log)
	if err != nil {
		return err
	}
	_, err = db.CopyTo(ctx, to, a.progressRows())
	if errors.Is(err, store.ErrWritten) {
		err = nil // it is one instant all the same
	}
	return cmp.Or(err, to.Close())
}
