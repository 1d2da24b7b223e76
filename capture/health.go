package capture

import "time"

// Health is the value of status.v1, keyed by component and instance: what one
// running part says of itself, every second while it runs. A part that has
// said nothing for 3 seconds is taken for dead. What is zero and left out does so
// for every encoder: the API's would write a number's omitempty as 0.
type Health struct {
	Component string       `json:"component"` // capture, asr, serve
	Instance  string       `json:"instance"`  // host and process
	Courtroom string       `json:"courtroom,omitempty"`
	At        time.Time    `json:"at"`
	Seats     []SeatHealth `json:"seats,omitempty"`    // of capture
	DiskFree  int64        `json:"disk_free,omitzero"` // bytes, of capture: where archive and spool are, the lesser
	Alarms    []Alarm      `json:"alarms"`
	Stopped   bool         `json:"stopped,omitzero"` // it ended in order
	// ByHand are the hearings that were opened or changed by hand on this PC, of
	// capture, as long as the server has not taken that in.
	ByHand []Hearing `json:"by_hand,omitempty"`
}

// SeatHealth is the life sign of one seat.
type SeatHealth struct {
	Hearing   string      `json:"hearing,omitempty"`
	Channel   string      `json:"channel"`
	Role      string      `json:"role"`
	LevelDBFS float64     `json:"level_dbfs"` // RMS of the last second; -120 is digital silence
	Recording bool        `json:"recording"`
	Samples   SampleIndex `json:"samples"`              // of the present epoch
	SpoolSeqs uint64      `json:"spool_seqs"`           // chunks not yet confirmed by the server
	Clipped   bool        `json:"clipped,omitzero"`     // too loud for most of the last seconds
	SilentMS  int64       `json:"silent_ms,omitzero"`   // since when there is digital silence, or nothing
	Gaps      int64       `json:"gaps,omitzero"`        // places where sound is missing, in this part of the hearing
	Missing   int64       `json:"gap_samples,omitzero"` // samples that are missing there, by the clock
}

// Alarm is something a person has to know or do, in words for that person.
type Alarm struct {
	Code    string    `json:"code"` // stable, e.g. engine-unavailable, broker-unreachable, disk-full
	Hearing string    `json:"hearing,omitempty"`
	Channel string    `json:"channel,omitempty"`
	Since   time.Time `json:"since"`
	Text    string    `json:"text"`    // Chinese: what, where, what to do
	TextEN  string    `json:"text_en"` // the same in English
}
