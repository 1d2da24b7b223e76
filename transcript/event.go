package transcript

import "tingji/capture"

// EventKind names an event of a hearing's feed; it is the SSE event name.
type EventKind string

const (
	HearingChanged EventKind = "hearing" // Hearing is set
	LineChanged    EventKind = "line"    // Line is set: new or revised
	PartialHeard   EventKind = "partial" // Partial is set; replaced by the next, ended by a line of the same id or by an empty text
	HealthChanged  EventKind = "health"  // Health is set
)

// Event is one item of a hearing's live feed. ID is the hearing's change
// counter for lasting events (hearing, line), and 0 for passing ones.
type Event struct {
	ID      int64
	Kind    EventKind
	Hearing *capture.Hearing
	Line    *Line
	Partial *Partial
	Health  *capture.Health
}

// Partial is what is being heard at a seat right now: an asr.Segment of that
// stage, placed on the hearing's clock.
type Partial struct {
	ID      string `json:"id"` // of the line it will become
	Channel string `json:"channel"`
	Role    string `json:"role"`
	Speaker string `json:"speaker"`
	Text    string `json:"text"`   // empty: it came to nothing, and is not to be shown any more
	Stable  int    `json:"stable"` // leading characters not expected to change
	StartMS int64  `json:"start_ms"`
	EndMS   int64  `json:"end_ms"`
	Demo    bool   `json:"demo,omitempty"`
	Engine  string `json:"engine"`
}
