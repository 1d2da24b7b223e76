package benchtest

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	overlaps  = flag.Float64("overlaps", 0, "minutes of people who speak at once into microphones that hear each other; 0: a few")
	firstSeed = flag.Uint64("seed", 100, "of the first hearing with overlaps: others than a rule was made by say what it is worth")
)

// TestOverlaps: where two people speak at once into microphones that hear each other, what each
// says stands once, at its seat. Half of all turns begin before the one before has ended; seats,
// levels and hearings beyond those of the table of docs/ASR.md, so that no rule is made for its
// few minutes. What is taken for another's voice is kept beside the line.
func TestOverlaps(t *testing.T) {
	seats, bleeds, lowers := []int{2, 3, 4, 6, 8}, []float64{-6, -9, -12, -18, -24, -30}, []float64{0, 12}
	piece, each := 2*time.Minute, 1
	if *overlaps > 0 {
		each = max(1, int(*overlaps/piece.Minutes())/len(seats)/len(bleeds)/len(lowers))
	} else {
		seats, bleeds, piece = []int{3}, []float64{-6, -18}, time.Minute
	}
	table := "\n| bleed | half of the seats lower by | words | doubled | wrong seat | taken for another's |\n| --- | --- | --- | --- | --- | --- |\n"
	for _, lower := range lowers {
		for _, bleed := range bleeds {
			var sum result
			for _, n := range seats {
				for i := range each {
					h, err := Make(Condition{Seats: n, Noise: -62, Bleed: bleed, Overlap: 0.5, Answer: i%3 == 2, Lower: lower}, piece, *firstSeed+uint64(i))
					if err != nil {
						t.Fatal(err)
					}
					t.Logf("%d seats, bleed %v dB, lower by %v dB, seed %d", n, bleed, lower, *firstSeed+uint64(i))
					sum.add(measure(t, h))
				}
			}
			percent := func(n int) string { return fmt.Sprintf("%d (%.2f %%)", n, 100*float64(n)/float64(max(sum.words, 1))) }
			table += fmt.Sprintf("| %v dB | %v dB | %d | %s | %s | %s |\n", bleed, lower, sum.words, percent(sum.doubled), percent(sum.wrong), percent(sum.lost))
			if most := sum.words / 100; sum.words < 50 || sum.doubled > 2*most || sum.wrong > most/10 || lower == 0 && sum.lost > most {
				t.Errorf("bleed %v dB, lower by %v dB: of %d words %d doubled, %d at a wrong seat, %d lost", bleed, lower, sum.words, sum.doubled, sum.wrong, sum.lost)
			}
			if sum.beside < sum.lost {
				t.Errorf("bleed %v dB, lower by %v dB: %d words are gone without a trace", bleed, lower, sum.lost-sum.beside)
			}
		}
	}
	t.Log(table)
}
