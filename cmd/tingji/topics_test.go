package main

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store/kafka"
	"tingji/store/sqlite"
	"tingji/transcript"
)

// TestBrokerMadeAnew: the broker loses its disk while the record server runs, and
// comes back with nothing. The topics are there again, with the hearings that the
// store knows, and nobody had to start the server anew.
func TestBrokerMadeAnew(t *testing.T) {
	addr := freePort(t)
	broker := func() *kafka.Embedded {
		b, err := kafka.StartEmbedded(t.Context(), kafka.EmbeddedConfig{Dir: t.TempDir(), Addr: addr, CapBytes: 64 << 20, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := broker()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tingji.db"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.CreateHearing(t.Context(), capture.Hearing{ID: "h1", Version: 1, Status: capture.Scheduled, Courtroom: "3", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	a := &app{config: DefaultConfig(), log: quiet}
	a.config.Kafka.Brokers = []string{addr}
	s := newStack(quiet)
	defer s.Stop()
	log, err := a.openLog(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	docket := transcript.NewDocket(db, courtrooms(nil), quiet)
	var work sync.WaitGroup
	defer func() { cancel(); work.Wait() }()
	work.Go(func() { docket.Run(ctx, log, segmentLog{log}) })
	work.Go(func() { a.keepTopics(ctx, log, docket) })
	published := func() {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if list, err := log.Published(t.Context()); err == nil && len(list) == 1 && list[0].ID == "h1" {
				return
			}
		}
		t.Fatal("the hearing is never on the log")
	}
	published()
	first.Close()
	second := broker()
	defer second.Close()
	published()
}
