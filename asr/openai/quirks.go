package openai

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// quirks are what a server does in its own way. The zero value is OpenAI's.
type quirks struct {
	// parallel bounds the calls at a time, whatever is configured; 0: no bound.
	parallel int
	// shape is the richest answer that it is worth asking for.
	shape int32
	// shortLanguage: zh-CN is passed over without a word, zh is understood.
	shortLanguage bool
	// nanoseconds: times are Go durations written as numbers.
	nanoseconds bool
	// noRatings: the numbers in the place of ratings are none.
	noRatings bool
	// noPrompt: the prompt is refused, or written into the text.
	noPrompt bool
}

// servers are the kinds of server that Config.Server may name.
var servers = map[string]quirks{
	"":        {},
	"openai":  {},
	"demo":    {},
	"whisper": {parallel: 1, shortLanguage: true}, // whisper.cpp: one model, one lock
	// speaches and the other fronts of faster-whisper keep to OpenAI's words.
	"speaches": {shortLanguage: true},
	// vLLM has no word times; each segment says avg_logprob and compression_ratio -1.
	"vllm": {shape: verbose, shortLanguage: true, noRatings: true},
	// LocalAI has no word times (its issue 9306) and no ratings.
	"localai": {shape: verbose, shortLanguage: true, nanoseconds: true, noRatings: true},
	// The fronts of FunASR answer text, with the model's tags in it, and times by
	// character in milliseconds.
	"funasr": {shape: verbose, noRatings: true, noPrompt: true},
}

// Servers are the names that Config.Server takes, without the empty one.
func Servers() []string {
	names := slices.Sorted(maps.Keys(servers))
	return slices.DeleteFunc(names, func(s string) bool { return s == "" })
}

// tags are what SenseVoice writes into its text: <|zh|><|NEUTRAL|><|Speech|>.
var tags = regexp.MustCompile(`<\|[^|<>]{1,32}\|>`)

// untag takes a model's tags out of a text; nobody says them.
func untag(s string) string {
	if !strings.Contains(s, "<|") {
		return s
	}
	return tags.ReplaceAllString(s, "")
}

// language is the code as the server understands it.
func (q quirks) language(code string) string {
	if short, _, ok := strings.Cut(code, "-"); ok && q.shortLanguage {
		return short
	}
	return code
}

// inSeconds turns a server's times into seconds.
func (q quirks) inSeconds(n *number) {
	if q.nanoseconds && n.set {
		n.value /= float64(time.Second)
	}
}
