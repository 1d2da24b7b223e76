package asr

import (
	"cmp"
	"slices"
)

const (
	// mixedVoices is how many seats, the loudest that are heard, are looked at so closely.
	mixedVoices = 4
	// mixedFrames on both sides of a frame say whether voices explain it.
	mixedFrames = 8
	// mixedShare is how much of the energy there they have to explain.
	mixedShare = 0.6
	// overFrames on both sides of a frame, or twice as many on one, say whether somebody
	// speaks over a voice.
	overFrames = 3
	// overShare of the energy must be unexplained for it, and overEcho times as much as where
	// the voice is alone.
	overShare = 0.2
	overEcho  = 8
	// A voice is fitted by taps about its lag: a room is no wire, nor a lag a whole number.
	mixedTaps = 3
	// mixedCorrelation is enough to find a voice's lag under another's: what is made of
	// it is held to mixedShare.
	mixedCorrelation = 0.1
)

// voiceAt is another seat's voice at the lag at which a seat hears it.
type voiceAt struct {
	seat  int // as in borrowed.frames
	band  []int16
	lags  []int     // of each frame: two devices' clocks do not quite agree
	there []int64   // smoothed energy at that lag
	held  []float64 // how loud it should be here, its echo with it; 0: not known
}

// alone holds the frames to what one voice explains of them: where it does that badly, somebody
// speaks over it. least is what earlier voices had to explain of a frame to have it; it
// returns what they and this one have to.
func (b *borrowed) alone(own []int16, smooth []int64, v voiceAt, least float64) float64 {
	f := b.fit(own, smooth, v)
	least = max(least, b.spokenOver(smooth, v, f))
	b.lend(smooth, f, least, [2]int{-mixedFrames, mixedFrames})
	return least
}

// mixtures finds the frames that two voices explain and neither does alone: each is
// hidden by the other.
func (b *borrowed) mixtures(own []int16, smooth []int64, heard []voiceAt, least float64) {
	for i, x := range heard {
		for _, y := range heard[i+1:] {
			f := b.fit(own, smooth, x, y)
			// Each microphone has the other voice too, which no delay undoes.
			b.lend(smooth, f, max(mixedShare, least-0.1), [2]int{-mixedFrames, mixedFrames}, [2]int{-mixedFrames, 0}, [2]int{0, mixedFrames})
		}
	}
}

// A gram is the products of all signals with each other, the seat's own first.
type gram [2*mixedTaps + 1][2*mixedTaps + 1]int64

// fitted is what one or two voices explain of an utterance.
type fitted struct {
	voices []voiceAt
	in     []bool // the frames that may be theirs
	scale  []uint8
	sums   []gram // over those before each frame
	count  []int
}

// fit finds what voices explain of an utterance: see [fitted.share].
//
// Arithmetic on what its caller owns: the race detector would look at every sample,
// ten times as slowly.
//
//go:norace
func (b *borrowed) fit(own []int16, smooth []int64, voices ...voiceAt) *fitted {
	n := len(b.frames)
	fit := &fitted{voices, make([]bool, n), scales(smooth), make([]gram, n+1), make([]int, n+1)}
	for f := range n {
		fit.sums[f+1], fit.count[f+1] = fit.sums[f], fit.count[f]
		for _, v := range voices {
			whose := int(b.frames[f])
			fit.in[f] = fit.in[f] || smooth[f] > 4*b.floor && (whose == v.seat || whose == 0 && louder(v.there[f], smooth[f]))
		}
		if !fit.in[f] {
			continue
		}
		fit.count[f+1]++
		signals := append(make([][]int16, 0, 1+2*mixedTaps), own[f*bandFrame:(f+1)*bandFrame])
		for _, v := range voices {
			for tap := range mixedTaps {
				signals = append(signals, delayed(v.band, f*bandFrame+bandLag+v.lags[f]+tap-mixedTaps/2))
			}
		}
		for p, x := range signals {
			for q := p; q < len(signals); q++ {
				var sum int64
				for i, y := range signals[q] {
					sum += int64(x[i]) * int64(y)
				}
				fit.sums[f+1][p][q] += sum >> fit.scale[f]
			}
		}
	}
	return fit
}

// gram is the products over the frames from one to another, the last included.
func (fit *fitted) gram(from, to int) (g [2*mixedTaps + 1][2*mixedTaps + 1]float64) {
	from, to = max(0, from), min(len(fit.in), to+1)
	signals := 1 + mixedTaps*len(fit.voices)
	for p := range signals {
		for q := p; q < signals; q++ {
			g[p][q] = float64(fit.sums[to][p][q] - fit.sums[from][p][q])
			g[q][p] = g[p][q]
		}
	}
	return g
}

// share is how much of the energy from one frame to another, the last included, the voices
// explain, and by what taps; ok is false where too little may be theirs.
func (fit *fitted) share(from, to int) (share float64, t taps, ok bool) {
	if fit.count[min(len(fit.in), to+1)]-fit.count[max(0, from)] < leastFrames {
		return 0, t, false
	}
	g := fit.gram(from, to)
	share, t = explained(g[:1+mixedTaps*len(fit.voices)])
	return share, t, true
}

// left is the share of the energy about a frame, as it is smoothed, that taps leave unexplained.
func (fit *fitted) left(f int, t taps) float64 {
	var left, whole float64
	for around := max(0, f-2); around < min(len(fit.in), f+3); around++ {
		g := fit.gram(around, around)
		sum := 0.0
		for p, x := range t {
			for q, y := range t {
				sum += float64(float64(x*y) * g[p][q])
			}
		}
		scale := float64(int64(1) << fit.scale[around])
		left += float64(max(sum, 0) * scale)
		whole += float64(g[0][0] * scale)
	}
	return min(left/max(whole, 1), 1)
}

// lend gives the voices the frames of which they explain so much, in any of the windows about it.
func (b *borrowed) lend(smooth []int64, fit *fitted, least float64, windows ...[2]int) {
	for f, in := range fit.in {
		if !in || b.frames[f] != 0 {
			continue
		}
		if !slices.ContainsFunc(windows, func(w [2]int) bool {
			share, _, ok := fit.share(f+w[0], f+w[1])
			return ok && share >= least
		}) {
			continue
		}
		loudest := slices.MaxFunc(fit.voices, func(x, y voiceAt) int { return cmp.Compare(x.there[f], y.there[f]) })
		b.frames[f] = uint8(loudest.seat)
		b.gain[f] = gain(smooth[f], loudest.there[f])
	}
}

// spokenOver gives back the frames of which a voice explains much less than of others: there
// somebody speaks over it, however low. What it leaves unexplained where it is alone
// says how much its room sounds on: in a dry room a fifth is much, and where there is much echo
// there is no telling. The way through a dry room is the same from one frame to the next, and only
// who speaks changes: there the way is taken from where the voice explains most, and each frame held to it.
// It returns what the voice has to explain of a frame to have it.
func (b *borrowed) spokenOver(smooth []int64, x voiceAt, fit *fitted) (least float64) {
	rest := make([]float64, len(smooth)) // what is not explained of a window
	near := make([]float64, len(smooth)) // and of the frame itself
	var clear []float64
	for f, s := range smooth {
		if int(b.frames[f]) != x.seat {
			continue
		}
		best, way, known := 0.0, taps{}, false
		for from := f - 2*overFrames; from <= f; from += overFrames {
			if share, t, ok := fit.share(from, from+2*overFrames); ok && (!known || share > best) {
				best, way, known = share, t, true
			}
		}
		if !known {
			continue
		}
		rest[f], near[f] = 1-best, fit.left(f, way)
		if s > 100*b.floor {
			clear = append(clear, rest[f])
		}
	}
	if len(clear) < 2*leastFrames {
		return 0
	}
	slices.Sort(clear)
	echo := overEcho * clear[len(clear)/8]
	if echo < overShare {
		rest = near
	}
	for f, s := range smooth {
		if int(b.frames[f]) != x.seat {
			continue
		}
		here := float64(s)
		may := max(overShare*here, echo*max(here, x.held[f]))
		if float64(rest[f]*here)-may > 4*float64(b.floor) {
			b.frames[f], b.gain[f] = 0, 0
		}
	}
	return 1 - max(overShare, echo)
}

// delayed is a frame of a band from a sample on; silence where the band does not reach.
func delayed(band []int16, at int) []int16 {
	if at >= 0 && at+bandFrame <= len(band) {
		return band[at : at+bandFrame]
	}
	return make([]int16, bandFrame)
}

// taps are what the signals are multiplied by so that least is left: the seat's own sound by 1.
type taps [2*mixedTaps + 1]float64

// explained is the share of the first signal's energy that the others explain, by
// least squares; g is the products of all with all, symmetric.
func explained(g [][2*mixedTaps + 1]float64) (share float64, t taps) {
	whole := g[0][0]
	if whole <= 0 {
		return 0, t
	}
	// Gauss's elimination of the others, one after the other, leaves in g[0][0] what is
	// not explained. A thousandth keeps what hardly differs from dividing by nothing.
	for k := len(g) - 1; k > 0; k-- {
		if g[k][k] <= 0 {
			continue
		}
		g[k][k] += g[k][k] / 1000
		row := g[k]
		for i := range k {
			share := row[i] / row[k]
			for j := range k {
				g[i][j] -= float64(share * row[j])
			}
		}
	}
	t[0] = 1
	for k := 1; k < len(g); k++ {
		if g[k][k] <= 0 {
			continue
		}
		for j := range k {
			t[k] -= float64(g[k][j]*t[j]) / g[k][k]
		}
	}
	return 1 - g[0][0]/whole, t
}
