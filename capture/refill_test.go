package capture_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
	"tingji/capture/file"
)

// one is the only file that matches a pattern.
func one(t *testing.T, pattern ...string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(pattern...))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v: %q, %v", pattern, found, err)
	}
	return found[0]
}

// flip damages records of a spool file: byte 100 of each from first to last, in order.
func flip(t *testing.T, path string, first, last int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for i := 1; i <= last; i++ {
		n := bytes.Index(b[at:], []byte("TJR\x01"))
		if n < 0 {
			t.Fatalf("%s has no record %d", path, i)
		}
		at += n + 100
		if i >= first {
			b[at] ^= 0x40
		}
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDaemonFillsDamageFromTheArchive flips bytes of chunks that were never
// sent, in the middle of a recording of two parts with a break between.
func TestDaemonFillsDamageFromTheArchive(t *testing.T) {
	for name, test := range map[string]struct {
		first, last int // records that are damaged, of 20 and 20
		archive     bool
		lost        int
	}{
		"in an epoch":           {5, 9, true, 0},
		"the first":             {1, 3, true, 0},
		"across epochs":         {18, 24, true, 0},
		"all but the last":      {1, 39, true, 0},
		"without the archive":   {5, 9, false, 5},
		"epochs, no archive":    {18, 24, false, 7},
		"nearly all is nowhere": {1, 39, false, 39},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeServer()
				f.away = true
				dir, pcm := t.TempDir(), noise(1, 10)
				cfg := capture.Config{Dir: dir, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: file.NewPlayer(1).PCM(pcm)}}}
				stop := start(t, cfg, f)
				f.tell(hearing("h1", 1, capture.Open))
				time.Sleep(5*time.Second - 100*time.Millisecond)
				f.tell(hearing("h1", 2, capture.Paused))
				time.Sleep(time.Minute)
				f.tell(hearing("h1", 3, capture.Open))
				time.Sleep(20 * time.Second)
				f.tell(hearing("h1", 4, capture.Closed))
				time.Sleep(time.Second)
				stop()
				flip(t, one(t, dir, "spool", "*.seg"), test.first, test.last)
				if !test.archive {
					if err := os.RemoveAll(filepath.Join(dir, "archive")); err != nil {
						t.Fatal(err)
					}
				}

				f.set(func() { f.away = false })
				cfg.Seats[0].Source = file.NewPlayer(0).PCM(pcm)
				start(t, cfg, f)
				f.until(t, "the last chunk", func() bool { return len(f.got) > 0 && f.got[len(f.got)-1].End == capture.EndFile })
				f.alarm(t, "spool-damaged", true)
				f.alarm(t, "audio-missing", test.lost > 0)
				var samples []int16
				seq, lost := uint64(0), 0
				for _, c := range f.channel("judge") {
					if !c.Follows(seq) {
						t.Fatalf("%v comes after %d", c, seq)
					}
					if c.Lost != 0 {
						lost += int(c.Seq - c.Lost)
					}
					seq = c.Seq
					samples = append(samples, c.Samples...)
				}
				if lost != test.lost {
					t.Errorf("%d chunks are lost", lost)
				}
				if test.lost == 0 && !slices.Equal(samples, pcm) {
					t.Errorf("%d samples, not those that were played", len(samples))
				}
			})
		})
	}
}

// TestDaemonSaysThatTheEndIsLost damages the end of what was recorded, so that
// no chunk comes behind that could say so.
func TestDaemonSaysThatTheEndIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		f.confirm = false
		dir := t.TempDir()
		stop := start(t, capture.Config{Dir: dir, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: file.NewPlayer(0).PCM(noise(1, 5))}}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		f.until(t, "all chunks", func() bool { return len(f.got) == 5*perSecond })
		stop()
		flip(t, one(t, dir, "spool", "*.seg"), 15, 5*perSecond-1)
		if err := os.RemoveAll(filepath.Join(dir, "archive")); err != nil {
			t.Fatal(err)
		}
		seg := one(t, dir, "spool", "*.seg")
		b, err := os.ReadFile(seg)
		if err != nil {
			t.Fatal(err)
		}
		// The last chunk goes to the next file, where a bad disk eats it whole.
		cut := bytes.LastIndex(b, []byte("TJR\x01"))
		next := filepath.Join(dir, "spool", "0000000000000002.seg")
		if err := errors.Join(os.WriteFile(seg, b[:cut], 0o600), os.WriteFile(next, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		f.set(func() { f.got = nil })
		start(t, capture.Config{Dir: dir}, f)
		f.until(t, "word of the end", func() bool { return len(f.got) == 15 })
		last := f.channel("judge")[14]
		if last.Lost != 15 || last.Seq != 5*perSecond || last.End != capture.EndFile || len(last.Samples) != 0 || last.First != 5*capture.Rate {
			t.Errorf("%+v", last)
		}
		time.Sleep(time.Hour)
		f.alarm(t, "audio-missing", true)
	})
}

// TestDaemonSaysTheEndWithoutSound closes a hearing while a microphone is
// broken: the end reaches the record server all the same.
func TestDaemonSaysTheEndWithoutSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		m := &fakeMicrophone{}
		start(t, capture.Config{Dir: t.TempDir(), Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(5 * time.Second)
		m.set(func() { m.broken = true })
		time.Sleep(5 * time.Second)
		f.tell(hearing("h1", 2, capture.Closed))
		f.until(t, "the end", func() bool { return len(f.got) > 0 && f.got[len(f.got)-1].End == capture.EndClose })
		got := f.channel("judge")
		last, before := got[len(got)-1], got[len(got)-2]
		if len(last.Samples) != 0 || last.First != before.Next() || last.Seq != before.Seq+1 || last.Epoch != before.Epoch {
			t.Errorf("%v ends with %d samples at %d, behind %v", last, len(last.Samples), last.First, before)
		}
	})
}
