package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample20 are the arguments of the sample hearing at 20 times its pace, with
// the engine that knows the answers.
func sample20(dir, listen string) []string {
	return []string{"up", "--data", dir, "--listen", listen, "--pace", "20", "--demo-engine", "replay"}
}

// TestSampleHearing: the real program, the sample hearing at 20 × pace, the
// demonstration engine; the transcript is the reference, to the character.
func TestSampleHearing(t *testing.T) {
	t.Parallel()
	ref, want := reference(t)
	p := start(t, sample20(t.TempDir(), "127.0.0.1:0")...)
	h := p.untilComplete(3 * time.Minute)
	lines := p.lines(h.ID)
	compare(t, lines, want)
	if !h.Demo {
		t.Error("the hearing is not marked as a demonstration")
	}
	// The recordings begin a moment after the hearing is opened: what the first
	// word tells of that moment, all others must agree with.
	zero := lines[0].Words[0].StartMS - ref.Sentences[0].Words[0].StartMS
	if zero < 0 {
		t.Errorf("the first word is %d ms too early", -zero)
	}
	for i, l := range lines {
		if i < len(ref.Sentences) {
			s := ref.Sentences[i]
			if l.EndMS-zero <= s.StartMS || l.StartMS-zero >= s.EndMS {
				t.Errorf("line %d is at %d to %d ms, was said at %d to %d", i+1, l.StartMS, l.EndMS, s.StartMS, s.EndMS)
			}
			for j, w := range l.Words {
				if j < len(s.Words) && (abs(w.StartMS-zero-s.Words[j].StartMS) > 2 || abs(w.EndMS-zero-s.Words[j].EndMS) > 2) {
					t.Errorf("line %d word %d %q is at %d to %d ms, was said at %d to %d", i+1, j+1, w.Text, w.StartMS, w.EndMS, s.Words[j].StartMS, s.Words[j].EndMS)
				}
			}
		}
		if l.Engine != "示例识别引擎" {
			t.Errorf("line %d names engine %q", i+1, l.Engine)
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("Ctrl-C: exit code %d", code)
	}
}

func abs(n int64) int64 { return max(n, -n) }

// TestKilledAtRandom: the same, killed with -9 at ten random instants and
// started again: the same transcript, nothing missing, nothing doubled.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	_, want := reference(t)
	dir, listen := t.TempDir(), freePort(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 10 {
		p := start(t, sample20(dir, listen)...)
		time.Sleep(time.Duration(random.IntN(1800)) * time.Millisecond)
		p.kill()
	}
	p := start(t, sample20(dir, listen)...)
	h := p.untilComplete(3 * time.Minute)
	compare(t, p.lines(h.ID), want)
}

// TestAnothersSpool: in the folder of a real courtroom's daemon the sample hearing is
// not opened, nor anything else.
func TestAnothersSpool(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spool := filepath.Join(dir, "capture", "spool")
	state := []byte(`{"v":1,"courtroom":"7","channels":{}}`)
	if err := errors.Join(os.MkdirAll(spool, 0o755), os.WriteFile(filepath.Join(spool, "state.json"), state, 0o600)); err != nil {
		t.Fatal(err)
	}
	out, errs, code := tingji(t, nil, sample20(dir, "127.0.0.1:0")...)
	if code != exitFailure || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, `belongs to courtroom "7", not to "sample": choose another folder`) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, f := range files {
		made = append(made, f.Name())
	}
	if !slices.Equal(made, []string{"capture", "up.lock"}) {
		t.Errorf("the folder holds %q", made)
	}
}
