//go:build unix

package asr

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"tingji/capture"
)

// TestEightHours: a hearing of eight hours at real pace, on a simulated clock: what
// is said in the last ten minutes is not later than in the first, and costs no more.
func TestEightHours(t *testing.T) {
	if !long() {
		t.Skip("set TINGJI_TEST_LONG=1: it takes minutes")
	}
	const seats, window = 3, 10 * time.Minute
	// The same ten minutes again and again: one part is like another.
	var loops [seats][]int16
	for i := range loops {
		loops[i] = talk(uint64(700+i), int(window.Seconds())+1)[:int(window.Seconds())*capture.Rate]
	}
	bubble(t, func(t *testing.T, l *fakeLog) {
		s := &stamped{fakeLog: l, at: map[string]map[Stage]time.Time{}}
		ports := l.ports()
		ports.Segments = s
		w := NewWorker(Config{Parallel: 4}, ports, scripted{answer: func(ctx context.Context, clip Clip) (Hypothesis, error) {
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
			return Hypothesis{Engine: "e", Text: "是"}, ctx.Err()
		}}, discard)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { w.Run(ctx) })
		began := time.Now()
		cpu := func() time.Duration {
			var u syscall.Rusage
			syscall.Getrusage(syscall.RUSAGE_SELF, &u)
			return time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
		var costs []time.Duration
		last := cpu()
		for n := 0; time.Since(began) < 8*time.Hour; n++ {
			at := n * capture.ChunkSamples
			for i := range loops {
				from := at % len(loops[i])
				l.send(capture.Chunk{
					Hearing: "h", Channel: fmt.Sprint("seat", i), Epoch: 1, Seq: uint64(n + 1), First: capture.SampleIndex(at),
					CapturedAt: began.Add(capture.SampleIndex(at).Duration()).UTC(), Samples: loops[i][from : from+capture.ChunkSamples],
				})
			}
			time.Sleep(time.Until(began.Add(time.Duration(n+1) * chunkTime)))
			if (n+1)%int(window/chunkTime) == 0 {
				now := cpu()
				costs, last = append(costs, now-last), now
			}
		}
		cancel()
		running.Wait()
		lags := map[int][]time.Duration{} // by window
		for _, steps := range l.applied {
			for _, seg := range steps {
				if seg.Stage != Final {
					continue
				}
				end := (seg.Last + 1).Duration() - 250*time.Millisecond
				lags[int(end/window)] = append(lags[int(end/window)], s.at[seg.ID][Final].Sub(began.Add(end)))
			}
		}
		p95 := func(window int) time.Duration {
			slices.Sort(lags[window])
			return lags[window][len(lags[window])*95/100]
		}
		first, final := p95(0), p95(46) // the last whole one but one: its finals are all here
		growth := float64(final) / float64(first)
		t.Logf("final after the last sound, p95: %v in the first ten minutes, %v in the last, %.3f times; CPU of ten minutes %v, then %v", first, final, growth,
			costs[0].Round(10*time.Millisecond), costs[len(costs)-1].Round(10*time.Millisecond))
		t.Attr("lag_growth", fmt.Sprint(growth))
		if growth > 1.05 {
			t.Errorf("lag grows %.3f times", growth)
		}
	})
}
