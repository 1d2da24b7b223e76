package main

import (
	"context"
	"testing"
	"time"

	"tingji/store/kafka/apachekafka"
)

// TestApacheKafka: the sample hearing through a real Apache Kafka, which is
// killed in the middle and comes back; then the program is killed and comes
// back. The transcript is the reference all the same.
func TestApacheKafka(t *testing.T) {
	if apachekafka.Libs() == "" {
		t.Skip(apachekafka.SkipReason)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	broker, err := apachekafka.Start(ctx, apachekafka.Libs(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Stop()
	_, want := reference(t)
	dir, listen := t.TempDir(), freePort(t)
	args := append(sample20(dir, listen), "--kafka", broker.Addr())

	p := start(t, args...)
	untilLines(t, p, 10)
	broker.Kill()
	time.Sleep(2 * time.Second) // of 20: the spool fills meanwhile
	if err := broker.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	untilLines(t, p, 30)
	p.kill()

	p = start(t, args...)
	h := p.untilComplete(5 * time.Minute)
	compare(t, p.lines(h.ID), want)
}

// untilLines waits until the only hearing has n lines, or has ended.
func untilLines(t testing.TB, p *program, n int) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if h, err := p.only(); err == nil && (h.Progress.Complete || len(p.lines(h.ID)) >= n) {
			return
		}
	}
	t.Fatalf("there are never %d lines", n)
}
