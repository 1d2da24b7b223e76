package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// benefit is what the words that an engine was told of a case did to what it
// heard, by the record as people have corrected it.
type benefit struct {
	Hearing string       `json:"hearing"`
	Engines []string     `json:"engines"`
	Lines   int          `json:"lines"` // of the record that were compared
	Words   []wordEffect `json:"words"`
}

// wordEffect is one word's. It helps where it is heard only because it was told, and
// harms where it is heard although nobody said it, or not heard any more.
type wordEffect struct {
	Word   string `json:"word"`
	Said   int    `json:"said"`  // in the record
	Heard  int    `json:"heard"` // rightly, with the vocabulary
	Helped int    `json:"helped"`
	Harmed int    `json:"harmed"`
}

// withoutVocabulary is a hearing of which an engine is told nothing.
func withoutVocabulary(h capture.Hearing) capture.Hearing {
	h.Participants, h.Hotwords, h.Cause = nil, nil, ""
	return h
}

// weigh compares, line by line, what was heard with the vocabulary and without it.
// The same sound has given the same utterances, so that the three go by their names.
func weigh(record transcript.Record, with, without []asr.Segment) benefit {
	b := benefit{Hearing: record.Hearing.ID, Engines: []string{}}
	told, untold := map[string]string{}, map[string]string{}
	engines := map[string]bool{}
	for _, s := range with {
		told[s.Utterance] = s.Text
		if s.Engine != "" && !engines[s.Engine] {
			engines[s.Engine] = true
			b.Engines = append(b.Engines, s.Engine)
		}
	}
	for _, s := range without {
		untold[s.Utterance] = s.Text
	}
	for _, word := range asr.Vocabulary(record.Hearing) {
		b.Words = append(b.Words, wordEffect{Word: word})
	}
	for _, l := range record.Lines {
		heard, ok := told[l.ID]
		if l.Origin != transcript.Speech || !ok {
			continue
		}
		b.Lines++
		for i := range b.Words {
			b.Words[i].count(l.Text, heard, untold[l.ID])
		}
	}
	return b
}

func (w *wordEffect) count(record, with, without string) {
	in := func(s string) int { return strings.Count(withoutMarks(s), withoutMarks(w.Word)) }
	said, told, untold := in(record), in(with), in(without)
	right, rightUntold := min(told, said), min(untold, said)
	w.Said += said
	w.Heard += right
	w.Helped += max(right-rightUntold, 0)
	w.Harmed += max(rightUntold-right, 0) + max(max(told-said, 0)-max(untold-said, 0), 0)
}

func (b benefit) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(b)
}

func (b benefit) writeText(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintln(&out, "said  heard  helped  harmed  word")
	for _, e := range b.Words {
		fmt.Fprintf(&out, "%4d  %5d  %6d  %6d  %s\n", e.Said, e.Heard, e.Helped, e.Harmed, e.Word)
	}
	fmt.Fprintf(&out, "%d lines, decoded with the vocabulary and without it. The record was not changed. Engine: %s\n", b.Lines, strings.Join(b.Engines, ", "))
	_, err := io.WriteString(w, out.String())
	return err
}
