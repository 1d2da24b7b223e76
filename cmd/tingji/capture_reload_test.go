package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCaptureReload adds a seat to a hearing under way, by the command that systemd
// runs for it: the other seat goes on in its epoch. A wrong file changes nothing.
func TestCaptureReload(t *testing.T) {
	needShell(t)
	broker, control := freePort(t), freePort(t)
	seat := func(channel, role, source string) string {
		return fmt.Sprintf("[[courtroom.seat]]\nchannel = %q\nrole = %q\nsource = %q\n", channel, role, source)
	}
	const head = "[capture]\ncourtroom = \"3\"\n[[courtroom]]\nid = \"3\"\n"
	judge := seat("judge", "审判长", noiseSource)
	config := writeConfig(t, head+judge)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	environ := []string{"TINGJI_CAPTURE_LISTEN=" + control, "TINGJI_KAFKA=" + broker, "TINGJI_DATA=" + filepath.Join(dir, "pc")}
	daemon := startPC(t, config, control, environ)
	until := func(want string, there bool) {
		t.Helper()
		for range 300 {
			if strings.Contains(daemon.ask("/metrics"), want) == there {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("%s: never %v:\n%s", want, there, daemon.ask("/metrics"))
	}
	command := func(name, want string, exit int) {
		t.Helper()
		out, errs, code := tingji(t, environ, "capture", name, "--config", config)
		if said := out + errs; code != exit || !strings.Contains(said, want) || strings.Count(said, "\n") != 1 {
			t.Fatalf("%s: exit %d: %q, not %q", name, code, said, want)
		}
	}
	until(`seat_recording{channel="judge"} 0`, true)
	command("open", "open", exitOK)
	until(`seat_recording{channel="judge"} 1`, true)

	write(head + judge + seat("clerk", "书记员", noiseSource+" clerk"))
	command("reload", "added clerk", exitOK)
	until(`seat_recording{channel="clerk"} 1`, true)
	command("reload", "the same seats", exitOK)
	// Each is refused by the daemon; the client reads no seats of a file that is right for it.
	write(head + judge + seat("clerk", "书记员", "microfone:x"))
	command("reload", `kind "microfone" is unknown`, exitFailure)
	until(`seat_recording{channel="clerk"} 1`, true)
	write(head + judge)
	command("reload", "removed clerk", exitOK)
	until(`channel="clerk"`, false)
	command("close", "closed", exitOK)
	until(`seat_recording{channel="judge"} 0`, true)
	for pattern, want := range map[string]int{"*_judge_e*.wav": 1, "*_clerk_e*.wav": 1} {
		if found, _ := filepath.Glob(filepath.Join(dir, "pc/capture/archive/*-pc-3", pattern)); len(found) != want {
			t.Errorf("%s: %q", pattern, found)
		}
	}
}
