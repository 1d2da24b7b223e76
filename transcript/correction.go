package transcript

import (
	"context"
	"fmt"
	"time"

	"tingji/capture"
)

// Correction is a party's request to mend the record (补正, 民事诉讼法 Art 150):
// what stood there, what the party says was said, and what was decided. Request
// and decision are kept whatever becomes of them, and stand in the record's end.
type Correction struct {
	ID       string              `json:"id"` // 1, 2, … in the order of the hearing's requests
	Hearing  string              `json:"hearing"`
	Line     string              `json:"line"`
	Revision int                 `json:"revision"` // of the line when it was asked for; so are the next three
	Role     string              `json:"role"`
	Text     string              `json:"text"`
	StartMS  int64               `json:"start_ms"`
	By       capture.Participant `json:"by"`
	Says     string              `json:"says"` // what the line ought to say
	Note     string              `json:"note"`
	Author   string              `json:"author"` // who took it down
	At       time.Time           `json:"at"`
	Decision *Decision           `json:"decision,omitempty"` // nil: not decided yet
}

// Outcome is what was decided.
type Outcome string

const (
	Accepted Outcome = "accepted"
	Refused  Outcome = "refused"
)

// Decision ends a Correction.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`
	// Text is what the line says since an acceptance, as Revision.
	Text     string    `json:"text,omitempty"`
	Revision int       `json:"revision,omitempty"`
	Author   string    `json:"author"`
	At       time.Time `json:"at"`
}

// CorrectionStore keeps what parties asked to be mended; nothing of it is ever
// changed. Safe for several goroutines. All three writes are changes of the
// hearing, and give a *StateError once it is signed.
type CorrectionStore interface {
	// AddCorrection stores a request with the next number of its hearing; ID is
	// set by the store. It returns the id of the change.
	AddCorrection(ctx context.Context, c Correction) (Correction, int64, error)
	// DecideCorrection stores a decision, once: *DecidedError. With r it appends
	// that revision to the request's line in the same transaction, as Revise
	// does and as a change of its own, the one before: *ConflictError where the
	// line's revision is not ifRevision. The line is nil without r.
	DecideCorrection(ctx context.Context, hearing, id string, dec Decision, ifRevision int, r *Revision) (Correction, *Line, int64, error)
	// Corrections of a hearing, in the order of the requests.
	Corrections(ctx context.Context, hearing string) ([]Correction, error)
	Correction(ctx context.Context, hearing, id string) (Correction, error) // ErrNotFound
}

// DecidedError says that a request was decided before.
type DecidedError struct{ Current Correction }

func (e *DecidedError) Error() string {
	return fmt.Sprintf("correction %s of hearing %s is decided already", e.Current.ID, e.Current.Hearing)
}

// CorrectionRequest is what a party asks.
type CorrectionRequest struct {
	By   capture.Participant `json:"by"`
	Line string              `json:"line"`
	Says string              `json:"says"`
	Note string              `json:"note"`
}

// RequestCorrection takes a request down. *FieldError, *StateError (signed),
// ErrNotFound.
func (d *Docket) RequestCorrection(ctx context.Context, hearing string, q CorrectionRequest, author string) (Correction, error) {
	author, err := requiredText("author", "记录人", "author", author, maxName)
	if err != nil {
		return Correction{}, err
	}
	h, err := d.writable(ctx, hearing, "correct")
	if err != nil {
		return Correction{}, err
	}
	c := Correction{Hearing: hearing, Author: author, At: stamp(time.Now())}
	if c.By, err = cleanPerson("by", q.By, &h); err != nil {
		return Correction{}, err
	}
	if c.Says, err = requiredText("says", "应记载的内容", "what was said", q.Says, maxLineRunes); err != nil {
		return Correction{}, err
	}
	if c.Note, err = cleanText("note", q.Note, maxLineRunes); err != nil {
		return Correction{}, err
	}
	if q.Line == "" {
		return Correction{}, &FieldError{"line", "请指明哪一行", "name the line"}
	}
	l, err := d.store.Line(ctx, hearing, q.Line)
	if err != nil {
		return Correction{}, fmt.Errorf("request a correction of %s/%s: %w", hearing, q.Line, err)
	}
	c.Line, c.Revision, c.Role, c.Text, c.StartMS = l.ID, l.Revision, l.Role, l.Text, l.StartMS
	c, event, err := d.store.AddCorrection(ctx, c)
	if err != nil {
		return Correction{}, d.failedWrite(hearing, fmt.Errorf("request a correction of %s/%s: %w", hearing, q.Line, err))
	}
	d.corrected(ctx, hearing, event)
	return c, nil
}

// Ruling is how a request is decided.
type Ruling struct {
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"` // needed for a refusal
	// Text is what the line is to say; nil: what the party says.
	Text *string `json:"text"`
	// Revision is the one of the line that the decider has seen; nil: the one
	// that the party spoke of.
	Revision *int `json:"revision"`
}

// DecideCorrection decides a request; to accept it is to revise its line.
// *FieldError, *DecidedError, *ConflictError (the line was changed since),
// *StateError (signed), ErrNotFound.
func (d *Docket) DecideCorrection(ctx context.Context, hearing, id string, q Ruling, author string) (Correction, error) {
	author, err := requiredText("author", "决定人", "author", author, maxName)
	if err != nil {
		return Correction{}, err
	}
	if _, err = d.writable(ctx, hearing, "correct"); err != nil {
		return Correction{}, err
	}
	dec := Decision{Outcome: q.Outcome, Author: author, At: stamp(time.Now())}
	switch q.Outcome {
	case Accepted:
		dec.Reason, err = cleanText("reason", q.Reason, maxReason)
	case Refused:
		dec.Reason, err = requiredText("reason", "不予补正的理由", "the reason of a refusal", q.Reason, maxReason)
	default:
		err = &FieldError{"outcome", "应为 accepted（准予）或 refused（不予）", "accepted or refused"}
	}
	if err != nil {
		return Correction{}, err
	}
	c, err := d.store.Correction(ctx, hearing, id)
	if err != nil {
		return Correction{}, fmt.Errorf("decide correction %s/%s: %w", hearing, id, err)
	}
	if c.Decision != nil {
		return Correction{}, &DecidedError{Current: c}
	}
	var revise *Revision
	if q.Outcome == Accepted {
		if q.Revision != nil {
			c.Revision = *q.Revision
		}
		if revise, err = d.accept(ctx, &c, q.Text, &dec); err != nil {
			return Correction{}, err
		}
	}
	c, line, event, err := d.store.DecideCorrection(ctx, hearing, id, dec, c.Revision, revise)
	if err != nil {
		return Correction{}, d.failedWrite(hearing, fmt.Errorf("decide correction %s/%s: %w", hearing, id, err))
	}
	if line != nil {
		d.feeds.publish(hearing, Event{ID: line.Change, Kind: LineChanged, Line: line})
	}
	d.corrected(ctx, hearing, event)
	return c, nil
}

// accept completes a decision with what the line is to say, and returns the
// revision that says it; nil where the line says so already.
func (d *Docket) accept(ctx context.Context, c *Correction, text *string, dec *Decision) (*Revision, error) {
	l, err := d.store.Line(ctx, c.Hearing, c.Line)
	if err != nil {
		return nil, fmt.Errorf("accept correction %s/%s: %w", c.Hearing, c.ID, err)
	}
	dec.Text, dec.Revision = c.Says, l.Revision
	if text != nil {
		if dec.Text, err = requiredText("text", "补正后的内容", "text", *text, maxLineRunes); err != nil {
			return nil, err
		}
	}
	if dec.Text == l.Text {
		return nil, nil
	}
	dec.Revision = c.Revision + 1 // the store refuses any other
	return &Revision{
		Line: l.ID, Revision: dec.Revision, Text: dec.Text, Role: l.Role, Speaker: l.Speaker,
		Author: dec.Author, At: dec.At, Previous: l.Hash,
	}, nil
}

// Corrections are all requests of a hearing, in their order. ErrNotFound.
func (d *Docket) Corrections(ctx context.Context, hearing string) ([]Correction, error) {
	if _, err := d.hearing(ctx, hearing); err != nil {
		return nil, err
	}
	list, err := d.store.Corrections(ctx, hearing)
	if list == nil {
		list = []Correction{}
	}
	return list, err
}

// Correction is one of them. ErrNotFound.
func (d *Docket) Correction(ctx context.Context, hearing, id string) (Correction, error) {
	return d.store.Correction(ctx, hearing, id)
}

// corrected tells the subscribers that the corrections of a hearing changed: by
// a hearing event, as they would learn it from the store.
func (d *Docket) corrected(ctx context.Context, hearing string, event int64) {
	h, err := d.hearing(ctx, hearing)
	if err != nil {
		d.feeds.refresh(hearing)
		return
	}
	d.feeds.publish(hearing, Event{ID: event, Kind: HearingChanged, Hearing: &h})
}

// cleanPerson checks somebody who asks or signs; the persons of the hearing may
// have any role that it gave them.
func cleanPerson(field string, p capture.Participant, h *capture.Hearing) (capture.Participant, error) {
	var err error
	if p.Role, err = cleanRole(field+".role", p.Role, h.CaseNo == "" || hasRole(h, p.Role)); err != nil {
		return p, err
	}
	p.Name, err = requiredText(field+".name", "姓名", "name", p.Name, maxName)
	return p, err
}
