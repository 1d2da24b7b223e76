package openai

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tingji/asr"
	"tingji/asr/demo"
	"tingji/testdata/hearing"
)

// TestSampleHearing sends every utterance that the endpointer finds in the
// sample hearing to an engine which knows what was said: what is not the
// reference then is this side's error. Both shapes of answers, and none.
func TestSampleHearing(t *testing.T) {
	h, err := hearing.Load()
	if err != nil {
		t.Fatal(err)
	}
	var recordings []demo.Recording
	for _, r := range h.Recordings {
		d := demo.Recording{Name: r.Channel, Rate: h.Rate, PCM: r.PCM}
		for _, s := range h.Sentences {
			if s.Channel != r.Channel {
				continue
			}
			for _, w := range s.Words {
				d.Words = append(d.Words, demo.Word{Text: w.Text, Punct: w.Punct, Start: int(w.StartMS) * 16, End: int(w.EndMS) * 16})
			}
		}
		recordings = append(recordings, d)
	}
	for name, options := range map[string]demo.Options{"top": {}, "nested": {NestedWords: true}, "no words": {NoWords: true}} {
		t.Run(name, func(t *testing.T) {
			server := demo.New(recordings, options, slog.New(slog.DiscardHandler))
			ctx, cancel := context.WithCancel(t.Context())
			url, err := server.Listen(ctx, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- server.Run(ctx) }()
			defer func() { cancel(); <-served }()
			e, err := New(Config{BaseURL: url, Timeout: 10 * time.Second}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()

			var wordErrors []int64 // of starts and ends, ms
			for _, r := range h.Recordings {
				ends, err := asr.NewEndpointer(asr.Pauses{}, 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				var said []string
				var words []hearing.Word
				for _, s := range append(ends.Write(r.PCM), ends.Flush()...) {
					if !s.Speech {
						continue
					}
					heard, err := e.Recognize(ctx, asr.Clip{Samples: s.Samples, Final: true})
					if err != nil {
						t.Fatal(err)
					}
					if heard.Text == "" {
						continue // another seat's voice
					}
					said = append(said, heard.Text)
					for _, w := range heard.Words {
						words = append(words, hearing.Word{Text: w.Text, StartMS: (s.First.Duration() + w.Start).Milliseconds(), EndMS: (s.First.Duration() + w.End).Milliseconds()})
					}
				}
				var want []string
				var reference []hearing.Word
				for _, s := range h.Sentences {
					if s.Channel == r.Channel {
						want = append(want, s.Text)
						reference = append(reference, s.Words...)
					}
				}
				if !slices.Equal(said, want) {
					t.Errorf("%s: heard\n%s\nsaid\n%s", r.Channel, strings.Join(said, "\n"), strings.Join(want, "\n"))
				}
				if options.NoWords {
					continue
				}
				if len(words) != len(reference) {
					t.Fatalf("%s: %d words, said %d", r.Channel, len(words), len(reference))
				}
				for i, w := range words {
					for _, d := range []int64{w.StartMS - reference[i].StartMS, w.EndMS - reference[i].EndMS} {
						wordErrors = append(wordErrors, max(d, -d))
					}
				}
			}
			if !options.NoWords {
				slices.Sort(wordErrors)
				if worst := wordErrors[len(wordErrors)-1]; worst > 1 {
					t.Errorf("a word is %d ms out of place", worst)
				}
			}
		})
	}
}
