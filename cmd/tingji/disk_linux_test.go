package main

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServerDiskLow: the record server and the doctor say that the disk will be
// full before it is.
func TestServerDiskLow(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=300m"); err != nil {
		t.Skipf("skipped: a small file system cannot be mounted (it takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	a := &app{config: DefaultConfig(), log: quiet}
	a.config.Data = small
	w := diskWatch{app: a}
	now := time.Now()
	if got := w.alarms(now); got != nil {
		t.Errorf("nobody sits anywhere, and it says %v", got)
	}
	seats := func(n int) {
		a.config.Courtrooms = []CourtroomConfig{{ID: "3", Seats: make([]SeatConfig, n)}}
		now = now.Add(diskLook)
	}
	// 300 MB are 2.7 hours of one seat.
	if seats(1); len(w.alarms(now)) != 1 {
		t.Fatal("no warning")
	}
	began := now
	seats(2)
	got := w.alarms(now)
	if len(got) != 1 || got[0].Code != "disk-low" || !got[0].Since.Equal(began) || !strings.Contains(got[0].TextEN, "1.4 hours") || !strings.Contains(got[0].Text, "1.4 小时") {
		t.Errorf("warned of %+v, since %s", got, began)
	}
	if _, err := checkDisk(t.Context(), a); err == nil || !strings.Contains(err.Error(), "1.4 hours of all seats of all courtrooms, where there should be 8") {
		t.Errorf("the doctor says %v", err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", syscall.MS_REMOUNT, "size=3g"); err != nil {
		t.Fatal(err)
	}
	if seats(1); w.alarms(now) != nil {
		t.Error("there is room again, and it still warns")
	}
}
