package kafka_test

import (
	"log/slog"
	"testing"

	"tingji/store/kafka"
	"tingji/store/kafka/kafkatest"
)

// embedded starts a broker that ends with the test.
func embedded(t *testing.T, cfg kafka.EmbeddedConfig) *kafka.Embedded {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	e, err := kafka.StartEmbedded(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

type embeddedBroker struct {
	*kafka.Embedded
	dir   string
	owner *testing.T // outlives the test that restarts it
}

// Restart ends the broker in order; TestKill does it the other way.
func (b *embeddedBroker) Restart(t *testing.T) {
	addr := b.Addrs()[0]
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.Embedded = embedded(b.owner, kafka.EmbeddedConfig{Dir: b.dir, Addr: addr})
}

func TestContractEmbedded(t *testing.T) {
	dir := t.TempDir()
	kafkatest.Run(t, &embeddedBroker{embedded(t, kafka.EmbeddedConfig{Dir: dir}), dir, t})
}
