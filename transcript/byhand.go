package transcript

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tingji/capture"
)

// handed holds the hearings that the courtrooms' PCs opened or changed by hand
// and that are not in the store yet. Safe for several goroutines.
type handed struct {
	mu      sync.Mutex
	waiting map[string]capture.Hearing
	taken   map[string]int64 // by hearing, the newest that was taken in, or refused
	wake    chan struct{}    // holds one token when something waits
}

func (q *handed) put(h capture.Hearing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h.ByHand <= q.taken[h.ID] || h.ByHand <= q.waiting[h.ID].ByHand {
		return
	}
	q.waiting[h.ID] = h
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *handed) next() (capture.Hearing, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, h := range q.waiting {
		return h, true
	}
	return capture.Hearing{}, false
}

func (q *handed) done(h capture.Hearing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken[h.ID] = h.ByHand
	if q.waiting[h.ID].ByHand == h.ByHand {
		delete(q.waiting, h.ID)
	}
}

// ReportByHand takes note of hearings that were opened or changed on a
// courtroom's PC while it could not reach the server. Run takes them in. What is
// known already changes nothing, however old the report.
func (d *Docket) ReportByHand(list []capture.Hearing) {
	for _, h := range list {
		d.handed.put(h)
	}
}

// adoptAll takes in what was done by hand until ctx ends.
func (d *Docket) adoptAll(ctx context.Context) {
	for ctx.Err() == nil {
		h, ok := d.handed.next()
		if !ok {
			select {
			case <-d.handed.wake:
			case <-ctx.Done():
			}
			continue
		}
		var seats func() error
		if !d.persist(ctx, storeFailing, "hearings by hand", func() (err error) {
			seats, err = d.adopt(ctx, h)
			return err
		}) {
			return
		}
		if seats != nil && !d.persist(ctx, storeFailing, "hearings by hand", seats) {
			return
		}
		d.handed.done(h)
	}
}

// adopt takes in a hearing as its PC has it: it is created where nobody knows it,
// and else brought to where the PC is, unless it is closed here. Where so far only its
// id was known, seats gives what was said in it to those who sit there.
func (d *Docket) adopt(ctx context.Context, told capture.Hearing) (seats func() error, err error) {
	clean, err := d.cleanByHand(told)
	if err != nil {
		d.log.Warn("a courtroom's PC tells of a hearing that cannot be one", "hearing", told.ID, "courtroom", told.Courtroom, "err", err)
		return nil, nil // it would be refused for ever
	}
	d.opening.Lock()
	defer d.opening.Unlock()
	old, err := d.store.Hearing(ctx, clean.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, d.createByHand(ctx, clean)
	case err != nil:
		return nil, fmt.Errorf("adopt hearing %s: %w", clean.ID, err)
	case old.ByHand >= clean.ByHand:
		return nil, nil
	}
	idOnly := false
	now, err := d.transition(ctx, clean.ID, "adopt", func(h *capture.Hearing, _ time.Time) {
		if idOnly = h.ByHand == 0 && h.Local() && h.CaseNo == ""; idOnly {
			old = *h
			h.Courtroom, h.Seats = clean.Courtroom, clean.Seats
		}
		h.Status, h.ClosedAt, h.CloseReason, h.ByHand = clean.Status, clean.ClosedAt, clean.CloseReason, clean.ByHand
		h.Breaks = mergeBreaks(h.Breaks, clean.Breaks)
	}, capture.Open, capture.Paused)
	var state *StateError
	if errors.As(err, &state) {
		return nil, nil // closed here: the PC learns that
	}
	if err == nil && idOnly {
		seats = func() error {
			err := d.reseat(ctx, &old, &now, seatedBy, "法庭电脑")
			if errors.As(err, &state) {
				return nil // signed meanwhile
			}
			return err
		}
	}
	return seats, err
}

func (d *Docket) createByHand(ctx context.Context, h capture.Hearing) error {
	h.Version, h.CreatedAt = 1, stamp(time.Now())
	if err := d.store.CreateHearing(ctx, h); err != nil {
		return fmt.Errorf("adopt hearing %s: %w", h.ID, err)
	}
	d.changed(h, 0)
	d.log.Info("hearing adopted from its courtroom's PC", "hearing", h.ID, "courtroom", h.Courtroom, "status", h.Status)
	return nil
}

// adoptByID creates a hearing that was opened on a PC of which only the id has
// come so far, with something that was said in it. ErrNotFound where the id is no
// such id.
func (d *Docket) adoptByID(ctx context.Context, id string) (capture.Hearing, error) {
	h, ok := capture.LocalHearing(id)
	if !ok {
		return h, fmt.Errorf("hearing %s: %w", id, ErrNotFound)
	}
	d.opening.Lock()
	defer d.opening.Unlock()
	if known, err := d.store.Hearing(ctx, id); !errors.Is(err, ErrNotFound) {
		return known, err
	}
	if seats := d.rooms.Seats(h.Courtroom); seats != nil {
		h.Seats = slices.Clone(seats)
	}
	if err := d.createByHand(ctx, h); err != nil {
		return h, err
	}
	return d.hearing(ctx, id)
}

// cleanByHand is a hearing as a PC tells of it, fit to be stored. Whether it is
// public nobody has said: until it is bound to its case it is not.
func (d *Docket) cleanByHand(told capture.Hearing) (capture.Hearing, error) {
	h := capture.Hearing{
		ID: told.ID, Status: told.Status, Courtroom: told.Courtroom, OpenedAt: told.OpenedAt, ClosedAt: told.ClosedAt,
		CaseNo: told.CaseNo, Cause: told.Cause, Public: told.Public, Participants: told.Participants, ScheduledAt: told.ScheduledAt,
		Hotwords: []string{}, Breaks: told.Breaks, ByHand: told.ByHand,
	}
	if err := capture.CheckName(h.ID); err != nil {
		return h, err
	}
	if err := capture.CheckName(h.Courtroom); err != nil {
		return h, err
	}
	if h.Status != capture.Open && h.Status != capture.Paused && h.Status != capture.Closed {
		return h, fmt.Errorf("status %q", h.Status)
	}
	if h.OpenedAt == nil || h.Status == capture.Closed && h.ClosedAt == nil {
		return h, errors.New("it does not say when it was opened or closed")
	}
	var err error
	if h.Seats, err = cleanSeats(told.Seats, true); err != nil {
		h.Seats = slices.Clone(d.rooms.Seats(h.Courtroom))
	}
	if h.CloseReason, err = cleanText("reason", told.CloseReason, maxReason); err != nil {
		h.CloseReason = ""
	}
	h.Breaks = slices.Clone(told.Breaks)
	for i := range h.Breaks {
		b := &h.Breaks[i]
		if b.Reason, err = cleanText("reason", b.Reason, maxReason); err != nil || b.Reason == "" {
			b.Reason = "在法庭电脑上休庭，未写明原因"
		}
	}
	if h.Participants == nil {
		h.Participants = []capture.Participant{}
	}
	if h.Seats == nil {
		h.Seats = []capture.Seat{}
	}
	if h.Breaks == nil {
		h.Breaks = []capture.Break{}
	}
	return h, nil
}

// mergeBreaks adds what the PC knows of the breaks to what is known here.
func mergeBreaks(known, told []capture.Break) []capture.Break {
	merged := slices.Clone(known)
	for _, b := range told {
		i := slices.IndexFunc(merged, func(k capture.Break) bool { return k.From.Equal(b.From) })
		switch {
		case i < 0:
			merged = append(merged, b)
		case merged[i].To == nil:
			merged[i].To = b.To
		}
	}
	slices.SortStableFunc(merged, func(a, b capture.Break) int { return a.From.Compare(b.From) })
	return merged
}
