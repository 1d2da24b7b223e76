package kafka_test

import (
	"context"
	"testing"
	"time"

	"tingji/store/kafka/apachekafka"
	"tingji/store/kafka/kafkatest"
)

type apacheBroker struct{ *apachekafka.Broker }

func (b apacheBroker) Addrs() []string { return []string{b.Addr()} }

func (b apacheBroker) Restart(t *testing.T) {
	b.Kill()
	if err := b.Broker.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func apache(t *testing.T) apacheBroker {
	t.Helper()
	if apachekafka.Libs() == "" {
		t.Skip(apachekafka.SkipReason)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b, err := apachekafka.Start(ctx, apachekafka.Libs(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Kill)
	return apacheBroker{b}
}

func TestContractApacheKafka(t *testing.T) {
	kafkatest.Run(t, apache(t))
}
