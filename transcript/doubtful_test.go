package transcript_test

import (
	"reflect"
	"testing"

	"tingji/transcript"
)

func TestDoubtfulWords(t *testing.T) {
	words := func(list ...any) (words []transcript.Word) {
		for i := 0; i < len(list); i += 2 {
			words = append(words, transcript.Word{Text: list[i].(string), Confidence: list[i+1].(float64)})
		}
		return words
	}
	for name, test := range map[string]struct {
		line transcript.Line
		want [][2]int
	}{
		"between punctuation": {
			transcript.Line{Text: "证人，苏小兰作证。", Words: words("证人", 0.9, "苏小兰", 0.4, "作证", 0.9)}, [][2]int{{3, 6}}},
		"side by side": {
			transcript.Line{Text: "何文白欠款", Words: words("何", 0.5, "文白", 0.3, "欠款", 0.61)}, [][2]int{{0, 3}}},
		"the second of two": {
			transcript.Line{Text: "是是的", Words: words("是", 0.9, "是的", 0.2)}, [][2]int{{1, 3}}},
		"a confidence that nobody gave": {
			transcript.Line{Text: "现在开庭", Words: words("现在", 0.0, "开庭", 0.6)}, nil},
		"words that the text has not": {
			transcript.Line{Text: "20万元", Words: words("二十万", 0.1, "元", 0.1)}, [][2]int{{3, 4}}},
		"beyond the basic plane": {
			transcript.Line{Text: "𬭚合金的", Words: words("𬭚合金", 0.9, "的", 0.1)}, [][2]int{{3, 4}}},
		"seen by a person": {
			transcript.Line{Text: "苏小兰", Revision: 2, Words: words("苏小兰", 0.1)}, nil},
		"by hand": {
			transcript.Line{Text: "苏小兰", Origin: transcript.Hand, Words: words("苏小兰", 0.1)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := test.line
			if l.Origin == "" {
				l.Origin = transcript.Speech
			}
			if l.Revision == 0 {
				l.Revision = 1
			}
			if got := l.DoubtfulWords(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
