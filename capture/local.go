package capture

import (
	"fmt"
	"strings"
	"time"
)

// localMark stands in the id of a hearing that was opened on the courtroom's PC
// while the server was away.
const localMark = "-pc-"

// Local says whether the hearing was opened on a courtroom's PC, without the
// server: it has no case yet.
func (h *Hearing) Local() bool { return strings.Contains(h.ID, localMark) }

// Command is what a person can demand of a daemon on its PC.
type Command string

const (
	OpenHearing   Command = "open"
	PauseHearing  Command = "pause"
	ResumeHearing Command = "resume"
	CloseHearing  Command = "close"
)

// Control does by hand what the server would have told: it opens a hearing of
// its own, or changes the one under way, until the server says something newer
// of it. It returns the hearing as it now is.
func (d *Daemon) Control(c Command, reason string) (Hearing, error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	h, ok := d.current()
	if ok == (c == OpenHearing) {
		if ok {
			return h, fmt.Errorf("hearing %s is %s already: close it first", h.ID, h.Status)
		}
		return h, fmt.Errorf("no hearing is open: nothing to %s", c)
	}
	h.Breaks = append([]Break(nil), h.Breaks...)
	switch {
	case c == OpenHearing:
		h = Hearing{
			ID:      now.Format("20060102-150405") + localMark + shortName(d.cfg.Courtroom),
			Version: 1, Status: Open, Courtroom: d.cfg.Courtroom,
			Participants: []Participant{}, Seats: []Seat{}, Hotwords: []string{}, Breaks: []Break{}, CreatedAt: now, OpenedAt: &now,
		}
		for _, s := range d.seatList() {
			h.Seats = append(h.Seats, Seat{Channel: s.Channel, Role: s.Role})
		}
	case c == PauseHearing && h.Status == Open:
		h.Status, h.Breaks = Paused, append(h.Breaks, Break{From: now, Reason: reason})
	case c == ResumeHearing && h.Status == Paused:
		h.Status = Open
		if n := len(h.Breaks); n > 0 && h.Breaks[n-1].To == nil {
			h.Breaks[n-1].To = &now
		}
	case c == CloseHearing:
		h.Status, h.ClosedAt, h.CloseReason = Closed, &now, reason
	default:
		return h, fmt.Errorf("hearing %s is %s: cannot %s it", h.ID, h.Status, c)
	}
	d.log.Warn("hearing changed by hand", "courtroom", d.cfg.Courtroom, "hearing", h.ID, "command", c)
	d.inform()
	d.hearing(h)
	return h, nil
}

// shortName keeps an id within its 64 bytes, whole characters only.
func shortName(s string) string {
	for len(s) > 40 {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}
