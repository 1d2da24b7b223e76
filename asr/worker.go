package asr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tingji/capture"
)

// Config says how a worker works. The zero value works.
type Config struct {
	Instance string // who this is, in health: host and process
	Parallel int    // questions to the engine at a time; 2 where zero
	Pauses   Pauses
	// SeatPauses, where it is set, says what is different for a seat, and in a phase of
	// the hearing: End is looked up anew for each utterance.
	SeatPauses func(h capture.Hearing, channel string) Pauses
	// FinalsOnly leaves out partials, for recordings that nobody watches.
	FinalsOnly bool
	// GiveUp ends Run with the engine's error once the engine has failed
	// for that long, or at once when it is unavailable. Zero: utterances wait for ever.
	GiveUp time.Duration
}

// Worker turns chunks of audio.v1 into segments.v1. Run any number of them:
// each courtroom is one worker's at a time, and where two believe it is
// theirs, the store takes one's word.
type Worker struct {
	config Config
	at     Log
	engine *engine
	log    *slog.Logger
	gaps   gaps
	counts counts
	giveUp chan error
}

// NewWorker makes a worker.
func NewWorker(config Config, at Log, recognizer Recognizer, log *slog.Logger) *Worker {
	if config.Parallel <= 0 {
		config.Parallel = 2
	}
	w := &Worker{config: config, at: at, log: log, giveUp: make(chan error, 1)}
	w.engine = newEngine(recognizer, config.Parallel, config.GiveUp, log, func(err error) {
		select {
		case w.giveUp <- err:
		default:
		}
	})
	return w
}

// Run works until ctx ends, and returns its error; or until something fails
// that waiting does not mend. When it returns, all its goroutines have ended.
// What was not acknowledged by then is done again by whoever comes next.
func (w *Worker) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := w.at.Group.Join(ctx, w.generation)
		if err == nil {
			err = errors.New("the group ended")
		}
		return err
	})
	g.Go(func() error {
		select {
		case err := <-w.giveUp:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if w.at.Health != nil {
		g.Go(func() error { return w.report(ctx) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("asr worker: %w", err)
	}
	return nil
}

// generation works on the partitions of one generation.
func (w *Worker) generation(ctx context.Context, assigned []Assignment) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, a := range assigned {
		g.Go(func() error { return newPartition(w, a).run(ctx, a.Hint) })
	}
	return g.Wait()
}

// Alarms are what people should know now: the engine, and channels that
// wait for missing audio. Safe for several goroutines.
func (w *Worker) Alarms() []capture.Alarm {
	alarms := append(w.engine.alarms(), w.gaps.list()...)
	if several, ok := w.engine.recognizer.(interface{ Alarms() []capture.Alarm }); ok {
		alarms = append(alarms, several.Alarms()...)
	}
	return alarms
}

// report gives a sign of life each second. That it cannot be delivered is
// what its silence says.
func (w *Worker) report(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		health := capture.Health{Component: "asr", Instance: w.config.Instance, At: time.Now().UTC(), Alarms: w.Alarms()}
		stopping := ctx.Err() != nil
		sending, cancel := ctx, context.CancelFunc(func() {})
		if stopping {
			health.Stopped = true
			sending, cancel = context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		}
		err := w.at.Health.ReportHealth(sending, health)
		cancel()
		if stopping {
			return ctx.Err()
		}
		if err != nil && ctx.Err() == nil {
			w.log.Debug("health not reported", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// Stats counts what a worker has done since it was made.
type Stats struct {
	Chunks, Repeated, Bad                int64 // messages of audio.v1: taken, known already, unreadable
	Finals, Rejected, Silences, Partials int64 // segments published; Finals includes Rejected
	Crosstalk, Doubtful                  int64 // finals with text that is set aside
	Restarts                             int64 // channels that began again from the store's position
}

// Stats may be called by any goroutine.
func (w *Worker) Stats() Stats {
	c := &w.counts
	return Stats{
		Chunks: c.chunks.Load(), Repeated: c.repeated.Load(), Bad: c.bad.Load(),
		Finals: c.finals.Load(), Rejected: c.rejected.Load(), Silences: c.silences.Load(), Partials: c.partials.Load(),
		Crosstalk: c.lent.Load(), Doubtful: c.doubtful.Load(), Restarts: c.restarts.Load(),
	}
}

type counts struct {
	chunks, repeated, bad                atomic.Int64
	finals, rejected, silences, partials atomic.Int64
	lent, doubtful                       atomic.Int64
	restarts                             atomic.Int64
}

func (c *counts) step(s Segment) {
	if s.Stage == Silence {
		c.silences.Add(1)
		return
	}
	c.finals.Add(1)
	if s.Rejected != "" {
		c.rejected.Add(1)
	}
	if len(s.Crosstalk) > 0 {
		c.lent.Add(1)
	}
	if len(s.Doubtful) > 0 {
		c.doubtful.Add(1)
	}
}

// gaps are the alarms of channels that wait for missing audio. Safe for
// several goroutines.
type gaps struct {
	mu    sync.Mutex
	stand map[gapPlace]capture.Alarm
}

type gapPlace struct {
	partition int
	key       string
}

func (g *gaps) raise(partition int, c *channel, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stand == nil {
		g.stand = map[gapPlace]capture.Alarm{}
	}
	g.stand[gapPlace{partition, c.key()}] = capture.Alarm{
		Code: "audio-missing", Hearing: c.hearing, Channel: c.name, Since: at.UTC(),
		Text:   fmt.Sprintf("席位 %s 缺少第 %d 段录音，该席位的文字暂停，等待法庭电脑补传；其他席位不受影响。请检查法庭电脑和网络。", c.name, c.gap),
		TextEN: fmt.Sprintf("Seat %s: sound chunk %d is missing. Its text waits until the courtroom sends it again; other seats go on. Check the courtroom's PC and network.", c.name, c.gap),
	}
}

func (g *gaps) clear(partition int, c *channel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.stand, gapPlace{partition, c.key()})
}

// forget drops the alarms of a partition that is another worker's now.
func (g *gaps) forget(partition int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for place := range g.stand {
		if place.partition == partition {
			delete(g.stand, place)
		}
	}
}

func (g *gaps) list() []capture.Alarm {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []capture.Alarm
	for _, a := range g.stand {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b capture.Alarm) int {
		return strings.Compare(capture.Key(a.Hearing, a.Channel), capture.Key(b.Hearing, b.Channel))
	})
	return list
}
