package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tingji/asr/demo/transcription"
)

func TestOtherAddresses(t *testing.T) {
	s := New(nil, Options{}, quiet)
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/v1/models", 200, Model},
		{"GET", "/health", 200, Engine},
		{"GET", "/v1/audio/transcriptions", 404, "not_found"},
		{"POST", "/v1/chat/completions", 404, "not_found"},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
}

func TestBadRequests(t *testing.T) {
	s := New(nil, Options{}, quiet)
	ok := wav(make([]int16, rate))
	change := func(at int, b ...byte) []byte {
		c := bytes.Clone(ok)
		copy(c[at:], b)
		return c
	}
	many := make([]string, 0, 2*transcription.MaxFields)
	for range transcription.MaxFields {
		many = append(many, "a", "b")
	}
	for _, c := range []struct {
		name   string
		file   []byte
		fields []string
		status int
		want   string
	}{
		{"no file", nil, nil, 400, "no field file"},
		{"srt", ok, []string{"response_format", "srt"}, 400, "response_format"},
		{"vtt", ok, []string{"response_format", "vtt"}, 400, "response_format"},
		{"granularity", ok, []string{"timestamp_granularities[]", "char"}, 400, "timestamp_granularities"},
		{"long field", ok, []string{"prompt", strings.Repeat("a", transcription.MaxField+1)}, 400, "too long"},
		{"many fields", ok, many, 400, "form fields"},
		{"empty", []byte{}, nil, 400, "not a WAV"},
		{"mp3", []byte("ID3\x04 and so on, and so on"), nil, 400, "not a WAV"},
		{"header only", ok[:44], nil, 400, "data"},
		{"cut", ok[:2000], nil, 400, "are there"},
		{"float", change(20, 3), nil, 400, "mono PCM"},
		{"stereo", change(22, 2), nil, 400, "mono PCM"},
		{"8 bits", change(34, 8), nil, 400, "mono PCM"},
		{"no rate", change(24, 0, 0, 0, 0), nil, 400, "sample rate"},
		{"huge chunk", change(16, 0xff, 0xff, 0xff, 0xff), nil, 400, "are there"},
		{"half a sample", change(40, 1, 0, 0, 0), nil, 400, "half a sample"},
		{"short format", change(16, 4, 0, 0, 0), nil, 400, "format chunk of 4"},
		{"no samples", wav(nil), nil, 400, "at least 100ms"},
		{"short", wav(make([]int16, 1599)), nil, 400, "at least 100ms"},
		{"large", make([]byte, transcription.MaxClip+1), nil, 413, "at most"},
		{"larger", make([]byte, transcription.MaxClip+transcription.MaxFields*transcription.MaxField), nil, 413, "at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := post(s, c.file, c.fields...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.want)
			}
		})
	}
	for name, body := range map[string]string{"not a form": "{}", "cut form": "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nRIFF"} {
		r := httptest.NewRequest("POST", "/v1/audio/transcriptions", strings.NewReader(body))
		if name == "cut form" {
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		}
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != 400 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestFaults(t *testing.T) {
	_, recordings := load(t)
	known := recordings[0].PCM[17*rate : 19*rate]
	for _, c := range []struct {
		name string
		opts Options
		want []string // of four requests
	}{
		{"none", Options{}, []string{"200", "200", "200", "200"}},
		{"fail", Options{FailEvery: 2}, []string{"200", "500", "200", "500"}},
		{"rate limit", Options{RateLimitEvery: 3}, []string{"200", "200", "429 1", "200"}},
		{"both", Options{FailEvery: 2, RateLimitEvery: 4}, []string{"200", "500", "200", "429 1"}},
		{"truncate", Options{TruncateEvery: 2}, []string{"200", "cut", "200", "cut"}},
		{"html", Options{HTML: true}, []string{"html", "html", "html", "html"}},
		{"key", Options{Status401: true}, []string{"401", "401", "401", "401"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := httptest.NewServer(New(recordings[:1], c.opts, quiet))
			defer srv.Close()
			for i, want := range c.want {
				contentType, body := form(wav(known))
				resp, err := srv.Client().Post(srv.URL+"/v1/audio/transcriptions", contentType, body)
				if err != nil {
					t.Fatal(err)
				}
				data, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				got := fmt.Sprint(resp.StatusCode)
				switch {
				case errors.Is(err, io.ErrUnexpectedEOF) && len(data) > 0 && len(data) < int(resp.ContentLength):
					got = "cut"
				case err != nil:
					t.Fatal(err)
				case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html"):
					got = "html"
				case resp.StatusCode == 200 && !json.Valid(data), resp.StatusCode != 200 && !bytes.Contains(data, []byte(`"code"`)):
					t.Errorf("request %d: body %s", i+1, data)
				}
				if after := resp.Header.Get("Retry-After"); after != "" {
					got += " " + after
				}
				if got != want {
					t.Errorf("request %d: got %s, want %s", i+1, got, want)
				}
			}
		})
	}
}

func TestHangUntilClientLeaves(t *testing.T) {
	_, recordings := load(t)
	srv := httptest.NewServer(New(recordings[:1], Options{HangEvery: 1}, quiet))
	defer srv.Close() // waits for the handler
	ctx, cancel := context.WithCancel(t.Context())
	contentType, body := form(wav(recordings[0].PCM[:rate]))
	req, _ := http.NewRequestWithContext(ctx, "POST", srv.URL+"/v1/audio/transcriptions", body)
	req.Header.Set("Content-Type", contentType)
	done := make(chan error)
	go func() {
		_, err := srv.Client().Do(req)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("answered: %v", err)
	case <-time.After(50 * time.Millisecond): // an early answer would fail the test; a late one cannot
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestRunEndsHangingRequests(t *testing.T) {
	_, recordings := load(t)
	s := New(recordings[:1], Options{HangEvery: 2}, quiet)
	ctx, cancel := context.WithCancel(t.Context())
	url, err := s.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.HasSuffix(url, "/v1") {
		t.Errorf("base URL %s", url)
	}
	ran := make(chan error)
	go func() { ran <- s.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	send := func() (*http.Response, error) {
		contentType, body := form(wav(recordings[0].PCM[:rate]))
		return client.Post(url+"/audio/transcriptions", contentType, body)
	}
	resp, err := send()
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	asked := make(chan error)
	go func() {
		_, err := send()
		asked <- err
	}()
	for s.count.Load() < 2 { // the request hangs
		select {
		case err := <-asked:
			t.Fatalf("answered: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if err := <-asked; err == nil {
		t.Error("the hanging request was answered")
	}
}

func TestListenRefuses(t *testing.T) {
	s := New(nil, Options{}, quiet)
	for _, addr := range []string{"0.0.0.0:0", ":0", "nonsense"} {
		if url, err := s.Listen(t.Context(), addr); err == nil {
			t.Errorf("%s: listens at %s", addr, url)
		}
	}
	if err := s.Run(t.Context()); err == nil {
		t.Error("runs without Listen")
	}
}

func TestDelayAndParallel(t *testing.T) {
	_, recordings := load(t)
	clip := wav(recordings[0].PCM[:rate])
	synctest.Test(t, func(t *testing.T) {
		s := New(recordings[:1], Options{Delay: time.Second, Parallel: 2}, quiet)
		start := time.Now()
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if w := post(s, clip); w.Code != 200 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("six requests, two at a time, took %v", took)
		}
	})
}
