package capture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// tone is n samples of a sine of amplitude 1.
func tone(rate int, hz float64, n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = math.Sin(2 * math.Pi * hz * float64(i) / float64(rate))
	}
	return s
}

func resampleAll(t testing.TB, rate int, in []float64) []float64 {
	t.Helper()
	r, err := NewResampler(rate)
	if err != nil {
		t.Fatal(err)
	}
	return r.Flush(r.Resample(nil, in))
}

// level is the RMS of the middle half of s, relative to a sine of amplitude 1,
// in dB.
func level(s []float64) float64 {
	mid := s[len(s)/4 : 3*len(s)/4]
	sum := 0.0
	for _, v := range mid {
		sum += v * v
	}
	return 10 * math.Log10(2*sum/float64(len(mid))+1e-30)
}

func TestResamplerResponse(t *testing.T) {
	for _, rate := range []int{22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			worstPass, worstStop := 0.0, math.Inf(-1)
			for hz := 50.0; hz <= 7000; hz += 331 {
				if l := level(resampleAll(t, rate, tone(rate, hz, rate/2))); math.Abs(l) > math.Abs(worstPass) {
					worstPass = l
				}
			}
			if l := level(resampleAll(t, rate, tone(rate, 7000, rate/2))); math.Abs(l) > math.Abs(worstPass) {
				worstPass = l
			}
			for hz := 8000.0; hz < float64(rate)/2; hz += float64(rate) / 97 {
				worstStop = max(worstStop, level(resampleAll(t, rate, tone(rate, hz+1, rate/2))))
			}
			t.Logf("pass band to 7 kHz: %+.3f dB at worst; above 8 kHz: %.1f dB at worst", worstPass, worstStop)
			if math.Abs(worstPass) > 1 || worstStop > -80 {
				t.Error("outside 1 dB in the pass band or above -80 dB in the stop band")
			}
		})
	}
	t.Run("8000", func(t *testing.T) {
		// Upwards nothing may appear that was not there.
		out := resampleAll(t, 8000, tone(8000, 1000, 8000))
		want := tone(Rate, 1000, Rate)
		for i := 2000; i < 14000; i++ {
			if math.Abs(out[i]-want[i]) > 1e-4 {
				t.Fatalf("sample %d is %g, want %g", i, out[i], want[i])
			}
		}
	})
}

// TestResamplerTiming holds every output to its instant: a delay would place
// words wrongly against other seats.
func TestResamplerTiming(t *testing.T) {
	for _, rate := range []int{11025, 44100, 48000} {
		out, want := resampleAll(t, rate, tone(rate, 440, rate)), tone(Rate, 440, Rate)
		if len(out) != Rate {
			t.Errorf("%d Hz: a second became %d samples", rate, len(out))
		}
		for i := 2000; i < 14000; i++ {
			if math.Abs(out[i]-want[i]) > 1e-4 {
				t.Fatalf("%d Hz: sample %d is %g, want %g", rate, i, out[i], want[i])
			}
		}
	}
}

func TestResamplerInAnyPieces(t *testing.T) {
	in := make([]float64, 50000)
	for i := range in {
		in[i] = rand.Float64() - 0.5
	}
	want := resampleAll(t, 44100, in)
	r, err := NewResampler(44100)
	if err != nil {
		t.Fatal(err)
	}
	var got []float64
	for rest := in; len(rest) > 0; {
		n := min(rand.IntN(3000), len(rest))
		got = r.Resample(got, rest[:n])
		rest = rest[n:]
	}
	if got = r.Flush(got); !slices.Equal(got, want) {
		t.Errorf("%d samples, %d in one piece, or not the same", len(got), len(want))
	}
}

func TestResamplerRefuses(t *testing.T) {
	for _, rate := range []int{0, -1, 3999, 384001, 44101} {
		if _, err := NewResampler(rate); err == nil {
			t.Errorf("%d Hz was accepted", rate)
		}
	}
}

func BenchmarkResample(b *testing.B) {
	for _, rate := range []int{44100, 48000} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			r, err := NewResampler(rate)
			if err != nil {
				b.Fatal(err)
			}
			second := tone(rate, 440, rate)
			var out []float64
			for b.Loop() {
				out = r.Resample(out[:0], second)
			}
		})
	}
}
