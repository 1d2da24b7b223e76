package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/web"
)

// A gate that says no closes every route there is; one that hides a hearing
// answers as if it did not exist.
func TestGateClosesEveryExit(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"refused": {errors.New("not a clerk"), http.StatusForbidden, "forbidden"},
		"hidden":  {transcript.ErrNotFound, http.StatusNotFound, "not-found"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			c := openCourt(t, func(cfg *web.Config) {
				cfg.Gate = func(_ *http.Request, action, hearing string) error {
					asked = append(asked, action)
					return test.err
				}
			})
			h := c.hearing("court-3")
			line := c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "现在开庭。")
			c.lines(h, 1)
			routes := c.server.Routes()
			if len(routes) < 30 {
				t.Fatalf("only %d routes", len(routes))
			}
			for _, r := range routes {
				method, path, _ := strings.Cut(r, " ")
				if name == "hidden" && !strings.Contains(path, "{id}") {
					continue // there is no hearing to hide
				}
				path = strings.NewReplacer("{$}", "", "{id}", h.ID, "{line}", line, "{correction}", "1", "{file}", "main.js").Replace(path)
				before := len(asked)
				resp, body := c.do(method, path, "")
				problemOf(t, resp, body, test.status, test.code)
				if len(asked) != before+1 {
					t.Errorf("%s: the gate was asked %d times", r, len(asked)-before)
				}
				if strings.Contains(body, "not a clerk") || strings.Contains(body, "现在开庭") {
					t.Errorf("%s: the answer tells too much: %s", r, body)
				}
			}
		})
	}
}

// A hearing that a reader may not see is missing from lists and from the stream
// of all hearings.
func TestGateHidesAHearingAmongOthers(t *testing.T) {
	var hidden string
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Gate = func(_ *http.Request, _, hearing string) error {
			if hearing != "" && hearing == hidden {
				return transcript.ErrNotFound
			}
			return nil
		}
	})
	closed := c.hearing("court-3")
	hidden = closed.ID
	stream := c.listen("/api/v1/events", "")
	stream.next("tick")
	seen := c.hearing("court-5")
	if _, err := c.docket.Close(t.Context(), closed.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := c.docket.Close(t.Context(), seen.ID, ""); err != nil {
		t.Fatal(err)
	}
	_, body := c.do("GET", "/api/v1/hearings", "")
	if strings.Contains(body, closed.ID) || !strings.Contains(body, seen.ID) {
		t.Errorf("list: %s", body)
	}
	for {
		h := decode[capture.Hearing](t, stream.next("hearing").data)
		if h.ID != seen.ID {
			t.Fatalf("the stream shows %s", h.ID)
		}
		if h.Status == capture.Closed {
			break
		}
	}
}

func TestHostsThatAreNotOursAreRefused(t *testing.T) {
	c := openCourt(t, func(cfg *web.Config) { cfg.Hosts = []string{"tingji.court.example"} })
	for host, allowed := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST.:80": true, "desk.localhost": true,
		"127.0.0.1:9": true, "127.8.8.8": true, "[::1]:80": true, "tingji.court.example": true, "Tingji.Court.Example:8080": true,
		"evil.example": false, "tingji.court.example.evil.example": false, "notlocalhost": false,
		"10.0.0.7": false, "0.0.0.0": false, "127.0.0.1.evil.example": false, "[fe80::1]": false,
	} {
		resp, body := c.do("GET", "/healthz", "", "Host", host)
		if allowed && resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", host, resp.StatusCode, body)
		}
		if !allowed {
			problemOf(t, resp, body, http.StatusForbidden, "host-refused")
		}
	}
}

func TestOtherSitesCannotChangeAnything(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	path := "/api/v1/hearings/" + h.ID + "/close"
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
	} {
		resp, body := c.do("POST", path, "", header...)
		problemOf(t, resp, body, http.StatusForbidden, "forbidden")
	}
	if resp, body := c.do("POST", path, "", "Origin", c.url, "Sec-Fetch-Site", "same-origin"); resp.StatusCode != 200 {
		t.Errorf("our own page: %d %s", resp.StatusCode, body)
	}
}

func TestEveryAnswerBindsTheBrowser(t *testing.T) {
	c := openCourt(t)
	for _, path := range []string{"/", "/healthz", "/api/v1/hearings", "/api/v1/none", "/assets/none"} {
		resp, _ := c.do("GET", path, "")
		for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"} {
			if resp.Header.Get(h) == "" {
				t.Errorf("%s: no %s", path, h)
			}
		}
		if csp := resp.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: %s", path, csp)
		}
	}
	if resp, _ := c.do("GET", "/api/v1/hearings", ""); resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a list may be kept: %q", resp.Header.Get("Cache-Control"))
	}
}

// A failure is an id to its reader and a cause to the operator.
func TestFailuresAreLoggedUnderAnID(t *testing.T) {
	for name, audio := range map[string]web.AudioOpener{
		"error": func(context.Context, capture.Hearing, string, int64, int64) (io.ReadSeekCloser, time.Time, error) {
			return nil, time.Time{}, errors.New("secret cause")
		},
		"panic": func(context.Context, capture.Hearing, string, int64, int64) (io.ReadSeekCloser, time.Time, error) {
			panic("secret cause")
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log lockedBuffer
			c := openCourt(t, func(cfg *web.Config) {
				cfg.Audio = audio
				cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
			})
			h := c.hearing("court-3")
			time.Sleep(2 * time.Millisecond) // the hearing has to have a length
			resp, body := c.do("GET", "/api/v1/hearings/"+h.ID+"/audio?from=0&to=1", "")
			p := problemOf(t, resp, body, 500, "internal")
			id, _ := p["id"].(string)
			if id == "" || strings.Contains(body, "secret") || !strings.Contains(p["detail"].(string), id) {
				t.Errorf("the answer: %s", body)
			}
			if said := log.String(); !strings.Contains(said, "id="+id) || !strings.Contains(said, "secret cause") {
				t.Errorf("the log: %s", said)
			}
		})
	}
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
