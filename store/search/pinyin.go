package search

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/mozillazg/go-pinyin"
	"golang.org/x/text/unicode/norm"
)

// syllable is a toneless syllable: its first letter (1 to 26) in five bits,
// then in six its place among the syllables with that letter. Syllables of one
// letter are thus neighbours. 0 is no syllable.
type syllable uint16

const finalBits = 6

func (s syllable) initial() uint64 { return uint64(s >> finalBits) }
func (s syllable) final() uint64   { return uint64(s & (1<<finalBits - 1)) }

// reading is one way to say a character.
type reading struct {
	syllable syllable
	tone     uint8 // 1 to 4, 5 for the neutral one
}

// sounds knows how characters are read. It is read-only once made.
type sounds struct {
	first     [1 << 16]uint32 // of a rune of the basic plane: its place in readings, +1
	others    map[rune]uint32
	readings  []reading // of one character in a row, as its dictionary orders them
	more      []bool    // another reading of the same character follows
	syllables map[string]syllable
	longest   int // letters of the longest syllable
	// Under which syllables the index files a character that can be read so:
	// filed in pairs (see filing), single by itself (under its first reading).
	filed   map[syllable][]syllable
	single  map[syllable][]syllable
	filings [1 << 16][]syllable // what filing says of the basic plane
	spoken  map[syllable][]rune // the characters of the basic plane that can be read so
}

// soundTable is made at its first use: about 20 ms and 2 MB.
var soundTable = sync.OnceValue(newSounds)

func newSounds() *sounds {
	type spoken struct {
		text string
		tone uint8
	}
	t := &sounds{others: map[rune]uint32{}, syllables: map[string]syllable{}, filed: map[syllable][]syllable{}, single: map[syllable][]syllable{}, spoken: map[syllable][]rune{}}
	spoke := make(map[rune][]spoken, len(pinyin.PinyinDict))
	var texts []string
	for code, list := range pinyin.PinyinDict {
		for word := range strings.SplitSeq(list, ",") {
			text, tone := spell(word)
			if text == "" {
				continue
			}
			spoke[rune(code)] = append(spoke[rune(code)], spoken{text, tone})
			if _, ok := t.syllables[text]; !ok {
				t.syllables[text] = 0
				texts = append(texts, text)
			}
		}
	}
	slices.Sort(texts)
	place := syllable(0)
	for i, text := range texts {
		if i == 0 || texts[i-1][0] != text[0] {
			place = 0
		}
		t.syllables[text] = syllable(text[0]-'a'+1)<<finalBits | place
		place++
		t.longest = max(t.longest, len(text))
	}
	runes := make([]rune, 0, len(spoke))
	for r := range spoke {
		runes = append(runes, r)
	}
	slices.Sort(runes)
	for _, r := range runes {
		at := uint32(len(t.readings) + 1)
		if r < 1<<16 {
			t.first[r] = at
		} else {
			t.others[r] = at
		}
		for i, s := range spoke[r] {
			t.readings = append(t.readings, reading{t.syllables[s.text], s.tone})
			if is := t.syllables[s.text]; r < 1<<16 {
				t.spoken[is] = append(t.spoken[is], r)
			}
			t.more = append(t.more, i+1 < len(spoke[r]))
		}
	}
	file := func(in map[syllable][]syllable, r rune) {
		list := t.of(r)
		for _, other := range list {
			if f := in[other.syllable]; !slices.Contains(f, list[0].syllable) {
				in[other.syllable] = append(f, list[0].syllable)
			}
		}
	}
	for _, s := range t.syllables {
		t.filed[s] = []syllable{s}
	}
	for _, r := range frequent {
		file(t.filed, r)
	}
	for _, r := range runes {
		file(t.single, r)
	}
	none := []syllable{0}
	for r := range t.filings {
		if t.filings[r] = none; t.first[r] > 0 {
			t.filings[r] = t.file(rune(r))
		}
	}
	return t
}

// of are the readings of a folded rune; none for what is no Chinese character.
func (t *sounds) of(r rune) []reading {
	var at uint32
	if r < 0 || r >= 1<<16 {
		at = t.others[r]
	} else {
		at = t.first[r]
	}
	if at == 0 {
		return nil
	}
	end := at
	for t.more[end-1] {
		end++
	}
	return t.readings[at-1 : end]
}

// filing are the syllables under which the index files r, the one for exact
// look-ups first. A character with several readings is filed under each of
// them, so that a look-up by sound is one; the most frequent characters, which
// would make the index half as large again, are filed under the first reading
// only, and look-ups go there too (sounds.filed). Both find the same.
func (t *sounds) filing(r rune) []syllable {
	if r >= 0 && r < 1<<16 {
		return t.filings[r]
	}
	return t.file(r)
}

// file works out what filing looks up.
func (t *sounds) file(r rune) []syllable {
	list := t.of(r)
	if len(list) == 0 {
		return []syllable{0}
	}
	as := []syllable{list[0].syllable}
	if len(list) == 1 || strings.ContainsRune(frequent, r) {
		return as
	}
	for _, other := range list[1:] {
		if !slices.Contains(as, other.syllable) {
			as = append(as, other.syllable)
		}
	}
	return as
}

// spell takes the tone off a syllable as dictionaries write it: zhǎng, nǚ.
// The letter ü becomes v.
func spell(word string) (text string, tone uint8) {
	var b []byte
	tone = 5
	for _, r := range norm.NFD.String(word) {
		switch {
		case toneMark(r) != 0:
			tone = toneMark(r)
		case r == 0x308 && len(b) > 0 && b[len(b)-1] == 'u':
			b[len(b)-1] = 'v'
		case 'a' <= r && r <= 'z':
			b = append(b, byte(r))
		case r < utf8.RuneSelf:
			return "", 0
		}
	}
	return string(b), tone
}

// toneMark is the tone for which a combining mark stands; 0 for none.
func toneMark(r rune) uint8 {
	switch r {
	case 0x304:
		return 1
	case 0x301:
		return 2
	case 0x30c:
		return 3
	case 0x300:
		return 4
	}
	return 0
}

// untoned takes the tone marks off typed pinyin; tones are of its bytes, 0: none.
func untoned(typed string) (plain string, tones []uint8) {
	var b []byte
	for _, r := range norm.NFD.String(typed) {
		if tone := toneMark(r); tone != 0 && len(b) > 0 {
			tones[len(b)-1] = tone
		} else if r == 0x308 && len(b) > 0 && b[len(b)-1] == 'u' {
			b[len(b)-1] = 'v'
		} else {
			b = utf8.AppendRune(b, r)
			tones = append(tones, make([]uint8, len(b)-len(tones))...)
		}
	}
	return string(b), tones
}

// maxSpellings bounds in how many ways one typed word is read.
const maxSpellings = 16

// spellings reads folded letters as syllables in every way they can be read:
// xian is xian and xi'an. Digits 1 to 5 after a syllable are its tone, or a mark
// on one of its letters is; an apostrophe or a space parts syllables. None where
// it is no pinyin.
func (t *sounds) spellings(typed string) (found [][]sound) {
	plain, tones := untoned(spelledOut(typed))
	// next reads n letters from a place on as a syllable, and says where the one
	// after it begins; 0: they are none.
	next := func(at, n int) (sound, int) {
		s, ok := t.syllables[plain[at:at+n]]
		if !ok || n == 1 && len(plain) > at+1 && !strings.ContainsRune("aeo", rune(plain[at])) {
			return sound{}, 0 // m and n are syllables only in the dictionary
		}
		one := sound{syllable: s, tone: slices.Max(tones[at : at+n])}
		if slices.ContainsFunc(tones[at:at+n], func(other uint8) bool { return other != 0 && other != one.tone }) {
			return sound{}, 0 // two syllables have two
		}
		at += n
		if at < len(plain) && '1' <= plain[at] && plain[at] <= '5' {
			one.tone = plain[at] - '0'
			at++
		}
		return one, at + len(plain[at:]) - len(strings.TrimLeft(plain[at:], "' "))
	}
	// ends says from which places the end can be reached: without it, what is no
	// pinyin at its end alone would be tried in every way there is before that.
	ends := make([]bool, len(plain)+1)
	ends[len(plain)] = true
	for at := len(plain) - 1; at >= 0; at-- {
		for n := 1; n <= min(t.longest, len(plain)-at) && !ends[at]; n++ {
			_, to := next(at, n)
			ends[at] = to > 0 && ends[to]
		}
	}
	var walk func(at int, soFar []sound)
	walk = func(at int, soFar []sound) {
		if at == len(plain) {
			found = append(found, slices.Clone(soFar))
			return
		}
		// Longest first: what is meant comes first when there are too many.
		for n := min(t.longest, len(plain)-at); n > 0 && len(found) < maxSpellings; n-- {
			if one, to := next(at, n); to > 0 && ends[to] {
				walk(to, append(soFar, one))
			}
		}
	}
	if first := len(plain) - len(strings.TrimLeft(plain, "' ")); first < len(plain) {
		walk(first, nil)
	}
	return found
}

// initials reads letters as the first ones of syllables.
func (t *sounds) initials(typed string) []sound {
	var list []sound
	for _, r := range typed {
		if r < 'a' || r > 'z' || strings.ContainsRune("iuv", r) {
			return nil
		}
		list = append(list, sound{initial: uint8(r-'a') + 1})
	}
	return list
}

// spelledOut writes what people type for ü as the dictionary does.
func spelledOut(typed string) string {
	return strings.NewReplacer("u:", "v", "ü", "v", "nue", "nve", "lue", "lve", "’", "'", "-", "'").Replace(typed)
}

// sound is how one character of a query sounds: the readings of a character, a
// syllable with or without a tone, or an initial. A rune without readings is
// only itself.
type sound struct {
	r        rune // 0: typed as letters
	syllable syllable
	tone     uint8 // 0: any
	initial  uint8
}

// heard reports whether a folded rune of a text can be what was meant.
func (t *sounds) heard(s sound, r rune) bool {
	if s.r != 0 && s.r == r {
		return true
	}
	for _, is := range t.of(r) {
		switch {
		case s.initial != 0:
			if is.syllable.initial() == uint64(s.initial) {
				return true
			}
		case s.r != 0:
			for _, want := range t.of(s.r) {
				if want.syllable == is.syllable {
					return true
				}
			}
		case is.syllable == s.syllable && (s.tone == 0 || s.tone == is.tone):
			return true
		}
	}
	return false
}

// planeSet is a set of characters of the basic plane, by their bits.
type planeSet [1 << 16 / 64]uint64

func (p *planeSet) has(r rune) bool {
	return r >= 0 && r < 1<<16 && p[r>>6]&(1<<(r&63)) != 0
}

// hears is the set of what heard says of a sound: a search asks for each
// character of each line that it looks at.
func (t *sounds) hears(s sound) *planeSet {
	p := &planeSet{}
	add := func(is syllable) {
		for _, r := range t.spoken[is] {
			if t.heard(s, r) { // a tone has to fit, too
				p[r>>6] |= 1 << (r & 63)
			}
		}
	}
	switch {
	case s.initial != 0:
		for is := range t.spoken {
			if is.initial() == uint64(s.initial) {
				add(is)
			}
		}
	case s.r != 0:
		if s.r < 1<<16 {
			p[s.r>>6] |= 1 << (s.r & 63)
		}
		for _, is := range t.of(s.r) {
			add(is.syllable)
		}
	default:
		add(s.syllable)
	}
	return p
}

// frequent are the 500 or so most frequent characters of modern Chinese. What
// is found does not depend on them, only the size of the index does.
const frequent = `的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么` +
	`去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正` +
	`业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声` +
	`提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指` +
	`克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉` +
	`术领共确传师观清今切院让识候带导争运`
