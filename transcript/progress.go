package transcript

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tingji/asr"
	"tingji/capture"
)

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
//
// A channel without any audio does not hold a closed hearing up when another
// has ended: a courtroom sends the audio of all its channels in the order in
// which it was recorded, so nothing of it can be under way.
type Progress struct {
	Channels []ChannelProgress `json:"channels"`
	Complete bool              `json:"complete"`
}

// Progress says how much of a hearing is stored and recognised. ErrNotFound.
func (d *Docket) Progress(ctx context.Context, id string) (Progress, error) {
	s, err := d.survey(ctx, id)
	if err != nil {
		return Progress{}, fmt.Errorf("progress of hearing %s: %w", id, err)
	}
	return s.progress(time.Now()), nil
}

// survey is all that the store knows of a hearing's sound.
type survey struct {
	hearing   capture.Hearing
	audio     []AudioState
	spans     []AudioSpan // by channel, then epoch and first sample
	positions map[string]asr.Position
}

// survey reads positions before audio: what is decided by then is stored by
// the time the audio is read, so that recognised never exceeds stored.
func (d *Docket) survey(ctx context.Context, id string) (*survey, error) {
	h, err := d.store.Hearing(ctx, id)
	if err != nil {
		return nil, err
	}
	s := &survey{hearing: h, positions: map[string]asr.Position{}}
	positions, err := d.store.Positions(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	for _, p := range positions {
		s.positions[p.Channel] = p.Position
	}
	if s.audio, err = d.store.AudioStates(ctx, id); err != nil {
		return nil, fmt.Errorf("read audio states: %w", err)
	}
	if s.spans, err = d.store.AudioSpans(ctx, id); err != nil {
		return nil, fmt.Errorf("read audio spans: %w", err)
	}
	return s, nil
}

// channels are those with a seat, in the hearing's order, then all others that
// were heard.
func (s *survey) channels() []string {
	var channels []string
	add := func(c string) {
		if !slices.Contains(channels, c) {
			channels = append(channels, c)
		}
	}
	for _, seat := range s.hearing.Seats {
		add(seat.Channel)
	}
	seated := len(channels)
	for _, a := range s.audio {
		add(a.Channel)
	}
	for _, a := range s.spans {
		add(a.Channel)
	}
	for c := range s.positions {
		add(c)
	}
	slices.Sort(channels[seated:])
	return channels
}

// decidedOf is how many samples of a span are decided.
func (s *survey) decidedOf(a AudioSpan) capture.SampleIndex {
	at := s.positions[a.Channel]
	switch {
	case a.Epoch < at.Epoch:
		return a.Samples
	case a.Epoch > at.Epoch:
		return 0
	}
	return min(max(at.Sample-a.First, 0), a.Samples)
}

func closedInBreak(h *capture.Hearing) bool {
	n := len(h.Breaks)
	return h.ClosedAt != nil && n > 0 && h.Breaks[n-1].To != nil && h.Breaks[n-1].To.Equal(*h.ClosedAt)
}

// over says whether a channel has come to its end: all of it is stored, decided,
// and nothing more will come. A worker knows the end of a hearing by its last
// chunk, or by the silence that follows the closing; a hearing that is closed
// during a break ended with the chunk before the break.
func (s *survey) over(channel string) bool {
	at := s.positions[channel]
	held := false // what the worker has heard, as it may be ahead of the archive
	for _, a := range s.spans {
		held = held || a.Channel == channel && a.Epoch == at.Epoch && a.First+a.Samples >= at.Sample
	}
	for _, state := range s.audio {
		if state.Channel == channel {
			return held && state.Missing == 0 && (at.Ended || state.Ended && closedInBreak(&s.hearing))
		}
	}
	return false
}

func (s *survey) progress(now time.Time) Progress {
	p := Progress{Channels: []ChannelProgress{}}
	missing := map[string]uint64{}
	for _, a := range s.audio {
		missing[a.Channel] = a.Missing
	}
	waiting, anyEnded := false, false
	for _, channel := range s.channels() {
		var stored, decided capture.SampleIndex
		for _, a := range s.spans {
			if a.Channel == channel {
				stored += a.Samples
				decided += s.decidedOf(a)
			}
		}
		c := ChannelProgress{
			Channel: channel, Role: channel, Missing: missing[channel],
			StoredMS: stored.Milliseconds(), RecognisedMS: decided.Milliseconds(),
			Ended: decided == stored && s.over(channel),
		}
		if seat, ok := s.hearing.SeatAt(channel, now); ok {
			c.Role = seat.Role
		}
		if c.Ended {
			anyEnded = true
		} else if stored > 0 {
			waiting = true
		}
		p.Channels = append(p.Channels, c)
	}
	closed := s.hearing.Status == capture.Closed || s.hearing.Status == capture.Signed
	if closed && !waiting {
		// No audio at all: the courtroom may not have been able to send it yet.
		p.Complete = anyEnded || s.hearing.ClosedAt == nil || now.Sub(*s.hearing.ClosedAt) > onItsWay
	}
	return p
}
