package transcription

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
)

// Word is a word that was heard. Times are seconds since the start of the clip.
type Word struct {
	Text       string
	Punct      string // behind it in the text; no part of the word
	Start, End float64
	Confidence float64 // above 0, to 1
}

// Answer is what an engine heard.
type Answer struct {
	Engine, Model string
	Segments      [][]Word // none is empty
	// Nested puts word times into the segments, as whisper.cpp does, where they
	// keep their punctuation; NoTimes leaves all times out.
	Nested, NoTimes bool
}

// The JSON of an answer, in OpenAI's words. Engine, Model and probability are
// additions; clients that do not know them pass over them.
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

// Render is the answer in the format that was asked for.
func (a *Answer) Render(req *Request) (contentType string, body []byte) {
	words := slices.Concat(a.Segments...)
	out := answerJSON{Text: textOf(words), Engine: a.Engine, Model: a.Model}
	if req.Format == "text" {
		return "text/plain; charset=utf-8", []byte(out.Text + "\n")
	}
	if req.Format == "verbose_json" && !a.NoTimes {
		duration := float64(len(req.PCM)) / float64(req.Rate)
		out.Task, out.Language, out.Duration = "transcribe", "zh", &duration
		// OpenAI gives segments unless only words were asked for.
		wantWords := slices.Contains(req.Granularities, "word")
		if wantWords && !a.Nested {
			out.Words = timed(words, false)
		}
		if !wantWords || slices.Contains(req.Granularities, "segment") || a.Nested {
			segments := []segmentJSON{}
			for i, s := range a.Segments {
				g := segmentJSON{ID: i, Start: s[0].Start, End: s[len(s)-1].End, Text: textOf(s), Tokens: []int{}, CompressionRatio: 1}
				for _, w := range s {
					g.AvgLogprob += math.Log(max(w.Confidence, 1e-4)) / float64(len(s))
				}
				g.AvgLogprob = rounded(g.AvgLogprob)
				if a.Nested {
					g.Words = timed(s, true)
				}
				segments = append(segments, g)
			}
			out.Segments = &segments
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		panic(err) // strings and finite numbers only
	}
	return "application/json", append(body, '\n')
}

func timed(words []Word, punct bool) *[]wordJSON {
	out := make([]wordJSON, len(words))
	for i, w := range words {
		out[i] = wordJSON{w.Text, w.Start, w.End, rounded(w.Confidence)}
		if punct {
			out[i].Word += w.Punct
		}
	}
	return &out
}

func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }

func textOf(words []Word) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w.Text)
		b.WriteString(w.Punct)
	}
	return b.String()
}
