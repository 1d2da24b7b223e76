package main

import (
	"math"
	"math/rand/v2"
)

const (
	speechRMS  = -22.0 // dBFS of a sentence
	speechKnee = -14.0 // dBFS above which a sentence is compressed
	speechPeak = -6.2  // dBFS no sentence passes
	noiseRMS   = -62.0 // dBFS of each room
)

func amplitude(db float64) float64 { return math.Pow(10, db/20) }

func rms(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum / float64(max(1, len(x))))
}

func peak(x []float64) float64 {
	var p float64
	for _, v := range x {
		p = max(p, math.Abs(v))
	}
	return p
}

func scale(x []float64, by float64) {
	for i := range x {
		x[i] *= by
	}
}

// add mixes x into dst from sample at on, times gain.
func add(dst, x []float64, at int, gain float64) {
	for i, v := range x {
		if j := at + i; j >= 0 && j < len(dst) {
			dst[j] += gain * v
		}
	}
}

// level brings a sentence to speechRMS. The peaks of a synthetic voice stand
// 20 dB above that, a person's less: they bend instead of clipping.
func level(x []float64) {
	knee, room := amplitude(speechKnee), amplitude(speechPeak)-amplitude(speechKnee)
	for range 4 { // each bend costs some of the level
		scale(x, amplitude(speechRMS)/rms(x))
		for i, v := range x {
			if over := math.Abs(v) - knee; over > 0 {
				x[i] = math.Copysign(knee+room*math.Tanh(over/room), v)
			}
		}
	}
}

// audible is the span of x between the first and the last sample that reach
// 40 dB below its peak.
func audible(x []float64) (from, to int) {
	least := peak(x) * amplitude(-40)
	to = len(x)
	for from < to && math.Abs(x[from]) < least {
		from++
	}
	for to > from && math.Abs(x[to-1]) < least {
		to--
	}
	return from, to
}

// fade takes the click out of a cut: 3 ms at both ends.
func fade(x []float64) {
	n := min(rate*3/1000, len(x)/2)
	for i := range n {
		g := float64(i) / float64(n)
		x[i] *= g
		x[len(x)-1-i] *= g
	}
}

// room is the noise of a quiet room: Gaussian, falling by 18 dB an octave
// above 120 Hz, so that a linear predictor sees most of it coming.
func room(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 0x746a)) // fixed: the same noise each run
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	for range 3 {
		lowpass(120)(x)
	}
	highpass(30)(x)
	scale(x, amplitude(noiseRMS)/rms(x))
	return x
}

// telephone keeps 300 to 3400 Hz, 24 dB an octave.
func telephone(x []float64) {
	for _, q := range []float64{0.541, 1.307} { // Butterworth, 4th order
		biquad(300, q, true)(x)
		biquad(3400, q, false)(x)
	}
}

func lowpass(hz float64) func([]float64) {
	a := math.Exp(-2 * math.Pi * hz / rate)
	return func(x []float64) {
		var y float64
		for i, v := range x {
			y = a*y + (1-a)*v
			x[i] = y
		}
	}
}

func highpass(hz float64) func([]float64) {
	low := lowpass(hz)
	return func(x []float64) {
		y := append([]float64(nil), x...)
		low(y)
		for i := range x {
			x[i] -= y[i]
		}
	}
}

// biquad is a second-order section after R. Bristow-Johnson's cookbook.
func biquad(hz, q float64, high bool) func([]float64) {
	w := 2 * math.Pi * hz / rate
	cos, alpha := math.Cos(w), math.Sin(w)/(2*q)
	b0, b1 := (1-cos)/2, 1-cos
	if high {
		b0, b1 = (1+cos)/2, -(1 + cos)
	}
	b2, a0, a1, a2 := b0, 1+alpha, -2*cos, 1-alpha
	return func(x []float64) {
		var x1, x2, y1, y2 float64
		for i, v := range x {
			y := (b0*v + b1*x1 + b2*x2 - a1*y1 - a2*y2) / a0
			x1, x2, y1, y2 = v, x1, y, y1
			x[i] = y
		}
	}
}

// quantise rounds to 16 bits.
func quantise(x []float64) []int16 {
	pcm := make([]int16, len(x))
	for i, v := range x {
		pcm[i] = int16(max(-32768, min(32767, math.Round(v*32768))))
	}
	return pcm
}
