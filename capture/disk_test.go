//go:build linux

package capture_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
	"tingji/capture/file"
)

// smallDisk is a file system of its own of size bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small file system cannot be mounted here (%v): a full disk is not tested", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes until the disk is full and returns how to undo it.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	f.Close()
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiskFull fills the disk while a recording is played, a microphone is heard, and
// nothing is confirmed. The recording waits and comes whole; of the microphone a part is lost,
// and shows as a new epoch; no number is given out twice.
func TestDiskFull(t *testing.T) {
	dir := smallDisk(t, "32m")
	synctest.Test(t, func(t *testing.T) { diskFull(t, dir) })
}

func diskFull(t *testing.T, dir string) {
	f := newFakeServer()
	f.confirm = false
	pcm := noise(1, 30)
	m := &fakeMicrophone{}
	ended := make(chan string, 1)
	cfg := capture.Config{Dir: dir, SpoolBytes: 8 << 20, Seats: []capture.SeatSource{
		{Channel: "judge", Role: "审判长", Source: file.NewPlayer(1).PCM(pcm)},
		{Channel: "clerk", Role: "书记员", Source: m},
	}, OnEnd: func(h string) { ended <- h }}
	stop := start(t, cfg, f)
	f.tell(hearing("h1", 1, capture.Open))
	f.until(t, "chunks", func() bool { return len(f.got) > 8 })
	free := fill(t, dir)
	f.alarm(t, "disk-full", true)
	f.alarm(t, "archive-failed", true)
	f.mu.Lock()
	before := len(f.got)
	f.mu.Unlock()
	f.alarm(t, "audio-lost", true)
	time.Sleep(30 * time.Second) // more than a live seat can hold back
	f.mu.Lock()
	if len(f.got) != before {
		t.Errorf("%d chunks were acknowledged by a full disk", len(f.got)-before)
	}
	f.mu.Unlock()
	free()
	f.alarm(t, "disk-full", false)
	f.alarm(t, "audio-lost", false)
	f.until(t, "all of the recording", func() bool {
		for _, c := range f.got {
			if c.Channel == "judge" && c.End == capture.EndFile {
				return true
			}
		}
		return false
	})
	f.alarm(t, "archive-failed", false)
	f.tell(hearing("h1", 2, capture.Closed))
	f.until(t, "the end", func() bool { return f.got[len(f.got)-1].End == capture.EndClose })
	stop()
	whole(t, f.channel("judge"), pcm)
	clerk := f.channel("clerk")
	for i, c := range clerk {
		if c.Seq != uint64(i+1) {
			t.Fatalf("%v comes as number %d", c, i+1)
		}
	}
	last := clerk[len(clerk)-1]
	if last.Epoch != 2 {
		t.Errorf("the microphone is in epoch %d: the gap does not show", last.Epoch)
	}
	var first capture.Chunk
	for i, c := range clerk {
		if c.Epoch == 2 {
			first = c
			if gap := c.CapturedAt.Sub(clerk[i-1].CapturedAt); gap < 9*time.Second {
				t.Errorf("the gap is %v long", gap)
			}
			break
		}
	}
	if first.First != 0 {
		t.Errorf("the new epoch begins at sample %d", first.First)
	}
}

// TestDiskFullWhileTheServerConfirms fills the disk to the last byte in a hearing, and
// nobody frees any: the archive stops, and what is confirmed makes room for what comes, so that nothing is
// lost. While the server is away too, memory is all there is; when it is back,
// what the spool has is confirmed, and the seat goes on. What was not confirmed is all there.
func TestDiskFullWhileTheServerConfirms(t *testing.T) {
	dir := smallDisk(t, "32m")
	synctest.Test(t, func(t *testing.T) {
		f, sound := newFakeServer(), quiet(1)
		m := &testMicrophone{sound: sound}
		cfg := capture.Config{Dir: dir, Preroll: -1, SpoolBytes: 8 << 20, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}
		stop := start(t, cfg, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(30 * time.Second)
		f.alarm(t, "archive-failed", false)
		fill(t, dir)
		f.alarm(t, "archive-failed", true)
		for i := range 120 { // 4 MB, of which the disk has one
			time.Sleep(time.Second)
			f.mu.Lock()
			late := time.Since(f.got[len(f.got)-1].CapturedAt)
			f.mu.Unlock()
			if late > 2*time.Second {
				t.Fatalf("the server hears the seat %v late after %d s: %+v", late, i, f.health[len(f.health)-1].Alarms)
			}
		}
		f.alarm(t, "audio-lost", false)
		f.set(func() { f.away = true })
		time.Sleep(3 * time.Minute)
		f.alarm(t, "disk-full", true)
		f.alarm(t, "audio-lost", true)
		f.set(func() { f.away = false })
		time.Sleep(20 * time.Second)
		for _, code := range []string{"disk-full", "audio-lost", "audio-missing"} {
			f.alarm(t, code, false)
		}
		f.tell(hearing("h1", 2, capture.Closed))
		f.until(t, "the end", func() bool { return f.got[len(f.got)-1].End == capture.EndClose })
		stop()
		epochs, samples := counts(t, m, sound, f.channel("judge"))
		if epochs != 2 || samples.Duration() < 3*time.Minute {
			t.Errorf("%d epochs, %v", epochs, samples.Duration())
		}
	})
}

// TestDiskLowByTheRate warns hours ahead, by what the seats' own rates take of the disk.
func TestDiskLowByTheRate(t *testing.T) {
	dir := smallDisk(t, "3g") // it takes no memory until it is written to
	for rate, want := range map[int]string{48000: "7.0 hours", 16000: ""} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeServer()
			m := &nativeMicrophone{rate: rate, noise: noise(1, 3)}
			stop := start(t, capture.Config{Dir: filepath.Join(dir, fmt.Sprint(rate)), Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f)
			f.tell(hearing("h1", 1, capture.Open))
			time.Sleep(5 * time.Second)
			f.alarm(t, "disk-low", want != "")
			f.mu.Lock()
			for _, a := range f.health[len(f.health)-1].Alarms {
				if a.Code == "disk-low" && !strings.Contains(a.TextEN, want) {
					t.Errorf("%d Hz: %s", rate, a.TextEN)
				}
			}
			f.mu.Unlock()
			stop()
			if len(f.channel("judge")) < 3*perSecond {
				t.Error("a disk that is low is no reason to stop")
			}
		})
	}
}
