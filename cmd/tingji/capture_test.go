package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCaptureByHand checks a courtroom's PC and opens a hearing on it by hand,
// beside a record server.
func TestCaptureByHand(t *testing.T) {
	needShell(t)
	broker, control := freePort(t), freePort(t)
	room := func(judge string) string {
		return writeConfig(t, fmt.Sprintf("[capture]\ncourtroom = \"3\"\n[[courtroom]]\nid = \"3\"\n"+
			"[[courtroom.seat]]\nchannel = \"judge\"\nrole = \"审判长\"\nsource = %q\n"+
			"[[courtroom.seat]]\nchannel = \"clerk\"\nrole = \"书记员\"\nsource = %q\n", judge, noiseSource+" clerk"))
	}
	dir := t.TempDir()
	environ := []string{"TINGJI_CAPTURE_LISTEN=" + control, "TINGJI_KAFKA=" + broker, "TINGJI_DATA=" + filepath.Join(dir, "pc")}
	config := room(noiseSource)

	// Nothing is there yet but the microphones.
	out, _, code := tingji(t, environ, "capture", "check", "--config", config, "--for", "1s")
	if code != exitFailure || !strings.Contains(out, "FAIL  broker") || !strings.Contains(out, "ok    seat    judge") {
		t.Errorf("without a server: exit %d\n%s", code, out)
	}
	if _, errs, code := tingji(t, environ, "capture", "open", "--config", config); code != exitFailure || !strings.Contains(errs, "start it") {
		t.Errorf("open without a daemon: exit %d: %s", code, errs)
	}

	t.Setenv("TINGJI_KAFKA_LISTEN", broker)
	start(t, "up", "--data", filepath.Join(dir, "server"), "--listen", "127.0.0.1:0")
	out, _, code = tingji(t, environ, "capture", "check", "--config", config, "--for", "2s")
	if code != exitFailure || strings.Count(out, "FAIL") != 1 || !strings.Contains(out, "ok    server") || !strings.Contains(out, "FAIL  daemon  none runs for courtroom 3") {
		t.Errorf("all is well but the daemon: exit %d\n%s", code, out)
	}
	dead := room(`exec:sh -c 'while :; do head -c 640 /dev/zero; sleep 0.02; done'`)
	out, _, code = tingji(t, environ, "capture", "check", "--config", dead, "--for", "2s")
	if code != exitFailure || !strings.Contains(out, "FAIL  seat    judge (审判长): digital silence") || !strings.Contains(out, "ok    seat    clerk") {
		t.Errorf("a dead microphone: exit %d\n%s", code, out)
	}
	out, _, code = tingji(t, environ, "capture", "meter", "--config", dead, "--for", "2s")
	if code != exitOK || !strings.Contains(out, "judge         -120 dB") || !strings.Contains(out, "#") {
		t.Errorf("meter: exit %d\n%s", code, out)
	}

	daemon := startPC(t, config, control, environ)
	until := func(path, want string) {
		t.Helper()
		for range 300 {
			if strings.Contains(daemon.ask(path), want) {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("%s never says %s:\n%s", path, want, daemon.ask(path))
	}
	until("/healthz", "ok")
	out, errs, code := tingji(t, environ, "capture", "check", "--config", config, "--for", "2s")
	if code != exitOK || strings.Contains(out, "FAIL") || !strings.Contains(out, "ok    daemon") {
		t.Errorf("all is well: exit %d\n%s%s", code, out, errs)
	}
	if res, err := http.Post("http://"+control+"/control/open", "text/plain", nil); err != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("a page in a browser may open a hearing: %v, %v", res, err)
	}
	for _, step := range []struct{ command, said, then string }{
		{"open", "open", `tingji_capture_seat_recording{channel="judge"} 1`},
		{"pause", "paused", `tingji_capture_seat_recording{channel="judge"} 0`},
		{"resume", "open", `tingji_capture_seat_recording{channel="clerk"} 1`},
		{"close", "closed", `tingji_capture_unconfirmed_chunks 0`},
	} {
		out, errs, code := tingji(t, environ, "capture", step.command, "--config", config)
		if code != exitOK || !strings.Contains(out, "-pc-3 "+step.said) {
			t.Fatalf("%s: exit %d: %s%s", step.command, code, out, errs)
		}
		until("/metrics", step.then)
	}
	if _, errs, code := tingji(t, environ, "capture", "close", "--config", config); code != exitFailure || !strings.Contains(errs, "no hearing is open") {
		t.Errorf("closed twice: exit %d: %s", code, errs)
	}
	for _, kept := range []string{"pc/capture/archive/*-pc-3/*_judge_e001_p001.wav", "pc/capture/archive/*-pc-3/*_clerk_e002_p001.wav", "server/audio/*/*-pc-3/judge/2-1.wav"} {
		if found, _ := filepath.Glob(filepath.Join(dir, kept)); len(found) != 1 {
			t.Errorf("%s: %q", kept, found)
		}
	}
}
