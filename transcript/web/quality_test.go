package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tingji/asr"
	"tingji/transcript"
	"tingji/transcript/web"
)

func TestQuality(t *testing.T) {
	var hidden string
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Gate = func(_ *http.Request, action, hearing string) error {
			if action == "quality.read" && hearing != "" && hearing == hidden {
				return transcript.ErrNotFound
			}
			return nil
		}
	})
	h := c.hearing("court-3")
	line := c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "现在开亭。")
	c.lines(h, 1)
	if resp, body := c.do("PUT", "/api/v1/hearings/"+h.ID+"/lines/"+line, `{"text": "现在开庭。"}`, "If-Match", "1"); resp.StatusCode != 200 {
		t.Fatal(body)
	}

	get := func(query string) (q transcript.Quality) {
		t.Helper()
		resp, body := c.do("GET", "/api/v1/quality"+query, "")
		if resp.StatusCode != 200 || strings.Contains(body, "书记员") {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		if err := json.Unmarshal([]byte(body), &q); err != nil {
			t.Fatal(err)
		}
		return q
	}
	if q := get("?demo=true"); q.Hearings != 1 || q.Total.CER == nil || *q.Total.CER != 0.25 || q.Effort != nil ||
		len(q.Seats) != 1 || q.Seats[0].Channel != "judge" {
		t.Errorf("got %+v", q)
	}
	if q := get(""); q.Hearings != 0 || q.Total.CER != nil {
		t.Errorf("without demonstrations: %+v", q)
	}
	if q := get("?demo=true&from=2020-01-01&to=2020-12-31"); q.Hearings != 0 {
		t.Errorf("of another time: %+v", q)
	}
	hidden = h.ID
	if q := get("?demo=true"); q.Hearings != 0 || len(q.Courtrooms) != 0 {
		t.Errorf("of a hidden hearing: %+v", q)
	}
	for _, query := range []string{"?from=soon", "?from=2026-02-02&to=2026-01-01", "?author=x", "?demo=maybe"} {
		resp, body := c.do("GET", "/api/v1/quality"+query, "")
		problemOf(t, resp, body, 400, "malformed")
	}
}
