package transcript_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// Writers and pages come and go at random, and some writes are committed
// without anybody learning of it: every page has every change once, in order,
// and ends as the store is.
func TestFeedDeliversEachChangeOnce(t *testing.T) {
	store := newFakeStore()
	d, h := opened(t, store)
	var writers, pages sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for i := range 100 {
				text := fmt.Sprintf("第%d人第%d句", w, i)
				l, err := d.AddLine(context.Background(), h.ID, transcript.HandLine{Text: text}, "书记员")
				if err != nil {
					continue // it may be there all the same
				}
				if random.IntN(2) == 0 {
					text += "，改过"
					d.Revise(context.Background(), h.ID, l.ID, l.Revision, transcript.Edit{Text: &text}, "书记员")
				}
			}
		})
	}
	calls := 0
	store.faults(nil, func(call string) error {
		if calls++; (call == "AddLine" || call == "Revise") && calls%17 == 0 {
			return errors.New("connection lost after the commit")
		}
		return nil
	})
	stop := make(chan struct{})
	all := make([]*page, 5)
	for i := range all {
		pages.Go(func() {
			p := openPage(t, d, h.ID)
			all[i] = p
			for {
				select {
				case <-stop:
					return
				default:
				}
				p.leave() // and comes back with the last ID it has seen
				p.come(d)
			}
		})
	}
	writers.Wait()
	close(stop)
	pages.Wait()
	store.faults(nil, nil)
	// The end of it must reach a page that stays without another write.
	last, err := d.AddLine(t.Context(), h.ID, transcript.HandLine{Text: "最后一句"}, "书记员")
	if err != nil {
		t.Fatal(err)
	}
	lines, _, err := d.Lines(t.Context(), h.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range all {
		p.leave()
		p.come(d)
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			shown := p.shown()
			if len(shown) == len(lines) {
				for j := range lines {
					if shown[j].Hash != lines[j].Hash {
						t.Errorf("page %d line %d: %+v, stored %+v", i, j, shown[j], lines[j])
					}
				}
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("page %d shows %d lines of %d; the last change is %d", i, len(shown), len(lines), last.Change)
			}
		}
		p.leave()
	}
}

// A change that was committed although the store said no is told without
// waiting for the next one.
func TestFeedFindsWhatNobodyAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		d, h := opened(t, store)
		p := openPage(t, d, h.ID)
		defer p.leave()
		log := newFakeLog()
		stop := run(t, d, log)
		synctest.Wait()
		lost := errors.New("connection lost after the commit")
		store.faults(nil, func(call string) error {
			if call == "AddLine" || call == "UpdateHearing" {
				return lost
			}
			return nil
		})
		if _, err := d.AddLine(t.Context(), h.ID, transcript.HandLine{Text: "证据一"}, "书记员"); !errors.Is(err, lost) {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(p.shown()) != 1 {
			t.Errorf("page shows %v", p.shown())
		}
		if _, err := d.Close(t.Context(), h.ID, ""); !errors.Is(err, lost) {
			t.Fatal(err)
		}
		synctest.Wait()
		if p.state.Status != capture.Closed {
			t.Errorf("hearing %s on the page", p.state.Status)
		}
		if got := log.published()[h.ID]; got != "closed" {
			t.Errorf("published as %q", got)
		}
		stop()
	})
}

// lateStore takes its time to say that a line is stored.
type lateStore struct{ *fakeStore }

func (s lateStore) AddLine(ctx context.Context, l transcript.Line) (transcript.Line, error) {
	added, err := s.fakeStore.AddLine(ctx, l)
	if l.Text == "慢" {
		time.Sleep(time.Second)
	}
	return added, err
}

// The change of the quicker writer is told after the one before it.
func TestFeedKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		_, h := opened(t, store)
		d := transcript.NewDocket(lateStore{store}, fakeRooms{}, quiet)
		p := openPage(t, d, h.ID)
		var slow sync.WaitGroup
		slow.Go(func() { d.AddLine(t.Context(), h.ID, transcript.HandLine{Text: "慢"}, "书记员") })
		synctest.Wait()
		if _, err := d.AddLine(t.Context(), h.ID, transcript.HandLine{Text: "快"}, "书记员二"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(p.shown()); n != 2 {
			t.Errorf("the page shows %d lines of 2", n)
		}
		slow.Wait()
		synctest.Wait()
		if p.last != 4 {
			t.Errorf("the page is at event %d", p.last)
		}
		p.leave()
	})
}

func TestSubscribeFromTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := opened(t, newFakeStore()) // changes 1 and 2
		add := func(text string) transcript.Line {
			l, err := d.AddLine(t.Context(), h.ID, transcript.HandLine{Text: text}, "书记员")
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		add("一") // 3
		two := add("二")
		if _, err := d.Pause(t.Context(), h.ID, "休庭"); err != nil { // 5
			t.Fatal(err)
		}
		add("三") // 6
		text := "二，改过"
		if _, err := d.Revise(t.Context(), h.ID, two.ID, 1, transcript.Edit{Text: &text}, "书记员"); err != nil { // 7
			t.Fatal(err)
		}
		for _, tc := range []struct {
			after int64
			want  string
		}{
			{0, "line 3, hearing 5, line 6, line 7"},
			{3, "hearing 5, line 6, line 7"},
			{5, "line 6, line 7"},
			{6, "line 7"},
			{7, ""},
			{99, "line 3, hearing 5, line 6, line 7"}, // an id of another database
		} {
			f, err := d.Subscribe(t.Context(), h.ID, tc.after)
			if err != nil {
				t.Fatal(err)
			}
			got, sep := "", ""
			for range 10 {
				synctest.Wait()
				select {
				case e := <-f.Events:
					if e.Kind != transcript.HealthChanged {
						got, sep = got+sep+fmt.Sprint(e.Kind, " ", e.ID), ", "
					}
				default:
				}
			}
			f.Close()
			if got != tc.want {
				t.Errorf("after %d: %s, want %s", tc.after, got, tc.want)
			}
		}
		if _, err := d.Subscribe(t.Context(), "nobody", 0); !errors.Is(err, transcript.ErrNotFound) {
			t.Errorf("unknown hearing: %v", err)
		}
	})
}

// A page that does not read is closed; nobody waits for it.
func TestSlowFeedIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := opened(t, newFakeStore())
		slow, err := d.Subscribe(t.Context(), h.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		log := newFakeLog()
		stop := run(t, d, log)
		p := openPage(t, d, h.ID)
		worker := newSpeaker(h.ID, "judge", *h.OpenedAt)
		for i := range 3000 {
			log.send(worker.partial(0, time.Second, fmt.Sprint("第", i)))
			synctest.Wait()
		}
		events := 0
		for range slow.Events { // it is closed, or this would never end
			events++
		}
		if events > 1 {
			t.Errorf("%d events wait for a reader that has gone", events)
		}
		slow.Close()
		slow.Close()
		if q, _ := p.partial("judge"); q.Text != "第2999" {
			t.Errorf("the other page is at %q", q.Text)
		}
		stop()
		if _, open := <-p.feed.Events; open {
			t.Error("a feed outlives the docket")
		}
		p.leave()
	})
}

// The feed of all hearings has hearings and health, and nobody's words.
func TestFeedOfAllHearings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		d, first := opened(t, store)
		f, err := d.Subscribe(t.Context(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		n := newHearing()
		n.Courtroom = "四庭"
		second, err := d.Create(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.AddLine(t.Context(), first.ID, transcript.HandLine{Text: "证据"}, "书记员"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Close(t.Context(), first.ID, ""); err != nil {
			t.Fatal(err)
		}
		d.ReportHealth(capture.Health{Component: "capture", Instance: "pc3", Courtroom: "三庭"})
		want := []string{"health docket", "hearing " + second.ID + " scheduled", "hearing " + first.ID + " closed", "health pc3"}
		for _, w := range want {
			e := <-f.Events
			got := string(e.Kind)
			if e.Hearing != nil {
				got += " " + e.Hearing.ID + " " + string(e.Hearing.Status)
			} else if e.Health != nil {
				got += " " + e.Health.Instance
			}
			if got != w || e.ID != 0 {
				t.Errorf("event %s (%d), want %s", got, e.ID, w)
			}
		}
		f.Close()
		if _, open := <-f.Events; open {
			t.Error("more events")
		}
	})
}

func TestFeedEndsWithItsContext(t *testing.T) {
	d, h := opened(t, newFakeStore())
	ctx, cancel := context.WithCancel(t.Context())
	f, err := d.Subscribe(ctx, h.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range f.Events {
	}
	f.Close()
}

// BenchmarkFinal is a final from the log to twenty open pages.
func BenchmarkFinal(b *testing.B) {
	store := newFakeStore()
	d := transcript.NewDocket(store, fakeRooms{}, quiet)
	h, err := d.Create(b.Context(), newHearing())
	if err != nil {
		b.Fatal(err)
	}
	if h, err = d.Open(b.Context(), h.ID); err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		f, err := d.Subscribe(b.Context(), h.ID, 0)
		if err != nil {
			b.Fatal(err)
		}
		wg.Go(func() {
			for e := range f.Events {
				if e.Kind == transcript.LineChanged && e.Line.Text == "完。" {
					f.Close()
					for range f.Events {
					}
					return
				}
			}
		})
	}
	log := newFakeLog()
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx, log, log) })
	worker := newSpeaker(h.ID, "judge", *h.OpenedAt)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		text := "现在开庭。"
		if i == b.N-1 {
			text = "完。"
		}
		at := time.Duration(i) * time.Second
		log.send(worker.final(at, at+time.Second, text))
		for i%100 == 99 || i == b.N-1 { // as far as a real log may be ahead
			if at, _ := store.Positions(b.Context(), h.ID); len(at) == 1 && at[0].Position == worker.at {
				break
			}
			time.Sleep(10 * time.Microsecond)
		}
	}
	wg.Wait()
	cancel()
	running.Wait()
}
