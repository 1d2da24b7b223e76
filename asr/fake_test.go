package asr

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"tingji/capture"
)

// fakeLog is the broker and the record server in memory: audio.v1, segments.v1
// with a store that applies them by its fence, positions.v1, hearings.v1.
type fakeLog struct {
	t testing.TB

	mu        sync.Mutex
	audio     []ChunkMessage // of partition 0; nil chunks before first are trimmed
	first     int64          // of audio
	published []Segment      // every one that was acknowledged or landed
	applied   map[string][]Segment
	states    map[string]ChannelState
	hearings  map[string]capture.Hearing
	dead      []string
	health    []capture.Health
	hint      int64
	changed   chan struct{}        // closed and replaced when anything changes
	lose      func(s Segment) bool // published, but never applied
	lag       func() time.Duration // of the store; nil: none
	slow      func() time.Duration // of Publish; nil: none
	read      int                  // messages handed out
}

func newFakeLog(t testing.TB) *fakeLog {
	return &fakeLog{t: t, applied: map[string][]Segment{}, states: map[string]ChannelState{},
		hearings: map[string]capture.Hearing{}, hint: -1, changed: make(chan struct{})}
}

func (l *fakeLog) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// send appends chunks.
func (l *fakeLog) send(chunks ...capture.Chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range chunks {
		l.audio = append(l.audio, ChunkMessage{Chunk: c, Offset: int64(len(l.audio))})
	}
	l.tell()
}

func (l *fakeLog) sendBad(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.audio = append(l.audio, ChunkMessage{Err: err, Offset: int64(len(l.audio))})
	l.tell()
}

// ports is what a worker sees.
func (l *fakeLog) ports() Log {
	return Log{Group: l, Audio: l, Segments: l, Positions: l, Hearings: l, Health: l}
}

func (l *fakeLog) Join(ctx context.Context, work func(context.Context, []Assignment) error) error {
	l.mu.Lock()
	hint := l.hint
	l.mu.Unlock()
	return work(ctx, []Assignment{{Partition: 0, Hint: hint, Commit: func(next int64) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.hint = next
		return nil
	}}})
}

func (l *fakeLog) Chunks(_ int, from int64) ChunkReader {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from < l.first || from > int64(len(l.audio)) {
		from = l.first
	}
	return &fakeReader{l, from}
}

type fakeReader struct {
	log *fakeLog
	at  int64
}

func (r *fakeReader) Next(ctx context.Context) ([]ChunkMessage, error) {
	for {
		r.log.mu.Lock()
		end := min(int64(len(r.log.audio)), r.at+8)
		batch := slices.Clone(r.log.audio[r.at:end])
		changed := r.log.changed
		r.log.read += len(batch)
		r.log.mu.Unlock()
		if len(batch) > 0 {
			r.at = end
			return batch, ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *fakeLog) SetAside(_ context.Context, _ int, m ChunkMessage, reason string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = append(l.dead, fmt.Sprintf("%d %s", m.Offset, reason))
	return nil
}

// Publish lands, and then may find that its caller is gone.
func (l *fakeLog) Publish(ctx context.Context, _ int, segments []Segment) error {
	var parsed []Segment
	for _, s := range segments {
		b, err := json.Marshal(s)
		if err != nil {
			l.t.Errorf("segment %s: %v", s.ID, err)
		}
		p, err := ParseSegment(b)
		if err != nil {
			l.t.Errorf("%v: %s", err, b)
		}
		parsed = append(parsed, p)
	}
	if l.slow != nil {
		time.Sleep(l.slow())
	}
	l.mu.Lock()
	l.published = append(l.published, parsed...)
	l.tell()
	l.mu.Unlock()
	if l.slow != nil {
		time.Sleep(l.slow())
	}
	return ctx.Err()
}

// store applies what is published until ctx ends.
func (l *fakeLog) store(ctx context.Context) {
	for at := 0; ; {
		l.mu.Lock()
		changed, n := l.changed, len(l.published)
		l.mu.Unlock()
		if at == n {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return
			}
		}
		if l.lag != nil {
			time.Sleep(l.lag())
		}
		l.mu.Lock()
		l.apply(l.published[at])
		l.mu.Unlock()
		at++
	}
}

func (l *fakeLog) apply(s Segment) {
	key := capture.Key(s.Hearing, s.Channel)
	if s.Stage == Partial || l.lose != nil && l.lose(s) || !l.states[key].Position.Same(*s.Before) {
		return
	}
	l.applied[key] = append(l.applied[key], s)
	l.states[key] = ChannelState{Hearing: s.Hearing, Channel: s.Channel, Position: *s.After, State: s.State}
	l.tell()
}

func (l *fakeLog) Position(hearing, channel string) (ChannelState, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.states[capture.Key(hearing, channel)]
	if !ok {
		s = ChannelState{Hearing: hearing, Channel: channel}
	}
	return s, ok
}

func (l *fakeLog) In(int) (all []ChannelState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.states {
		all = append(all, s)
	}
	return all
}

func (l *fakeLog) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *fakeLog) Hearing(id string) (capture.Hearing, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, ok := l.hearings[id]
	return h, ok
}

func (l *fakeLog) set(h capture.Hearing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hearings[h.ID] = h
}

// steps are what the store has applied to a channel.
func (l *fakeLog) steps(key string) []Segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.applied[key])
}

func (l *fakeLog) ReportHealth(_ context.Context, h capture.Health) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.health = append(l.health, h)
	return nil
}

// done reports whether the store has every channel to its end.
func (l *fakeLog) done(channels int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	ended := 0
	for _, s := range l.states {
		if s.Position.Ended {
			ended++
		}
	}
	return ended == channels
}

// record is what was applied to each channel, byte for byte, without the hints.
func (l *fakeLog) record() map[string][]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string][]string{}
	for key, segments := range l.applied {
		for _, s := range segments {
			before, after := *s.Before, *s.After
			before.Offset, after.Offset = 0, 0
			s.Before, s.After = &before, &after
			b, err := json.Marshal(s)
			if err != nil {
				l.t.Error(err)
			}
			all[key] = append(all[key], string(b))
		}
	}
	return all
}

// scripted is a recogniser that hears the samples themselves: its text names
// them, so that a clip one sample off has another text. answer, if it is
// set, comes first.
type scripted struct {
	answer func(ctx context.Context, clip Clip) (Hypothesis, error)
}

func (s scripted) Recognize(ctx context.Context, clip Clip) (Hypothesis, error) {
	if s.answer != nil {
		if h, err := s.answer(ctx, clip); err != nil || h.Engine != "" {
			return h, err
		}
	}
	sum := fnv.New32a()
	for _, x := range clip.Samples {
		sum.Write([]byte{byte(x), byte(x >> 8)})
	}
	length := capture.SampleIndex(len(clip.Samples)).Duration()
	text := fmt.Sprintf("%d %08x", len(clip.Samples), sum.Sum32())
	return Hypothesis{Text: text, Words: Spread(text, 0, length), Engine: "scripted", Model: "m", Language: "zh"}, nil
}

// chunkTime is how long a chunk lasts.
const chunkTime = capture.ChunkSamples * time.Second / capture.Rate

// chunksOf cuts samples into the chunks of one epoch.
func chunksOf(hearing, channel string, epoch, seq uint64, samples []int16, end capture.End) []capture.Chunk {
	return inChunks(capture.ChunkSamples, hearing, channel, epoch, seq, samples, end)
}

// inChunks is chunksOf with chunks of n samples.
func inChunks(n int, hearing, channel string, epoch, seq uint64, samples []int16, end capture.End) (chunks []capture.Chunk) {
	began := time.Date(2026, 5, 6, 9, 0, 0, 0, time.UTC).Add(time.Duration(epoch) * time.Hour)
	for at := 0; at < len(samples); at += n {
		c := capture.Chunk{
			Hearing: hearing, Channel: channel, Epoch: epoch, Seq: seq, First: capture.SampleIndex(at),
			CapturedAt: began.Add(capture.SampleIndex(at).Duration()).Truncate(time.Microsecond),
			Samples:    samples[at:min(at+n, len(samples))],
		}
		if at+n >= len(samples) {
			c.End = end
		}
		chunks = append(chunks, c)
		seq++
	}
	return chunks
}

// talk makes seconds of somebody speaking, now and then.
func talk(seed uint64, seconds int) []int16 {
	r := rand.New(rand.NewPCG(seed, 3))
	s := newSound(seed, -65+8*r.Float64())
	s.pitch = 0.7 + 0.9*r.Float64() // no two voices are the same
	for len(s.samples) < seconds*capture.Rate {
		switch r.IntN(8) {
		case 0:
			s.quiet(3000 + r.IntN(20000))
		case 1:
			s.add(100, -25)
		default:
			s.quiet(100+r.IntN(2000)).add(300+r.IntN(4000), -30+10*r.Float64())
		}
	}
	return s.samples[:seconds*capture.Rate-r.IntN(500)]
}

// courtroom is a log with the audio of a hearing: channels with two epochs each, a
// pause or a crash between them, their chunks interleaved as they were recorded.
func courtroom(seed uint64, channels, seconds int) []capture.Chunk {
	return bleeding(seed, channels, seconds, math.Inf(-1))
}

// bleeding is a courtroom in whose first epoch each microphone hears all other
// seats, so much quieter, 3 ms later.
func bleeding(seed uint64, channels, seconds int, db float64) []capture.Chunk {
	var all []capture.Chunk
	half := seconds / 2
	var own [][]int16
	for i := range channels {
		own = append(own, talk(seed*100+uint64(i), half))
	}
	for i := range channels {
		name := fmt.Sprintf("seat%d", i)
		between := []capture.End{capture.EndPause, capture.NotEnd}[i%2]
		heard := slices.Clone(own[i])
		for j := range channels {
			if other := own[j]; j != i && !math.IsInf(db, 0) {
				for k := range min(len(heard), len(other)-48) {
					heard[min(k+48, len(heard)-1)] += int16(math.Pow(10, db/20) * float64(other[k]))
				}
			}
		}
		first := chunksOf("h", name, 1, 1, heard, between)
		second := chunksOf("h", name, 2+uint64(i%2), uint64(len(first))+1, talk(seed*100+50+uint64(i), half), capture.EndClose)
		all = append(append(all, first...), second...)
	}
	slices.SortStableFunc(all, func(a, b capture.Chunk) int { return int(a.Seq) - int(b.Seq) })
	return all
}

var discard = slog.New(slog.DiscardHandler)

// waitFor waits on the bubble's clock.
func waitFor(t testing.TB, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); {
		if time.Since(began) > limit {
			t.Fatalf("no %s after %v", what, limit)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
