package web_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tingji/asr"
)

// Text is sent in fewer bytes to whoever asks for that; the same text. Sound and
// events are not.
func TestSqueezed(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	for i := range 30 {
		c.say(h, "judge", time.Duration(i)*time.Second, time.Duration(i)*time.Second+900*time.Millisecond, asr.Final, fmt.Sprintf("请说明第%d张借条的来历。", i))
	}
	c.lines(h, 30)
	plain := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer plain.CloseIdleConnections()
	get := func(path, accept string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", c.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if accept != "" {
			req.Header.Set("Accept-Encoding", accept)
		}
		resp, err := plain.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if strings.HasSuffix(path, "/events") {
			return resp, ""
		}
		body := io.Reader(resp.Body)
		if resp.Header.Get("Content-Encoding") == "gzip" {
			if body, err = gzip.NewReader(body); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(path, err)
		}
		return resp, string(text)
	}
	_, page := get("/search", "")
	_, script, _ := strings.Cut(page, `src="`)
	script, _, _ = strings.Cut(script, `"`)
	lines := "/api/v1/hearings/" + h.ID
	for _, tt := range []struct {
		path     string
		squeezed bool
	}{
		{script, true}, {lines + "/lines", true}, {"/api/v1/search?q=借条", true}, {"/api/v1/openapi.json", true}, {lines + "/record.txt", true},
		{"/api/v1/courtrooms", false}, {lines + "/events", false}, {lines + "/lines/judge-1-0", false}, {"/healthz", false},
	} {
		was, want := get(tt.path, "")
		if was.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s is squeezed although nobody asked", tt.path)
		}
		for accept, squeezed := range map[string]bool{"gzip, br": tt.squeezed, "br;q=1.0, gzip;q=0.5": tt.squeezed, "gzip;q=0": false, "identity": false} {
			is, got := get(tt.path, accept)
			if encoding := is.Header.Get("Content-Encoding"); (encoding == "gzip") != squeezed || is.StatusCode != was.StatusCode {
				t.Errorf("%s for %q: %d, encoding %q, want squeezed: %t", tt.path, accept, is.StatusCode, encoding, squeezed)
			}
			if tt.squeezed && is.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s does not vary", tt.path)
			}
			if !strings.Contains(tt.path, "events") && got != want {
				t.Errorf("%s for %q is another text", tt.path, accept)
			}
		}
	}
}
