package transcript

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what a stretch of a hearing was.
type Kind string

const (
	KindText    Kind = "text"
	KindSilence Kind = "silence"
	KindBreak   Kind = "break"   // lawful
	KindFault   Kind = "fault"   // no audio, with the reason
	KindPending Kind = "pending" // audio is stored or on its way, not yet recognised
)

// LedgerEntry is a stretch of a hearing; entries touch and never overlap.
type LedgerEntry struct {
	FromMS   int64    `json:"from_ms"`
	ToMS     int64    `json:"to_ms"`
	Kind     Kind     `json:"kind"`
	Channels []string `json:"channels,omitempty"`  // that spoke, that failed, or that wait
	Reason   string   `json:"reason,omitempty"`    // of a break as the clerk wrote it; of a fault in Chinese
	ReasonEN string   `json:"reason_en,omitempty"` // of a fault
	// Of a fault: the explanation that was written, or else a draft of one.
	Explanation string `json:"explanation,omitempty"`
	Draft       string `json:"draft,omitempty"`
}

// Ledger accounts for every second of a hearing, from its opening to its close
// or to now; the entries add up to LengthMS. Where sound goes beyond the close
// (a recording played faster than it was made) the ledger goes with it.
//
// Of what a stretch could be it is the first of: text, at any seat; break;
// fault, at any seat; pending; silence.
type Ledger struct {
	Hearing  string         `json:"hearing"`
	LengthMS int64          `json:"length_ms"`
	Entries  []LedgerEntry  `json:"entries"`
	TotalMS  map[Kind]int64 `json:"total_ms"` // every kind is there
}

// What a ledger does not call a fault.
const (
	// onItsWay is how long sound may take from the courtroom to the archive.
	onItsWay = 10 * time.Second
	// edge is how long recording may take to begin after the hearing opens or
	// goes on, and how early it may end: the courtroom learns of both by the log.
	edge = 2000 // ms
	// seam is what two clocks may differ by where two epochs meet.
	seam = 100 // ms
)

// Ledger accounts for a hearing. ErrNotFound.
func (d *Docket) Ledger(ctx context.Context, hearing string) (Ledger, error) {
	s, err := d.survey(ctx, hearing)
	if err != nil {
		return Ledger{}, fmt.Errorf("ledger of hearing %s: %w", hearing, err)
	}
	lines, _, err := d.store.Lines(ctx, hearing, 0)
	if err != nil {
		return Ledger{}, fmt.Errorf("ledger of hearing %s: read lines: %w", hearing, err)
	}
	l := s.ledger(lines, time.Now())
	d.explain(&s.hearing, &l)
	return l, nil
}

// stretch is a half-open interval on the hearing's clock in milliseconds, with
// what it is there for.
type stretch struct {
	from, to int64
	label
}

// label is what is said of a stretch.
type label struct{ channel, reason, reasonEN string }

// account is what a ledger is made of. Each list may overlap in any way.
type account struct {
	length  int64
	text    []stretch
	breaks  []stretch
	faults  []stretch
	pending []stretch
}

func (s *survey) ledger(lines []Line, now time.Time) Ledger {
	l := Ledger{Hearing: s.hearing.ID, Entries: []LedgerEntry{}, TotalMS: map[Kind]int64{
		KindText: 0, KindSilence: 0, KindBreak: 0, KindFault: 0, KindPending: 0,
	}}
	if s.hearing.OpenedAt == nil {
		return l
	}
	a := s.account(lines, now)
	l.LengthMS = a.length
	l.Entries = a.entries()
	for _, e := range l.Entries {
		l.TotalMS[e.Kind] += e.ToMS - e.FromMS
	}
	return l
}

// account lays a hearing's text, breaks and sound on its clock.
func (s *survey) account(lines []Line, now time.Time) account {
	zero := *s.hearing.OpenedAt
	ms := func(t time.Time) int64 { return t.Sub(zero).Milliseconds() }
	var a account

	live := s.hearing.ClosedAt == nil
	until := now
	if !live {
		until = *s.hearing.ClosedAt
	}
	end := max(0, ms(until))
	for _, b := range s.hearing.Breaks {
		to := end
		if b.To != nil {
			to = ms(*b.To)
		}
		a.breaks = append(a.breaks, stretch{from: ms(b.From), to: to, label: label{reason: b.Reason}})
	}
	for _, line := range lines {
		if line.Origin == Speech && line.EndMS > line.StartMS {
			a.text = append(a.text, stretch{from: line.StartMS, to: line.EndMS, label: label{channel: line.Channel}})
			end = max(end, line.EndMS) // where there was text there is sound
		}
	}
	a.length = end

	// late is the time before which sound that is not here is missing.
	late := min(end, ms(now.Add(-onItsWay)))
	owed := subtract([]stretch{{from: 0, to: end}}, a.breaks) // when there must be sound
	var all []stretch
	allEnded := true
	for _, channel := range s.channels() {
		var held []stretch
		for _, span := range s.spans {
			if span.Channel != channel {
				continue
			}
			began := time.UnixMicro(span.At).Sub(zero)
			from, to := began.Milliseconds(), (began + span.Samples.Duration()).Milliseconds()
			held = append(held, stretch{from: from, to: to})
			a.length = max(a.length, to)
			if decided := s.decidedOf(span); decided < span.Samples {
				a.pending = append(a.pending, stretch{
					from: (began + decided.Duration()).Milliseconds(), to: to, label: label{channel: channel},
				})
			}
		}
		if len(held) == 0 {
			continue // a seat that nobody took
		}
		all = append(all, held...)
		// A seat owes sound from its first sample on, to the end of its last
		// epoch if that is known to have ended.
		first := slices.MinFunc(held, func(x, y stretch) int { return cmp.Compare(x.from, y.from) }).from
		last := slices.MaxFunc(held, func(x, y stretch) int { return cmp.Compare(x.to, y.to) }).to
		due := end
		if s.endedAudio(channel) {
			due = last
		} else {
			allEnded = false
		}
		a.missing(subtract(owed, held), first, due, late, owed,
			label{channel, "这个席位没有录音", "no sound from this seat"})
	}
	if !live && allEnded && len(all) > 0 {
		late = end // nothing is under way any more
	}
	// Before the first seat has begun, and after the last has ended.
	explained := slices.Concat(all, a.faults, a.pending)
	a.missing(subtract(owed, explained), 0, end, late, owed,
		label{"", "没有任何席位的录音", "no sound from any seat"})
	return a
}

// missing books the parts of gaps between from and to, where there is no sound:
// on its way if it is recent, too short to count, or a fault.
func (a *account) missing(gaps []stretch, from, to, late int64, owed []stretch, l label) {
	for _, g := range gaps {
		g.from, g.to, g.label = max(g.from, from), min(g.to, to), l
		if g.to > late && g.to > g.from {
			a.pending = append(a.pending, stretch{
				from: max(g.from, late), to: g.to, label: label{channel: l.channel},
			})
			g.to = late
		}
		atEdge := slices.ContainsFunc(owed, func(o stretch) bool { return g.from == o.from || g.to == o.to })
		if length := g.to - g.from; length > edge || length > seam && !atEdge {
			a.faults = append(a.faults, g)
		}
	}
}

// endedAudio says whether the newest epoch of a channel is known to have ended.
func (s *survey) endedAudio(channel string) bool {
	for _, state := range s.audio {
		if state.Channel == channel {
			return state.Ended
		}
	}
	return false
}

// subtract removes the stretches in holes from those in whole.
func subtract(whole, holes []stretch) []stretch {
	holes = slices.Clone(holes)
	slices.SortFunc(holes, func(x, y stretch) int { return cmp.Compare(x.from, y.from) })
	var rest []stretch
	for _, w := range whole {
		for _, h := range holes {
			if h.to <= w.from || h.from >= w.to || h.from >= h.to {
				continue
			}
			if h.from > w.from {
				piece := w
				piece.to = h.from
				rest = append(rest, piece)
			}
			w.from = h.to
			if w.from >= w.to {
				break
			}
		}
		if w.from < w.to {
			rest = append(rest, w)
		}
	}
	return rest
}

// entries cuts the hearing's clock wherever something begins or ends, decides
// what each piece was, and joins neighbours that say the same.
func (a *account) entries() []LedgerEntry {
	kinds := []struct {
		kind Kind
		list []stretch
	}{{KindText, a.text}, {KindBreak, a.breaks}, {KindFault, a.faults}, {KindPending, a.pending}}

	// A sweep: at each cut the stretches that cover the piece after it are
	// known by counting, so that 10,000 lines cost a sort.
	type change struct {
		at    int64
		kind  int
		what  stretch
		delta int
	}
	var changes []change
	for k, group := range kinds {
		for _, s := range group.list {
			s.from, s.to = max(s.from, 0), min(s.to, a.length)
			if s.from < s.to {
				changes = append(changes, change{s.from, k, s, 1}, change{s.to, k, s, -1})
			}
		}
	}
	slices.SortFunc(changes, func(x, y change) int { return cmp.Compare(x.at, y.at) })

	entries := []LedgerEntry{}
	active := make([]map[label]int, len(kinds))
	for k := range active {
		active[k] = map[label]int{}
	}
	from := int64(0)
	emit := func(to int64) {
		if to <= from {
			return
		}
		e := LedgerEntry{FromMS: from, ToMS: to, Kind: KindSilence}
		for k, group := range kinds {
			if len(active[k]) == 0 {
				continue
			}
			e.Kind = group.kind
			var reasons, reasonsEN []string
			collect := func(list *[]string, s string) {
				if s != "" && !slices.Contains(*list, s) {
					*list = append(*list, s)
				}
			}
			for l := range active[k] {
				collect(&e.Channels, l.channel)
				collect(&reasons, l.reason)
				collect(&reasonsEN, l.reasonEN)
			}
			slices.Sort(e.Channels)
			slices.Sort(reasons)
			slices.Sort(reasonsEN)
			e.Reason, e.ReasonEN = strings.Join(reasons, "；"), strings.Join(reasonsEN, "; ")
			break
		}
		from = to
		if n := len(entries); n > 0 {
			if p := &entries[n-1]; p.Kind == e.Kind && p.Reason == e.Reason && slices.Equal(p.Channels, e.Channels) {
				p.ToMS = to
				return
			}
		}
		entries = append(entries, e)
	}
	for _, c := range changes {
		emit(c.at)
		if active[c.kind][c.what.label] += c.delta; active[c.kind][c.what.label] == 0 {
			delete(active[c.kind], c.what.label)
		}
	}
	emit(a.length)
	return entries
}
