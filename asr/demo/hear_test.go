package demo

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"tingji/testdata/hearing"
)

func TestEverySentence(t *testing.T) {
	h, recordings := load(t)
	s := New(recordings, Options{}, quiet)
	r := rand.New(rand.NewPCG(1, 2))
	pcm := make(map[string][]int16)
	for _, rec := range h.Recordings {
		pcm[rec.Channel] = rec.PCM
	}
	for _, sentence := range h.Sentences {
		for range 3 {
			// At most 440 ms: the next sentence of the seat is 900 ms away.
			from := int(sentence.StartMS)*16 - r.IntN(7000)
			to := int(sentence.EndMS)*16 + r.IntN(7000)
			a := ask(t, s, pcm[sentence.Channel][from:to])
			if a.Text != sentence.Text {
				t.Fatalf("got %s, want %s", a.Text, sentence.Text)
			}
			if got, want := *a.Duration, float64(to-from)/rate; got != want {
				t.Errorf("%s: duration %v, want %v", a.Text, got, want)
			}
			if len(*a.Words) != len(sentence.Words) {
				t.Fatalf("%s: %d words, want %d", a.Text, len(*a.Words), len(sentence.Words))
			}
			for i, w := range sentence.Words {
				got := (*a.Words)[i]
				start, end := float64(int(w.StartMS)*16-from)/rate, float64(int(w.EndMS)*16-from)/rate
				if got.Word != w.Text || math.Abs(got.Start-start) > 1e-9 || math.Abs(got.End-end) > 1e-9 || got.Probability < 0.9 || got.Probability > 1 {
					t.Errorf("%s: word %d is %+v, want %s %v to %v", a.Text, i, got, w.Text, start, end)
				}
			}
			if g := *a.Segments; len(g) != 1 || g[0].Text != sentence.Text || g[0].Start != (*a.Words)[0].Start || g[0].End != (*a.Words)[len(sentence.Words)-1].End {
				t.Errorf("%s: segments %+v", a.Text, g)
			}
		}
	}
}

// Any span gives the words whose midpoints it holds, and two spans that share a
// border give together what their union does.
func TestRandomSpans(t *testing.T) {
	_, recordings := load(t)
	s := New(recordings, Options{}, quiet)
	r := rand.New(rand.NewPCG(3, 4))
	said := 0
	for range 150 {
		rec := recordings[r.IntN(len(recordings))]
		from := r.IntN(len(rec.PCM) - 20*rate)
		cut := from + rate/10 + r.IntN(8*rate)
		to := cut + rate/10 + r.IntN(8*rate)
		want := func(from, to int) string {
			var b strings.Builder
			for _, w := range rec.Words {
				if mid := (w.Start + w.End) / 2; mid >= from && mid < to {
					b.WriteString(w.Text + w.Punct)
				}
			}
			return b.String()
		}
		left, right := ask(t, s, rec.PCM[from:cut]).Text, ask(t, s, rec.PCM[cut:to]).Text
		if left != want(from, cut) || right != want(cut, to) {
			t.Fatalf("%s %d|%d|%d: got %q %q, want %q %q", rec.Name, from, cut, to, left, right, want(from, cut), want(cut, to))
		}
		said += len(left) + len(right)
	}
	if said == 0 {
		t.Fatal("no span held a word")
	}
}

// What was lost on the way takes its words along, and nothing else.
func TestPiecedClips(t *testing.T) {
	h, recordings := load(t)
	s := New(recordings, Options{}, quiet)
	judge := recordings[0]
	sentence := func(n int) hearing.Sentence {
		for _, x := range h.Sentences {
			if x.Channel == judge.Name {
				if n == 0 {
					return x
				}
				n--
			}
		}
		t.Fatal("no such sentence")
		return hearing.Sentence{}
	}
	span := func(x hearing.Sentence) []int16 { return judge.PCM[x.StartMS*16 : x.EndMS*16] }
	first, second := sentence(1), sentence(2)
	zeros := make([]int16, 10000)
	noise := make([]int16, 10000)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range noise {
		noise[i] = int16(r.IntN(2000) - 1000)
	}
	joined := func(parts ...[]int16) (out []int16) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	word := second.Words[1]
	hole := joined(span(second))
	clear(hole[(word.StartMS-second.StartMS)*16 : (word.EndMS-second.StartMS)*16])
	flipped := joined(span(second))
	flipped[((word.StartMS+word.EndMS)/2-second.StartMS)*16]++
	without := strings.Replace(second.Text, word.Text+word.Punct, "", 1)
	for _, c := range []struct {
		name string
		clip []int16
		want string
	}{
		{"zeros before", joined(zeros, span(first)), first.Text},
		{"noise after", joined(span(first), noise), first.Text},
		{"zeros and noise about", joined(zeros, span(first), noise), first.Text},
		{"two places", joined(span(second), zeros, span(first)), second.Text + first.Text},
		{"samples lost between", joined(span(first), judge.PCM[first.EndMS*16+5000:second.EndMS*16]), first.Text + second.Text},
		{"a word zeroed", hole, without},
		{"one sample changed", flipped, without},
		{"the same twice", joined(span(first), span(first)), first.Text + first.Text},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ask(t, s, c.clip).Text; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestSilenceAndBleed(t *testing.T) {
	h, recordings := load(t)
	deaf, keen := New(recordings, Options{}, quiet), New(recordings, Options{HearBleed: true}, quiet)
	judge, clerk := recordings[0], recordings[1]
	n := 0
	for _, s := range h.Sentences {
		from, to := int(s.StartMS)*16-1600, int(s.EndMS)*16+1600
		own, both := "", ""
		if s.Channel == clerk.Name {
			own, both = s.Text, s.Text
		}
		for _, w := range judge.Words {
			if mid := (w.Start+w.End)/2 + clerk.Bleed[0].Delay; mid >= from && mid < to {
				both += w.Text + w.Punct
				n++
			}
		}
		if got := ask(t, deaf, clerk.PCM[from:to]); got.Text != own {
			t.Errorf("without bleed: got %q, want %q", got.Text, own)
		}
		got := ask(t, keen, clerk.PCM[from:to])
		if got.Text != both {
			t.Errorf("with bleed: got %q, want %q", got.Text, both)
		}
		if s.Channel == judge.Name {
			// The clip begins 100 ms before the judge speaks.
			start := 0.1 + float64(clerk.Bleed[0].Delay)/rate
			if w := (*got.Words)[0]; math.Abs(w.Start-start) > 1e-9 || w.Probability > 0.7 {
				t.Errorf("bled word %+v, want start %v", w, start)
			}
		}
	}
	if n == 0 {
		t.Fatal("nothing bleeds")
	}
}

func TestUnknownClip(t *testing.T) {
	_, recordings := load(t)
	s := New(recordings, Options{}, quiet)
	sine := make([]int16, rate)
	louder := make([]int16, rate)
	for i := range sine {
		sine[i] = int16(8000 * math.Sin(float64(i)/7))
		louder[i] = 2 * recordings[0].PCM[17*rate+i]
	}
	for name, clip := range map[string][]int16{"sine": sine, "zeros": make([]int16, rate), "louder": louder} {
		w := post(s, wav(clip))
		var e struct {
			Error struct{ Message, Type, Code string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != 422 || e.Error.Code != "unknown_recording" || e.Error.Type != "invalid_request_error" || !strings.Contains(e.Error.Message, "knows only its own recordings") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := post(New(nil, Options{}, quiet), wav(sine)); w.Code != 422 {
		t.Errorf("engine without recordings: %d %s", w.Code, w.Body)
	}
	padded := New([]Recording{{Name: "padded", Rate: rate, PCM: append(make([]int16, rate), recordings[0].PCM[:rate]...)}}, Options{}, quiet)
	if w := post(padded, wav(make([]int16, rate))); w.Code != 422 {
		t.Errorf("digital silence that a recording holds too: %d %s", w.Code, w.Body)
	}
	other := wav(recordings[0].PCM[17*rate : 18*rate])
	binary.LittleEndian.PutUint32(other[24:], 8000)
	if w := post(s, other); w.Code != 422 {
		t.Errorf("clip of another rate: %d %s", w.Code, w.Body)
	}
}

// A recording that loops, and two that are equal, answer each word once.
func TestRepeatedSound(t *testing.T) {
	_, recordings := load(t)
	one := recordings[0]
	from, to := one.Words[0].Start-rate/2, one.Words[8].End
	loop := Recording{Name: "loop", Rate: rate}
	var want string
	for i := range 20 {
		for _, w := range one.Words[:9] {
			if i == 0 {
				want += w.Text + w.Punct
			}
			w.Start += i*(to-from) - from
			w.End += i*(to-from) - from
			loop.Words = append(loop.Words, w)
		}
		loop.PCM = append(loop.PCM, one.PCM[from:to]...)
	}
	twin := loop
	twin.Name = "twin"
	s := New([]Recording{loop, twin}, Options{}, quiet)
	n := to - from
	if got := ask(t, s, loop.PCM[12*n:13*n]).Text; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := ask(t, s, loop.PCM[3*n:5*n]).Text; got != want+want {
		t.Errorf("got %s, want %s twice", got, want)
	}
}

func BenchmarkHear(b *testing.B) {
	_, recordings := load(b)
	s := New(recordings, Options{}, quiet)
	clip := recordings[0].PCM[17*rate : 27*rate]
	b.ReportAllocs()
	for b.Loop() {
		if _, known := s.hear(clip, rate); !known {
			b.Fatal("unknown")
		}
	}
	b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "x-realtime")
}
