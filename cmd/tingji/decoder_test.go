package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/agnivade/levenshtein"
)

// recogniserInPath builds demo-asr and puts it where tingji looks.
func recogniserInPath(t *testing.T) {
	t.Helper()
	if err := exec.Command("pkg-config", "--exists", "pocketsphinx").Run(); err != nil {
		t.Skip("no PocketSphinx here: apt-get install libpocketsphinx-dev libsphinxbase-dev pkg-config")
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir, "../demo-asr").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// children are the processes that a process has started and that still live.
func children(t *testing.T, pid int) []int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("children are listed on Linux only")
	}
	var list []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		b, _ := os.ReadFile(task)
		for f := range strings.FieldsSeq(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				list = append(list, child)
			}
		}
	}
	return list
}

// TestRecognisedSampleHearing: the real program with the real decoder, which
// is killed on the way. Nothing is missing, nothing is in another's mouth, and
// no more characters are wrong than the decoder gets wrong.
func TestRecognisedSampleHearing(t *testing.T) {
	recogniserInPath(t)
	ref, want := reference(t)
	p := start(t, "up", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--pace", "6")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if h, err := p.only(); err == nil && len(p.lines(h.ID)) >= 5 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("five lines are not heard within a minute")
		}
	}
	first := children(t, p.cmd.Process.Pid)
	if len(first) != 1 {
		t.Fatalf("children %v, want the recogniser", first)
	}
	if err := syscall.Kill(first[0], syscall.SIGKILL); err != nil {
		t.Fatalf("kill the recogniser: %v", err)
	}

	h := p.untilComplete(5 * time.Minute)
	lines := p.lines(h.ID)
	if !h.Demo {
		t.Error("the hearing is not marked as a demonstration")
	}
	texts, spoken := map[string]string{}, map[string]string{}
	for _, l := range lines {
		texts[l.Channel] += letters(l.Text)
		if l.Engine != "示例识别引擎" {
			t.Errorf("%s names engine %q", l.ID, l.Engine)
		}
	}
	for _, s := range want {
		spoken[s.Channel] += letters(s.Text)
	}
	for _, r := range ref.Recordings {
		zero := strings.NewReplacer("〇", "零")
		said, heard := zero.Replace(spoken[r.Channel]), zero.Replace(texts[r.Channel])
		wrong := float64(levenshtein.ComputeDistance(said, heard)) / float64(len([]rune(said)))
		t.Logf("%-10s %.1f %% wrong", r.Channel, 100*wrong)
		if wrong >= 0.1 {
			t.Errorf("%s: %.1f %% of characters are wrong:\n%s\n%s", r.Channel, 100*wrong, said, heard)
		}
	}
	if len(lines) != len(want) {
		t.Errorf("%d lines, want %d", len(lines), len(want))
	}

	// It dies with whoever started it, however that dies.
	second := children(t, p.cmd.Process.Pid)
	if len(second) != 1 || second[0] == first[0] {
		t.Fatalf("children %v after %v was killed", second, first)
	}
	p.kill()
	for end := time.Now().Add(20 * time.Second); alive(second[0]); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the recogniser outlives tingji")
		}
	}
}

// alive reports whether a process runs; one that has ended and waits to be
// collected does not.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(b), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// TestRecogniserMissing: without demo-asr the sample hearing is replayed, and
// that is said.
func TestRecogniserMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if path, err := findDecoder(); err == nil || !strings.Contains(err.Error(), "demo-asr") {
		t.Errorf("found %q, %v", path, err)
	}
}

// TestDoctorASR: the doctor finds the recogniser in order, and says of an engine
// that does not answer that it does not.
func TestDoctorASR(t *testing.T) {
	recogniserInPath(t)
	stdout, stderr, code := tingji(t, nil, "doctor", "asr")
	for _, want := range []string{"ok    text", "ok    words", "ok    times", "ok    speed", "ok    silence"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing in\n%s", want, stdout)
		}
	}
	if code != 0 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	stdout, stderr, code = tingji(t, nil, "doctor", "asr", "--asr-url", "http://"+freePort(t)+"/v1")
	if code != 1 || !strings.Contains(stdout, "FAIL  engine") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if _, stderr, code = tingji(t, nil, "doctor", "asr", "--text", "现在开庭"); code != 2 || !strings.Contains(stderr, "--clip") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
