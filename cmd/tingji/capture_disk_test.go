//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLowDiskIsSaidEverywhere runs a courtroom's PC on a disk of 64 MB: its log, its
// report, `capture check` and the record server's page say for how long it still records, and what to do.
func TestLowDiskIsSaidEverywhere(t *testing.T) {
	needShell(t)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	broker, control := freePort(t), freePort(t)
	config := writeConfig(t, fmt.Sprintf("[capture]\ncourtroom = \"3\"\n[[courtroom]]\nid = \"3\"\n[[courtroom.seat]]\nchannel = \"judge\"\nrole = \"审判长\"\nsource = %q\n", noiseSource))
	t.Setenv("TINGJI_KAFKA_LISTEN", broker)
	server := start(t, "up", "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	environ := []string{"TINGJI_CAPTURE_LISTEN=" + control, "TINGJI_KAFKA=" + broker, "TINGJI_DATA=" + disk}
	pc := startPC(t, config, control, environ)
	defer pc.stop() // before the disk goes
	const hours = "0.3 hours"
	for what, ask := range map[string]func() string{
		"the PC's log": func() string { return pc.said.String() },
		"its report":   func() string { return pc.ask("/report") },
		"its metrics":  func() string { return pc.ask("/metrics") },
		"the server": func() string {
			var said json.RawMessage
			if err := server.get("/api/v1/health", &said); err != nil {
				return err.Error()
			}
			return string(said)
		},
		"`capture check`": func() string {
			out, _, _ := tingji(t, environ, "capture", "check", "--config", config, "--for", "100ms")
			return out
		},
	} {
		want := map[string][]string{
			"the PC's log":    {"disk is nearly full", "hours=0.2"},
			"its report":      {`"disk-low"`, hours, "小时", `"disk_free"`},
			"its metrics":     {`tingji_capture_alarm{channel="",code="disk-low"} 1`},
			"the server":      {`"disk-low"`, hours, "小时"},
			"`capture check`": {"FAIL  disk", hours, "free space", "FAIL  daemon  disk-low"},
		}[what]
		said := ""
		for began := time.Now(); time.Since(began) < 15*time.Second; {
			said = ask()
			missing := false
			for _, s := range want {
				missing = missing || !strings.Contains(said, s)
			}
			if !missing {
				want = nil
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if want != nil {
			t.Errorf("%s does not say %q:\n%s", what, want, said)
		}
	}
}
