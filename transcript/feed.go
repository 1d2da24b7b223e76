package transcript

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
)

// feedBuffer is how many events may wait for a subscriber: half a minute of a
// lively hearing of eight seats.
const feedBuffer = 1024

// Feed is a subscription to a hearing's events.
type Feed struct {
	// Events is closed when the feed falls more than its buffer behind, its
	// context or the docket ends, or the store fails; the subscriber comes back
	// with the last ID it has seen. What an event points to is shared: nobody
	// changes it.
	Events <-chan Event

	hearing   string
	courtroom string
	in        chan item // from the hub; never closed
	cancel    context.CancelFunc
	done      chan struct{}
	last      int64  // ID of the last lasting event
	fresh     uint64 // number of the newest item when the store had answered
	versions  map[string]int64
}

// Close ends the subscription and waits for its end; idempotent.
func (f *Feed) Close() {
	if f.cancel != nil {
		f.cancel()
		<-f.done
	}
}

// item is an event on its way to a feed. One without a kind says only that the
// store may hold something new.
type item struct {
	number uint64
	event  Event
}

// hub hands events to the feeds without ever waiting for one. The zero value is
// ready; safe for several goroutines.
type hub struct {
	mu     sync.Mutex
	number uint64
	feeds  map[string]map[*Feed]struct{} // by hearing; "" for those of all
}

func (h *hub) add(f *Feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.feeds == nil {
		h.feeds = map[string]map[*Feed]struct{}{}
	}
	if h.feeds[f.hearing] == nil {
		h.feeds[f.hearing] = map[*Feed]struct{}{}
	}
	h.feeds[f.hearing][f] = struct{}{}
}

func (h *hub) remove(f *Feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.feeds[f.hearing], f)
	if len(h.feeds[f.hearing]) == 0 {
		delete(h.feeds, f.hearing)
	}
}

// newest is the number of the last item handed out.
func (h *hub) newest() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.number
}

// publish hands out an event of a hearing; of no hearing (""): health.
func (h *hub) publish(hearing string, e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.number++
	it := item{number: h.number, event: e}
	switch e.Kind {
	case HealthChanged:
		for _, feeds := range h.feeds {
			for f := range feeds {
				if f.hearing == "" || e.Health.Courtroom == "" || e.Health.Courtroom == f.courtroom {
					f.offer(it)
				}
			}
		}
		return
	case HearingChanged:
		for f := range h.feeds[""] {
			f.offer(it)
		}
		if e.ID == 0 {
			return // nobody can follow a hearing that was only now created
		}
	}
	for f := range h.feeds[hearing] {
		f.offer(it)
	}
}

// refresh has the feeds of a hearing ask the store what is new.
func (h *hub) refresh(hearing string) { h.publish(hearing, Event{}) }

// end ends all feeds.
func (h *hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, feeds := range h.feeds {
		for f := range feeds {
			f.cancel()
		}
	}
}

// offer never waits: a feed that is full is ended.
func (f *Feed) offer(it item) {
	select {
	case f.in <- it:
	default:
		f.cancel()
	}
}

// Subscribe delivers all lasting changes of a hearing after the event id after,
// each once and in order, and passing ones from now on. A line that changed
// several times before is told once, as it is now. An id that the hearing has
// not reached, as after a restored backup, gives everything.
//
// A feed for hearing "" carries the hearing and health events of all hearings
// from now on; they have no IDs there, as it cannot be resumed.
//
// The feed ends with ctx, or with [Feed.Close]. ErrNotFound.
func (d *Docket) Subscribe(ctx context.Context, hearing string, after int64) (*Feed, error) {
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan Event)
	f := &Feed{
		Events: out, hearing: hearing, last: after,
		in: make(chan item, feedBuffer), cancel: cancel, done: make(chan struct{}),
		versions: map[string]int64{},
	}
	var backlog []Event
	if hearing != "" {
		h, err := d.hearing(ctx, hearing)
		if err != nil {
			cancel()
			return nil, fmt.Errorf("subscribe to hearing %s: %w", hearing, err)
		}
		f.courtroom = h.Courtroom
	}
	d.feeds.add(f) // before the store is asked, so that nothing falls in between
	if hearing != "" {
		var err error
		if backlog, err = d.catchUp(ctx, f); err != nil {
			d.feeds.remove(f)
			cancel()
			return nil, fmt.Errorf("subscribe to hearing %s: %w", hearing, err)
		}
	}
	for _, h := range d.Health() {
		if hearing == "" || h.Courtroom == "" || h.Courtroom == f.courtroom {
			backlog = append(backlog, Event{Kind: HealthChanged, Health: &h})
		}
	}
	go func() {
		defer close(f.done)
		defer close(out)
		defer cancel()
		defer d.feeds.remove(f)
		d.follow(ctx, f, backlog, out)
	}()
	return f, nil
}

// follow delivers the backlog and then what comes, until ctx ends.
func (d *Docket) follow(ctx context.Context, f *Feed, backlog []Event, out chan<- Event) {
	deliver := func(e Event) bool {
		select {
		case out <- e:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for _, e := range backlog {
		if !deliver(e) {
			return
		}
	}
	backlog = nil
	for {
		var it item
		select {
		case it = <-f.in:
		case <-ctx.Done():
			return
		}
		e := it.event
		switch {
		case f.hearing == "":
			if !f.passing(&e) {
				continue
			}
		case e.Kind == "", e.ID > f.last+1:
			// Events of two writers may arrive in either order, and a write may
			// have been committed without anybody learning of it: the store
			// knows what is missing.
			missing, err := d.catchUp(ctx, f)
			if err != nil {
				if ctx.Err() == nil {
					d.log.Warn("feed ended", "hearing", f.hearing, "err", err)
				}
				return
			}
			for _, e := range missing {
				if !deliver(e) {
					return
				}
			}
			continue
		case e.ID != 0:
			if e.ID <= f.last {
				continue // the store has told it
			}
			f.last = e.ID
		case e.Kind == PartialHeard && it.number <= f.fresh:
			continue // its line may have been delivered
		}
		if !deliver(e) {
			return
		}
	}
}

// passing prepares an event for a feed of all hearings, and reports whether it
// is one for it.
func (f *Feed) passing(e *Event) bool {
	switch e.Kind {
	case HealthChanged:
		return true
	case HearingChanged:
		if e.Hearing.Version <= f.versions[e.Hearing.ID] {
			return false
		}
		f.versions[e.Hearing.ID] = e.Hearing.Version
		e.ID = 0
		return true
	}
	return false
}

// catchUp asks the store for what happened after the feed's last event, and
// moves the feed there.
func (d *Docket) catchUp(ctx context.Context, f *Feed) ([]Event, error) {
	lines, newest, err := d.store.Lines(ctx, f.hearing, f.last)
	if err == nil && newest < f.last {
		f.last = 0
		lines, newest, err = d.store.Lines(ctx, f.hearing, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("read lines of %s after %d: %w", f.hearing, f.last, err)
	}
	events := make([]Event, 0, len(lines)+1)
	for _, l := range lines {
		events = append(events, Event{ID: l.Change, Kind: LineChanged, Line: &l})
	}
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.ID, b.ID) })

	// A change that is not the last of any line may be one of the hearing: its
	// state goes to the latest such place. It is read after the lines, so that
	// it is at least as new as its ID says.
	if place := lastGap(events, f.last, newest); place > 0 || f.last == 0 {
		h, err := d.store.Hearing(ctx, f.hearing)
		if err != nil {
			return nil, fmt.Errorf("read hearing %s: %w", f.hearing, err)
		}
		i, _ := slices.BinarySearchFunc(events, place, func(e Event, id int64) int { return cmp.Compare(e.ID, id) })
		events = slices.Insert(events, i, Event{ID: place, Kind: HearingChanged, Hearing: &h})
	}
	f.last, f.fresh = newest, d.feeds.newest()
	return events, nil
}

// lastGap is the greatest id in (after, newest] that no event has; 0: none.
func lastGap(events []Event, after, newest int64) int64 {
	id := newest
	for i := len(events) - 1; i >= 0 && id > after; i-- {
		if events[i].ID != id {
			return id
		}
		id--
	}
	if id > after {
		return id
	}
	return 0
}
