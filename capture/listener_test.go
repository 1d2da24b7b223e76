package capture_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
)

// testMicrophone gives 20 ms blocks at real pace, as sound says for each
// sample's place since the bubble began.
type testMicrophone struct {
	mu    sync.Mutex
	sound func(at int) int16
	began time.Time
	at    int
	// stepped is how far the wall clock of the times of arrival is off.
	stepped time.Duration
	dead    bool
	place   string // what it says that it is connected to
}

func (m *testMicrophone) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *testMicrophone) Place() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.place
}

func (m *testMicrophone) Resumable() bool { return false }
func (m *testMicrophone) Close() error    { return nil }
func (m *testMicrophone) Open(context.Context, capture.SampleIndex) (capture.Stream, error) {
	if m.began.IsZero() {
		m.began = time.Now()
	}
	m.at = int(capture.SamplesIn(time.Since(m.began)))
	return m, nil
}

func (m *testMicrophone) hear(sound func(int) int16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sound = sound
}

func (m *testMicrophone) Read(ctx context.Context, buf []int16) (int, time.Time, error) {
	due := m.began.Add(capture.SampleIndex(m.at + len(buf)).Duration())
	select {
	case <-ctx.Done():
		return 0, time.Time{}, ctx.Err()
	case <-time.After(time.Until(due)):
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return 0, time.Time{}, &capture.SourceError{Text: "设备已断开", TextEN: "device is gone"}
	}
	for i := range buf {
		buf[i] = m.sound(m.at + i)
	}
	m.at += len(buf)
	return len(buf), step(due, m.stepped), nil
}

// quiet is what a microphone hears: quiet noise that no other one hears.
func quiet(seed uint64) func(int) int16 {
	pcm := noise(seed, 60)
	return func(at int) int16 { return pcm[at%len(pcm)] >> 6 }
}

// alarms are those of the last sign of life, but for those of this machine's disk
// and of the bubble's clock, which begins in 2000.
func (f *fakeServer) alarms() []capture.Alarm {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.health[len(f.health)-1].Alarms), func(a capture.Alarm) bool { return a.Code == "disk-low" || a.Code == "clock-wrong" })
}

// raised demands that an alarm of a channel stands now, in both languages.
func (f *fakeServer) raised(t *testing.T, code, channel string) {
	t.Helper()
	for _, a := range f.alarms() {
		if a.Code == code && a.Channel == channel && a.Text != "" && a.TextEN != "" && a.Hearing != "" {
			return
		}
	}
	t.Fatalf("no alarm %s of %s: %+v", code, channel, f.alarms())
}

func TestPreroll(t *testing.T) {
	for name, test := range map[string]struct {
		preroll time.Duration
		want    time.Duration // of sound before the opening
	}{
		"standard": {0, 10 * time.Second},
		"shorter":  {3 * time.Second, 3 * time.Second},
		"none":     {-1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sound := quiet(1)
				f, m := newFakeServer(), &testMicrophone{sound: sound}
				start(t, capture.Config{Dir: t.TempDir(), Preroll: test.preroll, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f)
				time.Sleep(time.Minute)
				part := func(v int64, how capture.Status, d time.Duration) (first capture.Chunk) {
					f.set(func() { f.got = nil })
					f.tell(hearing("h1", v, how))
					time.Sleep(d)
					return slices.Concat(f.channel("judge"), []capture.Chunk{{}})[0]
				}
				opened := time.Now()
				first := part(1, capture.Open, 5*time.Second)
				if before := opened.Sub(first.CapturedAt); before < test.want-50*time.Millisecond || before > test.want+50*time.Millisecond {
					t.Errorf("begins %v before the opening", before)
				}
				// Sample by sample what was heard then.
				at := int(capture.SamplesIn(first.CapturedAt.Sub(m.began)))
				for _, c := range f.channel("judge") {
					for i, s := range c.Samples {
						if want := sound(at + int(c.First) + i); s != want {
							t.Fatalf("sample %d is %d, %d was heard", int(c.First)+i, s, want)
						}
					}
				}
				// Of a lawful break nothing is kept.
				part(2, capture.Paused, 5*time.Second)
				opened = time.Now()
				if first := part(3, capture.Open, 5*time.Second); first.CapturedAt.Before(opened) {
					t.Errorf("%v of the break are recorded", opened.Sub(first.CapturedAt))
				}
				// Nor of the hearing before, in the next one.
				part(4, capture.Closed, time.Second)
				closed := time.Now().Add(-time.Second)
				f.set(func() { f.got = nil })
				f.tell(hearing("h2", 1, capture.Open))
				time.Sleep(time.Second)
				if first := f.channel("judge")[0]; first.CapturedAt.Before(closed) {
					t.Errorf("%v of the hearing before are recorded", closed.Sub(first.CapturedAt))
				}
			})
		})
	}
}

func TestMicrophoneAlarms(t *testing.T) {
	voice, quiet3 := quiet(9), quiet(3)
	for code, bad := range map[string]func(int) int16{
		"microphone-silent":     func(int) int16 { return 0 },
		"microphone-clipped":    func(at int) int16 { return int16(min(max(int(quiet3(at))*200, -32768), 32767)) },
		"microphones-identical": func(at int) int16 { return voice(at + 1234) }, // as late as another cable makes it
		"microphone-replaced":   nil,
		"source-failed":         nil,
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, judge, clerk := newFakeServer(), &testMicrophone{sound: voice}, &testMicrophone{sound: quiet(2)}
				start(t, capture.Config{Dir: t.TempDir(), Seats: []capture.SeatSource{
					{Channel: "judge", Role: "审判长", Source: judge}, {Channel: "clerk", Role: "书记员", Source: clerk},
				}}, f)
				turnBad, turnGood := func() { clerk.hear(bad) }, func() { clerk.hear(quiet(2)) }
				switch code {
				case "microphone-replaced":
					clerk.set(func() { clerk.place = "usb 1-2 046d:0825" })
					turnBad = func() { clerk.set(func() { clerk.place = "usb 1-4 0d8c:0014" }) }
					turnGood = func() { clerk.set(func() { clerk.place = "usb 1-2 046d:0825" }) }
				case "source-failed":
					turnBad = func() { clerk.set(func() { clerk.dead = true }) }
					turnGood = func() { clerk.set(func() { clerk.dead = false }) }
				}
				f.tell(hearing("h1", 1, capture.Open))
				time.Sleep(30 * time.Second)
				if a := f.alarms(); len(a) != 0 {
					t.Fatalf("alarms of microphones that are well: %+v", a)
				}
				turnBad()
				time.Sleep(10 * time.Second)
				f.raised(t, code, "clerk")
				turnGood()
				time.Sleep(10 * time.Second)
				f.alarm(t, code, false)
				turnBad()
				time.Sleep(10 * time.Second)
				f.tell(hearing("h1", 2, capture.Closed))
				time.Sleep(2 * time.Second)
				if code == "source-failed" { // it is to be mended before the next hearing
					f.alarm(t, code, true)
					turnGood()
					time.Sleep(4 * time.Second)
				}
				f.alarm(t, code, false)
			})
		})
	}
}

// TestSilenceIsNotTheSame: two microphones of an empty, nearly silent room.
func TestSilenceIsNotTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		var seats []capture.SeatSource
		for i, name := range []string{"judge", "clerk"} {
			r := rand.New(rand.NewPCG(uint64(i), 5))
			seats = append(seats, capture.SeatSource{Channel: name, Role: name, Source: &testMicrophone{sound: func(int) int16 { return int16(r.IntN(3)) - 1 }}})
		}
		start(t, capture.Config{Dir: t.TempDir(), Seats: seats}, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(time.Minute)
		if a := f.alarms(); len(a) != 0 {
			t.Errorf("%+v", a)
		}
	})
}

// TestControlByHand opens a hearing on the PC, without the server, and starts
// the daemon again meanwhile, once with the server back.
func TestControlByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFakeServer(), t.TempDir()
		f.silent = true
		run := func() (*capture.Daemon, func()) {
			t.Helper()
			cfg := capture.Config{Courtroom: room, Instance: "test", Dir: dir, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: &testMicrophone{sound: quiet(1)}}}}
			d, err := capture.NewDaemon(cfg, capture.Links{Hearings: f, Receipts: f, Log: f, Health: f}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() {
				if err := d.Run(ctx); err != nil {
					t.Error(err)
				}
			})
			return d, func() { cancel(); running.Wait() }
		}
		recording := func(d *capture.Daemon, want bool) {
			t.Helper()
			time.Sleep(5 * time.Second)
			if r := d.Report(); r.Seats[0].Recording != want || r.Hung != "" || time.Since(r.At) > 2*time.Second {
				t.Fatalf("recording %v: %+v", want, r)
			}
		}
		d, stop := run()
		time.Sleep(5 * time.Second)
		if _, err := d.Control(capture.CloseHearing, ""); err == nil {
			t.Error("closed what is not open")
		}
		h, err := d.Control(capture.OpenHearing, "")
		if err != nil || !h.Local() || capture.CheckName(h.ID) != nil {
			t.Fatalf("%+v, %v", h, err)
		}
		recording(d, true)
		if _, err := d.Control(capture.OpenHearing, ""); err == nil {
			t.Error("opened twice")
		}
		if h, err = d.Control(capture.PauseHearing, "休庭"); err != nil || h.Status != capture.Paused || h.Breaks[0].Reason != "休庭" {
			t.Errorf("%+v, %v", h, err)
		}
		recording(d, false)
		if _, err = d.Control(capture.PauseHearing, ""); err == nil {
			t.Error("a break in a break")
		}
		if h, err = d.Control(capture.ResumeHearing, ""); err != nil || h.Breaks[0].To == nil {
			t.Errorf("%+v, %v", h, err)
		}
		recording(d, true)
		stop()
		f.set(func() { f.silent = false })
		d, stop = run() // the server is there, and does not know the hearing
		recording(d, true)
		if _, err = d.Control(capture.CloseHearing, "说完了"); err != nil {
			t.Error(err)
		}
		recording(d, false)
		f.until(t, "the end", func() bool { return len(f.got) > 0 && f.got[len(f.got)-1].End == capture.EndClose })
		stop()
		d, stop = run()
		recording(d, false)
		stop()
	})
}
