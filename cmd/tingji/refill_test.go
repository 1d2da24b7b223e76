package main

import (
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/store"
	"tingji/store/kafka"
)

// What is brought back of a channel at a time holds the longest utterance and the
// wait for the other seats: a worker that got less of it would decide nothing, and
// the rest would never come.
func TestRefillHoldsTheLongestUtterance(t *testing.T) {
	ahead := capture.SampleIndex(refillAhead * capture.ChunkSamples).Duration()
	if least := asr.MaxUtterance * 3 / 2; ahead < least {
		t.Errorf("%v are brought back at a time, want at least %v", ahead, least)
	}
}

// TestRefillOfALogMadeAnew: a position names a place of the log it was taken of. On a
// log that was made anew after the broker had lost its disk, what a channel needs is
// as gone as where it was trimmed, wherever that number points to.
func TestRefillOfALogMadeAnew(t *testing.T) {
	broker := embeddedBroker(t)
	client, err := kafka.New(kafka.Config{Brokers: broker.Addrs(), Replication: 1}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Ensure(t.Context(), kafka.Topics(1)...); err != nil {
		t.Fatal(err)
	}
	chunk := capture.Chunk{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: 50, First: 50 * capture.ChunkSamples, CapturedAt: time.Now(), Samples: make([]int16, capture.ChunkSamples)}
	m, err := chunk.Message(capture.PCM)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Produce(t.Context(), kafka.TopicAudio, 0, []kafka.Record{{Key: m.Key, Value: m.Value, Headers: m.Headers}}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, channel string
		at            asr.Position
		want          bool
	}{
		{"behind the end", "judge", asr.Position{Seq: 10, Offset: 3000}, true},
		{"the number of another chunk", "judge", asr.Position{Seq: 10}, true},
		{"nothing of the channel", "clerk", asr.Position{Seq: 10}, true},
		{"the chunk that is needed", "judge", asr.Position{Seq: 49}, false},
		{"a chunk that is known", "judge", asr.Position{Seq: 60}, false},
	} {
		r := &refiller{log: &courtLog{client: client}}
		b := behind{audio: store.AudioChannel{Hearing: "h1", Channel: tt.channel, Seq: 100}, at: tt.at}
		if got, err := r.forgotten(t.Context(), b); err != nil || got != tt.want {
			t.Errorf("%s: forgotten %v (%v)", tt.name, got, err)
		}
	}
}
