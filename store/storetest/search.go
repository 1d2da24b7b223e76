package storetest

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store"
	"tingji/store/search"
	"tingji/store/search/corpus"
	"tingji/transcript"
)

var (
	searchLines   = flag.Int("search.lines", Rounds(8_000, 100_000), "lines of the corpus that search is tested on")
	searchQueries = flag.Int("search.queries", Rounds(80, 10_000), "random queries compared with a naive scan")
)

func everybody(transcript.SearchHearing) bool { return true }

// RunSearch runs the contract of search. fresh prepares a new, empty store for a
// test, and past connects to its database past the store.
func RunSearch(t *testing.T, fresh func(t *testing.T) (open Opener, past func() *sql.DB)) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *bench, past func() *sql.DB)
	}{
		{"NaiveScan", testNaiveScan},
		{"Live", testSearchLive},
		{"Pages", testSearchPages},
		{"OneHearing", testSearchOneHearing},
		{"Phases", testSearchPhases},
		{"Gate", testSearchGate},
		{"Context", testSearchContext},
		{"BadRequest", testBadSearch},
		{"Homophones", testHomophones},
		{"Keeps", testIndexKeeps},
		{"Concurrent", testSearchConcurrent},
	} {
		t.Run(c.name, func(t *testing.T) {
			open, past := fresh(t)
			c.test(t, &bench{t: t, ctx: t.Context(), open: open, Store: mustOpen(t, open)}, past)
		})
	}
}

func (b *bench) search(r transcript.SearchRequest) transcript.SearchResult {
	b.t.Helper()
	got, err := b.Search(b.ctx, r, everybody)
	if err != nil {
		b.t.Fatalf("%+v: %v", r, err)
	}
	return got
}

// found are the ids of all lines that a query finds, hearing by hearing.
func (b *bench) found(query string) string {
	b.t.Helper()
	var ids []string
	for _, h := range b.search(transcript.SearchRequest{Query: query}).Hearings {
		for _, l := range h.Lines {
			ids = append(ids, h.ID+"/"+l.ID)
		}
	}
	return strings.Join(ids, " ")
}

// load fills the store with a corpus; some lines are corrected.
func load(t *testing.T, past func() *sql.DB, lines int) (*corpus.Corpus, []corpus.Hearing) {
	t.Helper()
	db := past()
	defer db.Close()
	c := corpus.New(7)
	var list []corpus.Hearing
	for lines > 0 {
		h := c.Next()
		for i := range h.Lines {
			if i%9 == 0 {
				h.Lines[i].Text = h.Truth[i]
			}
		}
		if err := corpus.Load(t.Context(), db, &h); err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(h.Lines, func(a, b search.Line) int {
			return cmp.Or(cmp.Compare(a.StartMS, b.StartMS), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.ID, b.ID))
		})
		search.Phases(&h.Hearing, h.Lines, nil)
		search.Prepare(h.Lines)
		lines -= len(h.Lines)
		list = append(list, h)
	}
	return c, list
}

// naive is what a search must return, decided line by line: for each hearing in
// the order of results, its id and how many lines were found, by class.
func naive(q search.Query, newest, widened bool, hearings []corpus.Hearing, see func(string) bool) (list []string, count int) {
	m, filter := search.NewMatcher(q, widened), search.NewHearingFilter(q)
	type entry struct {
		class search.Class
		search.Place
		text string
	}
	var found []entry
	for _, h := range hearings {
		s := search.NewHearing(&h.Hearing)
		if !filter.Match(&s) || !see(h.ID) {
			continue
		}
		hits := map[search.Class][]search.Hit{}
		for _, hit := range m.Lines(h.Lines, nil) {
			c := hit.Class
			if newest {
				c = 0
			}
			hits[c] = append(hits[c], hit)
			count++
		}
		for c, list := range hits {
			slices.SortStableFunc(list, func(a, b search.Hit) int { return cmp.Compare(a.Class, b.Class) })
			found = append(found, entry{c, s.Place(), fmt.Sprintf("%s:%d:%s:%v", h.ID, len(list), h.Lines[list[0].Line].ID, m.Spans(0, &h.Lines[list[0].Line]))})
		}
	}
	slices.SortFunc(found, func(a, b entry) int { return cmp.Or(cmp.Compare(a.class, b.class), a.Compare(b.Place)) })
	for _, e := range found {
		list = append(list, e.text)
	}
	return list, count
}

// all reads all pages of a search.
func (b *bench) all(r transcript.SearchRequest, see func(string) bool) (list []string, first transcript.SearchResult) {
	b.t.Helper()
	for page := 0; ; page++ {
		got, err := b.Search(b.ctx, r, func(h transcript.SearchHearing) bool { return see(h.ID) })
		if err != nil {
			b.t.Fatalf("%+v: %v", r, err)
		}
		if page == 0 {
			first = got
		}
		if got.Incomplete {
			b.t.Fatalf("%+v is incomplete", r)
		}
		for _, h := range got.Hearings {
			var spans []search.Span
			for _, s := range h.Lines[0].Spans {
				spans = append(spans, search.Span{Start: s.Start, End: s.End,
					Class: search.Class(1 + slices.Index([]string{"exact", "number", "sound"}, s.Match))})
			}
			list = append(list, fmt.Sprintf("%s:%d:%s:%v", h.ID, h.Count, h.Lines[0].ID, spans))
		}
		if got.Next == "" {
			return list, first
		}
		r.Cursor = got.Next
	}
}

// Random queries of every kind find what a naive scan finds, no more and no
// less, in the same order, page by page; in the index, in memory, and half in
// each.
func testNaiveScan(t *testing.T, b *bench, past func() *sql.DB) {
	c, hearings := load(t, past, *searchLines)
	// As in a store that has lived: several blocks, some of them merged, some
	// hearings moved out of either.
	b.ok(b.IndexNow(b.ctx))
	db := past()
	defer db.Close()
	touch := func(first, n int) {
		for i := first; i < len(hearings); i += n {
			if _, err := db.ExecContext(b.ctx, `UPDATE hearings SET changes = changes + 1 WHERE id = $1`, hearings[i].ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 14 {
		touch(i%4, 11)
		b.ok(b.IndexNow(b.ctx))
	}
	var made, blocks int
	b.ok(db.QueryRowContext(b.ctx, `SELECT max(block), count(*) FROM search_blocks`).Scan(&made, &blocks))
	if merged := blocks < made; !merged || blocks < 2 {
		t.Errorf("%d blocks were made and are %d now: nothing was merged", made, blocks)
	}
	touch(0, 5)
	b.ok(b.IndexNow(b.ctx))
	touch(0, 3)
	lines := 0
	for _, h := range hearings {
		lines += len(h.Lines)
	}
	finding, hits := 0, 0
	for n := range *searchQueries {
		text := c.Query(&hearings[n%len(hearings)])
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		see := func(id string) bool { return n%4 > 0 || id[len(id)-1]%3 > 0 }
		r := transcript.SearchRequest{Query: text, Newest: n%2 == 0, Limit: 3 + n%90}
		got, first := b.all(r, see)
		want, count := naive(q, r.Newest, first.Widened, hearings, see)
		if !slices.Equal(got, want) {
			t.Fatalf("%s (newest %t): %d results, want %d\n%s\nwant\n%s", text, r.Newest, len(got), len(want),
				strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if first.CountMore && first.Count >= count || !first.CountMore && first.Count != count || first.Count > 1000 {
			t.Fatalf("%s: %d lines (more: %t), want %d", text, first.Count, first.CountMore, count)
		}
		if len(want) > 0 {
			finding++
		}
		hits += count
	}
	t.Logf("%d queries on %d lines, %d with results, %d lines found", *searchQueries, lines, finding, hits)
	if finding < *searchQueries/2 {
		t.Errorf("%d of %d queries found something: the test tests little", finding, *searchQueries)
	}
}

// What is said is found as soon as it is stored, and what is corrected at once
// by its new words, and by the old ones on request; before and after indexing.
func testSearchLive(t *testing.T, b *bench, past func() *sql.DB) {
	b.hearing("h1")
	seg, line := step("h1", "judge", 0, 1, "请被告说明借条的来历")
	b.apply(0, seg, line)
	id := "h1/" + line.ID
	check := func(when string, want map[string]string) {
		t.Helper()
		for query, ids := range want {
			if got := b.found(query); got != ids {
				t.Errorf("%s: %s finds %q, want %q", when, query, got, ids)
			}
		}
	}
	said := map[string]string{"借条": id, "条": id, "来历": id, "转账": "", "jietiao": id, "条 -条": "", "条 -据": id, "角色:审判长": id, "案号:民初 借条": id}
	check("live", said)
	b.ok(b.IndexNow(b.ctx))
	check("indexed", said)

	_, err := b.Revise(b.ctx, "h1", line.ID, 1, transcript.Revision{Text: "请被告说明转账的来历", Role: "审判长", Author: "clerk"})
	b.ok(err)
	revised := map[string]string{"借条": "", "转账": id, "范围:识别 借条": id, "范围:识别 转账": "", "范围:识别 来历": id, "来历": id}
	check("revised", revised)
	b.ok(b.IndexNow(b.ctx))
	check("revised and indexed", revised)

	seg, line = step("h1", "judge", 1, 2, "借条在哪里")
	b.apply(1, seg, line)
	check("another line", map[string]string{"借条": "h1/" + line.ID, "来历": id})
	hand, err := b.AddLine(b.ctx, transcript.Line{Hearing: "h1", Text: "（出示借条）", StartedAt: day, Author: "clerk"})
	b.ok(err)
	check("by hand", map[string]string{"出示": "h1/" + hand.ID})
	b.ok(b.IndexNow(b.ctx))
	check("all indexed", map[string]string{"出示": "h1/" + hand.ID, "转账": id, "借条": "h1/" + hand.ID + " h1/" + line.ID})

	b.setStatus("h1", capture.Signed)
	if got := b.search(transcript.SearchRequest{Query: "转账"}).Hearings; len(got) != 1 || got[0].Status != capture.Signed {
		t.Errorf("the hearing's new status is not seen: %+v", got)
	}
}

// Of many lines of a hearing some are shown; all where the hearing is asked for.
func testSearchOneHearing(t *testing.T, b *bench, _ func() *sql.DB) {
	b.hearing("h1")
	for i := range 8 {
		seg, line := step("h1", "judge", int64(i), int64(i+1), "借条")
		b.apply(int64(i), seg, line)
	}
	for query, want := range map[string]int{"借条": 5, "借条 庭审:h1": 8, "借条 -庭审:h2": 5} {
		got := b.search(transcript.SearchRequest{Query: query}).Hearings
		if len(got) != 1 || got[0].Count != 8 || len(got[0].Lines) != want {
			t.Errorf("%s: %+v, want %d of 8 lines", query, got, want)
		}
	}
}

// Phases are those of the hearing's page, the clerk's decisions among them.
func testSearchPhases(t *testing.T, b *bench, _ func() *sql.DB) {
	b.hearing("h1")
	var ids []string
	for i, text := range []string{"现在开庭。", "借条在此。", "现在进行法庭辩论。", "借条是假的。"} {
		seg, line := step("h1", "judge", int64(i), int64(i+1), text)
		b.apply(int64(i), seg, line)
		ids = append(ids, "h1/"+line.ID)
	}
	check := func(when, debate, opening string) {
		t.Helper()
		for query, want := range map[string]string{"阶段:法庭辩论 借条": debate, "阶段:开庭 借条": opening} {
			if got := b.found(query); got != want {
				t.Errorf("%s: %s finds %q, want %q", when, query, got, want)
			}
		}
	}
	check("live", ids[3], ids[1])
	b.ok(b.IndexNow(b.ctx))
	check("indexed", ids[3], ids[1])
	_, _, err := b.UpdateHearing(b.ctx, "h1", func(h *capture.Hearing) error {
		h.Phases = append(h.Phases, capture.PhaseMark{Line: strings.TrimPrefix(ids[2], "h1/"), Author: "书记员", At: day})
		return nil
	})
	b.ok(err)
	check("refused", "", ids[1]+" "+ids[3])
	b.ok(b.IndexNow(b.ctx))
	check("refused and indexed", "", ids[1]+" "+ids[3])
}

// A page follows the one before although hearings arrive and are indexed
// between them.
func testSearchPages(t *testing.T, b *bench, past func() *sql.DB) {
	add := func(n int) {
		id := fmt.Sprintf("h%02d", n)
		at := day.Add(time.Duration(n) * time.Hour)
		b.ok(b.CreateHearing(b.ctx, capture.Hearing{ID: id, Version: 1, Status: capture.Open, CreatedAt: at, OpenedAt: &at}))
		seg, line := step(id, "judge", 0, 1, "借条")
		b.apply(int64(n), seg, line)
	}
	for n := range 10 {
		add(n)
	}
	r := transcript.SearchRequest{Query: "借条", Limit: 3}
	var got []string
	for page := 0; ; page++ {
		res := b.search(r)
		if res.Count != 10 || res.CountMore {
			t.Errorf("page %d counts %d", page, res.Count)
		}
		for _, h := range res.Hearings {
			got = append(got, h.ID)
		}
		if r.Cursor = res.Next; r.Cursor == "" {
			break
		}
		switch page {
		case 0:
			b.ok(b.IndexNow(b.ctx))
		case 1:
			add(20)
		}
	}
	if want := "h09 h08 h07 h06 h05 h04 h03 h02 h01 h00"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	r.Cursor = b.search(transcript.SearchRequest{Query: "借条", Limit: 3}).Next
	r.Query = "借"
	_, err := b.Search(b.ctx, r, everybody)
	if bad := mustBeA[*transcript.QueryError](t, err); bad.Field != "cursor" {
		t.Errorf("a cursor of another search: %v", err)
	}
}

// What the reader may not see is in no result and no count.
func testSearchGate(t *testing.T, b *bench, past func() *sql.DB) {
	_, hearings := load(t, past, 3000)
	hidden := hearings[len(hearings)/2].ID
	see := func(h transcript.SearchHearing) bool { return h.ID != hidden }
	check := func(when string) {
		t.Helper()
		full := b.search(transcript.SearchRequest{Query: "庭审:" + hidden})
		if full.Count == 0 {
			t.Fatal(when, "the hearing is not there")
		}
		got, err := b.Search(b.ctx, transcript.SearchRequest{Query: "庭审:" + hidden}, see)
		b.ok(err)
		if got.Count != 0 || len(got.Hearings) != 0 || got.Next != "" || got.Incomplete {
			t.Errorf("%s: %+v", when, got)
		}
		all := b.search(transcript.SearchRequest{Query: "合同 庭审:" + hidden})
		both := b.search(transcript.SearchRequest{Query: "合同"})
		seen, err := b.Search(b.ctx, transcript.SearchRequest{Query: "合同"}, see)
		b.ok(err)
		if all.Count == 0 || seen.Count != both.Count-all.Count {
			t.Errorf("%s: %d lines are counted of %d, with %d hidden", when, seen.Count, both.Count, all.Count)
		}
	}
	check("live")
	b.ok(b.IndexNow(b.ctx))
	check("indexed")
}

func testSearchContext(t *testing.T, b *bench, past func() *sql.DB) {
	b.hearing("h1")
	for i := range int64(200) { // several pieces
		text := fmt.Sprintf("第%d句", i)
		if i == 63 || i == 64 {
			text = "借了二十万元"
		}
		seg, line := step("h1", "judge", i, i+1, text)
		b.apply(i, seg, line)
	}
	check := func() {
		t.Helper()
		h := b.search(transcript.SearchRequest{Query: "20万 ~5行 第66句"}).Hearings
		if len(h) != 1 || h[0].Count != 2 || len(h[0].Lines) != 2 {
			t.Fatalf("%+v", h)
		}
		l := h[0].Lines[1]
		if l.Match != "number" || fmt.Sprint(l.Spans) != "[{2 5 number}]" || l.Before[0].Text != "借了二十万元" || l.After[0].Text != "第65句" ||
			len(l.Near) != 1 || l.Near[0].Text != "第66句" || fmt.Sprint(l.Near[0].Spans) != "[{0 4 exact}]" {
			t.Errorf("%+v", l)
		}
		first := b.search(transcript.SearchRequest{Query: "第0句"}).Hearings[0].Lines[0]
		last := b.search(transcript.SearchRequest{Query: "第199句"}).Hearings[0].Lines[0]
		if len(first.Before) != 0 || len(first.After) != 1 || len(last.Before) != 1 || len(last.After) != 0 {
			t.Errorf("context at the ends: %+v %+v", first, last)
		}
	}
	check()
	b.ok(b.IndexNow(b.ctx))
	check()
}

func testBadSearch(t *testing.T, b *bench, past func() *sql.DB) {
	for _, tt := range []struct {
		request transcript.SearchRequest
		field   string
		pos     int
	}{
		{transcript.SearchRequest{}, "q", 0},
		{transcript.SearchRequest{Query: "借条 “"}, "q", 3},
		{transcript.SearchRequest{Pinyin: "hi"}, "pinyin", 0},
		{transcript.SearchRequest{Query: "借条", From: "昨天"}, "from", 0},
		{transcript.SearchRequest{Query: "借条", To: "2024-13"}, "to", 0},
		{transcript.SearchRequest{Query: "借条", From: "2024-06", To: "2024-01"}, "from", 0},
		{transcript.SearchRequest{Query: "借条", Role: `"x`}, "role", 0},
		{transcript.SearchRequest{Query: "借条", Cursor: "x"}, "cursor", 0},
	} {
		_, err := b.Search(b.ctx, tt.request, everybody)
		var bad *transcript.QueryError
		if !errors.As(err, &bad) || bad.Field != tt.field || bad.Pos != tt.pos || bad.Text == "" {
			t.Errorf("%+v: %v", tt.request, err)
		}
	}
	b.search(transcript.SearchRequest{Pinyin: "jietiao", CaseNo: "民初", Role: "原告", Courtroom: "r1", From: "2024-01", To: "2024-06-30"})
}

// What the recogniser misheard is found by its sound.
func testHomophones(t *testing.T, b *bench, past func() *sql.DB) {
	_, hearings := load(t, past, Rounds(6000, 100_000))
	b.ok(b.IndexNow(b.ctx))
	planted, found := 0, 0
	var before []int // false hits before the right one, of some
	for n, h := range hearings {
		for i, l := range h.Lines {
			truth, heard := []rune(h.Truth[i]), []rune(l.Text)
			for at := 0; at+3 <= len(truth) && planted < 400; at++ {
				word := string(truth[at : at+3])
				if string(heard[at:at+3]) == word || strings.ContainsAny(word, "，。0123456789") {
					continue
				}
				r := b.search(transcript.SearchRequest{Query: "音:" + word + " 庭审:" + h.ID})
				if r.Count > 5 {
					continue // not all of them are shown
				}
				if planted++; planted%4 == 0 {
					before = append(before, falseHits(hearings, n, i, word))
				}
				if slices.ContainsFunc(r.Hearings, func(h transcript.SearchHearing) bool {
					return slices.ContainsFunc(h.Lines, func(f transcript.SearchLine) bool { return f.ID == l.ID })
				}) {
					found++
				} else {
					t.Logf("%s was not found in %s", word, l.Text)
				}
				break
			}
		}
	}
	if planted < 100 || found*100 < planted*98 {
		t.Errorf("%d of %d planted errors found by sound, want 98%%", found, planted)
	}
	slices.Sort(before)
	t.Logf("%d of %d; in %d hearings %.1f lines that only sound so stand before the right one (median %d, of ten one has %d or more)",
		found, planted, len(hearings), mean(before), before[len(before)/2], before[len(before)*9/10])
}

// falseHits counts the lines that stand before line i of hearing n in a search
// for the sound of a word, and in which nobody said it: hearings as they are
// listed, the newest first.
func falseHits(hearings []corpus.Hearing, n, i int, word string) (count int) {
	q, err := search.Parse("音:" + word)
	if err != nil {
		return 0
	}
	m := search.NewMatcher(q, false)
	for at := len(hearings) - 1; at >= n; at-- {
		for _, hit := range m.Lines(hearings[at].Lines, nil) {
			if at == n && hit.Line >= i {
				break
			}
			if hit.Class == search.BySound && !strings.Contains(hearings[at].Truth[hit.Line], word) {
				count++
			}
		}
	}
	return count
}

func mean(list []int) (m float64) {
	for _, n := range list {
		m += float64(n) / float64(len(list))
	}
	return m
}

// Blocks are merged, what is replaced is deleted, and what a crash leaves
// behind is swept away.
func testIndexKeeps(t *testing.T, b *bench, past func() *sql.DB) {
	db := past()
	defer db.Close()
	count := func(query string) (n int) {
		t.Helper()
		b.ok(db.QueryRowContext(b.ctx, query).Scan(&n))
		return n
	}
	for i := range 30 {
		id := fmt.Sprintf("h%02d", i)
		b.hearing(id)
		b.steps(id, "judge", 3)
		b.ok(b.IndexNow(b.ctx))
	}
	if n := count(`SELECT count(*) FROM search_blocks`); n >= 16 {
		t.Errorf("%d blocks for 30 hearings", n)
	}
	if n := count(`SELECT count(*) FROM search_dirty`); n != 0 {
		t.Errorf("%d hearings are still marked", n)
	}
	rows := `SELECT count(*) FROM search_rows WHERE id / 16777216 NOT IN (SELECT block FROM search_blocks)`
	if n := count(rows); n != 0 {
		t.Errorf("%d rows of replaced blocks are left", n)
	}
	if c, err := b.Check(b.ctx, func(f store.Fault) { t.Errorf("%+v", f) }); err != nil || c.Blocks < 2 {
		t.Errorf("checked %+v, %v", c, err)
	}
	whole := b.search(transcript.SearchRequest{Query: "第1句"}).Count
	for _, crash := range []string{
		`INSERT INTO search_blocks (ready, lines, newest_at, newest_id, oldest_at, oldest_id) VALUES (0, 1, 0, '', 0, '')`,
		`INSERT INTO search_rows (id, data) SELECT (1 + (SELECT max(block) FROM search_blocks)) * 16777216 + id % 16777216, data FROM search_rows`,
		`INSERT INTO search_dirty (hearing) VALUES ('h07')`,
	} {
		if _, err := db.ExecContext(b.ctx, crash); err != nil && !strings.Contains(crash, "search_rows") {
			t.Fatal(err)
		}
	}
	if n := b.search(transcript.SearchRequest{Query: "第1句"}).Count; n != whole || n != 30 {
		t.Errorf("%d lines after a crash, %d before", n, whole)
	}
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan error)
	go func() { done <- b.RunIndex(ctx, slog.New(slog.DiscardHandler)) }()
	for b.ctx.Err() == nil && count(`SELECT count(*) FROM search_blocks WHERE ready = 0`)+count(rows) > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := b.search(transcript.SearchRequest{Query: "第1句"}).Count; n != whole {
		t.Errorf("%d lines after sweeping, %d before", n, whole)
	}
}

// While hearings go on and the index is made, whoever searches finds every line
// that was confirmed before, and none twice.
func testSearchConcurrent(t *testing.T, b *bench, past func() *sql.DB) {
	const steps = 40
	var confirmed atomic.Int64
	var writers, others sync.WaitGroup
	done := make(chan struct{})
	for w := range 3 {
		id := fmt.Sprintf("h%d", w)
		b.hearing(id)
		writers.Go(func() {
			for i := range int64(steps) {
				seg, line := step(id, "judge", i, i+1, fmt.Sprintf("借条第%d句", i))
				if _, _, err := b.ApplyStep(b.ctx, at(i), seg, line); err != nil {
					t.Error(err)
					return
				}
				confirmed.Add(1)
			}
		})
	}
	until := func(f func() error) {
		others.Go(func() {
			for {
				if err := f(); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	until(func() error { return b.IndexNow(b.ctx) })
	for range 2 {
		until(func() error {
			least := confirmed.Load()
			r, err := b.Search(b.ctx, transcript.SearchRequest{Query: "借条"}, everybody)
			if err == nil && (int64(r.Count) < least || r.Count > 3*steps) {
				err = fmt.Errorf("%d lines found, %d were confirmed", r.Count, least)
			}
			return err
		})
	}
	writers.Wait()
	close(done)
	others.Wait()
	if n := b.search(transcript.SearchRequest{Query: "借条"}).Count; n != 3*steps {
		t.Errorf("%d lines found, want %d", n, 3*steps)
	}
}

var _ transcript.Searcher = (*store.Store)(nil)
