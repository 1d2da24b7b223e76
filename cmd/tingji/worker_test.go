package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"tingji/asr"
	"tingji/capture"
	"tingji/store/kafka"
)

// TestWorkerLooksAtOpenChannels: positions.v1 keeps every channel that there ever
// was, and a worker that looked at all of them twice a second would spend more on
// it with every hearing that was held.
func TestWorkerLooksAtOpenChannels(t *testing.T) {
	s := newWorkerStates(&courtLog{client: &kafka.Client{}, rooms: kafka.Partitions{Count: 1}})
	put := func(hearing, channel string, ended bool) {
		s.known[hearing] = capture.Hearing{ID: hearing, Courtroom: "3"}
		state := asr.ChannelState{Hearing: hearing, Channel: channel, Position: asr.Position{Epoch: 1, Sample: 8000, Ended: ended}}
		value, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		s.position(kafka.Record{Key: []byte(capture.Key(hearing, channel)), Value: value})
	}
	for i := range 100 {
		put(fmt.Sprintf("h%03d", i), "judge", false)
		put(fmt.Sprintf("h%03d", i), "judge", true)
	}
	put("now", "judge", false)
	if list := s.In(0); len(list) != 1 || list[0].Hearing != "now" {
		t.Errorf("%d channels to look at, want the one that goes on", len(list))
	}
	if state, ok := s.Position("h007", "judge"); !ok || !state.Position.Ended {
		t.Errorf("position of one that has ended: %+v, %v", state, ok)
	}
	// A seat that got a new source after its recording had ended goes on.
	put("h007", "judge", false)
	if list := s.In(0); len(list) != 2 {
		t.Errorf("%d channels to look at, want 2", len(list))
	}
	s.position(kafka.Record{Key: []byte("h007/judge")})
	if list := s.In(0); len(list) != 1 {
		t.Errorf("%d channels to look at after one was deleted, want 1", len(list))
	}
}
