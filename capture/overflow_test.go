package capture_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
)

// counts holds live chunks to what the microphone gave: every number, every
// sample from the first chunk's place on, through all epochs.
func counts(t *testing.T, m *testMicrophone, sound func(int) int16, chunks []capture.Chunk) (epochs int, samples capture.SampleIndex) {
	t.Helper()
	at := 0
	var before capture.Chunk
	for i, c := range chunks {
		if c.Seq != uint64(i+1) || c.Lost != 0 {
			t.Fatalf("%v comes as number %d", c, i+1)
		}
		switch {
		case c.Epoch != before.Epoch:
			epochs++
			at = int(capture.SamplesIn(c.CapturedAt.Sub(m.began)+time.Millisecond)) / 320 * 320
		case c.First != before.Next():
			t.Fatalf("%v begins at %d, not %d", c, c.First, before.Next())
		}
		for _, s := range c.Samples {
			if s != sound(at) {
				t.Fatalf("%v: not what was heard at %d", c, at)
			}
			at++
		}
		samples += capture.SampleIndex(len(c.Samples))
		before = c
	}
	return epochs, samples
}

// outage is how long the server is away.
func outage() time.Duration {
	if long() {
		return time.Hour
	}
	return 3 * time.Minute
}

// TestLiveSeatOutlivesAFullSpool keeps the server away until the spool has been
// full for long: the archive goes on, and fills the gap when there is room.
func TestLiveSeatOutlivesAFullSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, sound, outage := newFakeServer(), quiet(1), outage()
		f.away = true
		m := &testMicrophone{sound: sound}
		room := int64(1 << 20)
		if long() {
			room <<= 4 // for the numbers of an hour
		}
		start(t, capture.Config{Dir: t.TempDir(), Preroll: -1, SpoolBytes: room, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(outage) // 6 MB, or 115 MB
		f.alarm(t, "spool-full", true)
		f.alarm(t, "audio-lost", false)
		back := time.Now()
		f.set(func() { f.away = false })
		time.Sleep(outage / 20)
		f.alarm(t, "spool-full", false)
		f.until(t, "the present", func() bool {
			return len(f.got) > 0 && time.Since(f.got[len(f.got)-1].CapturedAt) < time.Second
		})
		if took := time.Since(back); took > outage/10 {
			t.Errorf("%v take %v", outage, took)
		}
		time.Sleep(10 * time.Second)
		f.tell(hearing("h1", 2, capture.Closed))
		time.Sleep(time.Second)
		epochs, samples := counts(t, m, sound, f.channel("judge"))
		if epochs != 1 || samples.Duration() < outage+10*time.Second {
			t.Errorf("%d epochs, %v", epochs, samples.Duration())
		}
	})
}

// TestFullSpoolOutlivesTheProcess ends the process while much is in the archive
// only. The next one sends it.
func TestFullSpoolOutlivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, sound := newFakeServer(), quiet(1)
		f.away = true
		m := &testMicrophone{sound: sound}
		cfg := capture.Config{Dir: t.TempDir(), Preroll: -1, SpoolBytes: 1 << 20, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}
		stop := start(t, cfg, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(2 * time.Minute)
		f.alarm(t, "spool-full", true)
		stop()
		f.set(func() { f.away = false })
		start(t, cfg, f)
		time.Sleep(time.Minute)
		f.tell(hearing("h1", 2, capture.Closed))
		time.Sleep(time.Second)
		epochs, samples := counts(t, m, sound, f.channel("judge"))
		if epochs != 2 || samples.Duration() < 2*time.Minute+55*time.Second {
			t.Errorf("%d epochs, %v", epochs, samples.Duration())
		}
	})
}

// TestFullSpoolWithoutAnArchive takes the archive away while it is all there is:
// the loss is declared, and recording goes on.
func TestFullSpoolWithoutAnArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, sound := newFakeServer(), quiet(1)
		f.away = true
		m := &testMicrophone{sound: sound}
		dir := t.TempDir()
		start(t, capture.Config{Dir: dir, Preroll: -1, SpoolBytes: 1 << 20, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(2 * time.Minute)
		archive := filepath.Join(dir, "archive")
		if err := errors.Join(os.RemoveAll(archive), os.WriteFile(archive, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		f.set(func() { f.away = false })
		time.Sleep(time.Minute)
		f.alarm(t, "audio-missing", true)
		f.tell(hearing("h1", 2, capture.Closed))
		time.Sleep(time.Second)
		seq, lost, samples := uint64(0), uint64(0), 0
		for _, c := range f.channel("judge") {
			if !c.Follows(seq) {
				t.Fatalf("%v comes after %d", c, seq)
			}
			if c.Lost != 0 {
				lost += c.Seq - c.Lost
			}
			for i, s := range c.Samples {
				if want := sound(int(c.First) + i); c.Epoch == 1 && s != want {
					t.Fatalf("%v: not what was heard", c)
				}
			}
			seq = c.Seq
			samples += len(c.Samples)
		}
		if total := (2*time.Minute + time.Minute).Seconds(); float64(lost)/perSecond+float64(samples)/capture.Rate < total-5 || lost == 0 || float64(lost)/perSecond > 120 {
			t.Errorf("%d chunks are lost, %d samples came", lost, samples)
		}
	})
}

// TestHearingUnderWayGoesFirst comes back after an outage with another hearing
// open: nothing of it waits for what was held up, which is brought up behind it.
func TestHearingUnderWayGoesFirst(t *testing.T) {
	const most = 400 * time.Millisecond // from a chunk's first sample to the broker
	for name, test := range map[string]struct {
		cap   int64
		speed float64 // of the backlog, in real time
	}{
		"as fast as it goes": {0, 50},
		"capped":             {320000, 7},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, outage := newFakeServer(), outage()
				f.away = true
				m := &testMicrophone{sound: quiet(1)}
				start(t, capture.Config{Dir: t.TempDir(), Preroll: -1, BacklogBytes: test.cap, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f)
				f.tell(hearing("h1", 1, capture.Open))
				time.Sleep(outage)
				f.tell(hearing("h1", 2, capture.Closed))
				f.set(func() { f.away, f.delay = false, 20*time.Millisecond })
				back := time.Now()
				f.tell(hearing("h2", 1, capture.Open))
				for i := 0; ; i++ {
					f.mu.Lock()
					all := slices.ContainsFunc(f.got[max(0, len(f.got)-200):], func(c capture.Chunk) bool { return c.Hearing == "h1" && c.End == capture.EndClose })
					f.mu.Unlock()
					if all {
						break
					}
					if time.Since(back) > outage {
						t.Fatal("what was held up is never all there")
					}
					time.Sleep(10 * time.Millisecond)
				}
				if speed := outage.Seconds() / time.Since(back).Seconds(); speed < test.speed || test.cap > 0 && speed > 11 {
					t.Errorf("%.0f times as fast as it came", speed)
				}
				time.Sleep(time.Second)
				f.tell(hearing("h2", 2, capture.Closed))
				time.Sleep(time.Second)
				f.mu.Lock()
				defer f.mu.Unlock()
				worst, live := time.Duration(0), 0
				for i, c := range f.got {
					if c.Hearing == "h2" {
						worst = max(worst, f.at[i].Sub(c.CapturedAt))
						live++
					}
				}
				if worst > most || live < perSecond {
					t.Errorf("%d chunks of the hearing under way, the latest after %v", live, worst)
				}
			})
		})
	}
}

// TestBrokerGoneForLong comes back with much to catch up with.
func TestBrokerGoneForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, sound, outage := newFakeServer(), quiet(1), outage()
		f.away = true
		m := &testMicrophone{sound: sound}
		start(t, capture.Config{Dir: t.TempDir(), Preroll: -1, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(outage)
		f.alarm(t, "broker-unreachable", true)
		back := time.Now()
		f.set(func() { f.away = false })
		f.until(t, "the present", func() bool {
			return len(f.got) > 0 && time.Since(f.got[len(f.got)-1].CapturedAt) < time.Second
		})
		if took := time.Since(back); took > outage/50 {
			t.Errorf("%v take %v", outage, took)
		}
		if epochs, samples := counts(t, m, sound, f.channel("judge")); epochs != 1 || samples.Duration() < outage-time.Second {
			t.Errorf("%d epochs, %v", epochs, samples.Duration())
		}
	})
}
