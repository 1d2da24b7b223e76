package search

// Judge decides the lines of one hearing after the other, each line when it is
// given, and at the end of a hearing what stands near what. It uses its memory
// again and again. For one goroutine.
type Judge struct {
	m       *Matcher
	line    Line
	text    text
	judged  []judged
	classes []Class // of each judged line, one for each group
	chain   []link
}

// judged is a line that matches a group at least.
type judged struct {
	place   int
	startMS int64
}

// link is what a line is as the beginning of the rest of the chain of groups,
// and its best partner there.
type link struct {
	class   Class
	partner int
}

// NewJudge returns a Judge for the query.
func (m *Matcher) NewJudge() *Judge { return &Judge{m: m} }

// Add decides the i-th line of a piece, which is line n of the hearing. Lines
// come in their order; those left out are known not to match any group.
func (j *Judge) Add(n int, p *Piece, i int) error {
	j.text.scanned = false
	var err error
	if j.text.runes, err = p.fold(i, j.m.query.Heard, &j.line, j.text.runes[:0]); err != nil {
		return err
	}
	j.add(n, &j.line, &j.text)
	return nil
}

func (j *Judge) add(n int, l *Line, x *text) {
	any := false
	for g := range max(1, len(j.m.groups)) {
		c := j.m.class(g, l, x)
		j.classes = append(j.classes, c)
		any = any || c > 0
	}
	if any {
		j.judged = append(j.judged, judged{n, l.StartMS})
	} else {
		j.classes = j.classes[:len(j.classes)-max(1, len(j.m.groups))]
	}
}

// Hits ends a hearing: its lines that match, in their order.
func (j *Judge) Hits() []Hit {
	defer func() { j.judged, j.classes = j.judged[:0], j.classes[:0] }()
	if len(j.judged) == 0 {
		return nil
	}
	if j.m.Simple() {
		hits := make([]Hit, len(j.judged))
		for i, l := range j.judged {
			hits[i] = Hit{Line: l.place, Class: j.classes[i]}
		}
		return hits
	}
	// From the last group to the first.
	groups := len(j.m.groups)
	j.chain = j.chain[:0]
	for range len(j.classes) {
		j.chain = append(j.chain, link{partner: -1})
	}
	for g := groups - 1; g >= 0; g-- {
		for i := range j.judged {
			l := &j.chain[i*groups+g]
			l.class = j.classes[i*groups+g]
			if l.class == 0 || g+1 == groups {
				continue
			}
			best, nearest := Class(0), 0
			j.around(j.m.query.Near[g], i, func(other int) {
				c, apart := j.chain[other*groups+g+1].class, j.apart(i, other)
				if c > 0 && (best == 0 || c < best || c == best && apart < nearest) {
					best, nearest, l.partner = c, apart, other
				}
			})
			if l.class = max(l.class, best); l.partner < 0 {
				l.class = 0
			}
		}
	}
	var hits []Hit
	for i, l := range j.judged {
		if j.chain[i*groups].class == 0 {
			continue
		}
		h := Hit{Line: l.place, Class: j.chain[i*groups].class}
		at := i
		for g := range groups - 1 {
			at = j.chain[at*groups+g].partner
			h.With = append(h.With, j.judged[at].place)
		}
		hits = append(hits, h)
	}
	return hits
}

// apart is how many lines stand between two.
func (j *Judge) apart(a, b int) int {
	return max(j.judged[a].place-j.judged[b].place, j.judged[b].place-j.judged[a].place)
}

// around calls f for the lines within the distance of line i, in their order.
func (j *Judge) around(d Distance, i int, f func(int)) {
	within := func(other int) bool {
		if d.Lines > 0 {
			return j.apart(i, other) <= d.Lines
		}
		apart := j.judged[i].startMS - j.judged[other].startMS
		return max(apart, -apart) <= int64(d.Seconds)*1000
	}
	from := i
	for from > 0 && within(from-1) {
		from--
	}
	for ; from < len(j.judged) && within(from); from++ {
		f(from)
	}
}
