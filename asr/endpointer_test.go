package asr

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"
	"time"

	"tingji/capture"
	"tingji/testdata/hearing"
)

var verbose = flag.Bool("steps", false, "print what the endpointer finds in the sample hearing")

// sound makes test signals; the same seed makes the same.
type sound struct {
	rand    *rand.Rand
	noise   float64 // RMS of the room, dBFS
	samples []int16
	slow    float64
	pitch   float64 // of the voice; 1: 160 Hz
	phase   float64
}

// buzz is one period of 8 harmonics of 160 Hz, with an RMS of 1.
var buzz = func() (b [100]float64) {
	for i := range b {
		for k := 1.0; k <= 8; k++ {
			b[i] += math.Sin(2*math.Pi*k*float64(i)/100+k) / 2
		}
	}
	return b
}()

func newSound(seed uint64, noise float64) *sound {
	return &sound{rand: rand.New(rand.NewPCG(seed, 1)), noise: noise, pitch: 1}
}

// add appends ms of sound: room noise, and voice of the given RMS where it is above -100 dBFS.
// The voice is a buzz of harmonics under a syllable rhythm of 5 Hz.
//
//go:norace
func (s *sound) add(ms int, voice float64) *sound {
	amplitude, noise := math.Pow(10, voice/20)*32768, math.Pow(10, s.noise/20)*32768
	for range ms * capture.Rate / 1000 {
		t := float64(len(s.samples)) / capture.Rate
		s.phase += s.pitch
		s.slow += 0.2 * (s.rand.NormFloat64() - s.slow)
		x := noise * (0.6*s.rand.NormFloat64() + 2.4*s.slow)
		if voice > -100 {
			syllable := 0.75 + 0.65*math.Sin(2*math.Pi*5*t)
			x += amplitude * syllable * buzz[int(s.phase)%len(buzz)]
		}
		s.samples = append(s.samples, int16(max(-32768, min(32767, math.Round(x)))))
	}
	return s
}

func (s *sound) quiet(ms int) *sound { return s.add(ms, -200) }

// click adds a burst of noise.
func (s *sound) click(ms int, rms float64) *sound {
	for range ms * capture.Rate / 1000 {
		s.samples = append(s.samples, int16(max(-32768, min(32767, s.rand.NormFloat64()*math.Pow(10, rms/20)*32768))))
	}
	return s
}

// steps runs samples through an endpointer in one piece.
func steps(t testing.TB, samples []int16) []Step {
	t.Helper()
	e, err := NewEndpointer(Pauses{}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return append(e.Write(samples), e.Flush()...)
}

// spans are the utterances in milliseconds.
func spans(steps []Step) (s [][2]int64) {
	for _, p := range steps {
		if p.Speech {
			s = append(s, [2]int64{p.First.Milliseconds(), p.End.Milliseconds()})
		}
	}
	return s
}

func TestEndpointer(t *testing.T) {
	near := func(a, b int64) bool { return a-b <= 60 && b-a <= 60 }
	for _, tt := range []struct {
		name  string
		sound *sound
		want  [][2]int64
	}{
		{"a sentence", newSound(1, -62).quiet(2000).add(3000, -22).quiet(2000), [][2]int64{{1700, 5250}}},
		{"digital silence around", newSound(1, -200).quiet(2000).add(3000, -22).quiet(2000), [][2]int64{{1700, 5250}}},
		{"digital silence alone", newSound(1, -200).quiet(5000), nil},
		{"a room alone", newSound(1, -62).quiet(30000), nil},
		{"a loud room alone", newSound(1, -45).quiet(6000).quiet(30000), [][2]int64{{0, 5700}}}, // until it is known
		{"quiet speech", newSound(1, -62).quiet(2000).add(3000, -40).quiet(2000), [][2]int64{{1700, 5250}}},
		{"loud speech", newSound(1, -62).quiet(2000).add(3000, -12).quiet(2000), [][2]int64{{1700, 5250}}},
		{"in mid-speech from the start", newSound(1, -62).add(3000, -22).quiet(2000), [][2]int64{{0, 3250}}},
		{"a word of 0.1 s", newSound(1, -62).quiet(2000).add(100, -22).quiet(2000), [][2]int64{{1700, 2350}}},
		{"two answers", newSound(1, -62).quiet(2000).add(100, -26).quiet(700).add(100, -26).quiet(2000), [][2]int64{{1700, 2350}, {2500, 3150}}},
		{"pauses inside", newSound(1, -62).quiet(1000).add(800, -22).quiet(300).add(800, -22).quiet(300).add(800, -22).quiet(2000), [][2]int64{{700, 4250}}},
		{"close upon each other", newSound(1, -62).quiet(1000).add(1000, -22).quiet(540).add(1000, -22).quiet(2000), [][2]int64{{700, 2250}, {2250, 3790}}},
		{"clicks", newSound(1, -62).quiet(2000).click(20, -20).quiet(1000).click(25, -10).quiet(1000).click(5, -6).quiet(1000), nil},
		{"a click after speech", newSound(1, -62).quiet(1000).add(1000, -22).quiet(300).click(10, -10).quiet(1500), [][2]int64{{700, 2250}}},
		{"a fan is switched on", newSound(1, -62).quiet(5000).add(0, 0).fan(-48, 15000).add(2000, -22).quiet(2000), [][2]int64{{4700, 10600}, {19700, 22250}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := spans(steps(t, tt.sound.samples))
			ok := len(got) == len(tt.want)
			for i := 0; ok && i < len(got); i++ {
				slackMS := int64(0)
				if tt.name == "a fan is switched on" || tt.name == "a loud room alone" {
					slackMS = 700 // the floor's window slides by blocks
				}
				a, b := got[i], tt.want[i]
				ok = near(a[0], b[0]) && (near(a[1], b[1]) || slackMS > 0 && a[1] > b[1]-slackMS && a[1] < b[1]+slackMS)
			}
			if !ok {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// fan changes the room's noise for good.
func (s *sound) fan(noise float64, ms int) *sound {
	s.noise = noise
	return s.quiet(ms)
}

func TestLongUtterances(t *testing.T) {
	t.Run("lull", func(t *testing.T) {
		got := spans(steps(t, newSound(1, -62).quiet(1000).add(10000, -22).quiet(250).add(12000, -22).quiet(250).add(5000, -22).quiet(1000).samples))
		if len(got) != 2 || got[0][1] < 23250 || got[0][1] > 23500 || got[1][0] != got[0][1] {
			t.Errorf("%v: want a cut in the pause at 23250", got)
		}
	})
	t.Run("quietest point", func(t *testing.T) {
		got := spans(steps(t, newSound(1, -62).quiet(1000).add(22000, -22).add(100, -38).add(40000, -22).quiet(1000).samples))
		if len(got) < 3 || got[0][1] < 23000 || got[0][1] > 23160 {
			t.Errorf("%v: want a cut near 23050", got)
		}
		for i, s := range got {
			if s[1]-s[0] > 28000 || i > 0 && s[0] != got[i-1][1] {
				t.Errorf("%v: too long, or not connected", got)
			}
		}
	})
}

// TestStepsAreReproducible is the promise that exactly-once stands on: from any
// step's end, with any chunking, come the same steps.
func TestStepsAreReproducible(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 2))
		s := newSound(seed, -70+25*r.Float64())
		for len(s.samples) < 90*capture.Rate {
			switch r.IntN(6) {
			case 0:
				s.quiet(100 + r.IntN(15000))
			case 1:
				s.click(1+r.IntN(50), -30+20*r.Float64())
			case 2:
				s.noise = -70 + 25*r.Float64()
			case 3:
				s.add(r.IntN(30000), -40+25*r.Float64())
			default:
				s.quiet(r.IntN(900)).add(50+r.IntN(3000), -40+25*r.Float64())
			}
		}
		s.samples = s.samples[:len(s.samples)-r.IntN(1000)] // end in mid-frame
		want := steps(t, s.samples)
		tile(t, want, capture.SampleIndex(len(s.samples)))

		var got []Step
		e, err := NewEndpointer(Pauses{}, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		restarts := 10
		for at := 0; at < len(s.samples); {
			n := min(1+r.IntN(2*capture.ChunkSamples), len(s.samples)-at)
			got = append(got, e.Write(s.samples[at:at+n])...)
			at += n
			if restarts > 0 && len(got) > 0 && r.IntN(20) == 0 { // from some step, not always the last
				restarts--
				k := 1 + r.IntN(len(got))
				got = got[:k]
				if e, err = NewEndpointer(Pauses{}, got[k-1].End, got[k-1].State); err != nil {
					t.Fatal(err)
				}
				at = int(got[k-1].End)
			}
		}
		got = append(got, e.Flush()...)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got %v\nwant %v", seed, spans(got), spans(want))
		}
	}
}

// TestFlushAndGoOn: audio that comes after a flush in mid-frame is reproducible too.
func TestFlushAndGoOn(t *testing.T) {
	s := newSound(3, -62).quiet(1000).add(2000, -22).quiet(3000).add(500, -22).quiet(1000).samples
	for _, cut := range []int{17_001, 40_000, 60_077} {
		e, _ := NewEndpointer(Pauses{}, 0, nil)
		first := append(e.Write(s[:cut]), e.Flush()...)
		if e.Flush() != nil {
			t.Error("flushed twice")
		}
		again, err := NewEndpointer(Pauses{}, capture.SampleIndex(cut), first[len(first)-1].State)
		if err != nil {
			t.Fatal(err)
		}
		want := append(e.Write(s[cut:]), e.Flush()...)
		got := append(again.Write(s[cut:]), again.Flush()...)
		if !reflect.DeepEqual(got, want) || len(got) == 0 {
			t.Errorf("cut at %d: %v, want %v", cut, spans(got), spans(want))
		}
		tile(t, append(first, got...), capture.SampleIndex(len(s)))
	}
}

// tile fails unless the steps cover the audio without gap or overlap.
func tile(t *testing.T, steps []Step, length capture.SampleIndex) {
	t.Helper()
	var at capture.SampleIndex
	for i, s := range steps {
		if s.Begin != at || s.First < at || s.End <= at || s.Speech != (s.End > s.First) || int(s.End-s.First) != len(s.Samples) || len(s.Samples) > maxUtterance*frameSamples {
			t.Fatalf("step %d of %d–%d after %d, %d samples", i, s.First, s.End, at, len(s.Samples))
		}
		if s.Speech && s.First%frameSamples != 0 && s.First != at {
			t.Fatalf("step %d begins in mid-frame, at %d", i, s.First)
		}
		at = s.End
	}
	if at != length {
		t.Fatalf("steps end at %d of %d", at, length)
	}
}

// TestSampleHearing: every sentence of the sample hearing lies in exactly one
// utterance of its seat, whole.
func TestSampleHearing(t *testing.T) {
	h, err := hearing.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range h.Recordings {
		var got [][2]int64
		for _, s := range steps(t, r.PCM) {
			if s.Speech {
				got = append(got, [2]int64{s.First.Milliseconds(), s.End.Milliseconds()})
			}
		}
		sentences := 0
		holds := map[[2]int64]int{}
		for _, s := range h.Sentences {
			if s.Channel != r.Channel {
				continue
			}
			sentences++
			whole := false
			for _, u := range got {
				if u[0] <= s.StartMS && s.EndMS <= u[1] {
					whole = true
					holds[u]++
				}
			}
			if !whole {
				t.Errorf("%s: sentence at %d–%d is in no utterance: %v", r.Channel, s.StartMS, s.EndMS, got)
			}
		}
		for u, n := range holds {
			if n > 1 {
				t.Errorf("%s: utterance %v holds %d sentences", r.Channel, u, n)
			}
		}
		if sentences == 0 {
			t.Errorf("%s: no sentence", r.Channel)
		}
		if *verbose {
			fmt.Println(r.Channel, sentences, len(got), got)
		}
	}
}

// TestClips: real speech, a sentence in one breath and one with a pause of 0.9 s.
func TestClips(t *testing.T) {
	const shared = "../../shared/audio/"
	if _, err := os.Stat(shared); err != nil {
		t.Skip("no real speech here: ../shared/audio is absent")
	}
	for name, want := range map[string]int{"aishell-BAC009S0724W0121.wav": 1, "funasr_sample.wav": 2} {
		b, err := os.ReadFile(shared + name)
		if err != nil {
			t.Fatal(err)
		}
		var pcm []int16
		for b = b[44:]; len(b) > 1; b = b[2:] {
			pcm = append(pcm, int16(binary.LittleEndian.Uint16(b)))
		}
		got := spans(steps(t, pcm))
		t.Log(name, len(pcm)/16, got)
		if len(got) != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestBadState(t *testing.T) {
	for _, s := range []string{`{`, `7`, `{"v":2}`, `{"v":1,"n":64}`, `{"v":1,"lvl":-3}`, `{"v":1,"hp":99999999}`, `{"v":1,"in":40000}`} {
		if _, err := NewEndpointer(Pauses{}, 0, json.RawMessage(s)); err == nil {
			t.Errorf("%s was taken", s)
		}
	}
}

// FuzzEndpointer: any audio is covered without gap or overlap, from any state that is taken.
func FuzzEndpointer(f *testing.F) {
	f.Add([]byte(`{"v":1,"in":0,"hp":0,"lvl":4118,"min":4118,"n":0,"blk":[1,2,3,4,5,6,7,8]}`), []byte("\x00\x10\x00\xf0\x00\x7f"), uint16(300), uint16(7))
	f.Add([]byte(nil), []byte{0, 0, 1, 0, 0, 0, 255, 255}, uint16(50), uint16(200))
	f.Fuzz(func(t *testing.T, state, audio []byte, repeat, begin uint16) {
		e, err := NewEndpointer(Pauses{}, capture.SampleIndex(begin), state)
		if err != nil || len(audio) < 2 {
			return
		}
		var pcm []int16
		for len(audio) >= 2 {
			pcm = append(pcm, int16(binary.LittleEndian.Uint16(audio)))
			audio = audio[2:]
		}
		var all []Step
		total := 0
		for i := range int(repeat) + 1 {
			burst := pcm
			for range i % 50 {
				burst = append(burst, pcm...)
			}
			total += len(burst)
			all = append(all, e.Write(burst)...)
			if total > 60*capture.Rate {
				break
			}
		}
		all = append(all, e.Flush()...)
		at := capture.SampleIndex(begin)
		for _, s := range all {
			if s.First < at || s.End <= at || int(s.End-s.First) != len(s.Samples) {
				t.Fatalf("%d–%d after %d", s.First, s.End, at)
			}
			if _, err := NewEndpointer(Pauses{}, s.End, s.State); err != nil {
				t.Fatal(err)
			}
			at = s.End
		}
		if at != capture.SampleIndex(int(begin)+total) {
			t.Fatalf("ends at %d of %d", at, int(begin)+total)
		}
	})
}

func BenchmarkEndpointer(b *testing.B) {
	for _, bb := range []struct {
		name     string
		noise    float64
		detector Detector
	}{{"quiet", -62, Voices}, {"quiet, levels", -62, Levels}, {"noisy", -26, Voices}, {"noisy, levels", -26, Levels}} {
		b.Run(bb.name, func(b *testing.B) {
			s := newSound(1, bb.noise).quiet(7000).add(3000, -22).quiet(2000).add(3000, -22).samples
			b.ReportAllocs()
			for b.Loop() {
				e, _ := NewEndpointer(Pauses{Detector: bb.detector}, 0, nil)
				for at := 0; at+4000 <= len(s); at += 4000 {
					e.Write(s[at : at+4000])
				}
			}
			audio := time.Duration(b.N) * capture.SampleIndex(len(s)).Duration()
			b.ReportMetric(100*b.Elapsed().Seconds()/audio.Seconds(), "%ofrealtime")
		})
	}
}

// TestEndSilence: a channel's end silence stays as it began, over restarts with
// another configuration; a long one joins what a short one cuts.
func TestEndSilence(t *testing.T) {
	s := newSound(3, -62).quiet(1000).add(1000, -22).quiet(650).add(1000, -22).quiet(3000).add(1000, -22).quiet(650).add(1000, -22).quiet(3000)
	run := func(first, then time.Duration) (speech int) {
		var begin capture.SampleIndex
		var state json.RawMessage
		end := first
		for int(begin) < len(s.samples) {
			e, err := NewEndpointer(Pauses{End: end}, begin, state)
			if err != nil {
				t.Fatal(err)
			}
			steps := e.Write(s.samples[begin:])
			steps = append(steps, e.Flush()...)
			if steps[0].Speech {
				speech++
			}
			begin, state, end = steps[0].End, steps[0].State, then // a restart after each step
		}
		return speech
	}
	for _, tt := range []struct {
		first, then time.Duration
		want        int
	}{{0, 0, 4}, {800 * time.Millisecond, 0, 2}, {800 * time.Millisecond, 300 * time.Millisecond, 2}, {0, 800 * time.Millisecond, 4}} {
		if got := run(tt.first, tt.then); got != tt.want {
			t.Errorf("%v, then %v: %d utterances, want %d", tt.first, tt.then, got, tt.want)
		}
	}
	// A change holds from the next step on, and is in the state: also for who begins there.
	e, err := NewEndpointer(Pauses{}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := e.Write(s.samples[:capture.Rate*3/2]) // in the first utterance
	e.SetEnd(800 * time.Millisecond)
	got = append(append(got, e.Write(s.samples[capture.Rate*3/2:])...), e.Flush()...)
	if n := len(spans(got)); n != 3 { // the first two apart, the last two together
		t.Errorf("%d utterances, want 3: %v", n, spans(got))
	}
	for i := range got[:len(got)-1] {
		e, err := NewEndpointer(Pauses{}, got[i].End, got[i].State)
		if err != nil {
			t.Fatal(err)
		}
		again := append(e.Write(s.samples[got[i].End:]), e.Flush()...)
		if w, g := got[i+1], again[0]; g.First != w.First || g.End != w.End || i > 0 && string(g.State) != string(w.State) {
			t.Errorf("step %d: %d–%d %s, again %d–%d %s", i+1, w.First, w.End, w.State, g.First, g.End, g.State)
		}
	}
	if _, err := NewEndpointer(Pauses{}, 0, json.RawMessage(`{"v":1,"end":-5}`)); err == nil {
		t.Error("a silence of less than nothing")
	}
}
