package openai

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestQuirks: the same words, as each kind of server writes them.
func TestQuirks(t *testing.T) {
	for _, tt := range []struct{ server, body, want, parts string }{
		{"openai", `{"text":"现在开庭。","language":"chinese","words":[{"word":"现在","start":0.1,"end":0.5},{"word":"开庭","start":0.5,"end":1.2}]}`,
			"现在开庭。 现在@100-500/0 开庭@500-1200/0", ""},
		{"whisper", `{"text":" 现在开庭。\n","segments":[{"text":"现在开庭。","start":0.1,"end":1.2,"words":[{"word":"现在","start":0.1,"end":0.5,"probability":0.9},{"word":"开庭。","start":0.5,"end":1.2,"probability":0.8}],"avg_logprob":-0.2,"no_speech_prob":0.01}]}`,
			"现在开庭。 现在@100-500/90 开庭。@500-1200/80", "-0.2"},
		{"speaches", `{"text":"现在开庭。","segments":[{"id":1,"text":"现在开庭。","start":0.1,"end":1.2,"avg_logprob":-0.1,"no_speech_prob":0.02,"compression_ratio":0.7}],"words":[{"word":"现在","start":0.1,"end":0.5,"probability":0.9},{"word":"开庭。","start":0.5,"end":1.2,"probability":0.8}]}`,
			"现在开庭。 现在@100-500/90 开庭。@500-1200/80", "-0.1"},
		{"vllm", `{"duration":"2.0","language":"zh","text":"开庭。","segments":[{"id":1,"text":"开庭。","start":0.2,"end":1.2,"avg_logprob":-1.0,"compression_ratio":-1.0,"no_speech_prob":-1.0}],"words":null}`,
			"开庭。 开@200-700/0 庭。@700-1200/0 estimated", "0"},
		{"localai", `{"text":"开庭。","segments":[{"id":0,"start":200000000,"end":1200000000,"text":"开庭。","tokens":[1,2]}]}`,
			"开庭。 开@200-700/0 庭。@700-1200/0 estimated", "0"},
		{"funasr", `{"text":"<|zh|><|NEUTRAL|><|Speech|><|withitn|>开庭 OK。","timestamp":[[200,700],[700,1200],[1300,1500]]}`,
			"开庭 OK。 开@200-700/0 庭@700-1200/0 OK。@1300-1500/0", ""},
		{"funasr", `{"text":"开庭。","timestamp":[[200,700]]}`, "开庭。 开@0-1000/0 庭。@1000-2000/0 estimated", ""},
		{"funasr", `{"text":"开庭。","timestamp":[[200,700],[5,100]]}`, "开庭。 开@0-1000/0 庭。@1000-2000/0 estimated", ""},
	} {
		t.Run(tt.server, func(t *testing.T) {
			var form atomic.Pointer[map[string][]string]
			e := serve(t, func(w http.ResponseWriter, r *http.Request) {
				r.ParseMultipartForm(1 << 20)
				values := map[string][]string(r.MultipartForm.Value)
				form.Store(&values)
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, tt.body)
			}, func(c *Config) { c.Server, c.Language = tt.server, "zh-CN" })
			clip := twoSeconds
			clip.Prompt = "周启明"
			h, err := e.Recognize(t.Context(), clip)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(h); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if tt.parts != "" && (len(h.Parts) != 1 || fmt.Sprint(h.Parts[0].LogProb) != tt.parts) {
				t.Errorf("parts %+v", h.Parts)
			}
			sent, q := *form.Load(), servers[tt.server]
			if language := sent["language"]; len(language) != 1 || (language[0] == "zh") != q.shortLanguage {
				t.Errorf("language %v", language)
			}
			if words := len(sent["timestamp_granularities[]"]) > 0; words != (q.shape == verboseWords) {
				t.Errorf("asks for word times: %v", words)
			}
			if prompt := len(sent["prompt"]) > 0; prompt == q.noPrompt {
				t.Errorf("sends the prompt: %v", prompt)
			}
		})
	}
}

// TestOneAtATime: whisper.cpp is asked one question at a time.
func TestOneAtATime(t *testing.T) {
	var now, most atomic.Int64
	e := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		io.Copy(io.Discard, r.Body)
		time.Sleep(5 * time.Millisecond)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"text":"是"}`)
	}, func(c *Config) { c.Server = "whisper" })
	var asking sync.WaitGroup
	for range 6 {
		asking.Go(func() {
			if _, err := e.Recognize(t.Context(), twoSeconds); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	if most.Load() != 1 {
		t.Errorf("%d at a time", most.Load())
	}
}

func TestUnknownServer(t *testing.T) {
	if _, err := New(Config{BaseURL: "http://127.0.0.1:1/v1", Server: "other"}, nil); err == nil || !strings.Contains(err.Error(), "localai") {
		t.Error(err)
	}
}
