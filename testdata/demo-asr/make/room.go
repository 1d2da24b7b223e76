package main

import (
	"math"
	"math/rand/v2"
)

// room is what happens between a mouth and a file.
type room struct {
	level     float64 // dBFS of the speech
	noise     float64 // dB below the speech
	pink      bool
	telephone bool
	echo      bool
	tilt      float64 // −1 dull … 1 sharp
	bend      bool    // peaks are compressed
	before    int     // samples without speech
	after     int
}

func drawRoom(r *rand.Rand) room {
	o := room{
		level: -34 + 20*r.Float64(), noise: 45, pink: r.IntN(2) == 0, telephone: r.IntN(4) == 0, echo: r.IntN(4) == 0,
		tilt: 0.8*r.Float64() - 0.4, bend: r.IntN(2) == 0,
		before: rate/20 + r.IntN(rate*2/5), after: rate/20 + r.IntN(rate*2/5),
	}
	if r.IntN(3) > 0 {
		o.noise = 8 + 30*r.Float64()
	}
	return o
}

// record puts speech into a room.
func (o room) record(speech []float64, r *rand.Rand) []int16 {
	x := make([]float64, o.before+len(speech)+o.after)
	copy(x[o.before:], speech)
	if o.echo {
		dry := append([]float64(nil), x...)
		for range 6 {
			delay, gain := 40+r.IntN(1600), 0.25*r.Float64()
			for i := delay; i < len(x); i++ {
				x[i] += gain * dry[i-delay]
			}
		}
	}
	last := 0.0
	for i, v := range x {
		x[i] = v - o.tilt*last
		last = v
	}
	if o.telephone {
		band(x)
	}
	if o.bend {
		knee := rms(x) * (2 + 2*r.Float64())
		for i, v := range x {
			if over := math.Abs(v) - knee; over > 0 {
				x[i] = math.Copysign(knee+knee*math.Tanh(over/knee), v)
			}
		}
	}
	gain := amplitude(o.level) / rms(x[o.before:len(x)-o.after])
	hiss := noise(len(x), o.pink, r)
	hissGain := amplitude(o.level-o.noise) / rms(hiss)
	out := make([]int16, len(x))
	for i, v := range x {
		out[i] = int16(math.Round(32767 * max(-1, min(1, v*gain+hiss[i]*hissGain))))
	}
	return out
}

func noise(n int, pink bool, r *rand.Rand) []float64 {
	x := make([]float64, n)
	low := 0.0
	for i := range x {
		x[i] = r.NormFloat64()
		if pink {
			low = 0.95*low + x[i]
			x[i] = low
		}
	}
	return x
}

// band leaves what a telephone leaves: two poles at 300 Hz and four at 3400.
func band(x []float64) {
	biquad(x, 300, true)
	biquad(x, 3400, false)
	biquad(x, 3400, false)
}

// biquad is a Butterworth filter of second order.
func biquad(x []float64, hz float64, high bool) {
	w := 2 * math.Pi * hz / rate
	alpha := math.Sin(w) / math.Sqrt2
	c, a0 := math.Cos(w), 1+alpha
	b0, b1 := (1-c)/2/a0, (1-c)/a0
	if high {
		b0, b1 = (1+c)/2/a0, -(1+c)/a0
	}
	a1, a2 := -2*c/a0, (1-alpha)/a0
	var x1, x2, y1, y2 float64
	for i, v := range x {
		y := b0*v + b1*x1 + b0*x2 - a1*y1 - a2*y2
		x1, x2, y1, y2 = v, x1, y, y1
		x[i] = y
	}
}

func amplitude(db float64) float64 { return math.Pow(10, db/20) }

func rms(x []float64) float64 {
	sum := 1e-20
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum / float64(max(1, len(x))))
}
