package asr

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"

	"tingji/capture"
)

// replayBatch is how many chunks are read at once.
const replayBatch = 32

// Replay decodes the audio of a hearing that is over, as a worker would have
// while it was held, and gives its finals in the order in which they were done. Nothing is
// published. Chunks come in the order in which they were captured, those of a
// channel by number; numbers that are missing are passed over, and the last
// chunk of a channel counts as its end. Partials are left out; c.GiveUp should be set.
func Replay(ctx context.Context, h capture.Hearing, chunks iter.Seq2[capture.Chunk, error], r Recognizer, c Config, log *slog.Logger) ([]Segment, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next, stop := iter.Pull2(chunks)
	m := &replay{
		hearing: h, next: next, finished: cancel, changed: make(chan struct{}),
		states: map[string]ChannelState{}, held: map[string]capture.Chunk{}, seq: map[string]uint64{},
	}
	c.FinalsOnly = true
	err := NewWorker(c, Log{Group: m, Audio: m, Segments: m, Positions: m, Hearings: m}, r, log).Run(ctx)
	stop() // no reader is left
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done() {
		return m.finals, nil
	}
	return nil, fmt.Errorf("replay %s: %w", h.ID, err)
}

// replay is the log of a hearing that is over, in memory: one partition, whose
// reader draws the chunks as they are wanted, and a store that takes everything.
type replay struct {
	hearing  capture.Hearing
	next     func() (capture.Chunk, error, bool) // of the one reader
	finished func()

	// The reader's alone: the newest chunk of each channel, which may be its last,
	// and the number of the one before.
	held   map[string]capture.Chunk
	seq    map[string]uint64
	offset int64

	mu       sync.Mutex
	over     bool // all chunks are read
	channels int  // that there were
	finals   []Segment
	states   map[string]ChannelState
	changed  chan struct{}
}

// done reports whether all channels are at their end. The lock is held.
func (m *replay) done() bool {
	if !m.over || len(m.states) < m.channels {
		return false
	}
	for _, s := range m.states {
		if !s.Position.Ended {
			return false
		}
	}
	return true
}

// Join implements [Group].
func (m *replay) Join(ctx context.Context, work func(context.Context, []Assignment) error) error {
	return work(ctx, []Assignment{{Partition: 0, Hint: -1}})
}

// Chunks implements [Audio].
func (m *replay) Chunks(int, int64) ChunkReader { return m }

// SetAside implements [Audio]; what can be read back can be read.
func (m *replay) SetAside(context.Context, int, ChunkMessage, string) error { return nil }

// Next implements [ChunkReader].
func (m *replay) Next(ctx context.Context) (batch []ChunkMessage, err error) {
	for len(batch) < replayBatch && ctx.Err() == nil {
		c, err, ok := m.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			for _, last := range m.held {
				last.End = capture.EndClose
				batch = append(batch, m.message(last))
			}
			clear(m.held)
			m.mu.Lock()
			m.over, m.channels = true, len(m.seq)
			if m.done() {
				m.finished()
			}
			m.mu.Unlock()
			if len(batch) == 0 {
				<-ctx.Done()
			}
			return batch, ctx.Err()
		}
		if before, ok := m.held[c.Channel]; ok {
			if before.End != capture.EndPause {
				before.End = capture.NotEnd // something follows
			}
			batch = append(batch, m.message(before))
		}
		m.held[c.Channel] = c
	}
	return batch, ctx.Err()
}

func (m *replay) message(c capture.Chunk) ChunkMessage {
	m.seq[c.Channel]++
	c.Seq = m.seq[c.Channel]
	m.offset++
	return ChunkMessage{Chunk: c, Offset: m.offset - 1}
}

// Publish implements [SegmentWriter].
func (m *replay) Publish(_ context.Context, _ int, segments []Segment) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range segments {
		if s.Stage == Final {
			m.finals = append(m.finals, s)
		}
		m.states[capture.Key(s.Hearing, s.Channel)] = ChannelState{Hearing: s.Hearing, Channel: s.Channel, Position: *s.After, State: s.State}
	}
	close(m.changed)
	m.changed = make(chan struct{})
	if m.done() {
		m.finished()
	}
	return nil
}

// Position implements [Positions].
func (m *replay) Position(hearing, channel string) (ChannelState, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.states[capture.Key(hearing, channel)]
	return s, ok
}

// In implements [Positions]: everything begins at the beginning.
func (m *replay) In(int) []ChannelState { return nil }

// Changed implements [Positions].
func (m *replay) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// Hearing implements [Hearings].
func (m *replay) Hearing(id string) (capture.Hearing, bool) { return m.hearing, id == m.hearing.ID }
