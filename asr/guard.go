package asr

import (
	"bytes"
	"compress/flate"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tingji/capture"
)

// Part is a piece of an answer as the engine rates it; whisper's segments.
type Part struct {
	Text        string
	Start, End  time.Duration // as of a TimedWord
	NoSpeech    float64       // probability that nobody speaks; 0 where unknown
	LogProb     float64       // mean of its tokens, at most 0; 0 where unknown
	Compression float64       // of its text; 0 where unknown
}

// Doubt is text that an engine most likely made up. It is no part of the
// segment's text.
type Doubt struct {
	Reason DoubtReason `json:"reason"`
	Start  int64       `json:"start"` // as of a [Word]
	End    int64       `json:"end"`
	Text   string      `json:"text"`
}

// DoubtReason says what speaks against a text; a stable word.
type DoubtReason string

const (
	NoSpeech    DoubtReason = "no-speech"     // the engine itself believes that nobody speaks
	TooMuchText DoubtReason = "too-much-text" // more than anybody says in that time
	Loop        DoubtReason = "loop"          // the same again and again
	Credits     DoubtReason = "credits"       // of films, from what engines were trained with
	PromptEcho  DoubtReason = "prompt-echo"   // the vocabulary that was sent along
)

const (
	// noSpeechProb with doubtfulLogProb, and surelyNoSpeech with unsureLogProb, are
	// whisper's own measure and a stricter one.
	noSpeechProb, doubtfulLogProb = 0.6, -1.0
	surelyNoSpeech, unsureLogProb = 0.9, -0.5
	// loopCompression is whisper's measure of a text that repeats itself.
	loopCompression = 2.4
	// A person says up to 9 syllables a second, and what the detector takes for
	// silence may hide some: freeSyllables and 15 a second are beyond anybody.
	freeSyllables, mostSyllables = 8, 15
	// echoWords are how many words of a prompt, in its order and with nothing
	// in between, nobody says by chance.
	echoWords = 3
)

// credits are phrases of subtitles. Those of the first list are never said in
// court; those of the second are doubted only where nothing else is said.
var (
	creditsAnywhere = []string{
		"amara.org", "字幕由", "字幕志愿者", "请不吝点赞", "点赞订阅", "明镜与点点", "优优独播剧场", "yoyotelevision",
		"mingpaocanada", "感谢观看请订阅", "subtitlesby", "pleasesubscribe",
	}
	creditsAlone = []string{
		"谢谢观看", "谢谢收看", "谢谢大家观看", "感谢观看", "感谢收看", "感谢您的观看", "谢谢大家收看", "下期再见", "我们下期再见", "中文字幕", "字幕",
		"thankyouforwatching", "thanksforwatching", "tobecontinued", "未完待续", "本期视频就到这里",
	}
)

// guard takes out of a segment what its engine most likely made up, and keeps it
// beside it. voiced is how much of the utterance the detector took for
// speech. Where nothing is left the utterance is marked as one that was not
// recognised: somebody may have spoken.
func guard(s *Segment, h Hypothesis, voiced time.Duration, prompt string) {
	if s.Text == "" {
		return
	}
	length := (s.Last + 1 - s.First).Duration()
	whole := Part{Text: s.Text, End: length}
	joined := ""
	for i, p := range h.Parts {
		joined += p.Text
		whole.NoSpeech = max(whole.NoSpeech, p.NoSpeech)
		whole.LogProb += p.LogProb / float64(len(h.Parts))
		if len(h.Parts) == 1 || i == 0 {
			whole.Compression = p.Compression
		}
	}
	parts := h.Parts
	if len(parts) < 2 || plain(joined) != plain(s.Text) {
		parts = []Part{whole}
	} else if reason := doubtText(s.Text, prompt); reason == Loop || reason == PromptEcho {
		parts = []Part{whole} // over several parts
	}
	if syllables(s.Text) > freeSyllables+int(mostSyllables*voiced.Seconds()) {
		s.doubt(Doubt{TooMuchText, s.First.Milliseconds(), (s.Last + 1).Milliseconds(), s.Text}, 0, len(s.Words))
		s.Text = ""
	}
	for _, p := range parts {
		reason := doubtText(p.Text, prompt)
		switch {
		case reason != "":
		case p.NoSpeech >= noSpeechProb && p.LogProb < doubtfulLogProb, p.NoSpeech >= surelyNoSpeech && p.LogProb < unsureLogProb:
			reason = NoSpeech
		case p.Compression > loopCompression && utf8.RuneCountInString(p.Text) >= 12:
			reason = Loop
		default:
			continue
		}
		if s.Text == "" {
			break
		}
		text := strings.TrimSpace(p.Text)
		at := strings.Index(s.Text, text)
		if at < 0 || len(parts) == 1 {
			at, text = 0, s.Text
		}
		from, to := 0, len(s.Words)
		d := Doubt{reason, s.First.Milliseconds(), (s.Last + 1).Milliseconds(), text}
		if len(parts) > 1 {
			d.Start, d.End = (s.First + capture.SamplesIn(p.Start)).Milliseconds(), (s.First + capture.SamplesIn(p.End)).Milliseconds()
			for from < to && s.Words[from].Start+s.Words[from].End < 2*d.Start {
				from++
			}
			for to > from && s.Words[to-1].Start+s.Words[to-1].End >= 2*d.End {
				to--
			}
		}
		s.doubt(d, from, to)
		s.Text = strings.TrimSpace(s.Text[:at] + s.Text[at+len(text):])
	}
	if s.Text == "" && len(s.Doubtful) > 0 {
		s.Words, s.Estimated = []Word{}, false
		s.Rejected = fmt.Sprintf("doubtful (%s): %s", s.Doubtful[0].Reason, s.Doubtful[0].Text)
	}
}

// doubt keeps words from one to another beside the text.
func (s *Segment) doubt(d Doubt, from, to int) {
	s.Doubtful = append(s.Doubtful, d)
	s.Words = append(append(make([]Word, 0, len(s.Words)), s.Words[:from]...), s.Words[to:]...)
}

// doubtText is what speaks against a text by itself; empty: nothing.
func doubtText(text, prompt string) DoubtReason {
	p := plain(text)
	switch {
	case loops(p) || compresses(text):
		return Loop
	case isCredits(p):
		return Credits
	case echoes(p, prompt):
		return PromptEcho
	}
	return ""
}

// plain is a text by its letters and figures alone.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || r == '.' {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// syllables of a text: a Han character is one, another word about two.
func syllables(text string) (n int) {
	inWord := false
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Han, r):
			n++
			inWord = false
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			if !inWord {
				n += 2
			}
			inWord = true
		default:
			inWord = false
		}
	}
	return n
}

// loops reports whether most of a text is one unit over and over: one character
// ten times (people do say 对对对对), up to four characters six times (不同意), a
// longer unit four times.
func loops(plain string) bool {
	r := []rune(plain)
	for unit := 1; unit <= 30 && unit*4 <= len(r); unit++ {
		least := 4
		if unit == 1 {
			least = 10
		} else if unit <= 4 {
			least = 6
		}
		run := 0 // characters that equal the one a unit before
		for i := unit; i < len(r); i++ {
			if r[i] != r[i-unit] {
				run = 0
				continue
			}
			run++
			if n := run + unit; n >= least*unit && 2*n >= len(r) {
				return true
			}
		}
	}
	return false
}

// compresses measures as whisper does, for engines that do not say.
func compresses(text string) bool {
	if len(text) < 60 {
		return false
	}
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		return false
	}
	w.Write([]byte(text)) // into memory: cannot fail
	w.Close()
	return float64(len(text)) > loopCompression*float64(out.Len())
}

func isCredits(plain string) bool {
	for _, c := range creditsAnywhere {
		if strings.Contains(plain, c) {
			return true
		}
	}
	for _, c := range creditsAlone {
		if plain == c {
			return true
		}
	}
	return false
}

// echoes reports whether a text is a run of the prompt's words and nothing else.
func echoes(plainText, prompt string) bool {
	words := strings.FieldsFunc(prompt, func(r rune) bool { return r == '，' || r == ',' || r == '、' || unicode.IsSpace(r) })
	for i := range words {
		rest, n := plainText, 0
		for _, w := range words[i:] {
			after, ok := strings.CutPrefix(rest, plain(w))
			if !ok || plain(w) == "" {
				break
			}
			rest, n = after, n+1
			if n >= echoWords && rest == "" {
				return true
			}
		}
	}
	return false
}

// check holds a part to what it says of itself.
func (p *Part) check(clip time.Duration) bool {
	finite := func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
	return utf8.ValidString(p.Text) && p.Start >= 0 && p.End >= p.Start && p.End <= clip &&
		finite(p.NoSpeech) && finite(p.LogProb) && finite(p.Compression)
}
