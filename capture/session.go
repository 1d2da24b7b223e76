package capture

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// session is a hearing while it is recorded: from its opening, or the end of a
// break, to the next break or its end.
type session struct {
	daemon    *Daemon
	hearing   Hearing
	spool     *Spool
	fresh     bool // the process has not recorded this hearing before: epochs may go on
	recorders []*recorder
	stops     []chan End
	seats     sync.WaitGroup
	watching  sync.WaitGroup
}

func newSession(d *Daemon, h Hearing, spool *Spool, archive *Archive, out chan<- queued, fresh bool) *session {
	s := &session{daemon: d, hearing: h, spool: spool, fresh: fresh}
	since := time.Now() // after a break, nothing of it
	if fresh && len(h.Breaks) == 0 {
		// News of the opening may have come late.
		if opened := h.openedAt(); opened.Before(since) {
			since = opened
		}
		if since = since.Add(-d.cfg.Preroll); since.Before(d.quiet) {
			since = d.quiet
		}
	}
	for i, seat := range d.cfg.Seats {
		source := seat.Source
		if l := d.listeners[i]; l != nil {
			source = l.tap(since)
		}
		r := &recorder{
			hearing: h, channel: seat.Channel, source: source, spool: spool, archive: archive, out: out,
			held:   func(channel string) Receipt { return d.held(h.ID, channel) },
			alarms: &d.alarms, log: d.log, slots: make(chan struct{}, queueChunks), asleep: d.asleep,
		}
		r.done = func(error) { <-r.slots }
		r.seat.Store(holder(&h, seat))
		s.recorders = append(s.recorders, r)
		s.stops = append(s.stops, make(chan End, 1))
	}
	return s
}

// holder is who sits at a seat of the courtroom now.
func holder(h *Hearing, seat SeatSource) *Seat {
	now, ok := h.SeatAt(seat.Channel, time.Now())
	if !ok {
		now = Seat{Channel: seat.Channel, Role: seat.Role}
	}
	return &now
}

// reseat follows who sits where while the hearing goes on.
func (d *Daemon) reseat(s *session) {
	h, ok := d.current()
	if s == nil || !ok || h.ID != s.hearing.ID {
		return
	}
	for i, r := range s.recorders {
		if now := holder(&h, d.cfg.Seats[i]); *now != r.holder() {
			d.log.Info("a seat has another holder", "hearing", h.ID, "channel", r.channel)
			r.seat.Store(now)
		}
	}
	d.watchEmptySeats(&h)
}

// begin starts to record. It reports false when epochs cannot be begun now.
func (s *session) begin(ctx context.Context) bool {
	d := s.daemon
	if err := s.beginRecordings(); err != nil {
		if d.alarms.raise(Alarm{
			Code: alarmSpool, Hearing: s.hearing.ID,
			Text:   fmt.Sprintf("法庭 %s：录音无法开始（%v）；请检查磁盘", d.cfg.Courtroom, err),
			TextEN: fmt.Sprintf("Courtroom %s: recording cannot begin (%v); check the disk", d.cfg.Courtroom, err),
		}) {
			d.log.Error("recording cannot begin", "courtroom", d.cfg.Courtroom, "hearing", s.hearing.ID, "err", err)
		}
		return false
	}
	d.alarms.clear(alarmSpool, "")
	d.watchEmptySeats(&s.hearing)
	d.log.Info("recording begins", "courtroom", d.cfg.Courtroom, "hearing", s.hearing.ID, "seats", len(s.recorders))
	for i, r := range s.recorders {
		s.seats.Go(func() { r.run(ctx, s.stops[i]) })
	}
	if d.cfg.OnEnd != nil && len(s.recorders) > 0 {
		s.watching.Go(s.watchEnd)
	}
	return true
}

// watchEmptySeats tells of seats of the hearing that this courtroom has no
// source for.
func (d *Daemon) watchEmptySeats(h *Hearing) {
	missing := map[string]bool{}
	for _, seat := range h.Seats {
		missing[seat.Channel] = true
	}
	for _, seat := range d.cfg.Seats {
		delete(missing, seat.Channel)
	}
	for _, a := range d.alarms.list() {
		if a.Code == alarmNoSource && !missing[a.Channel] {
			d.alarms.clear(a.Code, a.Channel)
		}
	}
	for channel := range missing {
		seat, _ := h.SeatAt(channel, time.Now())
		d.alarms.raise(Alarm{
			Code: alarmNoSource, Hearing: h.ID, Channel: channel,
			Text:   fmt.Sprintf("法庭 %s 没有 %s（%s）的声音输入；请检查录音配置", d.cfg.Courtroom, seat.Role, channel),
			TextEN: fmt.Sprintf("Courtroom %s has no source for %s (%s); check its configuration", d.cfg.Courtroom, seat.Role, channel),
		})
	}
}

// watchEnd tells OnEnd when every seat has been played to its end.
func (s *session) watchEnd() {
	s.seats.Wait()
	for _, r := range s.recorders {
		if !r.finished.Load() {
			return
		}
	}
	s.daemon.cfg.OnEnd(s.hearing.ID)
}

// end ends the epochs of all seats and returns when that is durable.
func (s *session) end(why End) {
	for _, stop := range s.stops {
		stop <- why
	}
	s.wait()
}

// wait returns when no seat records any more.
func (s *session) wait() {
	s.seats.Wait()
	s.watching.Wait()
}

// beginRecordings begins the epochs of all seats that play recordings, or goes
// on with those that an earlier process has begun. They share one clock: sample
// n of each recording stands at the same instant, at whatever pace it is
// played. Live seats begin theirs when they hear something.
func (s *session) beginRecordings() error {
	var starts []EpochStart
	latest := time.Now() // no epoch may begin before the last one has ended
	var origin time.Time // of sample 0 of the recordings, from seats that go on
	lowest := SampleIndex(-1)
	for _, r := range s.recorders {
		if !r.source.Resumable() {
			continue
		}
		ch, known := s.spool.Channel(s.hearing.ID, r.channel)
		switch {
		case known && ch.End == EndFile:
			continue
		case known && s.goesOn(ch):
			origin = ch.OpenedAt.Add(-ch.SourceFrom.Duration())
			continue
		}
		from := ch.SourceFrom + ch.Next
		starts = append(starts, EpochStart{Channel: r.channel, SourceFrom: from, Held: s.daemon.held(s.hearing.ID, r.channel)})
		if end := ch.OpenedAt.Add(ch.Next.Duration()); known && end.After(latest) {
			latest = end
		}
		if lowest < 0 || from < lowest {
			lowest = from
		}
	}
	if len(starts) == 0 {
		return nil
	}
	if origin.IsZero() {
		origin = latest.Add(-lowest.Duration())
	}
	for i := range starts {
		starts[i].OpenedAt = origin.Add(starts[i].SourceFrom.Duration())
	}
	return s.spool.BeginEpochs(s.hearing.ID, starts)
}

// goesOn says whether a recording's epoch that an earlier process has begun is
// still open: it was not ended, and no break has passed since.
func (s *session) goesOn(ch SpoolChannel) bool {
	if !s.fresh || ch.Epoch == 0 || ch.End != NotEnd {
		return false
	}
	heard := ch.OpenedAt.Add(ch.Next.Duration())
	for _, b := range s.hearing.Breaks {
		if b.From.After(heard) {
			return false
		}
	}
	return true
}
