package capture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tingji/capture"
)

// deadDrive is a file system that the kernel asks and nobody serves: whoever
// touches it does not return, as on a network drive whose server is gone. It answers
// with errors from the time that leave is called.
func deadDrive(t *testing.T) (dir string, leave func()) {
	t.Helper()
	server, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("a file system that hangs cannot be had here: %v", err)
	}
	dir = t.TempDir()
	if err := syscall.Mount("dead", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", server.Fd())); err != nil {
		server.Close()
		t.Skipf("a file system that hangs cannot be mounted here: %v", err)
	}
	left := false
	leave = func() {
		if !left {
			left = true
			server.Close()
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(leave)
	return dir, leave
}

// TestDeadDrive records with the archive on a drive that hangs in the kernel, from
// the start to the end.
func TestDeadDrive(t *testing.T) {
	dead, leave := deadDrive(t)
	f := newFakeServer()
	began := time.Now()
	stop := start(t, capture.Config{Dir: t.TempDir(), ArchiveDir: filepath.Join(dead, "archive"), Seats: []capture.SeatSource{
		{Channel: "judge", Role: "审判长", Source: &fakeMicrophone{}},
	}}, f)
	t.Cleanup(leave) // before the daemon is stopped, for which a test that has failed would wait
	f.tell(hearing("h1", 1, capture.Open))
	f.until(t, "sound", func() bool { return len(f.got) > 3 })
	f.alarm(t, "archive-failed", true)
	f.until(t, "sound", func() bool { return time.Since(f.got[len(f.got)-1].CapturedAt) < time.Second })
	if !long() {
		leave() // the end would wait a few seconds for the drive, as it does in TestArchiveHangsAtTheEnd
	}
	stop()
	t.Logf("from the start to the end: %v", time.Since(began))
	f.mu.Lock()
	last := f.health[len(f.health)-1]
	f.mu.Unlock()
	if !last.Stopped {
		t.Error("the daemon does not say that it has ended")
	}
	leave()
}
