package capture

import (
	"fmt"
	"math"
)

// Resampler brings sound of any common rate to [Rate]: a polyphase filter, a
// sinc under a Kaiser window, at the exact ratio of the two rates. It passes
// up to 7 kHz (or 7/8 of half the lower rate) and holds down what would be
// mirrored into the band by more than 80 dB. Output sample k stands for the
// instant of input k·from/Rate: there is no delay. It is for use by one
// goroutine.
type Resampler struct {
	up, down int         // Rate : from in lowest terms
	half     int         // input samples on each side of an output's instant
	phases   [][]float64 // up filters of 2·half taps
	in       []float64   // input from index base on
	base     int64
	seen     int64 // input samples so far
	next     int64 // output index
}

// leastRate and mostRate are what a device may give, in Hz.
const (
	leastRate = 4000
	mostRate  = 384000
)

// maxPhases bounds the table of filters. Every rate in use needs fewer; odd ones
// (44,056 Hz: 2,000) are left to programs made for it.
const maxPhases = 1024

// NewResampler makes a resampler from a rate between 4 and 384 kHz. Rates whose
// ratio to [Rate] is no simple fraction are refused.
func NewResampler(from int) (*Resampler, error) {
	if from < leastRate || from > mostRate {
		return nil, fmt.Errorf("resample: %d Hz is not between %d and %d", from, leastRate, mostRate)
	}
	g := gcd(from, Rate)
	r := &Resampler{up: Rate / g, down: from / g}
	if r.up > maxPhases {
		return nil, fmt.Errorf("resample: %d Hz has no simple ratio to %d", from, Rate)
	}
	// In units of input samples: the cut-off lies in the middle of a transition
	// band from 7/8 of the lower Nyquist frequency to all of it.
	lower := float64(min(from, Rate))
	cutoff := lower * 15 / 32 / float64(from)
	const attenuation = 90.0 // dB; leaves room for rounding above the promised 80
	transition := 2 * math.Pi * lower / 16 / float64(from)
	r.half = int(math.Ceil((attenuation - 8) / (2.285 * transition) / 2))
	beta := 0.1102 * (attenuation - 8.7)
	r.phases = make([][]float64, r.up)
	for p := range r.phases {
		taps := make([]float64, 2*r.half)
		sum := 0.0
		for i := range taps {
			// Tap i meets the input sample i-half+1 after the instant's whole part.
			t := float64(i-r.half+1) - float64(p)/float64(r.up)
			taps[i] = sinc(2*cutoff*t) * kaiser(t/float64(r.half), beta)
			sum += taps[i]
		}
		for i := range taps {
			taps[i] /= sum // no phase may be louder than another
		}
		r.phases[p] = taps
	}
	r.in = make([]float64, r.half-1)
	r.base = -int64(r.half - 1)
	return r, nil
}

// begin has a new resampler's first output be that of index k, and says which
// input is to come first: what it gives is what one gives that began at 0. Input
// below 0 is silence.
func (r *Resampler) begin(k SampleIndex) (first int64) {
	r.next = int64(k)
	r.in = r.in[:0]
	r.base = r.begins(k)
	r.seen = r.base
	return r.base
}

// begins is the first input that output k needs.
func (r *Resampler) begins(k SampleIndex) int64 {
	return int64(k)*int64(r.down)/int64(r.up) - int64(r.half) + 1
}

// outputs is how many outputs there are of n inputs in all, with what Flush gives.
func (r *Resampler) outputs(n int64) SampleIndex {
	return SampleIndex((n*int64(r.up) + int64(r.down) - 1) / int64(r.down))
}

// ends is the input behind the last one that outputs below k need.
func (r *Resampler) ends(k SampleIndex) int64 {
	return (int64(k)-1)*int64(r.down)/int64(r.up) + int64(r.half) + 1
}

// Resample takes input and appends to out what can be said now.
func (r *Resampler) Resample(out, in []float64) []float64 {
	r.in = append(r.in, in...)
	r.seen += int64(len(in))
	return r.produce(out)
}

// Flush appends the rest, as if silence followed the input. The output is then
// ⌈input·Rate/from⌉ samples in all. The resampler is not to be used again.
func (r *Resampler) Flush(out []float64) []float64 {
	end := len(out) + max(0, int(int64(r.outputs(r.seen))-r.next))
	r.in = append(r.in, make([]float64, r.half+1)...)
	out = r.produce(out)
	return out[:min(len(out), end)]
}

func (r *Resampler) produce(out []float64) []float64 {
	for {
		at := r.next * int64(r.down)
		whole, phase := at/int64(r.up), at%int64(r.up)
		first := int(whole - int64(r.half) + 1 - r.base)
		if first+2*r.half > len(r.in) {
			// Keep what the next output still needs.
			if first > 1<<12 {
				r.in = r.in[:copy(r.in, r.in[first:])]
				r.base += int64(first)
			}
			return out
		}
		out = append(out, dot(r.phases[phase], r.in[first:first+2*r.half]))
		r.next++
	}
}

// dot sums four products at a time, which do not wait for each other. The order is
// always the same: the same input gives the same output, to the bit.
//
// Arithmetic on what its caller owns: the race detector would look at every sample.
//
//go:norace
func dot(taps, window []float64) float64 {
	var a, b, c, d float64
	for len(taps) >= 4 && len(window) >= 4 {
		a += taps[0] * window[0]
		b += taps[1] * window[1]
		c += taps[2] * window[2]
		d += taps[3] * window[3]
		taps, window = taps[4:], window[4:]
	}
	for i, t := range taps {
		a += t * window[i]
	}
	return (a + b) + (c + d)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is the Kaiser window on -1…1.
func kaiser(x, beta float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return bessel0(beta*math.Sqrt(1-x*x)) / bessel0(beta)
}

// bessel0 is the modified Bessel function of the first kind, of order 0.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-18*sum; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}
