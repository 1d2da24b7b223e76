package web_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tingji/asr"
	"tingji/transcript"
	"tingji/transcript/web"
)

// auditor keeps accesses as lines: reader, action, hearing, detail. It fails while
// full is set.
type auditor struct {
	mu   sync.Mutex
	list []string
	full bool
}

func (a *auditor) AddAccess(_ context.Context, e transcript.Access) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.full {
		return errors.New("no space left on device")
	}
	line := strings.Join([]string{e.Reader, e.Action, e.Hearing, e.Detail}, "|")
	if e.Refused {
		line += "|refused"
	}
	a.list = append(a.list, line)
	return nil
}

func (a *auditor) Accesses(context.Context, transcript.AccessFilter, func(transcript.Access) error) error {
	return nil
}

// take gives what was written down since the last call.
func (a *auditor) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.list = nil }()
	return a.list
}

// Every look at what was said is written down before it is answered, whom it was
// refused to as well; what a page asks again and again, once.
func TestAccessesWrittenDown(t *testing.T) {
	kept := &auditor{}
	sealed := ""
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Audit = kept
		cfg.Gate = func(_ *http.Request, _, hearing string) error {
			if hearing != "" && hearing == sealed {
				return errors.New("sealed")
			}
			return nil
		}
	})
	h := c.hearing("court-3")
	line := c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "现在开庭。")
	c.lines(h, 1)
	kept.take()
	path := "/api/v1/hearings/" + h.ID
	ask := func(method, path string, headers ...string) {
		t.Helper()
		resp, body := c.do(method, path, "", headers...)
		if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented {
			t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	want := func(lines ...string) {
		t.Helper()
		for i, l := range lines {
			lines[i] = strings.ReplaceAll(l, "H", h.ID)
		}
		if got := kept.take(); !slices.Equal(got, lines) {
			t.Errorf("written down %q, want %q", got, lines)
		}
	}
	ask("GET", path+"/record.txt")
	ask("GET", path+"/record.pdf")
	ask("GET", path+"/record.txt") // again
	want("127.0.0.1|record.read|H|record.txt", "127.0.0.1|record.read|H|record.pdf")
	ask("GET", path+"/audio?channel=judge&from=0&to=900", "X-Real-IP", "10.1.2.3", "X-Remote-User", "法官甲")
	ask("HEAD", path+"/audio?channel=judge&from=0&to=900", "X-Real-IP", "10.1.2.3", "X-Remote-User", "法官甲")
	want("法官甲 10.1.2.3|audio.read|H|channel=judge&from=0&to=900")
	ask("GET", "/api/v1/search?q=%E5%80%9F%E6%9D%A1")
	want("127.0.0.1|search||q=借条")
	ask("GET", path+"/lines?after=0")
	ask("GET", path+"/lines?after=1")
	want("127.0.0.1|line.list|H|")
	for _, p := range []string{"/", "/hearings/" + h.ID, "/healthz", "/metrics", "/api/v1/hearings", "/api/v1/courtrooms"} {
		ask("GET", p)
	}
	if resp, body := c.do("PUT", path+"/lines/"+line, `{"text":"开庭。"}`, "If-Match", "1"); resp.StatusCode != 200 {
		t.Fatal(body) // a revision is its own trace
	}
	want()
	ask("POST", path+"/pause")
	ask("POST", path+"/pause")
	want("127.0.0.1|hearing.pause|H|", "127.0.0.1|hearing.pause|H|")

	sealed = h.ID
	ask("GET", path+"/record.txt")
	want("127.0.0.1|record.read|H|record.txt|refused")
	sealed = ""

	// With a full disk people read on, and it is written down as soon as it can be.
	kept.full = true
	if resp, body := c.do("GET", path+"/ledger", ""); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	kept.full = false
	ask("GET", path+"/ledger")
	want("127.0.0.1|ledger.read|H|")
}
