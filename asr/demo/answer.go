package demo

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
)

// The JSON of an answer, in OpenAI's words. Times are seconds since the start
// of the clip. Engine, Model and probability are additions; clients that do not
// know them pass over them.
type answerJSON struct {
	Task     string         `json:"task,omitempty"`
	Language string         `json:"language,omitempty"`
	Duration *float64       `json:"duration,omitempty"`
	Text     string         `json:"text"`
	Words    *[]wordJSON    `json:"words,omitempty"`
	Segments *[]segmentJSON `json:"segments,omitempty"`
	Engine   string         `json:"engine"`
	Model    string         `json:"model"`
}

type segmentJSON struct {
	ID               int         `json:"id"`
	Seek             int         `json:"seek"`
	Start            float64     `json:"start"`
	End              float64     `json:"end"`
	Text             string      `json:"text"`
	Tokens           []int       `json:"tokens"`
	Temperature      float64     `json:"temperature"`
	AvgLogprob       float64     `json:"avg_logprob"`
	CompressionRatio float64     `json:"compression_ratio"`
	NoSpeechProb     float64     `json:"no_speech_prob"`
	Words            *[]wordJSON `json:"words,omitempty"`
}

type wordJSON struct {
	Word        string  `json:"word"`
	Start       float64 `json:"start"`
	End         float64 `json:"end"`
	Probability float64 `json:"probability"`
}

// render is the answer in the format that was asked for.
func (s *Server) render(req *request, words []heard) (contentType string, body []byte) {
	a := answerJSON{Text: text(words), Engine: Engine, Model: Model}
	if req.format == "text" {
		return "text/plain; charset=utf-8", []byte(a.Text + "\n")
	}
	if req.format == "verbose_json" && !s.opts.NoWords {
		seconds := func(n int) float64 { return float64(n) / float64(req.rate) }
		duration := seconds(len(req.pcm))
		a.Task, a.Language, a.Duration = "transcribe", "zh", &duration
		timed := func(words []heard, punct bool) *[]wordJSON {
			out := make([]wordJSON, len(words))
			for i, w := range words {
				out[i] = wordJSON{w.text, seconds(w.start), seconds(w.end), math.Round(w.confidence*1e4) / 1e4}
				if punct {
					out[i].Word += w.punct
				}
			}
			return &out
		}
		// OpenAI gives segments unless only words were asked for.
		wantWords := slices.Contains(req.granularities, "word")
		if wantWords && !s.opts.NestedWords {
			a.Words = timed(words, false)
		}
		if !wantWords || slices.Contains(req.granularities, "segment") || s.opts.NestedWords {
			segments := []segmentJSON{}
			for i, sentence := range sentences(words) {
				g := segmentJSON{
					ID: i, Start: seconds(sentence[0].start), End: seconds(sentence[len(sentence)-1].end),
					Text: text(sentence), Tokens: []int{}, CompressionRatio: 1,
				}
				for _, w := range sentence {
					g.AvgLogprob += math.Log(w.confidence) / float64(len(sentence))
				}
				if s.opts.NestedWords {
					g.Words = timed(sentence, true)
				}
				segments = append(segments, g)
			}
			a.Segments = &segments
		}
	}
	body, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings and finite numbers only
	}
	return "application/json", append(body, '\n')
}

func text(words []heard) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w.text)
		b.WriteString(w.punct)
	}
	return b.String()
}

// sentences splits after the marks that end one.
func sentences(words []heard) [][]heard {
	var out [][]heard
	from := 0
	for i, w := range words {
		if i == len(words)-1 || strings.ContainsAny(w.punct, "。？！…—") {
			out = append(out, words[from:i+1])
			from = i + 1
		}
	}
	return out
}

// refuse answers with an error as OpenAI shapes it.
func refuse(w http.ResponseWriter, status int, code, message string) {
	kind := "invalid_request_error"
	if status >= 500 {
		kind = "server_error"
	}
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": message, "type": kind, "param": nil, "code": code}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // a client that has left is no error of ours
}
