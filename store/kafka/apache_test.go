package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tingji/store/kafka"
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

func TestApacheKafka(t *testing.T) {
	b := apache(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c, err := kafka.Dial(ctx, kafka.Config{Brokers: b.Addrs()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })

	t.Run("topics of the product", func(t *testing.T) {
		for range 2 {
			if err := c.Ensure(ctx, kafka.Topics(4)...); err != nil {
				t.Fatal(err)
			}
		}
	})

	// A courtroom PC whose clock is wrong loses nothing.
	t.Run("wrong clocks", func(t *testing.T) {
		if err := c.Ensure(ctx, kafka.Topic{Name: "clocks", Partitions: 1, Retention: time.Hour}); err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{time.Unix(1, 0), time.Now().AddDate(1, 0, 0), {}} {
			if _, err := c.Produce(ctx, "clocks", 0, []kafka.Record{{Value: []byte("x"), Time: at}}); err != nil {
				t.Errorf("at %v: %v", at, err)
			}
		}
		time.Sleep(3 * time.Second) // the test's broker applies retention every second
		if got := all(t, ctx, c, "clocks", 0); len(got) != 3 {
			t.Errorf("%d of 3 records are left", len(got))
		}
	})

	// Compaction leaves batches without their last records; a reader must not ask
	// for those for ever.
	t.Run("compaction", func(t *testing.T) {
		create(t, ctx, b, "compacted", map[string]string{
			"cleanup.policy": "compact", "segment.ms": "500", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "500",
		})
		const n = 1000
		var records []kafka.Record
		for i := range n {
			records = append(records, kafka.Record{Key: []byte(strconv.Itoa(i % 10)), Value: []byte(strconv.Itoa(i))})
		}
		// The tail of the batch is superseded by later batches, its middle is not.
		records = append(records, kafka.Record{Key: []byte("kept"), Value: []byte("kept")})
		for range 50 {
			records = append(records, kafka.Record{Key: []byte("tail"), Value: []byte("old")})
		}
		if _, err := c.Produce(ctx, "compacted", 0, records); err != nil {
			t.Fatal(err)
		}
		var got []kafka.Record
		for i := 0; ; i++ {
			time.Sleep(600 * time.Millisecond) // a segment ends with the first record that is later
			if _, err := c.Produce(ctx, "compacted", 0, []kafka.Record{{Key: []byte("tail"), Value: fmt.Append(nil, i)}}); err != nil {
				t.Fatal(err)
			}
			if got = all(t, ctx, c, "compacted", 0); len(got) < 50 {
				break
			}
		}
		latest := make(map[string]string)
		for _, r := range got {
			latest[string(r.Key)] = string(r.Value)
		}
		if latest["9"] != "999" || latest["0"] != "990" || latest["kept"] != "kept" || len(latest) != 12 {
			t.Errorf("left: %v", latest)
		}
		end := got[len(got)-1].Offset + 1
		for from := int64(0); from < end; from += 7 {
			r := c.Reader("compacted", 0, from)
			for r.Offset() < end {
				if _, err := r.Next(ctx); err != nil {
					t.Fatalf("from %d at %d of %d: %v", from, r.Offset(), end, err)
				}
			}
		}
	})

	kafkatest.Run(t, b)
}

func create(t *testing.T, ctx context.Context, b apacheBroker, topic string, settings map[string]string) {
	t.Helper()
	admin, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, 1, 1
	for name, value := range settings {
		cfg := kmsg.NewCreateTopicsRequestTopicConfig()
		cfg.Name, cfg.Value = name, kmsg.StringPtr(value)
		rt.Configs = append(rt.Configs, cfg)
	}
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(ctx, admin)
	if err != nil {
		t.Fatal(err)
	}
	if r := res.Topics[0]; r.ErrorCode != 0 {
		t.Fatalf("create %s: %d %v", topic, r.ErrorCode, r.ErrorMessage)
	}
}
