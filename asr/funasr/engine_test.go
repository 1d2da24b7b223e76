package funasr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"tingji/asr"
	"tingji/capture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// session is what a client told a server that follows the published protocol.
type session struct {
	t       *testing.T
	conn    *websocket.Conn
	opening opening
	samples int
	longest int // binary message, in bytes
	ended   bool
}

// hear reads until the end of the sound; each is called after every stretch.
func (s *session) hear(ctx context.Context, each func()) {
	for !s.ended {
		kind, data, err := s.conn.Read(ctx)
		if err != nil {
			return
		}
		switch {
		case kind == websocket.MessageBinary:
			s.samples += len(data) / 2
			s.longest = max(s.longest, len(data))
			if each != nil {
				each()
			}
		case s.opening.Mode == "":
			if err := json.Unmarshal(data, &s.opening); err != nil {
				s.t.Error(err)
			}
		default:
			var end struct {
				IsSpeaking *bool `json:"is_speaking"`
			}
			if json.Unmarshal(data, &end) != nil || end.IsSpeaking == nil || *end.IsSpeaking {
				s.t.Errorf("instead of the end: %s", data)
			}
			s.ended = true
		}
	}
}

func (s *session) say(ctx context.Context, format string, args ...any) {
	s.conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, format, args...))
}

// serve runs a server and gives an engine for it.
func serve(t *testing.T, handle func(context.Context, *session)) *Engine {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"binary"}})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		conn.SetReadLimit(1 << 20)
		handle(r.Context(), &session{t: t, conn: conn})
	}))
	t.Cleanup(server.Close)
	e, err := New(Config{URL: "ws" + strings.TrimPrefix(server.URL, "http"), Timeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	e.quiet = 100 * time.Millisecond
	t.Cleanup(e.Close)
	return e
}

var threeSeconds = asr.Clip{Samples: make([]int16, 3*capture.Rate+77), Prompt: "周启明，何文柏", Final: true}

func show(h asr.Hypothesis) string {
	var b strings.Builder
	b.WriteString(h.Text)
	for _, w := range h.Words {
		fmt.Fprintf(&b, " %s@%d-%d", w.Text, w.Start.Milliseconds(), w.End.Milliseconds())
	}
	if h.Estimated {
		b.WriteString(" estimated")
	}
	return b.String()
}

// TestTwoPass: the first pass is replaced by the second, sentence by sentence.
func TestTwoPass(t *testing.T) {
	var got session
	e := serve(t, func(ctx context.Context, s *session) {
		n := 0
		s.hear(ctx, func() {
			switch n++; n {
			case 1:
				s.say(ctx, `{"mode":"2pass-online","text":"现在","wav_name":"clip","is_final":false}`)
			case 2:
				s.say(ctx, `{"mode":"2pass-online","text":"开停","wav_name":"clip","is_final":false}`)
			case 3:
				s.say(ctx, `{"mode":"2pass-offline","text":"现在开庭。","wav_name":"clip","is_final":false,"timestamp":"[[100,300],[300,500],[500,700],[700,900]]","stamp_sents":[]}`)
				s.say(ctx, `{"mode":"2pass-online","text":"OK","wav_name":"clip","is_final":false}`)
			}
		})
		got = *s
		s.say(ctx, `{"mode":"2pass-offline","text":"OK thanks","wav_name":"clip","is_final":true,"timestamp":"[[1500,1700],[1700,2100]]"}`)
		s.conn.Read(ctx)
	})
	h, err := e.Recognize(t.Context(), threeSeconds)
	if err != nil {
		t.Fatal(err)
	}
	if want := "现在开庭。OK thanks 现@100-300 在@300-500 开@500-700 庭。@700-900 OK@1500-1700 thanks@1700-2100"; show(h) != want {
		t.Errorf("got  %s\nwant %s", show(h), want)
	}
	if h.Engine == "" || h.Model != "2pass" || h.Language != "zh" {
		t.Errorf("%+v", h)
	}
	o := got.opening
	if o.Mode != "2pass" || !o.IsSpeaking || o.Rate != 16000 || o.Format != "pcm" || o.ChunkSize != [3]int{5, 10, 5} || o.Hotwords != `{"何文柏":20,"周启明":20}` || o.ITN {
		t.Errorf("opening %+v", o)
	}
	if got.samples != len(threeSeconds.Samples) || got.longest != 2*frame || !got.ended {
		t.Errorf("%d samples, %d bytes a message", got.samples, got.longest)
	}
}

// TestAnswers: what servers do differently.
func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		messages []string
		close    bool
		want     string
	}{
		{"stamps as they are", []string{`{"mode":"2pass-offline","text":"是","is_final":true,"timestamp":[[100,300]]}`}, false, "是 是@100-300"},
		{"no stamps", []string{`{"mode":"2pass-offline","text":"是对","is_final":true}`}, false, "是对 是@0-1502 对@1502-3004 estimated"},
		{"stamps of another text", []string{`{"mode":"2pass-offline","text":"是对","is_final":true,"timestamp":"[[1,2]]"}`}, false, "是对 是@0-1502 对@1502-3004 estimated"},
		{"stamps that begin anew", []string{`{"mode":"2pass-offline","text":"是","timestamp":"[[1000,1200]]"}`, `{"mode":"2pass-offline","text":"对","is_final":true,"timestamp":"[[10,200]]"}`}, false, "是对 是@0-1502 对@1502-3004 estimated"},
		{"no end is marked", []string{`{"mode":"2pass-online","text":"是的"}`, `{"mode":"2pass-offline","text":"是的。"}`}, false, "是的。 是@0-1502 的。@1502-3004 estimated"},
		{"closed at the end", []string{`{"mode":"2pass-offline","text":"是"}`}, true, "是 是@0-3004 estimated"},
		{"nobody speaks", []string{`{"mode":"2pass-offline","text":"","is_final":true}`}, false, ""},
		{"the first pass alone", []string{`{"mode":"2pass-online","text":"是的","is_final":true}`}, false, "是的 是@0-1502 的@1502-3004 estimated"},
		{"offline alone", []string{`{"mode":"offline","text":"<|zh|><|NEUTRAL|>是","is_final":true}`}, false, "是 是@0-3004 estimated"},
		{"a message without text", []string{`{"mode":"2pass-offline","text":"是"}`, `{"is_final":true}`}, false, "是 是@0-3004 estimated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(ctx context.Context, s *session) {
				s.hear(ctx, nil)
				for _, m := range tt.messages {
					s.say(ctx, "%s", m)
				}
				if tt.close {
					s.conn.Close(websocket.StatusNormalClosure, "")
					return
				}
				s.conn.Read(ctx)
			})
			h, err := e.Recognize(t.Context(), threeSeconds)
			if err != nil {
				t.Fatal(err)
			}
			if show(h) != tt.want {
				t.Errorf("got  %s\nwant %s", show(h), tt.want)
			}
		})
	}
}

// TestMarkedBeforeTheEndIsKnown: the mark of the last message may be heard before
// it is known that all was sent; so may the server's leave.
func TestMarkedBeforeTheEndIsKnown(t *testing.T) {
	long := asr.Clip{Samples: make([]int16, 600*capture.Rate), Final: true} // more than the connection holds
	for name, leaves := range map[string]bool{"stays": false, "leaves": true} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, func(ctx context.Context, s *session) {
				s.hear(ctx, func() {
					if s.samples <= frame {
						s.say(ctx, `{"mode":"2pass-online","text":"是的","is_final":true}`)
						time.Sleep(200 * time.Millisecond) // it is heard while the rest is being sent
					}
				})
				if leaves {
					s.conn.Close(websocket.StatusNormalClosure, "")
					return
				}
				s.conn.Read(ctx)
			})
			h, err := e.Recognize(t.Context(), long)
			if err != nil || h.Text != "是的" {
				t.Errorf("%q, %v", h.Text, err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	var retry *asr.RetryError
	var unavailable *asr.UnavailableError
	for _, tt := range []struct {
		name   string
		handle func(context.Context, *session)
		want   any
	}{
		{"breaks off at once", func(context.Context, *session) {}, &retry},
		{"breaks off in the middle", func(ctx context.Context, s *session) { s.conn.Read(ctx); s.conn.Read(ctx) }, &retry},
		{"hangs", func(ctx context.Context, s *session) { s.hear(ctx, nil); s.conn.Read(ctx) }, &retry},
		{"hears the first pass and hangs", func(ctx context.Context, s *session) {
			s.hear(ctx, nil)
			s.say(ctx, `{"mode":"2pass-online","text":"是"}`)
			s.conn.Read(ctx)
		}, &retry},
		{"broken JSON", func(ctx context.Context, s *session) { s.hear(ctx, nil); s.say(ctx, `{"mode":`); s.conn.Read(ctx) }, &retry},
		{"a megabyte", func(ctx context.Context, s *session) {
			s.hear(ctx, nil)
			s.say(ctx, `{"mode":"2pass-offline","text":"%s"}`, strings.Repeat("x", 2<<20))
			s.conn.Read(ctx)
		}, &retry},
		{"a loop", func(ctx context.Context, s *session) {
			s.hear(ctx, nil)
			for range 100 {
				s.say(ctx, `{"mode":"2pass-offline","text":"%s"}`, strings.Repeat("是", 1000))
			}
			s.conn.Read(ctx)
		}, &retry},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, tt.handle)
			e.config.Timeout = 500 * time.Millisecond
			_, err := e.Recognize(t.Context(), threeSeconds)
			if err == nil || !errors.As(err, tt.want) || strings.ContainsAny(err.Error(), "\n是") {
				t.Errorf("%T %v", err, err)
			}
		})
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	defer page.Close()
	e, err := New(Config{URL: "ws" + strings.TrimPrefix(page.URL, "http")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Recognize(t.Context(), threeSeconds); !errors.As(err, &unavailable) || e.Check(t.Context()) == nil {
		t.Error(err)
	}
	page.Close()
	if _, err := e.Recognize(t.Context(), threeSeconds); !errors.As(err, &retry) {
		t.Error(err)
	}
	for _, bad := range []string{"", "http://x", "ws://", "127.0.0.1:10095"} {
		if _, err := New(Config{URL: bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestGivenUp: a call ends with its context, whatever the server does.
func TestGivenUp(t *testing.T) {
	e := serve(t, func(ctx context.Context, s *session) { s.hear(ctx, nil); s.conn.Read(ctx) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := e.Recognize(ctx, threeSeconds); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := e.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(`{"mode":"2pass-offline","text":"现在开庭。","is_final":true,"timestamp":"[[100,300],[300,500],[500,700],[700,900]]"}`)
	f.Add(`{"mode":"2pass-online","text":"现\u0000在"}`)
	f.Add(`{"mode":"2pass-offline","text":"a","timestamp":[[1e300,-5]]}`)
	f.Add(`{"text":null,"is_final":true}`)
	f.Fuzz(func(t *testing.T, m string) {
		var a answer
		for range 2 {
			if _, err := a.take([]byte(m)); err != nil {
				return
			}
		}
		var h asr.Hypothesis
		a.write(&h, 3*time.Second)
		var before time.Duration
		for _, w := range h.Words {
			if w.Start < before || w.End < w.Start || w.End > 3*time.Second {
				t.Fatalf("%+v", h.Words)
			}
			before = w.End
		}
	})
}
