package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tingji/transcript"
)

type searchCmd struct {
	Query     []string `arg:"" optional:"" help:"What to look for; docs/SEARCH.md describes the language."`
	Pinyin    string   `placeholder:"LETTERS" help:"Typed pinyin or initials."`
	CaseNo    string   `placeholder:"PART" help:"A part of the case number."`
	Role      string   `help:"Role of who speaks."`
	Courtroom string   `placeholder:"ID" help:"Courtroom."`
	From      string   `placeholder:"DATE" help:"First day, month or year: 2024-05-06, 2024-05, 2024."`
	To        string   `placeholder:"DATE" help:"Last day, month or year."`
	Newest    bool     `help:"Newest hearing first; otherwise what was said before what only sounds so."`
	Limit     int      `default:"20" help:"Hearings of a page, at most 100."`
	Cursor    string   `help:"Go on after a page: its next."`
	JSON      bool     `name:"json" help:"Print one JSON object, as the API does."`
	DB        *string  `name:"db" placeholder:"URL" help:"sqlite:FILE or postgres://…; without it, SQLite in the data folder."`
}

func (searchCmd) once() {}

func (searchCmd) Help() string {
	return "Finds what was said, how it sounded, and numbers however they are written. It reads the store and may run beside the record server.\n\n" +
		"Example:\n  tingji search '借条 ~10秒 转账' --role 原告 --from 2024\n  tingji search --pinyin weiyuejin"
}

func (c searchCmd) apply(config *Config) { set(&config.DB, c.DB) }

func (c searchCmd) Run(ctx context.Context, a *app) error {
	if c.Limit < 1 || c.Limit > 100 {
		return misuse("--limit %d: 1 to 100", c.Limit)
	}
	db, err := a.existingStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	// Whoever can read the database sees all of it: there is nobody to ask.
	found, err := db.Search(ctx, transcript.SearchRequest{
		Query: strings.Join(c.Query, " "), Pinyin: c.Pinyin, CaseNo: c.CaseNo, Role: c.Role, Courtroom: c.Courtroom,
		From: c.From, To: c.To, Newest: c.Newest, Limit: c.Limit, Cursor: c.Cursor,
	}, func(transcript.SearchHearing) bool { return true })
	var bad *transcript.QueryError
	if errors.As(err, &bad) {
		return misuse("%w", err)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(a.stdout)
		out.SetEscapeHTML(false)
		return out.Encode(found)
	}
	return printFound(a.stdout, found)
}

// printFound prints what was found for people: a hearing, then its lines, with
// what matched in 【】.
func printFound(w io.Writer, r transcript.SearchResult) error {
	var b strings.Builder
	for _, h := range r.Hearings {
		fmt.Fprintf(&b, "%s  %s  %s  %s  (%d)\n", h.At.Local().Format("2006-01-02 15:04"), h.CaseNo, h.Courtroom, h.ID, h.Count)
		for _, l := range h.Lines {
			at := (time.Duration(l.StartMS) * time.Millisecond).Truncate(time.Second)
			speaker := l.Role
			if l.Speaker != "" {
				speaker += " " + l.Speaker
			}
			fmt.Fprintf(&b, "  %02d:%02d:%02d  %s：%s", int(at.Hours()), int(at.Minutes())%60, int(at.Seconds())%60, speaker, mark(l.Text, l.Spans))
			for _, n := range l.Near {
				fmt.Fprintf(&b, " … %s：%s", n.Role, mark(n.Text, n.Spans))
			}
			b.WriteByte('\n')
		}
		if more := h.Count - len(h.Lines); more > 0 {
			fmt.Fprintf(&b, "  … %d more\n", more)
		}
	}
	more := ""
	if r.CountMore {
		more = "more than "
	}
	fmt.Fprintf(&b, "%s%d lines", more, r.Count)
	if r.Widened {
		b.WriteString(", all by sound only")
	}
	if r.Incomplete {
		b.WriteString("; not everything was looked through")
	}
	b.WriteByte('\n')
	if r.Next != "" {
		fmt.Fprintf(&b, "more: --cursor %s\n", r.Next)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func mark(text string, spans []transcript.SearchSpan) string {
	runes := []rune(text)
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(string(runes[at:s.Start]) + "【" + string(runes[s.Start:s.End]) + "】")
		at = s.End
	}
	return b.String() + string(runes[at:])
}
