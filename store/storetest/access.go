package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tingji/store"
	"tingji/transcript"
)

// testAccesses: each is written down once, in one chain, also by several writers
// at once, and whatever a request carried.
func testAccesses(t *testing.T, b *bench) {
	odd := transcript.Access{At: day.Add(-time.Hour), Reader: "10.0.0.1", Action: "search", Detail: "q=\xff\x00借条", Refused: true}
	b.ok(b.AddAccess(b.ctx, odd))
	other := mustOpen(t, b.open)
	var all sync.WaitGroup
	for i, s := range []*store.Store{b.Store, other} {
		all.Go(func() {
			for n := range 20 {
				a := transcript.Access{At: day.Add(time.Duration(n) * time.Second), Reader: fmt.Sprintf("王某 10.0.0.%d", i), Action: "audio.read", Hearing: fmt.Sprintf("h%d", n%2)}
				if err := s.AddAccess(b.ctx, a); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	list := func(filter transcript.AccessFilter) (list []transcript.Access) {
		b.ok(b.Accesses(b.ctx, filter, func(a transcript.Access) error {
			list = append(list, a)
			return nil
		}))
		return list
	}
	every := list(transcript.AccessFilter{})
	var before transcript.Access
	for _, a := range every {
		b.ok(transcript.FollowsAccess(before, a))
		before = a
	}
	if len(every) != 41 || every[0].Detail != "q=\uFFFD\uFFFD借条" || !every[0].Refused || !every[0].At.Equal(odd.At) {
		t.Fatalf("%d, first %+v", len(every), every[0])
	}
	for _, c := range []struct {
		filter transcript.AccessFilter
		want   int
	}{
		{transcript.AccessFilter{Hearing: "h1"}, 20},
		{transcript.AccessFilter{Reader: "0.0.1"}, 21},
		{transcript.AccessFilter{Reader: "王某", Hearing: "h0"}, 20},
		{transcript.AccessFilter{From: day}, 40},
		{transcript.AccessFilter{From: day.Add(time.Second), To: day.Add(3 * time.Second)}, 4},
	} {
		if got := list(c.filter); len(got) != c.want {
			t.Errorf("%+v: %d, want %d", c.filter, len(got), c.want)
		}
	}
	stop := errors.New("enough")
	if err := b.Accesses(b.ctx, transcript.AccessFilter{}, func(transcript.Access) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}
