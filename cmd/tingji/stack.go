package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// stack runs the parts of the program. Parts start in the order in which they
// are added and end in the reverse: what feeds others ends first, so that
// nothing is on its way when the broker and the store close.
type stack struct {
	log    *slog.Logger
	mu     sync.Mutex
	parts  []*part
	failed chan error // the first failure of a part
}

type part struct {
	name  string
	stop  func() // asks it to end
	ended chan struct{}
}

// stopPatience is how long one part may take to end. What it holds is on disk
// already; a part that does not end is named and left behind.
const stopPatience = 15 * time.Second

func newStack(log *slog.Logger) *stack {
	return &stack{log: log, failed: make(chan error, 1)}
}

// Go runs a part until its context ends. A part that returns sooner has failed
// and ends the program, unless it returns nil.
func (s *stack) Go(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &part{name: name, stop: cancel, ended: make(chan struct{})}
	s.add(p)
	go func() {
		defer close(p.ended)
		err := run(ctx)
		if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return
		}
		s.fail(fmt.Errorf("%s: %w", name, err))
	}()
}

// Close adds something that is closed when everything added later has ended.
func (s *stack) Close(name string, closer func() error) {
	ended := make(chan struct{})
	s.add(&part{name: name, ended: ended, stop: sync.OnceFunc(func() {
		go func() {
			defer close(ended)
			if err := closer(); err != nil {
				s.log.Warn("close", "part", name, "err", err)
			}
		}()
	})})
}

func (s *stack) add(p *part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts = append(s.parts, p)
}

func (s *stack) fail(err error) {
	select {
	case s.failed <- err:
	default: // the first one is the cause
	}
}

// Wait returns when ctx ends (nil) or a part fails.
func (s *stack) Wait(ctx context.Context) error {
	select {
	case err := <-s.failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// Stop ends all parts, the last first, and waits for each.
func (s *stack) Stop() {
	s.mu.Lock()
	parts := s.parts
	s.parts = nil
	s.mu.Unlock()
	for i := len(parts) - 1; i >= 0; i-- {
		p := parts[i]
		p.stop()
		select {
		case <-p.ended:
		case <-time.After(stopPatience):
			s.log.Warn("does not end; left behind", "part", p.name, "after", stopPatience)
		}
	}
}
