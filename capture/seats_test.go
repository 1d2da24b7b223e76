package capture_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
)

// TestSeatChangesHands puts another witness on the stand, and a party at a seat
// that the room lacks, in the middle of a hearing.
func TestSeatChangesHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFakeServer(), t.TempDir()
		d, stop := startDaemon(t, capture.Config{Dir: dir, Preroll: -1, Seats: []capture.SeatSource{
			{Channel: "stand", Role: "证人席", Source: &testMicrophone{sound: quiet(1)}},
			{Channel: "judge", Role: "审判长", Source: &testMicrophone{sound: quiet(2)}},
		}}, f, func(*capture.Daemon) {})
		h := hearing("h1", 1, capture.Open)
		h.Seats = []capture.Seat{{Channel: "judge", Role: "审判长"}, {Channel: "stand", Role: "证人", Speaker: "甲"}}
		f.tell(h)
		time.Sleep(20 * time.Second)
		if s := d.Report().Seats[0]; s.Role != "证人" {
			t.Errorf("%s sits at the stand", s.Role)
		}
		h.Version = 2
		h.Seats = append(h.Seats, capture.Seat{Channel: "stand", Role: "鉴定人", From: time.Now().Add(5 * time.Second)}, capture.Seat{Channel: "cloud", Role: "被告"})
		f.tell(h)
		time.Sleep(2 * time.Second)
		f.alarm(t, "seat-without-source", true)
		if s := d.Report().Seats[0]; s.Role != "证人" {
			t.Errorf("%s sits at the stand already", s.Role)
		}
		time.Sleep(20 * time.Second)
		if s := d.Report().Seats[0]; s.Role != "鉴定人" {
			t.Errorf("%s still sits at the stand", s.Role)
		}
		h.Version, h.Seats = 3, h.Seats[:3]
		f.tell(h)
		time.Sleep(2 * time.Second)
		f.alarm(t, "seat-without-source", false)
		stop()
		for _, part := range []string{"*_证人_stand_e001_p001.wav", "*_鉴定人_stand_e001_p002.wav", "*_审判长_judge_e001_p001.wav"} {
			one(t, dir, "archive", "h1", part)
		}
		for i, c := range f.channel("stand") {
			if c.Seq != uint64(i+1) || c.Epoch != 1 {
				t.Fatalf("%v comes as number %d", c, i+1)
			}
		}
	})
}

// TestEndBeforeTheFirstSample pauses and closes a hearing of which a seat has
// heard nothing: there is nothing to end, so no chunk says so, and the seat
// begins with number 1 when it hears something.
func TestEndBeforeTheFirstSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := newFakeServer(), &fakeMicrophone{broken: true}
		start(t, capture.Config{Dir: t.TempDir(), Preroll: -1, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(5 * time.Second)
		f.tell(hearing("h1", 2, capture.Paused))
		time.Sleep(5 * time.Second)
		f.tell(hearing("h1", 3, capture.Open))
		time.Sleep(5 * time.Second)
		f.tell(hearing("h1", 4, capture.Closed))
		time.Sleep(5 * time.Second)
		if got := f.channel("judge"); len(got) != 0 {
			t.Errorf("%d chunks of a seat that has heard nothing, the first with end %q", len(got), got[0].End)
		}
		f.tell(hearing("h2", 1, capture.Open))
		time.Sleep(5 * time.Second)
		f.tell(hearing("h2", 2, capture.Paused))
		m.set(func() { m.broken = false })
		time.Sleep(5 * time.Second)
		f.tell(hearing("h2", 3, capture.Open))
		time.Sleep(5 * time.Second)
		f.tell(hearing("h2", 4, capture.Paused))
		time.Sleep(time.Second)
		f.tell(hearing("h2", 5, capture.Closed)) // in a break: the part has ended before
		time.Sleep(time.Second)
		got := f.channel("judge")
		if len(got) < 19 || got[0].Seq != 1 || got[0].Epoch != 1 || got[0].End != capture.NotEnd || got[len(got)-1].End != capture.EndPause {
			t.Errorf("%d chunks, from %v %q to %v %q", len(got), got[0], got[0].End, got[len(got)-1], got[len(got)-1].End)
		}
	})
}

// TestMemoryStaysFlat records a long day in simulated time.
func TestMemoryStaysFlat(t *testing.T) {
	day := 20 * time.Minute
	if long() {
		day = 24 * time.Hour
	}
	synctest.Test(t, func(t *testing.T) {
		s := &sink{fakeServer: newFakeServer()}
		s.tell(hearing("h1", 1, capture.Open))
		d, err := capture.NewDaemon(capture.Config{Courtroom: room, Dir: t.TempDir(), Seats: []capture.SeatSource{
			{Channel: "judge", Role: "审判长", Source: &nativeMicrophone{rate: cardRate(), noise: noise(1, 3), forgets: true}},
		}}, capture.Links{Hearings: s, Receipts: s, Log: s, Health: s}, slog.New(slog.DiscardHandler))
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
		defer running.Wait()
		defer cancel()
		heap := func() float64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return float64(m.HeapAlloc) / (1 << 20)
		}
		time.Sleep(day / 20)
		before := heap()
		time.Sleep(day * 19 / 20)
		after, r := heap(), d.Report()
		t.Logf("%v: heap %.1f MB after a twentieth, %.1f MB at the end; %d chunks wait", day, before, after, r.Chunks)
		if after > before+1 || r.Chunks > 100 || r.Seats[0].Gaps != 0 || r.Seats[0].Samples.Duration() < day*19/20 {
			t.Errorf("%+v", r)
		}
	})
}

// TestSeatsOfARunningHearing adds, rebinds and takes out seats while a hearing is
// recorded. Who stays has no seam: every sample, in one epoch.
func TestSeatsOfARunningHearing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		sounds := []func(int) int16{quiet(1), quiet(2), quiet(3)}
		mics := make([]*testMicrophone, 3)
		for i := range mics {
			mics[i] = &testMicrophone{sound: sounds[i]}
		}
		seat := func(channel string, mic int) capture.SeatSource {
			return capture.SeatSource{Channel: channel, Role: "证人", Source: mics[mic], Spec: fmt.Sprint("card ", mic)}
		}
		d, stop := startDaemon(t, capture.Config{Dir: t.TempDir(), Preroll: -1, Seats: []capture.SeatSource{seat("judge", 0)}}, f, func(*capture.Daemon) {})
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(5 * time.Second)
		reseat := func(want string, seats ...capture.SeatSource) {
			t.Helper()
			if r, err := d.Reseat(t.Context(), seats); err != nil || r.String() != want {
				t.Fatalf("%v, %v, not %q", r, err, want)
			}
			time.Sleep(5 * time.Second)
		}
		reseat("added clerk", seat("judge", 0), seat("clerk", 1))
		if _, err := d.Reseat(t.Context(), []capture.SeatSource{seat("judge", 0), seat("judge", 1)}); err == nil {
			t.Error("two seats on one channel are taken")
		}
		reseat("the same seats", seat("judge", 0), seat("clerk", 1))
		reseat("changed clerk", seat("judge", 0), seat("clerk", 2))
		reseat("removed clerk", seat("judge", 0))
		f.tell(hearing("h1", 2, capture.Closed))
		time.Sleep(time.Second)
		stop()
		if epochs, samples := counts(t, mics[0], sounds[0], f.channel("judge")); epochs != 1 || samples.Duration() < 24900*time.Millisecond {
			t.Errorf("the seat that stayed: %d epochs, %v", epochs, samples.Duration())
		}
		clerk := f.channel("clerk")
		last := clerk[len(clerk)-1]
		if clerk[0].Epoch != 1 || last.Epoch != 2 || last.End != capture.EndClose || last.Next().Duration() < 4900*time.Millisecond || last.Next().Duration() > 5100*time.Millisecond {
			t.Errorf("the seat that came and went: from %v to %v, %v long, end %q", clerk[0], last, last.Next().Duration(), last.End)
		}
		at := int(capture.SamplesIn(clerk[0].CapturedAt.Sub(mics[1].began)+time.Millisecond)) / 320 * 320
		for _, c := range clerk {
			if c.Epoch == 2 && c.First == 0 {
				at = int(capture.SamplesIn(c.CapturedAt.Sub(mics[2].began)+time.Millisecond)) / 320 * 320
			}
			mic := int(c.Epoch)
			for _, s := range c.Samples {
				if s != sounds[mic](at) {
					t.Fatalf("%v: not what was heard at %d", c, at)
				}
				at++
			}
		}
	})
}
