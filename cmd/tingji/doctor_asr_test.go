package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tingji/capture"
)

// badEngine answers as an engine does that is set up wrongly.
func badEngine(t *testing.T, answer http.HandlerFunc) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

func always(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// transcribes answers the model list, and a clip after a while.
func transcribes(after time.Duration, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			time.Sleep(after)
			always(http.StatusOK, "application/json", body)(w, r)
			return
		}
		always(http.StatusOK, "application/json", `{"object":"list","data":[]}`)(w, r)
	}
}

// TestDoctorOfBadEngines: what is wrong with an engine is said in words that tell
// what to do.
func TestDoctorOfBadEngines(t *testing.T) {
	t.Parallel()
	clip := filepath.Join(t.TempDir(), "clip.wav")
	if err := os.WriteFile(clip, tone(4*capture.Rate), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		code   int
		says   []string
	}{
		{"a web page", always(200, "text/html", "<!DOCTYPE html><p>Welcome"), 1, []string{"FAIL  engine", "HTML page", "ending in /v1"}},
		{"no such address", always(404, "text/html", "<html>Not Found"), 1, []string{"FAIL  answer", "404", "asr.url"}},
		{"key", always(401, "application/json", `{"error":{"message":"Incorrect API key provided"}}`), 1, []string{"FAIL  engine", "401", "asr.api_key"}},
		{"model", func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				always(404, "application/json", `{"error":{"message":"no model x","code":"model_not_found"}}`)(w, r)
			} else {
				always(200, "application/json", `{"object":"list","data":[]}`)(w, r)
			}
		}, 1, []string{"FAIL  answer", "no model x", "asr.model"}},
		{"loading", always(503, "text/plain", "Loading model"), 1, []string{"FAIL  engine", "Loading model"}},
		{"another protocol", transcribes(0, `{"ok":true}`), 1, []string{"FAIL  answer", "OpenAI's transcription protocol"}},
		{"English", transcribes(0, `{"text":"the court is in session","language":"english"}`), 1, []string{"FAIL  lang", "not Chinese", `"en"`, "asr.language"}},
		{"traditional", transcribes(0, `{"text":"現在開庭，請審判長說話","language":"zh"}`), 0, []string{"note  lang", "traditional"}},
		{"slow", transcribes(2100*time.Millisecond, `{"text":"现在开庭","language":"zh"}`), 1, []string{"ok    speed", "FAIL  short", "however short"}},
		{"invents", transcribes(0, `{"text":"请不吝点赞","language":"zh"}`), 0, []string{"note  silence", "请不吝点赞"}},
		{"no word times", transcribes(0, `{"text":"现在开庭","words":[{"word":"现在","start":100,"end":200}]}`), 0, []string{"note  times", "none that fit"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := tingji(t, nil, "doctor", "asr", "--clip", clip, "--asr-url", badEngine(t, tt.answer))
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.says {
				if !strings.Contains(stdout, want) {
					t.Errorf("%q is missing in\n%s%s", want, stdout, stderr)
				}
			}
		})
	}
}

// TestRefusedRecording: an engine that refuses what it hears, as the demonstration
// recogniser does with people's voices: the transcript marks the places, and
// standard error says why.
func TestRefusedRecording(t *testing.T) {
	t.Parallel()
	url := badEngine(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			always(422, "application/json", `{"error":{"message":"a voice it does not know"}}`)(w, r)
		} else {
			always(200, "application/json", `{"object":"list","data":[]}`)(w, r)
		}
	})
	stdout, stderr, code := tingji(t, nil, "transcribe", "../../testdata/hearing/witness.flac", "--roles", "证人", "--asr-url", url)
	if code != 0 || !strings.Contains(stdout, "证人：〔") || !strings.Contains(stderr, "refused") || !strings.Contains(stderr, "a voice it does not know") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}
