package search

import (
	"math"
	"slices"
	"strings"
	"tingji/capture"
)

// filters are filters by key.
type filters map[Key][]Filter

func sortFilters(list []Filter) filters {
	f := filters{}
	for _, one := range list {
		if one.Key == ByCase {
			one.Value = string(fold(one.Value))
		}
		f[one.Key] = append(f[one.Key], one)
	}
	return f
}

// pass reports whether one of the filters that must hold does, and none that
// must not.
func pass(list []Filter, holds func(value string) bool) bool {
	wanted, found := false, false
	for _, f := range list {
		switch {
		case f.Not && holds(f.Value):
			return false
		case !f.Not:
			wanted = true
			found = found || holds(f.Value)
		}
	}
	return found || !wanted
}

func (f filters) line(l *Line) bool {
	for key, list := range f {
		ok := pass(list, func(v string) bool {
			switch key {
			case ByRole:
				return l.Role == v
			case ByPerson:
				return strings.Contains(l.Speaker, v)
			default:
				return l.Phase == v
			}
		})
		if !ok {
			return false
		}
	}
	return true
}

// HearingFilter decides hearings for a query.
type HearingFilter struct{ filters filters }

// NewHearingFilter prepares the filters on hearings of a query.
func NewHearingFilter(q Query) HearingFilter { return HearingFilter{sortFilters(q.Filters)} }

// Match reports whether a hearing is within the filters.
func (f HearingFilter) Match(h *Hearing) bool {
	for key, list := range f.filters {
		if !pass(list, func(v string) bool { return h.holds(key, v) }) {
			return false
		}
	}
	return true
}

// Between bounds when hearings within the filters were opened, as Unix times in
// milliseconds, the second one excluded.
func (f HearingFilter) Between() (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	wanted := slices.DeleteFunc(slices.Clone(f.filters[ByDate]), func(d Filter) bool { return d.Not })
	for i, d := range wanted {
		a, b := int64(math.MinInt64), int64(math.MaxInt64)
		first, last, _ := dates(d.Value)
		if !first.IsZero() {
			a = first.UnixMilli()
		}
		if !last.IsZero() {
			b = last.UnixMilli()
		}
		if i == 0 {
			from, to = a, b
		} else { // any of them will do
			from, to = min(from, a), max(to, b)
		}
	}
	return from, to
}

func (h *Hearing) holds(key Key, v string) bool {
	switch key {
	case ByCase:
		return strings.Contains(string(fold(h.CaseNo)), v)
	case ByType:
		return strings.HasSuffix(h.Type, v)
	case ByCause:
		return strings.Contains(h.Cause, v)
	case ByCourtroom:
		return h.Courtroom == v
	case ByHearing:
		return h.ID == v
	case ByDate:
		from, to, ok := dates(v)
		return ok && (from.IsZero() || h.AtMS >= from.UnixMilli()) && (to.IsZero() || h.AtMS < to.UnixMilli())
	}
	named := func(of func(role string) bool) bool {
		return slices.ContainsFunc(h.People, func(p capture.Participant) bool {
			return of(p.Role) && strings.Contains(p.Name, v)
		})
	}
	switch key {
	case ByJudge:
		return named(onBench)
	case ByClerk:
		return named(func(role string) bool { return role == "书记员" })
	}
	return named(func(role string) bool { return !onBench(role) && role != "书记员" })
}
