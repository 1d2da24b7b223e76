package asr

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"tingji/capture"
)

// Clip is what an engine is asked to decode: one utterance, or as much of it
// as has been spoken.
type Clip struct {
	Samples []int16 // at capture.Rate, mono; not to be changed or kept
	Prompt  string  // vocabulary of the case, most useful first
	Final   bool    // the utterance has ended
}

// Demonstration is what segments call the demonstration engine, replaying or
// recognising: what it made is nobody's record.
const Demonstration = "示例识别引擎"

func (c Clip) length() time.Duration { return capture.SampleIndex(len(c.Samples)).Duration() }

// Hypothesis is an engine's answer for a clip.
type Hypothesis struct {
	Text      string
	Words     []TimedWord // empty, or in order
	Estimated bool        // the word times are spread, not measured
	Engine    string
	Model     string
	Language  string
	// Parts are the text with the engine's own doubts; empty where it has none.
	Parts []Part
}

// check holds an answer to the rules above.
func (h *Hypothesis) check(clip time.Duration) error {
	if len(h.Text) > maxSegmentText || len(h.Words) > maxSegmentWords {
		return fmt.Errorf("%d bytes of text, %d words", len(h.Text), len(h.Words))
	}
	valid := utf8.ValidString(h.Text) && utf8.ValidString(h.Engine) && utf8.ValidString(h.Model) && utf8.ValidString(h.Language)
	size := 0
	var before time.Duration
	for i, w := range h.Words {
		if w.Start < before || w.End < w.Start || w.End > clip {
			return fmt.Errorf("word %d from %v to %v: after %v, until %v", i, w.Start, w.End, before, clip)
		}
		if !(w.Confidence >= 0 && w.Confidence <= 1) {
			return fmt.Errorf("word %d with confidence %v", i, w.Confidence)
		}
		valid = valid && utf8.ValidString(w.Text)
		size += len(w.Text)
		before = w.End
	}
	for _, p := range h.Parts {
		size += len(p.Text)
		if !p.check(clip) {
			return fmt.Errorf("a part from %v to %v of %v, or rated by no number", p.Start, p.End, clip)
		}
	}
	if !valid || size > 3*maxSegmentText {
		return fmt.Errorf("%d bytes of words, or not UTF-8", size)
	}
	return nil
}

// TimedWord is a word with its place in the clip.
type TimedWord struct {
	Text       string
	Start, End time.Duration // since the clip's first sample; 0 ≤ Start ≤ End ≤ clip length, and not before the End of the word before
	Confidence float64       // 0 to 1; 0 where the engine says nothing
}

// Recognizer decodes clips. It is safe for use by several goroutines.
//
// Errors are a *RejectedError (this clip will never be decoded), a
// *UnavailableError (the engine refuses us: wrong key, wrong address), or
// anything else, which is worth trying again.
type Recognizer interface {
	Recognize(ctx context.Context, clip Clip) (Hypothesis, error)
}

// RejectedError says that the engine refused this clip for what it is; the
// same clip would be refused again.
type RejectedError struct {
	Engine string
	Reason string // the engine's own words, one line
}

func (e *RejectedError) Error() string {
	return fmt.Sprintf("%s refused the clip: %s", e.Engine, e.Reason)
}

// UnavailableError says that the engine refuses every clip until somebody
// mends the configuration: a wrong key, a wrong address, no such model.
type UnavailableError struct {
	Engine string
	Reason string // one line: what, where, what to do
}

func (e *UnavailableError) Error() string { return fmt.Sprintf("%s: %s", e.Engine, e.Reason) }

// RetryError says that the engine cannot answer now. After is how long it asked
// us to wait (Retry-After), zero where it did not say.
type RetryError struct {
	Engine string
	Reason string
	After  time.Duration
}

func (e *RetryError) Error() string { return fmt.Sprintf("%s: %s", e.Engine, e.Reason) }
