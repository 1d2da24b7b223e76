package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Listener hears one live seat for as long as a program runs, whether a hearing
// is open or not: its level can be shown before the hearing, and when the
// hearing opens, what was said a moment before is still there. It keeps that
// moment in memory only. It is safe for use by several goroutines.
type Listener struct {
	seat  SeatSource
	keep  time.Duration // how much is kept
	log   *slog.Logger
	meter meter
	ear   ear

	mu      sync.Mutex
	blocks  []heardBlock
	base    uint64        // number of blocks[0]
	read    uint64        // a hearing has all before this block, and nobody else will want it
	held    time.Duration // in blocks
	heardAt time.Time     // when the last block came, or Run began
	heard   bool          // a block came
	down    error         // why there is no sound; nil while there is
	place   string        // what the seat was first heard to be connected to
	moved   string        // what it is connected to instead; "" is well
	free    [][]int16     // samples of blocks that were let go, to be used again
	changed chan struct{} // holds one token when there is more; one tap reads at a time
}

// heardBlock is what one Read gave: samples, or an error.
type heardBlock struct {
	samples []int16
	rate    int       // of them, in Hz
	arrived time.Time // of the last of them
	err     error
}

func (b *heardBlock) length() time.Duration {
	if len(b.samples) == 0 {
		return 0
	}
	return lengthOf(len(b.samples), b.rate)
}

// tapSlack is how far a reader may be behind, beyond what is kept for the
// opening: longer than a recorder waits between two attempts.
const tapSlack = 12 * time.Second

// listenMost is the longest pause between attempts to hear a seat: what is said
// meanwhile is lost.
const listenMost = 2 * time.Second

// NewListener makes the listener of a live seat that keeps the last preroll of
// its sound.
func NewListener(seat SeatSource, preroll time.Duration, log *slog.Logger) *Listener {
	return &Listener{seat: seat, keep: preroll + tapSlack, log: log, changed: make(chan struct{}, 1)}
}

// Run listens until ctx ends. A source that fails is opened again.
func (l *Listener) Run(ctx context.Context) {
	l.mu.Lock()
	l.heardAt = time.Now()
	l.mu.Unlock()
	wait := reopenFirst
	for ctx.Err() == nil {
		began := time.Now()
		err := l.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		l.put(heardBlock{err: err})
		l.log.Debug("source failed", "channel", l.seat.Channel, "err", err)
		if time.Since(began) > listenMost {
			wait = reopenFirst
		}
		pause(ctx, wait)
		wait = min(2*wait, listenMost)
	}
}

func (l *Listener) listen(ctx context.Context) error {
	stream, err := l.seat.Source.Open(ctx, 0)
	if err != nil {
		return err
	}
	defer stream.Close()
	where, _ := stream.(interface{ Place() string }) // see [Stream]
	room := newRoom()
	for i := 0; ; i++ {
		if where != nil && i%blocksPerSecond == 0 {
			l.look(where.Place())
		}
		n, arrived, err := stream.Read(ctx, room.of(stream))
		buf, rate := room.samples, rateOf(stream)
		switch {
		case errors.Is(err, ErrGap):
			l.put(heardBlock{err: ErrGap})
		case err != nil:
			return err
		default:
			l.meter.hear(buf[:n])
			l.ear.hear(buf[:n], rate)
			l.put(heardBlock{samples: buf[:n], rate: rate, arrived: arrived})
		}
	}
}

// look notes what the seat is connected to.
func (l *Listener) look(place string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case place == "":
	case l.place == "" || place == l.place:
		l.place, l.moved = place, ""
	default:
		l.moved = place
	}
}

// put keeps a block, whose samples it copies.
func (l *Listener) put(b heardBlock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.err == nil {
		l.heardAt, l.heard, l.down = time.Now(), true, nil
	} else if !errors.Is(b.err, ErrGap) {
		l.down = b.err
	}
	var samples []int16
	if n := len(l.free); n > 0 && len(b.samples) > 0 {
		samples, l.free = l.free[n-1], l.free[:n-1]
	}
	b.samples = append(samples[:0], b.samples...)
	l.blocks = append(l.blocks, b)
	l.held += b.length()
	drop := 0
	for ; drop < len(l.blocks)-1 && (l.held > l.keep || drop+maxHeard < len(l.blocks) || l.base+uint64(drop) < l.read); drop++ {
		if old := &l.blocks[drop]; len(old.samples) > 0 {
			l.held -= old.length()
			if len(l.free) < freeMost {
				l.free = append(l.free, old.samples)
			}
		}
	}
	if drop > 0 {
		n := copy(l.blocks, l.blocks[drop:])
		clear(l.blocks[n:])
		l.blocks, l.base = l.blocks[:n], l.base+uint64(drop)
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// freeMost is how many blocks are kept to be used again. What a hearing has read of the time
// before it is more, and is given back.
const freeMost = 4

// maxHeard bounds the blocks that are kept of a source that delivers a few
// samples at a time, or nothing but errors.
const maxHeard = 20000

// Sound is what a seat is heard to do at present.
type Sound struct {
	LevelDBFS float64       // RMS since it was last asked for; -120 is digital silence
	Quiet     time.Duration // since when there is digital silence, or nothing at all
	Clipped   bool          // too loud for most of the last seconds
	Err       error         // why there is no sound
	Waiting   bool          // nothing has come yet, and nobody knows why
	// Was and Is are set where the device was replaced behind its back: what the
	// seat was connected to at first, and what it is connected to now.
	Was, Is string
}

// Sound looks at the seat; the level is that since the last look.
func (l *Listener) Sound() Sound {
	l.mu.Lock()
	s := Sound{Err: l.down, Waiting: !l.heard && l.down == nil}
	since := time.Since(l.heardAt)
	if l.moved != "" {
		s.Was, s.Is = l.place, l.moved
	}
	l.mu.Unlock()
	s.LevelDBFS = l.meter.read()
	s.Quiet, s.Clipped = l.ear.state()
	s.Quiet = max(s.Quiet, since)
	return s
}

// tap makes the listener a source for one hearing, which begins with what was
// heard since a time and goes on without a seam, also after failures.
func (l *Listener) tap(since time.Time) Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &tap{listener: l, since: since, next: l.base + uint64(len(l.blocks))}
	for i := len(l.blocks) - 1; i >= 0; i-- {
		b := l.blocks[i]
		if b.err != nil && !errors.Is(b.err, ErrGap) || b.err == nil && !b.arrived.After(since) {
			break
		}
		t.next = l.base + uint64(i)
	}
	l.read = t.next
	return t
}

// tap is a place in what a listener hears. It is for use by one goroutine.
type tap struct {
	listener *Listener
	since    time.Time // nothing from before; zero once that is passed
	next     uint64    // block
	offset   int       // in it
	rate     int       // of what was read last, in Hz; 0: nothing was
}

// Rate is that of what was read last; see [Stream].
func (t *tap) Rate() int { return cmp.Or(t.rate, Rate) }

func (t *tap) Resumable() bool { return false }

// Open passes over a failure that Read has told of; it fails if nothing was
// heard since.
func (t *tap) Open(context.Context, SampleIndex) (Stream, error) {
	l := t.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	for t.next-l.base < uint64(len(l.blocks)) {
		if err := l.blocks[t.next-l.base].err; err == nil || errors.Is(err, ErrGap) {
			return t, nil
		}
		t.next++
	}
	if l.down != nil {
		return nil, l.down
	}
	return t, nil
}

func (t *tap) Read(ctx context.Context, buf []int16) (int, time.Time, error) {
	l := t.listener
	for {
		l.mu.Lock()
		l.read = max(l.read, t.next)
		if t.next < l.base {
			t.next, t.offset = l.base, 0
			l.mu.Unlock()
			return 0, time.Time{}, ErrGap
		}
		if i := t.next - l.base; i < uint64(len(l.blocks)) {
			b := l.blocks[i]
			if b.err != nil {
				l.mu.Unlock()
				t.next, t.offset = t.next+1, 0
				return 0, time.Time{}, b.err
			}
			t.skip(b)
			t.rate = b.rate
			n := copy(buf, b.samples[t.offset:])
			l.mu.Unlock()
			if t.offset += n; t.offset == len(b.samples) {
				t.next, t.offset = t.next+1, 0
				if n == 0 {
					continue
				}
				return n, b.arrived, nil
			}
			return n, b.arrived.Add(-lengthOf(len(b.samples)-t.offset, b.rate)), nil
		}
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return 0, time.Time{}, ctx.Err()
		case <-l.changed:
		}
	}
}

// skip passes over what was heard before the tap's time, to the sample.
func (t *tap) skip(b heardBlock) {
	if t.since.IsZero() || t.offset > 0 {
		return
	}
	early := t.since.Sub(b.arrived.Add(-b.length()))
	if early <= 0 {
		t.since = time.Time{}
		return
	}
	n := (int64(early)*int64(b.rate) + int64(time.Second) - 1) / int64(time.Second)
	t.offset = int(min(n, int64(len(b.samples))))
}

// Close leaves the listener listening.
func (t *tap) Close() error { return nil }

// stalled is how long a live seat may give digital silence, or nothing at all,
// before somebody is told.
const stalled = 5 * time.Second

// watchMicrophones raises the alarms of live seats while a hearing is recorded:
// silent, too loud, or two that are the same. It is called every second, with
// nil while nothing is recorded: then only a seat that cannot be heard at all is
// told of, so that it is mended before the hearing. Seats that are not live have no
// listener.
func (d *Daemon) watchMicrophones(s *session, seats []*seat, sounds []Sound) {
	if s == nil {
		for i, seat := range seats {
			for _, code := range []string{alarmSilent, alarmClipped, alarmSame, alarmReplaced} {
				d.alarms.clear(code, seat.Channel)
			}
			if sounds[i].Err != nil {
				d.alarms.sourceFailed("", Seat{Channel: seat.Channel, Role: seat.Role}, sounds[i].Err, d.log)
			} else if seat.listener != nil {
				d.alarms.clear(alarmSource, seat.Channel)
			}
		}
		return
	}
	for i, at := range seats {
		l, r := at.listener, s.recorder(at.Channel)
		if l == nil || r == nil {
			continue
		}
		seat := r.holder()
		name := func() string { return fmt.Sprintf("%s（%s）", seat.Role, seat.Channel) }
		nameEN := func() string { return fmt.Sprintf("%s (%s)", seat.Role, seat.Channel) }
		s.microphone(sounds[i].Err == nil && sounds[i].Quiet >= stalled, alarmSilent, seat.Channel, func() (string, string) {
			return name() + "的话筒没有任何声音：可能已静音、断线或未供电；请检查话筒开关和接线",
				"The microphone of " + nameEN() + " gives no signal at all: muted, unplugged or without power; check its switch and cable"
		})
		s.microphone(sounds[i].Clipped, alarmClipped, seat.Channel, func() (string, string) {
			return name() + "的话筒声音过大，已削波失真；请调低增益",
				"The microphone of " + nameEN() + " is too loud and distorted; lower its gain"
		})
		s.microphone(sounds[i].Is != "", alarmReplaced, seat.Channel, func() (string, string) {
			return fmt.Sprintf("%s的话筒被换成了另一个：原为“%s”，现为“%s”；请核对接线，确属更换请重启录音程序", name(), sounds[i].Was, sounds[i].Is),
				fmt.Sprintf("The microphone of %s was replaced: it was %q and is %q; check the cables, or start tingji capture again if this is meant", nameEN(), sounds[i].Was, sounds[i].Is)
		})
		twin := ""
		d.prints = l.ear.heard(d.prints[:0])
		for j, other := range seats {
			if j != i && other.listener != nil && other.listener.ear.same(d.prints) {
				o := holder(&s.hearing, other)
				twin = fmt.Sprintf("%s (%s)", o.Role, o.Channel)
				break
			}
		}
		s.microphone(twin != "", alarmSame, seat.Channel, func() (string, string) {
			return fmt.Sprintf("%s与 %s 的声音完全相同：两个席位接到了同一个话筒；请检查接线和配置", name(), twin),
				fmt.Sprintf("%s and %s hear exactly the same: two seats are on one microphone; check cables and configuration", nameEN(), twin)
		})
	}
}

// microphone raises or clears an alarm of a seat; text says what it is.
func (s *session) microphone(stands bool, code, channel string, text func() (zh, en string)) {
	d := s.daemon
	if !stands {
		d.alarms.clear(code, channel)
		return
	}
	a := Alarm{Code: code, Hearing: s.hearing.ID, Channel: channel}
	if a.Text, a.TextEN = text(); d.alarms.raise(a) {
		d.log.Warn("microphone needs attention", "hearing", a.Hearing, "channel", a.Channel, "alarm", a.Code, "what", a.TextEN)
	}
}
