package openai

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tingji/asr"
)

const (
	// maxText bounds an answer's text, in bytes: a hundred times what can be
	// said in the longest utterance. An engine beyond it is in a loop.
	maxText  = 64 << 10
	maxWords = 8 << 10
	// slack is how far a time may be out of place and is still believed, once
	// moved into place: engines round, and whisper's last word runs over the end.
	slack = 500 * time.Millisecond
)

// The answers of all servers, in one. What has another shape than expected is
// taken as absent, except the text.
type (
	transcript struct {
		Text     *string         `json:"text"`
		Language string          `json:"language"`
		Engine   string          `json:"engine"` // ours only, of those we know
		Segments json.RawMessage `json:"segments"`
		Words    json.RawMessage `json:"words"`
		Stamps   json.RawMessage `json:"timestamp"` // FunASR: [[from, to], …] in milliseconds, for each character or word
	}
	segment struct {
		Text       string          `json:"text"`
		Start      number          `json:"start"`
		End        number          `json:"end"`
		AvgLogprob number          `json:"avg_logprob"`
		NoSpeech   number          `json:"no_speech_prob"`
		Compressed number          `json:"compression_ratio"`
		Words      json.RawMessage `json:"words"`
	}
	word struct {
		Word        string `json:"word"`
		Text        string `json:"text"`
		Start       number `json:"start"` // seconds
		End         number `json:"end"`
		Probability number `json:"probability"`
		Confidence  number `json:"confidence"`
	}
)

// number is a JSON number, or a string that holds one; NaN where it is absent,
// null, or anything else.
type number struct {
	value float64
	set   bool
}

func (n *number) UnmarshalJSON(b []byte) error {
	value, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	*n = number{value, err == nil && !math.IsNaN(value) && !math.IsInf(value, 0)}
	return nil
}

// seconds is n as a time; ok is false where it says nothing or nonsense.
func (n number) seconds() (d time.Duration, ok bool) {
	if !n.set || math.Abs(n.value) > 24*3600 {
		return 0, false
	}
	return time.Duration(math.Round(n.value * float64(time.Second))), true
}

// read makes a hypothesis of a successful answer to a clip of the given length.
func (e *Engine) read(a answer, length time.Duration) (asr.Hypothesis, error) {
	h := e.unheard()
	body := bytes.TrimSpace(a.body)
	if !bytes.HasPrefix(body, []byte("{")) {
		kind := a.header.Get("Content-Type")
		if !strings.HasPrefix(kind, "text/plain") {
			return h, e.retry(fmt.Sprintf("answered %q, which is no JSON", kind), 0)
		}
		h.Text = clean(string(body))
		return h, e.finish(&h, length)
	}

	var t transcript
	if err := unmarshal(body, &t); err != nil {
		return h, e.retry("answered broken JSON, cut short perhaps", 0)
	}
	segments := list[segment](t.Segments)
	for i := range segments {
		s := &segments[i]
		e.quirks.inSeconds(&s.Start)
		e.quirks.inSeconds(&s.End)
		if e.quirks.noRatings {
			s.AvgLogprob, s.NoSpeech, s.Compressed = number{}, number{}, number{}
		}
	}
	switch {
	case t.Text != nil:
		h.Text = clean(*t.Text)
	case t.Segments != nil && segments != nil:
		var text strings.Builder
		for _, s := range segments {
			text.WriteString(s.Text)
		}
		h.Text = clean(text.String())
	default:
		return h, e.retry("answered without a text: "+a.message(), 0)
	}
	if t.Engine == asr.Demonstration {
		h.Engine = t.Engine // whatever it is configured as: it must not pass for a real one
	}
	if t.Language != "" {
		h.Language = languageCode(t.Language)
	}

	words := list[word](t.Words)
	if len(words) > maxWords || len(segments) > maxWords {
		return h, e.rejected(fmt.Sprintf("answered more than %d words for %v", maxWords, length))
	}
	confidence := make([]float64, 0, len(words)) // from the segment, for each word
	if len(words) > 0 {
		for _, w := range words {
			confidence = append(confidence, confidenceAt(segments, w))
		}
	} else {
		for _, s := range segments {
			inside := list[word](s.Words)
			words = append(words, inside...)
			confidence = append(confidence, slices.Repeat([]float64{s.confidence()}, len(inside))...)
		}
	}
	h.Parts = parts(segments, length)
	if len(words) == 0 {
		h.Words = asr.TimeWords(h.Text, list[[2]float64](t.Stamps), length)
	}
	exact := true
	for i, w := range words {
		timed := asr.TimedWord{Text: clean(cmp.Or(w.Word, w.Text)), Confidence: confidence[i]}
		if timed.Text == "" {
			continue
		}
		// whisper.cpp splits a character over tokens: then the words are wreckage
		// and only the text is whole.
		if strings.ContainsRune(timed.Text, unicode.ReplacementChar) {
			h.Words = nil
			break
		}
		for _, p := range []number{w.Probability, w.Confidence} {
			if p.set && p.value >= 0 && p.value <= 1 {
				timed.Confidence = p.value
			}
		}
		var startOK, endOK bool
		timed.Start, startOK = w.Start.seconds()
		timed.End, endOK = w.End.seconds()
		exact = exact && startOK && endOK
		h.Words = append(h.Words, timed)
	}
	if len(h.Words) == 0 && h.Text != "" {
		h.Words = spreadSegments(segments, h.Text, length)
		h.Estimated = len(h.Words) > 0
	}
	if !exact || !settle(h.Words, length) {
		asr.SpreadWords(h.Words, 0, length)
		h.Estimated = true
	}
	return h, e.finish(&h, length)
}

// finish holds the answer to its bounds and spreads words where none are timed.
func (e *Engine) finish(h *asr.Hypothesis, length time.Duration) error {
	size := len(h.Text)
	inWords := 0
	for _, w := range h.Words {
		inWords += len(w.Text)
	}
	size = max(size, inWords)
	if size > maxText {
		return e.rejected(fmt.Sprintf("answered %d bytes of text for %v", size, length))
	}
	if h.Text == "" {
		h.Words, h.Estimated = nil, false
		return nil
	}
	if len(h.Words) == 0 {
		h.Words, h.Estimated = asr.Spread(h.Text, 0, length), true
	}
	return nil
}

// settle moves times that are slightly out of place, into the clip and into
// order. It reports false where they cannot be believed.
func settle(words []asr.TimedWord, length time.Duration) bool {
	var before time.Duration // end of the word before
	for i := range words {
		w := &words[i]
		if w.Start < before-slack || w.End < w.Start-slack || w.Start > length+slack || w.End > length+slack {
			return false
		}
		w.Start = min(max(w.Start, before), length)
		w.End = min(max(w.End, w.Start), length)
		before = w.End
	}
	return len(words) < 2 || before > words[0].Start // not all at one instant
}

// spreadSegments spreads text over the times of the segments, where these make
// up the text and have times in order; nil otherwise.
func spreadSegments(segments []segment, text string, length time.Duration) []asr.TimedWord {
	var words []asr.TimedWord
	var joined strings.Builder
	var before time.Duration
	for _, s := range segments {
		start, startOK := s.Start.seconds()
		end, endOK := s.End.seconds()
		if !startOK || !endOK || start < before-slack || end < start {
			return nil
		}
		start = min(max(start, before), length)
		end = min(max(end, start), length) // whisper pads clips to 30 s and says so
		before = end
		part := asr.Spread(clean(s.Text), start, end)
		for i := range part {
			part[i].Confidence = s.confidence()
		}
		words = append(words, part...)
		joined.WriteString(s.Text)
	}
	if squeeze(joined.String()) != squeeze(text) {
		return nil
	}
	return words
}

// parts are the segments as the engine rates them; nil where one has no place in
// the clip.
func parts(segments []segment, length time.Duration) (list []asr.Part) {
	for _, s := range segments {
		start, startOK := s.Start.seconds()
		end, endOK := s.End.seconds()
		if !startOK || !endOK || end < start {
			return nil
		}
		p := asr.Part{Text: clean(s.Text), Start: min(max(start, 0), length), End: min(max(end, 0), length)}
		if p.Text == "" {
			continue
		}
		if s.NoSpeech.set && s.NoSpeech.value >= 0 && s.NoSpeech.value <= 1 {
			p.NoSpeech = s.NoSpeech.value
		}
		if s.AvgLogprob.set && s.AvgLogprob.value <= 0 {
			p.LogProb = s.AvgLogprob.value
		}
		if s.Compressed.set && s.Compressed.value > 0 {
			p.Compression = s.Compressed.value
		}
		list = append(list, p)
	}
	return list
}

// confidence is the geometric mean of the segment's token probabilities: a
// fair guess for each of its words where the engine gives none for the word.
// Zero where it is unknown.
func (s segment) confidence() float64 {
	if !s.AvgLogprob.set || s.AvgLogprob.value > 0 {
		return 0
	}
	return math.Exp(s.AvgLogprob.value)
}

func confidenceAt(segments []segment, w word) float64 {
	middle := (w.Start.value + w.End.value) / 2
	for _, s := range segments {
		if s.Start.set && s.End.set && s.Start.value <= middle && middle <= s.End.value {
			return s.confidence()
		}
	}
	return 0
}

// list reads an array, leaving out the elements that do not fit; nil where raw
// is no array.
func list[T any](raw json.RawMessage) []T {
	var items []json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &items) != nil || items == nil {
		return nil
	}
	fit := make([]T, 0, len(items))
	for _, item := range items {
		var v T
		if json.Unmarshal(item, &v) == nil {
			fit = append(fit, v)
		}
	}
	return fit
}

// unmarshal is json.Unmarshal that takes the bare NaN and Infinity of Python
// servers as null.
func unmarshal(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	if err == nil {
		return nil
	}
	if mended, changed := nullForNaN(body); changed {
		return json.Unmarshal(mended, v)
	}
	return err
}

func nullForNaN(body []byte) (mended []byte, changed bool) {
	inString := false
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch {
		case inString && c == '\\' && i+1 < len(body):
			mended = append(mended, c)
			i++
			c = body[i]
		case c == '"':
			inString = !inString
		case !inString:
			if n := bareNumber(body[i:]); n > 0 {
				mended = append(mended, "null"...)
				changed = true
				i += n - 1
				continue
			}
		}
		mended = append(mended, c)
	}
	return mended, changed
}

// bareNumber is the length of the word for no number that b begins with.
func bareNumber(b []byte) int {
	for _, name := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(b, []byte(name)) {
			return len(name)
		}
	}
	return 0
}

// clean makes foreign text fit to keep: valid UTF-8, no control characters, one
// line, no space around it.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || r == 0x2028 || r == 0x2029:
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(untag(s), string(unicode.ReplacementChar)))
	return strings.TrimSpace(s)
}

// squeeze drops what segments and text may differ in.
func squeeze(s string) string { return strings.Join(strings.Fields(clean(s)), "") }

// languageCode gives the code for the names that whisper servers write out.
func languageCode(s string) string {
	s = strings.ToLower(clean(s))
	switch s {
	case "chinese", "mandarin":
		return "zh"
	case "cantonese":
		return "yue"
	case "english":
		return "en"
	}
	if len(s) > 32 {
		s = s[:32]
	}
	return strings.ToValidUTF8(s, "")
}
