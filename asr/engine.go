package asr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tingji/capture"
)

const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 5 * time.Second
	// unavailableRetry is how often a refusing engine is asked again: somebody
	// may have mended it.
	unavailableRetry = 5 * time.Second
	// silentAfter is how long an engine may take over one utterance until people
	// hear of it; how long it may take in the end is its adapter's deadline.
	silentAfter = 15 * time.Second
	// unreachableAfter is how long an engine may fail before people hear of it.
	unreachableAfter = 3 * time.Second
)

// engine asks the recogniser, a bounded number of questions at a time. Finals
// go before partials: these take only a place that nobody waits for, and lose
// it to a final. Of the finals, what is being said now goes before what is caught
// up with, and each hearing has its turn. Safe for several goroutines.
type engine struct {
	recognizer Recognizer
	giveUp     time.Duration // 0: never
	log        *slog.Logger
	failed     func(error) // called once, when the engine is given up

	mu       sync.Mutex
	free     int
	finals   int     // being asked or waiting
	waiting  []*turn // finals, in order
	partials map[*ticket]struct{}
	serving  map[string]int    // finals under way, by hearing
	served   map[string]uint64 // when a hearing last had its turn, as turns are counted
	turns    uint64

	asked        map[*time.Time]struct{} // when each final under way was sent
	failingSince time.Time               // since when it has owed us an answer; zero while it answers
	reason       error                   // why it fails
	alarmed      bool
}

// turn is a final that waits for a place.
type turn struct {
	come    chan struct{} // closed when it has
	hearing string
	late    bool // it is caught up with: nobody waits for it on a page
}

// ticket is a partial's place at the engine.
type ticket struct {
	cancel context.CancelFunc
	kept   *time.Time // a final's by now: when it was asked
}

func newEngine(r Recognizer, parallel int, giveUp time.Duration, log *slog.Logger, failed func(error)) *engine {
	return &engine{recognizer: r, giveUp: giveUp, log: log, failed: failed, free: parallel,
		partials: map[*ticket]struct{}{}, asked: map[*time.Time]struct{}{}, serving: map[string]int{}, served: map[string]uint64{}}
}

// enter waits for a place, which has to be left.
func (e *engine) enter(ctx context.Context, hearing string, late bool) error {
	e.mu.Lock()
	if e.free > 0 {
		e.free--
		e.serve(hearing)
		e.mu.Unlock()
		return nil
	}
	t := &turn{make(chan struct{}), hearing, late}
	e.waiting = append(e.waiting, t)
	for t := range e.partials {
		delete(e.partials, t)
		t.cancel()
		break // one place is enough
	}
	e.mu.Unlock()
	select {
	case <-t.come:
		return nil
	case <-ctx.Done():
	}
	e.mu.Lock()
	i := slices.Index(e.waiting, t)
	if i >= 0 {
		e.waiting = slices.Delete(e.waiting, i, i+1)
	}
	e.mu.Unlock()
	if i < 0 { // it was our turn already
		e.leave(hearing)
	}
	return ctx.Err()
}

// serve notes that a hearing has its turn. The lock is held.
func (e *engine) serve(hearing string) {
	e.turns++
	e.serving[hearing]++
	e.served[hearing] = e.turns
}

// next is whose turn it is: those who are heard now first, then the hearing that
// has the fewest questions under way, then the one that has waited longest.
// The lock is held.
func (e *engine) next() (best int) {
	for i, t := range e.waiting {
		b := e.waiting[best]
		switch {
		case t.late != b.late:
			if b.late {
				best = i
			}
		case e.serving[t.hearing] != e.serving[b.hearing]:
			if e.serving[t.hearing] < e.serving[b.hearing] {
				best = i
			}
		case e.served[t.hearing] < e.served[b.hearing]:
			best = i
		}
	}
	return best
}

// tryEnter takes a place for a partial, which must call leavePartial. The
// context ends when a final needs the place.
func (e *engine) tryEnter(ctx context.Context) (context.Context, *ticket, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.free == 0 || !e.failingSince.IsZero() {
		return nil, nil, false
	}
	e.free--
	ctx, cancel := context.WithCancel(ctx)
	t := &ticket{cancel: cancel}
	e.partials[t] = struct{}{}
	return ctx, t, true
}

// keep makes a partial's question a final's, which nobody takes the place of; false
// where it has lost its place already.
func (e *engine) keep(t *ticket) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.partials[t]; !ok {
		return false
	}
	delete(e.partials, t)
	now := time.Now()
	t.kept = &now
	e.asked[t.kept] = struct{}{}
	e.finals++
	return true
}

// leavePartial gives a place back, with how the engine answered.
func (e *engine) leavePartial(ctx context.Context, t *ticket, err error) {
	e.mu.Lock()
	delete(e.partials, t)
	kept := t.kept
	e.mu.Unlock()
	if kept != nil {
		e.observe(ctx, kept, err)
		e.count(-1)
	}
	t.cancel()
	e.leave("")
}

// leave gives a hearing's place back.
func (e *engine) leave(hearing string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.serving[hearing]--; e.serving[hearing] <= 0 {
		delete(e.serving, hearing)
	}
	e.free++
	if len(e.waiting) == 0 {
		clear(e.served)
		return
	}
	i := e.next()
	t := e.waiting[i]
	e.waiting = slices.Delete(e.waiting, i, i+1)
	e.free--
	e.serve(t.hearing)
	close(t.come)
}

// final decodes a clip, however long it takes. A refused clip is an answer:
// the reason. The only error is ctx's.
func (e *engine) final(ctx context.Context, clip Clip, hearing string, late bool) (h Hypothesis, rejected string, err error) {
	e.count(1)
	defer e.count(-1)
	pause := firstRetry
	for {
		if err := e.enter(ctx, hearing, late); err != nil {
			return h, "", err
		}
		began := e.began()
		h, err := e.recognizer.Recognize(ctx, clip)
		e.leave(hearing)
		wait := e.observe(ctx, began, err)
		if ctx.Err() != nil {
			return Hypothesis{}, "", ctx.Err()
		}
		var refused *RejectedError
		switch {
		case errors.As(err, &refused):
			return Hypothesis{Engine: h.Engine, Model: h.Model, Language: h.Language}, refused.Reason, nil
		case err == nil:
			return h, "", nil
		case wait == 0:
			wait = pause
			pause = min(2*pause, lastRetry)
		}
		select {
		case <-ctx.Done():
			return Hypothesis{}, "", ctx.Err()
		case <-time.After(wait):
		}
	}
}

// count follows the number of finals. When none is left, nobody knows any more
// that the engine fails.
func (e *engine) count(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.finals += n; e.finals == 0 {
		e.failingSince, e.reason, e.alarmed = time.Time{}, nil, false
	}
}

func (e *engine) began() *time.Time {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked[&now] = struct{}{}
	return &now
}

// observe takes note of an answer, and says how long the error asks to wait; 0
// where it does not say. A call that we gave up ourselves says nothing.
func (e *engine) observe(ctx context.Context, began *time.Time, err error) (wait time.Duration) {
	var rejected *RejectedError
	var unavailable *UnavailableError
	var retry *RetryError
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.asked, began)
	if ctx.Err() != nil {
		return 0
	}
	if err == nil || errors.As(err, &rejected) {
		if e.alarmed {
			e.log.Info("engine answers again", "after", now.Sub(e.failingSince))
		}
		e.failingSince, e.reason, e.alarmed = time.Time{}, nil, false
		return 0
	}
	if e.failingSince.IsZero() {
		e.failingSince = *began
	}
	e.reason = err
	if errors.As(err, &unavailable) {
		wait = unavailableRetry
	} else if errors.As(err, &retry) {
		wait = retry.After
	}
	failing := now.Sub(e.failingSince)
	if !e.alarmed && (unavailable != nil || failing >= unreachableAfter) {
		e.alarmed = true
		e.log.Warn("engine does not answer; utterances wait", "err", err)
	}
	if e.giveUp > 0 && (unavailable != nil || failing >= e.giveUp) {
		e.failed(err)
	}
	return wait
}

// alarms are what people should know of the engine now.
func (e *engine) alarms() []capture.Alarm {
	e.mu.Lock()
	defer e.mu.Unlock()
	since, reason := e.failingSince, e.reason
	if since.IsZero() {
		for at := range e.asked {
			if time.Since(*at) >= silentAfter && (since.IsZero() || at.Before(since)) {
				since, reason = *at, fmt.Errorf("no answer for more than %v", silentAfter)
			}
		}
	}
	alarm := capture.Alarm{Since: since.UTC()}
	var unavailable *UnavailableError
	switch {
	case since.IsZero():
		return nil
	case errors.As(reason, &unavailable):
		alarm.Code = "engine-unavailable"
		alarm.Text = "语音识别引擎拒绝服务，请技术人员检查配置。"
		alarm.TextEN = "The speech engine refuses to serve; its configuration needs a look."
	case time.Since(since) < unreachableAfter:
		return nil
	default:
		alarm.Code = "engine-unreachable"
		alarm.Text = "语音识别引擎没有应答，正在重试。"
		alarm.TextEN = "The speech engine does not answer; retrying."
	}
	alarm.Text += fmt.Sprintf("录音照常保存，恢复后自动补出文字。原因：%v", reason)
	alarm.TextEN += fmt.Sprintf(" Sound is kept, and becomes text once it answers. Reason: %v", reason)
	return []capture.Alarm{alarm}
}
