package asr

import "slices"

const (
	// mixedVoices is how many seats, the loudest, are looked at by two.
	mixedVoices = 4
	// mixedFrames on both sides of a frame say whether two voices explain it.
	mixedFrames = 8
	// mixedShare is how much of the energy there they have to explain.
	mixedShare = 0.6
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
	lag   int
	there []int64 // smoothed energy at that lag
}

// mixtures marks the frames that two other seats' voices make together: each of them
// is hidden by the other, so that neither alone is the same sound.
func (b *borrowed) mixtures(own []int16, smooth []int64, heard []voiceAt) {
	heard = heard[:min(len(heard), mixedVoices)]
	for i, x := range heard {
		for _, y := range heard[i+1:] {
			b.together(own, smooth, x, y)
		}
	}
}

func (b *borrowed) together(own []int16, smooth []int64, x, y voiceAt) {
	n := len(b.frames)
	in := make([]bool, n) // may be of these two
	left := 0
	for f := range in {
		whose := int(b.frames[f])
		in[f] = b.audible[f] && (whose == 0 && louder(max(x.there[f], y.there[f]), smooth[f]) || whose == x.seat || whose == y.seat)
		if in[f] && whose == 0 {
			left++
		}
	}
	if left < leastFrames {
		return
	}
	// Sums of the products of all signals with each other, over the frames before each.
	const signals = 2*mixedTaps + 1
	type gram [signals][signals]int64
	sums := make([]gram, n+1)
	count := make([]int, n+1)
	for f := range n {
		sums[f+1], count[f+1] = sums[f], count[f]
		if !in[f] {
			continue
		}
		count[f+1]++
		var s [signals][]int16
		s[0] = own[f*bandFrame : (f+1)*bandFrame]
		for v, voice := range []voiceAt{x, y} {
			for tap := range mixedTaps {
				s[1+v*mixedTaps+tap] = delayed(voice.band, f*bandFrame+bandLag+voice.lag+tap-mixedTaps/2)
			}
		}
		for p := range signals {
			for q := p; q < signals; q++ {
				var sum int64
				for i, a := range s[p] {
					sum += int64(a) * int64(s[q][i])
				}
				sums[f+1][p][q] += sum
			}
		}
	}
	for f := range n {
		if !in[f] || b.frames[f] != 0 {
			continue
		}
		from, to := max(0, f-mixedFrames), min(n, f+mixedFrames+1)
		if count[to]-count[from] < leastFrames {
			continue
		}
		var g [signals][signals]float64
		for p := range signals {
			for q := p; q < signals; q++ {
				g[p][q] = float64(sums[to][p][q] - sums[from][p][q])
				g[q][p] = g[p][q]
			}
		}
		if explained(g[:1+2*mixedTaps]) < mixedShare {
			continue
		}
		loudest := x
		if y.there[f] > x.there[f] {
			loudest = y
		}
		b.frames[f] = uint8(loudest.seat)
		b.gain[f] = gain(smooth[f], loudest.there[f])
	}
}

// delayed is a frame of a band from a sample on; silence where the band does not reach.
func delayed(band []int16, at int) []int16 {
	if at >= 0 && at+bandFrame <= len(band) {
		return band[at : at+bandFrame]
	}
	return make([]int16, bandFrame)
}

// explained is the share of the first signal's energy that the others explain, by
// least squares; g is the products of all with all, symmetric.
func explained(g [][2*mixedTaps + 1]float64) float64 {
	whole := g[0][0]
	if whole <= 0 {
		return 0
	}
	// Gauss's elimination of the others, one after the other, leaves in g[0][0] what is
	// not explained. A thousandth keeps what hardly differs from dividing by nothing.
	for k := len(g) - 1; k > 0; k-- {
		pivot := g[k][k]
		if pivot <= 0 {
			continue
		}
		pivot += pivot / 1000
		row := slices.Clone(g[k][:k])
		for i := range k {
			share := row[i] / pivot
			for j := range k {
				g[i][j] -= float64(share * row[j])
			}
		}
	}
	return 1 - g[0][0]/whole
}
