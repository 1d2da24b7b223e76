package main

import (
	"testing"

	"tingji/capture"
	"tingji/store/audio"
	"tingji/store/kafka"
	"tingji/transcript"
)

// TestBury: what cannot be read stands in dead.v1 as it came, with where it stood and why, and
// what follows it is read.
func TestBury(t *testing.T) {
	broker := embeddedBroker(t)
	client, err := kafka.New(kafka.Config{Brokers: broker.Addrs()}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	log := &courtLog{client: client, rooms: kafka.Partitions{Count: 1}}
	if err := log.ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	good, err := (&capture.Chunk{Hearing: "h", Channel: "judge", Epoch: 1, Seq: 1, Samples: make([]int16, 160)}).Message(capture.PCM)
	if err != nil {
		t.Fatal(err)
	}
	record := func(m capture.Message) kafka.Record {
		return kafka.Record{Key: m.Key, Value: m.Value, Headers: m.Headers}
	}
	foreign := kafka.Record{Key: []byte("k"), Value: []byte("no sound"), Headers: []kafka.Header{{Key: "v", Value: []byte("2")}}}
	if _, err := client.Produce(t.Context(), kafka.TopicAudio, 0, []kafka.Record{foreign, record(good)}); err != nil {
		t.Fatal(err)
	}
	messages, err := workerAudio{log}.Chunks(0, 0).Next(t.Context())
	if err != nil || len(messages) != 2 || messages[0].Err == nil || messages[1].Err != nil || messages[1].Chunk.Channel != "judge" {
		t.Fatalf("%+v, %v", messages, err)
	}
	m := audio.Message{Source: transcript.Source{Topic: kafka.TopicAudio, Offset: messages[0].Offset}, Raw: messages[0].Raw, Err: messages[0].Err}
	if err := (archiveLog{log}).SetAside(t.Context(), m, string(capture.UnknownVersion)); err != nil {
		t.Fatal(err)
	}
	dead, err := client.Reader(kafka.TopicDead, 0, kafka.First).Next(t.Context())
	if err != nil || len(dead) != 1 {
		t.Fatalf("%d buried, %v", len(dead), err)
	}
	headers := map[string]string{}
	for _, h := range dead[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	if string(dead[0].Key) != "k" || string(dead[0].Value) != "no sound" || headers["reason"] != string(capture.UnknownVersion) || headers["error"] == "" ||
		headers["topic"] != kafka.TopicAudio || headers["partition"] != "0" || headers["offset"] != "0" || headers["original-v"] != "2" {
		t.Errorf("key %q, value %q, %v", dead[0].Key, dead[0].Value, headers)
	}
}
