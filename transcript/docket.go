package transcript

import (
	"context"
	"errors"
	"log/slog"
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
}

// Publisher hands states to the log. Each call returns once the broker has
// acknowledged, or with ctx's error.
type Publisher interface {
	PublishHearing(ctx context.Context, h capture.Hearing) error
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
type Docket struct {
	store Store
	rooms Courtrooms
	log   *slog.Logger
}

// NewDocket makes a docket on a store.
func NewDocket(store Store, rooms Courtrooms, log *slog.Logger) *Docket {
	return &Docket{store: store, rooms: rooms, log: log}
}

var errNotBuilt = errors.New("not built yet")

// NewHearing is what it takes to announce a hearing.
type NewHearing struct {
	CaseNo       string                `json:"case_no"`
	Cause        string                `json:"cause"`
	Courtroom    string                `json:"courtroom"`
	Public       *bool                 `json:"public"` // nil: public, the rule (DOMAIN.md)
	Participants []capture.Participant `json:"participants"`
	Seats        []capture.Seat        `json:"seats"` // nil: the courtroom's usual ones
	Hotwords     []string              `json:"hotwords"`
	ScheduledAt  *time.Time            `json:"scheduled_at"`
	Demo         bool                  `json:"-"`
}

// FieldError says which field of a request is wrong, and how to mend it.
type FieldError struct {
	Field  string // JSON name
	Text   string // Chinese
	TextEN string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.TextEN }

// Create announces a hearing. *FieldError for bad input.
func (d *Docket) Create(ctx context.Context, n NewHearing) (capture.Hearing, error) {
	return capture.Hearing{}, errNotBuilt
}

// Open starts the recording; scheduled → open. *StateError from another status.
// A courtroom holds one open or paused hearing at a time.
func (d *Docket) Open(ctx context.Context, id string) (capture.Hearing, error) {
	return capture.Hearing{}, errNotBuilt
}

// Pause begins a lawful break; open → paused. reason is required (Art 3).
func (d *Docket) Pause(ctx context.Context, id, reason string) (capture.Hearing, error) {
	return capture.Hearing{}, errNotBuilt
}

// Resume ends a break; paused → open.
func (d *Docket) Resume(ctx context.Context, id string) (capture.Hearing, error) {
	return capture.Hearing{}, errNotBuilt
}

// Close ends the hearing; open or paused → closed. What was said before still
// arrives as text afterwards.
func (d *Docket) Close(ctx context.Context, id, reason string) (capture.Hearing, error) {
	return capture.Hearing{}, errNotBuilt
}

// Hearing returns the state of a hearing. ErrNotFound.
func (d *Docket) Hearing(ctx context.Context, id string) (capture.Hearing, error) {
	return d.store.Hearing(ctx, id)
}

// Hearings lists hearings, newest first.
func (d *Docket) Hearings(ctx context.Context, f HearingFilter) ([]capture.Hearing, error) {
	return d.store.Hearings(ctx, f)
}

// ChannelProgress is how far a channel has come.
type ChannelProgress struct {
	Channel      string `json:"channel"`
	Role         string `json:"role"`
	StoredMS     int64  `json:"stored_ms"`     // audio held by the server
	RecognisedMS int64  `json:"recognised_ms"` // of it, decided: text or silence
	Ended        bool   `json:"ended"`         // its last chunk is stored and decided
	Missing      uint64 `json:"missing,omitempty"`
}

// Progress is how far a hearing has come. Complete: it is closed, and every
// channel's audio is stored and decided to its end.
type Progress struct {
	Channels []ChannelProgress `json:"channels"`
	Complete bool              `json:"complete"`
}

// Progress says how much of a hearing is stored and recognised.
func (d *Docket) Progress(ctx context.Context, id string) (Progress, error) {
	return Progress{}, errNotBuilt
}

// Lines are the lines that changed after the event id after (0: all), in the
// order of speech, and the newest event id.
func (d *Docket) Lines(ctx context.Context, hearing string, after int64) ([]Line, int64, error) {
	return d.store.Lines(ctx, hearing, after)
}

// Edit is what a clerk makes of a line; nil fields stay.
type Edit struct {
	Text    *string `json:"text"`
	Role    *string `json:"role"`
	Speaker *string `json:"speaker"`
}

// Revise appends a revision to a line. *FieldError, *ConflictError, *StateError
// (signed), ErrNotFound.
func (d *Docket) Revise(ctx context.Context, hearing, line string, ifRevision int, e Edit, author string) (Line, error) {
	return Line{}, errNotBuilt
}

// HandLine is a line that the clerk writes: （当庭出示证据一）.
type HandLine struct {
	Text    string `json:"text"`
	Role    string `json:"role"`
	Speaker string `json:"speaker"`
	StartMS *int64 `json:"start_ms"` // nil: now
}

// AddLine adds a hand-written line.
func (d *Docket) AddLine(ctx context.Context, hearing string, l HandLine, author string) (Line, error) {
	return Line{}, errNotBuilt
}

// Revisions of a line, oldest first.
func (d *Docket) Revisions(ctx context.Context, hearing, line string) ([]Revision, error) {
	return d.store.Revisions(ctx, hearing, line)
}

// Feed is a subscription to a hearing's events.
type Feed struct {
	// Events is closed when the feed falls more than its buffer behind or the
	// docket ends; the subscriber comes back with the last ID it has seen.
	Events <-chan Event
}

// Close ends the subscription; idempotent.
func (f *Feed) Close() {}

// Subscribe delivers all lasting changes of a hearing after the event id after,
// each once and in order, and passing ones from now on. A feed for hearing ""
// carries the hearing and health events of all hearings from now on.
func (d *Docket) Subscribe(ctx context.Context, hearing string, after int64) (*Feed, error) {
	return nil, errNotBuilt
}

// ReportHealth tells the docket's subscribers how a part of the system is.
func (d *Docket) ReportHealth(h capture.Health) {}

// Health is the latest of every part that is known, the dead ones with an
// alarm saying so.
func (d *Docket) Health() []capture.Health { return nil }

// Kind is what a stretch of a hearing was.
type Kind string

const (
	KindText    Kind = "text"
	KindSilence Kind = "silence"
	KindBreak   Kind = "break"   // lawful
	KindFault   Kind = "fault"   // no audio, with the reason
	KindPending Kind = "pending" // audio is stored, not yet recognised
)

// LedgerEntry is a stretch of a hearing; entries touch and never overlap.
type LedgerEntry struct {
	FromMS   int64    `json:"from_ms"`
	ToMS     int64    `json:"to_ms"`
	Kind     Kind     `json:"kind"`
	Channels []string `json:"channels,omitempty"` // that spoke, or that failed
	Reason   string   `json:"reason,omitempty"`
}

// Ledger accounts for every second of a hearing, from its opening to its close
// or to now; the entries add up to LengthMS.
type Ledger struct {
	Hearing  string         `json:"hearing"`
	LengthMS int64          `json:"length_ms"`
	Entries  []LedgerEntry  `json:"entries"`
	TotalMS  map[Kind]int64 `json:"total_ms"`
}

// Ledger accounts for a hearing.
func (d *Docket) Ledger(ctx context.Context, hearing string) (Ledger, error) {
	return Ledger{}, errNotBuilt
}

// Record is a hearing ready to be written out.
type Record struct {
	Court     string          `json:"court"`
	RoomName  string          `json:"courtroom_name"`
	Hearing   capture.Hearing `json:"hearing"`
	Lines     []Line          `json:"lines"`
	WrittenAt time.Time       `json:"written_at"`
	Complete  bool            `json:"complete"` // nothing is pending
}

// Record collects a hearing for export.
func (d *Docket) Record(ctx context.Context, hearing string) (Record, error) {
	return Record{}, errNotBuilt
}
