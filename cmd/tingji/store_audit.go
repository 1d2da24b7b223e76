package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"tingji/transcript"
)

// storeAuditCmd prints who looked at what.
type storeAuditCmd struct {
	Hearing string `placeholder:"ID" help:"Of this hearing alone."`
	Reader  string `placeholder:"PART" help:"A part of the reader's name or address."`
	From    string `placeholder:"DATE" help:"First day, 2026-11-23, by the machine's clock."`
	To      string `placeholder:"DATE" help:"Last day."`
	JSON    bool   `name:"json" help:"Print one JSON object a line."`
}

func (storeAuditCmd) once() {}

func (storeAuditCmd) Help() string {
	return "Prints a line for each look at a hearing and each act on it: when, who, what, of which hearing, what of it. Who is the address, and behind a proxy " +
		"on this machine the name that it asked for (deploy/nginx.conf). A page that asks again within ten minutes for the same counts once. The corrections of lines " +
		"are in the record itself. Entries are chained like revisions: tingji store check finds one that was changed or taken out.\n\n" +
		"Example:\n  tingji store audit --data /srv/tingji --hearing 20261127-090000-k3x9 --from 2026-11-27"
}

func (c storeAuditCmd) Run(ctx context.Context, a *app) error {
	filter := transcript.AccessFilter{Hearing: c.Hearing, Reader: c.Reader}
	for _, d := range []struct {
		flag, day string
		after     int
		into      *time.Time
	}{{"--from", c.From, 0, &filter.From}, {"--to", c.To, 1, &filter.To}} {
		if d.day == "" {
			continue
		}
		day, err := time.ParseInLocation(time.DateOnly, d.day, time.Local)
		if err != nil {
			return misuse("%s %s: a day is written 2026-11-23", d.flag, d.day)
		}
		*d.into = day.AddDate(0, 0, d.after)
	}
	db, err := a.existingStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	lines := json.NewEncoder(a.stdout)
	lines.SetEscapeHTML(false)
	return db.Accesses(ctx, filter, func(e transcript.Access) error {
		if c.JSON {
			return lines.Encode(e)
		}
		action := e.Action
		if e.Refused {
			action += " (refused)"
		}
		// What comes from outside must not move a terminal's cursor.
		line := e.At.Local().Format(time.DateTime)
		for _, text := range []string{e.Reader, action, e.Hearing, e.Detail} {
			line += "\t" + strings.Map(printed, text)
		}
		_, err := fmt.Fprintln(a.stdout, strings.TrimRight(line, "\t"))
		return err
	})
}

func printed(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '\uFFFD'
}
