package asr

import (
	"math"
	"testing"
	"time"

	"tingji/capture"
)

// knock adds blows on a table: one a second, each a tone of its own that dies away in 30 ms.
func (s *sound) knock(seconds int, peak float64) *sound {
	for range seconds {
		hz := 120 + 500*s.rand.Float64()
		s.quiet(1000)
		at := s.samples[len(s.samples)-capture.Rate:]
		for i := range at {
			t := float64(i) / capture.Rate
			at[i] = clamped(float64(at[i]) + dbfs(peak)*math.Exp(-t/0.03)*math.Sin(2*math.Pi*hz*t))
		}
	}
	return s
}

// paper adds the rustle of paper: crackles, in bursts.
func (s *sound) paper(seconds int, peak float64) *sound {
	from := len(s.samples)
	s.quiet(1000 * seconds)
	for at := from; at < len(s.samples); at += 1 + int(s.rand.ExpFloat64()*capture.Rate/60) {
		if (at/capture.Rate)%2 == 0 {
			continue
		}
		gain := dbfs(peak) * s.rand.Float64()
		for i := 0; i < 48 && at+i < len(s.samples); i++ {
			s.samples[at+i] = clamped(float64(s.samples[at+i]) + gain*s.rand.NormFloat64()*math.Exp(-float64(i)/16))
		}
	}
	return s
}

// hum adds a mains hum with its overtones.
func (s *sound) hum(seconds int, db float64) *sound {
	from := len(s.samples)
	s.quiet(1000 * seconds)
	for i := from; i < len(s.samples); i++ {
		t, x := float64(i)/capture.Rate, 0.0
		for k := 1; k < 12; k++ {
			x += math.Sin(2*math.Pi*50*float64(k)*t) / float64(k)
		}
		s.samples[i] = clamped(float64(s.samples[i]) + dbfs(db)*x)
	}
	return s
}

func clamped(x float64) int16 { return int16(max(-32768, min(32767, x))) }
func dbfs(db float64) float64 { return math.Pow(10, db/20) * 32768 }
func speechOf(steps []Step) (d time.Duration, n int) {
	for _, s := range steps {
		if s.Speech {
			d, n = d+s.Voiced, n+1
		}
	}
	return d, n
}

// TestFalseAlarms: what finds speech in noise takes no more noise for speech.
func TestFalseAlarms(t *testing.T) {
	const minute = 60_000
	drift := newSound(8, -45)
	for range 60 { // a fan that comes and goes, by 4 dB in all
		drift.noise = -45 + 4*drift.rand.Float64()
		drift.quiet(1000)
	}
	rain := newSound(9, -50)
	for i := range 120 { // louder by 12 dB in two minutes
		rain.noise = -50 + float64(i)/10
		rain.quiet(1000)
	}
	for _, tt := range []struct {
		name  string
		sound *sound
		most  int // utterances beyond those of Levels
	}{
		{"a room", newSound(1, -62).quiet(3 * minute), 0},
		{"a noisy room", newSound(2, -42).quiet(3 * minute), 0},
		{"noise as loud as speech", newSound(3, -22).quiet(3 * minute), 0},
		{"a fan that comes and goes", drift, 0},
		{"rain that grows", rain, 0},
		{"knocks", newSound(4, -60).knock(60, -20), 0},
		{"knocks in noise", newSound(4, -40).knock(60, -26), 0},
		{"paper", newSound(5, -60).paper(60, -20), 0},
		{"paper in noise", newSound(5, -40).paper(60, -26), 0},
		{"mains", newSound(6, -60).hum(60, -40), 0},
		{"mains in noise", newSound(7, -42).hum(60, -46), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plain, n := speechOf(stepsBy(t, Levels, tt.sound.samples))
			voices, m := speechOf(stepsBy(t, Voices, tt.sound.samples))
			t.Logf("by level %d utterances, %v; by voice %d, %v", n, plain, m, voices)
			if m > n+tt.most {
				t.Errorf("%d utterances, %v of speech; by level alone %d, %v", m, voices, n, plain)
			}
		})
	}
}

func stepsBy(t *testing.T, d Detector, samples []int16) []Step {
	t.Helper()
	e, err := NewEndpointer(Pauses{Detector: d}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return append(e.Write(samples), e.Flush()...)
}

// TestDetectorStays: a channel that an older worker began goes on with its detector,
// whatever is configured; a detector that is not known is refused.
func TestDetectorStays(t *testing.T) {
	s := newSound(1, -26).quiet(8000).add(3000, -26).quiet(4000).add(3000, -26).quiet(2000)
	for _, d := range []Detector{Levels, Voices} {
		want := stepsBy(t, d, s.samples)
		for _, configured := range []Detector{"", Levels, Voices} {
			e, err := NewEndpointer(Pauses{Detector: configured}, want[0].End, want[0].State)
			if err != nil {
				t.Fatal(err)
			}
			got := append(e.Write(s.samples[want[0].End:]), e.Flush()...)
			if len(got) != len(want)-1 {
				t.Fatalf("%s, then %q: %v, want %v", d, configured, spans(got), spans(want[1:]))
			}
			for i, g := range got {
				if w := want[i+1]; g.First != w.First || g.End != w.End || string(g.State) != string(w.State) {
					t.Errorf("%s, then %q: %d–%d %s, want %d–%d %s", d, configured, g.First, g.End, g.State, w.First, w.End, w.State)
				}
			}
		}
	}
	if _, n := speechOf(stepsBy(t, Levels, s.samples)); n != 1 {
		t.Errorf("by level %d utterances: too easy to tell the detectors apart", n)
	}
	if _, err := NewEndpointer(Pauses{Detector: "ears"}, 0, nil); err == nil {
		t.Error("a detector that nobody knows was taken")
	}
}

// TestSpeechInNoise: speech as loud as the noise is found, whole, and by level alone
// it is not.
func TestSpeechInNoise(t *testing.T) {
	s := newSound(1, -26).quiet(8000)
	var want [][2]int64
	for range 6 {
		at := capture.SampleIndex(len(s.samples)).Milliseconds()
		s.add(3000, -26).quiet(2500)
		want = append(want, [2]int64{at, at + 3000})
	}
	got := spans(stepsBy(t, Voices, s.samples))[1:] // the first is the noise that is not known yet
	whole := len(got) == len(want)
	for i := 0; whole && i < len(want); i++ {
		whole = got[i][0] <= want[i][0] && got[i][1] >= want[i][1] && got[i][0] > want[i][0]-900 && got[i][1] < want[i][1]+500
	}
	if !whole {
		t.Errorf("got %v, said at %v", got, want)
	}
	if plain := spans(stepsBy(t, Levels, s.samples))[1:]; len(plain) >= len(want) {
		t.Errorf("by level %v: no harder than the others", plain)
	}
}
