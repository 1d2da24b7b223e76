package asr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tingji/capture"
)

const (
	// failuresOpen are the failures in a row after which a server is left alone;
	// for firstRest, and twice as long each time it fails again.
	failuresOpen = 3
	firstRest    = 2 * time.Second
	lastRest     = time.Minute
	probeEvery   = 2 * time.Second
	probeTimeout = 5 * time.Second
)

// Server is one engine of a [Pool].
type Server struct {
	Name string
	Recognizer
	// Weight is its share of the questions, beside the others'; 1 where zero.
	Weight int
	// Parallel bounds the questions it is asked at a time; 1 where zero.
	Parallel int
}

// checker is a recogniser that can be asked whether it works.
type checker interface {
	Check(ctx context.Context) error
}

// Pool spreads questions over several servers. One that fails gets none for a
// while, and its question goes to another at once: the hearing does not notice. A
// refused clip is an answer. It implements Recognizer and is safe for
// use by several goroutines.
type Pool struct {
	log     *slog.Logger
	mu      sync.Mutex
	servers []*pooled
	freed   chan struct{} // closed and replaced when a place may be free
}

// pooled is a server with how it has fared. Its fields belong to the pool's lock.
type pooled struct {
	Server
	asked    int // now
	failures int // in a row
	rest     time.Duration
	until    time.Time // it is left alone
	since    time.Time // of the first failure in a row
	err      error     // the last one; nil while it works
	trying   bool      // one question finds out whether it works again
}

// NewPool makes a pool of at least one server.
func NewPool(servers []Server, log *slog.Logger) *Pool {
	p := &Pool{log: log, freed: make(chan struct{})}
	for _, s := range servers {
		s.Weight, s.Parallel = max(s.Weight, 1), max(s.Parallel, 1)
		p.servers = append(p.servers, &pooled{Server: s})
	}
	return p
}

// Parallel is how many questions all servers together bear at a time.
func (p *Pool) Parallel() (n int) {
	for _, s := range p.servers {
		n += s.Parallel
	}
	return n
}

// Recognize implements Recognizer. It fails when no server is left to ask: with
// an *UnavailableError where all refuse, else with one that is worth trying again.
func (p *Pool) Recognize(ctx context.Context, clip Clip) (Hypothesis, error) {
	tried := map[*pooled]bool{}
	var last error
	for {
		s, err := p.take(ctx, tried)
		if err != nil {
			return Hypothesis{}, err
		}
		if s == nil {
			return Hypothesis{}, p.nobody(last)
		}
		h, err := s.Recognize(ctx, clip)
		var rejected *RejectedError
		if p.give(ctx, s, err); err == nil || ctx.Err() != nil || errors.As(err, &rejected) {
			return h, err
		}
		tried[s], last = true, err
	}
}

// take waits for a place at the server that has the most to spare; nil where all
// that work have been tried.
func (p *Pool) take(ctx context.Context, tried map[*pooled]bool) (*pooled, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err // no place is taken that nobody gives back
		}
		p.mu.Lock()
		now := time.Now()
		var best *pooled
		busy := false
		for _, s := range p.servers {
			if tried[s] || now.Before(s.until) || s.trying {
				continue
			}
			if s.asked >= s.Parallel {
				busy = true
			} else if best == nil || s.asked*best.Weight < best.asked*s.Weight ||
				s.asked*best.Weight == best.asked*s.Weight && s.Weight > best.Weight {
				best = s
			}
		}
		if best != nil {
			best.asked++
			best.trying = best.failures >= failuresOpen
		}
		freed := p.freed
		p.mu.Unlock()
		if best != nil || !busy {
			return best, nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// give notes how a server fared. A question that we gave up ourselves says nothing.
func (p *Pool) give(ctx context.Context, s *pooled, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.asked--
	s.trying = false
	p.tell()
	if ctx.Err() == nil {
		p.note(s, err)
	}
}

func (p *Pool) tell() {
	close(p.freed)
	p.freed = make(chan struct{})
}

// note opens and closes the circuit. The lock is held.
func (p *Pool) note(s *pooled, err error) {
	var rejected *RejectedError
	var unavailable *UnavailableError
	var retry *RetryError
	now := time.Now()
	if err == nil || errors.As(err, &rejected) {
		if s.failures >= failuresOpen {
			p.log.Info("engine works again", "engine", s.Name, "after", now.Sub(s.since))
		}
		s.failures, s.rest, s.err, s.until = 0, 0, nil, time.Time{}
		return
	}
	if errors.As(err, &retry) && retry.After > 0 {
		// It is well, and has said when to come again.
		s.until = now.Add(retry.After)
		return
	}
	if s.failures == 0 {
		s.since = now
	}
	s.err = err
	s.failures++
	if errors.As(err, &unavailable) {
		s.failures = max(s.failures, failuresOpen)
	}
	if s.failures < failuresOpen {
		return
	}
	if s.rest == 0 {
		p.log.Warn("engine fails; others take its place", "engine", s.Name, "err", err)
	}
	s.rest = min(max(2*s.rest, firstRest), lastRest)
	s.until = now.Add(s.rest)
}

// nobody is the error when no server can be asked.
func (p *Pool) nobody(last error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	refused := 0
	for _, s := range p.servers {
		var unavailable *UnavailableError
		if errors.As(s.err, &unavailable) {
			refused++
		}
		if last == nil {
			last = s.err
		}
	}
	reason := "all are busy"
	if last != nil {
		reason = last.Error()
	}
	if refused == len(p.servers) {
		return &UnavailableError{Engine: fmt.Sprintf("none of %d engines", len(p.servers)), Reason: reason}
	}
	return &RetryError{Engine: fmt.Sprintf("none of %d engines answers", len(p.servers)), Reason: reason}
}

// Run probes the servers that fail until ctx ends, so that they are known to
// work again before a hearing depends on it. A pool works without it, too.
func (p *Pool) Run(ctx context.Context) error {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		var probing sync.WaitGroup
		for _, s := range p.servers {
			p.mu.Lock()
			c, ok := s.Recognizer.(checker)
			ok = ok && s.failures >= failuresOpen && !s.trying
			p.mu.Unlock()
			if ok {
				probing.Go(func() {
					ctx, cancel := context.WithTimeout(ctx, probeTimeout)
					defer cancel()
					if c.Check(ctx) == nil {
						p.mu.Lock()
						s.until = time.Time{} // the next question is its trial
						p.tell()
						p.mu.Unlock()
					}
				})
			}
		}
		probing.Wait()
	}
}

// Check is nil when at least one server works.
func (p *Pool) Check(ctx context.Context) error {
	var last error
	for _, s := range p.servers {
		c, ok := s.Recognizer.(checker)
		if !ok {
			return nil
		}
		if last = c.Check(ctx); last == nil {
			return nil
		}
	}
	return last
}

// Close closes the servers that have something to close.
func (p *Pool) Close() {
	for _, s := range p.servers {
		if c, ok := s.Recognizer.(interface{ Close() }); ok {
			c.Close()
		}
	}
}

// Alarms name the servers that fail while others work.
func (p *Pool) Alarms() (list []capture.Alarm) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.servers {
		if s.failures >= failuresOpen {
			list = append(list, capture.Alarm{
				Code: "engine-failing", Since: s.since.UTC(),
				Text:   fmt.Sprintf("语音识别引擎 %s 出现故障，由其他引擎代替，请技术人员检查。原因：%v", s.Name, s.err),
				TextEN: fmt.Sprintf("Speech engine %s fails; others take its place. It needs a look. Reason: %v", s.Name, s.err),
			})
		}
	}
	if len(list) == len(p.servers) {
		return nil // the worker's own alarm says that there is none
	}
	return list
}
