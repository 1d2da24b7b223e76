package main

import (
	"slices"
	"testing"

	"tingji/asr"
	"tingji/store"
)

// TestTrimmerKeepsWhatIsNeeded: the log keeps what the archive or a worker
// needs, a channel of which nothing is decided yet included.
func TestTrimmerKeepsWhatIsNeeded(t *testing.T) {
	channel := func(name string, partition int, heard bool, offset int64) behind {
		return behind{
			audio: store.AudioChannel{Hearing: "h1", Channel: name}, partition: partition,
			heard: heard, at: asr.Position{Offset: offset},
		}
	}
	trim := &trimmer{archived: []int64{0, 50}}
	for _, step := range []struct {
		what            string
		waiting         []behind
		first, archived []int64
		want            []int64
	}{
		{"nobody waits", nil, []int64{0, 50}, []int64{10, 60}, []int64{10, 60}},
		{"a position holds", []behind{channel("judge", 0, true, 7)}, []int64{0, 50}, []int64{10, 60}, []int64{7, 60}},
		{"the lowest counts", []behind{channel("judge", 0, true, 9), channel("clerk", 0, true, 8)}, []int64{5, 50}, []int64{20, 60}, []int64{8, 60}},
		{"a new channel began after the trim before", []behind{channel("judge", 1, false, 0)}, []int64{8, 60}, []int64{30, 90}, []int64{30, 60}},
		{"and still does", []behind{channel("judge", 1, false, 0)}, []int64{8, 60}, []int64{40, 120}, []int64{40, 60}},
		{"until it has a position", []behind{channel("judge", 1, true, 100)}, []int64{8, 60}, []int64{40, 130}, []int64{40, 100}},
		{"one in front of the log is of no use", []behind{channel("clerk", 1, true, 30)}, []int64{8, 100}, []int64{40, 150}, []int64{40, 130}},
	} {
		got := trim.from(step.waiting, step.first, step.archived)
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: got %v, want %v", step.what, got, step.want)
		}
		trim.archived = step.archived
	}
}
