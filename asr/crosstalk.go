package asr

import (
	"cmp"
	"iter"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"

	"tingji/capture"
)

// Crosstalk is text that a seat's microphone heard of another seat's voice. It
// is no part of the segment's text.
type Crosstalk struct {
	From string `json:"from"` // the channel that has it loudest
	// GainDB is how loud it is here, measured by how loud it is there: below 0.
	GainDB float64 `json:"gain_db"`
	Start  int64   `json:"start"` // as of a [Word]
	End    int64   `json:"end"`
	Text   string  `json:"text"` // empty where the engine made nothing of it
}

const (
	// crosstalkLag is how far apart a voice may be in two microphones: the way
	// through the room, and two devices' clocks.
	crosstalkLag = 100 * time.Millisecond
	bandLag      = int(crosstalkLag * bandRate / time.Second)
	// seatPatience is how much further the room has to be heard until a seat
	// that has not been counts as absent; roomPatience how long we wait where
	// the whole room is silent.
	seatPatience = 3 * time.Second
	roomPatience = 30 * time.Second

	// searchFrames is how much sound is searched for the lag, searchPlaces times at most;
	// localFrames on both sides of a frame say whether it is the same sound there.
	searchFrames = 75
	searchPlaces = 4
	searchLags   = 40 // whole ones, about which halves are tried
	localFrames  = 30
	fineLag      = 5 // samples of the band about the lag that was found
	leastFrames  = 5 // less than 50 ms proves nothing
	// sameCorrelation is the square of the correlation from which two sounds are one.
	sameCorrelation = 0.25
	// sureCorrelation ends the search: a voice is like itself a wave of its pitch later, but not so much.
	sureCorrelation = 0.8
)

// borrowed says for each frame of an utterance whose voice it is: 0 for its own
// seat's, n for that of others[n-1].
type borrowed struct {
	frames  []uint8
	gain    []int16 // tenths of a decibel, below 0 where frames is not 0
	audible []bool  // the frames that count
	floor   int64   // the level between the words
	others  []string
}

// seatBand is another seat's band over an utterance and crosstalkLag on both sides.
type seatBand struct {
	name string
	band []int16
}

// compare finds the frames of an utterance in which its seat hears another. The
// measure is the sound alone: another seat must have it louder (2 dB), have
// the same (correlation 0.5 over its surroundings, at one lag), and explain it as well as
// it does where it is alone. So two people at
// once remain two, however loud; and a voice that is equally loud at two
// seats remains at both: nothing is lost.
func compare(own []int16, others []seatBand) *borrowed {
	n := len(own) / bandFrame
	b := &borrowed{frames: make([]uint8, n), gain: make([]int16, n)}
	smooth := smoothed(frameSums(own, n))
	audible, floor := audibleFrames(smooth)
	b.audible, b.floor = audible, floor

	slices.SortFunc(others, func(x, y seatBand) int { // the loudest first: it explains most
		return cmp.Or(cmp.Compare(energy(y.band), energy(x.band)), cmp.Compare(x.name, y.name))
	})
	var heard []voiceAt
	least := mixedShare
	for _, o := range others {
		b.others = append(b.others, o.name)
		left := 0
		for f, ok := range audible {
			if ok && b.frames[f] == 0 {
				left++
			}
		}
		if left < leastFrames {
			break
		}
		if v, ok := b.explain(own, smooth, audible, o); ok && len(heard) < mixedVoices {
			heard = append(heard, v)
			least = b.alone(own, smooth, v, least) // what is not this voice may be the next
		}
	}
	b.mixtures(own, smooth, heard, least)
	return b
}

// overheard reports whether another seat has most of what is audible of a stretch
// louder by 10 dB, by energy alone: good enough to spare an engine a partial.
func overheard(own []int16, others []seatBand) bool {
	n := len(own) / bandFrame
	smooth := smoothed(frameSums(own, n))
	audible, theirs := 0, 0
	there := make([]int64, n)
	for _, o := range others {
		for f, s := range smoothed(frameSums(o.band[bandLag:], n)) {
			there[f] = max(there[f], s)
		}
	}
	isAudible, _ := audibleFrames(smooth)
	for f, ok := range isAudible {
		if ok {
			audible++
			if there[f]/10 > smooth[f] {
				theirs++
			}
		}
	}
	return theirs*10 >= audible*8 && audible > 0
}

// explain marks the frames that are o's voice; heard where o is heard at all.
func (b *borrowed) explain(own []int16, smooth []int64, audible []bool, o seatBand) (v voiceAt, heard bool) {
	n := len(b.frames)
	// Where o is louder at any lag.
	there := smoothed(frameSums(o.band, len(o.band)/bandFrame))
	maybe := make([]bool, n)
	weight := make([]int64, n) // by how much o is louder, in steps of 3 dB
	candidates := 0
	for f := range maybe {
		loudest := int64(0)
		for g := f; g <= f+2*bandLag/bandFrame && g < len(there); g++ {
			loudest = max(loudest, there[g])
		}
		// What another's voice explains is most likely in both by that voice.
		maybe[f] = audible[f] && b.frames[f] == 0 && louder(loudest, smooth[f])
		if maybe[f] {
			candidates++
			weight[f] = int64(bits.Len64(uint64(loudest / max(smooth[f], 1))))
		}
	}
	if candidates < leastFrames {
		return v, false
	}
	// The seat's own words must not drown what it hears between them; but at half a
	// sample the faintest sounds, the highest, are least alike.
	scale := scales(smooth)
	for f := range scale {
		scale[f] /= 2
	}
	p := newPair(own, o.band, smooth, scale)
	lag, likeness := p.findLag(maybe, weight)
	if likeness < mixedCorrelation {
		return v, false
	}
	// At that lag, frame by frame.
	at := func(f int) int { return f*bandFrame + bandLag + lag } // in o.band
	there = smoothed(frameSums(o.band[max(at(0), 0):], n))
	v = voiceAt{len(b.others), o.band, slices.Repeat([]int{lag}, n), there, make([]float64, n)}
	if likeness < sameCorrelation {
		return v, true
	}
	for f := range maybe {
		maybe[f] = audible[f] && louder(there[f], smooth[f])
	}
	same, lags := p.sameSound(maybe, lag)
	v.lags = lags
	// A room goes on sounding after a word: by 60 dB in 0.6 s.
	held := slices.Clone(there)
	for f := 1; f < n; f++ {
		held[f] = max(held[f], held[f-1]/5*4)
	}
	// How loud o is here where only o speaks: an eighth of the frames at least,
	// as nobody speaks without pause. What is much louder is somebody else.
	var ratios []float64
	for f := range same {
		if same[f] && maybe[f] {
			ratios = append(ratios, float64(smooth[f])/float64(there[f]))
		}
	}
	if len(ratios) == 0 {
		return v, true
	}
	slices.Sort(ratios)
	bleed := ratios[len(ratios)/8]
	for f := range same {
		v.held[f] = bleed * float64(held[f])
		if !same[f] || b.frames[f] != 0 || !louder(held[f], smooth[f]) || float64(smooth[f]) > 4*(v.held[f]+float64(b.floor)) {
			continue
		}
		b.frames[f] = uint8(len(b.others))
		b.gain[f] = gain(smooth[f], there[f])
	}
	return v, true
}

// scales are how many bits a frame's products are shifted, so that each frame counts
// as much however loud it is: a seat's own words would hide what it hears between them.
func scales(smooth []int64) []uint8 {
	scale := make([]uint8, len(smooth))
	for f, s := range smooth {
		scale[f] = uint8(max(bits.Len64(uint64(s))-20, 0))
	}
	return scale
}

// gain of a seat's sound over another's, tenths of a decibel, at most 0.
func gain(here, there int64) int16 {
	return int16(min(max(math.Round(100*math.Log10(float64(here+1)/float64(there+1))), -2000), 0))
}

// louder: by 2 dB.
func louder(a, b int64) bool { return a/8 > b/5 }

func energy(band []int16) (sum int64) {
	for _, s := range band {
		sum += int64(s) * int64(s)
	}
	return sum
}

// frameSums is the energy of each frame.
func frameSums(band []int16, n int) []int64 {
	sums := make([]int64, n)
	for f := range sums {
		if from := f * bandFrame; from < len(band) {
			sums[f] = energy(band[from:min(from+bandFrame, len(band))])
		}
	}
	return sums
}

// smoothed sums each frame with two on either side.
func smoothed(sums []int64) []int64 {
	out := make([]int64, len(sums))
	for f := range out {
		for g := max(0, f-2); g < min(len(sums), f+3); g++ {
			out[f] += sums[g]
		}
	}
	return out
}

// audibleFrames are those within 25 dB of the loudest around them, and 6 dB above
// the quietest of all: the others are between words.
func audibleFrames(smooth []int64) (audible []bool, floor int64) {
	audible = make([]bool, len(smooth))
	if len(smooth) == 0 {
		return audible, 0
	}
	floor = slices.Sorted(slices.Values(smooth))[len(smooth)/10]
	for f, s := range smooth {
		around := smooth[max(0, f-localFrames):min(len(smooth), f+localFrames+1)]
		audible[f] = s > slices.Max(around)/316 && s > 4*floor
	}
	return audible, floor
}

// pair is two seats' sound that is compared: own, and other from bandLag before it to bandLag after.
type pair struct {
	own, other []int16
	smooth     []int64 // energy of own about each frame
	scale      []uint8 // of its frames: see scales
	energy     []int64 // of its frames
	squares    []int64 // of other, summed before each sample
	next       []int64 // products of each sample of other with the one after, summed before each
}

func newPair(own, other []int16, smooth []int64, scale []uint8) *pair {
	p := &pair{own, other, smooth, scale, frameSums(own, len(smooth)), make([]int64, len(other)+1), make([]int64, len(other))}
	for i, y := range other {
		p.squares[i+1] = p.squares[i] + int64(y)*int64(y)
		if i > 0 {
			p.next[i] = p.next[i-1] + int64(other[i-1])*int64(y)
		}
	}
	return p
}

// louder reports whether the other has more about a frame at a whole lag. What it
// has less loud there, or as loud, is the seat's own voice that the other hears, or a third's: its
// lag is none at which the other's voice comes here, however alike it is.
func (p *pair) louder(f, lag int) bool {
	from, to := max(0, f-2)*bandFrame+bandLag+lag, min(len(p.smooth), f+3)*bandFrame+bandLag+lag
	return louder(p.squares[to]-p.squares[from], p.smooth[f])
}

// findLag searches the frames in question, those first of which the other has most more (weight), for
// the lag at which two seats have the sound most alike, and how much, a square of a
// correlation; 0 where there is no telling. A lag is how much later other has it. It is
// searched in half samples: a voice repeats itself with each wave of its pitch, and only
// the true lag fits best.
func (p *pair) findLag(maybe []bool, weight []int64) (lag int, likeness float64) {
	for frames := range places(maybe, weight) {
		if l, c := p.lagOf(frames); c > likeness {
			lag, likeness = l, c
		}
		if likeness > sureCorrelation {
			break
		}
	}
	return lag, likeness
}

// lagOf is the lag at which the other explains most of some frames; likeness is that of those which
// it has louder there.
func (p *pair) lagOf(frames []int) (lag int, likeness float64) {
	var all int64
	for _, f := range frames {
		all += p.energy[f] >> p.scale[f]
	}
	most := 0.0
	for _, i := range likeliest(p.wholeLags(frames, all)) {
		for half := max(2*(i-bandLag)-1, -2*bandLag); half <= min(2*(i-bandLag)+1, 2*bandLag-1); half++ {
			var ab, aa, bb int64
			count := 0
			for _, f := range frames {
				if p.louder(f, half>>1) {
					count++
					x := p.dot(f, half>>1)
					if half&1 == 1 {
						x += p.dot(f, half>>1+1)
					}
					ab, aa, bb = ab+x>>p.scale[f], aa+p.energy[f]>>p.scale[f], bb+p.there(f, half)>>p.scale[f]
				}
			}
			if half&1 == 1 { // a sum of two samples
				ab, bb = ab/2, bb/4
			}
			if c := square(ab, all, bb); c > most && count >= leastFrames {
				most, lag, likeness = c, half>>1, square(ab, aa, bb)
			}
		}
	}
	return lag, likeness
}

// places are the frames to search: those that weigh most, wherever they are, and
// then stretches of them.
func places(maybe []bool, weight []int64) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		n := len(maybe)
		all := framesIn(maybe, 0, n)
		slices.SortStableFunc(all, func(x, y int) int { return cmp.Compare(weight[y], weight[x]) })
		all = all[:min(searchFrames, len(all))]
		slices.Sort(all)
		if !yield(all) {
			return
		}
		width := min(searchFrames, n)
		tried := make([]bool, n)
		for range searchPlaces - 1 {
			best, most := -1, int64(0)
			for from := 0; from+width <= n; from += 10 {
				if tried[from] || len(framesIn(maybe, from, from+width)) < leastFrames {
					continue
				}
				sum := int64(0)
				for _, w := range weight[from : from+width] {
					sum += w
				}
				if sum > most {
					best, most = from, sum
				}
			}
			if best < 0 {
				return
			}
			for f := max(0, best-width); f < min(n, best+width); f++ {
				tried[f] = true
			}
			if !yield(framesIn(maybe, best, best+width)) {
				return
			}
		}
	}
}

// wholeLags are the shares of the energy of some frames, all, that the other explains at each whole lag,
// from -bandLag on.
func (p *pair) wholeLags(frames []int, all int64) []float64 {
	found := make([]float64, 2*bandLag)
	for l := 0; l < len(found); l += fourLags {
		var ab, bb [fourLags]int64
		for _, f := range frames {
			var counts [fourLags]bool
			for k := range counts {
				counts[k] = p.louder(f, l+k-bandLag)
			}
			if counts == [fourLags]bool{} {
				continue
			}
			at := f*bandFrame + l
			for k, sum := range dots((*[bandFrame]int16)(p.own[f*bandFrame:]), (*[bandFrame + fourLags - 1]int16)(p.other[at:])) {
				if counts[k] {
					ab[k] += sum >> p.scale[f]
					bb[k] += (p.squares[at+k+bandFrame] - p.squares[at+k]) >> p.scale[f]
				}
			}
		}
		for k := range ab {
			found[l+k] = square(ab[k], all, bb[k])
		}
	}
	return found
}

// fourLags are looked at together: each sample is read once for them.
const fourLags = 4

// dots are the products of a frame with another's sound at four lags.
//
// Arithmetic on what its caller owns: the race detector would look at every sample,
// ten times as slowly.
//
//go:norace
func dots(a *[bandFrame]int16, b *[bandFrame + fourLags - 1]int16) [fourLags]int64 {
	var s0, s1, s2, s3 int64
	b0, b1, b2 := int64(b[0]), int64(b[1]), int64(b[2])
	for i, x := range a {
		x, b3 := int64(x), int64(b[i+3])
		s0 += x * b0
		s1 += x * b1
		s2 += x * b2
		s3 += x * b3
		b0, b1, b2 = b1, b2, b3
	}
	return [fourLags]int64{s0, s1, s2, s3}
}

// likeliest are the whole lags that half a sample beside may be the one, the best first:
// a voice at half a sample is found beside its lag, weaker.
func likeliest(whole []float64) []int {
	top := max(slices.Max(whole), mixedCorrelation)
	var lags []int
	for i, c := range whole {
		if c >= top/4 {
			lags = append(lags, i)
		}
	}
	slices.SortStableFunc(lags, func(i, j int) int { return cmp.Compare(whole[j], whole[i]) })
	return lags[:min(len(lags), searchLags)]
}

func framesIn(maybe []bool, from, to int) (frames []int) {
	for f := from; f < to; f++ {
		if maybe[f] {
			frames = append(frames, f)
		}
	}
	return frames
}

// sameSound says for each frame whether the frames in question around it are the
// other's sound, at one lag or another close to lag, and which of them fits best.
func (p *pair) sameSound(maybe []bool, lag int) (same []bool, lags []int) {
	n := len(maybe)
	same, lags = make([]bool, n), slices.Repeat([]int{lag}, n)
	best := make([]float64, n)
	// Sums over the frames in question before each frame.
	ab, aa, bb, count := make([]int64, n+1), make([]int64, n+1), make([]int64, n+1), make([]int, n+1)
	dots := make([]int64, n) // at the whole lag that was looked at last
	first := max(-bandLag, lag-fineLag)
	for f, m := range maybe {
		aa[f+1], count[f+1] = aa[f], count[f]
		if m {
			aa[f+1], count[f+1] = aa[f]+p.energy[f], count[f]+1
			dots[f] = p.dot(f, first)
		}
	}
	for half := 2 * first; half < 2*min(bandLag, lag+fineLag); half++ {
		for f, m := range maybe {
			ab[f+1], bb[f+1] = ab[f], bb[f]
			if m {
				ab[f+1], bb[f+1] = ab[f]+dots[f], bb[f]+p.there(f, half)
				if half&1 == 1 {
					dots[f] = p.dot(f, half>>1+1)
					ab[f+1] += dots[f]
				}
			}
		}
		for f := range maybe {
			from, to := max(0, f-localFrames), min(n, f+localFrames+1)
			if count[to]-count[from] < leastFrames {
				continue
			}
			if c := square(ab[to]-ab[from], aa[to]-aa[from], bb[to]-bb[from]); c >= sameCorrelation && c > best[f] {
				same[f], best[f], lags[f] = true, c, half>>1
			}
		}
	}
	return same, lags
}

// dot is the product of a frame with the other's sound at a whole lag.
//
//go:norace
func (p *pair) dot(f, lag int) (sum int64) {
	at := f*bandFrame + bandLag + lag
	a, b := (*[bandFrame]int16)(p.own[f*bandFrame:]), (*[bandFrame]int16)(p.other[at:])
	for i, x := range a {
		sum += int64(x) * int64(b[i])
	}
	return sum
}

// there is the other's energy in a frame at a lag in half samples, as half a sample is half a wave at
// the upper end of the band; between two samples lies their sum, for a correlation.
func (p *pair) there(f, half int) int64 {
	at := f*bandFrame + bandLag + half>>1
	sum := p.squares[at+bandFrame] - p.squares[at]
	if half&1 == 1 {
		sum += p.squares[at+1+bandFrame] - p.squares[at+1] + 2*(p.next[at+bandFrame]-p.next[at])
	}
	return sum
}

// square of a correlation coefficient: the share of one seat's energy that the
// other's sound explains.
func square(ab, aa, bb int64) float64 {
	if aa == 0 || bb == 0 {
		return 0
	}
	return float64(ab) / float64(aa) * (float64(ab) / float64(bb))
}

// most is whose voice the frames from one to another are, where it is another's
// for 70 % and more of what counts there; 0: the seat's own. What is audible counts, but for
// the echo of another's word; and of what is not what is known to be another's, if faint. It is not known
// where too little counts, as of a voiceless syllable.
func (b *borrowed) most(from, to int, faint bool) (other int, gain float64, known bool) {
	from, to = min(max(from, 0), len(b.frames)), min(max(to, 0), len(b.frames))
	counts := make([]int, len(b.others)+1)
	gains := make([][]int16, len(b.others)+1)
	all := 0
	for f := from; f < to; f++ {
		whose := b.frames[f]
		if !b.audible[f] && (whose == 0 || !faint) {
			continue
		}
		if b.audible[f] && whose != 0 && b.gain[f] > -20 {
			continue // not louder there any more: the room sounds on, which is no word of anybody's
		}
		all++
		counts[whose]++
		gains[whose] = append(gains[whose], b.gain[f])
	}
	lent := all - counts[0]
	known = all >= 3
	if lent == 0 || lent*10 < all*7 {
		return 0, 0, known
	}
	other = 1
	for o := 2; o < len(counts); o++ {
		if counts[o] > counts[other] {
			other = o
		}
	}
	slices.Sort(gains[other])
	return other, float64(gains[other][len(gains[other])/2]) / 10, known
}

// share takes out of a segment the words that are another seat's, and keeps them
// beside it.
func (b *borrowed) share(s *Segment) {
	frame := func(ms int64) int { return int((ms - s.First.Milliseconds()) / 10) }
	whole, wholeGain, _ := b.most(0, len(b.frames), false)
	if len(s.Words) == 0 || s.Estimated {
		// No telling which of the words; all or none.
		if whole != 0 && (s.Text != "" || s.Rejected != "") {
			s.Crosstalk = []Crosstalk{{From: b.others[whole-1], GainDB: wholeGain,
				Start: s.First.Milliseconds(), End: (s.Last + 1).Milliseconds(), Text: s.Text}}
			s.Text, s.Words, s.Rejected, s.Estimated = "", []Word{}, "", false
		}
		return
	}
	whose := make([]int, len(s.Words))
	gains := make([]float64, len(s.Words))
	known := make([]bool, len(s.Words))
	for i, w := range s.Words {
		whose[i], gains[i], known[i] = b.most(frame(w.Start)-1, frame(w.End)+2, true)
	}
	for i := range whose { // a word of which nothing is known goes with those beside it
		before, after := i-1, i+1
		for before >= 0 && !known[before] {
			before--
		}
		for after < len(known) && !known[after] {
			after++
		}
		switch {
		case known[i] || before < 0 && after == len(known):
		case before < 0:
			whose[i], gains[i] = whose[after], gains[after]
		case after == len(known) || whose[before] == whose[after]:
			whose[i], gains[i] = whose[before], gains[before]
		default:
			whose[i] = 0 // between two voices: nothing is lost
		}
	}
	all := !slices.Contains(whose, 0)
	pieces := cut(s.Text, s.Words)
	if pieces == nil {
		if !all {
			return // text and words are not the same: no telling what to take out
		}
		pieces = make([]string, len(s.Words))
		pieces[0] = s.Text
	}
	var text strings.Builder
	words := []Word{}
	for i, w := range s.Words {
		if whose[i] == 0 {
			text.WriteString(pieces[i])
			words = append(words, w)
			continue
		}
		from := b.others[whose[i]-1]
		if n := len(s.Crosstalk); n > 0 && i > 0 && whose[i-1] == whose[i] {
			s.Crosstalk[n-1].Text += pieces[i]
			s.Crosstalk[n-1].End = w.End
		} else {
			s.Crosstalk = append(s.Crosstalk, Crosstalk{From: from, GainDB: gains[i], Start: w.Start, End: w.End, Text: pieces[i]})
		}
	}
	for i := range s.Crosstalk {
		s.Crosstalk[i].Text = strings.TrimSpace(s.Crosstalk[i].Text)
	}
	if len(s.Crosstalk) > 0 {
		s.Text, s.Words = strings.TrimSpace(text.String()), words
	}
}

// cut divides text among its words: what follows a word goes with it. nil where
// the text is not made of the words.
func cut(text string, words []Word) []string {
	starts := make([]int, len(words)+1)
	at := 0
	for i, w := range words {
		j := strings.Index(text[at:], strings.TrimSpace(w.Text))
		if j < 0 {
			return nil
		}
		starts[i] = at + j
		at += j + len(strings.TrimSpace(w.Text))
	}
	if len(words) == 0 {
		return nil
	}
	starts[0], starts[len(words)] = 0, len(text)
	pieces := make([]string, len(words))
	for i := range pieces {
		pieces[i] = text[starts[i]:starts[i+1]]
	}
	return pieces
}

// room is what the seats of one hearing share.
type room struct {
	ears   map[string]*ear
	absent map[string]bool // seats that were waited for in vain, until they are heard
}

func newRoom() *room { return &room{ears: map[string]*ear{}, absent: map[string]bool{}} }

// take lets a seat hear a chunk.
func (r *room) take(c capture.Chunk, offset int64) {
	e := r.ears[c.Channel]
	if e == nil {
		e = &ear{}
		r.ears[c.Channel] = e
	}
	e.take(c, offset)
	delete(r.absent, c.Channel)
}

// offset is the first of the log that is needed to hear the room from a time
// on, at most own.
func (r *room) offset(at time.Time, own int64) int64 {
	for _, e := range r.ears {
		if o, ok := e.offset(at.Add(-4 * crosstalkLag)); ok {
			own = min(own, o)
		}
	}
	return own
}

// heardTo reports whether all seats but own have been heard up to a time, are
// over or absent. patient is false when we will not wait any longer.
func (r *room) heardTo(at time.Time, own string, seats []string, patient bool) bool {
	furthest := time.Time{}
	for _, e := range r.ears {
		if n := e.newest(); n.After(furthest) {
			furthest = n
		}
	}
	patient = patient && furthest.Sub(at) < seatPatience
	for name := range r.ears {
		if !slices.Contains(seats, name) {
			seats = append(seats, name)
		}
	}
	all := true
	for _, name := range seats {
		e := r.ears[name]
		if name == own || r.absent[name] || e != nil && (e.over() || !e.newest().Before(at)) {
			continue
		}
		if patient {
			all = false
			continue
		}
		r.absent[name] = true
	}
	return all
}

// around is what the other seats heard during a stretch of n samples of the band.
func (r *room) around(from time.Time, n int, own string) (others []seatBand) {
	for name, e := range r.ears {
		if name == own || len(e.heard) == 0 {
			continue
		}
		band := e.listen(from.Add(-crosstalkLag), n+2*bandLag)
		if energy(band) > 0 {
			others = append(others, seatBand{name, band})
		}
	}
	return others
}
