package transcript

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tingji/capture"
)

// Edit is what a clerk makes of a line; nil fields stay.
type Edit struct {
	Text    *string `json:"text"`
	Role    *string `json:"role"`
	Speaker *string `json:"speaker"`
	// Confirm says that a person has looked at the line: with it, an edit that
	// changes nothing gives a revision too, and ends a doubt (see Sign).
	Confirm bool `json:"confirm"`
}

// Revise appends a revision to a line. An edit that neither changes nor confirms
// anything gives no revision. An empty text takes the line out of the record;
// what was said before stays in its revisions.
//
// *FieldError, *ConflictError, *StateError (signed), ErrNotFound.
func (d *Docket) Revise(ctx context.Context, hearing, line string, ifRevision int, e Edit, author string) (Line, error) {
	author, err := requiredText("author", "修改人", "author", author, maxName)
	if err != nil {
		return Line{}, err
	}
	h, err := d.writable(ctx, hearing, "revise")
	if err != nil {
		return Line{}, err
	}
	current, err := d.store.Line(ctx, hearing, line)
	if err != nil {
		return Line{}, fmt.Errorf("revise line %s/%s: %w", hearing, line, err)
	}
	if current.Revision != ifRevision {
		return Line{}, &ConflictError{Current: current}
	}
	r := Revision{
		Line: line, Revision: current.Revision + 1,
		Text: current.Text, Role: current.Role, Speaker: current.Speaker,
		Author: author, At: stamp(time.Now()), Previous: current.Hash,
	}
	if e.Text != nil {
		if r.Text, err = cleanText("text", *e.Text, maxLineRunes); err != nil {
			return Line{}, err
		}
	}
	if e.Role != nil && *e.Role != current.Role {
		if r.Role, err = cleanRole("role", *e.Role, h.CaseNo == "" || hasRole(&h, *e.Role)); err != nil {
			return Line{}, err
		}
	}
	if e.Speaker != nil {
		if r.Speaker, err = cleanText("speaker", *e.Speaker, maxName); err != nil {
			return Line{}, err
		}
	}
	if !e.Confirm && r.Text == current.Text && r.Role == current.Role && r.Speaker == current.Speaker {
		return current, nil
	}
	changed, err := d.store.Revise(ctx, hearing, line, ifRevision, r)
	if err != nil {
		return Line{}, d.failedWrite(hearing, fmt.Errorf("revise line %s/%s: %w", hearing, line, err))
	}
	d.feeds.publish(hearing, Event{ID: changed.Change, Kind: LineChanged, Line: &changed})
	return changed, nil
}

// HandLine is a line that the clerk writes: （当庭出示证据一）.
type HandLine struct {
	Text    string `json:"text"`
	Role    string `json:"role"` // may be empty: nobody said it
	Speaker string `json:"speaker"`
	StartMS *int64 `json:"start_ms"` // nil: now
	// Of words that were cut off a line of speech: its seat, and where they end.
	Channel string `json:"channel"`
	EndMS   *int64 `json:"end_ms"` // nil: where it starts
}

// maxHearingMS is longer than any hearing: a week.
const maxHearingMS = int64(7 * 24 * time.Hour / time.Millisecond)

// AddLine adds a hand-written line. *FieldError, *StateError (not opened yet,
// or signed), ErrNotFound.
func (d *Docket) AddLine(ctx context.Context, hearing string, l HandLine, author string) (Line, error) {
	author, err := requiredText("author", "记录人", "author", author, maxName)
	if err != nil {
		return Line{}, err
	}
	h, err := d.writable(ctx, hearing, "add a line")
	if err != nil {
		return Line{}, err
	}
	if h.OpenedAt == nil {
		return Line{}, &StateError{Hearing: hearing, Status: h.Status, Action: "add a line"}
	}
	line := Line{Hearing: hearing, Words: []Word{}, Origin: Hand, Revision: 1, Author: author}
	if line.Text, err = requiredText("text", "内容", "text", l.Text, maxLineRunes); err != nil {
		return Line{}, err
	}
	if l.Role != "" {
		if line.Role, err = cleanRole("role", l.Role, h.CaseNo == "" || hasRole(&h, l.Role)); err != nil {
			return Line{}, err
		}
	}
	if line.Speaker, err = cleanText("speaker", l.Speaker, maxName); err != nil {
		return Line{}, err
	}
	line.StartedAt = stamp(time.Now())
	if l.StartMS != nil {
		if *l.StartMS < 0 || *l.StartMS > maxHearingMS {
			return Line{}, &FieldError{"start_ms", "时间不在庭审之内", "outside the hearing"}
		}
		line.StartedAt = h.OpenedAt.Add(time.Duration(*l.StartMS) * time.Millisecond)
	}
	line.StartMS = max(0, line.StartedAt.Sub(*h.OpenedAt).Milliseconds())
	line.EndMS = line.StartMS
	if l.EndMS != nil {
		if *l.EndMS < line.StartMS || *l.EndMS > maxHearingMS {
			return Line{}, &FieldError{"end_ms", "时间不在庭审之内，或者早于开始", "outside the hearing, or before the beginning"}
		}
		line.EndMS = *l.EndMS
	}
	if l.Channel != "" && !slices.ContainsFunc(h.Seats, func(s capture.Seat) bool { return s.Channel == l.Channel }) {
		return Line{}, &FieldError{"channel", "没有这个席位", "there is no such seat"}
	}
	line.Channel = l.Channel
	added, err := d.store.AddLine(ctx, line)
	if err != nil {
		return Line{}, d.failedWrite(hearing, fmt.Errorf("add line to %s: %w", hearing, err))
	}
	d.feeds.publish(hearing, Event{ID: added.Change, Kind: LineChanged, Line: &added})
	return added, nil
}

// writable is the hearing, unless it is signed. The store has the last word.
func (d *Docket) writable(ctx context.Context, id, action string) (capture.Hearing, error) {
	h, err := d.hearing(ctx, id)
	if err != nil {
		return h, err
	}
	if h.Status == capture.Signed {
		return h, &StateError{Hearing: id, Status: h.Status, Action: action}
	}
	return h, nil
}

// failedWrite returns err, after having the subscribers look at the store where
// it may have been written nevertheless.
func (d *Docket) failedWrite(hearing string, err error) error {
	var conflict *ConflictError
	var state *StateError
	if !errors.As(err, &conflict) && !errors.As(err, &state) && !errors.Is(err, ErrNotFound) {
		d.feeds.refresh(hearing)
	}
	return err
}

// hasRole reports whether somebody of the hearing has this role: it was checked
// when the hearing was announced.
func hasRole(h *capture.Hearing, role string) bool {
	for _, s := range h.Seats {
		if s.Role == role {
			return true
		}
	}
	for _, p := range h.Participants {
		if p.Role == role {
			return true
		}
	}
	return false
}
