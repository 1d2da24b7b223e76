package transcript

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tingji/capture"
)

// NewHearing is what it takes to announce a hearing.
type NewHearing struct {
	CaseNo       string                `json:"case_no"`
	Cause        string                `json:"cause"`
	Courtroom    string                `json:"courtroom"`
	Public       *bool                 `json:"public"` // nil: public, the rule (DOMAIN.md)
	Participants []capture.Participant `json:"participants"`
	Seats        []capture.Seat        `json:"seats"` // nil: the courtroom's usual ones
	Hotwords     []string              `json:"hotwords"`
	ScheduledAt  *time.Time            `json:"scheduled_at"`
	Demo         bool                  `json:"-"`
	// Recording marks recordings that are transcribed outside a case: there is
	// no case number, and a role can be any short text.
	Recording bool `json:"-"`
}

// BusyError says that a courtroom has a hearing that is not closed.
type BusyError struct {
	Courtroom string
	Hearing   string // the one that is open or paused
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("courtroom %s is busy: hearing %s is not closed", e.Courtroom, e.Hearing)
}

// Create announces a hearing. *FieldError for bad input.
func (d *Docket) Create(ctx context.Context, n NewHearing) (capture.Hearing, error) {
	h, err := d.announce(n)
	if err != nil {
		return capture.Hearing{}, err
	}
	h.CreatedAt = stamp(time.Now())
	h.ID = newHearingID(h.CreatedAt)
	h.Version, h.Status = 1, capture.Scheduled
	if err := d.store.CreateHearing(ctx, h); err != nil {
		return capture.Hearing{}, fmt.Errorf("create hearing %s: %w", h.ID, err)
	}
	d.changed(h, 0)
	return h, nil
}

// Check is what Create would announce, without announcing it: forms are checked
// while they are filled in. *FieldError.
func (d *Docket) Check(n NewHearing) (capture.Hearing, error) { return d.announce(n) }

// announce checks and normalises a request; the result owns its slices.
func (d *Docket) announce(n NewHearing) (h capture.Hearing, err error) {
	h = capture.Hearing{
		Public: n.Public == nil || *n.Public, Demo: n.Demo,
		Participants: []capture.Participant{}, Hotwords: []string{}, Breaks: []capture.Break{},
	}
	if h.CaseNo, err = cleanCaseNo(n); err != nil {
		return h, err
	}
	if h.Cause, err = cleanText("cause", n.Cause, maxCause); err != nil {
		return h, err
	}
	if h.Courtroom, err = cleanID("courtroom", "法庭", "courtroom", n.Courtroom); err != nil {
		return h, err
	}
	if h.Participants, err = cleanParticipants(n); err != nil {
		return h, err
	}
	if h.Hotwords, err = cleanHotwords(n.Hotwords); err != nil {
		return h, err
	}
	seats := n.Seats
	if seats == nil {
		if seats = d.rooms.Seats(h.Courtroom); len(seats) == 0 {
			return h, &FieldError{"courtroom",
				fmt.Sprintf("没有配置“%s”这个法庭的席位；请核对法庭编号", h.Courtroom),
				fmt.Sprintf("courtroom %q has no seats configured; check its id", h.Courtroom)}
		}
	}
	if h.Seats, err = cleanSeats(seats, n.Recording); err != nil {
		return h, err
	}
	if n.ScheduledAt != nil {
		at := stamp(*n.ScheduledAt)
		if at.Year() < 1970 || at.Year() > 9999 {
			return h, &FieldError{"scheduled_at", "排期时间不对", "no plausible time"}
		}
		h.ScheduledAt = &at
	}
	return h, nil
}

func cleanCaseNo(n NewHearing) (string, error) {
	s, err := cleanText("case_no", n.CaseNo, 100)
	if err != nil || s == "" && n.Recording {
		return s, err
	}
	if s == "" {
		return "", &FieldError{"case_no", "请填写案号", "case number is required"}
	}
	no, err := capture.ParseCaseNo(s)
	if err != nil {
		var part *capture.CaseNoError
		if errors.As(err, &part) {
			return "", &FieldError{"case_no", part.Text, part.TextEN}
		}
		return "", &FieldError{"case_no", "案号不对", err.Error()}
	}
	return no.String(), nil
}

func cleanParticipants(n NewHearing) ([]capture.Participant, error) {
	if len(n.Participants) > maxPersons {
		return nil, &FieldError{"participants",
			fmt.Sprintf("最多 %d 人", maxPersons), fmt.Sprintf("at most %d", maxPersons)}
	}
	persons := make([]capture.Participant, 0, len(n.Participants))
	seen := map[capture.Participant]int{}
	for i, p := range n.Participants {
		field := fmt.Sprintf("participants[%d].", i)
		var err error
		if p.Role, err = cleanRole(field+"role", p.Role, n.Recording); err != nil {
			return nil, err
		}
		if p.Name, err = requiredText(field+"name", "姓名", "name", p.Name, maxName); err != nil {
			return nil, err
		}
		if first, ok := seen[p]; ok {
			return nil, &FieldError{field + "name",
				fmt.Sprintf("%s%s 已在第 %d 位，重复了", p.Role, p.Name, first+1),
				fmt.Sprintf("%s %s is participant %d already", p.Role, p.Name, first+1)}
		}
		seen[p] = i
		persons = append(persons, p)
	}
	return persons, nil
}

// cleanHotwords drops empty words and repetitions: vocabularies are pasted.
func cleanHotwords(words []string) ([]string, error) {
	clean := make([]string, 0, len(words))
	seen := map[string]bool{}
	for i, w := range words {
		w, err := cleanText(fmt.Sprintf("hotwords[%d]", i), w, maxHotword)
		if err != nil {
			return nil, err
		}
		if w == "" || seen[w] {
			continue
		}
		seen[w] = true
		clean = append(clean, w)
	}
	if len(clean) > maxHotwords {
		return nil, &FieldError{"hotwords",
			fmt.Sprintf("有 %d 个词，最多 %d 个", len(clean), maxHotwords),
			fmt.Sprintf("%d words; at most %d", len(clean), maxHotwords)}
	}
	return clean, nil
}

func cleanSeats(seats []capture.Seat, free bool) ([]capture.Seat, error) {
	if len(seats) == 0 || len(seats) > maxSeats {
		return nil, &FieldError{"seats",
			fmt.Sprintf("席位须有 1 至 %d 个", maxSeats), fmt.Sprintf("1 to %d seats", maxSeats)}
	}
	clean := make([]capture.Seat, 0, len(seats))
	type holder struct {
		channel string
		from    time.Time
	}
	seen := map[holder]bool{}
	for i, s := range seats {
		field := fmt.Sprintf("seats[%d].", i)
		var err error
		if s.Channel, err = cleanID(field+"channel", "通道", "channel", s.Channel); err != nil {
			return nil, err
		}
		if s.Role, err = cleanRole(field+"role", s.Role, free); err != nil {
			return nil, err
		}
		if s.Speaker, err = cleanText(field+"speaker", s.Speaker, maxName); err != nil {
			return nil, err
		}
		if !s.From.IsZero() {
			s.From = stamp(s.From)
		}
		key := holder{s.Channel, s.From}
		if seen[key] {
			return nil, &FieldError{field + "channel",
				fmt.Sprintf("通道“%s”出现了两次", s.Channel), fmt.Sprintf("channel %q appears twice", s.Channel)}
		}
		seen[key] = true
		clean = append(clean, s)
	}
	return clean, nil
}

// newHearingID names a hearing by its creation in UTC, to about a millisecond,
// and 20 random bits: ids sort by time and two never meet in one court.
func newHearingID(at time.Time) string {
	var random [4]byte
	rand.Read(random[:]) // never fails
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	n := uint32(at.Nanosecond()/1e6)<<20 | binary.BigEndian.Uint32(random[:])>>12
	var tail [6]byte
	for i := range tail {
		tail[i] = digits[n>>(25-5*i)&31]
	}
	return at.Format("20060102-150405-") + string(tail[:])
}

// Open starts the recording; scheduled → open. *StateError from another status,
// *BusyError while the courtroom has a hearing that is open or paused.
func (d *Docket) Open(ctx context.Context, id string) (capture.Hearing, error) {
	d.opening.Lock()
	defer d.opening.Unlock()
	h, err := d.store.Hearing(ctx, id)
	if err != nil {
		return capture.Hearing{}, fmt.Errorf("open hearing %s: %w", id, err)
	}
	if h.Status == capture.Scheduled {
		busy, err := d.store.Hearings(ctx, HearingFilter{
			Courtroom: h.Courtroom, Status: []capture.Status{capture.Open, capture.Paused}, Limit: 1,
		})
		if err != nil {
			return capture.Hearing{}, fmt.Errorf("open hearing %s: %w", id, err)
		}
		if len(busy) > 0 {
			return capture.Hearing{}, &BusyError{Courtroom: h.Courtroom, Hearing: busy[0].ID}
		}
	}
	return d.transition(ctx, id, "open", func(h *capture.Hearing, now time.Time) {
		h.Status, h.OpenedAt = capture.Open, &now
	}, capture.Scheduled)
}

// Pause begins a lawful break; open → paused. reason is required (Art 3).
func (d *Docket) Pause(ctx context.Context, id, reason string) (capture.Hearing, error) {
	reason, err := requiredText("reason", "休庭原因", "the reason of the break", reason, maxReason)
	if err != nil {
		return capture.Hearing{}, err
	}
	return d.transition(ctx, id, "pause", func(h *capture.Hearing, now time.Time) {
		h.Status = capture.Paused
		h.Breaks = append(h.Breaks, capture.Break{From: now, Reason: reason})
	}, capture.Open)
}

// Resume ends a break; paused → open.
func (d *Docket) Resume(ctx context.Context, id string) (capture.Hearing, error) {
	return d.transition(ctx, id, "resume", func(h *capture.Hearing, now time.Time) {
		h.Status = capture.Open
		endBreak(h, now)
	}, capture.Paused)
}

// Close ends the hearing; open or paused → closed. What was said before still
// arrives as text afterwards. A break that lasts ends with it.
func (d *Docket) Close(ctx context.Context, id, reason string) (capture.Hearing, error) {
	reason, err := cleanText("reason", reason, maxReason)
	if err != nil {
		return capture.Hearing{}, err
	}
	return d.transition(ctx, id, "close", func(h *capture.Hearing, now time.Time) {
		h.Status, h.ClosedAt, h.CloseReason = capture.Closed, &now, reason
		endBreak(h, now)
	}, capture.Open, capture.Paused)
}

func endBreak(h *capture.Hearing, now time.Time) {
	if n := len(h.Breaks); n > 0 && h.Breaks[n-1].To == nil {
		h.Breaks[n-1].To = &now
	}
}

// transition changes a hearing whose status is one of from, in the store, and
// tells everybody. When it returns, the lines that were placed in the hearing as it
// was are in the store.
func (d *Docket) transition(ctx context.Context, id, action string,
	change func(h *capture.Hearing, now time.Time), from ...capture.Status,
) (capture.Hearing, error) {
	d.placing.Lock()
	defer d.placing.Unlock()
	h, event, err := d.store.UpdateHearing(ctx, id, func(h *capture.Hearing) error {
		for _, s := range from {
			if h.Status == s {
				change(h, stamp(time.Now()))
				return nil
			}
		}
		return &StateError{Hearing: id, Status: h.Status, Action: action}
	})
	if err != nil {
		var state *StateError
		if errors.As(err, &state) {
			return capture.Hearing{}, err
		}
		if errors.Is(err, ErrNotFound) {
			return capture.Hearing{}, fmt.Errorf("%s hearing %s: %w", action, id, err)
		}
		// The store may have committed before it failed.
		d.known.forget(id)
		d.feeds.refresh(id)
		d.outbox.askAgain()
		return capture.Hearing{}, fmt.Errorf("%s hearing %s: %w", action, id, err)
	}
	d.changed(h, event)
	d.log.Info("hearing changed", "hearing", id, "courtroom", h.Courtroom,
		"status", h.Status, "version", strconv.FormatInt(h.Version, 10))
	return h, nil
}

// changed tells the log and the subscribers of a hearing's new state.
func (d *Docket) changed(h capture.Hearing, event int64) {
	d.known.put(h)
	d.outbox.hearing(h)
	d.feeds.publish(h.ID, Event{ID: event, Kind: HearingChanged, Hearing: &h})
}

// roomName is what people call a courtroom.
func (d *Docket) roomName(courtroom string) string {
	if courtroom == "" || d.rooms == nil {
		return courtroom
	}
	if name := strings.TrimSpace(d.rooms.Name(courtroom)); name != "" {
		return name
	}
	return courtroom
}
