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
