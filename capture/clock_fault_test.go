package capture_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"tingji/capture"
)

// step gives a time of a bubble, which has none, a monotonic reading, and sets its
// wall clock forward, as settimeofday would: the monotonic reading stays. There is
// no other way to have such a time, as whoever sets a machine's clock has it set
// for everybody.
func step(t time.Time, by time.Duration) time.Time {
	stepped := t.Add(by)
	since1885 := uint64(stepped.Unix() - time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	made := (*struct {
		wall uint64 // 1 bit monotonic, 33 bits of seconds, 30 bits of nanoseconds
		ext  int64
	})(unsafe.Pointer(&stepped))
	made.wall = 1<<63 | since1885<<30 | uint64(stepped.Nanosecond())
	made.ext = t.UnixNano()
	return stepped
}

// TestWallClockSteps sets the clock of the PC an hour forward, or back, in the
// middle of a hearing: the hearing keeps its lengths, its order and its epoch.
func TestWallClockSteps(t *testing.T) {
	for name, by := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, sound := newFakeServer(), quiet(1)
				m := &testMicrophone{sound: sound}
				start(t, capture.Config{Dir: t.TempDir(), Preroll: -1, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f)
				f.tell(hearing("h1", 1, capture.Open))
				time.Sleep(20 * time.Second)
				m.set(func() { m.stepped = by })
				time.Sleep(20 * time.Second)
				f.tell(hearing("h1", 2, capture.Closed))
				time.Sleep(time.Second)
				if epochs, samples := counts(t, m, sound, f.channel("judge")); epochs != 1 || samples.Duration() < 39*time.Second {
					t.Errorf("%d epochs, %v", epochs, samples.Duration())
				}
				got := f.channel("judge")
				for i, c := range got[1:] {
					if d := c.CapturedAt.Sub(got[i].CapturedAt); (d - time.Second/perSecond).Abs() > time.Millisecond {
						t.Fatalf("%v is dated %v after the one before", c, d)
					}
				}
			})
		})
	}
}

// TestSuspend suspends the PC for half a minute in the middle of a hearing: the
// time shows as a gap of its length between two epochs, and is not closed up.
func TestSuspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, sound := newFakeServer(), quiet(1)
		m := &testMicrophone{sound: sound}
		var slept atomic.Int64
		d, _ := startDaemon(t, capture.Config{Dir: t.TempDir(), Preroll: -1, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f,
			func(d *capture.Daemon) { d.Suspend(func() time.Duration { return time.Duration(slept.Load()) }) })
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(20 * time.Second)
		// Monotonic time and the card have stood still; the wall clock has not.
		m.set(func() { m.stepped = 30 * time.Second })
		slept.Store(int64(30 * time.Second))
		time.Sleep(20 * time.Second)
		if s := d.Report().Seats[0]; s.Gaps != 1 || s.Missing < 29*capture.Rate || s.Missing > 31*capture.Rate {
			t.Errorf("%d gaps of %v in all are counted", s.Gaps, capture.SampleIndex(s.Missing).Duration())
		}
		f.tell(hearing("h1", 2, capture.Closed))
		time.Sleep(time.Second)
		got := f.channel("judge")
		at := slices.IndexFunc(got, func(c capture.Chunk) bool { return c.Epoch == 2 })
		if at < 0 || got[len(got)-1].Epoch != 2 {
			t.Fatalf("the last chunk is %v", got[len(got)-1])
		}
		gap := got[at].CapturedAt.Sub(got[at-1].CapturedAt.Add(capture.SampleIndex(len(got[at-1].Samples)).Duration()))
		if gap < 29900*time.Millisecond || gap > 30100*time.Millisecond {
			t.Errorf("the gap is %v long", gap)
		}
		n := 0
		for i, c := range got {
			if c.Seq != uint64(i+1) {
				t.Fatalf("%v comes as number %d", c, i+1)
			}
			n += len(c.Samples)
		}
		if d := capture.SampleIndex(n).Duration(); d < 39*time.Second || d > 41*time.Second {
			t.Errorf("%v of sound", d)
		}
	})
}

// TestClockOfLongAgo: the bubble's clock begins with the year 2000.
func TestClockOfLongAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		start(t, capture.Config{Dir: t.TempDir(), Seats: []capture.SeatSource{
			{Channel: "judge", Role: "审判长", Source: &testMicrophone{sound: quiet(1)}}, {Channel: "clerk", Role: "书记员", Source: &testMicrophone{sound: quiet(2)}},
		}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		f.alarm(t, "clock-wrong", true)
		f.until(t, "chunks all the same", func() bool { return len(f.got) > 10 })
		for _, a := range f.alarms() {
			t.Errorf("%+v", a)
		}
	})
}
