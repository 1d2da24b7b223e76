package transcript

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"tingji/capture"
)

// Reasons for which a record cannot be signed now, or ever.
var (
	// ErrDemo: the words are those of the demonstration engine.
	ErrDemo = errors.New("a demonstration's record cannot be signed")
	// ErrIncomplete: something that was said is not stored or not recognised yet.
	ErrIncomplete = errors.New("the hearing is not complete yet")
	// ErrChanged: somebody changed the record while it was being frozen; whoever
	// signs has not read it.
	ErrChanged = errors.New("the record was changed meanwhile")
)

// DoubtKind is what a doubt is about.
type DoubtKind string

const (
	DoubtUnread     DoubtKind = "unread"     // speech that no engine could read, and nobody has looked at
	DoubtUncertain  DoubtKind = "uncertain"  // the engine was unsure, and nobody has looked at it
	DoubtCorrection DoubtKind = "correction" // a party's request that is not decided
	DoubtFault      DoubtKind = "fault"      // a stretch without sound (法释〔2017〕5号 Art 4)
)

// Doubt is something that a record should not be signed with.
type Doubt struct {
	Kind       DoubtKind `json:"kind"`
	Line       string    `json:"line,omitempty"`
	Correction string    `json:"correction,omitempty"`
	FromMS     int64     `json:"from_ms"`
	ToMS       int64     `json:"to_ms"`
	Text       string    `json:"text"` // Chinese: what is in doubt
	TextEN     string    `json:"text_en"`
}

// DoubtsError lists what is open.
type DoubtsError struct {
	Hearing string
	Doubts  []Doubt
}

func (e *DoubtsError) Error() string {
	return fmt.Sprintf("the record of hearing %s has %d open doubts", e.Hearing, len(e.Doubts))
}

// LeastConfidence is the mean confidence of a line's words, weighted by their
// length, below which it is in doubt until a person has revised or confirmed it.
const LeastConfidence = 0.6

// SignRequest is what it takes to sign a record.
type SignRequest struct {
	Signers []capture.Participant `json:"signers"`
	Reason  string                `json:"reason"` // why the others have not signed
	// Overrule is why it is signed although there are doubts; with it they do
	// not stand in the way, and their number stays in the record.
	Overrule string `json:"overrule"`
}

// Sign freezes the record of a closed hearing: nothing in it can change from
// then on, and its integrity check value is computed over sound, text, and
// revisions. It reads all of the hearing's sound, which takes seconds.
//
// *FieldError; *StateError (not closed, or signed before); ErrDemo, ErrNoCase,
// ErrIncomplete, ErrChanged; *DoubtsError; ErrNotFound.
func (d *Docket) Sign(ctx context.Context, id string, q SignRequest, author string) (capture.Hearing, error) {
	fail := func(err error) (capture.Hearing, error) {
		return capture.Hearing{}, fmt.Errorf("sign hearing %s: %w", id, err)
	}
	h, err := d.store.Hearing(ctx, id)
	if err != nil {
		return fail(err)
	}
	if h.Status != capture.Closed {
		return capture.Hearing{}, &StateError{Hearing: id, Status: h.Status, Action: "sign"}
	}
	if h.Demo {
		return fail(ErrDemo)
	}
	if h.Local() && h.CaseNo == "" {
		return fail(ErrNoCase)
	}
	s, err := newSigning(&h, q, author)
	if err != nil {
		return capture.Hearing{}, err
	}
	h.Signing = s
	h.Status = capture.Signed
	h.Version++

	f, err := d.freeze(ctx, h, func(r *Record) error {
		if r.Hearing.Demo {
			return ErrDemo
		}
		doubts, err := d.doubts(ctx, id, r)
		if err != nil {
			return err
		}
		s.Doubts = len(doubts)
		if len(doubts) > 0 && s.Overrule == "" {
			return &DoubtsError{Hearing: id, Doubts: doubts}
		}
		if len(doubts) == 0 {
			s.Overrule = ""
		}
		return nil
	})
	if err != nil {
		return fail(err)
	}
	version := h.Version
	h, event, err := d.store.Seal(ctx, id, f.change, f.sealed(), func(h *capture.Hearing) error {
		if h.Status != capture.Closed {
			return &StateError{Hearing: id, Status: h.Status, Action: "sign"}
		}
		if h.Version != version-1 {
			return ErrChanged
		}
		signed := *s
		signed.Integrity = f.Integrity
		h.Status, h.Signing = capture.Signed, &signed
		return nil
	})
	if err != nil {
		if !errors.Is(err, ErrChanged) {
			d.known.forget(id)
			d.failedWrite(id, err) // it may be signed nevertheless
			d.outbox.askAgain()
		}
		return fail(err)
	}
	d.changed(h, event)
	select {
	case d.signed <- struct{}{}: // it can be time-stamped
	default:
	}
	d.log.Info("record signed", "hearing", id, "courtroom", h.Courtroom, "integrity", f.Integrity, "doubts", s.Doubts)
	return h, nil
}

// newSigning checks who signs; the persons of the hearing who do not are
// written down.
func newSigning(h *capture.Hearing, q SignRequest, author string) (*capture.Signing, error) {
	s := &capture.Signing{Signers: []capture.Participant{}, Unsigned: []capture.Participant{}, At: stamp(time.Now())}
	var err error
	if s.Author, err = requiredText("author", "经办人", "author", author, maxName); err != nil {
		return nil, err
	}
	if len(q.Signers) == 0 || len(q.Signers) > maxPersons {
		return nil, &FieldError{"signers",
			fmt.Sprintf("须有 1 至 %d 人签名", maxPersons), fmt.Sprintf("1 to %d signers", maxPersons)}
	}
	for i, p := range q.Signers {
		field := fmt.Sprintf("signers[%d]", i)
		if p, err = cleanPerson(field, p, h); err != nil {
			return nil, err
		}
		if slices.Contains(s.Signers, p) {
			return nil, &FieldError{field + ".name", p.Role + p.Name + "重复了", p.Role + " " + p.Name + " appears twice"}
		}
		s.Signers = append(s.Signers, p)
	}
	for _, p := range (&Record{Hearing: *h}).persons() {
		if !slices.Contains(s.Signers, p) {
			s.Unsigned = append(s.Unsigned, p)
		}
	}
	if s.Reason, err = cleanText("reason", q.Reason, maxReason); err != nil {
		return nil, err
	}
	s.Overrule, err = cleanText("overrule", q.Overrule, maxReason)
	return s, err
}

// Doubts are what is open in the record of a hearing as it stands, and whether
// all of it is there; none once it is signed. ErrNotFound.
func (d *Docket) Doubts(ctx context.Context, id string) (doubts []Doubt, complete bool, err error) {
	h, err := d.store.Hearing(ctx, id)
	if err != nil {
		return nil, false, fmt.Errorf("doubts of hearing %s: %w", id, err)
	}
	if h.Status == capture.Signed || h.OpenedAt == nil {
		return []Doubt{}, h.Status == capture.Signed, nil
	}
	r, _, err := d.record(ctx, h)
	if err == nil {
		doubts, err = d.doubts(ctx, id, &r)
	}
	if err != nil {
		return nil, false, fmt.Errorf("doubts of hearing %s: %w", id, err)
	}
	return doubts, r.Complete, nil
}

// doubts are what is open in a record, in the order of the hearing.
func (d *Docket) doubts(ctx context.Context, id string, r *Record) ([]Doubt, error) {
	s, err := d.survey(ctx, id)
	if err != nil {
		return nil, err
	}
	doubts := []Doubt{}
	// The hearing is complete: no sound is on its way any more.
	for _, e := range s.ledger(r.Lines, time.Now().Add(onItsWay)).Entries {
		if _, ok := explained(&r.Hearing, e.FromMS, e.ToMS); e.Kind == KindFault && !ok {
			doubts = append(doubts, Doubt{Kind: DoubtFault, FromMS: e.FromMS, ToMS: e.ToMS,
				Text: "这一段没有录音：" + e.Reason, TextEN: "no sound: " + e.ReasonEN})
		}
	}
	for _, l := range r.Lines {
		doubt := Doubt{Line: l.ID, FromMS: l.StartMS, ToMS: l.EndMS}
		switch confidence, known := l.confidence(); {
		case !l.unseen():
			continue
		case l.Rejected != "":
			doubt.Kind = DoubtUnread
			doubt.Text, doubt.TextEN = l.Role+"：未能识别，尚无人听校", "not recognised, and nobody has listened to it"
		case known && confidence < LeastConfidence:
			doubt.Kind = DoubtUncertain
			doubt.Text = fmt.Sprintf("%s：识别把握只有 %.0f%%，尚无人核对", l.Role, confidence*100)
			doubt.TextEN = fmt.Sprintf("recognised with a confidence of %.0f %%, and nobody has checked it", confidence*100)
		default:
			continue
		}
		doubts = append(doubts, doubt)
	}
	for _, c := range r.Corrections {
		if c.Decision == nil {
			doubts = append(doubts, Doubt{Kind: DoubtCorrection, Line: c.Line, Correction: c.ID, FromMS: c.StartMS, ToMS: c.StartMS,
				Text: c.By.Role + c.By.Name + "的补正请求尚未处理", TextEN: "a request for correction is not decided"})
		}
	}
	slices.SortStableFunc(doubts, func(a, b Doubt) int { return int(min(max(a.FromMS-b.FromMS, -1), 1)) })
	return doubts, nil
}

// confidence is the mean of a line's words by their length, where the engine
// said what it was.
func (l *Line) confidence() (mean float64, known bool) {
	var sum float64
	n := 0
	for _, w := range l.Words {
		if w.Confidence > 0 {
			length := utf8.RuneCountInString(w.Text)
			sum += w.Confidence * float64(length)
			n += length
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / float64(n), true
}
