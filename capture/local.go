package capture

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// localMark stands in the id of a hearing that was opened on the courtroom's PC
// while the server was away, between its time and its courtroom.
const localMark = "-pc-"

// localTime is the time in such an id: it is when the hearing was opened.
const localTime = "20060102-150405.000"

// Local says whether the hearing was opened on a courtroom's PC, without the
// server: it has no case until it is bound to one.
func (h *Hearing) Local() bool { return strings.Contains(h.ID, localMark) }

// LocalHearing is what the id alone says of a hearing that was opened on a
// courtroom's PC, and whether it is such an id: what was said in it may reach the
// server before the PC has told of it. A courtroom's id of more than 40 bytes is
// cut off.
func LocalHearing(id string) (Hearing, bool) {
	at, room, ok := strings.Cut(id, localMark)
	opened, err := time.Parse(localTime, at)
	if !ok || err != nil || CheckName(id) != nil || room == "" {
		return Hearing{}, false
	}
	return Hearing{
		ID: id, Status: Open, Courtroom: room, Participants: []Participant{}, Seats: []Seat{},
		Hotwords: []string{}, Breaks: []Break{}, CreatedAt: opened, OpenedAt: &opened,
	}, true
}

// over is the server's state of a hearing with what was done by hand on it.
func (h Hearing) over(server Hearing) Hearing {
	server.Status, server.Breaks, server.ByHand = h.Status, h.Breaks, h.ByHand
	server.ClosedAt, server.CloseReason = h.ClosedAt, h.CloseReason
	return server
}

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
		err := fmt.Errorf("no hearing is open: nothing to %s", c)
		if ok {
			err = fmt.Errorf("hearing %s is %s already: close it first", h.ID, h.Status)
		}
		d.log.Warn("refused by hand", "courtroom", d.cfg.Courtroom, "command", c, "err", err)
		return h, err
	}
	h.Breaks = append([]Break(nil), h.Breaks...)
	switch {
	case c == OpenHearing:
		now = now.Truncate(time.Millisecond) // as its id says
		h, _ = LocalHearing(now.Format(localTime) + localMark + shortName(d.cfg.Courtroom))
		h.Version, h.Courtroom = 1, d.cfg.Courtroom
		for _, s := range d.seatList() {
			h.Seats = append(h.Seats, Seat{Channel: s.Channel, Role: s.Role})
		}
	case c == PauseHearing && h.Status == Open:
		h.Status, h.Breaks = Paused, append(h.Breaks, Break{From: now, Reason: reason})
	case c == ResumeHearing && h.Status == Paused:
		h.Status = Open
		h.endBreak(now)
	case c == CloseHearing:
		h.Status, h.ClosedAt, h.CloseReason = Closed, &now, reason
		h.endBreak(now)
	default:
		return h, fmt.Errorf("hearing %s is %s: cannot %s it", h.ID, h.Status, c)
	}
	d.log.Warn("hearing changed by hand", "courtroom", d.cfg.Courtroom, "hearing", h.ID, "command", c)
	h.ByHand++
	d.mu.Lock()
	d.byHand[h.ID] = h
	d.put(h)
	d.mu.Unlock()
	d.keepByHand()
	d.inform()
	return h, nil
}

func (h *Hearing) endBreak(now time.Time) {
	if n := len(h.Breaks); n > 0 && h.Breaks[n-1].To == nil {
		h.Breaks[n-1].To = &now
	}
}

// untold are the hearings changed by hand of which the server does not know
// that yet, the oldest first. A vocabulary of thousands of words is not sent with
// every sign of life.
func (d *Daemon) untold() []Hearing {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []Hearing
	for _, h := range d.byHand {
		h.Hotwords = []string{}
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b Hearing) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// byHandName is the file of the hearings that the server is still to be told of.
const byHandName = "by-hand.json"

// keepByHand makes them durable. Where the disk does not take them, they are
// told all the same, as long as the process lives.
func (d *Daemon) keepByHand() {
	d.keeping.Lock()
	defer d.keeping.Unlock()
	d.mu.Lock()
	b, err := json.Marshal(d.byHand)
	d.mu.Unlock()
	if err == nil {
		err = writeFileAtomic(filepath.Join(d.cfg.Dir, byHandName), b)
	}
	if err != nil {
		d.log.Error("a hearing changed by hand will be forgotten at a restart; check the disk", "courtroom", d.cfg.Courtroom, "err", err)
	}
}

// recallByHand goes on with what an earlier process had not told the server.
func (d *Daemon) recallByHand() {
	b, err := os.ReadFile(filepath.Join(d.cfg.Dir, byHandName))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var list map[string]Hearing
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		d.log.Error("hearings changed by hand are not known any more", "courtroom", d.cfg.Courtroom, "err", err)
		return
	}
	d.mu.Lock()
	for id, h := range list {
		if h.Courtroom == d.cfg.Courtroom {
			d.byHand[id] = h
			d.put(h)
		}
	}
	d.mu.Unlock()
	d.wake()
}

// shortName keeps an id within its 64 bytes, whole characters only.
func shortName(s string) string {
	for len(s) > 40 {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}
