package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tingji/transcript"
)

type exportCmd struct {
	Hearing string  `arg:"" help:"Id of the hearing, as its page's address shows it."`
	Format  string  `default:"docx" placeholder:"FORMAT" help:"docx, txt, json, srt or vtt."`
	Output  string  `short:"o" placeholder:"FILE" help:"Write to a file, whole or not at all; else to standard output."`
	DB      *string `name:"db" placeholder:"URL" help:"sqlite:FILE or postgres://…; without it, SQLite in the data folder."`
}

func (exportCmd) once() {}

func (exportCmd) Help() string {
	return "Writes the record of a hearing. It reads the store and may run beside the record server.\n\n" +
		"Example:\n  tingji export 20260506-090000-k3x9 --format docx -o 笔录.docx"
}

func (c exportCmd) apply(config *Config) { set(&config.DB, c.DB) }

func (c exportCmd) Run(ctx context.Context, a *app) error {
	format, ok := recordFormats()[c.Format]
	if !ok {
		return misuse("--format %s: one of %s", c.Format, strings.Join(slices.Sorted(maps.Keys(recordFormats())), ", "))
	}
	if a.config.DB == "" {
		path := filepath.Join(a.config.Data, "tingji.db")
		if _, err := os.Stat(path); err != nil {
			return misuse("there is no store %s: name the data folder with --data, or the database with --db", path)
		}
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	docket := transcript.NewDocket(db, courtrooms(a.config.Courtrooms), a.log, transcript.WithCourt(a.config.Court))
	record, err := docket.Record(ctx, c.Hearing)
	if errors.Is(err, transcript.ErrNotFound) {
		return misuse("there is no hearing %q in this store", c.Hearing)
	} else if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := format.Write(&out, record); err != nil {
		return err
	}
	return deliver(a.stdout, c.Output, out.Bytes())
}
