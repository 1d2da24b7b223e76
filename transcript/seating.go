package transcript

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tingji/capture"
)

// Seating says who sits at a seat of a hearing, and since when.
type Seating struct {
	Channel string `json:"channel"`
	Role    string `json:"role"`
	Speaker string `json:"speaker"`
	// FromMS is since when on the hearing's clock; nil: from now on, or, at a seat
	// that the hearing has not had, from the first sound of it. 0 is the opening: it
	// puts right who sat there at first.
	FromMS *int64 `json:"from_ms"`
}

// seatedBy stands before the author of a revision that gives a line the holder of its
// seat: nobody has looked at what the line says.
const seatedBy = "席位变更·"

// Seat adds a seat to a hearing that its courtroom has got meanwhile, or says that
// another person sits at one. The sound of a new seat is the hearing's from its first
// sample on. Lines that were heard at the seat since get a revision each, unless a
// person has put their role or speaker right.
//
// *FieldError: nobody knows such a seat; *StateError: the hearing has not been opened,
// or is signed; ErrNotFound.
func (d *Docket) Seat(ctx context.Context, id string, s Seating, author string) (capture.Hearing, error) {
	author, err := requiredText("author", "修改人", "author", author, maxName-len([]rune(seatedBy)))
	if err != nil {
		return capture.Hearing{}, err
	}
	survey, err := d.survey(ctx, id)
	if err != nil {
		return capture.Hearing{}, fmt.Errorf("seat in hearing %s: %w", id, err)
	}
	h := survey.hearing
	if h.OpenedAt == nil { // also an announcement that became another hearing
		return h, &StateError{Hearing: id, Status: h.Status, Action: "seat"}
	}
	seat := capture.Seat{}
	if seat.Channel, err = cleanID("channel", "通道", "channel", s.Channel); err != nil {
		return h, err
	}
	if seat.Role, err = cleanRole("role", s.Role, false); err != nil {
		return h, err
	}
	if seat.Speaker, err = cleanText("speaker", s.Speaker, maxName); err != nil {
		return h, err
	}
	known := slices.Concat(survey.channels(), d.parts.channels(h.Courtroom))
	for _, usual := range d.rooms.Seats(h.Courtroom) {
		known = append(known, usual.Channel)
	}
	if !slices.Contains(known, seat.Channel) {
		return h, &FieldError{"channel",
			fmt.Sprintf("这个法庭没有席位“%s”：庭审、法庭电脑和配置里都没有它", seat.Channel),
			fmt.Sprintf("the courtroom has no seat %q: neither the hearing, nor its PC, nor the configuration knows it", seat.Channel)}
	}
	if s.FromMS != nil && (*s.FromMS < 0 || *s.FromMS > maxHearingMS) {
		return h, &FieldError{"from_ms", "时间不在庭审之内", "outside the hearing"}
	}
	if s.FromMS == nil && h.ClosedAt != nil && slices.ContainsFunc(h.Seats, func(old capture.Seat) bool { return old.Channel == seat.Channel }) {
		return h, &FieldError{"from_ms", "庭审已经闭庭；请写明从何时起", "the hearing is closed: say since when"}
	}
	if len(h.Seats) >= maxSeats {
		return h, &FieldError{"seats", fmt.Sprintf("席位须有 1 至 %d 个", maxSeats), fmt.Sprintf("1 to %d seats", maxSeats)}
	}
	var old capture.Hearing
	h, err = d.transition(ctx, id, "seat", func(h *capture.Hearing, now time.Time) {
		old = *h
		h.Seats = seated(h, seat, s.FromMS, now)
	}, capture.Open, capture.Paused, capture.Closed)
	if err != nil {
		return h, err
	}
	return h, d.reseat(ctx, &old, &h, seatedBy, author)
}

// seated are the hearing's seats with one holder more, or another at the same time.
// Pages show them in this order, the last holder of a seat being the present one.
func seated(h *capture.Hearing, seat capture.Seat, fromMS *int64, now time.Time) []capture.Seat {
	place := map[string]int{}
	for _, s := range append(slices.Clone(h.Seats), seat) {
		if _, ok := place[s.Channel]; !ok {
			place[s.Channel] = len(place)
		}
	}
	added := !slices.ContainsFunc(h.Seats, func(s capture.Seat) bool { return s.Channel == seat.Channel })
	switch {
	case fromMS != nil && *fromMS > 0:
		seat.From = stamp(h.OpenedAt.Add(time.Duration(*fromMS) * time.Millisecond))
	case fromMS == nil && !added:
		seat.From = now
	}
	seats := slices.DeleteFunc(slices.Clone(h.Seats), func(s capture.Seat) bool {
		return s.Channel == seat.Channel && (s.From.Equal(seat.From) || seat.From.IsZero() && !s.From.After(*h.OpenedAt))
	})
	seats = append(seats, seat)
	slices.SortStableFunc(seats, func(a, b capture.Seat) int {
		return cmp.Or(cmp.Compare(place[a.Channel], place[b.Channel]), a.From.Compare(b.From))
	})
	return seats
}

// channels are the seats that the living recorders of a courtroom have.
func (p *parts) channels(courtroom string) (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, known := range p.known {
		if h := known.health; h.Component == "capture" && h.Courtroom == courtroom {
			for _, s := range h.Seats {
				list = append(list, s.Channel)
			}
		}
	}
	return list
}
