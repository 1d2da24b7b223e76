package transcript

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tingji/asr"
	"tingji/capture"
)

// ErrNotFound is returned for a hearing, a line or a recording that does not
// exist or that the reader may not see.
var ErrNotFound = errors.New("not found")

// ErrDiskFull is returned for what the store has no room for: nothing was changed,
// and the same call works once there is room again.
var ErrDiskFull = errors.New("the record server's disk is full")

// ConflictError says that a line has a newer revision than the writer knew.
type ConflictError struct{ Current Line }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("line %s has revision %d already", e.Current.ID, e.Current.Revision)
}

// StateError says that a hearing's status does not allow what was asked.
type StateError struct {
	Hearing string
	Status  capture.Status
	Action  string // open, pause, resume, close, revise
}

func (e *StateError) Error() string {
	return fmt.Sprintf("hearing %s is %s: cannot %s", e.Hearing, e.Status, e.Action)
}

// Source is where a message was read: a place in a log. It is stored in the
// same transaction as what came of the message.
type Source struct {
	Topic     string
	Partition int
	Offset    int64 // of the message
}

// HearingStore keeps the state of hearings. Safe for several goroutines.
type HearingStore interface {
	CreateHearing(ctx context.Context, h capture.Hearing) error
	// UpdateHearing runs change on the stored state in one transaction, raises
	// Version, also one that change has raised, and returns the new state and the id of the change. When change
	// fails its error is returned as it is and nothing is written.
	UpdateHearing(ctx context.Context, id string, change func(*capture.Hearing) error) (capture.Hearing, int64, error)
	Hearing(ctx context.Context, id string) (capture.Hearing, error) // ErrNotFound
	Hearings(ctx context.Context, f HearingFilter) ([]capture.Hearing, error)
}

// HearingFilter selects hearings; zero fields select all. Newest first.
type HearingFilter struct {
	Status    []capture.Status
	Courtroom string
	CaseNo    string // a part of it
	Before    string // id: hearings created before this one
	// From and To select by [HeldAt]: From is in, To is not. Hearings that were
	// announced more than a year before From are not found.
	From, To time.Time
	Limit    int // 0: 100; at most 1000
}

// HeldAt is when a hearing was opened, or while it was not, for when it is
// planned, or when it was announced.
func HeldAt(h capture.Hearing) time.Time {
	switch {
	case h.OpenedAt != nil:
		return *h.OpenedAt
	case h.ScheduledAt != nil:
		return *h.ScheduledAt
	}
	return h.CreatedAt
}

// LineStore keeps lines and their revisions. Safe for several goroutines.
type LineStore interface {
	// ApplyStep stores a final or a silence: its line, if it has one, as
	// revision 1, and the channel's new position and state, in one transaction
	// and only where the stored position is the same as seg.Before. It reports
	// whether it was applied; where not, nothing is written but at, and that is
	// no error: the message was a repetition, or came from a stale worker. The
	// line comes back with Change, Revision and Hash set; nil without a line.
	ApplyStep(ctx context.Context, at Source, seg asr.Segment, line *Line) (applied bool, stored *Line, err error)
	// ChannelStates are the positions of all channels of hearings that are not
	// finished (some channel not Ended, or the hearing not closed).
	ChannelStates(ctx context.Context) ([]asr.ChannelState, error)
	// Positions are the positions of all channels of one hearing, finished or
	// not; State may be left out. Empty for a hearing nobody has heard yet.
	Positions(ctx context.Context, hearing string) ([]asr.ChannelState, error)
	// Lines are the lines of a hearing that changed after the event id after
	// (0: all), by StartedAt, then channel; last is the hearing's newest id.
	Lines(ctx context.Context, hearing string, after int64) (lines []Line, last int64, err error)
	Line(ctx context.Context, hearing, line string) (Line, error) // ErrNotFound
	// Revise appends a revision. ifRevision is the one the writer has seen; a
	// newer one gives *ConflictError. *StateError once the hearing is signed.
	Revise(ctx context.Context, hearing, line string, ifRevision int, r Revision) (Line, error)
	AddLine(ctx context.Context, l Line) (Line, error) // a line by hand; ID, Change, Revision, Hash are set by the store
	Revisions(ctx context.Context, hearing, line string) ([]Revision, error)
	// Asides are what ApplyStep has kept of AsidesOf its segments, in the order of
	// speech; Role, Speaker and the hearing's clock are left to the caller.
	Asides(ctx context.Context, hearing string) ([]Aside, error)
	// BringBack adds a line by hand, as AddLine does, and notes in the aside which;
	// where that was done before, it is the line of then, and added is false. ErrNotFound.
	BringBack(ctx context.Context, aside string, l Line) (line Line, added bool, err error)
}

// OffsetStore remembers how far a topic has been read: the offset after the
// last message that ApplyStep or the audio archive has stored; 0 at first.
type OffsetStore interface {
	Offset(ctx context.Context, topic string, partition int) (int64, error)
}

// AudioState is how much of a channel's audio the record server holds.
type AudioState struct {
	Hearing  string              `json:"hearing"`
	Channel  string              `json:"channel"`
	Epoch    uint64              `json:"epoch"` // the newest
	Seq      uint64              `json:"seq"`   // the newest stored without a gap
	Samples  capture.SampleIndex `json:"samples"`
	Ended    bool                `json:"ended"`
	Missing  uint64              `json:"missing"` // first chunk number that was expected and is not here; 0: none
	StoredAt int64               `json:"stored_at_ms"`
}

// AudioSpan is a stretch of stored audio on the wall clock, in one epoch.
type AudioSpan struct {
	Channel string
	Epoch   uint64
	First   capture.SampleIndex
	Samples capture.SampleIndex
	At      int64 // Unix microseconds at First
}

// AudioStore says what audio there is.
type AudioStore interface {
	AudioStates(ctx context.Context, hearing string) ([]AudioState, error)
	AudioSpans(ctx context.Context, hearing string) ([]AudioSpan, error)
}
