package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Somebody who speaks has the machine for most of the time; when nobody does,
// the index does not wait.
func TestIndexMakesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{}
		work := newSteps(s)
		rested := func(ctx context.Context, worked time.Duration) time.Duration {
			time.Sleep(worked)
			began := time.Now()
			work.rest(ctx)
			return time.Since(began)
		}
		if d := rested(t.Context(), time.Second); d != 0 {
			t.Errorf("nobody speaks: rested %v", d)
		}
		s.index.changed.Store(time.Now().UnixNano())
		if d := rested(t.Context(), 10*time.Millisecond); d != restFor*10*time.Millisecond {
			t.Errorf("after 10 ms: rested %v", d)
		}
		if d := rested(t.Context(), time.Millisecond); d != 0 {
			t.Errorf("after a millisecond: rested %v", d)
		}
		if d := rested(t.Context(), time.Millisecond); d != restFor*2*time.Millisecond {
			t.Errorf("after another one: rested %v", d)
		}
		if d := rested(t.Context(), 20*time.Second); d != longestRest {
			t.Errorf("after 20 s: rested %v", d)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if d := rested(ended, 20*time.Millisecond); d != 0 {
			t.Errorf("at the end: rested %v", d)
		}
		time.Sleep(MakeWay)
		if d := rested(t.Context(), time.Second); d != 0 {
			t.Errorf("long after: rested %v", d)
		}
	})
}
