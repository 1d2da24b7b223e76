package capture_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
)

// TestTwoHearingsUnderWay: a second hearing is opened in a courtroom whose first is
// not closed. The newest is recorded, and the alarm says which one to close.
func TestTwoHearingsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		d, _ := startDaemon(t, capture.Config{Dir: t.TempDir(), Preroll: -1, Seats: []capture.SeatSource{
			{Channel: "judge", Role: "审判长", Source: &testMicrophone{sound: quiet(1)}},
			{Channel: "clerk", Role: "书记员", Source: &testMicrophone{sound: quiet(2)}}}}, f, func(*capture.Daemon) {})
		one, two := hearing("h1", 1, capture.Open), hearing("h2", 1, capture.Open)
		first := time.Now()
		one.OpenedAt = &first
		f.tell(one)
		time.Sleep(5 * time.Second)
		if a := f.alarms(); len(a) > 0 {
			t.Fatalf("one hearing: %+v", a)
		}
		later := time.Now()
		two.OpenedAt = &later
		f.tell(two)
		time.Sleep(2 * time.Second)
		a := f.alarms()
		if len(a) != 1 || a[0].Code != "hearing-twice" || a[0].Hearing != "" {
			t.Fatalf("two hearings: %+v", a)
		}
		at := later.Local().Format("15:04:05")
		for _, s := range []string{a[0].Text, a[0].TextEN} {
			if !strings.Contains(s, at) {
				t.Errorf("%q does not say that the one of %s is recorded", s, at)
			}
		}
		if s := d.Report().Seats[0]; s.Hearing != "h2" || !s.Recording {
			t.Errorf("recorded: %+v", s)
		}
		f.tell(hearing("h1", 2, capture.Closed))
		time.Sleep(2 * time.Second)
		f.alarm(t, "hearing-twice", false)
	})
}

// TestTwinOfACourtroom: another PC is configured for the courtroom. Of two that could
// begin, the one whose name comes first does; one that records goes on; and where that
// one falls silent the other steps in, with numbers and an epoch behind the receipts and
// nothing missing of what it heard meanwhile.
func TestTwinOfACourtroom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		f.signs = []capture.Health{}
		dir := t.TempDir()
		run := func() (d *capture.Daemon, stop func()) {
			return startDaemon(t, capture.Config{Dir: dir, Preroll: -1, Seats: []capture.SeatSource{
				{Channel: "judge", Role: "审判长", Source: &testMicrophone{sound: quiet(1)}}}}, f, func(*capture.Daemon) {})
		}
		d, stop := run() // its name is test
		records := func() bool { return d.Report().Seats[0].Hearing == "h1" }
		twin := func(name, hearing string, seconds int, others ...capture.Health) {
			for range seconds {
				f.set(func() {
					f.signs = append(append(f.signs, others...), capture.Health{Component: "capture", Instance: name, Courtroom: room, Seats: []capture.SeatHealth{{Hearing: hearing}}})
				})
				time.Sleep(time.Second)
			}
		}
		says := func(yields bool) {
			t.Helper()
			f.alarm(t, "courtroom-twice", true)
			a := f.alarms()
			if zh, en := strings.Contains(a[0].Text, "本机不录音"), strings.Contains(a[0].TextEN, "does not record"); len(a) != 1 || zh != yields || en != yields {
				t.Errorf("yields %v: %+v", yields, a)
			}
		}
		twin("pc1", "", 5)
		says(true)
		open := hearing("h1", 1, capture.Open)
		begins := time.Now()
		open.OpenedAt, open.Seats = &begins, open.Seats[:1]
		f.tell(open)
		twin("pc1", "", 2)
		twin("pc1", "h1", 3)
		f.set(func() {
			f.receipts = append(f.receipts, capture.Receipt{Hearing: "h1", Channel: "judge", Epoch: 3, Seq: 40, At: time.Now()})
		})
		if records() || len(f.channel("judge")) > 0 {
			t.Fatal("it records beside the other")
		}
		time.Sleep(5 * time.Second) // the other may be starting again
		if records() {
			t.Fatal("it steps in at once")
		}
		time.Sleep(5 * time.Second)
		f.alarm(t, "courtroom-twice", false)
		got := f.channel("judge")
		if !records() || len(got) == 0 {
			t.Fatalf("it does not step in: %+v", d.Report())
		}
		if c := got[0]; c.Epoch != 4 || c.Seq != 41 || c.CapturedAt.Sub(begins).Abs() > time.Second {
			t.Errorf("it begins with %v of %v, %v after the opening", c, c.CapturedAt, c.CapturedAt.Sub(begins))
		}

		// Signs of other courtrooms, parts and its own are no twin's.
		other := []capture.Health{{Component: "capture", Instance: "pc0", Courtroom: "7", Seats: []capture.SeatHealth{{Hearing: "h7"}}},
			{Component: "asr", Instance: "pc0", Courtroom: room}, {Component: "capture", Instance: "test", Courtroom: room}}
		twin("zz", "", 3, other...)
		says(false)
		twin("zz", "h1", 3)
		says(false)
		if !records() {
			t.Error("it gives way to one that came later")
		}
		twin("pc1", "", 3)
		if !records() {
			t.Error("it gives way to one that does not record")
		}
		twin("pc1", "h1", 3)
		says(true)
		if records() {
			t.Error("both go on")
		}
		time.Sleep(10 * time.Second)
		if !records() {
			t.Error("it does not come back")
		}

		// After a restart it goes on at once; after a longer absence it listens first.
		for _, away := range []time.Duration{time.Second, 20 * time.Second} {
			at := away == time.Second
			stop()
			time.Sleep(away)
			d, stop = run()
			time.Sleep(2500 * time.Millisecond)
			if records() != at {
				t.Errorf("back after %v it records within 2.5 s: %v", away, !at)
			}
			time.Sleep(2 * time.Second)
			if !records() {
				t.Errorf("back after %v it does not record", away)
			}
		}
		// With the log away nobody can be asked, and what is remembered is recorded.
		stop()
		f.set(func() { f.silent = true })
		time.Sleep(20 * time.Second)
		d, _ = run()
		time.Sleep(5 * time.Second)
		if !records() {
			t.Error("it does not record without the log")
		}
	})
}
