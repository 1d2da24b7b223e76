package transcript

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"golang.org/x/text/unicode/norm"

	"tingji/capture"
)

// Quality is how far the machines' words were from what people made of them.
// It tells of rooms, seats and engines, and never of who corrected.
type Quality struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Demo     bool      `json:"demo"`     // of demonstrations, and of nothing else
	Hearings int       `json:"hearings"` // that were opened in that time
	Minutes  float64   `json:"minutes"`  // of hearing, without breaks

	Total      Accuracy         `json:"total"`
	Courtrooms []PlaceAccuracy  `json:"courtrooms"`
	Seats      []PlaceAccuracy  `json:"seats"`
	Engines    []EngineAccuracy `json:"engines"`

	// Effort is absent where the hearings are so few that it would tell of one
	// clerk's days.
	Effort *Effort `json:"effort,omitempty"`
}

// Accuracy compares revision 1 of lines with their last, in letters, characters
// and digits; marks and spaces do not count. Only checked lines are compared:
// what nobody has touched says nothing.
type Accuracy struct {
	Lines   int     `json:"lines"`         // of speech that an engine read
	Checked int     `json:"checked"`       // of these, revised or confirmed by a person
	Share   float64 `json:"checked_share"` // Checked of Lines

	Characters int      `json:"characters"`    // of the checked lines, as people left them
	Errors     int      `json:"errors"`        // characters to change, add or take away
	CER        *float64 `json:"cer,omitempty"` // absent: nothing was checked

	TakenOut int `json:"taken_out"` // lines that a person emptied; not compared
	Rejected int `json:"rejected"`  // clips that no engine could read; not compared
	Hand     int `json:"hand"`      // lines that a person wrote; not compared
}

// PlaceAccuracy is that of a courtroom, or of a seat in it.
type PlaceAccuracy struct {
	Courtroom string `json:"courtroom"`
	Channel   string `json:"channel,omitempty"`
	Accuracy
}

// EngineAccuracy is that of an engine with a model.
type EngineAccuracy struct {
	Engine string `json:"engine"`
	Model  string `json:"model"`
	Accuracy
}

// Effort is what correcting took. Keys are not recorded: a revision is.
type Effort struct {
	Revisions  int     `json:"revisions"`
	PerMinute  float64 `json:"per_minute"`  // of hearing
	AfterClose int     `json:"after_close"` // of the revisions, made when the hearing was over
}

// leastForEffort is of how many hearings effort is told at least.
const leastForEffort = 5

// LineOutcome is a line as the engine heard it and as it stands now. Of speech
// that nobody has looked at, Revision 1, both texts are left out.
type LineOutcome struct {
	Channel  string
	Engine   string
	Model    string
	Origin   Origin
	Rejected bool
	Revision int
	Heard    string
	Text     string
}

// QualitySource is what quality is measured on. Safe for several goroutines.
type QualitySource interface {
	Hearings(ctx context.Context, f HearingFilter) ([]capture.Hearing, error)
	// LineOutcomes are the lines of a hearing in the order of speech, and when
	// people made revisions in it, in no order.
	LineOutcomes(ctx context.Context, hearing string) ([]LineOutcome, []time.Time, error)
}

// QualityRequest selects hearings by [HeldAt]: From is in, To is not.
type QualityRequest struct {
	From, To time.Time
	Demo     bool // demonstrations, which are left out otherwise
}

// MeasureQuality goes through the hearings of a time. What see refuses is in no
// figure.
func MeasureQuality(ctx context.Context, source QualitySource, r QualityRequest, see func(capture.Hearing) bool) (Quality, error) {
	m := meter{
		q:      Quality{From: r.From, To: r.To, Demo: r.Demo},
		rooms:  map[string]*Accuracy{},
		seats:  map[[2]string]*Accuracy{},
		engine: map[[2]string]*Accuracy{},
	}
	f := HearingFilter{From: r.From, To: r.To, Limit: 1000}
	for {
		list, err := source.Hearings(ctx, f)
		if err != nil {
			return Quality{}, fmt.Errorf("measure quality: %w", err)
		}
		for _, h := range list {
			if h.OpenedAt == nil || h.Demo != r.Demo || !see(h) {
				continue
			}
			lines, edits, err := source.LineOutcomes(ctx, h.ID)
			if err != nil {
				return Quality{}, fmt.Errorf("measure quality of hearing %s: %w", h.ID, err)
			}
			m.add(&h, lines, edits)
		}
		if len(list) < f.Limit {
			return m.result(), nil
		}
		f.Before = list[len(list)-1].ID
	}
}

// meter sums up hearings.
type meter struct {
	q      Quality
	spoken time.Duration
	effort Effort
	rooms  map[string]*Accuracy
	seats  map[[2]string]*Accuracy // courtroom, channel
	engine map[[2]string]*Accuracy // engine, model
}

func (m *meter) add(h *capture.Hearing, lines []LineOutcome, edits []time.Time) {
	m.q.Hearings++
	m.spoken += heldFor(h, time.Now())
	m.effort.Revisions += len(edits)
	for _, at := range edits {
		if h.ClosedAt != nil && at.After(*h.ClosedAt) {
			m.effort.AfterClose++
		}
	}
	seats := map[string][]LineOutcome{}
	for _, l := range lines {
		seats[l.Channel] = append(seats[l.Channel], l)
	}
	for channel, lines := range seats {
		for _, run := range runs(lines) {
			a := compare(run)
			m.q.Total.add(a)
			at(m.rooms, h.Courtroom).add(a)
			if channel != "" {
				at(m.seats, [2]string{h.Courtroom, channel}).add(a)
			}
			if i := slices.IndexFunc(run, func(l LineOutcome) bool { return l.Origin == Speech }); i >= 0 {
				at(m.engine, [2]string{run[i].Engine, run[i].Model}).add(a)
			}
		}
	}
}

func at[K comparable](m map[K]*Accuracy, key K) *Accuracy {
	if m[key] == nil {
		m[key] = &Accuracy{}
	}
	return m[key]
}

func (m *meter) result() Quality {
	q := m.q
	q.Minutes = m.spoken.Minutes()
	q.Total.finish()
	q.Courtrooms, q.Seats, q.Engines = []PlaceAccuracy{}, []PlaceAccuracy{}, []EngineAccuracy{}
	for room, a := range m.rooms {
		q.Courtrooms = append(q.Courtrooms, PlaceAccuracy{Courtroom: room, Accuracy: a.finish()})
	}
	for seat, a := range m.seats {
		q.Seats = append(q.Seats, PlaceAccuracy{Courtroom: seat[0], Channel: seat[1], Accuracy: a.finish()})
	}
	for e, a := range m.engine {
		q.Engines = append(q.Engines, EngineAccuracy{Engine: e[0], Model: e[1], Accuracy: a.finish()})
	}
	byPlace := func(a, b PlaceAccuracy) int {
		return cmp.Or(strings.Compare(a.Courtroom, b.Courtroom), strings.Compare(a.Channel, b.Channel))
	}
	slices.SortFunc(q.Courtrooms, byPlace)
	slices.SortFunc(q.Seats, byPlace)
	slices.SortFunc(q.Engines, func(a, b EngineAccuracy) int {
		return cmp.Or(strings.Compare(a.Engine, b.Engine), strings.Compare(a.Model, b.Model))
	})
	if q.Hearings >= leastForEffort && q.Minutes > 0 {
		m.effort.PerMinute = float64(m.effort.Revisions) / q.Minutes
		q.Effort = &m.effort
	}
	return q
}

func (a *Accuracy) add(b Accuracy) {
	a.Lines += b.Lines
	a.Checked += b.Checked
	a.Characters += b.Characters
	a.Errors += b.Errors
	a.TakenOut += b.TakenOut
	a.Rejected += b.Rejected
	a.Hand += b.Hand
}

func (a *Accuracy) finish() Accuracy {
	if a.Lines > 0 {
		a.Share = float64(a.Checked) / float64(a.Lines)
	}
	if a.Characters > 0 {
		cer := float64(a.Errors) / float64(a.Characters)
		a.CER = &cer
	}
	return *a
}

// heldFor is how long a hearing was open until now, without its breaks.
func heldFor(h *capture.Hearing, now time.Time) time.Duration {
	end := now
	if h.ClosedAt != nil {
		end = *h.ClosedAt
	}
	d := end.Sub(*h.OpenedAt)
	for _, b := range h.Breaks {
		to := end
		if b.To != nil {
			to = *b.To
		}
		d -= to.Sub(b.From)
	}
	return max(0, d)
}

const (
	maxRun      = 20   // lines that are compared as one
	maxCompared = 2000 // characters of a line: beyond that nobody spoke it in one breath
)

// runs are the lines of a seat in pieces that are compared each by itself: one
// line, but where a person has emptied a line or written one, the words may
// have gone to its neighbour, and those are compared as one.
func runs(lines []LineOutcome) [][]LineOutcome {
	var list [][]LineOutcome
	begin := 0
	for i := 1; i <= len(lines); i++ {
		if i < len(lines) && i-begin < maxRun && neighbours(&lines[i-1], &lines[i]) {
			continue
		}
		list = append(list, lines[begin:i])
		begin = i
	}
	return list
}

func neighbours(a, b *LineOutcome) bool {
	if a.Channel == "" || a.Rejected || b.Rejected {
		return false // notes of the clerk, which stand for themselves
	}
	if a.beyond() || b.beyond() {
		return false
	}
	if b.Origin == Hand {
		return a.Revision > 1
	}
	return a.Engine == b.Engine && a.Model == b.Model &&
		(a.emptied() && b.Revision > 1 || b.emptied() && (a.Revision > 1 || a.Origin == Hand))
}

// emptied says whether a person took a line out of the record.
func (l *LineOutcome) emptied() bool {
	return l.Origin == Speech && l.Revision > 1 && compared(l.Text) == ""
}

// beyond says whether a line is too long to be compared: something was pasted.
func (l *LineOutcome) beyond() bool {
	return max(utf8.RuneCountInString(l.Heard), utf8.RuneCountInString(l.Text)) > maxCompared
}

// compare measures a run.
func compare(run []LineOutcome) Accuracy {
	var (
		a           Accuracy
		heard, text string
		emptied     []int // in heard, where each emptied line begins and ends
	)
	spoken := false
	for _, l := range run {
		switch {
		case l.Origin == Hand:
			a.Hand++
			if spoken && !l.beyond() { // half of a line that was split, perhaps
				text += compared(l.Text)
			}
			continue
		case l.Rejected:
			a.Rejected++
			continue
		}
		a.Lines++
		if l.Revision < 2 || l.beyond() {
			continue
		}
		spoken = true
		a.Checked++
		begin := len(heard)
		heard += compared(l.Heard)
		if l.emptied() {
			emptied = append(emptied, begin, len(heard))
		}
		text += compared(l.Text)
	}
	if a.Checked == 0 {
		return a
	}
	errors := levenshtein.ComputeDistance(heard, text)
	// A line whose words are nowhere near was taken out on purpose: it is no
	// error of the engine.
	for i := len(emptied) - 2; i >= 0; i -= 2 {
		without := heard[:emptied[i]] + heard[emptied[i+1]:]
		if n := levenshtein.ComputeDistance(without, text); n <= errors {
			heard, errors = without, n
			a.TakenOut++
			a.Checked--
			a.Lines--
		}
	}
	// By hand, and nothing of it was spoken: the line before was kept as it was.
	if len(run) > 1 && a.Hand > 0 {
		if alone := withoutHand(run); levenshtein.ComputeDistance(heard, alone) < errors {
			text, errors = alone, levenshtein.ComputeDistance(heard, alone)
		}
	}
	a.Characters, a.Errors = utf8.RuneCountInString(text), errors
	return a
}

func withoutHand(run []LineOutcome) string {
	text := ""
	for _, l := range run {
		if l.Origin != Hand && l.Revision > 1 {
			text += compared(l.Text)
		}
	}
	return text
}

// compared is what counts of a text: letters, characters and digits, in one
// width and case.
func compared(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(s))
}

// usualQuality is how many days are looked at where nobody says.
const usualQuality = 30

// ParseQuality reads the first and the last day (2026-05-06) of a request;
// without them it is the last 30 days. *QueryError.
func ParseQuality(from, to string, now time.Time) (r QualityRequest, err error) {
	day := func(field, s string) (time.Time, error) {
		t, err := time.ParseInLocation(time.DateOnly, s, beijing)
		if err != nil {
			return t, &QueryError{Field: field, Len: utf8.RuneCountInString(s),
				Text: field + " 应为一个日期，如 2026-05-06。", TextEN: "a day such as 2026-05-06"}
		}
		return t, nil
	}
	now = now.In(beijing)
	r.To = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, beijing)
	if to != "" {
		if r.To, err = day("to", to); err != nil {
			return r, err
		}
	}
	r.To = r.To.AddDate(0, 0, 1)
	r.From = r.To.AddDate(0, 0, -usualQuality)
	if from != "" {
		if r.From, err = day("from", from); err != nil {
			return r, err
		}
	}
	if !r.From.Before(r.To) {
		return r, &QueryError{Field: "from", Len: utf8.RuneCountInString(from),
			Text: "from 不应晚于 to。", TextEN: "later than to"}
	}
	return r, nil
}
