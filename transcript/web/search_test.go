package web_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"tingji/asr"
	"tingji/transcript"
	"tingji/transcript/web"
)

func TestSearch(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "请说明借条的来历。")
	c.lines(h, 1)
	for query, want := range map[string]int{
		"q=借条": 1, "q=借据": 0, "q=借": 1, "q=jietiao": 1, "pinyin=jt": 1, "q=来历&role=审判长&courtroom=court-3&case_no=民初1": 1,
		"q=借条&role=原告": 0, "q=借条&from=2020&to=2020-12": 0, "q=借条&order=newest&limit=5": 1, "role=审判长": 1,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		resp, body := c.do("GET", "/api/v1/search?"+values.Encode(), "")
		var found transcript.SearchResult
		if err := json.Unmarshal([]byte(body), &found); err != nil || resp.StatusCode != 200 || found.Count != want || len(found.Hearings) != want {
			t.Errorf("%s: %d %s, want %d", query, resp.StatusCode, body, want)
		}
	}
}

func TestSearchRefusals(t *testing.T) {
	c := openCourt(t)
	for query, want := range map[string]struct {
		field    string
		position any
	}{
		"q=借条 “转账": {"q", 3.0}, "": {"q", 0.0}, "q=a&limit=0": {"limit", nil}, "q=a&order=worst": {"order", nil},
		"q=借条&from=昨天": {"from", 0.0}, "q=借条&cursor=x": {"cursor", 0.0}, "query=借条": {"query", nil},
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		resp, body := c.do("GET", "/api/v1/search?"+values.Encode(), "")
		problemOf(t, resp, body, http.StatusBadRequest, "malformed")
		var p struct {
			Field    string `json:"field"`
			Position any    `json:"position"`
		}
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Field != want.field || p.Position != want.position {
			t.Errorf("%s: %s, want %v", query, body, want)
		}
	}
}

// What the gate hides is in no result and no count.
func TestSearchAsksTheGate(t *testing.T) {
	var hidden string
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Gate = func(_ *http.Request, action, hearing string) error {
			if action == "search" && hearing == hidden && hearing != "" {
				return errors.New("sealed")
			}
			return nil
		}
	})
	h := c.hearing("court-3")
	c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "借条")
	c.lines(h, 1)
	for _, want := range []int{1, 0} {
		_, body := c.do("GET", "/api/v1/search?q=%E5%80%9F%E6%9D%A1", "")
		var found transcript.SearchResult
		if err := json.Unmarshal([]byte(body), &found); err != nil || found.Count != want || len(found.Hearings) != want {
			t.Errorf("%s, want %d", body, want)
		}
		hidden = h.ID
	}
}
