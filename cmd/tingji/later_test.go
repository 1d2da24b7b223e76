package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tingji/asr/demo"
	"tingji/capture"
	"tingji/testdata/hearing"
)

// post sends a JSON request to the API and reads the answer, which must have
// the status.
func (p *program) post(path string, body any, status int, to any) {
	p.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.Post(p.url+path, "application/json", bytes.NewReader(data))
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var raw json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&raw); err != nil || resp.StatusCode != status {
		p.t.Fatalf("POST %s: %s, want %d: %s %v", path, resp.Status, status, raw, err)
	}
	if to != nil {
		if err := json.Unmarshal(raw, to); err != nil {
			p.t.Fatal(err)
		}
	}
}

// courtroomOf writes a configuration whose courtroom plays recordings of the
// sample hearing from their files.
func courtroomOf(t *testing.T, ref *hearing.Hearing, channels ...string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "[capture]\ncourtroom = \"3\"\npace = 20.0\n[[courtroom]]\nid = \"3\"\nname = \"第三审判庭\"\n")
	for _, r := range ref.Recordings {
		for _, channel := range channels {
			if r.Channel == channel {
				path, err := filepath.Abs(filepath.Join(sampleFolder, r.File))
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, "[[courtroom.seat]]\nchannel = %q\nrole = %q\nsource = \"file:%s\"\n", channel, r.Role, path)
			}
		}
	}
	return writeConfig(t, b.String())
}

// TestRecordedFirstRecognisedLater: without an engine the program says so, and
// records. Its broker forgets what the archive holds. With an engine, everything
// becomes text, in its place.
func TestRecordedFirstRecognisedLater(t *testing.T) {
	t.Parallel()
	ref, err := hearing.Load()
	if err != nil {
		t.Fatal(err)
	}
	channels := []string{"judge", "plaintiff", "defendant"}
	var want []said
	for _, s := range ref.Sentences {
		for _, channel := range channels {
			if s.Channel == channel {
				want = append(want, said{s.Channel, s.Role, s.Text})
			}
		}
	}
	dir, listen := t.TempDir(), freePort(t)
	args := []string{"up", "--data", dir, "--listen", listen, "--config", courtroomOf(t, ref, channels...)}

	p := start(t, args...)
	var h capture.Hearing
	p.post("/api/v1/hearings", map[string]any{"case_no": ref.CaseNo, "cause": ref.Cause, "courtroom": "3"}, http.StatusCreated, &h)
	p.post("/api/v1/hearings/"+h.ID+"/open", struct{}{}, http.StatusOK, nil)
	if !strings.Contains(p.stderr.String(), "no speech engine is configured") {
		t.Errorf("the program does not say that it has no engine: %s", p.stderr)
	}
	p.until("every second is stored", func() bool {
		got, err := p.only()
		return err == nil && len(got.Progress.Channels) == len(channels) && got.Progress.Channels[0].StoredMS == int64(ref.Samples)/16
	})
	p.post("/api/v1/hearings/"+h.ID+"/close", struct{}{}, http.StatusOK, nil)
	var health struct {
		Components []capture.Health
	}
	if err := p.get("/api/v1/health", &health); err != nil || !strings.Contains(fmt.Sprint(health), "engine-missing") {
		t.Errorf("nobody on a page is told: %v %+v", err, health)
	}
	size := func() (bytes int64) {
		segments, _ := filepath.Glob(filepath.Join(dir, "kafka", "log", "*audio.v1*", "*"))
		if len(segments) == 0 {
			segments, _ = filepath.Glob(filepath.Join(dir, "kafka", "log", "*", "*audio*", "*"))
		}
		for _, s := range segments {
			if info, err := os.Stat(s); err == nil {
				bytes += info.Size()
			}
		}
		return bytes
	}
	t.Logf("the broker holds %d bytes of audio", size())
	p.until("the broker has forgotten audio", func() bool { return size() < 17<<20 })
	if code := p.stop(); code != 0 {
		t.Errorf("Ctrl-C: exit code %d", code)
	}

	engine := demoEngine(ref, demo.Options{}, quiet)
	url, err := engine.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go engine.Run(t.Context())
	p = start(t, append(args, "--asr-url", url)...)
	p.untilComplete(3 * time.Minute)
	compare(t, p.lines(h.ID), want)
}

// until waits for something that takes a moment.
func (p *program) until(what string, done func() bool) {
	p.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("waited for: %s", what)
		}
	}
}
