package search_test

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"tingji/store/search"
	"tingji/store/search/corpus"
)

var queries = flag.Int("queries", 150, "random queries of the test against the naive scan")

func buildBlock(tb testing.TB, c *corpus.Corpus, hearings int) ([]corpus.Hearing, [][]byte) {
	tb.Helper()
	b := search.NewBuilder()
	var list []corpus.Hearing
	for range hearings {
		h := c.Next()
		for i := range h.Lines { // as the clerk corrects: the recognised text stays
			if i%7 == 0 {
				h.Lines[i].Text = h.Truth[i]
			}
		}
		b.Add(search.NewHearing(&h.Hearing), h.Lines)
		list = append(list, h)
	}
	rows, err := b.Rows(func() {})
	if err != nil {
		tb.Fatal(err)
	}
	return list, rows
}

func rowMap(rows [][]byte, want []int) map[int][]byte {
	m := map[int][]byte{}
	for _, r := range want {
		m[r] = rows[r]
	}
	return m
}

// selectAll takes all steps of a selection. A step only leaves out lines.
func selectAll(tb testing.TB, block *search.Block, plan *search.Expr, rows [][]byte) *search.Set {
	tb.Helper()
	s := block.Select(plan, true, &search.Sets{})
	var before []int
	for step := 0; !s.Done(); step++ {
		if err := s.Step(rowMap(rows, s.Rows())); err != nil {
			tb.Fatal(err)
		}
		var now []int
		for n, end := s.Lines().Next(0, block.Lines()), block.Lines(); n < end; n = s.Lines().Next(n+1, end) {
			if _, was := slices.BinarySearch(before, n); step > 0 && !was {
				tb.Fatalf("line %d is selected after step %d and was not before it", n, step)
			}
			now = append(now, n)
		}
		if s.Lines().Count() != len(now) {
			tb.Fatalf("%d lines are %d", s.Lines().Count(), len(now))
		}
		before = now
	}
	return s.Lines()
}

// What the matcher finds, the plan selects; and it selects little else.
func TestPlan(t *testing.T) {
	c := corpus.New(1)
	hearings, rows := buildBlock(t, c, 12)
	contents, err := search.ReadContents(rows[search.RowDirectory])
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, h := range hearings {
		lines += len(h.Lines)
	}
	block, err := search.ReadBlock(rows[search.RowFences], lines)
	if err != nil || !contents.Of(block) {
		t.Fatal(err)
	}
	hits, selected, finding := 0, 0, 0
	for range *queries {
		text := c.Query(&hearings[len(hearings)/2])
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		m := search.NewMatcher(q, false)
		var truth [][]search.Hit
		for i := range hearings {
			truth = append(truth, m.Lines(hearings[len(hearings)-1-i].Lines, nil)) // the newest first
		}
		for _, class := range m.Classes() { // no other is planned
			plans := m.Plan(class)
			var sets []*search.Set
			for _, p := range plans {
				sets = append(sets, selectAll(t, block, p, rows))
			}
			for i := range contents.Hearings() {
				_, first, count := contents.Hearing(i)
				found := false
				for _, hit := range truth[i] {
					if hit.Class <= class {
						found = true
						if hits++; !sets[0].Has(first + hit.Line) {
							t.Fatalf("%s: line %d of hearing %d is a hit, and not selected at class %d", text, hit.Line, i, class)
						}
					}
				}
				for n := sets[0].Next(first, first+count); n < first+count; n = sets[0].Next(n+1, first+count) {
					selected++
				}
				if found {
					finding++
				}
			}
		}
	}
	t.Logf("%d hits, %d lines selected", hits, selected)
	if 2*selected > 5*hits { // it is less than twice as many
		t.Errorf("%d lines are selected for %d hits: plans are not narrow", selected, hits)
	}
	if finding < *queries {
		t.Errorf("only %d hearings with hits in %d queries: the test tests little", finding, *queries)
	}
}

func TestPieces(t *testing.T) {
	hearings, rows := buildBlock(t, corpus.New(2), 3)
	block, err := search.ReadContents(rows[search.RowDirectory])
	if err != nil {
		t.Fatal(err)
	}
	for i := range block.Hearings() {
		h, _, count := block.Hearing(i)
		want := hearings[len(hearings)-1-i]
		if h.ID != want.ID || count != len(want.Lines) {
			t.Fatalf("hearing %s with %d lines, want %s with %d", h.ID, count, want.ID, len(want.Lines))
		}
		var got []search.Line
		for n := 0; n < count; n += search.PieceLines {
			row, first := block.PieceRow(i, n)
			piece, err := search.ReadPiece(rows[row])
			if err != nil || first != n {
				t.Fatal(first, err)
			}
			for i := range piece.Len() {
				l, err := piece.Line(i)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, l)
			}
		}
		if !slices.Equal(got, want.Lines) {
			t.Fatal("lines differ")
		}
	}
}

// Whatever the bytes are, reading them ends, and with an error rather than a
// panic.
func FuzzBlock(f *testing.F) {
	_, rows := buildBlock(f, corpus.New(3), 1)
	q, err := search.Parse("音:违约 的 wyj")
	if err != nil {
		f.Fatal(err)
	}
	plans := search.NewMatcher(q, true).Plan(search.BySound)
	f.Add(rows[0], rows[1], rows[2], rows[len(rows)-1])
	f.Fuzz(func(t *testing.T, fences, dir, page, piece []byte) {
		if p, err := search.ReadPiece(piece); err == nil {
			for i := range p.Len() {
				p.Line(i)
			}
		}
		if len(fences) > 1<<16 {
			return
		}
		search.ReadContents(dir)
		block, err := search.ReadBlock(fences, len(dir))
		if err != nil {
			return
		}
		for s := block.Select(plans[0], true, &search.Sets{}); !s.Done(); {
			read := map[int][]byte{}
			for _, r := range s.Rows() {
				read[r] = page
			}
			if s.Step(read) != nil {
				break
			}
		}
	})
}

func BenchmarkBuild(b *testing.B) {
	c := corpus.New(4)
	var hearings []corpus.Hearing
	lines := 0
	for range 250 {
		h := c.Next()
		hearings = append(hearings, h)
		lines += len(h.Lines)
	}
	for b.Loop() {
		builder := search.NewBuilder()
		for _, h := range hearings {
			builder.Add(search.NewHearing(&h.Hearing), h.Lines)
		}
		rows, err := builder.Rows(func() {})
		if err != nil {
			b.Fatal(err)
		}
		size := 0
		for _, r := range rows {
			size += len(r)
		}
		runes := 0
		for _, h := range hearings {
			for _, l := range h.Lines {
				runes += len([]rune(l.Text))
			}
		}
		b.ReportMetric(float64(runes)/float64(lines), "runes/line")
		b.ReportMetric(float64(size)/float64(lines), "B/line")
		b.ReportMetric(float64(len(rows[0])+len(rows[1]))/float64(lines), "B-desc/line")
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// What an earlier version wrote of a block's hearings is read as it was meant.
func TestContentsOfEarlierVersions(t *testing.T) {
	was := `{"lines":50,"pieces":2,"hearings":[
		{"id":"h1","at":5,"case_no":"（2026）内0000民初1号","type":"民初","courtroom":"r1","public":true,"status":"closed","people":[{"role":"原告","name":"周启明"}],"first":0,"count":49,"piece":0},
		{"id":"h2","at":9,"courtroom":"r1","public":false,"status":"open","demo":true,"first":49,"count":1,"piece":2}]}`
	c, err := search.ReadContents([]byte(was))
	if err != nil || c.Hearings() != 2 || !c.Same([]byte(was)) || c.Same([]byte(strings.Replace(was, "周启明", "周启铭", 1))) {
		t.Fatal(c, err)
	}
	h, first, count := c.Hearing(0) // the newest
	if row, from := c.PieceRow(1, 48); h.ID != "h2" || !h.Demo || first != 49 || count != 1 || row != 3 || from != 48 {
		t.Errorf("%+v from line %d, %d; line 48 of the other in row %d from %d", h, first, count, row, from)
	}
}
