package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tingji/store"
	"tingji/store/storetest"
	"tingji/transcript"
)

// A full disk gives an error that says so; what was confirmed is there, and
// with room again the same store goes on.
func TestDiskFull(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("skipped: a small file system cannot be mounted (it takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	ballast := filepath.Join(small, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), filepath.Join(small, "record.db"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var steps int64
	err = storetest.WriteForEver(t.Context(), s, func(n int64) bool { steps = n; return true })
	if !store.DiskFull(err) || !errors.Is(err, transcript.ErrDiskFull) {
		t.Fatalf("after %d steps: error %v, want one of a full disk", steps, err)
	}
	storetest.CheckWritten(t, s, steps)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	full := steps
	err = storetest.WriteForEver(t.Context(), s, func(n int64) bool { steps = n; return n < full+20 })
	if err != nil {
		t.Fatalf("with room again, %d steps after %d: %v", steps, full, err)
	}
	storetest.CheckWritten(t, s, steps)
}
