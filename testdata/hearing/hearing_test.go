package hearing

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
)

const perMS = 16

// Decoded once: the tests only read it.
var loadOnce = sync.OnceValues(Load)

func load(t *testing.T) *Hearing {
	t.Helper()
	h, err := loadOnce()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestShape(t *testing.T) {
	h := load(t)
	if s := h.Samples / h.Rate; h.Rate != 16000 || s < 180 || s > 240 {
		t.Errorf("%d s at %d Hz", s, h.Rate)
	}
	var channels []string
	size := 0
	for _, r := range h.Recordings {
		channels = append(channels, r.Channel)
		if len(r.PCM) != h.Samples {
			t.Errorf("%s: %d samples of %d", r.Channel, len(r.PCM), h.Samples)
		}
		b, err := r.FLAC()
		if err != nil {
			t.Fatal(err)
		}
		size += len(b)
	}
	if want := []string{"judge", "clerk", "plaintiff", "defendant", "witness"}; !slices.Equal(channels, want) {
		t.Errorf("channels %v, want %v", channels, want)
	}
	if size > 9e6 {
		t.Errorf("recordings take %d bytes, want at most 9 MB", size)
	}
	var phases []string
	for _, s := range h.Sentences {
		phases = append(phases, s.Phase)
	}
	phases = slices.Compact(phases)
	if want := strings.Fields("宣布开庭 法庭调查 举证质证 法庭辩论 最后陈述 调解 休庭 宣判 闭庭"); !slices.Equal(phases, want) {
		t.Errorf("phases %v, want %v", phases, want)
	}
}

// What the pipeline's exact tests rely on.
func TestPauses(t *testing.T) {
	h, err := Reference()
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Sentences) < 40 {
		t.Fatalf("%d sentences", len(h.Sentences))
	}
	end := int64(h.Samples / perMS)
	last := make(map[string]Sentence) // of each seat
	var latest, overlap, silence int64
	cutOff := false
	for i, s := range h.Sentences {
		if i == 0 && s.StartMS < 1000 {
			t.Errorf("hearing begins with %d ms of noise, want 1000", s.StartMS)
		}
		if d := s.EndMS - s.StartMS; d < 300 || d > 15000 {
			t.Errorf("%s: %d ms long", s.Text, d)
		}
		if i > 0 && s.StartMS-h.Sentences[i-1].StartMS < 150 {
			t.Errorf("%s: starts %d ms after the sentence before", s.Text, s.StartMS-h.Sentences[i-1].StartMS)
		}
		if l, ok := last[s.Channel]; ok && s.StartMS-l.EndMS < 900 {
			t.Errorf("%s: starts %d ms after the same seat's last", s.Text, s.StartMS-l.EndMS)
		}
		// A bled sentence and an own one are two utterances as well.
		for _, b := range h.Bleed {
			if l, ok := last[b.From]; ok && s.Channel == b.Channel && s.StartMS-l.EndMS < 900 {
				t.Errorf("%s: starts %d ms after what bled in", s.Text, s.StartMS-l.EndMS)
			}
			if l, ok := last[b.Channel]; ok && s.Channel == b.From && s.StartMS-l.EndMS < 900 {
				t.Errorf("%s: bleeds in %d ms after the seat's own", s.Text, s.StartMS-l.EndMS)
			}
		}
		if i > 0 {
			silence = max(silence, s.StartMS-latest)
			overlap = max(overlap, min(latest, s.EndMS)-s.StartMS)
			if d := latest - s.StartMS; strings.HasSuffix(h.Sentences[i-1].Text, "——") && d >= 300 && d <= 700 {
				cutOff = true
			}
		}
		latest = max(latest, s.EndMS)
		last[s.Channel] = s
	}
	if end-latest < 2000 {
		t.Errorf("hearing ends with %d ms of noise, want 2000", end-latest)
	}
	if silence < 12000 || overlap < 1500 || !cutOff {
		t.Errorf("longest silence %d ms, longest overlap %d ms, interruption %v", silence, overlap, cutOff)
	}
}

func TestWordsCoverSentence(t *testing.T) {
	h, err := Reference()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range h.Sentences {
		var text strings.Builder
		at := s.StartMS
		for i, w := range s.Words {
			if d := w.StartMS - at; d < 0 || d >= 300 || (d > 0 && i == 0) || w.EndMS <= w.StartMS {
				t.Errorf("%s: word %s from %d to %d, the one before ends at %d", s.Text, w.Text, w.StartMS, w.EndMS, at)
			}
			at = w.EndMS
			if strings.ContainsFunc(strings.TrimLeft(w.Text, "《"), func(r rune) bool { return !unicode.Is(unicode.Han, r) }) {
				t.Errorf("%s: word %q is more than characters", s.Text, w.Text)
			}
			// 30 to 700 ms a character: a misread event breaks it.
			if d := (w.EndMS - w.StartMS) / int64(len([]rune(w.Text))); d < 60 || d > 500 {
				t.Errorf("%s: word %s takes %d ms a character", s.Text, w.Text, d)
			}
			text.WriteString(w.Text + w.Punct)
		}
		if at != s.EndMS {
			t.Errorf("%s: last word ends at %d, sentence at %d", s.Text, at, s.EndMS)
		}
		if text.String() != s.Text {
			t.Errorf("words join to %s, sentence is %s", &text, s.Text)
		}
	}
}

// Sound is where the reference says, and nowhere else.
func TestEnergy(t *testing.T) {
	h := load(t)
	for _, r := range h.Recordings {
		level := frames(r.PCM)
		spoken := make([]bool, len(level))
		mark := func(from, to int64) {
			for f := from / frameMS; f <= to/frameMS && f < int64(len(spoken)); f++ {
				spoken[f] = true
			}
		}
		for _, s := range h.Sentences {
			for _, b := range h.Bleed {
				if s.Channel != b.From || r.Channel != b.Channel {
					continue
				}
				mark(s.StartMS+b.DelayMS, s.EndMS+b.DelayMS)
				if own, bled := rms(pcmOf(h, b.From), s.StartMS, s.EndMS), rms(r.PCM, s.StartMS+b.DelayMS, s.EndMS+b.DelayMS); math.Abs(bled-own-b.GainDB) > 0.5 {
					t.Errorf("%s bleeds into %s at %.1f dB, want %.1f", s.Text, r.Channel, bled-own, b.GainDB)
				}
			}
			if s.Channel != r.Channel {
				continue
			}
			mark(s.StartMS, s.EndMS)
			if l := rms(r.PCM, s.StartMS, s.EndMS); l < -24 || l > -20 {
				t.Errorf("%s: %.1f dBFS", s.Text, l)
			}
			if p := peak(r.PCM, s.StartMS, s.EndMS); p < -14 || p > -5.9 {
				t.Errorf("%s: peak %.1f dBFS", s.Text, p)
			}
			quiet := int64(0)
			for f := s.StartMS/frameMS + 1; f < s.EndMS/frameMS; f++ {
				if quiet += frameMS; level[f] > -45 {
					quiet = 0
				}
				if quiet >= 300 {
					t.Errorf("%s: a pause of 300 ms before %d ms", s.Text, (f+1)*frameMS)
					break
				}
			}
		}
		for f, l := range level {
			if !spoken[f] && (l > -50 || l < -75) {
				t.Errorf("%s: %.1f dBFS at %d ms, where nobody speaks", r.Channel, l, f*frameMS)
			}
		}
	}
}

// The witness is heard through a telephone band.
func TestWitnessIsBandLimited(t *testing.T) {
	h := load(t)
	for _, c := range []struct {
		channel string
		video   bool
	}{{"witness", true}, {"plaintiff", false}} {
		pcm := pcmOf(h, c.channel)
		var low, mid, high float64
		n := 0
		for _, s := range h.Sentences {
			if s.Channel != c.channel {
				continue
			}
			n++
			from, to := s.StartMS*perMS, s.EndMS*perMS
			for i := from; i+512 <= to; i += 512 {
				low += power(pcm[i:i+512], 3, 5)      // 94 to 188 Hz
				mid += power(pcm[i:i+512], 12, 80)    // 375 to 2500 Hz
				high += power(pcm[i:i+512], 144, 224) // 4500 to 7000 Hz
			}
		}
		if n == 0 {
			t.Fatalf("%s never speaks", c.channel)
		}
		l, hi := 10*math.Log10(low/mid), 10*math.Log10(high/mid)
		if out := l < -25 && hi < -25; out != c.video {
			t.Errorf("%s: %.1f dB below the band, %.1f above it", c.channel, l, hi)
		}
	}
}

const frameMS = 20

func frames(pcm []int16) []float64 {
	var out []float64
	for ms := int64(0); (ms+frameMS)*perMS <= int64(len(pcm)); ms += frameMS {
		out = append(out, rms(pcm, ms, ms+frameMS))
	}
	return out
}

func rms(pcm []int16, from, to int64) float64 {
	var sum float64
	for _, v := range pcm[from*perMS : to*perMS] {
		sum += float64(v) * float64(v)
	}
	return 10*math.Log10(sum/float64((to-from)*perMS)+1e-9) - 20*math.Log10(32768)
}

func peak(pcm []int16, from, to int64) float64 {
	p := 0.0
	for _, v := range pcm[from*perMS : to*perMS] {
		p = max(p, math.Abs(float64(v)))
	}
	return 20 * math.Log10(p/32768)
}

// power sums the DFT bins from..to, each by Goertzel.
func power(x []int16, from, to int) float64 {
	var sum float64
	for k := from; k <= to; k += 4 {
		c := 2 * math.Cos(2*math.Pi*float64(k)/float64(len(x)))
		var s1, s2 float64
		for i, v := range x {
			w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(x)))
			s1, s2 = w*float64(v)+c*s1-s2, s1
		}
		sum += s1*s1 + s2*s2 - c*s1*s2
	}
	return sum
}

func pcmOf(h *Hearing, channel string) []int16 {
	for _, r := range h.Recordings {
		if r.Channel == channel {
			return r.PCM
		}
	}
	return nil
}
