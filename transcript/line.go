package transcript

import (
	"time"
)

// Line is one turn of the record as it stands now: a final segment that the
// assembler placed, or a line that the clerk wrote.
type Line struct {
	ID        string    `json:"id"` // utterance, or hand-<n>; unique in the hearing, fit for a URL
	Hearing   string    `json:"hearing"`
	Channel   string    `json:"channel"` // empty for a hand-written line without a seat
	Role      string    `json:"role"`
	Speaker   string    `json:"speaker"`
	Text      string    `json:"text"`
	StartMS   int64     `json:"start_ms"` // on the hearing's clock: since it was opened
	EndMS     int64     `json:"end_ms"`
	StartedAt time.Time `json:"started_at"` // wall clock
	Words     []Word    `json:"words"`      // of the recognised text, revision 1
	Origin    Origin    `json:"origin"`
	Engine    string    `json:"engine"`
	Model     string    `json:"model"`
	Language  string    `json:"language"`
	Estimated bool      `json:"estimated"`          // word times are spread, not measured
	Rejected  string    `json:"rejected,omitempty"` // why the engine refused the clip; the text is empty
	Revision  int       `json:"revision"`           // 1 is what the machine heard, or the clerk first wrote
	Author    string    `json:"author"`             // of the present revision
	Change    int64     `json:"change"`             // event id of the last change of this line
	Hash      string    `json:"hash"`               // of the present revision, hex
}

// Origin says where a line comes from.
type Origin string

const (
	Speech Origin = "speech"
	Hand   Origin = "hand"
)

// Word is a word with its place on the hearing's clock.
type Word struct {
	Text       string  `json:"text"`
	StartMS    int64   `json:"start_ms"`
	EndMS      int64   `json:"end_ms"`
	Confidence float64 `json:"confidence"`
}

// Revision is one state of a line. Revisions are appended, never changed; each
// carries the hash of the one before, and revision 1 that of nothing.
type Revision struct {
	Line     string    `json:"line"`
	Revision int       `json:"revision"`
	Text     string    `json:"text"`
	Role     string    `json:"role"`
	Speaker  string    `json:"speaker"`
	Author   string    `json:"author"` // "engine:<name>" for revision 1 of speech
	At       time.Time `json:"at"`
	Previous string    `json:"previous"` // hash of the revision before, hex; empty for the first
	Hash     string    `json:"hash"`
}
