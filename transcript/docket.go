package transcript

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tingji/asr"
	"tingji/capture"
)

// Store is all that a Docket keeps; store/sqlite and store/postgres provide it.
type Store interface {
	HearingStore
	LineStore
	OffsetStore
	AudioStore
	CorrectionStore
	ProofStore
	StampStore
}

// Publisher hands states to the log. Each call returns once the broker has
// acknowledged, or with ctx's error.
type Publisher interface {
	PublishHearing(ctx context.Context, h capture.Hearing) error
	// Published are the hearings as they were published last, also by a server
	// whose store is lost.
	Published(ctx context.Context) ([]capture.Hearing, error)
	PublishPosition(ctx context.Context, s asr.ChannelState) error
}

// Courtrooms knows the rooms of the court.
type Courtrooms interface {
	// Seats are the channels of a courtroom and their usual roles, in the order
	// in which pages show them; empty for a room that is not configured.
	Seats(courtroom string) []capture.Seat
	// Name is what people call the room: 第三审判庭; the id where it has no name.
	Name(courtroom string) string
}

// Docket holds all hearings of the court: it changes their state, places what
// the workers heard, takes the clerks' corrections, and tells its subscribers.
// It is safe for use by several goroutines. One Docket works on one store.
//
// Nothing but [Docket.Run] waits for the broker: a change is stored, told to
// the subscribers, and left in the outbox.
type Docket struct {
	store Store
	rooms Courtrooms
	log   *slog.Logger
	court string
	sound Sound // nil: records cannot be proved

	freezing chan struct{} // holds one while a record is being frozen

	stamper Stamper       // nil: records are not time-stamped
	signed  chan struct{} // holds one where a record was signed lately

	opening sync.Mutex   // held while a hearing opens: one a courtroom
	placing sync.RWMutex // held by who stores a line; alone by who changes a hearing, and so its seats
	known   hearingCache
	feeds   hub
	parts   parts
	alarms  alarms
	outbox  *outbox
	counts  counts
	handed  handed

	heardFrom []string  // courtrooms whose PCs are to be heard
	began     time.Time // since when
}

// Option sets what not every docket needs.
type Option func(*Docket)

// WithCourt sets the name of the court that heads its records:
// 包头稀土高新技术产业开发区人民法院.
func WithCourt(name string) Option { return func(d *Docket) { d.court = name } }

// WithPCs names the courtrooms whose PCs are to be heard: one of which nothing is heard
// is an alarm.
func WithPCs(courtrooms ...string) Option {
	return func(d *Docket) { d.heardFrom = courtrooms }
}

// NewDocket makes a docket on a store.
func NewDocket(store Store, rooms Courtrooms, log *slog.Logger, options ...Option) *Docket {
	d := &Docket{store: store, rooms: rooms, log: log, began: time.Now(), outbox: newOutbox(), freezing: make(chan struct{}, 1), signed: make(chan struct{}, 1)}
	d.handed = handed{waiting: map[string]capture.Hearing{}, taken: map[string]int64{}, wake: make(chan struct{}, 1)}
	for _, o := range options {
		o(d)
	}
	return d
}

// Hearing returns the state of a hearing. ErrNotFound.
func (d *Docket) Hearing(ctx context.Context, id string) (capture.Hearing, error) {
	return d.store.Hearing(ctx, id)
}

// Hearings lists hearings, newest first.
func (d *Docket) Hearings(ctx context.Context, f HearingFilter) ([]capture.Hearing, error) {
	list, err := d.store.Hearings(ctx, f)
	if list == nil {
		list = []capture.Hearing{}
	}
	return list, err
}

// Line is a line as it stands now. ErrNotFound.
func (d *Docket) Line(ctx context.Context, hearing, line string) (Line, error) {
	return d.store.Line(ctx, hearing, line)
}

// Lines are the lines that changed after the event id after (0: all), in the
// order of speech, and the newest event id.
func (d *Docket) Lines(ctx context.Context, hearing string, after int64) ([]Line, int64, error) {
	lines, last, err := d.store.Lines(ctx, hearing, after)
	if lines == nil {
		lines = []Line{}
	}
	return lines, last, err
}

// Revisions of a line, oldest first.
func (d *Docket) Revisions(ctx context.Context, hearing, line string) ([]Revision, error) {
	return d.store.Revisions(ctx, hearing, line)
}

// hearing is the state of a hearing from memory where it is there: segments
// ask for it many times a second, and only this docket changes it.
func (d *Docket) hearing(ctx context.Context, id string) (capture.Hearing, error) {
	if h, ok := d.known.get(id); ok {
		return h, nil
	}
	h, err := d.store.Hearing(ctx, id)
	if err != nil {
		return capture.Hearing{}, fmt.Errorf("read hearing %s: %w", id, err)
	}
	d.known.put(h)
	return h, nil
}

// hearingCache holds the hearings that were used lately. A hearing in it is
// shared: nobody changes its slices.
type hearingCache struct {
	mu       sync.Mutex
	hearings map[string]capture.Hearing
}

// cacheSize is far more than the hearings of a day.
const cacheSize = 256

func (c *hearingCache) get(id string) (capture.Hearing, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.hearings[id]
	return h, ok
}

// put keeps the newest version: two readers may arrive in either order.
func (c *hearingCache) put(h capture.Hearing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hearings == nil || len(c.hearings) >= cacheSize {
		c.hearings = map[string]capture.Hearing{}
	}
	if h.Version >= c.hearings[h.ID].Version {
		c.hearings[h.ID] = h
	}
}

func (c *hearingCache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.hearings, id)
}

// stamp is a wall-clock time as the record keeps it: UTC, microseconds, and
// without the monotonic reading that no database returns.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond).Round(0) }
