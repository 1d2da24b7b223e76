package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"tingji/transcript"
)

type exportCmd struct {
	Hearing string  `arg:"" help:"Id of the hearing, as its page's address shows it."`
	Format  string  `default:"docx" placeholder:"FORMAT" help:"docx, pdf, txt, json, srt or vtt; or folder: all that proves the record offline, for tingji verify."`
	Output  string  `short:"o" placeholder:"FILE" help:"Write to a file (a folder, for that format), whole or not at all; else to standard output."`
	Form    string  `placeholder:"FORM" help:"spoken (as it was said), or written: numbers, dates and sums in figures."`
	Amounts string  `placeholder:"FORM" help:"Sums in written form: short (20万元), full (200000元), or both (200000元（贰拾万元整）)."`
	Turns   string  `placeholder:"HOW" help:"single, or joined: one turn of what a speaker says without a long pause."`
	Copy    string  `placeholder:"WHICH" help:"original, or publication: the copy without signatures."`
	DB      *string `name:"db" placeholder:"URL" help:"sqlite:FILE or postgres://…; without it, SQLite in the data folder."`
}

func (exportCmd) once() {}

func (exportCmd) Help() string {
	return "Writes the record of a hearing. It reads the store and may run beside the record server.\n\n" +
		"Examples:\n  tingji export 20260506-090000-k3x9 --format docx -o 笔录.docx\n" +
		"  tingji export 20260506-090000-k3x9 --format folder -o 证明 && tingji verify 证明"
}

func (c exportCmd) apply(config *Config) { set(&config.DB, c.DB) }

func (c exportCmd) Run(ctx context.Context, a *app) error {
	formats, err := a.recordFormats()
	if err != nil {
		return err
	}
	format, ok := formats[c.Format]
	if !ok && c.Format != "folder" {
		return misuse("--format %s: one of folder, %s", c.Format, strings.Join(slices.Sorted(maps.Keys(formats)), ", "))
	}
	style, err := transcript.ParseStyle(c.Form, c.Amounts, c.Turns)
	if err == nil {
		err = style.ParseCopy(c.Copy)
	}
	if err != nil {
		return misuse("--%v", err)
	}
	db, err := a.existingStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	docket := a.docket(db, a.archive(db))
	if c.Format == "folder" {
		return c.proof(ctx, docket)
	}
	record, err := docket.Record(ctx, c.Hearing)
	if errors.Is(err, transcript.ErrNotFound) {
		return misuse("there is no hearing %q in this store", c.Hearing)
	} else if err != nil {
		return err
	}
	record.Style = style
	var out bytes.Buffer
	if err := format.Write(ctx, &out, record); err != nil {
		return err
	}
	return deliver(a.stdout, c.Output, out.Bytes())
}
