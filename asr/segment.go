package asr

import (
	"encoding/json"
	"fmt"
	"time"

	"tingji/capture"
)

// Stage says what a segment may still become.
type Stage string

const (
	// Partial may change: the utterance is still being spoken or decoded.
	Partial Stage = "partial"
	// Final ends the utterance. No machine changes it again.
	Final Stage = "final"
	// Silence reports a stretch in which nobody spoke, so that the position
	// advances and the ledger is accounted for. It has no text.
	Silence Stage = "silence"
)

// Segment is the value of segments.v1: one hypothesis of one utterance.
//
// ID is hearing/utterance; Utterance is channel-epoch-first sample and stays
// the same from the first partial to the final. Finals of a channel never
// overlap. Before, After and State are set in finals and silences only.
type Segment struct {
	V         int                 `json:"v"` // 1
	ID        string              `json:"id"`
	Hearing   string              `json:"hearing"`
	Channel   string              `json:"channel"`
	Epoch     uint64              `json:"epoch"`
	Utterance string              `json:"utterance"`
	Stage     Stage               `json:"stage"`
	First     capture.SampleIndex `json:"first_sample"`
	Last      capture.SampleIndex `json:"last_sample"` // inclusive
	StartedAt time.Time           `json:"started_at"`  // wall clock at First
	Text      string              `json:"text"`
	Stable    int                 `json:"stable,omitempty"` // partial: leading characters (runes) that two decodes agreed on
	Words     []Word              `json:"words"`
	Engine    string              `json:"engine"`
	Model     string              `json:"model"`
	Language  string              `json:"language"`
	// Estimated says that the engine gave no word times: they are spread
	// evenly over the utterance by length.
	Estimated bool `json:"estimated,omitempty"`
	// Rejected is the engine's reason for refusing the clip. The utterance is
	// kept, marked, and can be heard.
	Rejected string `json:"rejected,omitempty"`
	// Crosstalk is what this seat's microphone heard of other seats, in order.
	// It is not part of Text and Words; a final may have nothing else.
	Crosstalk []Crosstalk `json:"crosstalk,omitempty"`
	// Doubtful is what the engine most likely made up. It is not part of Text and
	// Words either; where nothing else is left, Rejected says so.
	Doubtful []Doubt `json:"doubtful,omitempty"`

	Before *Position       `json:"before,omitempty"`
	After  *Position       `json:"after,omitempty"`
	State  json.RawMessage `json:"state,omitempty"` // of the endpointer, opaque to all but the worker
}

// Word is a word of a segment. Start and End are milliseconds on the channel's
// clock: since its epoch opened, like first_sample / 16.
type Word struct {
	Text       string  `json:"text"`
	Start      int64   `json:"start"`
	End        int64   `json:"end"`
	Confidence float64 `json:"confidence"` // 0 to 1; 0 where the engine says nothing
}

// Position says how far a channel has been decided: every sample before
// Sample, in Epoch and all epochs before it, is in a final or a silence.
// The zero Position is that of a channel nobody has heard yet.
//
// Two positions are the same when Epoch and Sample are; Seq and Offset only
// say where to find the next sample.
type Position struct {
	Epoch  uint64              `json:"epoch"`
	Sample capture.SampleIndex `json:"sample"`
	// Seq is the number of the last chunk that is not needed again.
	Seq uint64 `json:"seq"`
	// Offset in audio.v1 of the first chunk that is still needed: a hint.
	Offset int64 `json:"offset"`
	// Ended says that the channel's last chunk (capture.End) is decided.
	Ended bool `json:"ended,omitempty"`
}

// Same reports whether p and q are the same place.
func (p Position) Same(q Position) bool { return p.Epoch == q.Epoch && p.Sample == q.Sample }

// ChannelState is the value of positions.v1: what the store holds for a
// channel. A worker starts from it.
type ChannelState struct {
	Hearing  string          `json:"hearing"`
	Channel  string          `json:"channel"`
	Position Position        `json:"position"`
	State    json.RawMessage `json:"state,omitempty"`
}

// UtteranceID names the utterance that begins at first.
func UtteranceID(channel string, epoch uint64, first capture.SampleIndex) string {
	return fmt.Sprintf("%s-%d-%d", channel, epoch, first)
}
