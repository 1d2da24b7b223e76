package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/mozillazg/go-pinyin"

	"tingji/asr"
	"tingji/asr/demo"
	"tingji/asr/openai"
	"tingji/capture"
	"tingji/testdata/hearing"
	"tingji/transcript"
)

// mishear has the demonstration engine recognise the sample hearing with an
// error in every tenth word.
func mishear(t *testing.T, ref *hearing.Hearing) []asr.Hypothesis {
	t.Helper()
	recordings := map[string]*demo.Recording{}
	var list []demo.Recording
	for _, r := range ref.Recordings {
		list = append(list, demo.Recording{Name: r.Channel, Rate: ref.Rate, PCM: r.PCM})
	}
	for i := range list {
		recordings[list[i].Name] = &list[i]
	}
	at := func(ms int64) int { return int(ms) * ref.Rate / 1000 }
	for _, s := range ref.Sentences {
		for _, w := range s.Words {
			r := recordings[s.Channel]
			r.Words = append(r.Words, demo.Word{Text: w.Text, Punct: w.Punct, Start: at(w.StartMS), End: at(w.EndMS)})
		}
	}
	log := slog.New(slog.DiscardHandler)
	server := httptest.NewServer(demo.New(list, demo.Options{WordErrorRate: 0.1}, log))
	defer server.Close()
	engine, err := openai.New(openai.Config{BaseURL: server.URL + "/v1", Server: "demo"}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	heard := make([]asr.Hypothesis, len(ref.Sentences))
	for i, s := range ref.Sentences {
		clip := asr.Clip{Samples: recordings[s.Channel].PCM[at(s.StartMS):at(s.EndMS)], Final: true}
		if heard[i], err = engine.Recognize(t.Context(), clip); err != nil {
			t.Fatal(err)
		}
	}
	return heard
}

// fix is a word that was misheard, and what it is.
type fix struct {
	sentence, from int // characters before it in the sentence
	wrong, right   string
}

// misheardIn pairs sentences with their reference: the engine's errors are
// characters in the place of others.
func misheardIn(t *testing.T, ref *hearing.Hearing, heard []asr.Hypothesis) (fixes []fix) {
	t.Helper()
	for i, s := range ref.Sentences {
		was := []rune(heard[i].Text)
		if len(was) != len([]rune(s.Text)) {
			t.Fatalf("%q was heard as %q", s.Text, heard[i].Text)
		}
		at := 0
		for _, w := range s.Words {
			right := []rune(w.Text)
			if wrong := string(was[at : at+len(right)]); wrong != w.Text {
				fixes = append(fixes, fix{i, at, wrong, w.Text})
			}
			at += len(right) + len([]rune(w.Punct))
		}
	}
	return fixes
}

// in is where the word stands in the written form of its line, and how it reads there.
func (f fix) in(w transcript.Written) fix {
	from, to := f.from, f.from+len([]rune(f.wrong))
	begin, end := from, to
	for _, s := range w.Spans {
		if s.SpokenTo <= from {
			begin = from + s.To - s.SpokenTo
		} else if s.SpokenFrom <= from {
			begin = s.From
		}
		if s.SpokenTo <= to {
			end = to + s.To - s.SpokenTo
		} else if s.SpokenFrom < to {
			end = s.To
		}
	}
	return fix{f.sentence, begin, string([]rune(w.Text)[begin:end]), f.right}
}

// keys are strokes: with each character typed as one, and with an input method,
// where a text takes the letters of its pinyin and one more to choose it.
type keys struct{ characters, letters int }

func (k *keys) press(n int) { k.characters += n; k.letters += n }

func (k *keys) typed(text string) {
	k.characters += len([]rune(text))
	k.letters++
	for _, r := range text {
		syllable, _, _ := strings.Cut(pinyin.PinyinDict[int(r)], ",")
		k.letters += max(1, len([]rune(syllable)))
	}
}

// plainEditing counts what it takes to put the sentences right in a text field,
// one sentence a row: the fewest keys to each wrong character, of the arrows,
// Ctrl with them (by words), Home and End; Delete; the right character. Whoever
// types so sees every error and never presses a key too many.
func plainEditing(ref *hearing.Hearing, heard []asr.Hypothesis, fixes []fix) (k keys) {
	type place struct{ row, at int }
	var length []int
	var words [][]bool // where one begins, by row
	for _, s := range ref.Sentences {
		n := len([]rune(s.Text))
		begins := make([]bool, n+1)
		begins[0], begins[n] = true, true
		at := 0
		for _, w := range s.Words {
			begins[at] = true
			at += len([]rune(w.Text)) + len([]rune(w.Punct))
		}
		length, words = append(length, n), append(words, begins)
	}
	next := func(p place) []place {
		to := []place{{p.row, 0}, {p.row, length[p.row]}} // Home, End
		for _, way := range []int{-1, 1} {
			if row := p.row + way; row >= 0 && row < len(length) {
				to = append(to, place{row, min(p.at, length[row])})
			}
			if at := p.at + way; at >= 0 && at <= length[p.row] {
				to = append(to, place{p.row, at})
				for !words[p.row][at] {
					at += way
				}
				to = append(to, place{p.row, at})
			}
		}
		if p.at == length[p.row] && p.row+1 < len(length) {
			to = append(to, place{p.row + 1, 0})
		}
		if p.at == 0 && p.row > 0 {
			to = append(to, place{p.row - 1, length[p.row-1]})
		}
		return to
	}
	here := place{}
	for _, f := range fixes {
		wrong, right := []rune(f.wrong), []rune(f.right)
		for i := range wrong {
			if wrong[i] == right[i] {
				continue
			}
			goal := place{f.sentence, f.from + i}
			far := map[place]int{here: 0}
			for queue := []place{here}; len(queue) > 0; queue = queue[1:] {
				if queue[0] == goal {
					break
				}
				for _, p := range next(queue[0]) {
					if _, seen := far[p]; !seen {
						far[p] = far[queue[0]] + 1
						queue = append(queue, p)
					}
				}
			}
			k.press(far[goal] + 1) // and Delete
			k.typed(string(right[i]))
			here = place{goal.row, goal.at + 1}
		}
	}
	return k
}

// TestKeystrokes puts the sample hearing right, in which every tenth word was
// misheard, by keys through the page, and counts them against plain typing: where
// the case's persons and terms are known, its terms alone, and nothing of it.
func TestKeystrokes(t *testing.T) {
	longOnly(t)
	others := []capture.Participant{{Role: "原告", Name: "王小波"}, {Role: "被告", Name: "赵天成"}}
	for _, tt := range []struct {
		name    string
		persons []capture.Participant // nil: those of the case
		terms   bool
	}{{"Persons", nil, true}, {"Terms", others, true}, {"Nothing", others, false}} {
		t.Run(tt.name, func(t *testing.T) { keystrokes(t, tt.persons, tt.terms) })
	}
}

func keystrokes(t *testing.T, persons []capture.Participant, terms bool) {
	ctx := openBrowser(t)
	ref, err := hearing.Load()
	if err != nil {
		t.Fatal(err)
	}
	heard := mishear(t, ref)
	fixes := misheardIn(t, ref, heard)
	if len(fixes) < 30 {
		t.Fatalf("only %d words were misheard", len(fixes))
	}
	c := openCourt(t)
	h := c.hearing("court-3")
	if persons != nil {
		if _, err := c.docket.Close(t.Context(), h.ID, ""); err != nil {
			t.Fatal(err)
		}
		other, err := c.docket.Create(t.Context(), transcript.NewHearing{CaseNo: h.CaseNo, Cause: h.Cause, Courtroom: h.Courtroom, Demo: true, Participants: persons})
		if err == nil {
			h, err = c.docket.Open(t.Context(), other.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if terms {
		var words []string
		for _, w := range ref.Hotwords {
			if persons == nil || !slices.ContainsFunc(ref.Participants, func(p hearing.Participant) bool { return p.Name == w }) {
				words = append(words, w)
			}
		}
		if _, err := c.docket.AddHotwords(t.Context(), h.ID, words); err != nil {
			t.Fatal(err)
		}
	}
	ids := make([]string, len(heard))
	for i, s := range ref.Sentences {
		ids[i] = c.recognised(h, s, heard[i])
	}
	form := transcript.WrittenForm{}.For(&h)
	shown := map[string]transcript.Written{}
	for _, l := range c.lines(h, len(heard)) {
		shown[l.ID] = form.Line(l)
	}
	right := map[string][]fix{}
	for _, f := range fixes {
		id := ids[f.sentence]
		right[id] = append(right[id], f.in(shown[id]))
	}

	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(len(heard)))
	press(t, ctx, kb.Home)
	js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, ids[0]))
	var k keys
	taken, left := 0, len(fixes)
	grown := map[string]int{} // lines, by what was typed into them; what is in figures is shorter than the word
	key := func(name string) {
		k.press(1)
		press(t, ctx, name)
	}
	key(kb.F3)
	for left > 0 {
		line, words, offered := doubtedNow(t, ctx)
		text := ""
		at := js[int](t, ctx, `(() => { const s = getSelection(), r = document.createRange(); r.selectNodeContents(document.activeElement); r.setEnd(s.getRangeAt(0).startContainer, s.getRangeAt(0).startOffset); return Array.from(r.toString()).length; })()`)
		was := []rune(words)
		from := at - grown[line]
		for _, f := range right[line] { // words side by side are one place
			if f.from >= from && f.from+len([]rune(f.wrong)) <= at-grown[line]+len(was) {
				text += string(was[from-at+grown[line]:f.from-at+grown[line]]) + f.right
				from = f.from + len([]rune(f.wrong))
				left--
			}
		}
		text += string(was[from-at+grown[line]:])
		grown[line] += len([]rune(text)) - len(was)
		if text == words {
			t.Fatalf("%s: %q is no error", line, words)
		}
		if n := slices.Index(offered, text); n >= 0 {
			taken++
			k.press(1)
			digit(t, ctx, n+1)
		} else {
			k.typed(text)
			insert(t, ctx, text)
			if left > 0 {
				key(kb.F3)
			}
		}
		if left > 0 {
			until(t, ctx, fmt.Sprintf(`document.activeElement.isContentEditable && (document.activeElement.closest("li").id !== "line-%s" || getSelection().toString() !== "" && getSelection().toString() !== %q)`, line, text))
		}
	}
	if js[bool](t, ctx, `!!document.querySelector("[contenteditable]")`) {
		key(kb.Enter)
	}
	until(t, ctx, noneEdits)
	for i, s := range ref.Sentences {
		c.saved(h, ids[i], s.Text)
	}
	plain := plainEditing(ref, heard, fixes)
	n := float64(len(fixes))
	if float64(k.characters) > float64(plain.characters)/3 || float64(k.letters) > float64(plain.letters)/3 {
		t.Errorf("%+v keys at the desk, %+v in a text field: the goal is a third", k, plain)
	}
	t.Logf("%d words misheard, %d put right by what was offered; keys an error: desk %.2f (with an input method %.2f), plain %.2f (%.2f); desk to plain %.2f (%.2f)",
		len(fixes), taken, float64(k.characters)/n, float64(k.letters)/n, float64(plain.characters)/n, float64(plain.letters)/n,
		float64(k.characters)/float64(plain.characters), float64(k.letters)/float64(plain.letters))
}

// doubtedNow is the doubtful word that is selected, with what the desk offers.
func doubtedNow(t *testing.T, ctx context.Context) (line, words string, offered []string) {
	t.Helper()
	until(t, ctx, `document.activeElement.isContentEditable && getSelection().toString() !== "" && !!document.querySelector("tj-desk").guess`)
	js[bool](t, ctx, `(window.guessed = null, document.querySelector("tj-desk").guess.then(g => window.guessed = g, () => window.guessed = {words: []}), true)`)
	until(t, ctx, `window.guessed !== null && (window.guessed.words.length === 0 || !document.querySelector(".offers").hidden)`)
	return js[string](t, ctx, `document.activeElement.closest("li").id.slice(5)`), js[string](t, ctx, `getSelection().toString()`), js[[]string](t, ctx, `window.guessed.words`)
}

// recognised is a sentence as an engine heard it.
func (c *court) recognised(h capture.Hearing, s hearing.Sentence, heard asr.Hypothesis) string {
	at := time.Duration(s.StartMS) * time.Millisecond
	first, next := capture.SamplesIn(at), capture.SamplesIn(time.Duration(s.EndMS)*time.Millisecond)
	seg := asr.Segment{V: 1, Hearing: h.ID, Channel: s.Channel, Epoch: 1, Utterance: asr.UtteranceID(s.Channel, 1, first),
		Stage: asr.Final, First: first, Last: next - 1, StartedAt: h.OpenedAt.Add(at),
		Text: heard.Text, Engine: heard.Engine, Model: heard.Model, Language: "zh"}
	seg.ID = h.ID + "/" + seg.Utterance
	for _, w := range heard.Words {
		seg.Words = append(seg.Words, asr.Word{Text: w.Text, Start: s.StartMS + w.Start.Milliseconds(), End: s.StartMS + w.End.Milliseconds(), Confidence: w.Confidence})
	}
	c.log.append(seg)
	return seg.Utterance
}
