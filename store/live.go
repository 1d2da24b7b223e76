package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"tingji/capture"
	"tingji/store/search"
	"tingji/transcript"
)

// liveHearing is a hearing that changed since it was indexed, in memory. It is
// replaced as a whole, never changed.
type liveHearing struct {
	search.Hearing
	state    capture.Hearing
	changes  int64
	lines    []search.Line   // without their phases
	sketches []search.Sketch // of lines
	byHand   map[string]bool // ids of lines
	phased   func() []search.Line
}

// maxLive bounds the lines of changed hearings that are held in memory, and so
// those that a search looks through: about 30 MB, more than nine rooms say in
// two weeks.
const maxLive = 100_000

// liveHearings are the changed hearings as q sees them, or a little newer, and
// the ids of all that are marked; nil where these are more than were read. Not
// complete: there are too many; the newest are returned.
func (s *Store) liveHearings(ctx context.Context, q querier) (list []*liveHearing, marks []string, complete bool, err error) {
	all, err := markedIn(ctx, q, maxMarked+1)
	if err != nil {
		return nil, nil, false, fmt.Errorf("list changed hearings: %w", err)
	}
	if complete = len(all) <= maxMarked; complete {
		marks = make([]string, len(all))
		for i, m := range all {
			marks[i] = m.hearing
		}
	}
	lines := 0
	still := map[string]bool{}
	for _, m := range all {
		if lines > maxLive {
			complete = false
			break
		}
		s.index.mu.Lock()
		known := s.index.live[m.hearing]
		s.index.mu.Unlock()
		if known == nil || known.changes < m.changes {
			if known, err = readLive(ctx, q, m.hearing, known); err != nil {
				return nil, nil, false, fmt.Errorf("read changed hearing %s: %w", m.hearing, err)
			}
			s.index.mu.Lock()
			if s.index.live == nil {
				s.index.live = map[string]*liveHearing{}
			}
			if has := s.index.live[m.hearing]; has == nil || has.changes < known.changes {
				s.index.live[m.hearing] = known
			}
			s.index.mu.Unlock()
		}
		still[m.hearing] = true
		lines += len(known.lines)
		list = append(list, known)
	}
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	for id := range s.index.live {
		if !still[id] {
			delete(s.index.live, id)
		}
	}
	return list, marks, complete, nil
}

// readLive reads a hearing, of its lines those that changed since known.
func readLive(ctx context.Context, q querier, id string, known *liveHearing) (*liveHearing, error) {
	now := &liveHearing{}
	var err error
	if now.state, now.changes, err = searchHearing(ctx, q, id); err != nil {
		return nil, err
	}
	now.Hearing = search.NewHearing(&now.state)
	after := int64(0)
	if known != nil {
		after = known.changes
	}
	changed, byHand, err := searchLines(ctx, q, id, after)
	if err != nil {
		return nil, err
	}
	now.byHand = byHand
	if known != nil {
		maps.Copy(byHand, known.byHand)
		is := map[string]bool{}
		for _, l := range changed {
			is[l.ID] = true
		}
		for _, l := range known.lines {
			if !is[l.ID] {
				changed = append(changed, l)
			}
		}
	}
	now.lines = sortLines(changed)
	now.sketches = search.Prepare(now.lines)
	// Few ask for phases, and they are those of the whole hearing.
	now.phased = sync.OnceValue(func() []search.Line {
		lines := slices.Clone(now.lines)
		search.Phases(&now.state, lines, now.byHand)
		return lines
	})
	return now, nil
}

func searchHearing(ctx context.Context, q querier, id string) (capture.Hearing, int64, error) {
	var (
		h       capture.Hearing
		changes int64
	)
	err := q.QueryRowContext(ctx, `SELECT state, changes FROM hearings WHERE id = $1`, id).Scan(jsonText{&h}, &changes)
	if errors.Is(err, sql.ErrNoRows) {
		err = transcript.ErrNotFound
	}
	return h, changes, err
}

// searchLines are the lines of a hearing that changed after a change, in no
// order, and which of them somebody wrote by hand.
func searchLines(ctx context.Context, q querier, hearing string, after int64) (lines []search.Line, byHand map[string]bool, err error) {
	byHand = map[string]bool{}
	lines, err = collect(ctx, q, func(rows *sql.Rows) (l search.Line, err error) {
		var origin string
		err = rows.Scan(&l.ID, &l.Channel, &l.Role, &l.Speaker, &l.StartMS, &l.EndMS, &l.Text, &l.Heard, &origin)
		if origin == string(transcript.Hand) {
			byHand[l.ID] = true
		}
		return l, err
	}, `
		SELECT l.id, l.channel, l.role, l.speaker, l.start_ms, l.end_ms, l.text,
			CASE WHEN l.revision = 1 THEN l.text ELSE (SELECT r.text FROM revisions r
				WHERE r.hearing = l.hearing AND r.line = l.id AND r.revision = 1) END, l.origin
		FROM lines l WHERE l.hearing = $1 AND l.change > $2`, hearing, after)
	return lines, byHand, err
}

// sortLines puts the lines of a hearing into the order of the record.
func sortLines(lines []search.Line) []search.Line {
	slices.SortFunc(lines, func(a, b search.Line) int {
		return cmp.Or(cmp.Compare(a.StartMS, b.StartMS), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.ID, b.ID))
	})
	return lines
}
