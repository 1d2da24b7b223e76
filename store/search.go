package store

import (
	"cmp"
	"container/heap"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tingji/store/search"
	"tingji/transcript"
)

var _ transcript.Searcher = (*Store)(nil)

const (
	usualFound = 20  // hearings of a page
	maxFound   = 100 // hearings of a page
	foundLines = 5   // lines shown of a hearing
	// foundInOne are the lines shown where one hearing is asked for.
	foundInOne = 500
	// maxCount is up to where lines are counted: enough to see that a search
	// should be narrowed.
	maxCount = 1000
	// maxCounting bounds the pieces that are read for nothing but the count.
	maxCounting = 150
	// maxPieces bounds the lines that one search reads (48 in a piece), and so
	// how long it can take.
	maxPieces = 20_000
)

// Search implements transcript.Searcher.
func (s *Store) Search(ctx context.Context, r transcript.SearchRequest, see func(transcript.SearchHearing) bool) (transcript.SearchResult, error) {
	q, err := searchQuery(r)
	if err != nil {
		return transcript.SearchResult{}, err
	}
	limit := r.Limit
	if limit <= 0 {
		limit = usualFound
	}
	f := finder{
		ctx: ctx, store: s, query: q, see: see,
		limit: min(limit, maxFound), lines: foundLines, newest: r.Newest,
	}
	if slices.ContainsFunc(q.Filters, func(f search.Filter) bool { return f.Key == search.ByHearing && !f.Not }) {
		f.lines = foundInOne
	}
	if err := f.resume(r.Cursor); err != nil {
		return transcript.SearchResult{}, err
	}
	err = s.view(ctx, func(tx *sql.Tx) error {
		f.tx = tx
		f.sets, _ = s.index.sets.Get().(*search.Sets)
		if f.sets == nil {
			f.sets = &search.Sets{}
		}
		defer s.index.sets.Put(f.sets)
		if err := f.open(); err != nil {
			return err
		}
		if err := f.run(); err != nil {
			return err
		}
		if r.Cursor == "" && f.count == 0 && !f.stopped && search.CanWiden(q) {
			f.at.Widened = true
			return f.run()
		}
		return nil
	})
	if err != nil {
		return transcript.SearchResult{}, fmt.Errorf("search: %w", err)
	}
	return f.result(), nil
}

// searchQuery puts the fields of a request into one query.
func searchQuery(r transcript.SearchRequest) (search.Query, error) {
	var q search.Query
	parse := func(field, text string) error {
		more, err := search.Parse(text)
		var bad *search.Error
		if errors.As(err, &bad) {
			return &transcript.QueryError{Field: field, Pos: bad.Pos, Len: bad.Len, Text: bad.Text, TextEN: bad.TextEN}
		}
		if err != nil {
			return err
		}
		q.Merge(more)
		return nil
	}
	// A field is a value, and not part of the language.
	add := func(field, key, value string) error {
		if value = strings.TrimSpace(value); value == "" {
			return nil
		}
		if strings.ContainsAny(value, `"“”„「」『』＂`) {
			return &transcript.QueryError{Field: field, Len: len([]rune(value)), Text: "不能含有引号", TextEN: "must not contain quotation marks"}
		}
		err := parse(field, key+`:"`+value+`"`)
		var bad *transcript.QueryError
		if errors.As(err, &bad) {
			bad.Pos, bad.Len = 0, len([]rune(value))
		}
		return err
	}
	var err error
	if strings.TrimSpace(r.Query) != "" {
		err = parse("q", r.Query)
	}
	if from, to := strings.TrimSpace(r.From), strings.TrimSpace(r.To); err == nil && from+to != "" {
		if err = add("from", "date", from); err == nil {
			err = add("to", "date", to)
		}
		if q.Filters = slices.DeleteFunc(q.Filters, func(f search.Filter) bool {
			return f.Key == search.ByDate && (f.Value == from || f.Value == to)
		}); err == nil {
			err = add("from", "date", from+".."+to)
		}
	}
	for _, f := range []struct{ field, key, value string }{
		{"pinyin", "pinyin", r.Pinyin},
		{"case_no", "case", r.CaseNo},
		{"role", "role", r.Role},
		{"courtroom", "courtroom", r.Courtroom},
	} {
		if err == nil {
			err = add(f.field, f.key, f.value)
		}
	}
	if err == nil && q.Empty() {
		err = &transcript.QueryError{Field: "q", Text: "请输入要找的内容", TextEN: "nothing to look for"}
	}
	return q, err
}

// position is where a page ends: after Place, in the pass for Class.
type position struct {
	Query   string       `json:"q"` // what the cursor belongs to
	Class   search.Class `json:"c"`
	Place   search.Place `json:"p"`
	Widened bool         `json:"w,omitempty"`
	Count   int          `json:"n"`
	More    bool         `json:"m,omitempty"`
}

// finder runs one search.
type finder struct {
	ctx    context.Context
	store  *Store
	tx     *sql.Tx
	query  search.Query
	see    func(transcript.SearchHearing) bool
	limit  int
	lines  int  // shown of a hearing
	newest bool // one pass for all classes
	at     position
	first  bool // this page is the first

	matcher  *search.Matcher
	judge    *search.Judge // of matcher
	filter   search.HearingFilter
	byID     *sql.Stmt // of the transaction
	sets     *search.Sets
	live     []*liveHearing
	blocks   []blockInfo
	liveHits map[int][]search.Hit      // of live, for the present matcher
	moved    map[string]bool           // marked: not in any block
	dead     map[int64]map[string]bool // moved out of a block

	found   []transcript.SearchHearing
	last    position // of the last hearing in found
	count   int
	more    bool // there is more than count
	further bool // there is more than found
	pieces  int  // read so far
	paged   int  // of them, for found
	stopped bool // before the end
	partial bool // not all changed hearings were looked at
}

// resume reads a cursor.
func (f *finder) resume(cursor string) error {
	sum := sha256.Sum256(fmt.Appendf(nil, "%t %s", f.newest, f.query))
	f.at.Query = base64.RawURLEncoding.EncodeToString(sum[:9])
	if f.first = cursor == ""; f.first {
		return nil
	}
	var at position
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(data, &at)
	}
	if err != nil || at.Query != f.at.Query || at.Class > search.BySound || at.Count < 0 {
		return &transcript.QueryError{Field: "cursor", Len: len(cursor),
			Text: "翻页标记不属于这次查询，请从第一页开始", TextEN: "the cursor does not belong to this search: begin with its first page"}
	}
	f.at, f.count, f.more = at, at.Count, at.More
	return nil
}

// blockInfo is a row of search_blocks.
type blockInfo struct {
	block          int64
	lines          int64
	newest, oldest search.Place
}

func blocksIn(ctx context.Context, q querier) ([]blockInfo, error) {
	return collect(ctx, q, func(rows *sql.Rows) (b blockInfo, err error) {
		return b, rows.Scan(&b.block, &b.lines, &b.newest.AtMS, &b.newest.ID, &b.oldest.AtMS, &b.oldest.ID)
	}, `SELECT block, lines, newest_at, newest_id, oldest_at, oldest_id FROM search_blocks WHERE ready = 1 ORDER BY block`)
}

// open reads what the whole search needs.
func (f *finder) open() error {
	f.filter = search.NewHearingFilter(f.query)
	live, marks, complete, err := f.store.liveHearings(f.ctx, f.tx)
	if err != nil {
		return err
	}
	f.partial = !complete
	for _, h := range live {
		if f.wanted(&h.Hearing) {
			f.live = append(f.live, h)
		}
	}
	slices.SortFunc(f.live, func(a, b *liveHearing) int { return a.Place().Compare(b.Place()) })
	if f.blocks, err = blocksIn(f.ctx, f.tx); err != nil {
		return err
	}
	from, to := f.filter.Between()
	f.blocks = slices.DeleteFunc(f.blocks, func(b blockInfo) bool { return b.newest.AtMS < from || b.oldest.AtMS >= to })
	if err := f.nameBlocks(); err != nil {
		return err
	}
	slices.SortFunc(f.blocks, func(a, b blockInfo) int { return a.newest.Compare(b.newest) })
	f.moved, f.dead = map[string]bool{}, map[int64]map[string]bool{}
	if len(f.blocks) == 0 {
		return nil
	}
	if marks == nil {
		marks, err = collect(f.ctx, f.tx, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) },
			`SELECT hearing FROM search_dirty`)
		if err != nil {
			return err
		}
	}
	for _, id := range marks {
		f.moved[id] = true
	}
	_, err = collect(f.ctx, f.tx, func(rows *sql.Rows) (none struct{}, err error) {
		var block int64
		var id string
		if err = rows.Scan(&block, &id); err == nil {
			if f.dead[block] == nil {
				f.dead[block] = map[string]bool{}
			}
			f.dead[block][id] = true
		}
		return none, err
	}, `SELECT block, hearing FROM search_moved`)
	return err
}

// nameBlocks leaves of the blocks those of the hearings that the query names,
// where it names any: a search in one hearing reads one block.
func (f *finder) nameBlocks() error {
	var named [][1]string
	for _, one := range f.query.Filters {
		if one.Key == search.ByHearing && !one.Not {
			named = append(named, [1]string{one.Value})
		}
	}
	if len(named) == 0 {
		return nil
	}
	list, err := json.Marshal(named)
	if err != nil {
		return err
	}
	in, err := collect(f.ctx, f.tx, func(rows *sql.Rows) (block int64, err error) { return block, rows.Scan(&block) },
		`SELECT block FROM search_hearings WHERE hearing IN (SELECT value ->> 0 FROM `+f.store.dialect.each()+` AS e)`, string(list))
	f.blocks = slices.DeleteFunc(f.blocks, func(b blockInfo) bool { return !slices.Contains(in, b.block) })
	return err
}

// wanted reports whether a hearing may be seen and is within the filters.
func (f *finder) wanted(h *search.Hearing) bool {
	return f.filter.Match(h) && f.see(foundHearing(h))
}

func foundHearing(h *search.Hearing) transcript.SearchHearing {
	return transcript.SearchHearing{
		ID: h.ID, CaseNo: h.CaseNo, Cause: h.Cause, Courtroom: h.Courtroom, Status: h.Status, Demo: h.Demo,
		At: time.UnixMilli(h.AtMS).UTC(),
	}
}

// run goes through the hearings, best first or newest first, until the page is
// full and the lines are counted.
func (f *finder) run() error {
	f.matcher = search.NewMatcher(f.query, f.at.Widened)
	f.judge = f.matcher.NewJudge()
	f.liveHits = map[int][]search.Hit{}
	classes := f.matcher.Classes()
	if f.newest {
		return f.pass(0, classes[len(classes)-1])
	}
	for _, class := range classes {
		if class < f.at.Class || f.done() {
			continue
		}
		if err := f.pass(class, class); err != nil {
			return err
		}
	}
	return nil
}

func (f *finder) done() bool {
	return f.stopped || f.further && (!f.first || f.more)
}

// pass goes through all hearings once, for hits of one class, or of all up to
// plan where class is 0.
func (f *finder) pass(class, plan search.Class) error {
	var after *search.Place
	if !f.first && f.at.Class == class {
		after = &f.at.Place
	}
	var sources sourceHeap
	if len(f.live) > 0 {
		sources = append(sources, &liveSource{f: f})
	}
	plans := f.matcher.Plan(plan)
	ahead := &blocksAhead{f: f}
	for _, b := range f.blocks {
		if after == nil || after.Compare(b.oldest) < 0 {
			s := &blockSource{f: f, info: b, plans: plans, certain: f.matcher.Certain(plan), after: after, head: b.newest, ahead: ahead}
			ahead.blocks = append(ahead.blocks, s)
			sources = append(sources, s)
		}
	}
	defer func() {
		for _, s := range sources {
			s.close()
		}
	}()
	heap.Init(&sources)
	for len(sources) > 0 && !f.done() {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		h, hits, lines, err := sources[0].take()
		if err != nil {
			return err
		}
		if sources[0].empty() {
			heap.Pop(&sources).(source).close()
		} else {
			heap.Fix(&sources, 0)
		}
		if h == nil || after != nil && h.Place().Compare(*after) <= 0 {
			continue
		}
		if class > 0 {
			hits = slices.DeleteFunc(hits, func(h search.Hit) bool { return h.Class != class })
		}
		if len(hits) > 0 {
			if err := f.add(class, h, hits, lines); err != nil {
				return err
			}
		}
		if f.pieces > maxPieces && !f.done() {
			f.stopped = true
			f.last = f.at
			f.last.Class, f.last.Place = class, h.Place()
		}
	}
	return nil
}

// add takes in a hearing with its hits.
func (f *finder) add(class search.Class, h *search.Hearing, hits []search.Hit, lines lineReader) error {
	full := len(f.found) >= f.limit
	if f.first && !f.more {
		switch f.count += len(hits); {
		case f.count > maxCount:
			f.count, f.more = maxCount, true
		case full && f.pieces-f.paged > maxCounting:
			f.count, f.more = f.count-len(hits), true
		}
	}
	if full {
		f.further = true
		return nil
	}
	f.paged = f.pieces
	found := foundHearing(h)
	found.Count = len(hits)
	slices.SortStableFunc(hits, func(a, b search.Hit) int { return cmp.Compare(a.Class, b.Class) })
	for _, hit := range hits[:min(len(hits), f.lines)] {
		l, err := f.foundLine(hit, lines)
		if err != nil {
			return err
		}
		found.Lines = append(found.Lines, l)
	}
	f.found = append(f.found, found)
	f.last = f.at
	f.last.Class, f.last.Place = class, h.Place()
	return nil
}

// lineReader gives the lines of a hearing by their place; nil: there is none.
type lineReader func(n int) (*search.Line, error)

func (f *finder) foundLine(hit search.Hit, lines lineReader) (found transcript.SearchLine, err error) {
	context := func(n int) ([]transcript.ContextLine, error) {
		list := []transcript.ContextLine{}
		l, err := lines(n)
		if err == nil && l != nil {
			list = append(list, f.context(l))
		}
		return list, err
	}
	l, err := lines(hit.Line)
	if err != nil {
		return found, err
	}
	found.ContextLine = f.context(l)
	found.Match = className(hit.Class)
	found.Spans = foundSpans(f.matcher.Spans(0, l))
	if found.Before, err = context(hit.Line - 1); err != nil {
		return found, err
	}
	if found.After, err = context(hit.Line + 1); err != nil {
		return found, err
	}
	for i, near := range hit.With {
		l, err := lines(near)
		if err != nil {
			return found, err
		}
		found.Near = append(found.Near, transcript.NearLine{ContextLine: f.context(l), Spans: foundSpans(f.matcher.Spans(i+1, l))})
	}
	return found, nil
}

func (f *finder) context(l *search.Line) transcript.ContextLine {
	text := l.Text
	if f.query.Heard {
		text = l.Heard
	}
	return transcript.ContextLine{ID: l.ID, Channel: l.Channel, Role: l.Role, Speaker: l.Speaker,
		StartMS: l.StartMS, EndMS: l.EndMS, Text: text}
}

func foundSpans(spans []search.Span) []transcript.SearchSpan {
	list := make([]transcript.SearchSpan, len(spans))
	for i, s := range spans {
		list[i] = transcript.SearchSpan{Start: s.Start, End: s.End, Match: className(s.Class)}
	}
	return list
}

func className(c search.Class) string {
	switch c {
	case search.Exact:
		return "exact"
	case search.AsNumber:
		return "number"
	}
	return "sound"
}

func (f *finder) result() transcript.SearchResult {
	r := transcript.SearchResult{
		Query: f.query.String(), Hearings: f.found, Count: f.count, CountMore: f.more,
		Widened: f.at.Widened, Incomplete: f.stopped || f.partial,
	}
	if r.Hearings == nil {
		r.Hearings = []transcript.SearchHearing{}
	}
	if f.further || f.stopped {
		at := f.last
		at.Count, at.More = f.count, f.more
		data, _ := json.Marshal(at) // numbers and strings
		r.Next = base64.RawURLEncoding.EncodeToString(data)
	}
	return r
}
