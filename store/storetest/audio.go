package storetest

import (
	"reflect"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store"
	"tingji/transcript"
)

func testAudio(t *testing.T, b *bench) {
	// No hearing of this name is stored: its sound is kept all the same.
	c := store.AudioChannel{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: 4, Samples: 16000, StoredAt: day}
	f := store.AudioFile{Hearing: "h1", Channel: "judge", Epoch: 1, Part: 1, File: "2026/h1/judge/1-1.wav",
		Samples: 16000, StartedAt: day, FirstSeq: 1, LastSeq: 4}
	read := transcript.Source{Topic: "audio.v1", Partition: 2, Offset: 41}
	b.ok(b.StoreAudio(b.ctx, store.AudioBatch{Channels: []store.AudioChannel{c}, Files: []store.AudioFile{f}, Offsets: []transcript.Source{read}}))
	next, err := b.Offset(b.ctx, "audio.v1", 2)
	b.ok(err)
	if next != 42 {
		t.Errorf("offset %d, want 42", next)
	}

	c.Seq, c.Samples, c.Missing, c.StoredAt = 8, 32000, 9, day.Add(time.Second)
	f.Samples, f.LastSeq = 32000, 8
	other := store.AudioChannel{Hearing: "h1", Channel: "clerk", Missing: 1, StoredAt: day}
	b.ok(b.StoreAudio(b.ctx, store.AudioBatch{Channels: []store.AudioChannel{c, other}, Files: []store.AudioFile{f}}))
	gotC, gotF, err := b.AudioChannel(b.ctx, "h1", "judge")
	b.ok(err)
	if !reflect.DeepEqual(gotC, c) || !reflect.DeepEqual(gotF, f) {
		t.Errorf("read %+v %+v, want %+v %+v", gotC, gotF, c, f)
	}
	if gotC, gotF, err = b.AudioChannel(b.ctx, "h1", "clerk"); err != nil || gotC != other || gotF.Part != 0 {
		t.Errorf("a channel without a file: %+v %+v %v", gotC, gotF, err)
	}
	_, _, err = b.AudioChannel(b.ctx, "h1", "none")
	mustBe(t, err, transcript.ErrNotFound)

	states, err := b.AudioStates(b.ctx, "h1")
	b.ok(err)
	want := []transcript.AudioState{
		{Hearing: "h1", Channel: "clerk", Missing: 1, StoredAt: day.UnixMilli()},
		{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: 8, Samples: 32000, Missing: 9, StoredAt: day.UnixMilli() + 1000},
	}
	if !reflect.DeepEqual(states, want) {
		t.Errorf("states %+v, want %+v", states, want)
	}

	old := store.AudioChannel{Hearing: "h0", Channel: "judge", Epoch: 1, Seq: 1, Samples: 1, Ended: true, StoredAt: day.Add(-time.Hour)}
	b.ok(b.StoreAudio(b.ctx, store.AudioBatch{Channels: []store.AudioChannel{old}}))
	for since, want := range map[time.Duration]string{-2 * time.Hour: "h0/judge h1/clerk h1/judge", time.Hour: "h1/clerk h1/judge"} {
		list, err := b.RecentAudioChannels(b.ctx, day.Add(since))
		b.ok(err)
		if got := ids(list, func(c store.AudioChannel) string { return capture.Key(c.Hearing, c.Channel) }); got != want {
			t.Errorf("since %v: %q, want %q", since, got, want)
		}
	}
}

func testAudioSpans(t *testing.T, b *bench) {
	file := func(channel string, epoch uint64, part int, first, samples capture.SampleIndex, at time.Duration) store.AudioFile {
		return store.AudioFile{Hearing: "h1", Channel: channel, Epoch: epoch, Part: part, First: first, Samples: samples, StartedAt: day.Add(at)}
	}
	b.ok(b.StoreAudio(b.ctx, store.AudioBatch{Files: []store.AudioFile{
		file("judge", 2, 1, 0, second, 10*time.Second),
		file("judge", 1, 10, 3*second, second, 3*time.Second+5*time.Millisecond), // as good as in its place
		file("judge", 1, 2, second, 2*second, time.Second),
		file("judge", 1, 1, 0, second, 0),
		file("judge", 1, 11, 5*second, second, 5*time.Second),                     // a second is missing before it
		file("judge", 1, 12, 6*second, second, 6*time.Second+50*time.Millisecond), // the clocks have drifted apart
		file("clerk", 1, 1, 0, 0, 0),                                              // nothing in it yet
	}}))
	spans, err := b.AudioSpans(b.ctx, "h1")
	b.ok(err)
	span := func(epoch uint64, first, samples capture.SampleIndex, at time.Duration) transcript.AudioSpan {
		return transcript.AudioSpan{Channel: "judge", Epoch: epoch, First: first, Samples: samples, At: day.Add(at).UnixMicro()}
	}
	want := []transcript.AudioSpan{
		span(1, 0, 4*second, 0), span(1, 5*second, second, 5*time.Second),
		span(1, 6*second, second, 6*time.Second+50*time.Millisecond), span(2, 0, second, 10*time.Second),
	}
	if !reflect.DeepEqual(spans, want) {
		t.Errorf("spans %+v, want %+v", spans, want)
	}
	if none, err := b.AudioSpans(b.ctx, "none"); err != nil || none == nil || len(none) != 0 {
		t.Errorf("spans of no hearing: %#v, %v", none, err)
	}
}
