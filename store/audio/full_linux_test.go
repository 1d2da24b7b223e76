package audio

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A full disk confirms nothing, says so, and goes on by itself when there is
// room again: not a sample lost, not one half there.
func TestDiskFull(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("skipped: a small file system cannot be mounted (it takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	ballast := filepath.Join(small, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 512<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, t.TempDir()) // the database has room: this is the archive's part
	b.dir = filepath.Join(small, "audio")
	b.start()
	defer func() { b.stop() }()
	all := chunks("h1", "judge", 100) // 800 kB
	b.log.add(0, all[:20]...)
	wait(t, func() bool { return b.seq() == 20 })
	b.log.add(0, all[20:]...)
	wait(t, func() bool { return b.alarms() == "[disk-full]" })
	confirmed := b.seq()
	if confirmed == 100 {
		t.Fatal("a full disk took everything")
	}
	b.stored("judge", 1, int(confirmed))

	// An orderly end does not wait for room; nor does a start fail for want of it.
	b.stop()
	b.start()
	wait(t, func() bool { return b.alarms() == "[disk-full]" })
	b.stored("judge", 1, int(b.seq()))

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool { return b.seq() == 100 && b.alarms() == "[]" })
	b.stored("judge", 1, 100)
}

// seq is the last chunk of h1/judge that is receipted.
func (b *bench) seq() uint64 {
	b.receipts.mu.Lock()
	defer b.receipts.mu.Unlock()
	return b.receipts.latest["h1/judge"].Seq
}

// wait waits in real time: a full disk cannot be had in a bubble.
func wait(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not happen within a minute")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
