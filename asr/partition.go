package asr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tingji/capture"
)

const (
	// maxWaiting bounds the audio of a partition's utterances that wait for the
	// engine; beyond it no chunk is read.
	maxWaiting = 4 * 60 * capture.Rate // samples: 8 MB
	tickEvery  = 500 * time.Millisecond
	// commitEvery is how often a hint is left for a successor.
	commitEvery = 5 * time.Second
	// closedQuiet is how long a closed hearing may be without audio before what
	// was begun is ended for it.
	closedQuiet = 30 * time.Second
	// lateAfter is how long after its end an utterance counts as caught up with.
	lateAfter = 20 * time.Second
	// firstPatience is how long the store may take to confirm a position before
	// a channel begins again from the store's: what was published may be
	// lost. It doubles each time, as the store may simply be away.
	firstPatience = time.Minute
	lastPatience  = time.Hour
)

// partition works on the courtrooms of one partition of audio.v1. All its
// fields belong to the goroutine that runs it.
type partition struct {
	w        *Worker
	number   int
	commit   func(int64) error
	log      *slog.Logger
	channels map[string]*channel // by key
	rooms    map[string]*room    // by hearing

	reader      *reader
	heldUp      time.Time // when the log was last not read as it came
	rewind      int64     // where to read again, -1 for nowhere
	next        int64     // the offset after the last message taken
	setAside    int64     // offsets below it were set aside if they had to be
	committed   int64
	committedAt time.Time

	out     []Segment // partials to publish
	answers chan answer
	asking  sync.WaitGroup
}

// reader reads in its own goroutine, so that a rewind can cut it short.
type reader struct {
	batches chan []ChunkMessage
	failed  chan error
	stop    func() // waits
}

// answer is what the engine said of an utterance.
type answer struct {
	channel *channel
	life    uint64
	item    *item // nil: a partial of the utterance at first
	first   capture.SampleIndex
	epoch   uint64
	samples int
	whole   bool // the partial had all that there will be if nothing more is said
	prompt  string
	took    time.Duration
	Hypothesis
	rejected string
	err      error
}

func newPartition(w *Worker, a Assignment) *partition {
	return &partition{
		w: w, number: a.Partition, commit: a.Commit, log: w.log.With("partition", a.Partition),
		channels: map[string]*channel{}, rooms: map[string]*room{}, rewind: -1, committed: -1, answers: make(chan answer),
	}
}

// run works until ctx ends or something fails that it cannot wait for.
func (p *partition) run(ctx context.Context, hint int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer p.asking.Wait()
	defer cancel()
	p.read(ctx, p.start(hint))
	defer func() { p.reader.stop() }()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	defer p.w.gaps.forget(p.number)

	changed := p.w.at.Positions.Changed()
	for {
		batches := p.reader.batches
		if p.waiting() > maxWaiting {
			batches, p.heldUp = nil, time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-p.reader.failed:
			return fmt.Errorf("read audio, partition %d: %w", p.number, err)
		case messages := <-batches:
			if err := p.take(ctx, messages); err != nil {
				return err
			}
		case a := <-p.answers:
			p.hear(a)
		case <-changed:
			changed = p.w.at.Positions.Changed()
			p.follow()
		case <-tick.C:
			p.tick()
		}
		if p.rewind >= 0 {
			p.reader.stop()
			p.read(ctx, p.rewind)
			p.rewind = -1
		}
		p.compare()
		p.ask(ctx)
		if err := p.publish(ctx); err != nil {
			return err
		}
	}
}

// start is where reading begins: no chunk before it is needed. Only the
// hint knows of channels without a position, only the positions know what the
// store has lost since; both may be too low, and then repetitions are dropped.
func (p *partition) start(hint int64) int64 {
	for _, s := range p.w.at.Positions.In(p.number) {
		if !s.Position.Ended {
			hint = min(hint, s.Position.Offset)
		}
	}
	return max(hint, -1)
}

func (p *partition) read(ctx context.Context, from int64) {
	ctx, cancel := context.WithCancel(ctx)
	r := &reader{batches: make(chan []ChunkMessage), failed: make(chan error, 1)}
	done := make(chan struct{})
	r.stop = func() { cancel(); <-done }
	go func() {
		defer close(done)
		chunks := p.w.at.Audio.Chunks(p.number, from)
		for {
			messages, err := chunks.Next(ctx)
			if err != nil {
				if ctx.Err() == nil {
					r.failed <- err
				}
				return
			}
			select {
			case r.batches <- messages:
			case <-ctx.Done():
				return
			}
		}
	}()
	p.reader, p.heldUp = r, time.Now()
}

// waiting is the audio, in samples, that waits for the engine.
func (p *partition) waiting() (samples int) {
	for _, c := range p.channels {
		for _, it := range c.queue {
			samples += len(it.samples)
		}
	}
	return samples
}

// take sorts messages into their channels.
func (p *partition) take(ctx context.Context, messages []ChunkMessage) error {
	for _, m := range messages {
		p.next = m.Offset + 1
		if m.Err != nil {
			if err := p.refuse(ctx, m); err != nil {
				return err
			}
			continue
		}
		p.chunk(m.Chunk, m.Offset)
		if p.rewind >= 0 {
			return nil // the rest will be read again
		}
	}
	return nil
}

// refuse sets a message aside, once. Its number, if it had one, is missing now.
func (p *partition) refuse(ctx context.Context, m ChunkMessage) error {
	if m.Offset < p.setAside {
		return nil
	}
	reason := "unreadable"
	var bad *capture.ChunkError
	if errors.As(m.Err, &bad) {
		reason = string(bad.Reason)
	}
	p.log.Warn("message set aside", "offset", m.Offset, "reason", reason, "err", m.Err)
	p.w.counts.bad.Add(1)
	if err := p.w.at.Audio.SetAside(ctx, p.number, m, reason); err != nil {
		return fmt.Errorf("set aside audio %d@%d: %w", p.number, m.Offset, err)
	}
	p.setAside = m.Offset + 1
	return nil
}

func (p *partition) chunk(chunk capture.Chunk, offset int64) {
	key := capture.Key(chunk.Hearing, chunk.Channel)
	room := p.room(chunk.Hearing)
	room.take(chunk, offset)
	c := p.channels[key]
	if c == nil {
		c = &channel{hearing: chunk.Hearing, name: chunk.Channel, room: room, from: room.offset(chunk.CapturedAt, offset)}
		s, _ := p.w.at.Positions.Position(c.hearing, c.name)
		p.begin(c, s)
		p.channels[key] = c
	}
	switch {
	case chunk.Seq <= c.seq:
		p.w.counts.repeated.Add(1)
		return
	case !chunk.Follows(c.seq):
		p.missing(c, chunk.Seq, offset)
		return
	}
	p.w.counts.chunks.Add(1)
	c.heardAt = time.Now()
	pauses := p.pauses(c)
	c.take(chunk, offset, pauses)
	if _, known := p.w.at.Hearings.Hearing(c.hearing); known {
		c.ends.SetEnd(pauses.End)
	}
	switch {
	case c.gap == 0:
	case chunk.Seq+1 < c.left: // what is missing comes chunk by chunk
		c.gap = chunk.Seq + 1
	default: // this was it, or says that it is lost
		p.log.Info("missing chunks arrived", "hearing", c.hearing, "channel", c.name, "seq", chunk.Seq)
		p.again(c.skipped) // for what had to be left out
		c.gap = 0
		p.w.gaps.clear(p.number, c)
	}
}

func (p *partition) room(hearing string) *room {
	r := p.rooms[hearing]
	if r == nil {
		r = newRoom()
		p.rooms[hearing] = r
	}
	return r
}

// compare decides whose voice the utterances are that wait for it.
func (p *partition) compare() {
	for _, c := range p.channels {
		for _, it := range c.queue {
			if it.band == nil {
				continue
			}
			waited := time.Since(later(it.queued, p.heldUp))
			it.compare(c.room, p.seats(c.hearing), p.next <= it.seen || waited < roomPatience)
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// seats are the channels that a hearing should have.
func (p *partition) seats(hearing string) (channels []string) {
	h, _ := p.w.at.Hearings.Hearing(hearing)
	for _, s := range h.Seats {
		channels = append(channels, s.Channel)
	}
	return channels
}

// missing stops a channel at a gap. The others go on.
func (p *partition) missing(c *channel, seq uint64, offset int64) {
	if c.gap != 0 {
		c.skipped, c.left = min(c.skipped, offset), min(c.left, seq)
		return
	}
	if c.fresh && !c.searched {
		// We may have begun too late in the log: the offset was a hint.
		c.searched = true
		p.again(0)
		return
	}
	c.gap, c.skipped, c.left = c.seq+1, offset, seq
	p.w.gaps.raise(p.number, c, time.Now())
	p.log.Warn("chunk is missing; channel waits for it", "hearing", c.hearing, "channel", c.name, "seq", c.gap, "got", seq)
}

// again has the log read from an offset on.
func (p *partition) again(offset int64) {
	if p.rewind < 0 || offset < p.rewind {
		p.rewind = offset
	}
}

// pauses are those of a channel's seat.
func (p *partition) pauses(c *channel) Pauses {
	if h, ok := p.w.at.Hearings.Hearing(c.hearing); ok && p.w.config.SeatPauses != nil {
		return p.w.config.SeatPauses(h, c.name)
	}
	return p.w.config.Pauses
}

func (p *partition) begin(c *channel, s ChannelState) {
	if c.gap != 0 {
		p.w.gaps.clear(p.number, c)
	}
	if err := c.begin(s, p.pauses(c)); err != nil {
		p.log.Warn("channel state cannot be used; the detector starts anew", "err", err)
	}
}

// follow compares the store's positions with our own.
func (p *partition) follow() {
	now := time.Now()
	for _, c := range p.channels {
		s, ok := p.w.at.Positions.Position(c.hearing, c.name)
		if ok && !c.confirm(s.Position, now) {
			p.log.Info("the store took another way; channel begins again from there",
				"hearing", c.hearing, "channel", c.name, "epoch", s.Position.Epoch, "sample", s.Position.Sample)
			p.restart(c, s)
		}
	}
}

// restart begins a channel at the store's position and reads what it needs.
func (p *partition) restart(c *channel, s ChannelState) {
	p.w.counts.restarts.Add(1)
	p.begin(c, s)
	if s.Position.Epoch == 0 {
		p.again(c.from)
	} else if s.Position.Offset < p.next {
		p.again(max(s.Position.Offset, 0))
	}
}

// tick does what time asks for.
func (p *partition) tick() {
	now := time.Now()
	p.follow()
	p.forget()
	p.adopt()
	least := p.next
	for _, c := range p.channels {
		if offset, ok := c.need(); ok {
			least = min(least, offset)
		}
		if c.gap == 0 && !c.ending() && now.Sub(c.heardAt) >= closedQuiet && now.Sub(p.heldUp) >= closedQuiet && p.closed(c) {
			c.end() // no End came, and none will
		}
		patience := max(c.patience, firstPatience)
		if len(c.published) > 0 && now.Sub(c.unconfirmed) >= patience {
			s, _ := p.w.at.Positions.Position(c.hearing, c.name)
			p.log.Warn("the store has not confirmed what was published; channel begins again",
				"hearing", c.hearing, "channel", c.name, "after", patience)
			c.patience = min(2*patience, lastPatience)
			p.restart(c, s)
		}
	}
	if p.commit != nil && least > p.committed && now.Sub(p.committedAt) >= commitEvery {
		if err := p.commit(least); err == nil {
			p.committed = least
		}
		p.committedAt = now
	}
}

// forget lets go of the hearings of which nothing is left to do.
func (p *partition) forget() {
	busy := map[string]bool{}
	for _, c := range p.channels {
		busy[c.hearing] = busy[c.hearing] || !c.idle()
	}
	for key, c := range p.channels {
		if !busy[c.hearing] {
			delete(p.channels, key)
			delete(p.rooms, c.hearing)
		}
	}
}

// adopt takes up the channels of closed hearings that have no audio left and
// yet no end: their courtroom never came back, and their worker died.
func (p *partition) adopt() {
	for _, s := range p.w.at.Positions.In(p.number) {
		c := &channel{hearing: s.Hearing, name: s.Channel, heardAt: time.Now()}
		if s.Position.Ended || s.Position.Epoch == 0 || p.channels[c.key()] != nil || !p.closed(c) {
			continue
		}
		c.room = p.room(c.hearing)
		p.begin(c, s)
		c.latest = chunkPlace{seq: s.Position.Seq, offset: s.Position.Offset - 1, first: s.Position.Sample, capturedAt: time.Now()}
		p.channels[c.key()] = c
	}
}

// closed reports whether nobody speaks in a channel's hearing any more.
func (p *partition) closed(c *channel) bool {
	h, ok := p.w.at.Hearings.Hearing(c.hearing)
	return ok && (h.Status == capture.Closed || h.Status == capture.Signed)
}

// ask sends the engine what it can take: finals of each channel, a few ahead
// of the one to be published next, and the utterances being spoken.
func (p *partition) ask(ctx context.Context) {
	for _, c := range p.channels {
		ahead := p.w.config.Parallel
		for _, it := range c.queue {
			if it.samples == nil {
				continue
			}
			if ahead--; ahead < 0 {
				break
			}
			if it.cancel == nil {
				p.askFinal(ctx, c, it)
			}
		}
		p.askPartial(ctx, c)
	}
}

func (p *partition) askFinal(ctx context.Context, c *channel, it *item) {
	if p.foreseen(it) {
		return
	}
	ctx, it.cancel = context.WithCancel(ctx)
	it.prompt = p.prompt(c)
	clip := Clip{Samples: it.samples, Prompt: it.prompt, Final: true}
	a := answer{channel: c, life: c.life, item: it}
	late := time.Since(it.segment.StartedAt.Add(clip.length())) > lateAfter
	p.asking.Go(func() {
		a.Hypothesis, a.rejected, a.err = p.w.engine.final(ctx, clip, c.hearing, late)
		p.answer(ctx, a)
	})
}

// foreseen takes the answer of a partial that had all of an utterance for the
// final's; or waits for it.
func (p *partition) foreseen(it *item) bool {
	s := it.partial
	switch {
	case s.early != nil:
		it.partial, it.prompt, it.cancel = partialState{}, s.prompt, func() {}
		it.fill(s.early.Hypothesis, s.early.rejected)
		return true
	case s.busy && p.w.engine.keep(s.ticket):
		it.prompt, it.cancel = s.prompt, s.ticket.cancel
		return true
	}
	it.partial.stop()
	return false
}

func (p *partition) askPartial(ctx context.Context, c *channel) {
	first, samples, open := c.ends.Open()
	if !open || p.w.config.FinalsOnly {
		return
	}
	pausing, whole := c.ends.Pausing()
	if whole = whole && !c.partial.busy && (c.partial.first != first || c.partial.asked != len(pausing)); whole {
		samples = pausing
	} else if !c.partial.due(len(samples), c.ends.Before()) {
		return
	}
	if p.overheard(c, first, samples) {
		// Look again when it has grown.
		c.partial.first, c.partial.asked, c.partial.whole, c.partial.early = first, len(samples), false, nil
		return
	}
	asking, ticket, ok := p.w.engine.tryEnter(ctx)
	if !ok {
		return
	}
	clip := Clip{Samples: samples, Prompt: p.prompt(c), Final: whole}
	s := &c.partial
	s.first, s.asked, s.busy, s.ticket = first, len(samples), true, ticket
	s.whole, s.prompt, s.early = whole, clip.Prompt, nil
	a := answer{channel: c, life: c.life, first: first, epoch: c.epoch, samples: len(samples), whole: whole, prompt: clip.Prompt}
	p.asking.Go(func() {
		began := time.Now()
		a.Hypothesis, a.err = p.w.engine.recognizer.Recognize(asking, clip)
		a.took = time.Since(began)
		p.w.engine.leavePartial(asking, ticket, a.err)
		p.answer(ctx, a)
	})
}

// overheard reports whether the last that was spoken is another seat's voice, as
// far as that can be told already.
func (p *partition) overheard(c *channel, first capture.SampleIndex, samples []int16) bool {
	if cutoff := len(samples) - 2*capture.Rate; cutoff > 0 {
		first, samples = first+capture.SampleIndex(cutoff), samples[cutoff:]
	}
	band := new(bander).add(nil, first, samples)
	return overheard(band, c.room.around(c.clock(first), len(band), c.name))
}

func (p *partition) prompt(c *channel) string {
	h, ok := p.w.at.Hearings.Hearing(c.hearing)
	if !ok {
		return ""
	}
	return prompt(h)
}

func (p *partition) answer(ctx context.Context, a answer) {
	select {
	case p.answers <- a:
	case <-ctx.Done():
	}
}

// hear takes an answer of the engine.
func (p *partition) hear(a answer) {
	c := a.channel
	if a.life != c.life {
		return
	}
	if a.item != nil {
		if a.err == nil {
			a.item.fill(a.Hypothesis, a.rejected)
		}
		return
	}
	if a.whole && p.early(c, a) {
		return
	}
	s := &c.partial
	if !s.busy || s.first != a.first || c.epoch != a.epoch {
		return // the utterance is over
	}
	s.busy, s.ticket, s.took = false, nil, a.took
	if a.whole && a.err == nil {
		s.early = &a
	} else {
		s.whole = false
	}
	if a.err != nil || a.Text == "" || doubtText(a.Text, a.prompt) != "" || a.check(capture.SampleIndex(a.samples).Duration()) != nil {
		return // the next may be better
	}
	if a.samples <= s.shown {
		return // it was shown with more, of silence
	}
	before := s.text
	s.text, s.shown = a.Text, a.samples
	u := UtteranceID(c.name, c.epoch, a.first)
	p.out = append(p.out, Segment{
		V: 1, ID: c.hearing + "/" + u, Hearing: c.hearing, Channel: c.name, Epoch: c.epoch, Utterance: u,
		Stage: Partial, First: a.first, Last: a.first + capture.SampleIndex(a.samples) - 1, StartedAt: c.clock(a.first),
		Text: a.Text, Stable: stable(before, a.Text), Words: words(a.Words, a.first), Estimated: a.Estimated,
		Engine: a.Engine, Model: a.Model, Language: a.Language,
	})
	p.w.counts.partials.Add(1)
}

// early gives an utterance that has ended the answer to a question that was asked
// before it had. A refusal is asked again, as a final: it may have been the partial's.
func (p *partition) early(c *channel, a answer) bool {
	i := slices.IndexFunc(c.queue, func(it *item) bool {
		return it.partial.busy && it.partial.first == a.first && it.segment.Epoch == a.epoch
	})
	if i < 0 {
		return false
	}
	it := c.queue[i]
	it.partial, it.cancel = partialState{}, nil
	if a.err == nil {
		it.prompt = a.prompt
		it.cancel = func() {}
		it.fill(a.Hypothesis, "")
	}
	return true
}

// publish sends what is ready: each channel's steps in their order.
func (p *partition) publish(ctx context.Context) error {
	out := p.out
	for _, c := range p.channels {
		for _, it := range c.queue {
			if !it.complete() {
				break
			}
			out = append(out, it.segment)
		}
	}
	if len(out) == 0 {
		return nil
	}
	if err := p.w.at.Segments.Publish(ctx, p.number, out); err != nil {
		return fmt.Errorf("publish %d segments, partition %d: %w", len(out), p.number, err)
	}
	clear(p.out)
	p.out = p.out[:0]
	now := time.Now()
	for _, c := range p.channels {
		for len(c.queue) > 0 && c.queue[0].complete() {
			if len(c.published) == 0 {
				c.unconfirmed = now
			}
			c.published = append(c.published, *c.queue[0].segment.After)
			p.w.counts.step(c.queue[0].segment)
			c.queue = c.queue[1:]
		}
	}
	return nil
}
