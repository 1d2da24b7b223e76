package asr

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"tingji/capture"
)

// stamped notes when segments are published.
type stamped struct {
	*fakeLog
	mu sync.Mutex
	at map[string]map[Stage]time.Time // the first of each
}

func (s *stamped) Publish(ctx context.Context, partition int, segments []Segment) error {
	s.mu.Lock()
	for _, seg := range segments {
		if s.at[seg.ID] == nil {
			s.at[seg.ID] = map[Stage]time.Time{}
		}
		if _, known := s.at[seg.ID][seg.Stage]; !known {
			s.at[seg.ID][seg.Stage] = time.Now()
		}
	}
	s.mu.Unlock()
	return s.fakeLog.Publish(ctx, partition, segments)
}

// long asks for the tests at their full size.
func long() bool { return os.Getenv("TINGJI_TEST_LONG") != "" }

// TestLatency: how long after somebody begins to speak the first partial is
// published, and how long after the last sound the final, at real pace in a
// room of three; the engine's time included. A server answers one question at a time.
func TestLatency(t *testing.T) {
	for _, tt := range []struct {
		engine         time.Duration
		servers        int
		partial, final time.Duration // p95 may not exceed
	}{
		{0, 4, 1000 * time.Millisecond, 760 * time.Millisecond},
		{200 * time.Millisecond, 1, 1700 * time.Millisecond, 1000 * time.Millisecond}, // a question that was too late for a place comes 0.7 s later
		{200 * time.Millisecond, 2, 1200 * time.Millisecond, 800 * time.Millisecond},
		{200 * time.Millisecond, 3, 1200 * time.Millisecond, 760 * time.Millisecond},
		{200 * time.Millisecond, 4, 1200 * time.Millisecond, 760 * time.Millisecond},
		{1500 * time.Millisecond, 1, time.Minute, time.Minute},
		{1500 * time.Millisecond, 2, 5000 * time.Millisecond, 4000 * time.Millisecond},
		{1500 * time.Millisecond, 3, 4000 * time.Millisecond, 3000 * time.Millisecond},
		{1500 * time.Millisecond, 4, 4000 * time.Millisecond, 2500 * time.Millisecond},
		{1500 * time.Millisecond, 16, 2700 * time.Millisecond, 2300 * time.Millisecond},
	} {
		if !long() && (tt.servers == 3 || tt.servers == 16 || tt.engine > time.Second && tt.servers < 4) {
			continue
		}
		bubble(t, func(t *testing.T, l *fakeLog) {
			const seats, seconds = 3, 120
			chunks := courtroom(7, seats, 2*seconds)
			s := &stamped{fakeLog: l, at: map[string]map[Stage]time.Time{}}
			ports := l.ports()
			ports.Segments = s
			var servers []Server
			for i := range tt.servers {
				servers = append(servers, Server{Name: fmt.Sprint(i), Recognizer: scripted{answer: func(ctx context.Context, _ Clip) (Hypothesis, error) {
					select {
					case <-time.After(tt.engine):
					case <-ctx.Done():
					}
					return Hypothesis{}, ctx.Err()
				}}})
			}
			w := NewWorker(Config{Parallel: tt.servers}, ports, NewPool(servers, discard), discard)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- w.Run(ctx) }()
			// The first half alone: in it the seats share a clock.
			began := time.Now()
			zero := chunks[0].CapturedAt
			for _, c := range chunks {
				if c.Epoch != 1 {
					continue
				}
				due := began.Add(c.CapturedAt.Sub(zero) + capture.SampleIndex(len(c.Samples)).Duration())
				time.Sleep(time.Until(due))
				c.End = capture.NotEnd
				l.send(c)
			}
			time.Sleep(5 * time.Second)
			cancel()
			<-done
			var partials, finals []time.Duration
			for _, steps := range l.applied {
				for _, seg := range steps {
					if seg.Stage != Final || seg.Crosstalk != nil {
						continue
					}
					first := began.Add(seg.First.Duration() + 300*time.Millisecond) // kept before the speech
					last := began.Add((seg.Last + 1).Duration() - 250*time.Millisecond)
					if at, ok := s.at[seg.ID][Partial]; ok {
						partials = append(partials, at.Sub(first))
					}
					finals = append(finals, s.at[seg.ID][Final].Sub(last))
				}
			}
			slices.Sort(partials)
			slices.Sort(finals)
			p := func(list []time.Duration, q float64) time.Duration {
				return list[int(q*float64(len(list)-1))].Round(10 * time.Millisecond)
			}
			if len(finals) < 15 || len(partials) < 5 {
				t.Errorf("%d finals, %d partials", len(finals), len(partials))
			}
			t.Logf("engine %v, %d servers: first partial p50 %v p95 %v p99 %v, final p50 %v p95 %v p99 %v", tt.engine, tt.servers,
				p(partials, 0.5), p(partials, 0.95), p(partials, 0.99), p(finals, 0.5), p(finals, 0.95), p(finals, 0.99))
			if p(partials, 0.95) > tt.partial || p(finals, 0.95) > tt.final {
				t.Errorf("engine %v, %d servers: p95 of the first partial %v, of the final %v", tt.engine, tt.servers, p(partials, 0.95), p(finals, 0.95))
			}
		})
	}
}
