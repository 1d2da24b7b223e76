package main

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	dir, err := os.MkdirTemp("", "tingji-bench-")
	if err != nil {
		return fmt.Errorf("temporary folder: %s", cause(err))
	}
	defer os.RemoveAll(dir)
	s := newStack(a.log)
	defer s.Stop()
	url, err := thoughtless(s)
	if err != nil {
		return err
	}
	b := *a
	b.config.Data, b.config.DB, b.config.Kafka.Listen = dir, "", "127.0.0.1:0"
	b.config.ASR.URL, b.config.ASR.Engines, b.config.Capture.Pace = url, nil, memoryPace
	room := CourtroomConfig{ID: "1", Name: "1"}
	var seats []capture.SeatSource
	var first *looped
	for k, pcm := range seatSounds(ref, memorySeats) {
		seat := SeatConfig{Channel: fmt.Sprint("seat", k+1), Role: "证人"}
		room.Seats = append(room.Seats, seat)
		source := &looped{pcm: pcm, pace: memoryPace}
		if first == nil {
			first = source
		}
		seats = append(seats, capture.SeatSource{Channel: seat.Channel, Role: seat.Role, Source: source})
	}
	b.config.Courtrooms = []CourtroomConfig{room}
	_, log, err := b.startBroker(ctx, s)
	if err != nil {
		return err
	}
	server, err := b.startRecord(ctx, s, log)
	if err != nil {
		return err
	}
	recogniser, err := b.engine("")
	if err != nil {
		return err
	}
	b.startWorker(s, log, recogniser, workerMode{})
	if err := b.startCapture(s, log, room.ID, seats, nil); err != nil {
		return err
	}
	if err := openSampleIn(ctx, server.docket, ref, room.ID); err != nil {
		return err
	}
	s.Go("measure", func(ctx context.Context) error {
		var early float64
		for hour := 1; hour <= memoryHours; hour++ {
			for first.played.Load() < int64(hour)*3600*capture.Rate {
				if err := pauseFor(ctx, 100*time.Millisecond); err != nil {
					return err
				}
			}
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			held := float64(m.HeapAlloc) / (1 << 20)
			rss, _ := residentMB(self, "VmRSS")
			fmt.Fprintf(a.stderr, "bench: memory: after hour %d: %.0f MB in use, %.0f MB resident, %d goroutines\n", hour, held, rss, runtime.NumGoroutine())
			if hour == 1 {
				early = held
			}
			f["memory_growth"] = held / early
		}
		return errFinished
	})
	if err := s.Wait(ctx); !errors.Is(err, errFinished) {
		delete(f, "memory_growth")
		return err
	}
	return nil
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
