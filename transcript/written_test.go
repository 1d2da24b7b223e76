package transcript_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tingji/transcript"
)

// TestWritten reads testdata/written/*.txt: SPOKEN => WRITTEN, or a text that
// stays; "form full" and "keep NAME…" hold for what follows.
func TestWritten(t *testing.T) {
	for c := range writtenCases(t) {
		w := c.form.Write(c.spoken)
		if w.Text != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.place, c.spoken, w.Text, c.want)
		}
		checkWritten(t, c.form, c.spoken, w)
	}
}

type writtenCase struct {
	place, spoken, want string
	form                transcript.WrittenForm
}

func writtenCases(t testing.TB) func(func(writtenCase) bool) {
	files, err := filepath.Glob("testdata/written/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	return func(yield func(writtenCase) bool) {
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var form transcript.WrittenForm
			for line := range strings.Lines(string(data)) {
				line = strings.TrimSpace(line)
				if line == "" || line[0] == '#' {
					continue
				}
				if f, ok := strings.CutPrefix(line, "form "); ok {
					form.Amounts = transcript.Amounts(strings.TrimPrefix(f, "short"))
					continue
				}
				if names, ok := strings.CutPrefix(line, "keep "); ok {
					form.Keep = strings.Fields(names)
					continue
				}
				spoken, want, changes := strings.Cut(line, " => ")
				if !changes {
					want = spoken
				}
				if !yield(writtenCase{filepath.Base(file), spoken, want, form}) {
					return
				}
			}
		}
	}
}

// checkWritten holds a written form to its promises: it leads back, its spans
// are where they say, and writing it again changes nothing.
func checkWritten(t *testing.T, form transcript.WrittenForm, spoken string, w transcript.Written) {
	t.Helper()
	if !utf8.ValidString(spoken) {
		return
	}
	if w.Spoken() != spoken {
		t.Errorf("%q leads back to %q by %v", spoken, w.Spoken(), w.Spans)
	}
	said, text := []rune(spoken), []rune(w.Text)
	at, saidAt := 0, 0
	for _, s := range w.Spans {
		if s.From < at || s.To < s.From || s.To > len(text) || s.SpokenTo < s.SpokenFrom || s.SpokenTo > len(said) ||
			s.From == s.To && s.SpokenFrom == s.SpokenTo ||
			!slices.Equal(text[at:s.From], said[saidAt:s.SpokenFrom]) || string(said[s.SpokenFrom:s.SpokenTo]) != s.Spoken {
			t.Fatalf("%q: %q: span %+v does not fit", spoken, w.Text, s)
		}
		at, saidAt = s.To, s.SpokenTo
	}
	if !slices.Equal(text[at:], said[saidAt:]) {
		t.Errorf("%q: %q: the end differs without a span", spoken, w.Text)
	}
	if again := form.Write(w.Text); again.Text != w.Text {
		t.Errorf("%q is written %q, and written again %q", spoken, w.Text, again.Text)
	}
}

// numberWords are what the rules are about; numerals more than once.
const numberWords = "零一二三四五六七八九十百千万亿两零一二三四五六七八九十百千万亿两幺〇点分之元块钱角年月日号时天个半多几第周初证据（）2035.%，。内民法释到至整左右午上条室岁楼"

// Whatever is said in numbers keeps the promises.
func TestWrittenOfAnything(t *testing.T) {
	words, random := []rune(numberWords), rand.New(rand.NewPCG(1, 2))
	forms := []transcript.Amounts{transcript.AmountsShort, transcript.AmountsFull, transcript.AmountsBoth}
	for i := range 30_000 {
		text := make([]rune, 1+random.IntN(12))
		for i := range text {
			text[i] = words[random.IntN(len(words))]
		}
		form := transcript.WrittenForm{Amounts: forms[i%len(forms)]}
		checkWritten(t, form, string(text), form.Write(string(text)))
	}
}

// FuzzWritten is fed with any text, and with words that rules are about.
func FuzzWritten(f *testing.F) {
	words := []rune(numberWords)
	for c := range writtenCases(f) {
		f.Add(c.spoken, []byte(c.spoken), string(c.form.Amounts))
	}
	f.Fuzz(func(t *testing.T, spoken string, picks []byte, amounts string) {
		form := transcript.WrittenForm{Keep: []string{"张十二"}}
		if amounts == string(transcript.AmountsBoth) || amounts == string(transcript.AmountsFull) {
			form.Amounts = transcript.Amounts(amounts)
		}
		checkWritten(t, form, spoken, form.Write(spoken))
		var b strings.Builder
		for _, p := range picks {
			b.WriteRune(words[int(p)%len(words)])
		}
		checkWritten(t, form, b.String(), form.Write(b.String()))
	})
}
