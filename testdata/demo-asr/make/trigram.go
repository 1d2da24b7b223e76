package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"tingji/cmd/demo-asr/lexicon"
)

const (
	discount = 0.9 // taken from every count of two and three words
	leastTri = 2   // rarer rows of three are left out
	// hotShare is how likely each hotword is where the patterns have any name:
	// more than its part, which is the point of naming it.
	hotShare = 0.25
	begin    = "<s>"
	end      = "</s>"
)

// trigram counts rows of words. Estimates back off with absolute discounting.
type trigram struct {
	one   map[string]float64
	two   map[[2]string]float64
	three map[[3]string]float64
}

// newTrigram knows the words, each as if it had been said floor times.
func newTrigram(words []string, floor float64) *trigram {
	t := &trigram{one: map[string]float64{end: floor, lexicon.Hot: floor}, two: map[[2]string]float64{}, three: map[[3]string]float64{}}
	for _, w := range words {
		t.one[w] = floor
	}
	return t
}

func (t *trigram) add(sentence []token) {
	a, b := "", begin
	for _, tok := range append(slices.Clone(sentence), token{model: end}) {
		c := tok.model
		t.one[c]++
		t.two[[2]string{b, c}]++
		if a != "" {
			t.three[[3]string{a, b, c}]++
		}
		a, b = b, c
	}
}

type gram struct {
	words   []string
	logProb float64 // base 10
	backoff float64 // base 10, of what follows
}

// write gives the model in ARPA form.
func (t *trigram) write(to io.Writer) error {
	var total float64
	for _, n := range t.one {
		total += n
	}
	p1 := func(w string) float64 { return t.one[w] / total }

	// Sums over what follows each context: occurrences, kinds, and the mass
	// that the shorter context gives to the same words.
	type follow struct{ count, kinds, shorter float64 }
	after1 := map[string]*follow{}
	for k, n := range t.two {
		f := after1[k[0]]
		if f == nil {
			f = new(follow)
			after1[k[0]] = f
		}
		f.count += n
		f.kinds++
		f.shorter += p1(k[1])
	}
	p2 := func(k [2]string) float64 {
		f := after1[k[0]]
		left := discount * f.kinds / f.count
		return (t.two[k]-discount)/f.count + left*p1(k[1])
	}
	weight := func(f *follow, kept float64) float64 { // of the shorter context, for words not seen
		if f == nil {
			return 1
		}
		return math.Max(1-kept, 1e-6) / math.Max(1-f.shorter, 1e-6)
	}
	kept1 := map[string]float64{}
	for k := range t.two {
		kept1[k[0]] += p2(k)
	}

	after2 := map[[2]string]*follow{}
	for k, n := range t.three {
		c := [2]string{k[0], k[1]}
		f := after2[c]
		if f == nil {
			f = new(follow)
			after2[c] = f
		}
		f.count += n // what is left out below counts for the shorter context
		if n >= leastTri {
			f.kinds++
			f.shorter += p2([2]string{k[1], k[2]})
		}
	}
	p3 := func(k [3]string) float64 {
		f := after2[[2]string{k[0], k[1]}]
		b := [2]string{k[1], k[2]}
		return (t.three[k]-discount)/f.count + discount*f.kinds/f.count*p2(b)
	}
	kept2 := map[[2]string]float64{}
	for k, n := range t.three {
		if n >= leastTri {
			kept2[[2]string{k[0], k[1]}] += p3(k)
		}
	}

	var grams [3][]gram
	grams[0] = append(grams[0], gram{[]string{begin}, -99, math.Log10(weight(after1[begin], kept1[begin]))})
	for _, w := range slices.Sorted(maps.Keys(t.one)) {
		grams[0] = append(grams[0], spread(gram{[]string{w}, math.Log10(p1(w)), math.Log10(weight(after1[w], kept1[w]))})...)
	}
	for k := range t.two {
		grams[1] = append(grams[1], spread(gram{k[:], math.Log10(p2(k)), math.Log10(weight(after2[k], kept2[k]))})...)
	}
	for k, n := range t.three {
		if n >= leastTri {
			grams[2] = append(grams[2], spread(gram{k[:], math.Log10(p3(k)), 0})...)
		}
	}

	out := bufio.NewWriter(to)
	fmt.Fprintln(out, "\\data\\")
	for i, g := range grams {
		fmt.Fprintf(out, "ngram %d=%d\n", i+1, len(g))
	}
	for i, g := range grams {
		fmt.Fprintf(out, "\n\\%d-grams:\n", i+1)
		slices.SortFunc(g, func(a, b gram) int { return slices.Compare(a.words, b.words) })
		for _, x := range g {
			fmt.Fprintf(out, "%.4f", x.logProb)
			for _, w := range x.words {
				fmt.Fprint(out, " ", w)
			}
			if i < 2 {
				fmt.Fprintf(out, " %.4f", x.backoff)
			}
			fmt.Fprintln(out)
		}
	}
	fmt.Fprintln(out, "\n\\end\\")
	return out.Flush()
}

// spread writes a row with a name in it once for each slot. Rows with two names
// would be too many: they back off.
func spread(g gram) []gram {
	at := slices.Index(g.words, lexicon.Hot)
	if at < 0 {
		return []gram{g}
	}
	if slices.Contains(g.words[at+1:], lexicon.Hot) {
		return nil
	}
	out := make([]gram, lexicon.HotSlots)
	for i := range out {
		out[i] = g
		out[i].words = slices.Clone(g.words)
		out[i].words[at] = lexicon.HotSlot(i)
		if at == len(g.words)-1 {
			out[i].logProb += math.Log10(hotShare)
		}
	}
	return out
}
