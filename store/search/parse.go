package search

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tingji/transcript"
)

// Bounds of a query: more than anybody types, little enough to answer.
const (
	maxQuery   = 500 // runes
	maxTerms   = 16
	maxGroups  = 4
	maxFilters = 32
	maxSeconds = 3600
	maxLines   = 100
)

// Error says what is wrong with a query, and where.
type Error struct {
	Pos    int // runes before the place
	Len    int // runes of the place; 0: the end
	Text   string
	TextEN string
}

func (e *Error) Error() string { return fmt.Sprintf("at %d: %s", e.Pos+1, e.TextEN) }

// Parse reads a query; docs/SEARCH.md describes the language. What is wrong
// gives an *Error. A query that selects everything is one that looks for
// nothing, and an error.
func Parse(s string) (Query, error) {
	p := parser{text: []rune(s), filters: map[string]Key{}}
	for key, names := range keyNames() {
		for _, n := range names {
			p.filters[n] = key
		}
	}
	if !utf8.ValidString(s) {
		return Query{}, p.fail(0, 0, "不是有效的 UTF-8 文本", "not valid UTF-8")
	}
	if len(p.text) > maxQuery {
		return Query{}, p.fail(maxQuery, len(p.text)-maxQuery,
			fmt.Sprintf("查询太长：最多 %d 个字", maxQuery), fmt.Sprintf("too long: at most %d characters", maxQuery))
	}
	q, err := p.query()
	if err != nil {
		return Query{}, err
	}
	return q, nil
}

type parser struct {
	text    []rune
	at      int
	filters map[string]Key
	terms   int
	count   int // of filters
}

func (p *parser) fail(pos, length int, zh, en string) error {
	return &Error{Pos: pos, Len: length, Text: zh, TextEN: en}
}

func (p *parser) query() (Query, error) {
	var (
		q     Query
		group Group
		start int // of the present group
	)
	// end finishes the present group.
	end := func() error {
		if len(q.Near) == 0 && len(group.Terms) == 0 && len(group.Filters) == 0 {
			return nil
		}
		if len(group.Terms) > 0 && !slices.ContainsFunc(group.Terms, func(t Term) bool { return !t.Not }) && len(group.Filters) == 0 && len(q.Filters) == 0 {
			return p.fail(start, p.at-start, "只有要排除的词：还要写出要找的词", "only words to exclude: also write one to look for")
		}
		q.Groups = append(q.Groups, group)
		return nil
	}
	for {
		p.space()
		if p.at == len(p.text) {
			break
		}
		from := p.at
		switch r := p.text[p.at]; {
		case r == '~' || r == '～':
			d, err := p.distance()
			if err != nil {
				return q, err
			}
			if len(group.Terms) == 0 {
				return q, p.fail(from, p.at-from, "“~”之前没有要找的词", "nothing to look for stands before the ~")
			}
			if len(q.Groups)+1 == maxGroups {
				return q, p.fail(from, p.at-from, fmt.Sprintf("最多用 %d 个“~”", maxGroups-1), fmt.Sprintf("at most %d ~", maxGroups-1))
			}
			if err := end(); err != nil {
				return q, err
			}
			q.Near, group, start = append(q.Near, d), Group{}, p.at
		default:
			if err := p.item(&q, &group); err != nil {
				return q, err
			}
		}
	}
	if len(q.Near) > 0 && len(group.Terms) == 0 {
		return q, p.fail(len(p.text), 0, "“~”之后没有要找的词", "nothing to look for stands after the ~")
	}
	if err := end(); err != nil {
		return q, err
	}
	if q.Empty() {
		return q, p.fail(0, len(p.text), "请输入要找的内容", "nothing to look for")
	}
	return q, nil
}

// item reads a word, a phrase, a sound or a filter.
func (p *parser) item(q *Query, g *Group) error {
	from := p.at
	exclude := false
	if r := p.text[p.at]; r == '-' || r == '－' {
		exclude = true
		p.at++
		if p.at == len(p.text) || isSpace(p.text[p.at]) {
			return p.fail(from, 1, "“-”之后没有要排除的词", "nothing to exclude stands after the -")
		}
	}
	if isQuote(p.text[p.at]) {
		text, err := p.phrase()
		if err != nil {
			return err
		}
		return p.term(g, Term{Text: text, Mode: Phrase, Not: exclude}, from)
	}
	word := p.word()
	name, _, colon := cutColon(word)
	if !colon {
		return p.term(g, Term{Text: word, Not: exclude}, from)
	}
	name = string(fold(name))
	key, isFilter := p.filters[name]
	isSoundName := slices.Contains([]string{"音", "拼音", "sound", "pinyin"}, name)
	isScope := slices.Contains([]string{"范围", "in"}, name)
	if !isFilter && !isSoundName && !isScope {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == "" && name != "" {
			return p.fail(from, p.at-from, fmt.Sprintf("没有“%s”这个条件", name), fmt.Sprintf("there is no filter %q", name))
		}
		return p.term(g, Term{Text: word, Not: exclude}, from) // 审判长：现在开庭
	}
	// The value begins behind the colon, perhaps in quotes.
	p.at = from + len([]rune(not(exclude))) + len([]rune(name)) + 1
	valueAt := p.at
	value := ""
	if p.at < len(p.text) && isQuote(p.text[p.at]) {
		var err error
		if value, err = p.phrase(); err != nil {
			return err
		}
	} else {
		value = p.word()
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return p.fail(from, p.at-from, fmt.Sprintf("“%s:”之后没有内容", name), fmt.Sprintf("nothing stands after %q", name+":"))
	}
	switch {
	case isSoundName:
		return p.term(g, Term{Text: value, Mode: Sound, Not: exclude}, from)
	case isScope:
		switch string(fold(value)) {
		case "识别", "heard":
			q.Heard = true
		case "笔录", "record":
			q.Heard = false
		default:
			return p.fail(valueAt, p.at-valueAt, "范围只能是“笔录”或“识别”", "the scope is record or heard")
		}
		return nil
	}
	return p.filter(q, g, Filter{Key: key, Value: value, Not: exclude}, from, valueAt)
}

func (p *parser) filter(q *Query, g *Group, f Filter, from, valueAt int) error {
	if p.count++; p.count > maxFilters {
		return p.fail(from, p.at-from, fmt.Sprintf("条件太多：最多 %d 个", maxFilters), fmt.Sprintf("too many filters: at most %d", maxFilters))
	}
	if f.Key == ByDate {
		f.Value = strings.TrimRight(strings.NewReplacer("年", "-", "月", "-", "日", "", "/", "-", "至", "..", "到", "..", "~", "..").
			Replace(string(fold(f.Value))), "-")
		f.Value = padDates(f.Value)
		if _, _, ok := dates(f.Value); !ok {
			return p.fail(valueAt, p.at-valueAt, "日期应如 2024、2024-05、2024-05-06 或 2024-01..2024-06",
				"a date looks like 2024, 2024-05, 2024-05-06 or 2024-01..2024-06")
		}
	}
	if f.Key == ByPhase {
		var known []string
		for _, phase := range transcript.Phases() {
			known = append(known, string(phase))
		}
		if f.Value == "开庭" { // as it is said
			f.Value = string(transcript.PhaseOpening)
		}
		if !slices.Contains(known, f.Value) {
			return p.fail(valueAt, p.at-valueAt, "没有这个阶段；有："+strings.Join(known, "、"), "there is no such phase; known: "+strings.Join(known, ", "))
		}
	}
	if f.Key.ofLine() {
		g.Filters = append(g.Filters, f)
	} else {
		q.Filters = append(q.Filters, f)
	}
	return nil
}

// padDates writes 2024-5-6 as 2024-05-06, at both ends of a range.
func padDates(s string) string {
	ends := strings.Split(s, "..")
	for i, end := range ends {
		parts := strings.Split(strings.TrimRight(end, "-"), "-")
		for j, part := range parts {
			if j > 0 && len(part) == 1 {
				parts[j] = "0" + part
			}
		}
		ends[i] = strings.Join(parts, "-")
	}
	return strings.Join(ends, "..")
}

func (p *parser) term(g *Group, t Term, from int) error {
	if p.terms++; p.terms > maxTerms {
		return p.fail(from, p.at-from, fmt.Sprintf("词太多：最多 %d 个", maxTerms), fmt.Sprintf("too many words: at most %d", maxTerms))
	}
	if !slices.ContainsFunc(fold(t.Text), wordRune) {
		return p.fail(from, p.at-from, "只有标点或空白，没有可找的字", "only punctuation or spaces: nothing to look for")
	}
	if t.Mode == Sound && !canSound(t.Text) {
		return p.fail(from, p.at-from, "不是拼音、拼音首字母或汉字", "neither pinyin, nor initials, nor Chinese characters")
	}
	g.Terms = append(g.Terms, t)
	return nil
}

// distance reads ~10秒, ~3行.
func (p *parser) distance() (Distance, error) {
	from := p.at
	p.at++
	word := string(fold(p.word()))
	digits := strings.TrimRightFunc(word, func(r rune) bool { return !isDigit(r) })
	n, err := strconv.Atoi(digits)
	bad := func() (Distance, error) {
		return Distance{}, p.fail(from, p.at-from, "“~”之后应写相隔多远，如 ~10秒 或 ~3行", "after ~ stands how far apart: ~10s or ~3l")
	}
	if err != nil || n < 1 {
		return bad()
	}
	most := maxSeconds
	var d Distance
	switch word[len(digits):] {
	case "秒", "秒内", "s":
		d.Seconds = n
	case "分", "分钟", "分钟内", "min":
		n = min(n, maxSeconds) * 60
		d.Seconds = n
	case "行", "句", "行内", "l":
		d.Lines, most = n, maxLines
	default:
		return bad()
	}
	if n > most {
		return Distance{}, p.fail(from, p.at-from, fmt.Sprintf("相隔太远：最多 %d 秒或 %d 行", maxSeconds, maxLines),
			fmt.Sprintf("too far apart: at most %d s or %d lines", maxSeconds, maxLines))
	}
	return d, nil
}

func (p *parser) phrase() (string, error) {
	from := p.at
	for i := p.at + 1; i < len(p.text); i++ {
		if isQuote(p.text[i]) {
			p.at = i + 1
			return string(p.text[from+1 : i]), nil
		}
	}
	return "", p.fail(from, len(p.text)-from, "引号没有结束", "the quotation does not end")
}

// word reads up to a space or a quotation mark.
func (p *parser) word() string {
	from := p.at
	for p.at < len(p.text) && !isSpace(p.text[p.at]) && !isQuote(p.text[p.at]) {
		p.at++
	}
	return string(p.text[from:p.at])
}

func (p *parser) space() {
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
}

func cutColon(s string) (before, after string, found bool) {
	i := strings.IndexAny(s, ":：")
	if i < 0 {
		return s, "", false
	}
	_, n := utf8.DecodeRuneInString(s[i:])
	return s[:i], s[i+n:], true
}

func isSpace(r rune) bool { return unicode.IsSpace(r) || r == 0x200b || r == 0xfeff }

// isQuote knows the quotation marks that an IME types; any two of them hold a
// phrase.
func isQuote(r rune) bool { return strings.ContainsRune(`"“”„「」『』＂`, r) }
