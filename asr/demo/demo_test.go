package demo

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sashabaranov/go-openai"
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

func TestEverySentence(t *testing.T) {
	h, recordings := load(t)
	s := New(recordings, Options{}, quiet)
	r := rand.New(rand.NewPCG(1, 2))
	pcm := make(map[string][]int16)
	for _, rec := range h.Recordings {
		pcm[rec.Channel] = rec.PCM
	}
	for _, sentence := range h.Sentences {
		for range 3 {
			// At most 440 ms: the next sentence of the seat is 900 ms away.
			from := int(sentence.StartMS)*16 - r.IntN(7000)
			to := int(sentence.EndMS)*16 + r.IntN(7000)
			a := ask(t, s, pcm[sentence.Channel][from:to])
			if a.Text != sentence.Text {
				t.Fatalf("got %s, want %s", a.Text, sentence.Text)
			}
			if got, want := *a.Duration, float64(to-from)/rate; got != want {
				t.Errorf("%s: duration %v, want %v", a.Text, got, want)
			}
			if len(*a.Words) != len(sentence.Words) {
				t.Fatalf("%s: %d words, want %d", a.Text, len(*a.Words), len(sentence.Words))
			}
			for i, w := range sentence.Words {
				got := (*a.Words)[i]
				start, end := float64(int(w.StartMS)*16-from)/rate, float64(int(w.EndMS)*16-from)/rate
				if got.Word != w.Text || math.Abs(got.Start-start) > 1e-9 || math.Abs(got.End-end) > 1e-9 || got.Probability < 0.9 || got.Probability > 1 {
					t.Errorf("%s: word %d is %+v, want %s %v to %v", a.Text, i, got, w.Text, start, end)
				}
			}
			if g := *a.Segments; len(g) != 1 || g[0].Text != sentence.Text || g[0].Start != (*a.Words)[0].Start || g[0].End != (*a.Words)[len(sentence.Words)-1].End {
				t.Errorf("%s: segments %+v", a.Text, g)
			}
		}
	}
}

// Any span gives the words whose midpoints it holds, and two spans that share a
// border give together what their union does.
func TestRandomSpans(t *testing.T) {
	_, recordings := load(t)
	s := New(recordings, Options{}, quiet)
	r := rand.New(rand.NewPCG(3, 4))
	said := 0
	for range 400 {
		rec := recordings[r.IntN(len(recordings))]
		from := r.IntN(len(rec.PCM) - 20*rate)
		cut := from + rate/10 + r.IntN(8*rate)
		to := cut + rate/10 + r.IntN(8*rate)
		want := func(from, to int) string {
			var b strings.Builder
			for _, w := range rec.Words {
				if mid := (w.Start + w.End) / 2; mid >= from && mid < to {
					b.WriteString(w.Text + w.Punct)
				}
			}
			return b.String()
		}
		left, right := ask(t, s, rec.PCM[from:cut]).Text, ask(t, s, rec.PCM[cut:to]).Text
		if left != want(from, cut) || right != want(cut, to) {
			t.Fatalf("%s %d|%d|%d: got %q %q, want %q %q", rec.Name, from, cut, to, left, right, want(from, cut), want(cut, to))
		}
		said += len(left) + len(right)
	}
	if said == 0 {
		t.Fatal("no span held a word")
	}
}

// What was lost on the way takes its words along, and nothing else.
func TestPiecedClips(t *testing.T) {
	h, recordings := load(t)
	s := New(recordings, Options{}, quiet)
	judge := recordings[0]
	sentence := func(n int) hearing.Sentence {
		for _, x := range h.Sentences {
			if x.Channel == judge.Name {
				if n == 0 {
					return x
				}
				n--
			}
		}
		t.Fatal("no such sentence")
		return hearing.Sentence{}
	}
	span := func(x hearing.Sentence) []int16 { return judge.PCM[x.StartMS*16 : x.EndMS*16] }
	first, second := sentence(1), sentence(2)
	zeros := make([]int16, 10000)
	noise := make([]int16, 10000)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range noise {
		noise[i] = int16(r.IntN(2000) - 1000)
	}
	joined := func(parts ...[]int16) (out []int16) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	word := second.Words[1]
	hole := joined(span(second))
	clear(hole[(word.StartMS-second.StartMS)*16 : (word.EndMS-second.StartMS)*16])
	flipped := joined(span(second))
	flipped[((word.StartMS+word.EndMS)/2-second.StartMS)*16]++
	without := strings.Replace(second.Text, word.Text+word.Punct, "", 1)
	for _, c := range []struct {
		name string
		clip []int16
		want string
	}{
		{"zeros before", joined(zeros, span(first)), first.Text},
		{"noise after", joined(span(first), noise), first.Text},
		{"zeros and noise about", joined(zeros, span(first), noise), first.Text},
		{"two places", joined(span(second), zeros, span(first)), second.Text + first.Text},
		{"samples lost between", joined(span(first), judge.PCM[first.EndMS*16+5000:second.EndMS*16]), first.Text + second.Text},
		{"a word zeroed", hole, without},
		{"one sample changed", flipped, without},
		{"the same twice", joined(span(first), span(first)), first.Text + first.Text},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ask(t, s, c.clip).Text; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestSilenceAndBleed(t *testing.T) {
	h, recordings := load(t)
	deaf, keen := New(recordings, Options{}, quiet), New(recordings, Options{HearBleed: true}, quiet)
	judge, clerk := recordings[0], recordings[1]
	n := 0
	for _, s := range h.Sentences {
		from, to := int(s.StartMS)*16-1600, int(s.EndMS)*16+1600
		own, both := "", ""
		if s.Channel == clerk.Name {
			own, both = s.Text, s.Text
		}
		for _, w := range judge.Words {
			if mid := (w.Start+w.End)/2 + clerk.Bleed[0].Delay; mid >= from && mid < to {
				both += w.Text + w.Punct
				n++
			}
		}
		if got := ask(t, deaf, clerk.PCM[from:to]); got.Text != own {
			t.Errorf("without bleed: got %q, want %q", got.Text, own)
		}
		got := ask(t, keen, clerk.PCM[from:to])
		if got.Text != both {
			t.Errorf("with bleed: got %q, want %q", got.Text, both)
		}
		if s.Channel == judge.Name {
			// The clip begins 100 ms before the judge speaks.
			start := 0.1 + float64(clerk.Bleed[0].Delay)/rate
			if w := (*got.Words)[0]; math.Abs(w.Start-start) > 1e-9 || w.Probability > 0.7 {
				t.Errorf("bled word %+v, want start %v", w, start)
			}
		}
	}
	if n == 0 {
		t.Fatal("nothing bleeds")
	}
}

func TestPlace(t *testing.T) {
	r := Recording{Name: "a", PCM: make([]int16, 1000), Bleed: []Bleed{{From: "b", Delay: 10}, {From: "nobody"}}, Words: []Word{
		{Text: "末", Start: 300, End: 400}, {Text: "首", Start: 100, End: 200}, // out of order
		{Text: "前", Start: -1, End: 50}, {Text: "空", Start: 50, End: 50}, {Text: "后", Start: 1000, End: 1001},
	}}
	other := Recording{Name: "b", PCM: make([]int16, 1000), Words: []Word{
		{Text: "叠", Start: 180, End: 240}, {Text: "邻", Start: 190, End: 280}, {Text: "串", Start: 200, End: 280}, {Text: "尾", Start: 980, End: 1000}, {Text: "外", Start: 995, End: 1000},
	}}
	got := func(opts Options) (text string) {
		for _, w := range place(r, []Recording{r, other}, opts, quiet).words {
			text += fmt.Sprint(w.Text, w.Start, "-", w.End, " ")
		}
		return text
	}
	if got, want := got(Options{}), "首100-200 末300-400 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := got(Options{HearBleed: true}), "首100-200 邻200-290 串210-290 末300-400 尾990-1000 "; got != want {
		t.Errorf("with bleed: got %s, want %s", got, want)
	}
}

func TestUnknownClip(t *testing.T) {
	_, recordings := load(t)
	s := New(recordings, Options{}, quiet)
	sine := make([]int16, rate)
	louder := make([]int16, rate)
	for i := range sine {
		sine[i] = int16(8000 * math.Sin(float64(i)/7))
		louder[i] = 2 * recordings[0].PCM[17*rate+i]
	}
	for name, clip := range map[string][]int16{"sine": sine, "zeros": make([]int16, rate), "louder": louder} {
		w := post(s, wav(clip))
		var e struct {
			Error struct{ Message, Type, Code string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != 422 || e.Error.Code != "unknown_recording" || e.Error.Type != "invalid_request_error" || !strings.Contains(e.Error.Message, "knows only its own recordings") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := post(New(nil, Options{}, quiet), wav(sine)); w.Code != 422 {
		t.Errorf("engine without recordings: %d %s", w.Code, w.Body)
	}
	padded := New([]Recording{{Name: "padded", Rate: rate, PCM: append(make([]int16, rate), recordings[0].PCM[:rate]...)}}, Options{}, quiet)
	if w := post(padded, wav(make([]int16, rate))); w.Code != 422 {
		t.Errorf("digital silence that a recording holds too: %d %s", w.Code, w.Body)
	}
	other := wav(recordings[0].PCM[17*rate : 18*rate])
	binary.LittleEndian.PutUint32(other[24:], 8000)
	if w := post(s, other); w.Code != 422 {
		t.Errorf("clip of another rate: %d %s", w.Code, w.Body)
	}
}

// A recording that loops, and two that are equal, answer each word once.
func TestRepeatedSound(t *testing.T) {
	_, recordings := load(t)
	one := recordings[0]
	from, to := one.Words[0].Start-rate/2, one.Words[8].End
	loop := Recording{Name: "loop", Rate: rate}
	var want string
	for i := range 20 {
		for _, w := range one.Words[:9] {
			if i == 0 {
				want += w.Text + w.Punct
			}
			w.Start += i*(to-from) - from
			w.End += i*(to-from) - from
			loop.Words = append(loop.Words, w)
		}
		loop.PCM = append(loop.PCM, one.PCM[from:to]...)
	}
	twin := loop
	twin.Name = "twin"
	s := New([]Recording{loop, twin}, Options{}, quiet)
	n := to - from
	if got := ask(t, s, loop.PCM[12*n:13*n]).Text; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := ask(t, s, loop.PCM[3*n:5*n]).Text; got != want+want {
		t.Errorf("got %s, want %s twice", got, want)
	}
}

func TestShapes(t *testing.T) {
	h, recordings := load(t)
	plain, nested, bare := New(recordings, Options{}, quiet), New(recordings, Options{NestedWords: true}, quiet), New(recordings, Options{NoWords: true}, quiet)
	first := h.Sentences[0]
	text := first.Text
	file := wav(recordings[1].PCM[first.StartMS*16 : first.EndMS*16])
	silent := wav(recordings[1].PCM[:rate])
	const word, segment = "timestamp_granularities[]=word", "timestamp_granularities[]=segment"
	for _, c := range []struct {
		name   string
		server *Server
		file   []byte
		fields []string
		want   string // keys of the answer, then of its first segment; or the whole text
	}{
		{"default", plain, file, nil, "engine model text"},
		{"json", plain, file, []string{"response_format=json"}, "engine model text"},
		{"text", plain, file, []string{"response_format=text"}, text + "\n"},
		{"silent text", plain, silent, []string{"response_format=text"}, "\n"},
		{"verbose", plain, file, []string{"response_format=verbose_json"}, "duration engine language model segments task text/-"},
		{"words", plain, file, []string{"response_format=verbose_json", word}, "duration engine language model task text words"},
		{"segments", plain, file, []string{"response_format=verbose_json", segment}, "duration engine language model segments task text/-"},
		{"both", plain, file, []string{"response_format=verbose_json", word, segment}, "duration engine language model segments task text words/-"},
		{"silent", plain, silent, []string{"response_format=verbose_json", word, segment}, "duration engine language model segments task text words"},
		{"nested", nested, file, []string{"response_format=verbose_json", word}, "duration engine language model segments task text/words"},
		{"no words", bare, file, []string{"response_format=verbose_json", word}, "engine model text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var fields []string
			for _, f := range c.fields {
				k, v, _ := strings.Cut(f, "=")
				fields = append(fields, k, v)
			}
			w := post(c.server, c.file, fields...)
			if w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if strings.HasSuffix(c.want, "\n") {
				if got := w.Body.String(); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
				return
			}
			var a map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, k := range strings.Fields("duration engine language model segments task text words") {
				if _, ok := a[k]; ok {
					keys = append(keys, k)
				}
			}
			got := strings.Join(keys, " ")
			if g, _ := a["segments"].([]any); len(g) > 0 {
				if words, ok := g[0].(map[string]any)["words"].([]any); ok {
					got += "/words"
					if last := words[len(words)-1].(map[string]any)["word"].(string); !strings.HasSuffix(last, "。") {
						t.Errorf("nested word %s has no punctuation", last)
					}
				} else {
					got += "/-"
				}
			}
			if got != c.want {
				t.Errorf("keys %s, want %s", got, c.want)
			}
			if want := map[bool]string{false: text}[bytes.Equal(c.file, silent)]; a["text"] != want {
				t.Errorf("text %v, want %q", a["text"], want)
			}
		})
	}
}

// The client that the pipeline uses reads the answers.
func TestOpenAIClient(t *testing.T) {
	h, recordings := load(t)
	srv := httptest.NewServer(New(recordings, Options{}, quiet))
	defer srv.Close()
	config := openai.DefaultConfig("any key")
	config.BaseURL = srv.URL + "/v1"
	config.HTTPClient = srv.Client()
	client := openai.NewClientWithConfig(config)
	ask := func(pcm []int16) (openai.AudioResponse, error) {
		return client.CreateTranscription(t.Context(), openai.AudioRequest{
			Model: Model, Language: "zh", Prompt: "借条", FilePath: "clip.wav", Reader: bytes.NewReader(wav(pcm)),
			Format:                 openai.AudioResponseFormatVerboseJSON,
			TimestampGranularities: []openai.TranscriptionTimestampGranularity{openai.TranscriptionTimestampGranularityWord, openai.TranscriptionTimestampGranularitySegment},
		})
	}
	first := h.Sentences[0]
	a, err := ask(recordings[1].PCM[first.StartMS*16 : first.EndMS*16])
	if err != nil {
		t.Fatal(err)
	}
	if a.Text != first.Text || len(a.Words) != len(first.Words) || len(a.Segments) != 1 || a.Language != "zh" {
		t.Errorf("got %+v", a)
	}
	var refused *openai.APIError
	if _, err := ask(make([]int16, rate)); !errors.As(err, &refused) || refused.HTTPStatusCode != 422 || refused.Code != "unknown_recording" {
		t.Errorf("unknown clip: %v", err)
	}
	list, err := client.ListModels(t.Context())
	if err != nil || len(list.Models) != 1 || list.Models[0].ID != Model {
		t.Errorf("models: %+v, %v", list, err)
	}
}

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
	many := make([]string, 0, 2*maxFields)
	for range maxFields {
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
		{"long field", ok, []string{"prompt", strings.Repeat("a", maxField+1)}, 400, "too long"},
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
		{"large", make([]byte, maxClip+1), nil, 413, "at most"},
		{"larger", make([]byte, maxClip+maxFields*maxField), nil, 413, "at most"},
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

func TestWordErrors(t *testing.T) {
	h, recordings := load(t)
	total, wrong := 0, 0
	servers := [2]*Server{New(recordings, Options{WordErrorRate: 0.2}, quiet), New(recordings, Options{WordErrorRate: 0.2}, quiet)}
	for _, s := range h.Sentences {
		var clip []int16
		for _, r := range recordings {
			if r.Name == s.Channel {
				clip = r.PCM[s.StartMS*16 : s.EndMS*16]
			}
		}
		a, again := ask(t, servers[0], clip), ask(t, servers[1], clip)
		if a.Text != again.Text {
			t.Errorf("%s, then %s", a.Text, again.Text)
		}
		for i, w := range *a.Words {
			total++
			want := s.Words[i].Text
			if got, want := len([]rune(w.Word)), len([]rune(want)); got != want {
				t.Errorf("%s: %d characters, want %d", w.Word, got, want)
			}
			if bad := w.Word != want; bad != (w.Probability < 0.6) {
				t.Errorf("%s for %s with confidence %v", w.Word, want, w.Probability)
			} else if bad {
				wrong++
			}
		}
	}
	if share := float64(wrong) / float64(total); share < 0.14 || share > 0.26 {
		t.Errorf("%d of %d words wrong, want a fifth", wrong, total)
	}
}

func TestNeighbour(t *testing.T) {
	for _, c := range []struct{ in, want rune }{
		{'借', '介'}, {'啊', '阿'}, {'座', '坐'}, {'鑫', '某'}, {'A', '某'}, {'《', '某'},
	} {
		if got := neighbour(c.in); got != c.want {
			t.Errorf("%c becomes %c, want %c", c.in, got, c.want)
		}
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

func FuzzParseWAV(f *testing.F) {
	f.Add(wav([]int16{1, 2, 3}))
	f.Add(wav(nil))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \xff\xff\xff\xff"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVELIST\x03\x00\x00\x00abc\x00data\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pcm, rate, err := parseWAV(b)
		if err == nil && (rate < 1 || 2*len(pcm) > len(b)-44) {
			t.Errorf("%d samples at %d Hz from %d bytes", len(pcm), rate, len(b))
		}
		if err != nil && pcm != nil {
			t.Error("samples and an error")
		}
	})
}

func BenchmarkHear(b *testing.B) {
	_, recordings := load(b)
	s := New(recordings, Options{}, quiet)
	clip := recordings[0].PCM[17*rate : 27*rate]
	b.ReportAllocs()
	for b.Loop() {
		if _, known := s.hear(clip, rate); !known {
			b.Fatal("unknown")
		}
	}
	b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "x-realtime")
}

// The index of five seats over an hour each.
func BenchmarkNewIndex(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	pcm := make([]int16, 3600*rate)
	for i := range pcm {
		pcm[i] = int16(r.Uint32())
	}
	recordings := make([]Recording, 5)
	for i := range recordings {
		recordings[i] = Recording{Rate: rate, PCM: pcm[i*100:]}
	}
	b.ReportAllocs()
	var x *index
	for b.Loop() {
		x = newIndex(recordings)
	}
	b.ReportMetric(float64(len(x.entries)*16+len(x.filter)*8)/1e6, "MB")
}
