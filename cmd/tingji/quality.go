package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

type qualityCmd struct {
	From string  `placeholder:"DATE" help:"First day: 2026-05-06. Without it, 30 days up to the last."`
	To   string  `placeholder:"DATE" help:"Last day; without it, today."`
	Demo bool    `help:"Demonstrations, which are left out otherwise."`
	JSON bool    `name:"json" help:"Print one JSON object, as the API does."`
	DB   *string `name:"db" placeholder:"URL" help:"sqlite:FILE or postgres://…; without it, SQLite in the data folder."`
}

func (qualityCmd) once() {}

func (qualityCmd) Help() string {
	return "Compares what engines heard with what clerks made of it, in lines that a person has revised or confirmed: errors a character (CER), " +
		"by courtroom, seat and engine, and never by who corrected. It reads the store and may run beside the record server. docs/QUALITY.md says what the figures mean.\n\n" +
		"Example:\n  tingji quality --from 2026-05-01 --to 2026-05-31"
}

func (c qualityCmd) apply(config *Config) { set(&config.DB, c.DB) }

func (c qualityCmd) Run(ctx context.Context, a *app) error {
	request, err := transcript.ParseQuality(c.From, c.To, time.Now())
	var bad *transcript.QueryError
	if errors.As(err, &bad) {
		return misuse("--%s: %s", bad.Field, bad.TextEN)
	}
	request.Demo = c.Demo
	db, err := a.existingStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	// Whoever can read the database sees all of it: there is nobody to ask.
	q, err := transcript.MeasureQuality(ctx, db, request, func(capture.Hearing) bool { return true })
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(a.stdout)
		out.SetEscapeHTML(false)
		return out.Encode(q)
	}
	return printQuality(a.stdout, q, courtrooms(a.config.Courtrooms))
}

func printQuality(w io.Writer, q transcript.Quality, rooms courtrooms) error {
	const day = time.DateOnly
	kind := ""
	if q.Demo {
		kind = " of demonstration"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s to %s: %d hearings%s, %.0f minutes\n", q.From.Format(day),
		q.To.AddDate(0, 0, -1).Format(day), q.Hearings, kind, q.Minutes)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tCER\terrors\tcharacters\tlines\tchecked\ttaken out\trejected\tby hand")
	row := func(name string, a transcript.Accuracy) {
		cer := "–"
		if a.CER != nil {
			cer = fmt.Sprintf("%.1f %%", *a.CER*100)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%.0f %%\t%d\t%d\t%d\n", name, cer, a.Errors, a.Characters,
			a.Lines, a.Share*100, a.TakenOut, a.Rejected, a.Hand)
	}
	row("all", q.Total)
	for _, r := range q.Courtrooms {
		row("courtroom "+rooms.Name(r.Courtroom), r.Accuracy)
		for _, s := range q.Seats {
			if s.Courtroom == r.Courtroom {
				row("  "+s.Channel, s.Accuracy)
			}
		}
	}
	for _, e := range q.Engines {
		row("engine "+strings.TrimSpace(e.Engine+" "+e.Model), e.Accuracy)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if e := q.Effort; e != nil {
		fmt.Fprintf(&b, "%d revisions, %.2f in a minute of hearing; %d of them after it was closed\n", e.Revisions, e.PerMinute, e.AfterClose)
	}
	if q.Total.Lines > 0 {
		fmt.Fprintln(&b, "Only lines that a person has revised or confirmed are compared; an error that nobody saw is in no figure.")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
