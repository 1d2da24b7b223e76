package store

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"tingji/store/search"
)

// source gives hearings with hits, the newest first.
type source interface {
	place() search.Place // no hearing that is still to come stands before it
	empty() bool
	// take goes on by one hearing at most; the hearing is nil where there was
	// nothing in it.
	take() (*search.Hearing, []search.Hit, lineReader, error)
	close() // once nothing is read of what take returned
}

// sourceHeap has the source whose next hearing is the newest on top.
type sourceHeap []source

func (h sourceHeap) Len() int           { return len(h) }
func (h sourceHeap) Less(i, j int) bool { return h[i].place().Compare(h[j].place()) < 0 }
func (h sourceHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *sourceHeap) Push(s any)        { *h = append(*h, s.(source)) }

func (h *sourceHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	*h = (*h)[:last]
	return s
}

// liveSource are the hearings in memory.
type liveSource struct {
	f    *finder
	next int
}

func (s *liveSource) place() search.Place { return s.f.live[s.next].Place() }
func (s *liveSource) empty() bool         { return s.next == len(s.f.live) }

func (s *liveSource) close() {}

func (s *liveSource) take() (*search.Hearing, []search.Hit, lineReader, error) {
	h := s.f.live[s.next]
	lines := h.lines
	if s.f.query.Phased() {
		lines = h.phased()
	}
	hits, ok := s.f.liveHits[s.next]
	if !ok { // else they are from the pass before
		hits = s.f.matcher.Lines(lines, h.sketches)
		s.f.liveHits[s.next] = hits
		s.f.pieces += len(h.lines) / search.PieceLines
	}
	s.next++
	return &h.Hearing, slices.Clone(hits), func(n int) (*search.Line, error) {
		if n < 0 || n >= len(h.lines) {
			return nil, nil
		}
		return &h.lines[n], nil
	}, nil
}

// blockSource is a block of the index. It is opened when its newest hearing's
// turn comes.
type blockSource struct {
	f     *finder
	info  blockInfo
	plans []*search.Expr
	// certain: the plan selects the hits themselves, nothing is left to decide.
	certain bool
	after   *search.Place
	head    search.Place
	ahead   *blocksAhead

	// Set by ahead:
	read     bool
	block    *search.Block
	selected []*search.Selection // one for each plan
	none     bool                // one selects nothing

	sets       []*search.Set // what plans select, or more
	contents   *search.Contents
	opened     bool
	candidates []int // hearings of the block that can have a hit
	next       int   // of candidates
	fetch      int   // candidates whose lines are read ahead
	fetched    int   // candidates that were
	pieces     map[int]*search.Piece
	looked     int // pieces that were read
}

func (s *blockSource) place() search.Place { return s.head }
func (s *blockSource) empty() bool         { return s.opened && s.next == len(s.candidates) }

func (s *blockSource) take() (*search.Hearing, []search.Hit, lineReader, error) {
	if !s.opened {
		s.opened = true
		err := s.open()
		s.settle()
		return nil, nil, nil, err
	}
	if s.next >= s.fetched && !s.certain {
		if i := s.worth(); i >= 0 { // the next candidate may be another one then
			err := s.narrow(i)
			s.settle()
			return nil, nil, nil, err
		}
	}
	i := s.candidates[s.next]
	if s.next >= s.fetched && (!s.certain || len(s.f.found) < s.f.limit) {
		if err := s.readAhead(); err != nil {
			return nil, nil, nil, err
		}
	}
	h, first, count := s.contents.Hearing(i)
	lines := func(n int) (*search.Line, error) {
		if n < 0 || n >= count {
			return nil, nil
		}
		return s.line(i, n)
	}
	hits, err := s.hits(i, first, count)
	s.next++
	s.settle()
	return h, hits, lines, err
}

func (s *blockSource) close() {
	for _, selected := range s.selected {
		selected.Close()
	}
	s.selected, s.sets = nil, nil
}

// settle sets the head to the next candidate.
func (s *blockSource) settle() {
	if !s.empty() {
		h, _, _ := s.contents.Hearing(s.candidates[s.next])
		s.head = h.Place()
	}
}

func (s *blockSource) open() error {
	for !s.read { // of two that begin with the same hearing, the other comes first
		if err := s.ahead.read(); err != nil {
			return err
		}
	}
	if s.none {
		return nil // as most blocks for what is rare: close follows
	}
	var err error
	if s.contents, err = s.f.contentsOf(s.info.block, s.block); err != nil {
		return err
	}
	fewest := s.look()
	dead := s.f.dead[s.info.block]
	// From one hearing with a line of the smallest set to the next: of what is
	// rare most have none.
	for n, lines := s.sets[fewest].Next(0, s.block.Lines()), s.block.Lines(); n < lines; {
		i := s.contents.At(n)
		h, first, count := s.contents.Hearing(i)
		if s.can(first, first+count) && !s.f.moved[h.ID] && !dead[h.ID] &&
			(s.after == nil || h.Place().Compare(*s.after) > 0) && s.f.wanted(h) {
			s.candidates = append(s.candidates, i)
		}
		n = s.sets[fewest].Next(first+count, lines)
	}
	slices.Sort(s.candidates)
	s.pieces, s.fetch = map[int]*search.Piece{}, 4
	return nil
}

// look sets the sets to what is selected by now, and returns the place of the
// one with the fewest lines.
func (s *blockSource) look() (fewest int) {
	s.sets = s.sets[:0]
	for i, selected := range s.selected {
		s.sets = append(s.sets, selected.Lines())
		if left := s.selected[fewest].Left(); left == 0 || selected.Left() > 0 && selected.Left() < left {
			fewest = i
		}
	}
	return fewest
}

// can reports whether a hearing, from line first on and before end, can have a
// hit, and leaves of its lines in the sets those that can.
func (s *blockSource) can(first, end int) bool {
	none := func(set *search.Set) bool { return set.Next(first, end) == end }
	if slices.ContainsFunc(s.sets, none) {
		return false
	}
	s.f.matcher.Near(s.sets, first, end)
	return !slices.ContainsFunc(s.sets, none)
}

// narrow goes on with the i-th selection, and leaves of the candidates those
// that can still have a hit.
func (s *blockSource) narrow(i int) error {
	rows, err := s.ahead.rows(map[*blockSource][]int{s: s.selected[i].Rows()})
	if err == nil {
		err = s.step(i, rows[s])
	}
	if err != nil {
		return err
	}
	s.look()
	s.candidates = slices.DeleteFunc(s.candidates[s.next:], func(i int) bool {
		_, first, count := s.contents.Hearing(i)
		return !s.can(first, first+count)
	})
	s.next, s.fetched = 0, 0
	return nil
}

// worth is the place of the selection that it is worth to go on with; -1: of
// none. They all have to be done where no line is looked at, else those of which
// nothing is known, and any where a step takes less than to look at the lines
// that are left. That is seldom all of them: so a step that takes long, for a block
// of that size, waits until as much was taken by looking.
func (s *blockSource) worth() int {
	best, bestMust, least, left := -1, false, 0, 0
	for i, selected := range s.selected {
		left += selected.Left()
		weight, ok := selected.Weight()
		if s.none || !ok {
			continue
		}
		must := s.certain || !selected.Begun()
		if best < 0 || must && !bestMust || must == bestMust && weight < least {
			best, bestMust, least = i, must, weight
		}
	}
	if s.opened && len(s.candidates) > 0 {
		left = left * (len(s.candidates) - s.next) / len(s.candidates)
	}
	if soon := s.block.Lines() / 20_000; !bestMust && least > min(left, max(soon, s.looked)) {
		return -1
	}
	return best
}

// step goes on with the i-th selection.
func (s *blockSource) step(i int, rows map[int][]byte) error {
	if err := s.selected[i].Step(rows); err != nil {
		return fmt.Errorf("block %d: %w", s.info.block, err)
	}
	s.near(i, i-1)
	s.near(i, i+1)
	s.none = s.selected[i].Left() == 0
	return nil
}

// near bounds the selection of group i, if nothing is known of it, to the lines
// near those of its neighbour, and so on.
func (s *blockSource) near(of, i int) {
	if i < 0 || i == len(s.selected) || s.selected[i].Begun() {
		return
	}
	if lines := s.f.query.Near[min(of, i)].Lines; lines > 0 {
		s.selected[i].Within(s.f.sets.Around(s.selected[of].Lines(), lines))
		s.near(i, 2*i-of)
	}
}

// blocksAhead reads what opening blocks takes, for more of them with each
// time: whoever finds much needs few, whoever finds little needs all.
type blocksAhead struct {
	f      *finder
	blocks []*blockSource // not opened yet, the newest first
	some   int
}

// read selects in the next blocks, step by step in all of them at once.
func (a *blocksAhead) read() error {
	a.some = min(2*a.some+1, 64)
	some := a.blocks[:min(a.some, len(a.blocks))]
	a.blocks = a.blocks[len(some):]
	for _, s := range some {
		var err error
		if s.block, err = a.f.blockOf(s.info); err != nil {
			return err
		}
		for _, plan := range s.plans {
			s.selected = append(s.selected, s.block.Select(plan, s.certain, a.f.sets))
		}
		s.read = true
	}
	for {
		if err := a.f.ctx.Err(); err != nil {
			return err
		}
		steps := map[*blockSource]int{}
		rows := map[*blockSource][]int{}
		for _, s := range some {
			if i := s.worth(); i >= 0 {
				steps[s], rows[s] = i, s.selected[i].Rows()
			}
		}
		if len(steps) == 0 {
			return nil
		}
		found, err := a.rows(rows)
		if err != nil {
			return err
		}
		for s, i := range steps {
			if err := s.step(i, found[s]); err != nil {
				return err
			}
		}
	}
}

// rows reads rows of some blocks at once.
func (a *blocksAhead) rows(want map[*blockSource][]int) (map[*blockSource]map[int][]byte, error) {
	var ids []int64
	for s, rows := range want {
		for _, row := range rows {
			ids = append(ids, s.info.block<<rowBits|int64(row))
		}
	}
	all, err := a.f.rows(ids)
	if err != nil {
		return nil, err
	}
	found := map[*blockSource]map[int][]byte{}
	for s, rows := range want {
		found[s] = make(map[int][]byte, len(rows))
		for _, row := range rows {
			found[s][row] = all[s.info.block<<rowBits|int64(row)]
		}
	}
	return found, nil
}

// readAhead reads the pieces that the next candidates need; each time more of
// them, up to 32.
func (s *blockSource) readAhead() error {
	clear(s.pieces)
	var need []int
	s.fetched = max(s.fetched, s.next)
	for ; s.fetched < min(len(s.candidates), s.next+s.fetch) && len(need) < 64; s.fetched++ {
		i := s.candidates[s.fetched]
		_, first, count := s.contents.Hearing(i)
		if s.certain {
			need = s.shown(i, first, count, need)
			continue
		}
		for n := s.nextLine(first, first+count); n < first+count; {
			row, from := s.contents.PieceRow(i, n-first)
			need = append(need, row)
			n = s.nextLine(min(first+count, first+from+search.PieceLines), first+count)
		}
	}
	s.fetch = min(2*s.fetch, 32)
	return s.readPieces(need)
}

// shown adds the pieces of the lines that will be shown of a hearing whose hits
// are certain, with their neighbours.
func (s *blockSource) shown(i, first, count int, need []int) []int {
	n := s.nextLine(first, first+count)
	for range s.f.lines {
		if n == first+count {
			break
		}
		for near := max(n-1, first); near <= min(n+1, first+count-1); near++ {
			row, _ := s.contents.PieceRow(i, near-first)
			if len(need) == 0 || need[len(need)-1] != row {
				need = append(need, row)
			}
		}
		n = s.nextLine(n+1, first+count)
	}
	return need
}

func (s *blockSource) readPieces(rows []int) error {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = s.info.block<<rowBits | int64(row)
	}
	data, err := s.f.rows(ids)
	if err != nil {
		return err
	}
	s.f.pieces += len(rows)
	s.looked += len(rows)
	for id, piece := range data {
		row := int(id & (1<<rowBits - 1))
		if s.pieces[row], err = search.ReadPiece(piece); err != nil {
			return fmt.Errorf("block %d row %d: %w", s.info.block, row, err)
		}
	}
	return nil
}

// piece is where the n-th line of the i-th hearing stands, and its place there.
func (s *blockSource) piece(i, n int) (p *search.Piece, row, at int, err error) {
	row, from := s.contents.PieceRow(i, n)
	p, ok := s.pieces[row]
	if !ok { // for context, a line of the piece after or before
		if err := s.readPieces([]int{row}); err != nil {
			return nil, row, 0, err
		}
		p = s.pieces[row]
	}
	return p, row, n - from, nil
}

// line is the n-th line of the i-th hearing.
func (s *blockSource) line(i, n int) (*search.Line, error) {
	p, row, at, err := s.piece(i, n)
	if err != nil {
		return nil, err
	}
	l, err := p.Line(at)
	if err != nil {
		return nil, fmt.Errorf("block %d row %d: %w", s.info.block, row, err)
	}
	return &l, nil
}

// nextLine is the first candidate of any group from n on, before end; end where
// there is none.
func (s *blockSource) nextLine(n, end int) int {
	next := end
	for _, set := range s.sets {
		next = set.Next(n, next)
	}
	return next
}

// hits decides the candidate lines of a hearing.
func (s *blockSource) hits(i, first, count int) ([]search.Hit, error) {
	var hits []search.Hit
	for n := s.nextLine(first, first+count); n < first+count; n = s.nextLine(n+1, first+count) {
		if s.certain {
			hits = append(hits, search.Hit{Line: n - first, Class: search.Exact})
			continue
		}
		p, row, at, err := s.piece(i, n-first)
		if err == nil {
			err = s.f.judge.Add(n-first, p, at)
		}
		if err != nil {
			return nil, fmt.Errorf("block %d row %d: %w", s.info.block, row, err)
		}
	}
	if s.certain {
		return hits, nil
	}
	return s.f.judge.Hits(), nil
}

// rows reads rows of blocks, by their ids, which are mostly neighbours; ids are
// sorted. Nobody may change what is returned.
func (f *finder) rows(ids []int64) (map[int64][]byte, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	found := make(map[int64][]byte, len(ids))
	var ranges [][2]int64
	for _, id := range f.store.index.rows.get(ids, found) {
		if n := len(ranges); n > 0 && ranges[n-1][1] == id-1 {
			ranges[n-1][1] = id
		} else {
			ranges = append(ranges, [2]int64{id, id})
		}
	}
	if len(ranges) == 0 {
		return found, nil
	}
	list, err := json.Marshal(ranges)
	if err != nil {
		return nil, err
	}
	rows, err := f.rowsIn(string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		data := ownBytes{copy: f.store.dialect != SQLite}
		if err := rows.Scan(&id, &data); err != nil {
			return nil, err
		}
		found[id] = data.bytes
		f.store.index.rows.put(id, data.bytes)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, ok := found[id]; !ok {
			return nil, fmt.Errorf("block %d row %d is missing: %w", id>>rowBits, id&(1<<rowBits-1), search.ErrBlock)
		}
	}
	return found, nil
}

// rowsIn asks for ranges of rows. PostgreSQL's driver keeps what it has prepared
// by itself, and needs no round trip for it.
func (f *finder) rowsIn(ranges string) (*sql.Rows, error) {
	query := f.store.dialect.rowsIn()
	if f.store.dialect != SQLite {
		return f.tx.QueryContext(f.ctx, query, ranges)
	}
	if f.byID == nil {
		var err error
		if f.byID, err = f.tx.PrepareContext(f.ctx, query); err != nil {
			return nil, err
		}
	}
	return f.byID.QueryContext(f.ctx, ranges)
}

// ownBytes takes the bytes of a column. SQLite's driver makes new ones for each
// row: there is no need to copy them once more.
type ownBytes struct {
	copy  bool
	bytes []byte
}

func (b *ownBytes) Scan(v any) error {
	data, ok := v.([]byte)
	if !ok {
		return fmt.Errorf("bytes were expected, not %T", v)
	}
	if b.bytes = data; b.copy {
		b.bytes = bytes.Clone(data)
	}
	return nil
}

const (
	// maxKeys bounds the lines of the blocks whose keys are in memory: about 110 MB.
	maxKeys = 256 << 20
	// maxContents bounds those of the blocks whose hearings are: about 180 MB.
	maxContents = 128 << 20
)

// blockOf is where the keys of a block are.
func (f *finder) blockOf(info blockInfo) (*search.Block, error) {
	if b := f.store.index.blocks.get(info.block); b != nil {
		return b, nil
	}
	id := info.block<<rowBits | search.RowFences
	rows, err := f.rows([]int64{id})
	if err != nil {
		return nil, err
	}
	b, err := search.ReadBlock(rows[id], int(info.lines))
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", info.block, err)
	}
	f.store.index.blocks.put(info.block, b, b.Lines(), maxKeys)
	return b, nil
}

// contentsOf are the hearings of a block.
func (f *finder) contentsOf(block int64, b *search.Block) (*search.Contents, error) {
	if c := f.store.index.contents.get(block); c != nil {
		return c, nil
	}
	id := block<<rowBits | search.RowDirectory
	rows, err := f.rows([]int64{id})
	if err != nil {
		return nil, err
	}
	c, err := search.ReadContents(rows[id])
	if err == nil && !c.Of(b) {
		err = search.ErrBlock
	}
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", block, err)
	}
	f.store.index.contents.put(block, c, b.Lines(), maxContents)
	return c, nil
}
