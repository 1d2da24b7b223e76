package asr

import (
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
)

func replayed(chunks []capture.Chunk, err error) iter.Seq2[capture.Chunk, error] {
	return func(yield func(capture.Chunk, error) bool) {
		for _, c := range chunks {
			if !yield(c, nil) {
				return
			}
		}
		if err != nil {
			yield(capture.Chunk{}, err)
		}
	}
}

// TestReplay: a hearing decoded again from what was kept of it gives the
// segments that were published while it was held.
func TestReplay(t *testing.T) {
	chunks := bleeding(1, 3, 60, -18)
	want := undisturbed(t, chunks, 3)
	kept := make([]capture.Chunk, len(chunks))
	for i, c := range chunks { // an archive does not know why an epoch ended
		c.End = capture.NotEnd
		kept[i] = c
	}
	synctest.Test(t, func(t *testing.T) {
		finals, err := Replay(t.Context(), capture.Hearing{ID: "h"}, replayed(kept, nil), scripted{}, Config{Parallel: 3, GiveUp: time.Minute}, discard)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, s := range finals {
			got[s.ID] = s.Text + fmt.Sprint(s.Crosstalk)
		}
		n := 0
		for _, list := range want {
			for _, text := range list {
				s, err := ParseSegment([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				if s.Stage != Final {
					continue
				}
				n++
				if got[s.ID] != s.Text+fmt.Sprint(s.Crosstalk) {
					t.Errorf("%s: %q, want %q", s.ID, got[s.ID], s.Text)
				}
			}
		}
		if n != len(finals) || n < 10 {
			t.Errorf("%d finals, want %d", len(finals), n)
		}
	})
}

func TestReplayEnds(t *testing.T) {
	chunks := courtroom(2, 2, 20)
	for _, tt := range []struct {
		name   string
		chunks iter.Seq2[capture.Chunk, error]
		r      Recognizer
		ok     bool
	}{
		{"nothing", replayed(nil, nil), scripted{}, true},
		{"a missing chunk", replayed(append(append([]capture.Chunk(nil), chunks[:8]...), chunks[12:]...), nil), scripted{}, true},
		{"an archive that breaks off", replayed(chunks[:20], errors.New("disk")), scripted{}, false},
		{"an engine that refuses", replayed(chunks, nil), refusing(), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, err := Replay(t.Context(), capture.Hearing{ID: "h"}, tt.chunks, tt.r, Config{GiveUp: time.Second}, discard)
			if (err == nil) != tt.ok {
				t.Errorf("%s: %v", tt.name, err)
			}
		})
	}
}

// refusing is a recogniser that takes no key.
func refusing() *flaky {
	f := &flaky{name: "a"}
	f.fail(&UnavailableError{"a", "wrong key"})
	return f
}
