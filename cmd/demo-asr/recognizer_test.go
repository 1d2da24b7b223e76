package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"

	"tingji/asr/demo/transcription"
	"tingji/testdata/hearing"
)

func newTestRecognizer(t testing.TB) *recognizer {
	t.Helper()
	r, err := newRecognizer(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// edits is the least number of characters to change, add or take away.
func edits(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// bare is text as it is compared: without punctuation, which the decoder does
// not give, and with one way of writing zero.
func bare(text string) []rune {
	var out []rune
	for _, r := range text {
		switch {
		case r == '〇':
			out = append(out, '零')
		case !unicode.IsPunct(r) && !unicode.IsSpace(r):
			out = append(out, r)
		}
	}
	return out
}

// sample is the sample hearing, decoded once for all tests.
var sample = sync.OnceValues(hearing.Load)

func loadSample(t testing.TB) *hearing.Hearing {
	t.Helper()
	h, err := sample()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// samplePrompt is what the worker would send with it.
func samplePrompt(h *hearing.Hearing) string {
	var words []string
	for _, p := range h.Participants {
		words = append(words, p.Name)
	}
	return strings.Join(append(append(words, h.Hotwords...), h.Cause), "，")
}

// utterance is a sentence as it comes out of its microphone, with what the
// endpointer leaves around it.
func utterance(h *hearing.Hearing, s hearing.Sentence) []int16 {
	const around = 200 * rate / 1000
	for _, r := range h.Recordings {
		if r.Channel == s.Channel {
			from, to := int(s.StartMS)*rate/1000, int(s.EndMS)*rate/1000
			return r.PCM[max(0, from-around):min(len(r.PCM), to+around)]
		}
	}
	return nil
}

// noisy adds white noise, snr dB below the clip's own level.
func noisy(pcm []int16, snr float64, r *rand.Rand) []int16 {
	var sum float64
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	gain := math.Sqrt(sum/float64(len(pcm))) * math.Pow(10, -snr/20)
	out := make([]int16, len(pcm))
	for i, x := range pcm {
		out[i] = int16(max(-32768, min(32767, float64(x)+gain*r.NormFloat64())))
	}
	return out
}

// TestSampleHearing holds the share of wrong characters, by seat and in noise.
// It says how well a model of synthetic voices understands synthetic voices.
func TestSampleHearing(t *testing.T) {
	r, h := newTestRecognizer(t), loadSample(t)
	const most = 0.10
	random := rand.New(rand.NewPCG(1, 1))
	for _, tt := range []struct {
		name string
		hear func([]int16) []int16
	}{
		{"clean", func(pcm []int16) []int16 { return pcm }},
		{"noise 20 dB below", func(pcm []int16) []int16 { return noisy(pcm, 20, random) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wrong, all := map[string]int{}, map[string]int{}
			least := 0.0
			for _, s := range h.Sentences {
				spans, err := r.hear(t.Context(), tt.hear(utterance(h, s)), samplePrompt(h))
				if err != nil {
					t.Fatal(err)
				}
				var text strings.Builder
				for _, s := range spans {
					text.WriteString(s.word)
				}
				like := likeness(spans)
				if least = min(least, like); like < leastLikeness {
					t.Errorf("%s at %d ms is refused: %.2f", s.Channel, s.StartMS, like)
				}
				want, got := bare(s.Text), bare(text.String())
				e := edits(want, got)
				if e > 0 {
					t.Logf("%s %d\n\t%s\n\t%s", s.Channel, e, string(want), string(got))
				}
				wrong[s.Channel] += e
				all[s.Channel] += len(want)
				wrong["all"] += e
				all["all"] += len(want)
			}
			for seat := range all {
				rate := float64(wrong[seat]) / float64(all[seat])
				t.Logf("%-10s %5.1f %% of %d characters", seat, 100*rate, all[seat])
				if rate >= most {
					t.Errorf("%s: %.1f %% of characters are wrong", seat, 100*rate)
				}
			}
			t.Logf("likeness is at least %.2f; below %.1f a clip is refused", least, leastLikeness)
			if all["all"] == 0 {
				t.Fatal("nothing was heard")
			}
		})
	}
}

// TestPeopleAreRefused: on a person's voice the decoder would write confident
// nonsense.
func TestPeopleAreRefused(t *testing.T) {
	const shared = "../../../shared/audio" // beside the repository
	if _, err := os.Stat(shared); err != nil {
		t.Skip("no speech of people here: ../shared/audio is absent")
	}
	clips, err := filepath.Glob(shared + "/*.wav")
	if err != nil || len(clips) == 0 {
		t.Fatalf("no clips in %s: %v", shared, err)
	}
	r, h := newTestRecognizer(t), loadSample(t)
	random := rand.New(rand.NewPCG(1, 1))
	most := math.Inf(-1)
	for _, name := range clips {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pcm, hz, err := transcription.ParseWAV(data)
		if err != nil || hz != rate {
			t.Fatalf("%s: %d Hz, %v", name, hz, err)
		}
		// The whole, and what an endpointer may cut it into.
		parts := [][]int16{pcm, noisy(pcm, 20, random)}
		const piece = 2 * rate
		for rest := pcm; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
			if len(rest) < 2*piece {
				parts = append(parts, rest)
				break
			}
			parts = append(parts, rest[:piece])
		}
		for i, clip := range parts {
			spans, err := r.hear(t.Context(), clip, samplePrompt(h))
			if err != nil {
				t.Fatal(err)
			}
			like := likeness(spans)
			if most = max(most, like); like >= leastLikeness {
				t.Errorf("%s, part %d of %.1f s is not refused: %.2f, %v", filepath.Base(name), i, float64(len(clip))/rate, like, spans)
			}
		}
	}
	t.Logf("likeness is at most %.2f; below %.1f a clip is refused", most, leastLikeness)
}

// TestHotwords: a name that the lexicon lacks is wrong without the prompt and
// right with it; so is one that has just been corrected.
func TestHotwords(t *testing.T) {
	r, h := newTestRecognizer(t), loadSample(t)
	found := 0
	for _, p := range h.Participants {
		if r.known[p.Name] {
			t.Errorf("%s is in the lexicon", p.Name)
		}
		for _, s := range h.Sentences {
			if !strings.Contains(s.Text, p.Name) {
				continue
			}
			found++
			pcm := utterance(h, s)
			without, err := r.Recognize(t.Context(), pcm, "民间借贷纠纷")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(join(without), p.Name) {
				t.Errorf("%q has %s without being told", join(without), p.Name)
			}
			with, err := r.Recognize(t.Context(), pcm, samplePrompt(h))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(join(with), p.Name) {
				t.Errorf("%q lacks %s", join(with), p.Name)
			}
			break
		}
	}
	if found == 0 {
		t.Fatal("nobody is named in the sample hearing")
	}
}

// TestSameAgain: an answer depends on clip and prompt alone.
func TestSameAgain(t *testing.T) {
	r, h := newTestRecognizer(t), loadSample(t)
	hear := func(i int, prompt string) []word {
		words, err := r.Recognize(t.Context(), utterance(h, h.Sentences[i]), prompt)
		if err != nil {
			t.Fatal(err)
		}
		return words
	}
	first := make([][]word, 6)
	for i := range first {
		first[i] = hear(i, samplePrompt(h))
	}
	for i := len(first) - 1; i >= 0; i-- {
		hear(len(first), "") // something else between
		if again := hear(i, samplePrompt(h)); !reflect.DeepEqual(again, first[i]) {
			t.Errorf("sentence %d: first %v, then %v", i, first[i], again)
		}
	}
}

// TestWordTimes: words lie in order inside the clip, near where they were said.
func TestWordTimes(t *testing.T) {
	r, h := newTestRecognizer(t), loadSample(t)
	compared := 0
	for _, s := range h.Sentences[:12] {
		pcm := utterance(h, s)
		words, err := r.Recognize(t.Context(), pcm, samplePrompt(h))
		if err != nil {
			t.Fatal(err)
		}
		last := 0.0
		for _, w := range words {
			if w.start < last || w.end <= w.start || w.end > float64(len(pcm))/rate+0.05 || w.probability <= 0 || w.probability > 1 {
				t.Errorf("%v: out of place, last ended at %.2f", w, last)
			}
			last = w.end
			for _, want := range s.Words {
				said := float64(want.StartMS-s.StartMS)/1000 + 0.2
				if want.Text == w.text && math.Abs(said-w.start) < 0.5 {
					compared++
					if math.Abs(said-w.start) > 0.1 {
						t.Errorf("%s starts at %.2f s, was said at %.2f", w.text, w.start, said)
					}
				}
			}
		}
	}
	if compared == 0 {
		t.Fatal("no word could be compared")
	}
}

func TestSilence(t *testing.T) {
	r := newTestRecognizer(t)
	random := rand.New(rand.NewPCG(1, 1))
	quiet := make([]int16, 2*rate)
	for i := range quiet {
		quiet[i] = int16(random.NormFloat64() * 15)
	}
	if words, err := r.Recognize(t.Context(), quiet, ""); err != nil || len(words) > 0 {
		t.Errorf("silence: %v, %v", words, err)
	}
	for i := range quiet {
		quiet[i] = int16(random.NormFloat64() * 3000)
	}
	if words, err := r.Recognize(t.Context(), quiet, ""); !errors.Is(err, errForeign) && len(words) > 0 {
		t.Errorf("loud noise: %q, %v", join(words), err)
	}
}

// TestMemory: decoders that come and go with their prompts leave no trace.
func TestMemory(t *testing.T) {
	r, h := newTestRecognizer(t), loadSample(t)
	pcm := utterance(h, h.Sentences[0])
	pcm = pcm[rate/2 : 3*rate/4] // in the middle of speech
	ask := func(n int) {
		for i := range n {
			prompt := "张三，李四，" + strings.Repeat("王", 2+i/5%5) // a decoder is opened for each new one
			if spans, err := r.hear(t.Context(), pcm, prompt); err != nil || len(spans) == 0 {
				t.Fatalf("%v, %v", spans, err)
			}
		}
	}
	ask(50)
	before := resident(t)
	ask(250)
	if grown := resident(t) - before; grown > 10<<20 {
		t.Errorf("memory grew by %d MiB over 250 requests, 50 of them with a new prompt", grown>>20)
	}
	t.Logf("resident: %d MiB", resident(t)>>20)
	if left, err := os.ReadDir(r.dir); err != nil || len(left) > 12 {
		t.Errorf("%d files in the folder of the model: %v", len(left), err)
	}
}

// resident is the memory of this process, C's included, without what Go has
// not yet given back.
func resident(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("memory of C is measured on Linux only")
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// TestManyAtOnce: requests share decoders, never one at a time.
func TestManyAtOnce(t *testing.T) {
	r, h := newTestRecognizer(t), loadSample(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			prompt := samplePrompt(h)
			if i%2 == 0 {
				prompt = ""
			}
			if _, err := r.Recognize(t.Context(), utterance(h, h.Sentences[i/2]), prompt); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(r.idle) > maxIdle {
		t.Errorf("%d decoders are kept", len(r.idle))
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r.slots <- struct{}{}
	r.slots <- struct{}{}
	if _, err := r.Recognize(gone, utterance(h, h.Sentences[0]), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that has left still waits: %v", err)
	}
}
