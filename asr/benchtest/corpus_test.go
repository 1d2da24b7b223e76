package benchtest

import (
	"cmp"
	"flag"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agnivade/levenshtein"

	"tingji/asr"
	"tingji/asr/demo"
	"tingji/asr/openai"
	"tingji/capture"
)

var (
	minutes = flag.Float64("minutes", 0, "minutes in all, spread over the conditions; 0: one of each")
	only    = flag.String("condition", "", "only the conditions whose name has this in it")
	by      = flag.String("detector", "", "what tells speech from noise: voices or levels")
)

// result is what a worker did to a hearing.
type result struct {
	characters, errors   int // of the reference; edits of what each seat said
	doubled, wrong, lost int // words heard at another seat too, there alone, or nowhere
	beside               int // of those lost, kept beside a line as another seat's: a person can bring them back
	words                int
	timing               []float64 // ms that a word's start is off
	crosstalk            int
}

// measure has a worker hear a hearing with the demonstration engine.
func measure(t *testing.T, h *Hearing) (r result) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	server := httptest.NewServer(demo.New(h.Recordings, demo.Options{HearBleed: true}, log))
	defer server.Close()
	engine, err := openai.New(openai.Config{BaseURL: server.URL + "/v1"}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	var chunks iter.Seq2[capture.Chunk, error] = func(yield func(capture.Chunk, error) bool) {
		for _, c := range h.Chunks("bench") {
			if !yield(c, nil) {
				return
			}
		}
	}
	finals, err := asr.Replay(t.Context(), capture.Hearing{ID: "bench"}, chunks, engine, asr.Config{Parallel: 4, GiveUp: time.Minute, Pauses: asr.Pauses{Detector: asr.Detector(*by)}}, log)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(finals, func(a, b asr.Segment) int { return cmp.Compare(a.First, b.First) })
	heard := make([]string, len(h.Recordings))
	var words [][]asr.Word
	for i := range h.Recordings {
		words = append(words, nil)
		for _, s := range finals {
			if s.Channel != Name(i) {
				continue
			}
			r.crosstalk += len(s.Crosstalk)
			words[i] = append(words[i], s.Words...)
			if len(h.gaps[i]) == 0 {
				heard[i] += s.Text
				continue
			}
			for _, w := range s.Words { // a word that a gap cuts is neither right nor wrong
				if !h.lost(i, int(w.Start)*16-16, int(w.End)*16+16) {
					heard[i] += w.Text
				}
			}
		}
	}
	said := make([]string, len(h.Recordings))
	at := func(seat int, w demo.Word) (found bool, off float64) {
		start := float64(w.Start) / 16
		for _, x := range words[seat] {
			if off := float64(x.Start) - start; x.Text == w.Text && math.Abs(off) < 200 {
				return true, math.Abs(off)
			}
		}
		return false, 0
	}
	for _, s := range h.Said {
		for _, w := range s.Words {
			if h.lost(s.Seat, w.Start, w.End) {
				continue
			}
			said[s.Seat] += w.Text
			r.words++
			own, off := at(s.Seat, w)
			if own {
				r.timing = append(r.timing, off)
			}
			elsewhere := ""
			for i := range words {
				if there, _ := at(i, w); there && i != s.Seat && !h.says(i, w) {
					elsewhere += " " + Name(i)
				}
			}
			tell := func(what string, where string) {
				t.Logf("%s, %d ms: %s %s%s", Name(s.Seat), w.Start/16, w.Text, what, where)
			}
			switch {
			case own && elsewhere != "":
				r.doubled++
				tell("stands doubled at", elsewhere)
			case elsewhere != "":
				r.wrong++
				tell("stands only at", elsewhere)
			case !own:
				r.lost++
				from, to := int64(w.Start/16), int64(w.End/16)
				if slices.ContainsFunc(finals, func(f asr.Segment) bool {
					return f.Channel == Name(s.Seat) && slices.ContainsFunc(f.Crosstalk, func(c asr.Crosstalk) bool {
						return strings.Contains(c.Text, w.Text) && c.Start < to && from < c.End
					})
				}) {
					r.beside++
				}
				tell("is lost", "")
			}
		}
	}
	for i := range said {
		said[i] = plain(said[i])
		r.characters += len([]rune(said[i]))
		if n := levenshtein.ComputeDistance(said[i], plain(heard[i])); n > 0 {
			r.errors += n
			t.Logf("%s said  %s\n      heard %s", Name(i), said[i], plain(heard[i]))
		}
	}
	slices.Sort(r.timing)
	return r
}

// add counts another hearing's words with these.
func (r *result) add(o result) {
	r.characters, r.errors, r.words = r.characters+o.characters, r.errors+o.errors, r.words+o.words
	r.doubled, r.wrong, r.lost, r.beside = r.doubled+o.doubled, r.wrong+o.wrong, r.lost+o.lost, r.beside+o.beside
	r.timing, r.crosstalk = append(r.timing, o.timing...), r.crosstalk+o.crosstalk
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("，。？！、：；《》“”（） ", r) {
			return -1
		}
		return r
	}, s)
}

func (r result) p(q float64) float64 {
	if len(r.timing) == 0 {
		return math.NaN()
	}
	return r.timing[int(q*float64(len(r.timing)-1))]
}

// TestCorpus: in clean conditions the worker adds no error; elsewhere the table
// says what and how much.
func TestCorpus(t *testing.T) {
	none := math.Inf(-1)
	conditions := []struct {
		Condition
		errors, doubled, wrong float64 // shares that are not to be exceeded
	}{
		{Condition{Name: "2 seats", Seats: 2, Noise: -62, Bleed: none}, 0, 0, 0},
		{Condition{Name: "8 seats", Seats: 8, Noise: -62, Bleed: none}, 0, 0, 0},
		{Condition{Name: "short answers", Seats: 3, Noise: -62, Bleed: none, Answer: true}, 0, 0, 0},
		{Condition{Name: "long silence", Seats: 2, Noise: -62, Bleed: none, Silence: 20 * time.Second}, 0, 0, 0},
		{Condition{Name: "noise, 20 dB below", Seats: 3, Noise: -42, Bleed: none}, 0.02, 0, 0},
		{Condition{Name: "noise, 10 dB below", Seats: 3, Noise: -32, Bleed: none}, 0.02, 0, 0},
		{Condition{Name: "noise, as loud as speech", Seats: 3, Noise: -22, Bleed: none}, 0.1, 0, 0},
		{Condition{Name: "gaps", Seats: 3, Noise: -62, Bleed: none, Gaps: 3}, 0, 0, 0},
		{Condition{Name: "overlaps", Seats: 4, Noise: -62, Bleed: none, Overlap: 0.5}, 0, 0, 0},
		{Condition{Name: "bleed -30", Seats: 4, Noise: -62, Bleed: -30}, 0.005, 0.005, 0.005},
		{Condition{Name: "bleed -24", Seats: 4, Noise: -62, Bleed: -24}, 0.005, 0.005, 0.005},
		{Condition{Name: "bleed -18", Seats: 4, Noise: -62, Bleed: -18}, 0.005, 0.005, 0.005},
		{Condition{Name: "bleed -12", Seats: 4, Noise: -62, Bleed: -12}, 0.005, 0.005, 0.005},
		{Condition{Name: "bleed -6", Seats: 4, Noise: -62, Bleed: -6}, 0.02, 0.02, 0.005},
		{Condition{Name: "bleed -18, answers", Seats: 4, Noise: -62, Bleed: -18, Answer: true}, 0.05, 0.05, 0.02},
		{Condition{Name: "bleed -18, overlaps", Seats: 4, Noise: -62, Bleed: -18, Overlap: 0.5}, 0.02, 0.01, 0},
		{Condition{Name: "bleed -6, overlaps", Seats: 4, Noise: -62, Bleed: -6, Overlap: 0.5}, 0.03, 0.02, 0.01},
		{Condition{Name: "8 seats, bleed -12, noise", Seats: 8, Noise: -52, Bleed: -12, Overlap: 0.2, Answer: true}, 0.2, 0.1, 0.05},
		{Condition{Name: "noise, 5 dB below", Seats: 3, Noise: -27, Bleed: none}, 0.02, 0, 0},
		{Condition{Name: "bleed -18, overlaps, half 12 dB lower", Seats: 4, Noise: -62, Bleed: -18, Overlap: 0.5, Lower: 12}, 0.05, 0.02, 0},
		{Condition{Name: "bleed -12, overlaps, half 12 dB lower", Seats: 4, Noise: -62, Bleed: -12, Overlap: 0.5, Lower: 12}, 0.1, 0.02, 0},
	}
	length := time.Minute
	if *minutes > 0 {
		length = time.Duration(*minutes * float64(time.Minute) / float64(len(conditions)))
	}
	table := "\n| condition | characters | errors | doubled words | wrong seat | word start off, median / p95 ms | pieces of cross-talk |\n| --- | --- | --- | --- | --- | --- | --- |\n"
	if *minutes >= 200 { // takes a gigabyte of memory
		conditions = append(conditions, conditions[3])
		last := &conditions[len(conditions)-1]
		last.Name, last.Silence = "an hour of silence", time.Hour
	}
	for i, c := range conditions {
		if !strings.Contains(c.Name, *only) {
			continue
		}
		var sum result
		piece := 2 * time.Minute
		if c.Silence > time.Minute {
			piece = length
		}
		for left, seed := length, uint64(i*1000); left > 0; left, seed = left-piece, seed+1 {
			h, err := Make(c.Condition, min(left, piece), seed)
			if err != nil {
				t.Fatal(err)
			}
			r := measure(t, h)
			sum.add(r)
		}
		slices.Sort(sum.timing)
		percent := func(n, of int) string { return fmt.Sprintf("%d (%.2f %%)", n, 100*float64(n)/float64(max(of, 1))) }
		table += fmt.Sprintf("| %s | %d | %s | %s | %s | %.0f / %.0f | %d |\n", c.Name, sum.characters, percent(sum.errors, sum.characters),
			percent(sum.doubled, sum.words), percent(sum.wrong, sum.words), sum.p(0.5), sum.p(0.95), sum.crosstalk)
		over := func(n, of int, most float64) bool { return float64(n) > most*float64(of) }
		if sum.characters < 20 || over(sum.errors, sum.characters, c.errors) || over(sum.doubled, sum.words, c.doubled) || over(sum.wrong, sum.words, c.wrong) {
			t.Errorf("%s: of %d characters %d wrong; of %d words %d doubled, %d at a wrong seat", c.Name, sum.characters, sum.errors, sum.words, sum.doubled, sum.wrong)
		}
	}
	t.Log(table)
}
