package transcript

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tingji/capture"
)

// ErrNoCase: the hearing was opened on a courtroom's PC, and nobody has said yet
// which case it is of.
var ErrNoCase = errors.New("the hearing is not bound to a case")

// ErrHasCase: the hearing was announced for its case, or is none of a court's.
var ErrHasCase = errors.New("only a hearing that was opened on a courtroom's PC is bound to a case")

// Binding says which case a hearing is of that was opened on a courtroom's PC.
// What it leaves out, nil, is taken from the announcement, and else stays.
type Binding struct {
	CaseNo       string                `json:"case_no"`
	Cause        *string               `json:"cause"`
	Public       *bool                 `json:"public"` // nil without an announcement: public, the rule
	Participants []capture.Participant `json:"participants"`
	Seats        []capture.Seat        `json:"seats"`
	Hotwords     []string              `json:"hotwords"`
	// Announcement is the hearing that had been announced for it; empty: one of
	// the same case, courtroom and day, where there is one.
	Announcement string `json:"announcement"`
}

// boundBy stands before the author of a revision that gives a line the holder of
// its seat: nobody has looked at what the line says.
const boundBy = "绑定案件·"

// unseen says whether no person has looked at what the line says.
func (l *Line) unseen() bool {
	return l.Revision <= 1 || strings.HasPrefix(l.Author, boundBy) || strings.HasPrefix(l.Author, seatedBy)
}

// Bind gives a hearing that was opened on a courtroom's PC its case, and can be
// repeated to put it right until the record is signed. An announcement of the
// case is taken over: it is closed, and names the hearing that it has become.
// Lines whose role and speaker are those of a seat that the binding changes get a
// revision each.
//
// *FieldError, *StateError (signed), ErrHasCase, ErrNotFound.
func (d *Docket) Bind(ctx context.Context, id string, b Binding, author string) (capture.Hearing, error) {
	author, err := requiredText("author", "修改人", "author", author, maxName-len([]rune(boundBy)))
	if err != nil {
		return capture.Hearing{}, err
	}
	old, h, err := d.bind(ctx, id, b)
	if err != nil {
		return capture.Hearing{}, err
	}
	return h, d.reseat(ctx, &old, &h, boundBy, author)
}

// bind is the hearing as it was, and as it is now with its case.
func (d *Docket) bind(ctx context.Context, id string, b Binding) (old, h capture.Hearing, err error) {
	d.opening.Lock() // the announcement must not be opened meanwhile
	defer d.opening.Unlock()
	if old, err = d.store.Hearing(ctx, id); err != nil {
		return old, h, fmt.Errorf("bind hearing %s: %w", id, err)
	}
	if !old.Local() {
		return old, h, fmt.Errorf("bind hearing %s: %w", id, ErrHasCase)
	}
	n := NewHearing{CaseNo: b.CaseNo, Courtroom: old.Courtroom, Public: b.Public, Participants: b.Participants, Seats: b.Seats, Hotwords: b.Hotwords}
	if b.Cause != nil {
		n.Cause = *b.Cause
	}
	caseNo, err := cleanCaseNo(n)
	if err != nil {
		return old, h, err
	}
	announced, found, err := d.announcement(ctx, old, caseNo, b.Announcement)
	if err != nil {
		return old, h, err
	}
	from := old
	if found {
		from = announced
	}
	if b.Cause == nil {
		n.Cause = from.Cause
	}
	if b.Public == nil && (found || old.CaseNo != "") {
		n.Public = &from.Public
	}
	if b.Participants == nil {
		n.Participants = from.Participants
	}
	if b.Hotwords == nil {
		n.Hotwords = from.Hotwords
	}
	if b.Seats == nil {
		if n.Seats = old.Seats; found {
			n.Seats = joinSeats(announced.Seats, old.Seats)
		}
	}
	clean, err := d.announce(n)
	if err != nil {
		return old, h, err
	}
	h, err = d.transition(ctx, id, "bind", func(h *capture.Hearing, _ time.Time) {
		h.CaseNo, h.Cause, h.Public = clean.CaseNo, clean.Cause, clean.Public
		h.Participants, h.Seats, h.Hotwords = clean.Participants, clean.Seats, clean.Hotwords
		if found {
			h.ScheduledAt = announced.ScheduledAt
		}
	}, capture.Open, capture.Paused, capture.Closed)
	if err != nil {
		return old, h, err
	}
	if found {
		if _, err := d.transition(ctx, announced.ID, "take over", func(h *capture.Hearing, now time.Time) {
			h.Status, h.TakenOverBy, h.ClosedAt = capture.Closed, id, &now
			h.CloseReason = "已在法庭电脑上开庭，见 " + id
		}, capture.Scheduled); err != nil {
			return old, h, err
		}
	}
	return old, h, nil
}

// announcement finds the scheduled hearing that a binding takes over.
func (d *Docket) announcement(ctx context.Context, h capture.Hearing, caseNo, id string) (capture.Hearing, bool, error) {
	if id != "" {
		a, err := d.store.Hearing(ctx, id)
		if err == nil && a.TakenOverBy == h.ID {
			return a, false, nil // it was taken over before
		}
		if errors.Is(err, ErrNotFound) || err == nil && a.Status != capture.Scheduled {
			return a, false, &FieldError{"announcement", "没有这个尚未开庭的庭审", "there is no such hearing that is scheduled"}
		}
		return a, err == nil, err
	}
	list, err := d.store.Hearings(ctx, HearingFilter{Status: []capture.Status{capture.Scheduled}, Courtroom: h.Courtroom, CaseNo: caseNo, Limit: 1000})
	if err != nil {
		return capture.Hearing{}, false, fmt.Errorf("bind hearing %s: %w", h.ID, err)
	}
	day := HeldAt(h).In(beijing).Format(time.DateOnly)
	for _, a := range list {
		if a.CaseNo == caseNo && (a.ScheduledAt == nil || a.ScheduledAt.In(beijing).Format(time.DateOnly) == day) {
			return a, true, nil
		}
	}
	return capture.Hearing{}, false, nil
}

// joinSeats are the announced seats, and behind them those that only the PC has.
func joinSeats(announced, heard []capture.Seat) []capture.Seat {
	seats := slices.Clone(announced)
	for _, s := range heard {
		if !slices.ContainsFunc(announced, func(a capture.Seat) bool { return a.Channel == s.Channel }) {
			seats = append(seats, s)
		}
	}
	return seats
}

// reseat gives the lines whose seats have other holders now those holders; why stands
// before the author of their revisions. A line whose role or speaker a person has put
// right is left as it is.
func (d *Docket) reseat(ctx context.Context, old, h *capture.Hearing, why, author string) error {
	lines, _, err := d.store.Lines(ctx, h.ID, 0)
	if err != nil {
		return fmt.Errorf("give lines of hearing %s their holders: %w", h.ID, err)
	}
	for _, l := range lines {
		was, ok := old.SeatAt(l.Channel, l.StartedAt)
		if !ok {
			was = capture.Seat{Role: l.Channel} // it spoke for itself
		}
		is, seated := h.SeatAt(l.Channel, l.StartedAt)
		if l.Origin != Speech || !seated || l.Role != was.Role || l.Speaker != was.Speaker || is.Role == l.Role && is.Speaker == l.Speaker {
			continue
		}
		by := author
		if l.unseen() {
			by = why + author
		}
		_, err := d.Revise(ctx, h.ID, l.ID, l.Revision, Edit{Role: &is.Role, Speaker: &is.Speaker}, by)
		var conflict *ConflictError
		if err != nil && !errors.As(err, &conflict) { // a person is at work on that line
			return fmt.Errorf("give lines of hearing %s their holders: %w", h.ID, err)
		}
	}
	return nil
}
