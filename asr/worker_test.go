package asr

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"tingji/capture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a test on its own clock, with a log whose store works.
func bubble(t *testing.T, test func(t *testing.T, l *fakeLog)) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLog(t)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { l.store(ctx) })
		test(t, l)
		stop()
		running.Wait()
	})
}

// start runs a worker; the function it returns ends it and gives Run's error.
func start(t *testing.T, l *fakeLog, r Recognizer, change ...func(*Config)) (*Worker, func() error) {
	c := Config{Instance: "test"}
	for _, f := range change {
		f(&c)
	}
	w := NewWorker(c, l.ports(), r, discard)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	var err error
	stop := sync.OnceFunc(func() { cancel(); err = <-done })
	return w, func() error { stop(); return err }
}

// undisturbed is what a single worker without any trouble makes of chunks.
func undisturbed(t *testing.T, chunks []capture.Chunk, channels int) map[string][]string {
	var want map[string][]string
	bubble(t, func(t *testing.T, l *fakeLog) {
		l.send(chunks...)
		_, stop := start(t, l, scripted{})
		waitFor(t, "end", time.Hour, func() bool { return l.done(channels) })
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		want = l.record()
		check(t, l, chunks)
	})
	return want
}

// check holds what was applied to the promises: steps that tile each channel,
// in order, with every sample of the chunks.
func check(t *testing.T, l *fakeLog, chunks []capture.Chunk) {
	t.Helper()
	speech := 0
	for key, segments := range l.applied {
		length := map[uint64]capture.SampleIndex{}
		var epochs []uint64
		for _, c := range chunks {
			if capture.Key(c.Hearing, c.Channel) == key {
				if !slices.Contains(epochs, c.Epoch) {
					epochs = append(epochs, c.Epoch)
				}
				length[c.Epoch] = c.Next()
			}
		}
		var at Position
		for _, s := range segments {
			if !s.Before.Same(at) {
				t.Fatalf("%s: step from %+v after %+v", key, *s.Before, at)
			}
			if s.Epoch != at.Epoch {
				if at.Epoch != 0 && at.Sample != length[at.Epoch] {
					t.Fatalf("%s: epoch %d left at %d of %d", key, at.Epoch, at.Sample, length[at.Epoch])
				}
				if at.Epoch != 0 && slices.Index(epochs, s.Epoch) != slices.Index(epochs, at.Epoch)+1 {
					t.Fatalf("%s: epoch %d after %d", key, s.Epoch, at.Epoch)
				}
			}
			at = *s.After
			if s.Stage == Final {
				speech++
				if len(s.Crosstalk) == 0 && !strings.HasPrefix(s.Text, fmt.Sprint(s.Last-s.First+1, " ")) {
					t.Fatalf("%s: %q for %d samples", key, s.Text, s.Last-s.First+1)
				}
			}
		}
		if last := epochs[len(epochs)-1]; at.Epoch != last || at.Sample != length[last] || !at.Ended {
			t.Fatalf("%s ends at %+v of %d/%d", key, at, last, length[last])
		}
	}
	if speech < 5 {
		t.Fatalf("%d utterances in all", speech)
	}
}

func same(t *testing.T, got, want map[string][]string) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	for key := range want {
		for i := range max(len(got[key]), len(want[key])) {
			var g, w string
			if i < len(got[key]) {
				g = got[key][i]
			}
			if i < len(want[key]) {
				w = want[key][i]
			}
			if g != w {
				t.Fatalf("%s step %d:\n got %s\nwant %s", key, i, g, w)
			}
		}
	}
	t.Fatalf("%d channels, want %d", len(got), len(want))
}

// TestUntidyLog: repeated, reordered, damaged and missing chunks, and hints that are wrong.
func TestUntidyLog(t *testing.T) {
	const channels = 2
	for seed := range uint64(6) {
		chunks := courtroom(seed, channels, 60)
		want := undisturbed(t, chunks, channels)
		bubble(t, func(t *testing.T, l *fakeLog) {
			r := rand.New(rand.NewPCG(seed, 9))
			var late []capture.Chunk
			for i := 0; i < len(chunks); i++ {
				switch r.IntN(20) {
				case 0:
					l.send(chunks[i], chunks[i])
				case 1:
					l.send(chunks[max(0, i-r.IntN(30)) : i+1]...)
				case 2:
					late = append(late, chunks[i])
					if r.IntN(2) == 0 {
						l.sendBad(&capture.ChunkError{Reason: capture.BadChecksum})
					}
				case 3:
					if i+1 < len(chunks) {
						l.send(chunks[i+1], chunks[i])
						i++
						break
					}
					l.send(chunks[i])
				default:
					l.send(chunks[i])
				}
			}
			l.hint = int64(len(l.audio)) / 2 // wrong: nothing has been decided
			w, stop := start(t, l, scripted{})
			time.Sleep(5 * time.Second)
			if len(late) > 0 {
				if alarms := w.Alarms(); len(alarms) == 0 || alarms[0].Code != "audio-missing" || alarms[0].Text == "" || alarms[0].TextEN == "" {
					t.Errorf("alarms %+v", alarms)
				}
			}
			for len(late) > 0 { // sent again, at the end
				n := min(1+r.IntN(3), len(late))
				l.send(late[:n]...)
				late = late[n:]
				time.Sleep(time.Second)
			}
			waitFor(t, "end", time.Hour, func() bool { return l.done(channels) })
			if alarms := w.Alarms(); len(alarms) != 0 {
				t.Errorf("alarms remain: %+v", alarms)
			}
			stop()
			same(t, l.record(), want)
			if int(w.Stats().Bad) != len(l.dead) || slices.Contains(l.dead, "") {
				t.Errorf("%d bad, set aside %v", w.Stats().Bad, l.dead)
			}
		})
	}
}

// TestOneChannelWaits: a gap in one channel does not hold up another.
func TestOneChannelWaits(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		chunks := courtroom(1, 2, 60)
		lost := slices.IndexFunc(chunks, func(c capture.Chunk) bool { return c.Channel == "seat0" && c.Seq == 20 })
		for i, c := range chunks {
			if i != lost {
				l.send(c)
			}
		}
		_, stop := start(t, l, scripted{})
		waitFor(t, "end of the other", time.Minute, func() bool { return l.done(1) })
		if s, _ := l.Position("h", "seat0"); s.Position.Seq >= 20 {
			t.Errorf("the gap was passed: %+v", s.Position)
		}
		stop()
		_, stop = start(t, l, scripted{}) // another worker finds the same gap
		time.Sleep(5 * time.Second)
		l.send(chunks[lost:]...)
		waitFor(t, "end", time.Minute, func() bool { return l.done(2) })
		stop()
		check(t, l, chunks)
	})
}

// TestLostSegments: what the broker lost after it had acknowledged it is published again.
func TestLostSegments(t *testing.T) {
	chunks := courtroom(2, 2, 60)
	want := undisturbed(t, chunks, 2)
	bubble(t, func(t *testing.T, l *fakeLog) {
		began := time.Now()
		l.lose = func(s Segment) bool { return s.Channel == "seat1" && time.Since(began) < 90*time.Second }
		l.send(chunks...)
		w, stop := start(t, l, scripted{})
		waitFor(t, "end", time.Hour, func() bool { return l.done(2) })
		if n := w.Stats().Restarts; n < 1 || n > 3 {
			t.Errorf("%d restarts", n)
		}
		stop()
		same(t, l.record(), want)
	})
}

// TestTrimmedLog: the log begins after the audio that is decided, and the hint before.
func TestTrimmedLog(t *testing.T) {
	chunks := courtroom(3, 1, 120)
	want := undisturbed(t, chunks, 1)
	bubble(t, func(t *testing.T, l *fakeLog) {
		l.send(chunks[:len(chunks)/2]...)
		_, stop := start(t, l, scripted{})
		time.Sleep(10 * time.Second)
		stop()
		s, _ := l.Position("h", "seat0")
		l.first, l.hint = s.Position.Offset, 0
		l.send(chunks[len(chunks)/2:]...)
		_, stop = start(t, l, scripted{})
		waitFor(t, "end", time.Hour, func() bool { return l.done(1) })
		stop()
		same(t, l.record(), want)
	})
}

// TestHintBeyondStore: a hint counts only as far as the store is; nothing follows that would tell.
func TestHintBeyondStore(t *testing.T) {
	chunks := courtroom(4, 2, 80)
	want := undisturbed(t, chunks, 2)
	bubble(t, func(t *testing.T, l *fakeLog) {
		l.send(chunks[:len(chunks)/2]...)
		_, stop := start(t, l, scripted{})
		time.Sleep(10 * time.Second)
		stop()
		l.send(chunks[len(chunks)/2:]...)
		l.hint = int64(len(chunks))
		_, stop = start(t, l, scripted{})
		waitFor(t, "end", time.Minute, func() bool { return l.done(2) })
		stop()
		same(t, l.record(), want)
	})
}

// live sends chunks at the pace at which they were spoken.
func live(t *testing.T, l *fakeLog, chunks []capture.Chunk) {
	began := time.Now()
	for i, c := range chunks {
		time.Sleep(time.Until(began.Add(time.Duration(i+1) * chunkTime)))
		l.send(c)
	}
}

// TestPartials: they come early, grow, say what is stable, and end with the final.
func TestPartials(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		samples := newSound(1, -62).quiet(2000).add(6000, -22).quiet(3000).add(2000, -22).quiet(2000).samples
		var prompts sync.Map
		_, stop := start(t, l, scripted{answer: func(ctx context.Context, clip Clip) (Hypothesis, error) {
			prompts.Store(clip.Prompt, true)
			time.Sleep(200 * time.Millisecond)
			seconds := len(clip.Samples) / 8000
			text := strings.Repeat("好", seconds) + fmt.Sprint(seconds%10)
			return Hypothesis{Text: text, Engine: "e", Words: Spread(text, 0, time.Second/2)}, nil
		}})
		l.set(capture.Hearing{ID: "h", Status: capture.Open, Cause: "民间借贷纠纷", Hotwords: []string{"借条", "周启明"},
			Participants: []capture.Participant{{Name: "周启明"}}})
		began := time.Now()
		var firstAt time.Duration
		go func() {
			waitFor(t, "partial", 10*time.Second, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.published) > 0 })
			firstAt = time.Since(began)
		}()
		live(t, l, chunksOf("h", "judge", 1, 1, samples, capture.EndClose))
		waitFor(t, "end", time.Minute, func() bool { return l.done(1) })
		stop()
		// 2 s of silence, 0.6 s of speech, up to 0.1 s of chunk and as much again
		// for the onset, 0.2 s of engine.
		if firstAt < 2800*time.Millisecond || firstAt > 3100*time.Millisecond {
			t.Errorf("first partial after %v", firstAt)
		}
		ended, seen := map[string]bool{}, map[string]int{}
		var before Segment
		for _, s := range l.published {
			switch s.Stage {
			case Final:
				ended[s.Utterance] = true
			case Partial:
				if ended[s.Utterance] {
					t.Errorf("partial of %s after its final", s.Utterance)
				}
				if seen[s.Utterance]++; seen[s.Utterance] > 1 {
					if s.Last <= before.Last || s.Text != before.Text && s.Stable != len([]rune(before.Text))-1 {
						t.Errorf("partial %q stable %d after %q", s.Text, s.Stable, before.Text)
					}
				} else if s.Stable != 0 {
					t.Errorf("first partial is stable: %d", s.Stable)
				}
				before = s
			}
		}
		if len(ended) != 2 || len(seen) != 2 || !ended[before.Utterance] || seen["judge-1-27200"] < 5 {
			t.Errorf("finals %v, partials %v", ended, seen)
		}
		if _, ok := prompts.Load("周启明，借条，民间借贷纠纷"); !ok {
			t.Error("no prompt from the hearing")
		}
	})
}

// TestFinalsFirst: a partial gives its place to a final that waits.
func TestFinalsFirst(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		_, stop := start(t, l, scripted{answer: func(ctx context.Context, clip Clip) (Hypothesis, error) {
			if clip.Final {
				return Hypothesis{}, nil
			}
			<-ctx.Done() // a partial never ends
			return Hypothesis{}, ctx.Err()
		}}, func(c *Config) { c.Parallel = 1 })
		speaker := chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(1000).add(15000, -22).quiet(1000).samples, capture.EndClose)
		other := chunksOf("h", "b", 1, 1, newSound(2, -62).quiet(3000).add(1000, -22).quiet(13000).samples, capture.EndClose)
		var both []capture.Chunk
		for i := range speaker {
			both = append(both, speaker[i], other[i])
		}
		go func() {
			for i := 0; i < len(both); i += 2 {
				time.Sleep(chunkTime)
				l.send(both[i : i+2]...)
			}
		}()
		time.Sleep(5500 * time.Millisecond)
		if len(l.steps("h/b")) != 1 || l.steps("h/b")[0].Stage != Final {
			t.Errorf("the final waited: %+v", l.steps("h/b"))
		}
		waitFor(t, "end", time.Minute, func() bool { return l.done(2) })
		stop()
	})
}

// TestEngineAlarms: people hear of an engine in trouble, in time, with the reason.
func TestEngineAlarms(t *testing.T) {
	speech := chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(500).add(1000, -22).quiet(1000).samples, capture.EndClose)
	for _, tt := range []struct {
		name  string
		err   error
		code  string
		after time.Duration // when the alarm is there, and not before
		calls int           // within 21 s, and the answer
	}{
		{"retry", &RetryError{Engine: "e", Reason: "busy"}, "engine-unreachable", 3 * time.Second, 9},
		{"asked to wait", &RetryError{Engine: "e", Reason: "busy", After: 7 * time.Second}, "engine-unreachable", 3 * time.Second, 4},
		{"anything else", errors.New("busy"), "engine-unreachable", 3 * time.Second, 9},
		{"unavailable", &UnavailableError{Engine: "e", Reason: "busy"}, "engine-unavailable", 0, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, l *fakeLog) {
				calls := 0
				began := time.Now()
				w, stop := start(t, l, scripted{answer: func(context.Context, Clip) (Hypothesis, error) {
					calls++
					if time.Since(began) < 20*time.Second {
						return Hypothesis{}, tt.err
					}
					return Hypothesis{}, nil
				}}, func(c *Config) { c.FinalsOnly = true })
				l.send(speech...)
				if tt.after > 0 {
					time.Sleep(tt.after - time.Millisecond)
					if a := w.Alarms(); len(a) != 0 {
						t.Errorf("too early: %+v", a)
					}
				}
				time.Sleep(2 * time.Millisecond)
				a := w.Alarms()
				if len(a) != 1 || a[0].Code != tt.code || !strings.Contains(a[0].Text, "busy") || !strings.Contains(a[0].TextEN, "busy") || !a[0].Since.Equal(began) {
					t.Errorf("alarms %+v", a)
				}
				waitFor(t, "end", time.Minute, func() bool { return l.done(1) })
				if len(w.Alarms()) != 0 {
					t.Error("alarm remains")
				}
				if calls != tt.calls {
					t.Errorf("%d calls, want %d", calls, tt.calls)
				}
				stop()
				last := l.health[len(l.health)-1]
				if !last.Stopped || last.Component != "asr" || last.Instance != "test" || len(l.health) < 20 {
					t.Errorf("%d signs of life, the last %+v", len(l.health), last)
				}
			})
		})
	}
}

// TestSilentEngine: an engine that takes the question and says nothing is found out.
func TestSilentEngine(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		w, stop := start(t, l, scripted{answer: func(ctx context.Context, _ Clip) (Hypothesis, error) {
			select {
			case <-time.After(time.Minute):
				return Hypothesis{}, nil
			case <-ctx.Done():
				return Hypothesis{}, ctx.Err()
			}
		}}, func(c *Config) { c.FinalsOnly = true })
		l.send(chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(500).add(1000, -22).quiet(1000).samples, capture.EndFile)...)
		time.Sleep(silentAfter - time.Millisecond)
		if a := w.Alarms(); len(a) != 0 {
			t.Errorf("too early: %+v", a)
		}
		time.Sleep(2 * time.Millisecond)
		if a := w.Alarms(); len(a) != 1 || a[0].Code != "engine-unreachable" || !strings.Contains(a[0].TextEN, "15s") {
			t.Errorf("%+v", a)
		}
		waitFor(t, "end", 2*time.Minute, func() bool { return l.done(1) })
		if a := w.Alarms(); len(a) != 0 {
			t.Errorf("alarm remains: %+v", a)
		}
		stop()
	})
}

// TestRejected: a clip that is refused, or answered with nonsense, is kept and marked.
func TestRejected(t *testing.T) {
	for name, answer := range map[string]func() (Hypothesis, error){
		"refused": func() (Hypothesis, error) { return Hypothesis{Engine: "e"}, &RejectedError{Engine: "e", Reason: "no"} },
		"out of clip": func() (Hypothesis, error) {
			return Hypothesis{Engine: "e", Text: "是", Words: []TimedWord{{Text: "是", End: time.Hour}}}, nil
		},
		"not UTF-8":  func() (Hypothesis, error) { return Hypothesis{Engine: "e", Text: "\xff"}, nil },
		"a megabyte": func() (Hypothesis, error) { return Hypothesis{Engine: "e", Text: strings.Repeat("是", 1<<20)}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, l *fakeLog) {
				l.send(chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(500).add(1000, -22).quiet(1000).samples, capture.EndFile)...)
				w, stop := start(t, l, scripted{answer: func(context.Context, Clip) (Hypothesis, error) { return answer() }})
				waitFor(t, "end", time.Minute, func() bool { return l.done(1) })
				stop()
				s := l.steps("h/a")[0]
				if s.Stage != Final || s.Text != "" || s.Rejected == "" || s.Engine != "e" && name == "refused" || w.Stats().Rejected != 1 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestGiveUp: a program that waits for a result hears of an engine that will not give one.
func TestGiveUp(t *testing.T) {
	for name, tt := range map[string]struct {
		err   error
		after time.Duration
	}{
		"unreachable": {&RetryError{Engine: "e", Reason: "busy"}, 10 * time.Second},
		"unavailable": {&UnavailableError{Engine: "e", Reason: "wrong key"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, l *fakeLog) {
				l.send(chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(500).add(1000, -22).quiet(1000).samples, capture.EndFile)...)
				w := NewWorker(Config{GiveUp: 10 * time.Second}, l.ports(), scripted{answer: func(context.Context, Clip) (Hypothesis, error) {
					return Hypothesis{}, tt.err
				}}, discard)
				began := time.Now()
				err := w.Run(t.Context())
				if !errors.Is(err, tt.err) || time.Since(began) < tt.after || time.Since(began) > tt.after+lastRetry {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		})
	}
}

// TestClosedHearing: what was begun ends when no End comes; what comes late goes on from there.
func TestClosedHearing(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		chunks := chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(1000).add(3000, -22).quiet(3000).add(1000, -22).quiet(1000).samples, capture.EndClose)
		_, stop := start(t, l, scripted{})
		const heard = int(2500 * time.Millisecond / chunkTime)
		l.send(chunks[:heard]...) // in mid-speech
		time.Sleep(time.Minute)
		if len(l.steps("h/a")) != 0 {
			t.Error("ended while the hearing was open")
		}
		l.set(capture.Hearing{ID: "h", Status: capture.Closed})
		time.Sleep(time.Second)
		if a := l.steps("h/a"); len(a) != 1 || a[0].Stage != Final || a[0].After.Sample != chunks[heard-1].Next() || !a[0].After.Ended {
			t.Fatalf("%+v", a)
		}
		stop()
		_, stop = start(t, l, scripted{})
		l.send(chunks[heard:]...)
		waitFor(t, "end", time.Minute, func() bool { return l.done(1) })
		stop()
		steps := l.steps("h/a")
		for i := 1; i < len(steps); i++ {
			if !steps[i].Before.Same(*steps[i-1].After) {
				t.Errorf("step %d", i)
			}
		}
	})
}

// TestClosedWithoutWorker: a courtroom never comes back, and the worker that has
// decided all it sent is gone too: the next one ends the channel all the same.
func TestClosedWithoutWorker(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		chunks := chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(1000).add(3000, -22).quiet(20000).samples, capture.NotEnd)
		_, stop := start(t, l, scripted{})
		l.send(chunks...)
		waitFor(t, "two steps", time.Minute, func() bool { return len(l.steps("h/a")) == 2 })
		stop()
		l.set(capture.Hearing{ID: "h", Status: capture.Closed})
		l.mu.Lock()
		l.first, l.hint = int64(len(l.audio)), int64(len(l.audio)) // nothing is left to read
		at := l.states["h/a"]
		l.mu.Unlock()
		_, stop = start(t, l, scripted{})
		waitFor(t, "end", time.Minute, func() bool { return l.done(1) })
		stop()
		if last := l.steps("h/a")[2]; last.Stage != Silence || !last.After.Same(at.Position) || last.After.Seq != at.Position.Seq || last.After.Offset != at.Position.Offset {
			t.Errorf("%+v after %+v", *last.After, at.Position)
		}
	})
}

// TestStoreTookAnotherWay: a worker that lost the race begins again from the store's position.
func TestStoreTookAnotherWay(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		chunks := chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(1000).add(3000, -22).quiet(3000).add(1000, -22).quiet(2000).samples, capture.EndClose)
		w, stop := start(t, l, scripted{})
		l.send(chunks[:20]...)
		time.Sleep(time.Second)
		// Somebody else ended the first utterance in its middle.
		u := UtteranceID("a", 1, 0)
		l.mu.Lock()
		l.states["h/a"] = ChannelState{}
		l.applied["h/a"] = nil
		l.apply(Segment{V: 1, ID: "h/" + u, Hearing: "h", Channel: "a", Epoch: 1, Utterance: u, Stage: Final, Last: 31_999,
			Before: &Position{}, After: &Position{Epoch: 1, Sample: 32_000, Seq: 8, Offset: 8}})
		l.mu.Unlock()
		time.Sleep(time.Second)
		l.send(chunks[20:]...)
		waitFor(t, "end", 10*time.Second, func() bool { return l.done(1) })
		stop()
		a := l.steps("h/a")
		if w.Stats().Restarts != 1 || len(a) < 3 || a[1].First != 32_000 || a[1].Text == "" {
			t.Errorf("%d restarts, %+v", w.Stats().Restarts, a)
		}
	})
}

// TestSilence: hours without a word advance the position, 10 s at a time.
func TestSilence(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		_, stop := start(t, l, scripted{})
		live(t, l, chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(65_000).samples, capture.EndPause))
		time.Sleep(time.Second)
		stop()
		a := l.steps("h/a")
		if len(a) != 7 {
			t.Fatalf("%d steps", len(a))
		}
		for i, s := range a {
			if s.Stage != Silence || int(s.First) != i*160_000 || s.Text != "" || s.Words == nil || s.After.Ended {
				t.Errorf("%+v", s)
			}
		}
	})
}

// TestBackpressure: audio is not read faster than the engine can take it.
func TestBackpressure(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		s := newSound(1, -62)
		for range 50 {
			s.add(8000, -22).quiet(900)
		}
		block := make(chan struct{})
		_, stop := start(t, l, scripted{answer: func(ctx context.Context, _ Clip) (Hypothesis, error) {
			select {
			case <-block:
				return Hypothesis{}, nil
			case <-ctx.Done():
				return Hypothesis{}, ctx.Err()
			}
		}})
		l.send(chunksOf("h", "a", 1, 1, s.samples, capture.EndFile)...)
		time.Sleep(time.Minute)
		l.mu.Lock()
		if most := maxWaiting/capture.ChunkSamples + 200; l.read > most {
			t.Errorf("%d chunks read, more than %d", l.read, most)
		}
		l.mu.Unlock()
		close(block)
		waitFor(t, "end", time.Minute, func() bool { return l.done(1) })
		stop()
	})
}

// TestOddChunks: a channel goes on after what should not happen.
func TestOddChunks(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		chunks := chunksOf("h", "a", 2, 1, newSound(1, -62).quiet(1000).add(2000, -22).quiet(2000).add(1000, -22).quiet(2000).samples, capture.EndClose)
		chunks[3].Epoch = 1     // backwards
		chunks[6].First += 1000 // samples that no chunk has
		for i := 7; i < len(chunks); i++ {
			chunks[i].First += 900 // and 100 of them again
		}
		l.send(chunks...)
		_, stop := start(t, l, scripted{})
		waitFor(t, "end", time.Minute, func() bool { return l.done(1) })
		stop()
		var at Position
		for _, s := range l.steps("h/a") {
			if !s.Before.Same(at) {
				t.Errorf("%+v after %+v", s, at)
			}
			at = *s.After
		}
		if at.Seq != uint64(len(chunks)) || at.Sample != chunks[len(chunks)-1].Next() {
			t.Errorf("ends at %+v", at)
		}
	})
}

func TestPrompt(t *testing.T) {
	h := capture.Hearing{Cause: "民间借贷纠纷", Hotwords: []string{"借条", " 周启明 ", strings.Repeat("长", 300), "", "利息"},
		Participants: []capture.Participant{{Name: "周启明"}, {Name: "何文柏"}}}
	if got := prompt(h); got != "周启明，何文柏，借条，利息，民间借贷纠纷" {
		t.Error(got)
	}
	for range 100 {
		h.Hotwords = append(h.Hotwords, fmt.Sprint("热词", len(h.Hotwords)))
	}
	if n := len([]rune(prompt(h))); n > maxPrompt || n < maxPrompt-10 {
		t.Error(n)
	}
	// What the clerk has just entered has room, whatever was there before.
	if got := prompt(h); !strings.HasPrefix(got, "周启明，何文柏，") || !strings.Contains(got, h.Hotwords[len(h.Hotwords)-1]) {
		t.Error(got)
	}
	if prompt(capture.Hearing{}) != "" {
		t.Error("words from nowhere")
	}
}

func TestStable(t *testing.T) {
	for _, tt := range []struct {
		before, now string
		want        int
	}{{"", "现在", 0}, {"现在", "现在开庭", 2}, {"现在开", "现在看", 2}, {"现在开庭", "现在", 2}, {"a", "b", 0}} {
		if got := stable(tt.before, tt.now); got != tt.want {
			t.Errorf("%q %q: %d", tt.before, tt.now, got)
		}
	}
}

// BenchmarkCatchUp is how fast a worker gets through a backlog when the engine takes no time.
func BenchmarkCatchUp(b *testing.B) {
	const channels, seconds = 8, 300
	chunks := courtroom(1, channels, seconds)
	b.ReportAllocs()
	for b.Loop() {
		l := newFakeLog(b)
		l.send(chunks...)
		ctx, cancel := context.WithCancel(b.Context())
		var running sync.WaitGroup
		w := NewWorker(Config{FinalsOnly: true}, l.ports(), scripted{}, discard)
		running.Go(func() { l.store(ctx) })
		running.Go(func() { w.Run(ctx) })
		waitFor(b, "end", time.Minute, func() bool { return l.done(channels) })
		cancel()
		running.Wait()
	}
	b.ReportMetric(float64(b.N)*channels*seconds/b.Elapsed().Seconds(), "xrealtime")
}
