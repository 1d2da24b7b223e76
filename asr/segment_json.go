package asr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"tingji/capture"
)

// Bounds of a segment, far beyond what an utterance can be.
const (
	maxSegmentBytes = 1 << 20
	maxSegmentText  = 64 << 10 // bytes
	maxSegmentWords = 8 << 10
	maxStateBytes   = 16 << 10
	maxIndex        = 1<<53 - 1 // of samples, epochs and numbers: exact in every JSON reader
)

// ParseSegment reads a message of segments.v1 and holds it to the rules of
// [Segment]. Unknown fields are left to newer readers.
func ParseSegment(b []byte) (Segment, error) {
	var s Segment
	if len(b) > maxSegmentBytes {
		return s, fmt.Errorf("read segment: %d bytes", len(b))
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("read segment: %w", err)
	}
	if err := s.check(); err != nil {
		return s, fmt.Errorf("read segment %q: %w", shorten(s.ID), err)
	}
	return s, nil
}

func (s *Segment) check() error {
	if s.V != 1 {
		return fmt.Errorf("version %d is unknown", s.V)
	}
	if err := capture.CheckName(s.Hearing); err != nil {
		return fmt.Errorf("hearing: %w", err)
	}
	if err := capture.CheckName(s.Channel); err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	length := s.Last - s.First + 1
	switch {
	case s.Epoch < 1 || s.Epoch > maxIndex:
		return fmt.Errorf("epoch %d", s.Epoch)
	case s.First < 0 || s.First > maxIndex || length < 0 || s.Last > maxIndex:
		return fmt.Errorf("samples %d to %d", s.First, s.Last)
	case s.Utterance != UtteranceID(s.Channel, s.Epoch, s.First):
		return fmt.Errorf("utterance %q is not that of its place", shorten(s.Utterance))
	case s.ID != s.Hearing+"/"+s.Utterance:
		return errors.New("id is not hearing/utterance")
	case s.StartedAt.IsZero() || s.StartedAt.Year() > 9999:
		return fmt.Errorf("started at %v", s.StartedAt)
	}
	for _, text := range []string{s.Text, s.Engine, s.Model, s.Language, s.Rejected} {
		if len(text) > maxSegmentText || !utf8.ValidString(text) {
			return fmt.Errorf("a text of %d bytes, or not UTF-8", len(text))
		}
	}
	switch s.Stage {
	case Partial:
		if s.Before != nil || s.After != nil || s.State != nil {
			return errors.New("a partial with positions")
		}
		if s.Stable < 0 || s.Stable > utf8.RuneCountInString(s.Text) {
			return fmt.Errorf("%d stable characters of a shorter text", s.Stable)
		}
	case Final, Silence:
		if err := s.checkStep(); err != nil {
			return err
		}
	default:
		return fmt.Errorf("stage %q is unknown", shorten(string(s.Stage)))
	}
	switch {
	case s.Stage == Silence && (s.Text != "" || len(s.Words) > 0 || s.Rejected != ""):
		return errors.New("silence with words")
	case s.Stage != Silence && length == 0:
		return errors.New("an utterance without samples")
	case s.Rejected != "" && s.Text != "":
		return errors.New("rejected, and yet with a text")
	}
	if err := s.checkAside(); err != nil {
		return err
	}
	return s.checkWords()
}

// checkAside looks at what was heard of other seats, and at what is doubtful.
func (s *Segment) checkAside() error {
	if len(s.Crosstalk) > 0 && s.Stage != Final {
		return fmt.Errorf("crosstalk in a %s", s.Stage)
	}
	if len(s.Crosstalk) > maxSegmentWords {
		return fmt.Errorf("%d pieces of crosstalk", len(s.Crosstalk))
	}
	size := 0
	for i, c := range s.Crosstalk {
		size += len(c.Text)
		switch {
		case capture.CheckName(c.From) != nil || c.From == s.Channel:
			return fmt.Errorf("crosstalk %d from %q", i, shorten(c.From))
		case !(c.GainDB <= 0 && c.GainDB >= -200):
			return fmt.Errorf("crosstalk %d with a gain of %v dB", i, c.GainDB)
		case c.Start < s.First.Milliseconds() || c.End < c.Start || c.End > (s.Last+capture.SamplesIn(time.Millisecond)).Milliseconds():
			return fmt.Errorf("crosstalk %d from %d to %d ms", i, c.Start, c.End)
		case !utf8.ValidString(c.Text) || size > maxSegmentText:
			return fmt.Errorf("crosstalk %d is not UTF-8, or too long", i)
		}
	}
	if len(s.Doubtful) > 0 && s.Stage != Final || len(s.Doubtful) > maxSegmentWords {
		return fmt.Errorf("%d doubts in a %s", len(s.Doubtful), s.Stage)
	}
	for i, d := range s.Doubtful {
		size += len(d.Text)
		switch {
		case d.Reason == "" || len(d.Reason) > 64 || !utf8.ValidString(string(d.Reason)):
			return fmt.Errorf("doubt %d without a reason", i)
		case d.Start < s.First.Milliseconds() || d.End < d.Start || d.End > (s.Last+capture.SamplesIn(time.Millisecond)).Milliseconds():
			return fmt.Errorf("doubt %d from %d to %d ms", i, d.Start, d.End)
		case !utf8.ValidString(d.Text) || size > 2*maxSegmentText:
			return fmt.Errorf("doubt %d is not UTF-8, or too long", i)
		}
	}
	return nil
}

// checkStep looks at what only finals and silences have.
func (s *Segment) checkStep() error {
	b, a := s.Before, s.After
	switch {
	case b == nil || a == nil:
		return errors.New("without positions")
	case b.Sample < 0 || b.Sample > maxIndex || a.Sample < 0 || a.Sample > maxIndex ||
		b.Epoch > maxIndex || b.Seq > maxIndex || a.Seq > maxIndex:
		return errors.New("a position out of range")
	case a.Epoch != s.Epoch || a.Sample != s.Last+1:
		return errors.New("it does not end at the position after it")
	case b.Epoch > a.Epoch || b.Epoch == a.Epoch && b.Sample > s.First:
		return errors.New("it does not follow the position before it")
	case b.Seq > a.Seq:
		return errors.New("chunk numbers go backwards")
	case len(s.State) > maxStateBytes || len(s.State) > 0 && !bytes.HasPrefix(s.State, []byte("{")):
		return errors.New("state is no object, or too long")
	}
	return nil
}

// checkWords holds the words to the utterance and to their order.
func (s *Segment) checkWords() error {
	if len(s.Words) > maxSegmentWords {
		return fmt.Errorf("%d words", len(s.Words))
	}
	before, last := s.First.Milliseconds(), (s.Last + capture.SamplesIn(time.Millisecond)).Milliseconds()
	for i, w := range s.Words {
		switch {
		case w.Start < before || w.End < w.Start || w.End > last:
			return fmt.Errorf("word %d from %d to %d ms: after %d, until %d", i, w.Start, w.End, before, last)
		case !(w.Confidence >= 0 && w.Confidence <= 1):
			return fmt.Errorf("word %d with confidence %v", i, w.Confidence)
		case !utf8.ValidString(w.Text):
			return fmt.Errorf("word %d is not UTF-8", i)
		}
		before = w.End
	}
	return nil
}

// shorten makes a foreign string fit for an error.
func shorten(s string) string {
	if len(s) > 100 {
		s = s[:100]
	}
	return s
}
