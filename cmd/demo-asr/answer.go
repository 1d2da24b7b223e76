package main

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
)

// segmentPause splits an answer into segments, in seconds.
const segmentPause = 0.5

// The JSON of an answer, in OpenAI's words; engine, model and probability are
// additions, which clients that do not know them pass over.
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
	ID               int     `json:"id"`
	Seek             int     `json:"seek"`
	Start            float64 `json:"start"`
	End              float64 `json:"end"`
	Text             string  `json:"text"`
	Tokens           []int   `json:"tokens"`
	Temperature      float64 `json:"temperature"`
	AvgLogprob       float64 `json:"avg_logprob"`
	CompressionRatio float64 `json:"compression_ratio"`
	NoSpeechProb     float64 `json:"no_speech_prob"`
}

type wordJSON struct {
	Word        string  `json:"word"`
	Start       float64 `json:"start"`
	End         float64 `json:"end"`
	Probability float64 `json:"probability"`
}

// render is the answer in the format that was asked for.
func render(req *request, words []word) (contentType string, body []byte) {
	text := join(words)
	if req.format == "text" {
		return "text/plain; charset=utf-8", []byte(text + "\n")
	}
	a := answerJSON{Text: text, Engine: engineName, Model: modelName}
	if req.format == "verbose_json" {
		duration := float64(len(req.pcm)) / rate
		a.Task, a.Language, a.Duration = "transcribe", "zh", &duration
		wantWords := slices.Contains(req.granularities, "word")
		if wantWords {
			list := []wordJSON{}
			for _, w := range words {
				list = append(list, wordJSON{w.text, w.start, w.end, rounded(w.probability)})
			}
			a.Words = &list
		}
		if !wantWords || slices.Contains(req.granularities, "segment") {
			list := segments(words)
			a.Segments = &list
		}
	}
	body, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings and finite numbers only
	}
	return "application/json", append(body, '\n')
}

// segments are the words between two pauses.
func segments(words []word) []segmentJSON {
	list := []segmentJSON{}
	for from := 0; from < len(words); {
		to := from + 1
		for to < len(words) && words[to].start-words[to-1].end < segmentPause {
			to++
		}
		s := segmentJSON{ID: len(list), Start: words[from].start, End: words[to-1].end, Text: join(words[from:to]), Tokens: []int{}, CompressionRatio: 1}
		for _, w := range words[from:to] {
			s.AvgLogprob += math.Log(max(w.probability, 1e-4)) / float64(to-from)
		}
		s.AvgLogprob = rounded(s.AvgLogprob)
		list = append(list, s)
		from = to
	}
	return list
}

func join(words []word) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w.text)
	}
	return b.String()
}

func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// refuse answers with an error as OpenAI shapes it.
func refuse(w http.ResponseWriter, f *refusal) {
	kind := "invalid_request_error"
	if f.status >= http.StatusInternalServerError {
		kind = "server_error"
	}
	writeJSON(w, f.status, map[string]any{"error": map[string]any{"message": f.message, "type": kind, "param": nil, "code": f.code}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // a client that has left is no error of ours
}
