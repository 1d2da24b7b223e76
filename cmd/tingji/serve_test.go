package main

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store/kafka"
	"tingji/transcript"
)

// TestOldLifeSigns: status.v1 keeps the last word of every program that ever ran. None of
// them is missed when the server starts, not even behind one whose clock was ahead.
func TestOldLifeSigns(t *testing.T) {
	docket := transcript.NewDocket(nil, nil, slog.New(slog.DiscardHandler))
	hear := lifeSigns(docket)
	now := time.Now()
	say := func(instance string, at time.Time) {
		value, err := json.Marshal(capture.Health{Component: "capture", Instance: instance, Courtroom: instance, At: at})
		if err != nil {
			t.Fatal(err)
		}
		hear(kafka.Record{Key: []byte("capture/" + instance), Value: value, Time: at})
	}
	say("ahead", now.Add(365*24*time.Hour))
	say("old", now.Add(-time.Hour))
	say("here", now)
	say("slow", now.Add(-time.Hour)) // its clock is behind, and it lives
	got := map[string]bool{}
	for _, h := range docket.Health() {
		got[h.Instance] = true
	}
	if got["ahead"] || got["old"] || !got["here"] || !got["slow"] {
		t.Errorf("parts that are taken for alive: %v", got)
	}
}
