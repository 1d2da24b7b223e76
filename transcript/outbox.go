package transcript

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"tingji/asr"
	"tingji/capture"
)

// outbox holds the states that the log has not acknowledged yet, and remembers
// how far the channels have come. Safe for several goroutines. A newer state
// takes the place of an older one, so that it never holds more than one for
// each hearing and each channel, however long the broker is away.
type outbox struct {
	mu        sync.Mutex
	hearings  map[string]capture.Hearing
	positions map[string]asr.ChannelState
	decided   map[string]asr.Position // the latest that was queued, for each channel
	reload    bool                    // the store may hold states that nobody queued
	wake      chan struct{}           // holds one token when there is something to do
}

func newOutbox() *outbox {
	return &outbox{
		hearings:  map[string]capture.Hearing{},
		positions: map[string]asr.ChannelState{},
		decided:   map[string]asr.Position{},
		reload:    true, // a process before this one may have died before it published
		wake:      make(chan struct{}, 1),
	}
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) hearing(h capture.Hearing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if old, ok := o.hearings[h.ID]; !ok || h.Version >= old.Version {
		o.hearings[h.ID] = h
	}
	o.signal()
}

// position queues a state that the store holds, unless a later one was queued
// before: what was read from the store may be older than the step just applied.
func (o *outbox) position(s asr.ChannelState) {
	key := capture.Key(s.Hearing, s.Channel)
	o.mu.Lock()
	defer o.mu.Unlock()
	if at, ok := o.decided[key]; ok && comparePositions(at, s.Position) > 0 {
		return
	}
	o.decided[key] = s.Position
	o.positions[key] = s
	o.signal()
}

// decidedTo is how far a channel is decided, as far as this process knows.
func (o *outbox) decidedTo(hearing, channel string) (asr.Position, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, ok := o.decided[capture.Key(hearing, channel)]
	return at, ok
}

// askAgain has the store's states queued again, after a write of which nobody
// knows whether it was committed.
func (o *outbox) askAgain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reload = true
	o.signal()
}

// next hands out one state at a time, hearings first: a worker must know a
// hearing before it can place a channel of it. A state stays in the outbox
// until sent says that the log has it.
func (o *outbox) next() (send func(context.Context, Publisher) error, sent func(), ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(o.hearings)) {
		h := o.hearings[id]
		send = func(ctx context.Context, p Publisher) error {
			if err := p.PublishHearing(ctx, h); err != nil {
				return fmt.Errorf("publish hearing %s version %d: %w", h.ID, h.Version, err)
			}
			return nil
		}
		sent = func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.hearings[id].Version == h.Version {
				delete(o.hearings, id)
			}
		}
		return send, sent, true
	}
	for key, s := range o.positions {
		send = func(ctx context.Context, p Publisher) error {
			if err := p.PublishPosition(ctx, s); err != nil {
				return fmt.Errorf("publish position %s: %w", key, err)
			}
			return nil
		}
		sent = func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			if now := o.positions[key]; now.Position == s.Position {
				delete(o.positions, key)
			}
		}
		return send, sent, true
	}
	return nil, nil, false
}

// takeReload reports once that the store is to be asked.
func (o *outbox) takeReload() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.reload
	o.reload = false
	return was
}

// publish empties the outbox into the log until ctx ends.
func (d *Docket) publish(ctx context.Context, pub Publisher) {
	for ctx.Err() == nil {
		if d.outbox.takeReload() {
			if !d.persist(ctx, storeFailing, "publish", func() error { return d.queueStored(ctx) }) {
				return
			}
		}
		send, sent, ok := d.outbox.next()
		if !ok {
			select {
			case <-d.outbox.wake:
			case <-ctx.Done():
			}
			continue
		}
		if !d.persist(ctx, brokerFailing, "publish", func() error { return send(ctx, pub) }) {
			return
		}
		sent()
	}
}

// PublishAgain has all that the log may lack published once more: for a log that was
// lost and made anew.
func (d *Docket) PublishAgain() { d.outbox.askAgain() }

// queueStored queues every state that the log may lack. To publish one again
// is harmless, as the topics are compacted.
//
// Closed hearings matter too: a courtroom that has not heard of the closing
// would record for ever. Those whose channels have not ended are found by their
// channels, the others are among the newest.
func (d *Docket) queueStored(ctx context.Context) error {
	states, err := d.store.ChannelStates(ctx)
	if err != nil {
		return fmt.Errorf("read channel states: %w", err)
	}
	newest, err := d.store.Hearings(ctx, HearingFilter{Limit: 1000})
	if err != nil {
		return fmt.Errorf("read newest hearings: %w", err)
	}
	hearings := map[string]capture.Hearing{}
	for _, h := range newest {
		hearings[h.ID] = h
	}
	unfinished := HearingFilter{
		Status: []capture.Status{capture.Scheduled, capture.Open, capture.Paused}, Limit: 1000,
	}
	for {
		page, err := d.store.Hearings(ctx, unfinished)
		if err != nil {
			return fmt.Errorf("read unfinished hearings: %w", err)
		}
		for _, h := range page {
			hearings[h.ID] = h
		}
		if len(page) < unfinished.Limit {
			break
		}
		unfinished.Before = page[len(page)-1].ID
	}
	for _, s := range states {
		if _, ok := hearings[s.Hearing]; ok {
			continue
		}
		h, err := d.store.Hearing(ctx, s.Hearing)
		if err != nil {
			return fmt.Errorf("read hearing %s: %w", s.Hearing, err)
		}
		hearings[h.ID] = h
	}
	for _, h := range hearings {
		d.outbox.hearing(h)
	}
	for _, s := range states {
		d.outbox.position(s)
	}
	return nil
}

func comparePositions(a, b asr.Position) int {
	return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Sample, b.Sample))
}
