package funasr

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"tingji/asr"
)

const (
	maxText      = 64 << 10 // bytes of a whole answer
	maxSentences = 1 << 10
)

// message is what a server says.
type message struct {
	Mode    string          `json:"mode"` // 2pass-online, 2pass-offline; online, offline
	Text    *string         `json:"text"`
	IsFinal bool            `json:"is_final"`
	Stamps  json.RawMessage `json:"timestamp"` // [[from, to], …] in ms, as a string or as it is
}

// answer is what a server has said of a clip. The zero value is empty.
type answer struct {
	sentences []sentence // corrected by the second pass
	online    string     // what the first pass heard since
	size      int
	ended     bool // the server said so
}

type sentence struct {
	text   string
	stamps [][2]float64
}

// corrected reports whether the second pass has said all that the first has heard.
func (a *answer) corrected() bool { return len(a.sentences) > 0 && a.online == "" }

// take takes in a message; last: the server says that it is its last.
func (a *answer) take(data []byte) (last bool, err error) {
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		return false, errors.New("broken JSON")
	}
	if m.Text == nil {
		return m.IsFinal, nil
	}
	text := clean(*m.Text)
	if a.size += len(text); a.size > maxText || len(a.sentences) >= maxSentences {
		return false, fmt.Errorf("more than %d bytes of text for one clip", maxText)
	}
	if strings.HasSuffix(m.Mode, "online") {
		a.online += text
		return m.IsFinal, nil
	}
	a.online = "" // the second pass replaces it
	if text != "" {
		a.sentences = append(a.sentences, sentence{text, stampsOf(m.Stamps)})
	}
	return m.IsFinal, nil
}

// stampsOf reads times, in either form; nil where there are none.
func stampsOf(raw json.RawMessage) (stamps [][2]float64) {
	var inside string
	if json.Unmarshal(raw, &inside) == nil {
		raw = json.RawMessage(inside)
	}
	if json.Unmarshal(raw, &stamps) != nil {
		return nil
	}
	return stamps
}

// write makes a hypothesis of the answer.
func (a *answer) write(h *asr.Hypothesis, clip time.Duration) {
	var stamps [][2]float64
	for _, s := range a.sentences {
		h.Text = join(h.Text, s.text)
		stamps = append(stamps, s.stamps...)
	}
	h.Text = join(h.Text, a.online) // of a clip that is still being spoken
	if h.Text == "" {
		return
	}
	if h.Words = asr.TimeWords(h.Text, stamps, clip); h.Words == nil {
		h.Words, h.Estimated = asr.Spread(h.Text, 0, clip), true
	}
}

// join joins sentences, with a space between two words of letters.
func join(a, b string) string {
	end, begin := []rune(a), []rune(b)
	if len(end) > 0 && len(begin) > 0 && letter(end[len(end)-1]) && letter(begin[0]) {
		return a + " " + b
	}
	return a + b
}

func letter(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsNumber(r)) && !unicode.Is(unicode.Han, r)
}

// tags are what SenseVoice writes into its text.
var tags = regexp.MustCompile(`<\|[^|<>]{1,32}\|>`)

// clean makes foreign text fit to keep.
func clean(s string) string {
	s = tags.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}
