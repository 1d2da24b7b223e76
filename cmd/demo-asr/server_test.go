package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"tingji/asr/demo/transcription"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func wav(pcm []int16, hz int) []byte {
	le := binary.LittleEndian
	b := append([]byte("RIFF"), 0, 0, 0, 0)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(le.AppendUint16(b, 1), 1)
	b = le.AppendUint32(le.AppendUint32(b, uint32(hz)), uint32(2*hz))
	b = le.AppendUint16(le.AppendUint16(b, 2), 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(2*len(pcm)))
	for _, x := range pcm {
		b = le.AppendUint16(b, uint16(x))
	}
	return b
}

func testServer(t *testing.T) *httptest.Server {
	s := httptest.NewServer((&server{newTestRecognizer(t), slog.New(slog.DiscardHandler)}).handler())
	t.Cleanup(s.Close)
	return s
}

// post sends a form; fields are name, value, name, value…
func post(t *testing.T, url string, file []byte, fields ...string) (status int, contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		form.WriteField(fields[i], fields[i+1])
	}
	if file != nil {
		w, err := form.CreateFormFile("file", "clip.wav")
		if err != nil {
			t.Fatal(err)
		}
		w.Write(file)
	}
	form.Close()
	resp, err := http.Post(url+"/v1/audio/transcriptions", form.FormDataContentType(), &b)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), body
}

func TestShapes(t *testing.T) {
	s, h := testServer(t), loadSample(t)
	pcm := utterance(h, h.Sentences[0])
	clip := wav(pcm, rate)

	status, kind, body := post(t, s.URL, clip, "response_format", "text", "model", "any", "language", "zh")
	if text := strings.TrimSpace(string(body)); status != 200 || !strings.HasPrefix(kind, "text/plain") || text == "" {
		t.Errorf("text: %d %s %q", status, kind, body)
	}
	var plain struct{ Text, Engine, Model string }
	status, kind, body = post(t, s.URL, clip)
	if err := json.Unmarshal(body, &plain); err != nil || status != 200 || kind != "application/json" || plain.Text == "" || plain.Engine != "示例识别引擎" || plain.Model != modelName {
		t.Errorf("json: %d %s %s", status, kind, body)
	}
	for _, tt := range []struct {
		granularities   []string
		words, segments bool
	}{
		{nil, false, true},
		{[]string{"word"}, true, false},
		{[]string{"segment"}, false, true},
		{[]string{"word", "segment"}, true, true},
	} {
		fields := []string{"response_format", "verbose_json"}
		for _, g := range tt.granularities {
			fields = append(fields, "timestamp_granularities[]", g)
		}
		_, _, body := post(t, s.URL, clip, fields...)
		var v struct {
			Task, Language, Text string
			Duration             float64
			Words                []any
			Segments             []any
		}
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatalf("%v: %v in %s", tt.granularities, err, body)
		}
		if v.Task != "transcribe" || v.Language != "zh" || v.Duration != float64(len(pcm))/rate || v.Text != plain.Text {
			t.Errorf("%v: %s", tt.granularities, body)
		}
		if (len(v.Words) > 0) != tt.words || (len(v.Segments) > 0) != tt.segments {
			t.Errorf("%v: %d words, %d segments", tt.granularities, len(v.Words), len(v.Segments))
		}
	}
	if _, _, body = post(t, s.URL, wav(make([]int16, rate), rate), "response_format", "verbose_json", "timestamp_granularities[]", "word"); !strings.Contains(string(body), `"text":""`) || !strings.Contains(string(body), `"words":[]`) {
		t.Errorf("silence: %s", body)
	}
}

func TestRefusals(t *testing.T) {
	s := testServer(t)
	second := wav(make([]int16, rate), rate)
	for _, tt := range []struct {
		name   string
		file   []byte
		fields []string
		status int
		says   string
	}{
		{"no file", nil, nil, 400, "file"},
		{"no WAV", []byte("ID3 and so on"), nil, 400, "WAV"},
		{"8 kHz", wav(make([]int16, rate), 8000), nil, 400, "16000 Hz"},
		{"cut off", second[:1000], nil, 400, "are there"},
		{"short", wav(make([]int16, 100), rate), nil, 400, "100ms"},
		{"format", second, []string{"response_format", "srt"}, 400, "srt"},
		{"granularity", second, []string{"timestamp_granularities[]", "letter"}, 400, "letter"},
		{"long field", second, []string{"prompt", strings.Repeat("a", transcription.MaxField+1)}, 400, "too long"},
		{"large", make([]byte, transcription.MaxClip+1), nil, 413, "bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, _, body := post(t, s.URL, tt.file, tt.fields...)
			var e struct {
				Error struct{ Message, Type, Code string }
			}
			if err := json.Unmarshal(body, &e); err != nil || status != tt.status || !strings.Contains(e.Error.Message, tt.says) || e.Error.Type != "invalid_request_error" || e.Error.Code == "" {
				t.Errorf("%d %s; want %d and %q", status, body, tt.status, tt.says)
			}
		})
	}
	for _, path := range []string{"/health", "/v1/models", "/v1/models/" + modelName} {
		resp, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || !strings.Contains(string(body), engineName) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	resp, err := http.Get(s.URL + "/v1/chat")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 404 {
		t.Errorf("unknown address: %d", resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestForeignVoice: the answer to a voice that cannot be known says so. The
// sound is a sample sentence played backwards.
func TestForeignVoice(t *testing.T) {
	s, h := testServer(t), loadSample(t)
	pcm := utterance(h, h.Sentences[4])
	backwards := make([]int16, len(pcm))
	for i, x := range pcm {
		backwards[len(pcm)-1-i] = x
	}
	status, _, body := post(t, s.URL, wav(backwards, rate))
	var e struct {
		Error struct{ Message, Code string }
	}
	if err := json.Unmarshal(body, &e); err != nil || status != 422 || e.Error.Code != "unknown_voice" || !strings.Contains(e.Error.Message, engineName) {
		t.Errorf("%d %s", status, body)
	}
}

// TestRun: the program says where it serves and ends with its standard input.
func TestRun(t *testing.T) {
	in, hold := io.Pipe()
	out, says := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(context.Background(), []string{"--child"}, in, says, slog.New(slog.DiscardHandler))
	}()
	line := make([]byte, 100)
	n, err := out.Read(line)
	if url := strings.TrimSpace(string(line[:n])); err != nil || !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.HasSuffix(url, "/v1") {
		t.Fatalf("%q %v", line[:n], err)
	}
	hold.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), []string{"--listen", "0.0.0.0:0"}, in, says, slog.Default()); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("listens to the world: %v", err)
	}
}
