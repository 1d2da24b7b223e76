package transcript

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tingji/asr"
)

// Aside is text that was heard and taken out of a seat's: another seat's voice, or
// what the engine most likely made up. The clerk can bring it back.
type Aside struct {
	ID        string    `json:"id"` // utterance~n; unique in the hearing
	Channel   string    `json:"channel"`
	Role      string    `json:"role"` // who sits there
	Speaker   string    `json:"speaker"`
	Kind      AsideKind `json:"kind"`
	Source    string    `json:"source"` // of cross-talk, the channel that has it louder; else an asr.DoubtReason
	Text      string    `json:"text"`
	StartMS   int64     `json:"start_ms"` // on the hearing's clock
	EndMS     int64     `json:"end_ms"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"-"`
	Line      string    `json:"line,omitempty"` // that it was brought back as
}

// AsideKind says why text was taken out; a stable word.
type AsideKind string

// The kinds of asides.
const (
	AsideCrosstalk AsideKind = "crosstalk"
	AsideDoubtful  AsideKind = "doubtful"
)

// maxAsides is how many pieces of one segment are kept; no utterance has more.
const maxAsides = 1000

// AsidesOf are the asides of a final, in order, without what only a hearing knows:
// role, speaker, and its clock. What has no text is none.
func AsidesOf(seg asr.Segment) []Aside {
	if seg.Stage != asr.Final {
		return nil
	}
	var list []Aside
	add := func(kind AsideKind, source string, start, end int64, text string) {
		if len(text) > maxSegmentText {
			text = strings.ToValidUTF8(text[:maxSegmentText], "")
		}
		text, source = heardText(text), short(source)
		if r := []rune(text); len(r) > maxLineRunes {
			text = string(r[:maxLineRunes])
		}
		if utf8.RuneCountInString(text) == 0 || len(list) == maxAsides {
			return
		}
		first, last := seg.First.Milliseconds(), (seg.Last + 1).Milliseconds()
		start = min(max(start, first), last)
		end = min(max(end, start), last)
		at := func(ms int64) time.Time { return stamp(seg.StartedAt.Add(time.Duration(ms-first) * time.Millisecond)) }
		list = append(list, Aside{
			ID: fmt.Sprintf("%s~%d", seg.Utterance, len(list)+1), Channel: seg.Channel, Kind: kind, Source: source, Text: text,
			StartedAt: at(start), EndedAt: at(end),
		})
	}
	for _, c := range seg.Crosstalk {
		add(AsideCrosstalk, c.From, c.Start, c.End, c.Text)
	}
	for _, d := range seg.Doubtful {
		add(AsideDoubtful, string(d.Reason), d.Start, d.End, d.Text)
	}
	return list
}

// Asides are what was taken out of a hearing's text, in the order of speech. ErrNotFound.
func (d *Docket) Asides(ctx context.Context, hearing string) ([]Aside, error) {
	h, err := d.hearing(ctx, hearing)
	if err != nil {
		return nil, err
	}
	list, err := d.store.Asides(ctx, hearing)
	if err != nil {
		return nil, fmt.Errorf("asides of %s: %w", hearing, err)
	}
	for i := range list {
		a := &list[i]
		seg := asr.Segment{Channel: a.Channel, StartedAt: a.StartedAt}
		a.Role, a.Speaker = holder(&h, seg)
		a.StartMS, _ = clock(&h, seg)
		a.EndMS = a.StartMS + max(0, a.EndedAt.Sub(a.StartedAt).Milliseconds())
	}
	return list, nil
}

// BringBack makes a line of an aside, at its seat and its time, in the name of who asks for
// it; the line that it became before, if it did. *StateError once the hearing is signed;
// ErrNotFound.
func (d *Docket) BringBack(ctx context.Context, hearing, aside, author string) (Line, error) {
	author, err := requiredText("author", "记录人", "author", author, maxName)
	if err != nil {
		return Line{}, err
	}
	if _, err := d.writable(ctx, hearing, "add a line"); err != nil {
		return Line{}, err
	}
	list, err := d.Asides(ctx, hearing)
	if err != nil {
		return Line{}, err
	}
	for _, a := range list {
		if a.ID != aside {
			continue
		}
		line, added, err := d.store.BringBack(ctx, aside, Line{
			Hearing: hearing, Channel: a.Channel, Role: a.Role, Speaker: a.Speaker, Text: a.Text,
			StartMS: a.StartMS, EndMS: a.EndMS, StartedAt: a.StartedAt, Words: []Word{}, Origin: Hand, Revision: 1, Author: author,
		})
		if err != nil {
			return Line{}, d.failedWrite(hearing, fmt.Errorf("bring back %s/%s: %w", hearing, aside, err))
		}
		if added {
			d.feeds.publish(hearing, Event{ID: line.Change, Kind: LineChanged, Line: &line})
		}
		return line, nil
	}
	return Line{}, fmt.Errorf("aside %s/%s: %w", hearing, aside, ErrNotFound)
}
