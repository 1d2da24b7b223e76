package search

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Query is what is looked for. [Parse] reads it, String writes it.
type Query struct {
	// Groups are what must stand on one line each, and Near[i] how far a line of
	// group i+1 may be from one of group i. Found are the lines of the first
	// group. No group: the filters alone select.
	Groups  []Group
	Near    []Distance
	Filters []Filter // on hearings
	Heard   bool     // look in what was recognised, before anybody corrected it
}

// Group is what one line must hold: all terms, within its filters.
type Group struct {
	Terms   []Term
	Filters []Filter // on lines
}

// Term is a word, a phrase, or a sound.
type Term struct {
	Text string
	Mode Mode
	Not  bool
}

// Mode is how a term is compared.
type Mode uint8

const (
	Plain  Mode = iota // as it stands, as a number, and by sound where it is long enough
	Phrase             // as it stands
	Sound              // as it stands and by sound; letters are pinyin
)

// Distance is how far apart two lines may be; one of the two is set.
type Distance struct {
	Seconds int // between the start of the one and that of the other
	Lines   int
}

// Filter restricts hearings or lines. Of several with one key one must hold;
// of those with Not none may.
type Filter struct {
	Key   Key
	Value string
	Not   bool
}

// Key names what a filter looks at.
type Key string

const (
	ByCase      Key = "case"      // a part of the case number
	ByType      Key = "type"      // of case: 民初
	ByCause     Key = "cause"     // a part of the cause
	ByParty     Key = "party"     // a part of a participant's name
	ByJudge     Key = "judge"     // a part of the name of one of the bench
	ByClerk     Key = "clerk"     // a part of the clerk's name
	ByCourtroom Key = "courtroom" // its id
	ByHearing   Key = "hearing"   // its id
	ByDate      Key = "date"      // 2024, 2024-05, 2024-05-06, or two of them with .. between
	ByRole      Key = "role"      // of who speaks
	ByPerson    Key = "person"    // a part of the speaker's name
	ByPhase     Key = "phase"     // of the hearing: 法庭辩论
)

// ofLine reports whether a filter looks at lines.
func (k Key) ofLine() bool { return k == ByRole || k == ByPerson || k == ByPhase }

// names are all ways to write a key, the one that String writes first.
func keyNames() map[Key][]string {
	return map[Key][]string{
		ByCase:      {"案号", "case", "case_no"},
		ByType:      {"类型", "type"},
		ByCause:     {"案由", "cause"},
		ByParty:     {"当事人", "party"},
		ByJudge:     {"法官", "judge"},
		ByClerk:     {"书记员", "clerk"},
		ByCourtroom: {"法庭", "courtroom", "room"},
		ByHearing:   {"庭审", "hearing"},
		ByDate:      {"日期", "date"},
		ByRole:      {"角色", "role"},
		ByPerson:    {"人", "发言人", "person", "speaker"},
		ByPhase:     {"阶段", "phase"},
	}
}

// Phased reports whether the query asks for phases.
func (q Query) Phased() bool {
	return slices.ContainsFunc(q.Groups, func(g Group) bool {
		return slices.ContainsFunc(g.Filters, func(f Filter) bool { return f.Key == ByPhase })
	})
}

// Empty reports whether the query selects nothing in particular.
func (q Query) Empty() bool { return len(q.Groups) == 0 && len(q.Filters) == 0 }

// String writes the query so that Parse reads the same.
func (q Query) String() string {
	var words []string
	if q.Heard {
		words = append(words, "范围:识别")
	}
	names := keyNames()
	filter := func(f Filter) {
		words = append(words, not(f.Not)+names[f.Key][0]+":"+quoted(f.Value))
	}
	for _, f := range q.Filters {
		filter(f)
	}
	for i, g := range q.Groups {
		if i > 0 {
			words = append(words, q.Near[i-1].String())
		}
		for _, f := range g.Filters {
			filter(f)
		}
		for _, t := range g.Terms {
			switch t.Mode {
			case Phrase:
				words = append(words, not(t.Not)+`"`+t.Text+`"`)
			case Sound:
				words = append(words, not(t.Not)+"音:"+quoted(t.Text))
			default:
				words = append(words, not(t.Not)+t.Text)
			}
		}
	}
	return strings.Join(words, " ")
}

func (d Distance) String() string {
	if d.Lines > 0 {
		return "~" + strconv.Itoa(d.Lines) + "行"
	}
	return "~" + strconv.Itoa(d.Seconds) + "秒"
}

func not(is bool) string {
	if is {
		return "-"
	}
	return ""
}

func quoted(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return isSpace(r) || isQuote(r) }) {
		return `"` + s + `"`
	}
	return s
}

// court is the time of all courts of the country; it has no summer time.
var court = time.FixedZone("CST", 8*60*60)

// dates are the first instant of a date filter and the first after it; zero
// where it is open.
func dates(value string) (from, to time.Time, ok bool) {
	first, last, ranged := strings.Cut(value, "..")
	if !ranged {
		last = first
	}
	if first != "" {
		if from, _, ok = period(first); !ok {
			return from, to, false
		}
	}
	if last != "" {
		if _, to, ok = period(last); !ok {
			return from, to, false
		}
	}
	return from, to, (first != "" || last != "") && (from.IsZero() || to.IsZero() || from.Before(to))
}

// period is a year, a month or a day.
func period(s string) (from, to time.Time, ok bool) {
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {"2006-01-02", 0, 0, 1}} {
		if from, err := time.ParseInLocation(form.layout, s, court); err == nil {
			return from, from.AddDate(form.years, form.months, form.days), true
		}
	}
	return from, to, false
}

// Merge adds the terms and filters of another query; both must hold, on one
// line where both look at lines.
func (q *Query) Merge(o Query) {
	q.Heard = q.Heard || o.Heard
	q.Filters = append(q.Filters, o.Filters...)
	if len(o.Groups) == 0 {
		return
	}
	if len(q.Groups) == 0 {
		q.Groups = []Group{{}}
	}
	first := &q.Groups[0]
	first.Terms = append(first.Terms, o.Groups[0].Terms...)
	first.Filters = append(first.Filters, o.Groups[0].Filters...)
	q.Groups, q.Near = append(q.Groups, o.Groups[1:]...), append(q.Near, o.Near...)
}
