package asr

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tingji/capture"
)

// chunkPlace remembers where a chunk that is still needed stands in the log.
type chunkPlace struct {
	seq        uint64
	offset     int64
	first      capture.SampleIndex
	next       capture.SampleIndex
	capturedAt time.Time // at first
}

// item is a step of a channel on its way out: undecoded, decoded, or silence.
type item struct {
	segment Segment // without text until it is ready
	samples []int16 // of an utterance; nil once it is decoded
	ready   bool
	cancel  context.CancelFunc // of the decoding; nil while there is none

	// Until it is compared with the other seats: its band; when it was queued,
	// and the log's offset then.
	band   []int16
	queued time.Time
	seen   int64
	lent   *borrowed // what came of it; nil where no other seat was heard

	voiced time.Duration // what the detector took for speech
	prompt string        // that the engine was given
	// partial is the decode that foresaw the utterance's end; until it is asked for, or failed.
	partial partialState
}

// complete reports whether nothing is missing of a step.
func (it *item) complete() bool { return it.ready && it.band == nil }

// channel is what a worker knows of one microphone: how far the store is, what
// has been published since, what waits to be, and the audio not yet decided.
// It belongs to its partition's goroutine.
type channel struct {
	hearing, name string
	room          *room

	// stored is the store's position. published are those after it, in order,
	// that the store has not confirmed; unconfirmed is since when it owes us the first.
	stored      Position
	published   []Position
	unconfirmed time.Time
	patience    time.Duration

	queue []*item  // in order, not published yet
	tail  Position // where the next step begins: the After of the last one

	ends  *Endpointer
	epoch uint64
	seq   uint64 // of the last chunk that went in
	// fresh: no chunk has gone in since the channel began here. searched: and
	// the log has been read from its start for it.
	fresh, searched bool
	// latest is the last chunk that went in; places are those, of this epoch,
	// that are not decided.
	latest  chunkPlace
	places  []chunkPlace
	state   json.RawMessage // of the last step
	heardAt time.Time       // by our clock, when the last chunk went in
	from    int64           // the first offset of a channel that the store does not know

	// gap is the chunk that is missing, 0 for none; skipped the offset of the
	// first chunk that had to be left out because of it, left the lowest number
	// of such a chunk.
	gap     uint64
	skipped int64
	left    uint64

	partial partialState
	// life tells answers to questions asked before a reset from later ones.
	life uint64
}

// begin puts the channel where the store is; whatever was ahead of it is forgotten.
func (c *channel) begin(s ChannelState, pauses Pauses) error {
	c.drop(len(c.queue))
	c.partial.stop()
	p := s.Position
	ends, err := NewEndpointer(pauses, p.Sample, s.State)
	if err != nil { // a state of another world: the place is right all the same
		ends, _ = NewEndpointer(pauses, p.Sample, nil)
	}
	*c = channel{
		hearing: c.hearing, name: c.name, room: c.room, life: c.life + 1,
		patience: c.patience, heardAt: c.heardAt,
		stored: p, tail: p, ends: ends, epoch: p.Epoch, seq: p.Seq, fresh: true,
		state: s.State, from: c.from,
	}
	if err != nil {
		return fmt.Errorf("start channel %s at %d/%d: %w", c.key(), p.Epoch, p.Sample, err)
	}
	return nil
}

func (c *channel) key() string { return capture.Key(c.hearing, c.name) }

// drop takes the first n items off the queue and gives up their decoding.
func (c *channel) drop(n int) {
	for _, it := range c.queue[:n] {
		it.partial.stop()
		if it.cancel != nil {
			it.cancel()
		}
	}
	c.queue = c.queue[n:]
}

// take lets in the chunk that follows. What it finishes goes to the queue.
func (c *channel) take(chunk capture.Chunk, offset int64, pauses Pauses) {
	c.seq, c.fresh = chunk.Seq, false
	if chunk.Epoch < c.epoch {
		return // against the rules; archived, but without a place here
	}
	if chunk.Epoch > c.epoch || chunk.First > c.ends.Next() {
		// A new epoch, or samples that no chunk has: what was begun ends here.
		c.flush()
		c.epoch = chunk.Epoch
		c.ends, _ = NewEndpointer(pauses, chunk.First, nil)
	}
	c.latest = chunkPlace{chunk.Seq, offset, chunk.First, chunk.Next(), chunk.CapturedAt}
	known := max(c.ends.Next()-chunk.First, 0) // from before a restart
	if samples := chunk.Samples[min(known, capture.SampleIndex(len(chunk.Samples))):]; len(samples) > 0 {
		c.places = append(c.places, c.latest)
		c.queueSteps(c.ends.Write(samples))
	}
	if chunk.End == capture.NotEnd {
		return
	}
	c.flush()
	if chunk.End == capture.EndPause {
		return
	}
	c.end()
}

// end ends the channel: nothing more will come.
func (c *channel) end() {
	c.flush()
	if len(c.queue) == 0 {
		// All is decided and on its way already: say so in a step of no length.
		at := c.ends.Begin()
		c.queueSteps([]Step{{Begin: at, First: at, End: at, State: c.state}})
	}
	c.queue[len(c.queue)-1].segment.After.Ended = true
}

// ending reports whether the end is decided or on its way.
func (c *channel) ending() bool {
	switch {
	case len(c.queue) > 0:
		return c.queue[len(c.queue)-1].segment.After.Ended
	case len(c.published) > 0:
		return c.published[len(c.published)-1].Ended
	}
	return c.stored.Ended
}

// flush ends what was begun.
func (c *channel) flush() { c.queueSteps(c.ends.Flush()) }

// queueSteps makes items of steps.
func (c *channel) queueSteps(steps []Step) {
	for _, s := range steps {
		before := c.tail
		first := s.First
		if !s.Speech {
			first = s.Begin
		}
		segment := Segment{
			V: 1, Hearing: c.hearing, Channel: c.name, Epoch: c.epoch,
			Utterance: UtteranceID(c.name, c.epoch, first),
			Stage:     Silence, First: first, Last: s.End - 1, StartedAt: c.clock(first),
			Words: []Word{}, Before: &before, State: s.State,
		}
		segment.ID = c.hearing + "/" + segment.Utterance
		it := &item{ready: true}
		if s.Speech {
			segment.Stage = Final
			it.samples, it.ready = s.Samples, false
			// What follows holds no voice to be told: the decision need not wait for it.
			it.band = new(bander).add(nil, s.First, s.Samples[:s.Spoken-s.First])
			it.voiced = s.Voiced
			it.queued, it.seen = time.Now(), c.latest.offset
			if c.partial.foreseen(s.First, len(s.Samples)) {
				it.partial, c.partial = c.partial, partialState{}
			}
			c.partial.stop()
		}
		after := c.settle(s.End)
		segment.After = &after
		it.segment = segment
		c.queue = append(c.queue, it)
		c.tail, c.state = after, s.State
	}
}

// clock is the wall clock at a sample of the present epoch, by the chunk that
// holds it; UTC, in microseconds.
func (c *channel) clock(at capture.SampleIndex) time.Time {
	holder := c.latest
	for _, p := range c.places {
		if at < p.next {
			holder = p
			break
		}
	}
	return holder.capturedAt.Add((at - holder.first).Duration()).UTC().Truncate(time.Microsecond)
}

// settle forgets the chunks before a sample, and is the position there.
func (c *channel) settle(at capture.SampleIndex) Position {
	p := Position{Epoch: c.epoch, Sample: at, Seq: c.latest.seq, Offset: c.latest.offset + 1}
	clock := c.clock(at)
	rest := len(c.places)
	for i, place := range c.places {
		if place.next > at {
			p.Seq, p.Offset = place.seq-1, place.offset
			rest = i
			break
		}
	}
	c.places = c.places[rest:]
	p.Offset = c.room.offset(clock, p.Offset)
	return p
}

// confirm takes note of the store's position. It is false when the store went
// another way than we did: then the channel has to begin again from there.
func (c *channel) confirm(s Position, now time.Time) bool {
	is := func(p Position) bool { return p.Same(s) && p.Ended == s.Ended }
	if is(c.stored) {
		return true
	}
	found := false
	for i := len(c.published) - 1; i >= 0 && !found; i-- {
		if found = is(c.published[i]); found {
			c.published = c.published[i+1:]
		}
	}
	for i := len(c.queue) - 1; i >= 0 && !found; i-- {
		// Somebody else got there first, and to the same place.
		if found = is(*c.queue[i].segment.After); found {
			c.drop(i + 1)
			c.published = nil
		}
	}
	if found || s.Same(c.stored) {
		c.stored, c.unconfirmed, c.patience = s, now, 0
		return true
	}
	return false
}

// need is the first offset that a successor would have to read; ok is false
// where there is none.
func (c *channel) need() (offset int64, ok bool) {
	if c.stored.Epoch == 0 {
		return c.from, true
	}
	return c.stored.Offset, !c.stored.Ended
}

// idle reports whether nothing is left to do for an ended channel.
func (c *channel) idle() bool {
	return c.stored.Ended && len(c.queue) == 0 && len(c.published) == 0 && c.gap == 0
}

// fill gives an utterance the engine's words. An answer that breaks the rules
// of Recognizer is as good as a refusal: the utterance is kept and marked.
func (it *item) fill(h Hypothesis, rejected string) {
	s := &it.segment
	s.Engine, s.Model, s.Language = h.Engine, h.Model, h.Language
	if err := h.check(capture.SampleIndex(len(it.samples)).Duration()); err != nil {
		h, rejected = Hypothesis{}, fmt.Sprintf("unusable answer: %v", err)
	}
	if s.Rejected = rejected; rejected == "" {
		s.Text, s.Estimated = h.Text, h.Estimated
		s.Words = words(h.Words, s.First)
		guard(s, h, it.voiced, it.prompt)
	}
	it.samples, it.ready = nil, true
	it.cancel()
	it.share()
}

// share gives other seats what is theirs, once words and voices are known.
func (it *item) share() {
	if it.complete() && it.lent != nil {
		it.lent.share(&it.segment)
		it.lent = nil
	}
}

// compare decides whose voice an utterance is, if all that is needed to know has
// been heard.
func (it *item) compare(r *room, seats []string, patient bool) {
	s := &it.segment
	length := time.Duration(len(it.band)) * time.Second / bandRate
	if !r.heardTo(s.StartedAt.Add(length+crosstalkLag), s.Channel, seats, patient) {
		return
	}
	if others := r.around(s.StartedAt, len(it.band), s.Channel); len(others) > 0 {
		it.lent = compare(it.band, others)
	}
	it.band = nil
	it.share()
}

// words puts an engine's words on the channel's clock.
func words(timed []TimedWord, first capture.SampleIndex) []Word {
	placed := make([]Word, len(timed))
	for i, w := range timed {
		placed[i] = Word{
			Text:       w.Text,
			Start:      (first + capture.SamplesIn(w.Start)).Milliseconds(),
			End:        (first + capture.SamplesIn(w.End)).Milliseconds(),
			Confidence: w.Confidence,
		}
	}
	return placed
}
