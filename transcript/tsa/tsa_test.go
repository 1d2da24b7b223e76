package tsa_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tingji/transcript"
	"tingji/transcript/tsa"
	"tingji/transcript/tsa/tsatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var sum = strings.Repeat("0123456789abcdef", 4)

func TestStamp(t *testing.T) {
	a := tsatest.New(t)
	response, err := tsa.New(a.Serve(t)).Stamp(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	s, err := transcript.ReadStamp(response, sum, a.CA)
	if err != nil || time.Since(s.At).Abs() > time.Hour || s.Authority != "O=Time of a test" || s.Serial == "" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := transcript.ReadStamp(response, strings.Repeat("0", 64), nil); err == nil || !strings.Contains(err.Error(), "not about the integrity value") {
		t.Errorf("for another record: %v", err)
	}
	if _, err := transcript.ReadStamp(response, sum, tsatest.New(t).CA); err == nil || !strings.Contains(err.Error(), "trusted authority") {
		t.Errorf("with another root: %v", err)
	}
}

// What is no time-stamp of this record is refused, whoever sent it.
func TestStampRefuses(t *testing.T) {
	a := tsatest.New(t)
	other, err := tsa.New(a.Serve(t)).Stamp(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		status int
		kind   string
		body   string
		want   string
	}{
		"away":          {503, "text/plain", "later", "503"},
		"a login page":  {200, "text/html", "<html>", "text/html"},
		"nonsense":      {200, "application/timestamp-reply", "nonsense", "no time-stamp response"},
		"empty":         {200, "application/timestamp-reply", "", "no time-stamp response"},
		"refused":       {200, "application/timestamp-reply", "\x30\x05\x30\x03\x02\x01\x02", "not granted: status 2"},
		"an old answer": {200, "application/timestamp-reply", string(other), "another question"},
		"too long":      {200, "application/timestamp-reply", strings.Repeat("x", 1<<20), "larger"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			defer s.Close()
			if _, err := tsa.New(s.URL).Stamp(t.Context(), sum); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want …%s…", err, tt.want)
			}
		})
	}
}
