package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/store"
	"tingji/store/kafka"
	"tingji/store/sqlite"
	"tingji/transcript"
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

// newTestBacklog is one of a store with one hearing, h1.
func newTestBacklog(t *testing.T) *backlog {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tingji.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	now := time.Now().UTC().Truncate(time.Microsecond)
	h := capture.Hearing{ID: "h1", Version: 1, Status: capture.Open, CaseNo: "（2026）内0000民初1号", Courtroom: "3", CreatedAt: now, OpenedAt: &now}
	if err := db.CreateHearing(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	return newBacklog(&courtLog{rooms: kafka.Partitions{Count: 1}}, &server{store: db})
}

// archived stores that channels have come so far.
func (b *backlog) archived(t *testing.T, channels ...store.AudioChannel) {
	t.Helper()
	if err := b.server.store.StoreAudio(t.Context(), store.AudioBatch{Channels: channels}); err != nil {
		t.Fatal(err)
	}
}

// decide has the worker decide a channel from one position to another.
func (b *backlog) decide(t *testing.T, channel string, before, after asr.Position) {
	t.Helper()
	applied, _, err := b.server.store.ApplyStep(t.Context(), transcript.Source{Topic: "segments.v1", Offset: after.Offset}, asr.Segment{
		V: 1, ID: "h1/" + channel, Hearing: "h1", Channel: channel, Epoch: after.Epoch, Stage: asr.Silence,
		Utterance: asr.UtteranceID(channel, after.Epoch, 0), Before: &before, After: &after, StartedAt: time.Now(),
	}, nil)
	if err != nil || !applied {
		t.Fatal(applied, err)
	}
}

func (b *backlog) names(t *testing.T) []string {
	t.Helper()
	list, err := b.list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, item := range list {
		names = append(names, item.audio.Channel)
	}
	return names
}

// TestBacklogSeesChannelsGoOn: a seat whose recording was played to its end gets a
// microphone, and its channel goes on behind its end.
func TestBacklogSeesChannelsGoOn(t *testing.T) {
	b := newTestBacklog(t)
	audio := store.AudioChannel{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: 5, Samples: 8000, Ended: true, StoredAt: time.Now()}
	b.archived(t, audio)
	end := asr.Position{Epoch: 1, Sample: 8000, Seq: 5, Offset: 5, Ended: true}
	b.decide(t, "judge", asr.Position{}, end)
	if got := b.names(t); len(got) != 0 {
		t.Fatalf("behind: %v", got)
	}
	audio.Epoch, audio.Seq, audio.Ended = 2, 9, false
	b.archived(t, audio)
	if got := b.names(t); !slices.Equal(got, []string{"judge"}) {
		t.Errorf("behind: %v, want the channel that goes on", got)
	}
	audio.Ended = true
	b.archived(t, audio)
	b.decide(t, "judge", end, asr.Position{Epoch: 2, Sample: 8000, Seq: 9, Offset: 9, Ended: true})
	if got := b.names(t); len(got) != 0 {
		t.Errorf("behind: %v", got)
	}
}

// TestBacklogLeavesDeadPC: a PC died during a hearing, which was closed. A worker has
// decided all that came, and the broker holds its log for that channel no longer.
func TestBacklogLeavesDeadPC(t *testing.T) {
	b := newTestBacklog(t)
	audio := store.AudioChannel{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: 5, Samples: 8000, StoredAt: time.Now()}
	b.archived(t, audio)
	half, end := asr.Position{Epoch: 1, Sample: 4000, Seq: 2, Offset: 2}, asr.Position{Epoch: 1, Sample: 8000, Seq: 5, Offset: 5, Ended: true}
	b.decide(t, "judge", asr.Position{}, half)
	if got := b.names(t); !slices.Equal(got, []string{"judge"}) {
		t.Errorf("behind: %v, want what a worker still decides", got)
	}
	b.decide(t, "judge", half, end)
	for range 2 {
		if got := b.names(t); len(got) != 0 {
			t.Errorf("behind: %v, want none", got)
		}
	}
	audio.Seq, audio.Samples = 6, 9600 // it was repaired, and sends the rest
	b.archived(t, audio)
	if got := b.names(t); !slices.Equal(got, []string{"judge"}) {
		t.Errorf("behind: %v, want what came after all", got)
	}
}

// TestBacklogForgets: it is asked every few seconds for years. Only what waits is
// looked at again, however old it is.
func TestBacklogForgets(t *testing.T) {
	b := newTestBacklog(t)
	month := time.Now().Add(-30 * 24 * time.Hour)
	for i := range 50 {
		name := fmt.Sprintf("seat%d", i)
		b.archived(t, store.AudioChannel{Hearing: "h1", Channel: name, Epoch: 1, Seq: 5, Samples: 8000, Ended: true, StoredAt: month.Add(time.Duration(i) * time.Hour)})
		if i != 40 && i != 45 {
			b.decide(t, name, asr.Position{}, asr.Position{Epoch: 1, Sample: 8000, Seq: 5, Ended: true})
		}
	}
	b.archived(t, store.AudioChannel{Hearing: "h1", Channel: "broken", Epoch: 1, Seq: 5, StoredAt: month}) // its PC never came back
	for _, want := range [][]string{{"broken", "seat40", "seat45"}, {"broken", "seat40", "seat45"}} {
		if got := b.names(t); !slices.Equal(got, want) {
			t.Fatalf("behind: %v, want %v", got, want)
		}
	}
	if n := len(b.finished); n != 8 {
		t.Errorf("%d channels that have ended are remembered, want those since the first that waits", n)
	}
	for _, name := range []string{"seat40", "seat45"} {
		b.decide(t, name, asr.Position{}, asr.Position{Epoch: 1, Sample: 8000, Seq: 5, Ended: true})
	}
	for range 2 {
		if got := b.names(t); !slices.Equal(got, []string{"broken"}) {
			t.Fatalf("behind: %v", got)
		}
	}
	if n := len(b.finished); n != 0 {
		t.Errorf("%d channels are remembered, want none", n)
	}
	b.archived(t, store.AudioChannel{Hearing: "h1", Channel: "new", Epoch: 1, Seq: 5, StoredAt: time.Now()})
	if got := b.names(t); !slices.Equal(got, []string{"broken", "new"}) {
		t.Errorf("behind: %v", got)
	}
}
