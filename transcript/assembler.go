package transcript

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"tingji/asr"
	"tingji/capture"
)

// SegmentsTopic is where the workers publish what they heard.
const SegmentsTopic = "segments.v1"

// SegmentMessage is one message of the log, or what could not be read of it.
type SegmentMessage struct {
	Source  Source
	Segment asr.Segment
	Raw     []byte // the value as it came, for a message that is set aside
	Err     error  // why Segment could not be read; nil where it could
}

// SegmentLog is where segments come from.
type SegmentLog interface {
	Partitions() int
	// ReadSegments hands the messages of a partition from offset from on to
	// handle, in order, in batches that may be as small as one message, and
	// waits for more. An offset that the log does not have any more, or not
	// yet, means its start: what is known already changes nothing. It returns
	// when ctx ends, when handle fails, or when the log does.
	ReadSegments(ctx context.Context, partition int, from int64, handle func(context.Context, []SegmentMessage) error) error
	// SetAside puts a message that cannot be used where people can look at it
	// (dead.v1). reason is a stable word, followed by details in Err.
	SetAside(ctx context.Context, m SegmentMessage, reason string) error
}

// Reasons for which a segment is set aside.
const (
	unreadable     = "unreadable"      // Err says why
	unknownHearing = "unknown-hearing" // of another court, or of a database that is lost
	malformed      = "malformed"       // it breaks the rules of asr.Segment
)

// Run does the docket's work: it reads what the workers heard and stores it,
// publishes states, and watches over the parts, until ctx ends. Nothing is
// skipped: what cannot be stored or published is tried again, with an alarm.
// Feeds end with it. It runs once at a time.
func (d *Docket) Run(ctx context.Context, pub Publisher, segments SegmentLog) error {
	defer d.feeds.end()
	var work sync.WaitGroup
	work.Go(func() { d.watch(ctx) })
	work.Go(func() { d.stamp(ctx) })
	work.Go(func() { d.adoptAll(ctx) })
	work.Go(func() {
		if !d.recall(ctx, pub) {
			return
		}
		work.Go(func() { d.publish(ctx, pub) })
		for p := range segments.Partitions() {
			work.Go(func() { d.assemble(ctx, segments, p) })
		}
	})
	work.Wait()
	return nil
}

// assemble follows one partition.
func (d *Docket) assemble(ctx context.Context, segments SegmentLog, partition int) {
	part := fmt.Sprintf("partition %d", partition)
	reading := part + " reading"
	wait := firstRetry
	for ctx.Err() == nil {
		var from int64
		if !d.persist(ctx, storeFailing, part, func() (err error) {
			from, err = d.store.Offset(ctx, SegmentsTopic, partition)
			return err
		}) {
			return
		}
		// A log that has not failed for a second is read again, even if nobody
		// says a word.
		well := time.AfterFunc(time.Second, func() {
			if d.alarms.clear(alarmBroker, reading) {
				d.tellHealth(d.ownHealth())
			}
		})
		err := segments.ReadSegments(ctx, partition, from, func(ctx context.Context, batch []SegmentMessage) error {
			wait = firstRetry
			for _, m := range batch {
				if !d.take(ctx, segments, part, m) {
					return ctx.Err()
				}
			}
			return nil
		})
		well.Stop()
		if ctx.Err() != nil {
			return
		}
		if wait == firstRetry {
			d.log.Warn("segments cannot be read; will try again", "partition", partition, "err", err)
		}
		alarm := brokerFailing(err)
		alarm.Since = stamp(time.Now())
		if d.alarms.raise(reading, alarm) {
			d.tellHealth(d.ownHealth())
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, lastRetry)
	}
}

// take does what one message asks for. It returns false only when ctx ended.
func (d *Docket) take(ctx context.Context, segments SegmentLog, part string, m SegmentMessage) bool {
	if m.Err != nil {
		return d.setAside(ctx, segments, part, m, unreadable)
	}
	seg := m.Segment
	if err := checkSegment(&seg); err != nil {
		m.Err = err
		return d.setAside(ctx, segments, part, m, malformed)
	}
	var h capture.Hearing
	var unknown error
	if !d.persist(ctx, storeFailing, part, func() (err error) {
		h, err = d.hearing(ctx, seg.Hearing)
		if errors.Is(err, ErrNotFound) {
			h, err = d.adoptByID(ctx, seg.Hearing)
		}
		if errors.Is(err, ErrNotFound) {
			unknown, err = err, nil
		}
		return err
	}) {
		return false
	}
	if unknown != nil {
		m.Err = unknown
		return d.setAside(ctx, segments, part, m, unknownHearing)
	}
	if seg.Stage == asr.Partial {
		return d.hear(ctx, part, &h, seg)
	}
	return d.place(ctx, segments, part, &h, m)
}

// hear passes a partial on, unless its utterance is decided: then it comes from
// a worker that was late, or from before a restart.
func (d *Docket) hear(ctx context.Context, part string, h *capture.Hearing, seg asr.Segment) bool {
	if at, ok := d.outbox.decidedTo(seg.Hearing, seg.Channel); ok {
		if seg.Epoch < at.Epoch || seg.Epoch == at.Epoch && seg.First < at.Sample {
			return true
		}
	} else {
		found := false
		if !d.persist(ctx, storeFailing, part, func() error {
			_, err := d.store.Line(ctx, seg.Hearing, seg.Utterance)
			found = err == nil
			if errors.Is(err, ErrNotFound) {
				return nil
			}
			return err
		}) {
			return false
		}
		if found {
			return true
		}
	}
	d.feeds.publish(h.ID, Event{Kind: PartialHeard, Partial: partialOf(h, seg)})
	return true
}

// place stores a final or a silence.
func (d *Docket) place(ctx context.Context, segments SegmentLog, part string, h *capture.Hearing, m SegmentMessage) bool {
	seg, at := m.Segment, m.Source
	var applied bool
	var line, stored *Line
	var refused error
	tries := 0
	if !d.persist(ctx, storeFailing, part, func() (err error) {
		tries++
		d.placing.RLock()
		defer d.placing.RUnlock()
		if *h, err = d.hearing(ctx, seg.Hearing); err == nil {
			line = lineOf(h, seg)
			applied, stored, err = d.store.ApplyStep(ctx, at, seg, line)
		}
		var field *FieldError
		if errors.Is(err, ErrNotFound) || errors.As(err, &field) {
			refused, err = err, nil // it would be refused for ever
		}
		if err != nil {
			return fmt.Errorf("apply %s %s: %w", seg.Stage, seg.ID, err)
		}
		return nil
	}) {
		return false
	}
	switch {
	case refused != nil:
		d.known.forget(h.ID)
		m.Err = refused
		return d.setAside(ctx, segments, part, m, malformed)
	case applied:
		d.counts.applied.Add(1)
		d.outbox.position(asr.ChannelState{
			Hearing: seg.Hearing, Channel: seg.Channel, Position: *seg.After, State: seg.State,
		})
		switch {
		case stored != nil:
			d.feeds.publish(h.ID, Event{ID: stored.Change, Kind: LineChanged, Line: stored})
			if stored.Engine == asr.Demonstration && !h.Demo {
				d.markDemo(ctx, h.ID)
			}
		case line == nil && seg.Stage == asr.Final:
			// What was heard came to nothing: a page must not show it for ever.
			seg.Text = ""
			d.feeds.publish(h.ID, Event{Kind: PartialHeard, Partial: partialOf(h, seg)})
		}
	case tries > 1:
		// An earlier try may have been committed before it failed.
		d.outbox.askAgain()
		d.feeds.refresh(h.ID)
	default:
		d.counts.repeated.Add(1)
	}
	return true
}

// markDemo makes a demonstration of a hearing, however it was announced, as the
// demonstration engine has written in it: lists, search and pages say so then. Where
// it fails, the engine's next line tries again; the record looks at its lines itself.
func (d *Docket) markDemo(ctx context.Context, id string) {
	if _, err := d.transition(ctx, id, "mark as a demonstration", func(h *capture.Hearing, _ time.Time) {
		h.Demo = true
	}, capture.Open, capture.Paused, capture.Closed); err != nil {
		d.log.Warn("a hearing is not yet marked as a demonstration", "hearing", id, "err", err)
	}
}

// setAside keeps a message that cannot be used, and goes on. Nobody is told of
// each: watch says once a second how many there were.
func (d *Docket) setAside(ctx context.Context, segments SegmentLog, part string, m SegmentMessage, reason string) bool {
	d.counts.setAside.Add(1)
	d.counts.lastAside.Store(&asideNote{reason: reason, err: m.Err, at: m.Source})
	return d.persist(ctx, brokerFailing, part, func() error {
		if err := segments.SetAside(ctx, m, reason); err != nil {
			return fmt.Errorf("set aside %s/%d@%d: %w", m.Source.Topic, m.Source.Partition, m.Source.Offset, err)
		}
		return nil
	})
}

// maxSegmentText is more than anybody says in one utterance, in bytes.
const maxSegmentText = 64 << 10

// checkSegment refuses what would do harm in the store. Old workers and foreign
// programs write segments too.
func checkSegment(seg *asr.Segment) error {
	if err := capture.CheckName(seg.Hearing); err != nil {
		return fmt.Errorf("hearing: %w", err)
	}
	if err := capture.CheckName(seg.Channel); err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	switch seg.Stage {
	case asr.Partial:
	case asr.Final, asr.Silence:
		if seg.Before == nil || seg.After == nil {
			return fmt.Errorf("%s without its positions", seg.Stage)
		}
	default:
		return fmt.Errorf("unknown stage %q", seg.Stage)
	}
	if seg.Stage == asr.Silence {
		return nil
	}
	switch u := seg.Utterance; {
	case u == "" || len(u) > 128 || !utf8.ValidString(u) || strings.ContainsFunc(u, hidden) || strings.ContainsAny(u, "/?#"):
		return fmt.Errorf("utterance %.40q cannot name a line", u)
	case seg.First < 0 || seg.Last < seg.First-1:
		return fmt.Errorf("samples %d to %d", seg.First, seg.Last)
	case seg.StartedAt.IsZero():
		return errors.New("no started_at")
	}
	return nil
}

// lineOf is the line that a final becomes; nil for a silence, and for an
// utterance in which the engine found no words.
func lineOf(h *capture.Hearing, seg asr.Segment) *Line {
	text := heardText(seg.Text)
	if seg.Stage != asr.Final || text == "" && seg.Rejected == "" {
		return nil
	}
	if len(text) > maxSegmentText {
		// The position must move all the same, or the channel would stand still
		// for ever; no person speaks 20,000 characters in one breath.
		seg.Rejected = fmt.Sprintf("the engine answered %d bytes of text for one utterance", len(text))
	}
	if seg.Rejected != "" {
		text, seg.Words = "", nil
	}
	role, speaker := holder(h, seg)
	start, end := clock(h, seg)
	return &Line{
		ID: seg.Utterance, Hearing: h.ID, Channel: seg.Channel, Role: role, Speaker: speaker,
		Text: text, StartMS: start, EndMS: end, StartedAt: stamp(seg.StartedAt),
		Words: wordsOf(seg, start, end), Origin: Speech,
		Engine: short(seg.Engine), Model: short(seg.Model), Language: short(seg.Language),
		Estimated: seg.Estimated, Rejected: short(seg.Rejected),
		Revision: 1, Author: "engine:" + short(seg.Engine),
	}
}

func partialOf(h *capture.Hearing, seg asr.Segment) *Partial {
	text := heardText(seg.Text)
	role, speaker := holder(h, seg)
	start, end := clock(h, seg)
	return &Partial{
		ID: seg.Utterance, Channel: seg.Channel, Role: role, Speaker: speaker,
		Text: text, Stable: max(0, min(seg.Stable, utf8.RuneCountInString(text))),
		StartMS: start, EndMS: end, Demo: h.Demo, Engine: seg.Engine,
	}
}

// holder says who sat at a segment's channel when it began. A channel without a
// seat speaks for itself; a seat without a role is the one voice of a recording.
func holder(h *capture.Hearing, seg asr.Segment) (role, speaker string) {
	if s, ok := h.SeatAt(seg.Channel, seg.StartedAt); ok {
		return s.Role, s.Speaker
	}
	return seg.Channel, ""
}

// clock places a segment on the hearing's clock, in milliseconds. A courtroom
// whose clock is behind the server's may seem to speak before the opening: that
// counts as the opening.
func clock(h *capture.Hearing, seg asr.Segment) (start, end int64) {
	zero := seg.StartedAt
	if h.OpenedAt != nil {
		zero = *h.OpenedAt
	}
	began := seg.StartedAt.Sub(zero)
	start = max(0, began.Milliseconds())
	end = max(start, (began + (seg.Last + 1 - seg.First).Duration()).Milliseconds())
	return start, end
}

// wordsOf moves the words from the channel's clock to the hearing's. None lies
// outside its line.
func wordsOf(seg asr.Segment, start, end int64) []Word {
	words := make([]Word, 0, len(seg.Words))
	shift := start - seg.First.Milliseconds()
	for _, w := range seg.Words {
		from := min(max(w.Start+shift, start), end)
		words = append(words, Word{
			Text: heardText(w.Text), StartMS: from, EndMS: min(max(w.End+shift, from), end),
			Confidence: w.Confidence,
		})
	}
	return words
}

// short keeps what an engine says of itself, or of its trouble, to one line.
func short(s string) string {
	s = heardText(s)
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

// heardText is an engine's text as one line without characters that cannot be
// seen: no engine hears those, and they would break or turn what stands beside.
func heardText(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.ContainsFunc(s, hidden) {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '\n' || r == '\r' || r == '\t':
				return ' '
			case hidden(r):
				return -1
			}
			return r
		}, s)
	}
	return strings.TrimSpace(s)
}
