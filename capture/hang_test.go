package capture_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
)

// drive is one that may hang: nothing done on it returns then, not even with an error.
type drive struct {
	slow time.Duration // what each thing takes; set before it is used

	mu   sync.Mutex
	hung chan struct{} // closed when it answers; nil: it does
	pass int           // from so many things on all pass; 0: none
}

func (d *drive) gate() {
	d.mu.Lock()
	hung := d.hung
	if d.pass > 0 {
		if d.pass--; d.pass == 0 {
			d.hung = nil
		}
	}
	d.mu.Unlock()
	if hung != nil {
		<-hung
	}
	time.Sleep(d.slow)
}

// hang returns what has it answer again.
func (d *drive) hang() (answer func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hung := make(chan struct{})
	d.hung = hung
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.hung = nil
		select {
		case <-hung:
		default:
			close(hung)
		}
	}
}

// cardRate is what the microphones of tests that take long give, in Hz.
func cardRate() int {
	if long() {
		return 48000 // resampling a minute takes many under the race detector
	}
	return capture.Rate
}

// startHanging runs a daemon of one seat on a drive that may hang.
func startHanging(t *testing.T, f *fakeServer, cfg capture.Config, d *drive, m *nativeMicrophone) (stop func()) {
	t.Helper()
	cfg.Preroll, cfg.Seats = -1, []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}
	_, stop = startDaemon(t, cfg, f, func(c *capture.Daemon) { c.Hang(d.gate) })
	return stop
}

// archivedOf holds what the archive has of an epoch of one device to what that gave,
// and says how much that is. Every file is closed, and where it belongs.
func archivedOf(t *testing.T, dir string, given []int16) (samples, files int) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "archive", "h1", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		var s capture.Sidecar
		b, err := os.ReadFile(path)
		if err := errors.Join(err, json.Unmarshal(b, &s)); err != nil {
			t.Fatal(err)
		}
		wav, err := os.ReadFile(strings.TrimSuffix(path, ".json") + ".wav")
		if err != nil || s.SHA256 == "" || s.Recovered != (s.Hearing == "h0") {
			t.Fatalf("%s is not closed in order: %+v, %v", path, s, err)
		}
		at := int(s.First)
		for b := wav[44:]; len(b) > 1; b = b[2:] {
			if got := int16(binary.LittleEndian.Uint16(b)); at >= len(given) || got != given[at] {
				t.Fatalf("%s: not what was heard at %d", path, at)
			}
			at++
		}
		samples += at - int(s.First)
	}
	return samples, len(found)
}

// follows holds chunks to be of one epoch, without a hole, and the very samples that
// the pipeline makes of what was given. It returns how long they are.
func follows(t *testing.T, chunks []capture.Chunk, m *nativeMicrophone) time.Duration {
	t.Helper()
	want := resampled(t, m.rate, m.given)
	at := 0
	for i, c := range chunks {
		if c.Seq != uint64(i+1) || c.Epoch != 1 || c.Lost != 0 || int(c.First) != at {
			t.Fatalf("%v at %d comes as number %d, sample %d", c, c.First, i+1, at)
		}
		// What is given behind the end is in the filter of the last one.
		if n := at + len(c.Samples); n > len(want) || c.End == capture.NotEnd && !slices.Equal(c.Samples, want[at:n]) {
			t.Fatalf("%v: not what was heard", c)
		}
		at += len(c.Samples)
	}
	return capture.SampleIndex(at).Duration()
}

// TestArchiveHangs has the archive's drive hang for a minute in a hearing. The seat
// goes on and is heard by the server at once, the sign of life says what is wrong, and the archive
// goes on with a gap of the right length.
func TestArchiveHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, dir := newFakeServer(), &drive{}, t.TempDir()
		m := &nativeMicrophone{rate: cardRate(), noise: noise(3, 50)}
		stop := startHanging(t, f, capture.Config{Dir: dir}, d, m)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(10 * time.Second)
		answer := d.hang()
		defer answer()
		time.Sleep(8 * time.Second)
		f.alarm(t, "archive-failed", true)
		for range 50 {
			time.Sleep(time.Second)
			f.mu.Lock()
			last, life := f.got[len(f.got)-1], f.health[len(f.health)-1]
			f.mu.Unlock()
			if late := time.Since(last.CapturedAt); late > time.Second {
				t.Fatalf("the server hears the seat %v late", late)
			}
			if time.Since(life.At) > 2*time.Second || len(life.Seats) != 1 || !life.Seats[0].Recording {
				t.Fatalf("sign of life: %+v", life)
			}
		}
		f.alarm(t, "audio-lost", false)
		f.mu.Lock()
		for _, a := range f.health[len(f.health)-1].Alarms {
			if a.Code == "archive-failed" && !strings.Contains(a.TextEN, " since ") {
				t.Errorf("the alarm does not say since when: %s", a.TextEN)
			}
		}
		f.mu.Unlock()
		answer()
		time.Sleep(5 * time.Second)
		f.alarm(t, "archive-failed", false)
		time.Sleep(10 * time.Second)
		f.tell(hearing("h1", 2, capture.Closed))
		f.until(t, "the end", func() bool { return f.got[len(f.got)-1].End == capture.EndClose })
		stop()
		if heard := follows(t, f.channel("judge"), m); heard < 82*time.Second {
			t.Errorf("%v were heard", heard)
		}
		// What the queue held is there: the hole is a minute less 20 seconds.
		samples, files := archivedOf(t, dir, m.given)
		hole := time.Duration(len(m.given)-samples) * time.Second / time.Duration(m.rate)
		if files != 2 || hole < 36*time.Second || hole > 42*time.Second {
			t.Errorf("%d files lack %v", files, hole)
		}
	})
}

// TestArchiveIsSlow has a drive that answers everything, and takes five times as long as it
// may: the seat is not late for it, and what the archive has is in its place.
func TestArchiveIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, dir := newFakeServer(), &drive{slow: 500 * time.Millisecond}, t.TempDir()
		m := &nativeMicrophone{rate: cardRate(), noise: noise(3, 50)}
		stop := startHanging(t, f, capture.Config{Dir: dir}, d, m)
		time.Sleep(time.Second)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(10 * time.Second)
		for range 40 {
			time.Sleep(time.Second)
			f.mu.Lock()
			late := time.Since(f.got[len(f.got)-1].CapturedAt)
			f.mu.Unlock()
			if late > time.Second {
				t.Fatalf("the server hears the seat %v late", late)
			}
		}
		f.alarm(t, "archive-failed", true)
		f.tell(hearing("h1", 2, capture.Closed))
		f.until(t, "the end", func() bool { return f.got[len(f.got)-1].End == capture.EndClose })
		time.Sleep(5 * time.Minute) // what waits is written
		stop()
		time.Sleep(time.Second)
		chunks := f.channel("judge")
		m.given = m.given[int(chunks[0].CapturedAt.Sub(m.began)/(20*time.Millisecond))*m.rate/50:]
		follows(t, chunks, m)
		samples, files := archivedOf(t, dir, m.given)
		if held := time.Duration(samples) * time.Second / time.Duration(m.rate); held < 25*time.Second || files < 2 {
			t.Errorf("%d files hold %v", files, held)
		}
	})
}

// TestSlowArchiveHoldsNoEpochUp has a drive that is slow for ever, and a spool that is full for
// a minute: when that takes sound again, the seat does not wait for what the
// archive has not written yet.
func TestSlowArchiveHoldsNoEpochUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, dir := newFakeServer(), &drive{slow: 500 * time.Millisecond}, t.TempDir()
		f.away = true
		m := &nativeMicrophone{rate: capture.Rate, noise: noise(3, 50)}
		stop := startHanging(t, f, capture.Config{Dir: dir, SpoolBytes: 1 << 20}, d, m)
		time.Sleep(time.Second)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(90 * time.Second)
		f.alarm(t, "audio-lost", true)
		f.set(func() { f.away = false })
		time.Sleep(15 * time.Second)
		f.alarm(t, "audio-lost", false)
		f.mu.Lock()
		last := f.got[len(f.got)-1]
		f.mu.Unlock()
		if late := time.Since(last.CapturedAt); late > time.Second || last.Epoch < 2 {
			t.Errorf("%v is %v late", last, late)
		}
		stop()
		time.Sleep(5 * time.Minute) // what waits is written
	})
}

// TestArchiveHangsForAMoment: what waited is written, and nothing is missing.
func TestArchiveHangsForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, dir := newFakeServer(), &drive{}, t.TempDir()
		m := &nativeMicrophone{rate: cardRate(), noise: noise(3, 50)}
		stop := startHanging(t, f, capture.Config{Dir: dir}, d, m)
		f.tell(hearing("h1", 1, capture.Open))
		for range 3 {
			time.Sleep(10 * time.Second)
			answer := d.hang()
			defer answer()
			time.Sleep(15 * time.Second)
			answer()
		}
		time.Sleep(10 * time.Second)
		f.tell(hearing("h1", 2, capture.Closed))
		f.until(t, "the end", func() bool { return f.got[len(f.got)-1].End == capture.EndClose })
		stop()
		follows(t, f.channel("judge"), m)
		if samples, files := archivedOf(t, dir, m.given); samples < len(m.given)-m.rate/50 || files != 1 {
			t.Errorf("%d files hold %d samples of %d", files, samples, len(m.given))
		}
	})
}

// TestArchiveHangsAtStart begins with a drive that hangs and holds a file that a
// crash has left open. Seats record; the file is closed when the drive answers, before
// another is written.
func TestArchiveHangsAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, dir := newFakeServer(), &drive{}, t.TempDir()
		m := &nativeMicrophone{rate: cardRate(), noise: noise(3, 50)}
		left := filepath.Join(dir, "archive", "h0", "room_h0_审判长_judge_e001_p001")
		err := os.MkdirAll(filepath.Dir(left), 0o755)
		err = errors.Join(err, os.WriteFile(left+".open.json", []byte(`{"v":1,"hearing":"h0","channel":"judge","epoch":1,"part":1,"rate":16000}`), 0o600))
		if err = errors.Join(err, os.WriteFile(left+".wav", nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		answer := d.hang()
		defer answer()
		d.pass = 1 // all but the opening would answer
		stop := startHanging(t, f, capture.Config{Dir: dir}, d, m)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(9 * time.Second)
		f.alarm(t, "archive-failed", true)
		if f.mu.Lock(); len(f.got) < 2*perSecond {
			t.Errorf("%d chunks were heard", len(f.got))
		}
		f.mu.Unlock()
		time.Sleep(time.Minute)
		answer()
		time.Sleep(10 * time.Second)
		f.alarm(t, "archive-failed", false)
		f.tell(hearing("h1", 2, capture.Closed))
		f.until(t, "the end", func() bool { return f.got[len(f.got)-1].End == capture.EndClose })
		stop()
		// What was given before the hearing began is not of it.
		chunks := f.channel("judge")
		m.given = m.given[int(chunks[0].CapturedAt.Sub(m.began)/(20*time.Millisecond))*m.rate/50:]
		follows(t, chunks, m)
		samples, files := archivedOf(t, dir, m.given)
		if held := time.Duration(samples) * time.Second / time.Duration(m.rate); files != 2 || held < 29*time.Second {
			t.Errorf("%d files hold %v", files, held)
		}
		if _, err := os.Stat(left + ".json"); err != nil {
			t.Error(err)
		}
	})
}

// TestArchiveHangsWithTheSpoolFull: nobody takes the sound, and that is said at once. What
// the spool has numbered without its sound is in the archive, none of it is declared missing.
func TestArchiveHangsWithTheSpoolFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, dir := newFakeServer(), &drive{}, t.TempDir()
		f.away = true
		m := &nativeMicrophone{rate: cardRate(), noise: noise(3, 50)}
		stop := startHanging(t, f, capture.Config{Dir: dir, SpoolBytes: 1 << 20}, d, m)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(time.Minute)
		f.alarm(t, "spool-full", true)
		f.alarm(t, "audio-lost", false)
		answer := d.hang()
		defer answer()
		time.Sleep(5 * time.Second)
		f.alarm(t, "audio-lost", true)
		time.Sleep(time.Minute)
		f.alarm(t, "audio-lost", true)
		answer()
		time.Sleep(5 * time.Second)
		f.alarm(t, "audio-lost", false)
		time.Sleep(20 * time.Second)
		f.set(func() { f.away = false })
		time.Sleep(10 * time.Second)
		f.alarm(t, "audio-missing", false)
		f.tell(hearing("h1", 2, capture.Closed))
		f.until(t, "the end", func() bool { return f.got[len(f.got)-1].End == capture.EndClose })
		stop()
		heard := capture.SampleIndex(0)
		want := resampled(t, m.rate, m.given)
		got := f.channel("judge")
		for i, c := range got {
			if c.Seq != uint64(i+1) || c.Lost != 0 {
				t.Fatalf("%v comes as number %d", c, i+1)
			}
			last := i+1 == len(got) || got[i+1].Epoch != c.Epoch
			if c.Epoch == 1 && !last && !slices.Equal(c.Samples, want[c.First:c.Next()]) {
				t.Fatalf("%v: not what was heard", c)
			}
			heard += capture.SampleIndex(len(c.Samples))
		}
		// Of the 65 s of the hang memory holds 20 and more.
		if lacks := time.Duration(len(m.given))*time.Second/time.Duration(m.rate) - heard.Duration(); lacks < 0 || lacks > 47*time.Second {
			t.Errorf("%v are missing", lacks)
		}
	})
}

// TestArchiveHangsAtTheEnd: a hearing ends and another begins, and the daemon ends too,
// while the drive hangs, also while it is read for what the spool has not.
func TestArchiveHangsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, dir := newFakeServer(), &drive{}, t.TempDir()
		f.away = true
		m := &nativeMicrophone{rate: cardRate(), noise: noise(3, 50)}
		cfg := capture.Config{Dir: dir, SpoolBytes: 1 << 20}
		stop := startHanging(t, f, cfg, d, m)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(time.Minute)
		f.alarm(t, "spool-full", true)
		answer := d.hang()
		defer answer()
		f.set(func() { f.away = false }) // much is to be read from the archive now
		time.Sleep(10 * time.Second)
		f.tell(hearing("h1", 2, capture.Closed))
		f.tell(hearing("h2", 1, capture.Open))
		time.Sleep(20 * time.Second)
		f.mu.Lock()
		life := f.health[len(f.health)-1]
		f.mu.Unlock()
		if !life.Seats[0].Recording || life.Seats[0].Hearing != "h2" || life.Seats[0].Samples < 5*capture.Rate {
			t.Errorf("the next hearing does not begin: %+v", life.Seats[0])
		}
		f.alarm(t, "audio-missing", false)
		began := time.Now()
		stop()
		if took := time.Since(began); took > 12*time.Second {
			t.Errorf("the end takes %v", took)
		}
		answer()
		synctest.Wait()
		start(t, cfg, f)
		f.until(t, "all of the first hearing", func() bool {
			return slices.ContainsFunc(f.got, func(c capture.Chunk) bool { return c.Hearing == "h1" && c.End == capture.EndClose })
		})
		f.alarm(t, "audio-missing", false)
	})
}

// TestDiskDoesNotAnswer: a drive that does not even say how much room it has holds up
// neither the sign of life nor the other's warning.
func TestDiskDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, dir := newFakeServer(), &drive{}, t.TempDir()
		_, stop := startDaemon(t, capture.Config{Dir: dir, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: &fakeMicrophone{}}}}, f, func(c *capture.Daemon) {
			c.Free(func(at string) (int64, error) {
				if at != dir {
					d.gate()
				}
				return 100 << 20, nil
			})
		})
		time.Sleep(3 * time.Second)
		f.alarm(t, "disk-low", true)
		answer := d.hang()
		defer answer()
		for i := range 30 {
			time.Sleep(time.Second)
			f.mu.Lock()
			life := f.health[len(f.health)-1]
			f.mu.Unlock()
			said := slices.ContainsFunc(life.Alarms, func(a capture.Alarm) bool { return a.Code == "archive-failed" })
			if time.Since(life.At) > 2*time.Second || said != (i > 6) && (i < 4 || i > 6) || life.DiskFree != 100<<20 {
				t.Fatalf("after %d s: %+v", i, life)
			}
		}
		answer()
		time.Sleep(2 * time.Second)
		f.alarm(t, "archive-failed", false)
		stop()
	})
}
