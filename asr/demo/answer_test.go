package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sashabaranov/go-openai"
)

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
