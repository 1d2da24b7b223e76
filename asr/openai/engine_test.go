package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tingji/asr"
	"tingji/capture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var twoSeconds = asr.Clip{Samples: make([]int16, 2*capture.Rate), Prompt: "周启明 借条", Final: true}

// serve starts a server and an engine that asks it.
func serve(t *testing.T, handle http.HandlerFunc, change ...func(*Config)) *Engine {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	c := Config{BaseURL: server.URL + "/v1", Timeout: 10 * time.Second, Name: "test", Model: "m"}
	for _, f := range change {
		f(&c)
	}
	e, err := New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func reply(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// show writes words as text@start-end/confidence, in milliseconds and percent.
func show(h asr.Hypothesis) string {
	var b strings.Builder
	b.WriteString(h.Text)
	for _, w := range h.Words {
		fmt.Fprintf(&b, " %s@%d-%d/%.0f", w.Text, w.Start.Milliseconds(), w.End.Milliseconds(), 100*w.Confidence)
	}
	if h.Estimated {
		b.WriteString(" estimated")
	}
	return b.String()
}

func TestAnswers(t *testing.T) {
	const js = "application/json"
	for _, tt := range []struct{ name, kind, body, want string }{
		{"words at the top", js, `{"text":"现在开庭。","words":[{"word":"现在","start":0.1,"end":0.5},{"word":"开庭","start":0.5,"end":1.25}]}`,
			"现在开庭。 现在@100-500/0 开庭@500-1250/0"},
		{"confidence of the segment", js, `{"text":"是","segments":[{"start":0,"end":1,"text":"是","avg_logprob":-0.6931472}],"words":[{"word":"是","start":0.1,"end":0.5}]}`,
			"是 是@100-500/50"},
		{"nested, with probability", js, `{"text":" 是 对","segments":[{"words":[{"word":" 是","start":0,"end":0.3,"probability":0.9}]},{"words":[{"text":"对","start":1,"end":1.2,"confidence":0.25}]}]}`,
			"是 对 是@0-300/90 对@1000-1200/25"},
		{"both keys", js, `{"text":"是","words":[{"word":"是","text":"是","start":0,"end":1}]}`, "是 是@0-1000/0"},
		{"null logprob", js, `{"text":"是","segments":[{"text":"是","start":0,"end":1,"avg_logprob":null}]}`, "是 是@0-1000/0 estimated"},
		{"segments without words", js, `{"text":"是对","segments":[{"text":"是","start":0,"end":0.5},{"text":"对","start":1,"end":30}]}`,
			"是对 是@0-500/0 对@1000-2000/0 estimated"},
		{"segments only", js, `{"segments":[{"text":"是","start":0,"end":1}]}`, "是 是@0-1000/0 estimated"},
		{"text of json", js, `{"text":"是，对"}`, "是，对 是，@0-1000/0 对@1000-2000/0 estimated"},
		{"text", "text/plain; charset=utf-8", "是对\n", "是对 是@0-1000/0 对@1000-2000/0 estimated"},
		{"empty text", js, `{"text":" ","segments":[],"words":[]}`, ""},
		{"empty plain text", "text/plain", "\n", ""},
		{"NaN as Python writes it", js, `{"text":"是\"NaN","words":[{"word":"是","start":0,"end":1,"probability":NaN},{"word":"对","start":1,"end":Infinity}]}`,
			`是"NaN 是@0-1000/0 对@1000-2000/0 estimated`},
		{"numbers too large", js, `{"text":"是","words":[{"word":"是","start":0,"end":1e999}]}`, "是 是@0-2000/0 estimated"},
		{"numbers in strings", js, `{"text":"是","words":[{"word":"是","start":"0.5","end":"1"}]}`, "是 是@500-1000/0"},
		{"a little outside", js, `{"text":"是对","words":[{"word":"是","start":-0.1,"end":0.5},{"word":"对","start":0.4,"end":2.3}]}`,
			"是对 是@0-500/0 对@500-2000/0"},
		{"far outside", js, `{"text":"是对","words":[{"word":"是","start":0,"end":1},{"word":"对","start":29,"end":30}]}`,
			"是对 是@0-1000/0 对@1000-2000/0 estimated"},
		{"negative", js, `{"text":"是","words":[{"word":"是","start":-5,"end":1}]}`, "是 是@0-2000/0 estimated"},
		{"backwards", js, `{"text":"是对","words":[{"word":"是","start":1.5,"end":2},{"word":"对","start":0,"end":0.5}]}`,
			"是对 是@0-1000/0 对@1000-2000/0 estimated"},
		{"all at once", js, `{"text":"是对","words":[{"word":"是","start":0,"end":0},{"word":"对","start":0,"end":0}]}`,
			"是对 是@0-1000/0 对@1000-2000/0 estimated"},
		{"probability out of range", js, `{"text":"是","words":[{"word":"是","start":0,"end":1,"probability":7}]}`, "是 是@0-1000/0"},
		{"words of another shape", js, `{"text":"是","words":["是"],"segments":7}`, "是 是@0-2000/0 estimated"},
		{"character split over tokens", js, "{\"text\":\"庭审\",\"segments\":[{\"words\":[{\"word\":\"\xe5\xba\",\"start\":0,\"end\":1},{\"word\":\"\xad审\",\"start\":1,\"end\":2}]}]}",
			"庭审 庭@0-1000/0 审@1000-2000/0 estimated"},
		{"invalid UTF-8 and control characters", js, "{\"text\":\"是\xff\\u0000\\n对\\u202e\"}", "是\ufffd 对 是\ufffd@0-1000/0 对@1000-2000/0 estimated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, reply(200, tt.kind, tt.body))
			h, err := e.Recognize(t.Context(), twoSeconds)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(h); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestDemonstration: whatever it is configured as, the demonstration engine
// does not pass for a real one.
func TestDemonstration(t *testing.T) {
	for named, want := range map[string]bool{"示例识别引擎": true, "whisper": false} {
		e := serve(t, reply(200, "application/json", `{"text":"是","engine":"`+named+`"}`))
		h, err := e.Recognize(t.Context(), twoSeconds)
		if err != nil || (h.Engine == asr.Demonstration) != want {
			t.Errorf("%s: engine %q, %v", named, h.Engine, err)
		}
	}
}

func TestParts(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"whisper", `{"text":"是。 谢谢观看","segments":[
			{"start":0,"end":1,"text":"是。","avg_logprob":-0.2,"no_speech_prob":0.01,"compression_ratio":0.7},
			{"start":1,"end":30,"text":" 谢谢观看","avg_logprob":-1.1,"no_speech_prob":0.8,"compression_ratio":null}]}`,
			"是。 0s-1s 0.01 -0.2 0.7|谢谢观看 1s-2s 0.8 -1.1 0|"},
		{"nonsense", `{"text":"是","segments":[{"start":0,"end":1,"text":"是","avg_logprob":3,"no_speech_prob":7,"compression_ratio":-1}]}`, "是 0s-1s 0 0 0|"},
		{"no times", `{"text":"是","segments":[{"text":"是","avg_logprob":-0.3}]}`, ""},
		{"no segments", `{"text":"是"}`, ""},
	} {
		h, err := serve(t, reply(200, "application/json", tt.body)).Recognize(t.Context(), twoSeconds)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, p := range h.Parts {
			got += fmt.Sprintf("%s %v-%v %v %v %v|", p.Text, p.Start, p.End, p.NoSpeech, p.LogProb, p.Compression)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	const js = "application/json"
	const retry, rejected, unavailable = "retry", "rejected", "unavailable"
	said := `{"error":{"message":"no such thing","type":"x","param":null,"code":null}}`
	for _, tt := range []struct {
		name   string
		handle http.HandlerFunc
		class  string
		says   string
		after  time.Duration
	}{
		{"400", reply(400, js, said), rejected, "no such thing", 0},
		{"400, error as a string", reply(400, js, `{"error":"bad clip"}`), rejected, "HTTP 400: bad clip", 0},
		{"400, plain", reply(400, "text/plain", "bad\nclip\x1b[31m"), rejected, "bad clip [31m", 0},
		{"400 for the model", reply(400, js, `{"error":{"message":"invalid model","param":"model"}}`), unavailable, "asr.model", 0},
		{"400, http to https", reply(400, "text/plain", "Client sent an HTTP request to an HTTPS server."), unavailable, "http or https", 0},
		{"400, HTML", reply(400, "text/html", "<html>"), unavailable, "HTML", 0},
		{"413", reply(413, "text/html", "<html>too large"), rejected, "HTTP 413", 0},
		{"415", reply(415, js, said), rejected, "HTTP 415", 0},
		{"422", reply(422, js, `{"detail":"unknown clip"}`), rejected, "unknown clip", 0},
		{"401", reply(401, js, said), unavailable, "asr.api_key", 0},
		{"403", reply(403, js, said), unavailable, "asr.api_key", 0},
		{"404", reply(404, "text/plain", "File Not Found"), unavailable, "asr.url", 0},
		{"405", reply(405, "text/plain", ""), unavailable, "Method Not Allowed", 0},
		{"501", reply(501, js, said), unavailable, "HTTP 501", 0},
		{"418", reply(418, js, said), unavailable, "HTTP 418", 0},
		{"redirect", reply(307, "text/html", "", "Location", "https://elsewhere/v1"), unavailable, "https://elsewhere/v1", 0},
		{"HTML at 200", reply(200, "text/html; charset=utf-8", "<!DOCTYPE html><p>Welcome"), unavailable, "an HTML page answered: is asr.url the base URL ending in /v1?", 0},
		{"HTML that calls itself text", reply(200, "text/plain", " <HTML>"), unavailable, "HTML page", 0},
		{"408", reply(408, js, said), retry, "HTTP 408", 0},
		{"409", reply(409, js, said), retry, "HTTP 409", 0},
		{"425", reply(425, js, said), retry, "HTTP 425", 0},
		{"429", reply(429, js, said, "Retry-After", "7"), retry, "HTTP 429", 7 * time.Second},
		{"429, for ever", reply(429, js, said, "Retry-After", "1e300"), retry, "HTTP 429", maxRetryAfter},
		{"429, nonsense", reply(429, js, said, "Retry-After", "NaN"), retry, "HTTP 429", 0},
		{"500", reply(500, js, said), retry, "no such thing", 0},
		{"503", reply(503, js, `{"error":{"message":"Loading model"}}`, "Retry-After", "1"), retry, "Loading model", time.Second},
		{"JSON cut short, as if whole", reply(200, js, `{"text":"是`), retry, "broken JSON", 0},
		{"no JSON", reply(200, "audio/wav", "RIFF"), retry, "no JSON", 0},
		{"empty body", reply(200, js, ""), retry, "no JSON", 0},
		{"error at 200", reply(200, js, `{"error":"failed to read audio data"}`), retry, "failed to read", 0},
		{"text of another type", reply(200, js, `{"text":{"a":1}}`), retry, "broken JSON", 0},
		{"a megabyte of text", reply(200, js, `{"text":"`+strings.Repeat("是", 350_000)+`"}`), rejected, "bytes of text", 0},
		{"a million words", reply(200, js, `{"text":"是","words":[`+strings.Repeat(`{"word":"是"},`, 20_000)+`{}]}`), rejected, "words", 0},
		{"words of a megabyte", reply(200, js, `{"text":"是","words":[{"word":"`+strings.Repeat("是", 350_000)+`"}]}`), rejected, "bytes of text", 0},
		{"body without end", reply(200, js, strings.Repeat(" ", maxBody+10)), rejected, "4 MiB", 0},
		{"body cut short", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", js)
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"text":"是"}`)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, retry, "cut short", 0},
		{"connection cut", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, retry, "cannot be reached", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, tt.handle)
			h, err := e.Recognize(t.Context(), twoSeconds)
			var re *asr.RetryError
			var je *asr.RejectedError
			var ue *asr.UnavailableError
			class := ""
			var after time.Duration
			switch {
			case errors.As(err, &re):
				class, after = retry, re.After
			case errors.As(err, &je):
				class = rejected
			case errors.As(err, &ue):
				class = unavailable
			default:
				t.Fatalf("%q: %v", show(h), err)
			}
			if class != tt.class || after != tt.after || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s after %v: %v\nwant %s after %v: …%s…", class, after, err, tt.class, tt.after, tt.says)
			}
			if s := err.Error(); strings.ContainsAny(s, "\n\x1b") || len(s) > 1500 {
				t.Errorf("not one line: %q", s)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	e := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/audio/transcriptions" || r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		file, header, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		body, _ := io.ReadAll(file)
		if len(body) != 44+4*capture.Rate || string(body[:4]) != "RIFF" || header.Filename != "clip.wav" || header.Header.Get("Content-Type") != "audio/wav" {
			t.Errorf("%d bytes, %v", len(body), header)
		}
		for k, want := range map[string]string{"model": "m", "language": "zh", "prompt": "周启明 借条",
			"response_format": "verbose_json", "timestamp_granularities[]": "[word segment]"} {
			got := r.FormValue(k)
			if k == "timestamp_granularities[]" {
				got = fmt.Sprint(r.Form[k])
			}
			if got != want {
				t.Errorf("%s = %q, want %q", k, got, want)
			}
		}
		io.WriteString(w, `{"text":"是","language":"chinese"}`)
	}, func(c *Config) { c.APIKey = "secret"; c.BaseURL += "/" })
	h, err := e.Recognize(t.Context(), twoSeconds)
	if err != nil || h.Language != "zh" || h.Engine != "test" || h.Model != "m" {
		t.Error(h, err)
	}
}

func TestPoorerShapes(t *testing.T) {
	for _, tt := range []struct {
		name, refusal string
		shape         int32
	}{
		{"gpt-4o-transcribe", `{"error":{"message":"response_format 'verbose_json' is not compatible with model","param":"response_format"}}`, plain},
		{"granularities", `{"error":{"message":"timestamp_granularities are not supported"}}`, verbose},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var calls, refused atomic.Int32
			e := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				r.ParseMultipartForm(1 << 20)
				if tt.shape == plain && r.FormValue("response_format") == "verbose_json" || r.Form["timestamp_granularities[]"] != nil {
					refused.Add(1)
					reply(400, "application/json", tt.refusal)(w, r)
					return
				}
				io.WriteString(w, `{"text":"是"}`)
			})
			for range 3 {
				if h, err := e.Recognize(t.Context(), twoSeconds); err != nil || h.Text != "是" {
					t.Fatal(h, err)
				}
			}
			if calls.Load() != 4 || refused.Load() != 1 || e.shape.Load() != tt.shape {
				t.Errorf("%d calls, %d refused, shape %d", calls.Load(), refused.Load(), e.shape.Load())
			}
		})
	}
}

func TestHang(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	t.Run("deadline", func(t *testing.T) {
		e := serve(t, hang, func(c *Config) { c.Timeout = 20 * time.Millisecond })
		_, err := e.Recognize(t.Context(), twoSeconds)
		var retry *asr.RetryError
		if !errors.As(err, &retry) || !strings.Contains(err.Error(), "no answer within 20ms") {
			t.Error(err)
		}
	})
	t.Run("in the body", func(t *testing.T) {
		e := serve(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, `{"text":`)
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, func(c *Config) { c.Timeout = 20 * time.Millisecond })
		_, err := e.Recognize(t.Context(), twoSeconds)
		var retry *asr.RetryError
		if !errors.As(err, &retry) || !strings.Contains(err.Error(), "no answer") {
			t.Error(err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		e := serve(t, func(w http.ResponseWriter, r *http.Request) { cancel(); hang(w, r) })
		_, err := e.Recognize(ctx, twoSeconds)
		var retry *asr.RetryError
		if !errors.Is(err, context.Canceled) || errors.As(err, &retry) {
			t.Error(err)
		}
	})
}

func TestCheck(t *testing.T) {
	list := `{"object":"list","data":[{"id":"m"}]}`
	for _, tt := range []struct {
		name   string
		handle http.HandlerFunc
		says   string // empty: fine
	}{
		{"models", reply(200, "application/json", list), ""},
		{"no such path", reply(404, "text/plain", "File Not Found"), ""},
		{"HTML", reply(200, "text/html", "<html>"), "base URL ending in /v1"},
		{"401", reply(401, "application/json", `{"error":{"message":"bad key"}}`), "bad key; check asr.api_key"},
		{"503", reply(503, "application/json", `{"error":{"message":"Loading model"}}`), "Loading model"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := serve(t, tt.handle).Check(t.Context())
			if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%v, want …%s…", err, tt.says)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		e := serve(t, reply(200, "", ""), func(c *Config) { c.BaseURL = "http://127.0.0.1:1/v1" })
		err := e.Check(t.Context())
		var retry *asr.RetryError
		if !errors.As(err, &retry) || !strings.Contains(err.Error(), "connection refused") {
			t.Error(err)
		}
	})
	t.Run("TLS", func(t *testing.T) {
		server := httptest.NewUnstartedServer(reply(200, "", list))
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
		server.StartTLS()
		defer server.Close()
		var gone *asr.UnavailableError
		for url, says := range map[string]string{
			server.URL: "certificate", strings.Replace(server.URL, "https", "http", 1): "http or https",
		} {
			e := serve(t, reply(200, "", ""), func(c *Config) { c.BaseURL = url + "/v1" })
			if err := e.Check(t.Context()); !errors.As(err, &gone) || !strings.Contains(err.Error(), says) {
				t.Error(err)
			}
		}
		e := serve(t, reply(200, "", list), func(c *Config) { c.BaseURL = strings.Replace(c.BaseURL, "http", "https", 1) })
		if err := e.Check(t.Context()); !errors.As(err, &gone) || !strings.Contains(err.Error(), "http://") {
			t.Error(err)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for _, url := range []string{"", "localhost:8080/v1", "ftp://host/v1", "http://", "http://host/v1?key=1", ":"} {
		if _, err := New(Config{BaseURL: url}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "asr.url") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestPasswordStaysHidden(t *testing.T) {
	e := serve(t, reply(200, "", ""), func(c *Config) { c.BaseURL = "http://u:hush@127.0.0.1:1/v1" })
	if err := e.Check(t.Context()); err == nil || strings.Contains(err.Error(), "hush") {
		t.Error(err)
	}
}

func TestRetryAfterDate(t *testing.T) {
	now := time.Date(2026, 5, 6, 9, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"Wed, 06 May 2026 09:00:30 GMT": 30 * time.Second, "Wed, 06 May 2026 08:00:00 GMT": 0, "": 0, "soon": 0, "-3": 0, " 2 ": 2 * time.Second,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// FuzzRead holds any answer to the promises of asr.Recognizer.
func FuzzRead(f *testing.F) {
	for _, body := range []string{
		`{"text":"现在开庭。","words":[{"word":"现在","start":0.1,"end":0.5},{"word":"开庭","start":0.5,"end":1.25}]}`,
		`{"text":"是","segments":[{"text":"是","start":0,"end":1,"avg_logprob":null,"words":[{"word":"是","start":-1,"end":9,"probability":NaN}]}]}`,
		`{"text":"《民法典》第675条 it's"}`, `{"segments":[{"text":"a","start":3,"end":1}]}`, "plain",
	} {
		f.Add([]byte(body))
	}
	e, err := New(Config{BaseURL: "http://127.0.0.1:1/v1"}, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		const length = 3 * time.Second
		h, err := e.read(answer{200, http.Header{"Content-Type": {"text/plain"}}, body}, length)
		if err != nil {
			return
		}
		if len(h.Text) > maxText || h.Text != clean(h.Text) || (h.Text == "") != (len(h.Words) == 0) {
			t.Fatalf("%q, %d words", h.Text, len(h.Words))
		}
		var before time.Duration
		for _, w := range h.Words {
			if w.Start < before || w.End < w.Start || w.End > length || !(w.Confidence >= 0 && w.Confidence <= 1) || math.IsNaN(w.Confidence) || w.Text == "" {
				t.Fatalf("%+v after %v", w, before)
			}
			before = w.End
		}
	})
}
