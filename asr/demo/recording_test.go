package demo

import (
	"fmt"
	"testing"
)

func TestPlace(t *testing.T) {
	r := Recording{Name: "a", PCM: make([]int16, 1000), Bleed: []Bleed{{From: "b", Delay: 10}, {From: "nobody"}}, Words: []Word{
		{Text: "末", Start: 300, End: 400}, {Text: "首", Start: 100, End: 200}, // out of order
		{Text: "前", Start: -1, End: 50}, {Text: "空", Start: 50, End: 50}, {Text: "后", Start: 1000, End: 1001},
	}}
	other := Recording{Name: "b", PCM: make([]int16, 1000), Words: []Word{
		{Text: "叠", Start: 180, End: 240}, {Text: "邻", Start: 190, End: 280}, {Text: "串", Start: 200, End: 280}, {Text: "尾", Start: 980, End: 1000}, {Text: "外", Start: 995, End: 1000},
	}}
	got := func(opts Options) (text string) {
		for _, w := range place(r, []Recording{r, other}, opts, quiet).words {
			text += fmt.Sprint(w.Text, w.Start, "-", w.End, " ")
		}
		return text
	}
	if got, want := got(Options{}), "首100-200 末300-400 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := got(Options{HearBleed: true}), "首100-200 邻200-290 串210-290 末300-400 尾990-1000 "; got != want {
		t.Errorf("with bleed: got %s, want %s", got, want)
	}
}

func TestWordErrors(t *testing.T) {
	h, recordings := load(t)
	total, wrong := 0, 0
	servers := [2]*Server{New(recordings, Options{WordErrorRate: 0.2}, quiet), New(recordings, Options{WordErrorRate: 0.2}, quiet)}
	for _, s := range h.Sentences {
		var clip []int16
		for _, r := range recordings {
			if r.Name == s.Channel {
				clip = r.PCM[s.StartMS*16 : s.EndMS*16]
			}
		}
		a, again := ask(t, servers[0], clip), ask(t, servers[1], clip)
		if a.Text != again.Text {
			t.Errorf("%s, then %s", a.Text, again.Text)
		}
		for i, w := range *a.Words {
			total++
			want := s.Words[i].Text
			if got, want := len([]rune(w.Word)), len([]rune(want)); got != want {
				t.Errorf("%s: %d characters, want %d", w.Word, got, want)
			}
			if bad := w.Word != want; bad != (w.Probability < 0.6) {
				t.Errorf("%s for %s with confidence %v", w.Word, want, w.Probability)
			} else if bad {
				wrong++
			}
		}
	}
	if share := float64(wrong) / float64(total); share < 0.14 || share > 0.26 {
		t.Errorf("%d of %d words wrong, want a fifth", wrong, total)
	}
}
