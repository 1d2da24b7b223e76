package capture

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// session is a hearing while it is recorded: from its opening, or the end of a
// break, to the next break or its end.
type session struct {
	daemon   *Daemon
	hearing  Hearing
	spool    *Spool
	archive  *Archive
	out      chan<- queued
	fresh    bool      // the process has not recorded this hearing before: epochs may go on
	since    time.Time // nothing from before belongs to it
	watching sync.WaitGroup

	mu         sync.Mutex
	recordings []*recording
}

// recording is one seat of a session.
type recording struct {
	*recorder
	feed  *feed
	stop  chan End
	ended chan struct{} // closed when all is durable
}

func newSession(d *Daemon, h Hearing, spool *Spool, archive *Archive, out chan<- queued, fresh bool) *session {
	s := &session{daemon: d, hearing: h, spool: spool, archive: archive, out: out, fresh: fresh}
	s.since = time.Now() // after a break, nothing of it
	if fresh && len(h.Breaks) == 0 {
		// News of the opening may have come late.
		if opened := h.openedAt(); opened.Before(s.since) {
			s.since = opened
		}
		if s.since = s.since.Add(-d.cfg.Preroll); s.since.Before(d.quiet) {
			s.since = d.quiet
		}
	}
	return s
}

// prepare makes the recording of a seat.
func (s *session) prepare(seat *seat) *recording {
	d := s.daemon
	source := seat.Source
	if seat.listener != nil {
		source = seat.listener.tap(s.since)
	}
	r := &recorder{
		hearing: s.hearing, channel: seat.Channel, source: source, spool: s.spool, archive: s.archive, out: s.out,
		held:   func(channel string) Receipt { return d.held(s.hearing.ID, channel) },
		alarms: &d.alarms, log: d.log, slots: make(chan struct{}, queueChunks), asleep: d.asleep,
	}
	r.done = func(error) { <-r.slots }
	now := holder(&s.hearing, seat)
	r.seat.Store(&now)
	return &recording{recorder: r, feed: seat.feed, stop: make(chan End, 1), ended: make(chan struct{})}
}

// recorder is that of a channel; nil where it is not recorded, as by a nil session.
func (s *session) recorder(channel string) *recorder {
	if s == nil {
		return nil
	}
	for _, r := range s.all() {
		if r.channel == channel {
			return r.recorder
		}
	}
	return nil
}

// all are the recordings. Nobody changes what it gives.
func (s *session) all() []*recording {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recordings
}

// holder is who sits at a seat of the courtroom now.
func holder(h *Hearing, seat *seat) Seat {
	now, ok := h.SeatAt(seat.Channel, time.Now())
	if !ok {
		now = Seat{Channel: seat.Channel, Role: seat.Role}
	}
	return now
}

// reseat follows who sits where while the hearing goes on.
func (d *Daemon) reseat(s *session, seats []*seat) {
	h, ok := d.current()
	if s == nil || !ok || h.ID != s.hearing.ID {
		return
	}
	for _, seat := range seats {
		r := s.recorder(seat.Channel)
		if r == nil {
			continue
		}
		if now := holder(&h, seat); now != r.holder() {
			d.log.Info("a seat has another holder", "hearing", h.ID, "channel", r.channel)
			r.seat.Store(&now)
		}
	}
	d.watchEmptySeats(&h)
}

// begin starts to record. It reports false when epochs cannot be begun now.
func (s *session) begin(ctx context.Context) bool {
	d := s.daemon
	if !s.join(ctx, nil) {
		return false
	}
	d.watchEmptySeats(&s.hearing)
	d.log.Info("recording begins", "courtroom", d.cfg.Courtroom, "hearing", s.hearing.ID, "seats", len(s.all()))
	if d.cfg.OnEnd != nil && len(s.all()) > 0 {
		s.watching.Go(s.watchEnd)
	}
	return true
}

// join begins to record every seat that is not recorded yet and may be numbered;
// nil: all may. It reports false when some are left for later.
func (s *session) join(ctx context.Context, may func(h Hearing, spool *Spool, channel string) bool) bool {
	d := s.daemon
	var list []*recording
	whole := true
	for _, seat := range d.seatList() {
		switch {
		case s.recorder(seat.Channel) != nil:
		case may != nil && !may(s.hearing, s.spool, seat.Channel):
			whole = false
		default:
			list = append(list, s.prepare(seat))
		}
	}
	if len(list) == 0 {
		return whole
	}
	if err := s.beginRecordings(list); err != nil {
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
	for _, r := range list {
		go func() {
			defer close(r.ended)
			r.run(ctx, r.stop)
		}()
	}
	s.mu.Lock()
	s.recordings = append(slices.Clone(s.recordings), list...)
	s.mu.Unlock()
	return whole
}

// leave ends the recordings of seats that are not among these any more, or hear
// something else. It returns when what they heard is durable.
func (s *session) leave(seats []*seat) {
	var stay, away []*recording
	for _, r := range s.all() {
		i := slices.IndexFunc(seats, func(seat *seat) bool { return seat.Channel == r.channel })
		switch {
		case i < 0:
			r.stop <- EndClose // nobody is to wait for more of it
			away = append(away, r)
		case seats[i].feed != r.feed:
			r.stop <- NotEnd
			away = append(away, r)
		default:
			stay = append(stay, r)
		}
	}
	for _, r := range away {
		<-r.ended
	}
	s.mu.Lock()
	s.recordings = stay
	s.mu.Unlock()
	s.since = time.Now() // who comes now was not there before
}

// watchEmptySeats tells of seats of the hearing that this courtroom has no
// source for.
func (d *Daemon) watchEmptySeats(h *Hearing) {
	missing := map[string]bool{}
	for _, seat := range h.Seats {
		missing[seat.Channel] = true
	}
	for _, seat := range d.seatList() {
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
			Text:   fmt.Sprintf("法庭 %s 没有 %s（%s）的声音输入；请在录音配置中添加，然后运行 tingji capture reload", d.cfg.Courtroom, seat.Role, channel),
			TextEN: fmt.Sprintf("Courtroom %s has no source for %s (%s); add one to its configuration and run tingji capture reload", d.cfg.Courtroom, seat.Role, channel),
		})
	}
}

// watchEnd tells OnEnd when every seat has been played to its end.
func (s *session) watchEnd() {
	s.waitSeats()
	for _, r := range s.all() {
		if !r.finished.Load() {
			return
		}
	}
	s.daemon.cfg.OnEnd(s.hearing.ID)
}

// end ends the epochs of all seats and returns when that is durable.
func (s *session) end(why End) {
	for _, r := range s.all() {
		r.stop <- why
	}
	s.wait()
}

// wait returns when no seat records any more.
func (s *session) wait() {
	s.waitSeats()
	s.watching.Wait()
}

func (s *session) waitSeats() {
	for _, r := range s.all() {
		<-r.ended
	}
}

// beginRecordings begins the epochs of those that play recordings, or goes on with those that an earlier process has begun. They share one clock: sample
// n of each recording stands at the same instant, at whatever pace it is
// played. Live seats begin theirs when they hear something.
func (s *session) beginRecordings(list []*recording) error {
	var starts []EpochStart
	latest := time.Now() // no epoch may begin before the last one has ended
	var origin time.Time // of sample 0 of the recordings, from seats that go on
	lowest := SampleIndex(-1)
	for _, r := range list {
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
