package asr

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// flaky is a server that takes a while and can be broken.
type flaky struct {
	name   string
	takes  time.Duration
	broken atomic.Pointer[error]
	asked  atomic.Int64
	now    atomic.Int64
	most   atomic.Int64
	checks atomic.Int64
}

func (f *flaky) Recognize(ctx context.Context, _ Clip) (Hypothesis, error) {
	f.asked.Add(1)
	if n := f.now.Add(1); n > f.most.Load() {
		f.most.Store(n)
	}
	defer f.now.Add(-1)
	select {
	case <-time.After(f.takes):
	case <-ctx.Done():
		return Hypothesis{}, ctx.Err()
	}
	if err := f.broken.Load(); err != nil {
		return Hypothesis{}, *err
	}
	return Hypothesis{Text: f.name, Engine: f.name}, nil
}

func (f *flaky) Check(context.Context) error {
	f.checks.Add(1)
	if err := f.broken.Load(); err != nil {
		return *err
	}
	return nil
}

func (f *flaky) fail(err error) { f.broken.Store(&err) }

// pool makes a pool in a bubble, with its probes.
func pool(t *testing.T, test func(t *testing.T, p *Pool), servers ...Server) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(servers, discard)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		test(t, p)
		cancel()
		<-done
	})
}

// ask puts n questions at once and counts who answered.
func askAll(p *Pool, n int) map[string]int {
	var mu sync.Mutex
	var asking sync.WaitGroup
	got := map[string]int{}
	for range n {
		asking.Go(func() {
			h, err := p.Recognize(context.Background(), Clip{})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				h.Engine = fmt.Sprintf("%T", err)
			}
			got[h.Engine]++
		})
	}
	asking.Wait()
	return got
}

func TestPoolWeights(t *testing.T) {
	a, b := &flaky{name: "a", takes: 100 * time.Millisecond}, &flaky{name: "b", takes: 100 * time.Millisecond}
	pool(t, func(t *testing.T, p *Pool) {
		if got := askAll(p, 8); got["a"] != 6 || got["b"] != 2 { // in the ratio of the weights
			t.Errorf("%v", got)
		}
		began := time.Now()
		if got := askAll(p, 64); got["a"]+got["b"] != 64 || a.most.Load() > 12 || b.most.Load() > 4 {
			t.Errorf("%v, at most %d and %d at a time", got, a.most.Load(), b.most.Load())
		}
		if took := time.Since(began); took != 400*time.Millisecond { // 64 over 16 places
			t.Errorf("took %v", took)
		}
	}, Server{"a", a, 3, 12}, Server{"b", b, 1, 4})
}

// TestPoolFailover: a server dies in mid-hearing; no question is lost or late,
// and it is taken back once it works.
func TestPoolFailover(t *testing.T) {
	for _, broken := range []error{errors.New("connection refused"), &UnavailableError{"a", "wrong key"}, &RetryError{"a", "500", 0}} {
		a, b := &flaky{name: "a", takes: 10 * time.Millisecond}, &flaky{name: "b", takes: 10 * time.Millisecond}
		pool(t, func(t *testing.T, p *Pool) {
			a.fail(broken)
			for range 20 {
				if got := askAll(p, 4); got["b"] != 4 {
					t.Errorf("%v: %v", broken, got)
				}
			}
			if n := a.asked.Load(); n > 6 {
				t.Errorf("%v: asked %d times although it fails", broken, n)
			}
			if alarms := p.Alarms(); len(alarms) != 1 || alarms[0].Code != "engine-failing" {
				t.Errorf("%v: alarms %+v", broken, alarms)
			}
			time.Sleep(time.Minute)
			if a.checks.Load() < 10 || a.asked.Load() > 6 {
				t.Errorf("%v: %d probes, asked %d times", broken, a.checks.Load(), a.asked.Load())
			}
			a.broken.Store(nil)
			time.Sleep(2 * probeEvery)
			if got := askAll(p, 1); got["a"]+got["b"] != 1 {
				t.Errorf("%v", got)
			}
			askAll(p, 4)
			if got := askAll(p, 8); got["a"] == 0 || len(p.Alarms()) != 0 {
				t.Errorf("%v: not taken back: %v, %+v", broken, got, p.Alarms())
			}
		}, Server{"a", a, 1, 4}, Server{"b", b, 1, 4})
	}
}

func TestPoolAllFail(t *testing.T) {
	a, b := &flaky{name: "a"}, &flaky{name: "b"}
	pool(t, func(t *testing.T, p *Pool) {
		a.fail(&UnavailableError{"a", "wrong key"})
		b.fail(errors.New("gone"))
		for range 5 {
			_, err := p.Recognize(t.Context(), Clip{})
			var retry *RetryError
			if !errors.As(err, &retry) {
				t.Errorf("%v", err)
			}
		}
		b.fail(&UnavailableError{"b", "wrong key"})
		time.Sleep(2 * lastRest)
		p.Recognize(t.Context(), Clip{})
		_, err := p.Recognize(t.Context(), Clip{})
		var unavailable *UnavailableError
		if !errors.As(err, &unavailable) || p.Check(t.Context()) == nil {
			t.Errorf("%v", err)
		}
	}, Server{"a", a, 1, 1}, Server{"b", b, 1, 1})
}

// TestPoolAnswers: a refused clip is an answer; who says when to come again is
// not broken; a question that is given up harms nobody.
func TestPoolAnswers(t *testing.T) {
	a, b := &flaky{name: "a", takes: time.Second}, &flaky{name: "b", takes: time.Second}
	pool(t, func(t *testing.T, p *Pool) {
		a.fail(&RejectedError{"a", "too short"})
		var rejected *RejectedError
		for range failuresOpen + 2 {
			if _, err := p.Recognize(t.Context(), Clip{}); !errors.As(err, &rejected) {
				t.Fatal(err)
			}
		}
		a.fail(&RetryError{"a", "busy", 10 * time.Second})
		before := a.asked.Load()
		for range 4 {
			if got := askAll(p, 1); got["b"] != 1 {
				t.Errorf("%v", got)
			}
		}
		if a.asked.Load() != before+1 || len(p.Alarms()) != 0 {
			t.Errorf("asked %d times within its pause", a.asked.Load()-before)
		}
		time.Sleep(10 * time.Second)
		a.broken.Store(nil)
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if _, err := p.Recognize(ctx, Clip{}); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
		}
		if got := askAll(p, 2); got["a"] != 1 || got["b"] != 1 {
			t.Errorf("%v", got)
		}
	}, Server{"a", a, 2, 1}, Server{"b", b, 1, 1})
}

// TestPoolGivenUp: questions that are given up, before they are asked or while
// they are, leave their places to others.
func TestPoolGivenUp(t *testing.T) {
	a, b := &flaky{name: "a", takes: 100 * time.Millisecond}, &flaky{name: "b", takes: 100 * time.Millisecond}
	pool(t, func(t *testing.T, p *Pool) {
		for i := range 20 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%4)*40*time.Millisecond)
			if i%4 == 0 {
				cancel()
			}
			if _, err := p.Recognize(ctx, Clip{}); (err == nil) != (i%4 == 3) {
				t.Errorf("question %d: %v", i, err)
			}
			cancel()
		}
		began := time.Now()
		if got := askAll(p, 4); got["a"] != 2 || got["b"] != 2 || time.Since(began) != 100*time.Millisecond {
			t.Errorf("%v after %v", got, time.Since(began))
		}
	}, Server{"a", a, 1, 2}, Server{"b", b, 1, 2})
}
