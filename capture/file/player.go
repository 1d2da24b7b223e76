package file

import (
	"context"
	"sync"
	"time"

	"tingji/capture"
)

// slack is how far a seat may be ahead of the others that are being played.
const slack = capture.SampleIndex(capture.Rate / 4)

// latecomers are waited for no longer than this once the first seat plays: one
// that is not part of the hearing must not hold up the others.
const latecomers = time.Second

// Player is the clock of recordings that belong together. It is safe for use by
// several goroutines.
type Player struct {
	pace float64

	mu      sync.Mutex
	seats   []*seat
	started time.Time           // when the clock stood at origin; zero while nothing plays
	origin  capture.SampleIndex // position of the first seat that played
	moved   chan struct{}       // closed, and replaced, when a seat has moved
}

// seat is one recording's place. The player's lock guards it.
type seat struct {
	at     capture.SampleIndex
	open   bool
	silent bool // at its end, or failed: nobody waits for it
}

// NewPlayer makes a clock that runs pace times as fast as the wall's; 0 is as
// fast as the recordings are taken.
func NewPlayer(pace float64) *Player {
	return &Player{pace: max(0, pace), moved: make(chan struct{})}
}

func (p *Player) add() *seat {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &seat{}
	p.seats = append(p.seats, s)
	return s
}

// begin puts a seat at a place, ready to play.
func (p *Player) begin(s *seat, at capture.SampleIndex) {
	p.update(func() {
		s.at, s.open, s.silent = at, true, false
		if p.started.IsZero() {
			p.started, p.origin = time.Now(), at
		}
	})
}

// end takes a seat out: for good when silent, else it may begin again.
func (p *Player) end(s *seat, silent bool) {
	p.update(func() {
		s.open, s.silent = false, s.silent || silent
		for _, other := range p.seats {
			if other.open {
				return
			}
		}
		p.started = time.Time{} // the tape has stopped; it goes on later from where it is
	})
}

func (p *Player) update(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.moved)
	p.moved = make(chan struct{})
}

// play waits until the seat may play up to n samples more, and moves it. It
// returns how many it may play: at least 1 unless ctx has ended.
func (p *Player) play(ctx context.Context, s *seat, n int) (int, error) {
	for {
		can, wait, moved := p.try(s, n)
		if can > 0 {
			return can, nil
		}
		if err := sleep(ctx, wait, moved); err != nil {
			return 0, err
		}
	}
}

// try is play without waiting: it says how long to wait, or for what.
func (p *Player) try(s *seat, n int) (can int, wait time.Duration, moved <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := s.at + capture.SampleIndex(n)
	age := time.Since(p.started)
	wait = -1
	for _, other := range p.seats {
		if other == s || other.silent || !other.open && age >= latecomers {
			continue
		}
		if !other.open {
			wait = latecomers - age // then look again
		}
		limit = min(limit, other.at+slack)
	}
	if p.pace > 0 {
		// Up to where the clock stands; at less than 20 ms of sound it waits on.
		due := p.origin + capture.SamplesIn(time.Duration(float64(age)*p.pace))
		const least = capture.Rate / 50
		if due < s.at+min(least, capture.SampleIndex(n)) && limit > s.at {
			lack := (s.at + min(least, capture.SampleIndex(n)) - due).Duration()
			return 0, time.Duration(float64(lack)/p.pace) + time.Microsecond, nil
		}
		limit = min(limit, due)
	}
	if limit <= s.at {
		return 0, wait, p.moved
	}
	can = int(limit - s.at)
	s.at = limit
	close(p.moved)
	p.moved = make(chan struct{})
	return can, 0, nil
}

// sleep waits for d (less than zero: for ever), for moved, or for ctx.
func sleep(ctx context.Context, d time.Duration, moved <-chan struct{}) error {
	var after <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		after = t.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-after:
	case <-moved:
	}
	return nil
}
