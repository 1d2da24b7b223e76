package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"tingji/capture"
	"tingji/capture/file"
	"tingji/testdata/hearing"
)

const (
	roomSeats = 8
	// loadWarm is how long hearings are under way before anything is measured.
	loadWarm = 10 * time.Second
)

// benchLoad holds hearings of eight seats at real pace, so many that all have n seats,
// and measures this process' share of all cores and its memory.
func benchLoad(ctx context.Context, a *app, ref *hearing.Hearing, n int, length time.Duration, f figures) error {
	if _, ok := cpuTime(self); !ok {
		return noMeans("this system does not say what a process uses (/proc)")
	}
	sounds := seatSounds(ref, min(n, roomSeats))
	var rooms [][]capture.Source
	for left := n; left > 0; left -= roomSeats {
		player := file.NewPlayer(1)
		var room []capture.Source
		for k := range min(left, roomSeats) {
			room = append(room, player.PCM(sounds[k]))
		}
		rooms = append(rooms, room)
	}
	return holdHearings(ctx, a, ref, 1, rooms, func(ctx context.Context) error {
		if err := pauseFor(ctx, loadWarm); err != nil {
			return err
		}
		began := time.Now()
		before, _ := cpuTime(self)
		if err := pauseFor(ctx, length); err != nil {
			return err
		}
		after, _ := cpuTime(self)
		f[fmt.Sprintf("cpu_%d_channels", n)] = (after - before).Seconds() / time.Since(began).Seconds() / float64(runtime.NumCPU())
		if rss, ok := residentMB(self, "VmRSS"); ok {
			f[fmt.Sprintf("rss_%d_channels_mb", n)] = rss
		}
		return nil
	})
}

// holdHearings holds one hearing in each courtroom, whose seats hear the sources,
// everything in this process, until measure returns. The engine answers at once and
// without a thought; what it takes to receive a clip is in the figures.
func holdHearings(ctx context.Context, a *app, ref *hearing.Hearing, pace float64, rooms [][]capture.Source, measure func(context.Context) error) error {
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
	b.config.ASR.URL, b.config.ASR.Engines, b.config.Capture.Pace = url, nil, pace
	b.config.Courtrooms = nil
	for i, sources := range rooms {
		room := CourtroomConfig{ID: fmt.Sprint(i + 1), Name: fmt.Sprint(i + 1)}
		for k := range sources {
			room.Seats = append(room.Seats, SeatConfig{Channel: fmt.Sprint("seat", k+1), Role: "证人"})
		}
		b.config.Courtrooms = append(b.config.Courtrooms, room)
	}
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
	for i, room := range b.config.Courtrooms {
		r := b
		r.config.Data = filepath.Join(dir, "room"+room.ID)
		var seats []capture.SeatSource
		for k, seat := range room.Seats {
			seats = append(seats, capture.SeatSource{Channel: seat.Channel, Role: seat.Role, Source: rooms[i][k]})
		}
		if err := r.startCapture(s, log, room.ID, seats, nil); err != nil {
			return err
		}
		if err := openSampleIn(ctx, server.docket, ref, room.ID); err != nil {
			return err
		}
	}
	s.Go("measure", func(ctx context.Context) error {
		if err := measure(ctx); err != nil {
			return err
		}
		return errFinished
	})
	if err := s.Wait(ctx); !errors.Is(err, errFinished) {
		return err
	}
	return nil
}

// thoughtless runs an engine that answers every clip with the same word.
func thoughtless(s *stack) (url string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("engine of the bench: %w", err)
	}
	engine := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"text":"是","words":[{"word":"是","start":0.3,"end":0.5}]}`)
	})}
	s.Close("engine", engine.Close)
	go engine.Serve(listener)
	return "http://" + listener.Addr().String() + "/v1", nil
}

// seatSounds are the recordings of a hearing for so many seats: where there are
// more, they begin elsewhere, so that no two seats hear the same; those are shorter by
// what they leave out, as a copy would count as the pipeline's memory.
func seatSounds(ref *hearing.Hearing, seats int) (sounds [][]int16) {
	for k := range seats {
		pcm := ref.Recordings[k%len(ref.Recordings)].PCM
		at := k / len(ref.Recordings) * len(pcm) / 3
		sounds = append(sounds, pcm[at:])
	}
	return sounds
}

func pauseFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
