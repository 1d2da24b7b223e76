package search_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"tingji/store/search"
	"tingji/store/search/corpus"
)

// source is a block in memory; rows may be asked for in ascending order only.
func source(tb testing.TB, rows [][]byte, without ...string) search.Source {
	tb.Helper()
	contents, err := search.ReadContents(rows[search.RowDirectory])
	if err != nil {
		tb.Fatal(err)
	}
	last := -1
	return search.Source{
		Contents: contents,
		Without:  func(id string) bool { return slices.Contains(without, id) },
		Row: func(n int) ([]byte, error) {
			if n <= last {
				tb.Errorf("row %d after row %d", n, last)
			}
			last = n
			return rows[n], nil
		},
	}
}

// mergedRows are the rows of a merged block in their order.
func mergedRows(tb testing.TB, sources ...search.Source) ([][]byte, error) {
	tb.Helper()
	m, err := search.NewMerger(sources)
	if err != nil {
		tb.Fatal(err)
	}
	rows := map[int][]byte{}
	err = m.Rows(func(row int, data []byte) error {
		if rows[row] != nil {
			tb.Errorf("row %d twice", row)
		}
		rows[row] = data
		return nil
	}, func() {})
	if err != nil {
		return nil, err
	}
	list := make([][]byte, len(rows))
	for n, data := range rows {
		list[n] = data
	}
	return list, nil
}

// often is a hearing in which some characters are in so many lines that their
// lists are split.
func often(id string, lines int) (search.Hearing, []search.Line) {
	h := search.Hearing{ID: id, AtMS: int64(len(id))}
	list := make([]search.Line, lines)
	for i := range list {
		list[i] = search.Line{ID: fmt.Sprint(i), Channel: "c", Role: "审判员", StartMS: int64(i), Text: "的", Heard: "的"}
		if i%3 == 0 {
			list[i].Text, list[i].Heard = "我的合同", "我的合同"
		}
	}
	return h, list
}

// A block that was merged is, byte by byte, the one that is made of the same
// hearings at once.
func TestMerge(t *testing.T) {
	c := corpus.New(6)
	type part struct {
		hearing search.Hearing
		lines   []search.Line
	}
	var parts [4][]part
	for i := range parts {
		for range 4 {
			h := c.Next()
			for n := range h.Lines {
				if n%7 == 0 {
					h.Lines[n].Text = h.Truth[n]
				}
			}
			parts[i] = append(parts[i], part{search.NewHearing(&h.Hearing), h.Lines})
		}
		h, lines := often(fmt.Sprintf("often-%d", i), 20_000)
		parts[i] = append(parts[i], part{h, lines})
	}
	parts[2] = append(parts[2], part{search.Hearing{ID: "silent"}, nil})
	without := []string{parts[0][0].hearing.ID, parts[1][2].hearing.ID, parts[3][3].hearing.ID, "often-1"}
	whole := search.NewBuilder()
	var sources []search.Source
	lines := 0
	for _, list := range parts {
		b := search.NewBuilder()
		for _, p := range list {
			b.Add(p.hearing, p.lines)
			if !slices.Contains(without, p.hearing.ID) {
				whole.Add(p.hearing, p.lines)
				lines += len(p.lines)
			}
		}
		rows, err := b.Rows(func() {})
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, source(t, rows, without...))
	}
	want, err := whole.Rows(func() {})
	if err != nil {
		t.Fatal(err)
	}
	got, err := mergedRows(t, sources...)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Fatalf("%d rows, want %d; or others", len(got), len(want))
	}
	longest := 0
	for _, row := range got[2:] {
		longest = max(longest, len(row))
	}
	if longest > 20<<10 || longest < 10<<10 {
		t.Errorf("the longest row has %d bytes: lists are not split as they should be", longest)
	}
	// A key in several pages selects all its lines.
	block, err := search.ReadBlock(got[search.RowFences], lines)
	if err != nil {
		t.Fatal(err)
	}
	for text, least := range map[string]int{"的": 60_000, "我": 20_000, "我的": 20_000, "角色:审判员 合同": 20_000} {
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		plans := search.NewMatcher(q, false).Plan(search.Exact)
		if n := selectAll(t, block, plans[0], got).Count(); n < least || n > least+lines-60_000 {
			t.Errorf("%s: %d lines, want %d or a few more", text, n, least)
		}
	}
}

// A damaged block is not merged.
func TestMergeDamaged(t *testing.T) {
	_, rows := buildBlock(t, corpus.New(7), 2)
	for _, n := range []int{2, len(rows) / 4} {
		bad := slices.Clone(rows)
		bad[n] = append([]byte{0xff}, bad[n]...)
		if _, err := mergedRows(t, source(t, rows), source(t, bad)); !errors.Is(err, search.ErrBlock) {
			t.Errorf("row %d is damaged: %v", n, err)
		}
	}
	failed := errors.New("failed")
	s := source(t, rows)
	s.Row = func(int) ([]byte, error) { return nil, failed }
	if _, err := mergedRows(t, s); !errors.Is(err, failed) {
		t.Error(err)
	}
}
