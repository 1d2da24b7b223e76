package transcript_test

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// TestScripts runs testdata/script/*.txt through a Docket, one command a line:
//
//	seat CHANNEL ROLE [SPEAKER [TIME]]   before open; TIME: when the seat changed hands
//	open | pause "REASON" | resume | close
//	partial CHANNEL FROM[-TO] "TEXT"     a worker's hypothesis
//	final   CHANNEL FROM[-TO] "TEXT"     and its last one; TO is a second after FROM
//	rejected CHANNEL FROM[-TO] "REASON"
//	silence CHANNEL TO
//	again N                              the log delivers message N (from 1) once more
//	stale CHANNEL FROM "TEXT"            a final by a worker that lost its channel
//	edit N "TEXT" | hand TIME "TEXT"     the clerk
//	phase N PHASE | phase N none         and where a phase begins, by line
//	restart                              the docket ends and begins again
//	expect line N ROLE "TEXT" [SPEAKER] | expect lines N
//	expect partial CHANNEL "TEXT" | expect partials N | expect revisions N COUNT
//	expect phases LINE=PHASE=STATE…
//
// What is expected is what a page sees that was open the whole time; at the end
// it must be what the store holds.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runScript(t, file) })
		})
	}
}

type script struct {
	t        *testing.T
	place    string
	seats    []capture.Seat
	store    *fakeStore
	log      *fakeLog
	docket   *transcript.Docket
	hearing  capture.Hearing
	speakers map[string]*speaker
	page     *page
	stop     func()
}

func runScript(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := &script{t: t, store: newFakeStore(), log: newFakeLog(), speakers: map[string]*speaker{}}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		s.place = fmt.Sprintf("%s:%d", filepath.Base(file), n)
		if words := split(lines.Text()); len(words) > 0 {
			s.do(words)
			synctest.Wait()
		}
	}
	s.end()
}

// split cuts a line into words; "…" is one word, # begins a comment.
func split(line string) []string {
	var words []string
	for line = strings.TrimSpace(line); line != "" && line[0] != '#'; line = strings.TrimSpace(line) {
		if line[0] == '"' {
			word, rest, _ := strings.Cut(line[1:], `"`)
			words, line = append(words, word), rest
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		words, line = append(words, word), rest
	}
	return words
}

func (s *script) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s: %s", s.place, fmt.Sprintf(format, args...))
}

func (s *script) check(err error) {
	s.t.Helper()
	if err != nil {
		s.fail("%v", err)
	}
}

func (s *script) number(word string) int {
	n, err := strconv.Atoi(word)
	s.check(err)
	return n
}

// span reads 2s-3.5s; 2s is a second long.
func (s *script) span(word string) (from, to time.Duration) {
	first, last, ok := strings.Cut(word, "-")
	from, err := time.ParseDuration(first)
	s.check(err)
	if !ok {
		return from, from + time.Second
	}
	to, err = time.ParseDuration(last)
	s.check(err)
	return from, to
}

func (s *script) speaker(channel string) *speaker {
	if s.speakers[channel] == nil {
		s.speakers[channel] = newSpeaker(s.hearing.ID, channel, *s.hearing.OpenedAt)
	}
	return s.speakers[channel]
}

func (s *script) do(w []string) {
	ctx := s.t.Context()
	arg := func(i int) string {
		if i < len(w) {
			return w[i]
		}
		return ""
	}
	switch w[0] {
	case "seat":
		seat := capture.Seat{Channel: w[1], Role: w[2], Speaker: arg(3)}
		if at := arg(4); at != "" {
			from, _ := s.span(at)
			seat.From = time.Now().Add(from) // the hearing opens at once
		}
		s.seats = append(s.seats, seat)
	case "open":
		s.docket = transcript.NewDocket(s.store, fakeRooms{}, quiet)
		n := newHearing()
		n.Seats = s.seats
		h, err := s.docket.Create(ctx, n)
		s.check(err)
		s.hearing, err = s.docket.Open(ctx, h.ID)
		s.check(err)
		s.page = openPage(s.t, s.docket, h.ID)
		s.stop = run(s.t, s.docket, s.log)
	case "pause":
		_, err := s.docket.Pause(ctx, s.hearing.ID, w[1])
		s.check(err)
	case "resume":
		_, err := s.docket.Resume(ctx, s.hearing.ID)
		s.check(err)
	case "close":
		_, err := s.docket.Close(ctx, s.hearing.ID, "")
		s.check(err)
	case "partial":
		from, to := s.span(w[2])
		s.log.send(s.speaker(w[1]).partial(from, to, w[3]))
	case "final":
		from, to := s.span(w[2])
		s.log.send(s.speaker(w[1]).final(from, to, w[3]))
	case "rejected":
		from, to := s.span(w[2])
		p := s.speaker(w[1])
		seg := p.segment(asr.Final, from, to, "")
		seg.Rejected = w[3]
		s.log.send(p.step(seg, to))
	case "silence":
		from, _ := s.span(w[2])
		s.log.send(s.speaker(w[1]).silence(from))
	case "again":
		s.log.send(s.log.messages[s.number(w[1])-1])
	case "stale":
		from, to := s.span(w[2])
		zombie := newSpeaker(s.hearing.ID, w[1], *s.hearing.OpenedAt)
		s.log.send(zombie.final(from, to, w[3]))
	case "edit":
		l := s.line(s.number(w[1]))
		_, err := s.docket.Revise(ctx, s.hearing.ID, l.ID, l.Revision, transcript.Edit{Text: &w[2]}, "书记员")
		s.check(err)
	case "hand":
		at, _ := s.span(w[1])
		ms := at.Milliseconds()
		_, err := s.docket.AddLine(ctx, s.hearing.ID, transcript.HandLine{Text: w[2], StartMS: &ms}, "书记员")
		s.check(err)
	case "phase":
		phase := transcript.Phase(w[2])
		if phase == "none" {
			phase = ""
		}
		_, err := s.docket.MarkPhase(ctx, s.hearing.ID, s.line(s.number(w[1])).ID, phase, "书记员")
		s.check(err)
	case "restart":
		s.page.leave()
		s.stop()
		s.docket = transcript.NewDocket(s.store, fakeRooms{}, quiet)
		s.page.come(s.docket)
		s.stop = run(s.t, s.docket, s.log)
	case "expect":
		s.expect(w[1:])
	default:
		s.fail("unknown command %q", w[0])
	}
}

func (s *script) line(n int) transcript.Line {
	lines := s.page.shown()
	if n < 1 || n > len(lines) {
		s.fail("no line %d among %d", n, len(lines))
	}
	return lines[n-1]
}

func (s *script) expect(w []string) {
	switch w[0] {
	case "line":
		l := s.line(s.number(w[1]))
		if l.Role != w[2] || l.Text != w[3] || len(w) > 4 && l.Speaker != w[4] {
			s.fail("line %s is %s %s %q (%s)", w[1], l.Role, l.Speaker, l.Text, l.ID)
		}
	case "lines":
		if n := len(s.page.shown()); n != s.number(w[1]) {
			s.fail("%d lines", n)
		}
	case "partial":
		if p, ok := s.page.partial(w[1]); !ok || p.Text != w[2] {
			s.fail("partial %+v", p)
		}
	case "partials":
		if n := s.page.partialCount(); n != s.number(w[1]) {
			s.fail("%d partials", n)
		}
	case "revisions":
		l := s.line(s.number(w[1]))
		r, err := s.docket.Revisions(s.t.Context(), l.Hearing, l.ID)
		s.check(err)
		s.check(transcript.VerifyRevisions(l.Hearing, r))
		if len(r) != s.number(w[2]) {
			s.fail("%d revisions", len(r))
		}
	case "phases":
		phases, err := s.docket.Phases(s.t.Context(), s.hearing.ID)
		s.check(err)
		var got []string
		for _, p := range phases {
			n := slices.IndexFunc(s.page.shown(), func(l transcript.Line) bool { return l.ID == p.Line })
			got = append(got, fmt.Sprintf("%d=%s=%s", n+1, p.Phase, p.State))
		}
		if !slices.Equal(got, w[1:]) {
			s.fail("phases %v", got)
		}
	default:
		s.fail("unknown expectation %q", w[0])
	}
}

// end holds the page to the store.
func (s *script) end() {
	s.place += " (end)"
	lines, _, err := s.docket.Lines(s.t.Context(), s.hearing.ID, 0)
	s.check(err)
	shown := s.page.shown()
	if !slices.EqualFunc(lines, shown, func(a, b transcript.Line) bool { return a.ID == b.ID && a.Hash == b.Hash }) {
		s.fail("the page shows %v\nthe store holds %v", shown, lines)
	}
	s.page.leave()
	s.stop()
}

// page is a browser page: it keeps what its feed told it, comes back with the
// last ID it saw, and notices what is told twice or out of order.
type page struct {
	t       *testing.T
	hearing string
	feed    *transcript.Feed
	done    chan struct{}

	mu       sync.Mutex
	last     int64
	lines    map[string]transcript.Line
	partials map[string]transcript.Partial
	state    capture.Hearing
}

func openPage(t *testing.T, d *transcript.Docket, hearing string) *page {
	p := &page{t: t, hearing: hearing, lines: map[string]transcript.Line{}, partials: map[string]transcript.Partial{}}
	p.come(d)
	return p
}

func (p *page) come(d *transcript.Docket) {
	p.t.Helper()
	feed, err := d.Subscribe(p.t.Context(), p.hearing, p.last)
	if err != nil {
		p.t.Fatal(err)
	}
	done := make(chan struct{})
	p.feed, p.done = feed, done
	go func() {
		defer close(done)
		for e := range feed.Events {
			p.take(e)
		}
	}()
}

func (p *page) leave() {
	p.feed.Close()
	<-p.done
}

func (p *page) take(e transcript.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.ID != 0 {
		if e.ID <= p.last {
			p.t.Errorf("event %d (%s) after event %d", e.ID, e.Kind, p.last)
		}
		p.last = e.ID
	}
	switch e.Kind {
	case transcript.LineChanged:
		p.lines[e.Line.ID] = *e.Line
		delete(p.partials, e.Line.ID)
	case transcript.PartialHeard:
		if _, ok := p.lines[e.Partial.ID]; ok {
			p.t.Errorf("partial for line %s, which is there", e.Partial.ID)
		}
		p.partials[e.Partial.ID] = *e.Partial
		if e.Partial.Text == "" {
			delete(p.partials, e.Partial.ID)
		}
	case transcript.HearingChanged:
		p.state = *e.Hearing
	}
}

func (p *page) shown() []transcript.Line {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Values(p.lines), func(a, b transcript.Line) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.ID, b.ID))
	})
}

func (p *page) partial(channel string) (transcript.Partial, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.partials {
		if q.Channel == channel {
			return q, true
		}
	}
	return transcript.Partial{}, false
}

func (p *page) partialCount() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.partials)
}
