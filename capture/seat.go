package capture

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// SeatSource is a seat of the courtroom and where its sound comes from.
type SeatSource struct {
	Channel string
	Role    string // the usual holder; a hearing may say otherwise
	Source  Source
	// Spec says in words what Source is, as the configuration does: a seat that has
	// the same at a [Daemon.Reseat] goes on untouched.
	Spec string
}

// seat is a seat while the daemon runs.
type seat struct {
	SeatSource
	*feed
}

// feed is what a seat hears. Seats come and go; a feed that stays has no seam.
type feed struct {
	listener *Listener // nil: a recording
	cancel   context.CancelFunc
	ended    chan struct{} // closed when the listener listens no more; nil before listen
}

// listen has a live seat's listener run until ctx ends or stop is called.
func (f *feed) listen(ctx context.Context) {
	if f.listener == nil || f.ended != nil {
		return
	}
	ctx, f.cancel = context.WithCancel(ctx)
	f.ended = make(chan struct{})
	go func() {
		defer close(f.ended)
		f.listener.Run(ctx)
	}()
}

// stop returns when the device is let go.
func (f *feed) stop() {
	if f.ended != nil {
		f.cancel()
		<-f.ended
	}
}

// checkSeats holds channels to their form: each seat has its own.
func checkSeats(courtroom string, seats []SeatSource) error {
	seen := map[string]bool{}
	for _, s := range seats {
		if err := CheckName(s.Channel); err != nil {
			return fmt.Errorf("seat of courtroom %s: %w", courtroom, err)
		}
		if seen[s.Channel] {
			return fmt.Errorf("courtroom %s: two seats on channel %s: give each its own", courtroom, s.Channel)
		}
		seen[s.Channel] = true
	}
	return nil
}

// newSeat makes a seat that has not been there before.
func (d *Daemon) newSeat(s SeatSource) *seat {
	f := &feed{}
	if !s.Source.Resumable() {
		f.listener = NewListener(s, d.cfg.Preroll, d.log)
	}
	return &seat{s, f}
}

// seatList are the seats of the courtroom. Nobody changes what it gives.
func (d *Daemon) seatList() []*seat {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seats
}

// Reseated says what a new list of seats has changed, by channel.
type Reseated struct {
	Added, Changed, Removed []string // Changed: those that hear something else now
}

// String is one line for people.
func (r Reseated) String() string {
	var parts []string
	for _, p := range []struct {
		what     string
		channels []string
	}{{"added", r.Added}, {"changed", r.Changed}, {"removed", r.Removed}} {
		if len(p.channels) > 0 {
			parts = append(parts, p.what+" "+strings.Join(p.channels, ", "))
		}
	}
	if len(parts) == 0 {
		return "the same seats"
	}
	return strings.Join(parts, "; ")
}

// reseating is a list of seats on its way to the goroutine that sees to hearings.
type reseating struct {
	seats []*seat
	gone  []*seat
	done  chan struct{}
}

// Reseat gives the daemon other seats, also while a hearing is recorded: one that is
// new is recorded from now on, one that is gone is so no more, and one that hears
// something else begins an epoch. All others go on without a seam. Seats that cannot
// be are refused, and nothing is changed. It is safe for use by several goroutines,
// returns when the seats are in place, or with ctx's error, and is to be called
// while Run runs.
func (d *Daemon) Reseat(ctx context.Context, seats []SeatSource) (Reseated, error) {
	var r Reseated
	if err := checkSeats(d.cfg.Courtroom, seats); err != nil {
		return r, err
	}
	d.reseat1.Lock()
	defer d.reseat1.Unlock()
	before := map[string]*seat{}
	for _, s := range d.seatList() {
		before[s.Channel] = s
	}
	change := reseating{done: make(chan struct{})}
	for _, s := range seats {
		old := before[s.Channel]
		delete(before, s.Channel)
		if old != nil && old.Spec == s.Spec {
			s.Source = old.Source
			change.seats = append(change.seats, &seat{s, old.feed})
			continue
		}
		change.seats = append(change.seats, d.newSeat(s))
		if old == nil {
			r.Added = append(r.Added, s.Channel)
		} else {
			r.Changed = append(r.Changed, s.Channel)
			change.gone = append(change.gone, old)
		}
	}
	for channel, s := range before {
		r.Removed = append(r.Removed, channel)
		change.gone = append(change.gone, s)
	}
	slices.Sort(r.Removed)
	select {
	case d.reseats <- change:
	case <-ctx.Done():
		return r, ctx.Err()
	}
	<-change.done
	d.log.Info("seats as the configuration has them now", "courtroom", d.cfg.Courtroom, "what", r.String())
	return r, nil
}

// takeSeats puts other seats in the place of those that were there. The goroutine
// that sees to hearings calls it.
func (d *Daemon) takeSeats(ctx context.Context, change reseating) {
	defer close(change.done)
	d.mu.Lock()
	d.seats = change.seats
	d.mu.Unlock()
	d.writer.seats.Store(int64(len(change.seats)))
	if s := d.recording(); s != nil {
		s.leave(change.seats)
	}
	for _, s := range change.gone {
		s.stop() // a device has to be free before another seat can have it
		for _, code := range []string{alarmSource, alarmArchive, alarmLost, alarmSilent, alarmClipped, alarmSame, alarmReplaced} {
			d.alarms.clear(code, s.Channel)
		}
	}
	for _, s := range change.seats {
		s.listen(ctx)
	}
}
