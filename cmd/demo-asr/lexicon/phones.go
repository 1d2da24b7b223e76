package lexicon

import (
	"fmt"
	"slices"
	"strings"
)

// Silence is the phone of a pause.
const Silence = "SIL"

var initials = []string{"zh", "ch", "sh", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "r", "z", "c", "s"}

// finals are written as they sound: ih after zh, ch, sh, r and iz after z, c, s
// are the vowels that pinyin writes as i, too; v is ü.
var finals = []string{
	"a", "o", "e", "i", "ih", "iz", "u", "v", "er", "ai", "ei", "ui", "ao", "ou", "iu", "ie", "ve", "an", "en", "in", "un", "vn",
	"ang", "eng", "ing", "ong", "ia", "iao", "ian", "iang", "iong", "ua", "uo", "uai", "uan", "van", "uang",
}

// whole are the syllables that pinyin spells with y or w, or irregularly.
var whole = map[string]string{
	"yi": "i", "yin": "in", "ying": "ing", "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn", "ya": "ia", "yo": "iu", "ye": "ie", "yao": "iao",
	"you": "iu", "yan": "ian", "yang": "iang", "yong": "iong", "wu": "u", "wa": "ua", "wo": "uo", "wai": "uai", "wei": "ui", "wan": "uan",
	"wen": "un", "wang": "uang", "weng": "ong", "n": "en", "ng": "en", "m": "en", "ê": "ei",
}

// Phones are all phones of the model, Silence last.
func Phones() []string {
	return append(slices.Concat(initials, finals), Silence)
}

// Split gives the phones of a syllable in pinyin, ü written as v. A tone at its
// end does not count.
func Split(syllable string) ([]string, error) {
	s := strings.TrimRight(syllable, "12345")
	if f, ok := whole[s]; ok {
		return []string{f}, nil
	}
	initial := ""
	for _, in := range initials {
		if strings.HasPrefix(s, in) {
			initial = in
			break
		}
	}
	final := s[len(initial):]
	switch {
	case final == "i" && slices.Contains([]string{"zh", "ch", "sh", "r"}, initial):
		final = "ih"
	case final == "i" && slices.Contains([]string{"z", "c", "s"}, initial):
		final = "iz"
	case strings.HasPrefix(final, "u") && slices.Contains([]string{"j", "q", "x"}, initial):
		final = "v" + final[1:]
	case final == "ue":
		final = "ve"
	}
	if !slices.Contains(finals, final) {
		return nil, fmt.Errorf("split syllable %q: not pinyin", syllable)
	}
	if initial == "" {
		return []string{final}, nil
	}
	return []string{initial, final}, nil
}
