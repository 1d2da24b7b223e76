package main

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"tingji/capture"
	"tingji/testdata/hearing"
)

const (
	memorySeats = 4
	memoryHours = 8
	memoryPace  = 40
)

// benchMemory holds one hearing of eight hours, everything in this process, forty
// times as fast as real time, and compares what is held at its end with what was
// held after its first hour.
func benchMemory(ctx context.Context, a *app, ref *hearing.Hearing, f figures) error {
	var room []capture.Source
	var first *looped
	for _, pcm := range seatSounds(ref, memorySeats) {
		seat := &looped{pcm: pcm, pace: memoryPace}
		if first == nil {
			first = seat
		}
		room = append(room, seat)
	}
	return holdHearings(ctx, a, ref, memoryPace, [][]capture.Source{room}, func(ctx context.Context) error {
		var early, held float64 // MB
		for hour := 1; hour <= memoryHours; hour++ {
			for first.played.Load() < int64(hour)*3600*capture.Rate {
				if err := pauseFor(ctx, 100*time.Millisecond); err != nil {
					return err
				}
			}
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			held = float64(m.HeapAlloc) / (1 << 20)
			rss, _ := residentMB(self, "VmRSS")
			fmt.Fprintf(a.stderr, "bench: memory: after hour %d: %.0f MB in use, %.0f MB resident, %d goroutines\n", hour, held, rss, runtime.NumGoroutine())
			if hour == 1 {
				early = held
			}
		}
		f["memory_growth"] = held / early
		return nil
	})
}

// looped is a recording that begins again when it ends, pace times as fast as
// real time.
type looped struct {
	pcm    []int16
	pace   float64
	played atomic.Int64 // samples
}

func (l *looped) Resumable() bool { return true }

func (l *looped) Open(_ context.Context, from capture.SampleIndex) (capture.Stream, error) {
	return &loopedStream{looped: l, from: from, at: from, began: time.Now()}, nil
}

type loopedStream struct {
	*looped
	from, at capture.SampleIndex
	began    time.Time
}

func (l *loopedStream) Read(ctx context.Context, buf []int16) (int, time.Time, error) {
	buf = buf[:min(len(buf), capture.ChunkSamples)]
	due := (l.at + capture.SampleIndex(len(buf)) - l.from).Duration()
	if err := pauseFor(ctx, time.Until(l.began.Add(time.Duration(float64(due)/l.pace)))); err != nil {
		return 0, time.Time{}, err
	}
	for i := range buf {
		buf[i] = l.pcm[(int(l.at)+i)%len(l.pcm)]
	}
	l.at += capture.SampleIndex(len(buf))
	l.played.Store(int64(l.at))
	return len(buf), time.Time{}, nil
}

func (l *loopedStream) Close() error { return nil }
