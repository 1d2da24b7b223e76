package benchtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"tingji/asr/demo"
	"tingji/capture"
	"tingji/testdata/hearing"
)

// Condition is what makes a hearing hard.
type Condition struct {
	Name    string
	Seats   int
	Noise   float64       // of each room, dBFS
	Bleed   float64       // of each voice at every other seat, dB; -Inf: none
	Overlap float64       // share of turns that begin before the one before has ended
	Answer  bool          // turns of one word, 0.1 to 0.4 s, between the others
	Silence time.Duration // in the middle, beside the length
	Gaps    float64       // a minute: 0.3 to 3 s of a seat that nobody has any more
	Lower   float64       // by how much the people at every second seat speak lower, dB
}

// Said is a turn of the reference.
type Said struct {
	Seat       int
	Text       string // words without marks
	Words      []demo.Word
	Start, End int   // samples
	sentence   int64 // of the sample hearing, by its start
}

// Hearing is a generated one.
type Hearing struct {
	Recordings []demo.Recording // of each seat
	Said       []Said           // in the order in which they begin
	gaps       [][]span         // of each seat, in order
}

// span is a stretch of samples.
type span struct{ from, to int }

// Name is what a seat's channel is called.
func Name(seat int) string { return fmt.Sprintf("seat%d", seat) }

// Make generates about so much sound of each seat; the same seed makes the same.
func Make(c Condition, length time.Duration, seed uint64) (*Hearing, error) {
	source, err := hearing.Load()
	if err != nil {
		return nil, err
	}
	pcm := map[string][]int16{}
	for _, r := range source.Recordings {
		pcm[r.Channel] = r.PCM
	}
	var turns []hearing.Sentence
	for _, s := range source.Sentences {
		if s.Channel != "witness" && s.EndMS-s.StartMS < 12_000 { // another band; and no turn that has to be cut
			turns = append(turns, s)
		}
	}
	r := rand.New(rand.NewPCG(seed, 0x62656e6368))
	n := int((length + c.Silence).Seconds() * capture.Rate)
	h := &Hearing{gaps: make([][]span, c.Seats)}
	voices := make([][]float32, c.Seats)
	for i := range voices {
		voices[i] = make([]float32, n)
	}
	seatOf := map[string]int{}  // a voice keeps its seat
	end := make([]int, c.Seats) // of what each seat has said
	at, quiet := capture.Rate, int(length.Seconds()*capture.Rate)/2
	for {
		s := turns[r.IntN(len(turns))]
		for slices.ContainsFunc(h.Said, func(o Said) bool { return o.sentence == s.StartMS && o.End > at-2*capture.Rate }) {
			s = turns[r.IntN(len(turns))] // not while it is still said: two voices are never the same sound
		}
		seat, ok := seatOf[s.Channel]
		if !ok {
			seat = len(seatOf) % c.Seats
			seatOf[s.Channel] = seat
		}
		if c.Seats > 4 && r.IntN(2) == 0 {
			seat = r.IntN(c.Seats)
		}
		level := 1.0
		if seat%2 == 1 {
			level = math.Pow(10, -c.Lower/20)
		}
		first, last := int(s.StartMS)*16, int(s.EndMS)*16
		words := s.Words
		if c.Answer && r.IntN(2) == 0 {
			w := s.Words[r.IntN(len(s.Words))]
			first, last, words = int(w.StartMS)*16, int(w.EndMS)*16, []hearing.Word{w}
		}
		gap := 14*capture.Rate/10 + r.IntN(capture.Rate)
		if r.Float64() < c.Overlap && at > 3*capture.Rate {
			gap = -r.IntN(2 * capture.Rate)
		}
		start := max(at+gap, end[seat]+14*capture.Rate/10, capture.Rate)
		start -= start % 16
		if c.Silence > 0 && start > quiet {
			start += capture.Rate * int(c.Silence.Seconds())
			quiet = n
		}
		if start+last-first > n-capture.Rate {
			break
		}
		said := Said{Seat: seat, Start: start, End: start + last - first, sentence: s.StartMS}
		for i := first; i < last; i++ {
			gain := level
			if edge := min(i-first, last-i); edge < 48 {
				gain = level * float64(edge) / 48
			}
			voices[seat][start+i-first] += float32(gain * float64(pcm[s.Channel][i]))
		}
		for _, w := range words {
			said.Words = append(said.Words, demo.Word{
				Text: w.Text, Start: start + int(w.StartMS)*16 - first, End: start + int(w.EndMS)*16 - first,
			})
			said.Text += w.Text
		}
		h.Said = append(h.Said, said)
		at = max(at, said.End)
		end[seat] = said.End
	}
	gain := math.Pow(10, c.Bleed/20)
	for i := range c.Seats {
		rec := demo.Recording{Name: Name(i), Rate: capture.Rate, PCM: make([]int16, n)}
		noise := rand.New(rand.NewPCG(seed, uint64(i)))
		level, slow := math.Pow(10, c.Noise/20)*32768, 0.0
		for k := range rec.PCM {
			slow += 0.2 * (noise.NormFloat64() - slow)
			x := float64(voices[i][k]) + level*(0.6*noise.NormFloat64()+2.4*slow)
			for j := range c.Seats {
				if d := delay(i, j); j != i && gain > 0 && k >= d {
					x += gain * float64(voices[j][k-d])
				}
			}
			rec.PCM[k] = int16(max(-32768, min(32767, math.Round(x))))
		}
		for _, s := range h.Said {
			if s.Seat == i {
				rec.Words = append(rec.Words, s.Words...)
			}
		}
		if gain > 0 {
			for j := range c.Seats {
				if j != i {
					rec.Bleed = append(rec.Bleed, demo.Bleed{From: Name(j), Delay: delay(i, j)})
				}
			}
		}
		h.Recordings = append(h.Recordings, rec)
		for at := 0; c.Gaps > 0; {
			at += int(r.ExpFloat64() * 60 * capture.Rate / c.Gaps)
			gap := span{at, at + capture.Rate*3/10 + r.IntN(27*capture.Rate/10)}
			if at = gap.to + capture.Rate; at >= n {
				break
			}
			h.gaps[i] = append(h.gaps[i], gap)
		}
	}
	return h, nil
}

// lost reports whether a gap of a seat touches a stretch.
func (h *Hearing) lost(seat, from, to int) bool {
	return slices.ContainsFunc(h.gaps[seat], func(g span) bool { return g.from < to && from < g.to })
}

// says reports whether a seat says a word itself when another does.
func (h *Hearing) says(seat int, w demo.Word) bool {
	return slices.ContainsFunc(h.Recordings[seat].Words, func(o demo.Word) bool {
		return o.Text == w.Text && o.Start < w.End && w.Start < o.End
	})
}

// delay is the way from one seat to another, in samples: 1.5 m between neighbours.
func delay(i, j int) int { return 70 * max(i-j, j-i) }

// Chunks are those of the hearing, in the order in which they are captured.
func (h *Hearing) Chunks(id string) (chunks []capture.Chunk) {
	began := time.Date(2026, 5, 6, 9, 0, 0, 0, time.UTC)
	n := len(h.Recordings[0].PCM)
	for at, seq := 0, uint64(1); at < n; at, seq = at+capture.ChunkSamples, seq+1 {
		for i, r := range h.Recordings {
			from, end := at, min(at+capture.ChunkSamples, n)
			for _, g := range h.gaps[i] { // a chunk that a gap touches is cut or left out
				switch {
				case g.from <= from && from < g.to:
					from = min(g.to, end)
				case from < g.from && g.from < end:
					end = g.from
				}
			}
			c := capture.Chunk{
				Hearing: id, Channel: r.Name, Epoch: 1, Seq: seq, First: capture.SampleIndex(from),
				CapturedAt: began.Add(capture.SampleIndex(from).Duration()), Samples: r.PCM[from:end],
			}
			if at+capture.ChunkSamples >= n {
				c.End = capture.EndClose
			}
			if from < end || c.End != capture.NotEnd {
				chunks = append(chunks, c)
			}
		}
	}
	return chunks
}
