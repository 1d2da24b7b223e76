package asr

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// trouble is a recogniser that fails at random, and takes its time.
func trouble(r *rand.Rand) scripted {
	var mu sync.Mutex
	return scripted{answer: func(ctx context.Context, clip Clip) (Hypothesis, error) {
		mu.Lock()
		n, wait := r.IntN(10), time.Duration(r.IntN(800))*time.Millisecond
		mu.Unlock()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return Hypothesis{}, ctx.Err()
		}
		switch n {
		case 0:
			return Hypothesis{}, &RetryError{Engine: "e", Reason: "busy", After: wait}
		case 1:
			return Hypothesis{}, errors.New("something else")
		case 2:
			return Hypothesis{}, &UnavailableError{Engine: "e", Reason: "wrong key"}
		}
		return Hypothesis{}, nil
	}}
}

// TestKilledWorkers: whatever dies when, the store has what it would have had.
func TestKilledWorkers(t *testing.T) {
	const channels = 3
	kills := 0
	for seed := range uint64(6) {
		chunks := courtroom(seed, channels, 80)
		if seed >= 3 {
			chunks = bleeding(seed, channels, 80, -18)
		}
		want := undisturbed(t, chunks, channels)
		if lent := strings.Count(fmt.Sprint(want), `"crosstalk":`); lent > 0 != (seed >= 3) {
			t.Errorf("%d utterances with crosstalk", lent)
		}
		bubble(t, func(t *testing.T, l *fakeLog) {
			random := func(ms int) func() time.Duration {
				var mu sync.Mutex
				r := rand.New(rand.NewPCG(seed, 5))
				return func() time.Duration {
					mu.Lock()
					defer mu.Unlock()
					return time.Duration(r.IntN(ms)) * time.Millisecond
				}
			}
			l.lag, l.slow = random(300), random(50)
			go func() {
				r := rand.New(rand.NewPCG(seed, 4))
				for len(chunks) > 0 {
					n := min(1+r.IntN(150), len(chunks))
					l.send(chunks[:n]...)
					chunks = chunks[n:]
					time.Sleep(500 * time.Millisecond)
				}
			}()
			r := rand.New(rand.NewPCG(seed, 10))
			for began := time.Now(); !l.done(channels); kills++ {
				if time.Since(began) > time.Hour {
					t.Fatal("no end")
				}
				_, stop := start(t, l, trouble(rand.New(rand.NewPCG(seed, r.Uint64()))))
				time.Sleep(time.Duration(300+r.IntN(5000)) * time.Millisecond)
				stop()
			}
			same(t, l.record(), want)
		})
	}
	if kills < 25 {
		t.Errorf("only %d kills", kills)
	}
}

// TestZombies: two workers believe that the partition is theirs.
func TestZombies(t *testing.T) {
	const channels = 3
	for seed := range uint64(4) {
		chunks := courtroom(seed, channels, 80)
		want := undisturbed(t, chunks, channels)
		bubble(t, func(t *testing.T, l *fakeLog) {
			var mu sync.Mutex
			r := rand.New(rand.NewPCG(seed, 6))
			l.slow = func() time.Duration {
				mu.Lock()
				defer mu.Unlock()
				if r.IntN(10) == 0 {
					return time.Duration(r.IntN(5000)) * time.Millisecond // it stalls
				}
				return time.Duration(r.IntN(20)) * time.Millisecond
			}
			l.send(chunks...)
			_, stopA := start(t, l, trouble(rand.New(rand.NewPCG(seed, 7))))
			_, stopB := start(t, l, trouble(rand.New(rand.NewPCG(seed, 8))))
			waitFor(t, "end", time.Hour, func() bool { return l.done(channels) })
			stopA()
			stopB()
			same(t, l.record(), want)
		})
	}
}

// TestSentAgain: a courtroom and its workers die again and again, and what was not
// confirmed is sent again, long after it was heard: each voice stays where it was.
func TestSentAgain(t *testing.T) {
	const channels = 3
	for seed := range uint64(4) {
		chunks := bleeding(seed, channels, 80, -18)
		want := undisturbed(t, chunks, channels)
		bubble(t, func(t *testing.T, l *fakeLog) {
			r := rand.New(rand.NewPCG(seed, 12))
			for sent := 0; sent < len(chunks); {
				_, stop := start(t, l, scripted{})
				for range 2 {
					n := min(sent+r.IntN(250), len(chunks))
					l.send(chunks[max(0, sent-r.IntN(750)):n]...)
					sent = n
					time.Sleep(time.Duration(r.IntN(1000)) * time.Millisecond)
				}
				stop()
			}
			_, stop := start(t, l, scripted{})
			waitFor(t, "end", time.Hour, func() bool { return l.done(channels) })
			stop()
			same(t, l.record(), want)
		})
	}
}
