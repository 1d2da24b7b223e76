package transcript_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// fakeStore keeps what a transcript.Store promises, in memory.
type fakeStore struct {
	mu        sync.Mutex
	hearings  map[string]string // JSON, so that nobody shares slices
	changes   map[string]int64
	lines     map[string]map[string]transcript.Line
	revisions map[string][]transcript.Revision // by hearing/line
	positions map[string]asr.ChannelState
	offsets   map[string]int64
	audio     map[string][]transcript.AudioState
	spans     map[string][]transcript.AudioSpan

	corrections map[string][]transcript.Correction
	sealed      map[string][]transcript.SealedFile

	// before and after may fail a call by its name: after means that it is
	// done, and that nobody learns of it.
	before, after func(call string) error
}

func newFakeStore() *fakeStore {
	return &fakeStore{
		hearings: map[string]string{}, changes: map[string]int64{},
		lines: map[string]map[string]transcript.Line{}, revisions: map[string][]transcript.Revision{},
		positions: map[string]asr.ChannelState{}, offsets: map[string]int64{},
		audio: map[string][]transcript.AudioState{}, spans: map[string][]transcript.AudioSpan{},
		corrections: map[string][]transcript.Correction{}, sealed: map[string][]transcript.SealedFile{},
	}
}

// call runs f under the lock, with the faults that a test asks for.
func (s *fakeStore) call(ctx context.Context, name string, f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.before != nil {
		if err := s.before(name); err != nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	if s.after != nil {
		return s.after(name)
	}
	return nil
}

// faults sets what fails from now on.
func (s *fakeStore) faults(before, after func(string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

func (s *fakeStore) read(id string) (h capture.Hearing, err error) {
	state, ok := s.hearings[id]
	if !ok {
		return h, fmt.Errorf("hearing %s: %w", id, transcript.ErrNotFound)
	}
	return h, json.Unmarshal([]byte(state), &h)
}

func (s *fakeStore) write(h capture.Hearing) error {
	b, err := json.Marshal(h)
	s.hearings[h.ID] = string(b)
	return err
}

func (s *fakeStore) CreateHearing(ctx context.Context, h capture.Hearing) error {
	return s.call(ctx, "CreateHearing", func() error {
		s.changes[h.ID] = 1
		return s.write(h)
	})
}

func (s *fakeStore) UpdateHearing(ctx context.Context, id string, change func(*capture.Hearing) error) (h capture.Hearing, event int64, err error) {
	err = s.call(ctx, "UpdateHearing", func() error {
		if h, err = s.read(id); err != nil {
			return err
		}
		if err := change(&h); err != nil {
			return err
		}
		h.Version++
		s.changes[id]++
		event = s.changes[id]
		return s.write(h)
	})
	return h, event, err
}

func (s *fakeStore) Hearing(ctx context.Context, id string) (h capture.Hearing, err error) {
	err = s.call(ctx, "Hearing", func() error {
		h, err = s.read(id)
		return err
	})
	return h, err
}

func (s *fakeStore) Hearings(ctx context.Context, f transcript.HearingFilter) (list []capture.Hearing, err error) {
	err = s.call(ctx, "Hearings", func() error {
		for _, id := range slices.Backward(slices.Sorted(maps.Keys(s.hearings))) {
			h, err := s.read(id)
			if err != nil {
				return err
			}
			if len(list) < cmp.Or(f.Limit, 100) && (f.Before == "" || id < f.Before) &&
				(f.Courtroom == "" || h.Courtroom == f.Courtroom) && strings.Contains(h.CaseNo, f.CaseNo) &&
				(f.Status == nil || slices.Contains(f.Status, h.Status)) {
				list = append(list, h)
			}
		}
		return nil
	})
	return list, err
}

// put stores a line's next revision.
func (s *fakeStore) put(l *transcript.Line, at time.Time) {
	r := transcript.Revision{
		Line: l.ID, Revision: l.Revision, Text: l.Text, Role: l.Role, Speaker: l.Speaker,
		Author: l.Author, At: at, Previous: l.Hash,
	}
	r.Hash = transcript.HashRevision(l.Hearing, r)
	s.changes[l.Hearing]++
	l.Hash, l.Change = r.Hash, s.changes[l.Hearing]
	if s.lines[l.Hearing] == nil {
		s.lines[l.Hearing] = map[string]transcript.Line{}
	}
	s.lines[l.Hearing][l.ID] = *l
	key := l.Hearing + "/" + l.ID
	s.revisions[key] = append(s.revisions[key], r)
}

func (s *fakeStore) ApplyStep(ctx context.Context, at transcript.Source, seg asr.Segment, line *transcript.Line) (applied bool, stored *transcript.Line, err error) {
	err = s.call(ctx, "ApplyStep", func() error {
		h, err := s.read(seg.Hearing)
		if err != nil {
			return err
		}
		if line != nil && len(line.Text) > 64<<10 {
			return &transcript.FieldError{Field: "text", TextEN: "too long"}
		}
		s.offsets[fmt.Sprint(at.Topic, "/", at.Partition)] = at.Offset + 1
		key := capture.Key(seg.Hearing, seg.Channel)
		if !s.positions[key].Position.Same(*seg.Before) || h.Status == capture.Signed {
			return nil
		}
		applied = true
		s.positions[key] = asr.ChannelState{Hearing: seg.Hearing, Channel: seg.Channel, Position: *seg.After, State: seg.State}
		if line == nil {
			return nil
		}
		if _, ok := s.lines[seg.Hearing][line.ID]; !ok {
			l := *line
			s.put(&l, l.StartedAt)
			stored = &l
		}
		return nil
	})
	if err != nil {
		return false, nil, err
	}
	return applied, stored, nil
}

func (s *fakeStore) ChannelStates(ctx context.Context) (list []asr.ChannelState, err error) {
	err = s.call(ctx, "ChannelStates", func() error {
		for _, p := range s.positions {
			h, err := s.read(p.Hearing)
			if err != nil {
				return err
			}
			done := h.ClosedAt != nil
			for _, q := range s.positions {
				done = done && (q.Hearing != p.Hearing || q.Position.Ended)
			}
			if !done {
				list = append(list, p)
			}
		}
		return nil
	})
	return list, err
}

func (s *fakeStore) Positions(ctx context.Context, hearing string) (list []asr.ChannelState, err error) {
	err = s.call(ctx, "Positions", func() error {
		for _, p := range s.positions {
			if p.Hearing == hearing {
				list = append(list, p)
			}
		}
		return nil
	})
	return list, err
}

func (s *fakeStore) Lines(ctx context.Context, hearing string, after int64) (list []transcript.Line, last int64, err error) {
	err = s.call(ctx, "Lines", func() error {
		if _, err := s.read(hearing); err != nil {
			return err
		}
		for _, l := range s.lines[hearing] {
			if l.Change > after {
				list = append(list, l)
			}
		}
		slices.SortFunc(list, func(a, b transcript.Line) int {
			return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.ID, b.ID))
		})
		last = s.changes[hearing]
		return nil
	})
	return list, last, err
}

func (s *fakeStore) Line(ctx context.Context, hearing, line string) (l transcript.Line, err error) {
	err = s.call(ctx, "Line", func() error {
		ok := false
		if l, ok = s.lines[hearing][line]; !ok {
			return fmt.Errorf("line %s/%s: %w", hearing, line, transcript.ErrNotFound)
		}
		return nil
	})
	return l, err
}

func (s *fakeStore) Revise(ctx context.Context, hearing, line string, ifRevision int, r transcript.Revision) (l transcript.Line, err error) {
	err = s.call(ctx, "Revise", func() error {
		ok := false
		if l, ok = s.lines[hearing][line]; !ok {
			return transcript.ErrNotFound
		}
		if l.Revision != ifRevision {
			return &transcript.ConflictError{Current: l}
		}
		l.Revision++
		l.Text, l.Role, l.Speaker, l.Author = r.Text, r.Role, r.Speaker, r.Author
		s.put(&l, r.At)
		return nil
	})
	return l, err
}

func (s *fakeStore) AddLine(ctx context.Context, l transcript.Line) (transcript.Line, error) {
	err := s.call(ctx, "AddLine", func() error {
		l.ID = fmt.Sprintf("hand-%d", s.changes[l.Hearing]+1)
		s.put(&l, l.StartedAt)
		return nil
	})
	return l, err
}

func (s *fakeStore) Revisions(ctx context.Context, hearing, line string) (list []transcript.Revision, err error) {
	err = s.call(ctx, "Revisions", func() error {
		list = slices.Clone(s.revisions[hearing+"/"+line])
		if list == nil {
			return transcript.ErrNotFound
		}
		return nil
	})
	return list, err
}

func (s *fakeStore) Offset(ctx context.Context, topic string, partition int) (next int64, err error) {
	err = s.call(ctx, "Offset", func() error {
		next = s.offsets[fmt.Sprint(topic, "/", partition)]
		return nil
	})
	return next, err
}

func (s *fakeStore) AudioStates(ctx context.Context, hearing string) (list []transcript.AudioState, err error) {
	err = s.call(ctx, "AudioStates", func() error { list = s.audio[hearing]; return nil })
	return list, err
}

func (s *fakeStore) AudioSpans(ctx context.Context, hearing string) (list []transcript.AudioSpan, err error) {
	err = s.call(ctx, "AudioSpans", func() error { list = s.spans[hearing]; return nil })
	return list, err
}

// fakeRooms knows one courtroom with four seats; others have none.
type fakeRooms struct{}

func (fakeRooms) Seats(courtroom string) []capture.Seat {
	if courtroom != "三庭" && courtroom != "四庭" {
		return nil
	}
	return []capture.Seat{
		{Channel: "judge", Role: "审判长"}, {Channel: "plaintiff", Role: "原告"},
		{Channel: "defendant", Role: "被告"}, {Channel: "witness", Role: "证人"},
	}
}

func (fakeRooms) Name(courtroom string) string {
	if courtroom == "三庭" {
		return "第三审判庭"
	}
	return courtroom
}

// fakeLog is segments.v1 and what is published, in memory.
type fakeLog struct {
	mu        sync.Mutex
	messages  []transcript.SegmentMessage // of partition 0
	grown     chan struct{}               // closed when messages have come
	aside     []string                    // reason@offset
	away      error                       // while set, nothing can be published
	hearings  []capture.Hearing           // as published
	positions []asr.ChannelState
}

func newFakeLog() *fakeLog { return &fakeLog{grown: make(chan struct{})} }

// send appends messages; it sets their places.
func (l *fakeLog) send(messages ...transcript.SegmentMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range messages {
		m.Source = transcript.Source{Topic: transcript.SegmentsTopic, Offset: int64(len(l.messages))}
		l.messages = append(l.messages, m)
	}
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *fakeLog) lose(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = err
}

func (l *fakeLog) Partitions() int { return 2 }

func (l *fakeLog) ReadSegments(ctx context.Context, partition int, from int64, handle func(context.Context, []transcript.SegmentMessage) error) error {
	for {
		l.mu.Lock()
		if from > int64(len(l.messages)) {
			from = 0
		}
		var batch []transcript.SegmentMessage
		if partition == 0 {
			batch = slices.Clone(l.messages[from:])
		}
		grown, away := l.grown, l.away
		l.mu.Unlock()
		if away != nil {
			return away
		}
		if len(batch) > 0 {
			from += int64(len(batch))
			if err := handle(ctx, batch); err != nil {
				return err
			}
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *fakeLog) SetAside(_ context.Context, m transcript.SegmentMessage, reason string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away != nil {
		return l.away
	}
	l.aside = append(l.aside, fmt.Sprintf("%s@%d", reason, m.Source.Offset))
	return nil
}

func (l *fakeLog) PublishHearing(_ context.Context, h capture.Hearing) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away == nil {
		l.hearings = append(l.hearings, h)
	}
	return l.away
}

func (l *fakeLog) Published(context.Context) ([]capture.Hearing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := map[string]capture.Hearing{}
	for _, h := range l.hearings {
		last[h.ID] = h
	}
	return slices.Collect(maps.Values(last)), l.away
}

func (l *fakeLog) PublishPosition(_ context.Context, s asr.ChannelState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away == nil {
		l.positions = append(l.positions, s)
	}
	return l.away
}

// published are the latest states, as a reader of the compacted topics sees
// them: hearing id → status, hearing/channel → sample.
func (l *fakeLog) published() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]string{}
	for _, h := range l.hearings {
		all[h.ID] = string(h.Status)
	}
	for _, p := range l.positions {
		all[capture.Key(p.Hearing, p.Channel)] = fmt.Sprint(p.Position.Sample)
	}
	return all
}

// speaker is a channel as a worker decides it: its position, and the segments
// that carry it on.
type speaker struct {
	hearing, channel string
	opened           time.Time // wall clock of sample 0
	at               asr.Position
}

func newSpeaker(hearing, channel string, opened time.Time) *speaker {
	return &speaker{hearing: hearing, channel: channel, opened: opened}
}

func (s *speaker) segment(stage asr.Stage, from, to time.Duration, text string) asr.Segment {
	first := capture.SamplesIn(from)
	u := asr.UtteranceID(s.channel, 1, first)
	return asr.Segment{
		V: 1, ID: s.hearing + "/" + u, Hearing: s.hearing, Channel: s.channel, Epoch: 1, Utterance: u,
		Stage: stage, First: first, Last: capture.SamplesIn(to) - 1, StartedAt: s.opened.Add(from),
		Text: text, Engine: "whisper", Model: "large-v3", Language: "zh",
	}
}

// partial is a hypothesis about [from, to).
func (s *speaker) partial(from, to time.Duration, text string) transcript.SegmentMessage {
	return transcript.SegmentMessage{Segment: s.segment(asr.Partial, from, to, text)}
}

// step decides the channel up to to.
func (s *speaker) step(seg asr.Segment, to time.Duration) transcript.SegmentMessage {
	before := s.at
	s.at = asr.Position{Epoch: 1, Sample: capture.SamplesIn(to), Seq: uint64(to / (250 * time.Millisecond))}
	after := s.at
	seg.Before, seg.After, seg.State = &before, &after, json.RawMessage(`{"v":1}`)
	return transcript.SegmentMessage{Segment: seg}
}

func (s *speaker) final(from, to time.Duration, text string) transcript.SegmentMessage {
	return s.step(s.segment(asr.Final, from, to, text), to)
}

func (s *speaker) silence(to time.Duration) transcript.SegmentMessage {
	return s.step(s.segment(asr.Silence, s.at.Sample.Duration(), to, ""), to)
}

var errDisk = errors.New("database or disk is full")

func newHearing() transcript.NewHearing {
	return transcript.NewHearing{CaseNo: "(2026)内0000民初1号", Cause: "民间借贷纠纷", Courtroom: "三庭"}
}

// opened makes a docket with one open hearing.
func opened(t *testing.T, store *fakeStore) (*transcript.Docket, capture.Hearing) {
	t.Helper()
	d := transcript.NewDocket(store, fakeRooms{}, quiet, transcript.WithCourt("某某区人民法院"))
	h, err := d.Create(t.Context(), newHearing())
	if err != nil {
		t.Fatal(err)
	}
	if h, err = d.Open(t.Context(), h.ID); err != nil {
		t.Fatal(err)
	}
	return d, h
}

// run starts the docket's work and returns what ends it.
func run(t *testing.T, d *transcript.Docket, log *fakeLog) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, log, log) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func (s *fakeStore) Asides(ctx context.Context, hearing string) (list []transcript.Aside, err error) {
	return nil, nil // held by the real stores' tests, and the pages'
}

func (s *fakeStore) BringBack(context.Context, string, transcript.Line) (transcript.Line, bool, error) {
	return transcript.Line{}, false, transcript.ErrNotFound
}
