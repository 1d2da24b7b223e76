package demo

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tingji/testdata/hearing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const rate = 16000

var quiet = slog.New(slog.DiscardHandler)

// sample hearing, decoded once: it is only read.
var sampleHearing = sync.OnceValues(hearing.Load)

func load(t testing.TB) (*hearing.Hearing, []Recording) {
	t.Helper()
	h, err := sampleHearing()
	if err != nil {
		t.Fatal(err)
	}
	recordings := make([]Recording, len(h.Recordings))
	for i, r := range h.Recordings {
		recordings[i] = Recording{Name: r.Channel, Rate: h.Rate, PCM: r.PCM}
		for _, s := range h.Sentences {
			if s.Channel != r.Channel {
				continue
			}
			for _, w := range s.Words {
				recordings[i].Words = append(recordings[i].Words, Word{Text: w.Text, Punct: w.Punct, Start: int(w.StartMS) * 16, End: int(w.EndMS) * 16})
			}
		}
		for _, b := range h.Bleed {
			if b.Channel == r.Channel {
				recordings[i].Bleed = append(recordings[i].Bleed, Bleed{From: b.From, Delay: int(b.DelayMS) * 16})
			}
		}
	}
	return h, recordings
}

// wav wraps samples as 16 kHz mono.
func wav(pcm []int16) []byte {
	var b bytes.Buffer
	n := uint32(2 * len(pcm))
	b.WriteString("RIFF")
	binary.Write(&b, binary.LittleEndian, 36+n)
	b.WriteString("WAVEfmt ")
	binary.Write(&b, binary.LittleEndian, []uint32{16, 1 | 1<<16, rate, 2 * rate, 2 | 16<<16})
	b.WriteString("data")
	binary.Write(&b, binary.LittleEndian, n)
	binary.Write(&b, binary.LittleEndian, pcm)
	return b.Bytes()
}

// form is a request body: file, then fields as name, value, name, value.
func form(file []byte, fields ...string) (contentType string, body *bytes.Buffer) {
	body = new(bytes.Buffer)
	w := multipart.NewWriter(body)
	if file != nil {
		p, _ := w.CreateFormFile("file", "clip.wav")
		p.Write(file)
	}
	for i := 0; i < len(fields); i += 2 {
		w.WriteField(fields[i], fields[i+1])
	}
	w.Close()
	return w.FormDataContentType(), body
}

func post(h http.Handler, file []byte, fields ...string) *httptest.ResponseRecorder {
	contentType, body := form(file, fields...)
	r := httptest.NewRequest("POST", "/v1/audio/transcriptions", body)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

type (
	answerJSON struct {
		Engine, Model, Text string
		Duration            *float64
		Words               *[]wordJSON
		Segments            *[]segmentJSON
	}
	wordJSON struct {
		Word                    string
		Start, End, Probability float64
	}
	segmentJSON struct {
		Text       string
		Start, End float64
		AvgLogprob float64 `json:"avg_logprob"`
		Words      *[]wordJSON
	}
)

// ask wants everything and fails the test unless it gets it.
func ask(t testing.TB, h http.Handler, pcm []int16) answerJSON {
	t.Helper()
	w := post(h, wav(pcm), "model", "x", "language", "zh", "prompt", "借条", "temperature", "0",
		"response_format", "verbose_json", "timestamp_granularities[]", "word", "timestamp_granularities[]", "segment")
	var a answerJSON
	if err := json.Unmarshal(w.Body.Bytes(), &a); w.Code != 200 || err != nil {
		t.Fatalf("answer %d %s: %v", w.Code, w.Body, err)
	}
	if a.Engine != Engine || a.Model != Model {
		t.Fatalf("answer names %q %q", a.Engine, a.Model)
	}
	return a
}
