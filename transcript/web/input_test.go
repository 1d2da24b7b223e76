package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tingji/transcript"
)

// Whatever arrives is either decoded or refused with words for its sender.
func FuzzDecodeBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, ``, `{"case_no":"（2026）内0000民初1号","participants":[{"role":"原告","name":"周启明"}]}`,
		`{"case_no":1}`, `{"caseno":"x"}`, `{"text":"\u202e"}`, "{\"text\":\"\xff\"}", `{"a":{"b":[{"c":1}]}}`, `{"text":"\ud800"}`,
		`{"participants":[{"role":{}}]}`, `{"scheduled_at":"x"}`, `{} {}`, `{"":0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, into := range []any{&transcript.NewHearing{}, &transcript.Edit{}, &transcript.HandLine{}} {
			err := decodeBody(body, into)
			if err == nil {
				continue
			}
			refusal := refusalOf(err)
			if refusal == nil {
				t.Fatalf("%q: %v is no refusal", body, err)
			}
			if refusal.detail.zh == "" || refusal.detail.en == "" {
				t.Fatalf("%q: no words for %v", body, err)
			}
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "from=1&to=2", "from=-1", "from=1&from=2", "%zz", "a;b", "channel=%00", "from=99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = raw
		q := queryOf(r, "channel", "from", "to")
		if n := q.number("from", 7, 0, 100); n < 0 || n > 100 {
			t.Fatalf("%q: from is %d", raw, n)
		}
		if q.err != nil && refusalOf(q.err) == nil {
			t.Fatalf("%q: %v is no refusal", raw, q.err)
		}
	})
}

func FuzzIfMatch(f *testing.F) {
	for _, seed := range []string{`"1"`, "1", "", `"`, `""`, "*", `W/"1"`, "-1", "99999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if n, err := ifMatch([]string{header}); (err == nil) != (n > 0) || err != nil && refusalOf(err) == nil {
			t.Fatalf("%q: %d, %v", header, n, err)
		}
	})
}

// A full disk is not an internal error that only a technician can look up.
func TestDiskFullIsSaid(t *testing.T) {
	refusal := refusalOf(fmt.Errorf("revise h1/7: %w: disk I/O", transcript.ErrDiskFull))
	if refusal == nil || problems[refusal.code].status != http.StatusInsufficientStorage || !strings.Contains(refusal.detail.zh, "没有保存") {
		t.Errorf("the reader is told %+v", refusal)
	}
}
