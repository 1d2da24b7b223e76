package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"tingji/asr"
	"tingji/asr/funasr"
	"tingji/asr/openai"
	"tingji/capture"
	"tingji/store/kafka"
)

type asrCmd struct {
	joints
}

func (asrCmd) Help() string {
	return "Finds speech in audio.v1, asks the engine for its words, publishes them in segments.v1. Start more workers to share the courtrooms.\n\n" +
		"Example:\n  tingji asr --kafka kafka1:9092 --asr-url http://127.0.0.1:8000/v1"
}

func (c asrCmd) Run(ctx context.Context, a *app) error {
	if len(a.config.Kafka.Brokers) == 0 {
		return misuse("asr needs the broker that the courtrooms send to: set --kafka")
	}
	if a.config.ASR.URL == "" {
		return misuse("asr needs an engine: set --asr-url to the base URL of an OpenAI-compatible speech server, ending in /v1")
	}
	s := newStack(a.log)
	defer s.Stop()
	log, err := a.openLog(s)
	if err != nil {
		return err
	}
	s.Go("topics", log.ensure)
	engine, err := a.engine("")
	if err != nil {
		return err
	}
	a.startWorker(s, log, engine, workerMode{})
	return s.Wait(ctx)
}

// recogniser is an engine, or several as one.
type recogniser interface {
	asr.Recognizer
	Check(ctx context.Context) error
	Close()
}

// engine makes the configured recogniser. name is what segments call it; empty
// is the server's address, or those of several servers.
func (a *app) engine(name string) (recogniser, error) {
	c := a.config.ASR
	one := EngineConfig{Name: name, URL: c.URL, APIKey: c.APIKey, Model: c.Model, Language: c.Language, Timeout: c.Timeout}
	if name != "" || len(c.Engines) == 0 {
		return a.oneEngine(one)
	}
	var servers []asr.Server
	for _, e := range c.Engines {
		engine, err := a.oneEngine(e)
		if err != nil {
			return nil, err
		}
		servers = append(servers, asr.Server{Name: cmp.Or(e.Name, e.URL), Recognizer: engine, Weight: e.Weight, Parallel: e.Parallel})
	}
	return asr.NewPool(servers, a.log), nil
}

func (a *app) oneEngine(e EngineConfig) (recogniser, error) {
	if e.native() {
		engine, err := funasr.New(funasr.Config{
			URL: e.URL, APIKey: e.APIKey, Name: e.Name, Language: e.Language, Timeout: time.Duration(e.Timeout),
		})
		if err != nil {
			return nil, usageError{err}
		}
		return engine, nil
	}
	engine, err := openai.New(openai.Config{
		BaseURL: e.URL, APIKey: e.APIKey, Name: e.Name, Server: e.Server,
		Model: e.Model, Language: e.Language, Timeout: time.Duration(e.Timeout),
	}, a.log)
	if err != nil {
		return nil, usageError{err}
	}
	return engine, nil
}

// workerMode is how a worker of this process works.
type workerMode struct {
	giveUp     time.Duration // after so long without any answer it fails; 0: never
	finalsOnly bool          // nobody watches
}

// startWorker runs a worker.
func (a *app) startWorker(s *stack, log *courtLog, engine asr.Recognizer, mode workerMode) {
	states := newWorkerStates(log)
	parallel := a.config.ASR.Parallel
	if pool, ok := engine.(*asr.Pool); ok {
		parallel = pool.Parallel()
		s.Go("engines", pool.Run)
	}
	worker := asr.NewWorker(asr.Config{
		Instance: instance(), Parallel: parallel, GiveUp: mode.giveUp, FinalsOnly: mode.finalsOnly,
		Pauses: a.pauses(capture.Hearing{}, ""), SeatPauses: a.pauses,
	}, asr.Log{
		Group: states, Audio: workerAudio{log}, Segments: states,
		Positions: states, Hearings: states, Health: healthLog{log},
	}, engine, a.log)
	s.Go("positions", states.positions.Run)
	s.Go("worker's hearings", states.hearings.Run)
	s.Go("worker", worker.Run)
}

// pauses are those of a seat in the present phase of its hearing, as they are
// configured here. Where both have their own, the longer silence ends an utterance.
func (a *app) pauses(h capture.Hearing, channel string) asr.Pauses {
	var own, phases Duration
	room, _ := courtrooms(a.config.Courtrooms).find(h.Courtroom)
	for _, seat := range room.Seats {
		if seat.Channel == channel {
			own = seat.EndSilence
		}
	}
	present := presentPhase(h)
	for _, phase := range a.config.ASR.Phases {
		if phase.Name == present {
			phases = phase.EndSilence
		}
	}
	end := cmp.Or(max(own, phases), a.config.ASR.EndSilence)
	return asr.Pauses{End: time.Duration(end), Detector: asr.Detector(a.config.ASR.Detector)}
}

// presentPhase is the phase that the clerk has confirmed last; empty before the first.
func presentPhase(h capture.Hearing) string {
	var newest capture.PhaseMark
	for _, m := range h.Phases {
		if m.Phase != "" && !m.At.Before(newest.At) {
			newest = m
		}
	}
	return newest.Phase
}

// instance names this process among those of its kind: its host, its number, and
// letters of chance, as PCs that were copied from one disk are called the same, and
// number their processes alike.
var instance = sync.OnceValue(func() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:4]))
})

// healthLog carries signs of life to the record server.
type healthLog struct{ *courtLog }

// ReportHealth implements [asr.HealthReporter] and [capture.Reporter].
func (l healthLog) ReportHealth(ctx context.Context, h capture.Health) error {
	return l.PublishHealth(ctx, h)
}

// workerAudio is audio.v1 as a worker reads it.
type workerAudio struct{ *courtLog }

// Chunks implements [asr.Audio].
func (l workerAudio) Chunks(partition int, from int64) asr.ChunkReader {
	if from < 0 {
		from = kafka.First
	}
	return chunkReader{l.client.Reader(kafka.TopicAudio, partition, from)}
}

// SetAside implements [asr.Audio]. The archive reads the same messages and puts
// aside what cannot be read; twice would only be noise.
func (l workerAudio) SetAside(context.Context, int, asr.ChunkMessage, string) error { return nil }

type chunkReader struct{ *kafka.Reader }

// Next implements [asr.ChunkReader].
func (r chunkReader) Next(ctx context.Context) ([]asr.ChunkMessage, error) {
	records, err := r.Reader.Next(ctx)
	var gone *kafka.OffsetError
	for errors.As(err, &gone) {
		r.SeekTo(kafka.First)
		records, err = r.Reader.Next(ctx)
	}
	if err != nil {
		return nil, err
	}
	messages := make([]asr.ChunkMessage, len(records))
	for i, record := range records {
		m := &messages[i]
		m.Offset, m.Raw = record.Offset, message(record)
		m.Chunk, m.Err = capture.ParseChunk(m.Raw)
	}
	return messages, nil
}

// workerStates is what a worker follows: positions.v1 and hearings.v1. It also
// carries the worker's messages. Safe for several goroutines.
type workerStates struct {
	*courtLog
	positions, hearings *kafka.Table

	mu      sync.Mutex
	at      map[string]asr.ChannelState
	going   map[string]asr.ChannelState // those of at that have not ended
	known   map[string]capture.Hearing
	changed chan struct{}
}

func newWorkerStates(log *courtLog) *workerStates {
	s := &workerStates{
		courtLog: log, changed: make(chan struct{}),
		at: map[string]asr.ChannelState{}, going: map[string]asr.ChannelState{}, known: map[string]capture.Hearing{},
	}
	s.positions = log.client.Table(kafka.TopicPositions, s.position)
	s.hearings = log.client.Table(kafka.TopicHearings, func(r kafka.Record) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var h capture.Hearing
		if r.Value == nil {
			delete(s.known, string(r.Key))
		} else if decode(r.Value, &h) == nil {
			s.known[h.ID] = h
		}
	})
	return s
}

// position takes what positions.v1 says of a channel.
func (s *workerStates) position(r kafka.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := string(r.Key)
	var state asr.ChannelState
	if r.Value == nil {
		delete(s.at, key)
		delete(s.going, key)
	} else if decode(r.Value, &state) == nil {
		s.at[key], s.going[key] = state, state
		if state.Position.Ended {
			delete(s.going, key)
		}
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// Join implements [asr.Group]. A generation begins only when the positions are
// known that its predecessors have left.
func (s *workerStates) Join(ctx context.Context, work func(context.Context, []asr.Assignment) error) error {
	if err := s.hearings.Wait(ctx); err != nil {
		return err
	}
	if err := s.positions.Wait(ctx); err != nil {
		return err
	}
	return s.client.Join(ctx, "tingji-asr", kafka.TopicAudio, func(ctx context.Context, g *kafka.Generation) error {
		given := make([]asr.Assignment, len(g.Partitions))
		for i, p := range g.Partitions {
			given[i] = asr.Assignment{
				Partition: p, Hint: g.Hints[p],
				Commit: func(next int64) error { return g.Commit(p, next) },
			}
		}
		return work(ctx, given)
	})
}

// Publish implements [asr.SegmentWriter].
func (s *workerStates) Publish(ctx context.Context, partition int, segments []asr.Segment) error {
	records := make([]kafka.Record, len(segments))
	for i, seg := range segments {
		data, err := json.Marshal(seg)
		if err != nil {
			return fmt.Errorf("encode segment %s: %w", seg.ID, err)
		}
		records[i] = kafka.Record{Key: []byte(capture.Key(seg.Hearing, seg.Channel)), Value: data}
	}
	_, err := s.client.Produce(ctx, kafka.TopicSegments, partition, records)
	return err
}

// Position implements [asr.Positions].
func (s *workerStates) Position(hearing, channel string) (asr.ChannelState, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, ok := s.at[capture.Key(hearing, channel)]
	return state, ok
}

// In implements [asr.Positions]. Workers ask several times a second, and the topic
// keeps the channels of years.
func (s *workerStates) In(partition int) []asr.ChannelState {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []asr.ChannelState
	for _, state := range s.going {
		if h, ok := s.known[state.Hearing]; ok && s.rooms.Of(h.Courtroom) == partition {
			list = append(list, state)
		}
	}
	return list
}

// Changed implements [asr.Positions].
func (s *workerStates) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Hearing implements [asr.Hearings].
func (s *workerStates) Hearing(id string) (capture.Hearing, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.known[id]
	return h, ok
}
