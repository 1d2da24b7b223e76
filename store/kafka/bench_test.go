//go:build unix

package kafka_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"tingji/store/kafka"
)

const chunkBytes = 8000 // 250 ms of one channel, PCM

func benchmark(b *testing.B) (*kafka.Client, []string) {
	b.Helper()
	var brokers []string
	if addr := os.Getenv("TINGJI_BENCH_KAFKA"); addr != "" { // another broker, and an empty one
		brokers = []string{addr}
	} else {
		e, err := kafka.StartEmbedded(b.Context(), kafka.EmbeddedConfig{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { e.Close() })
		brokers = e.Addrs()
	}
	c, err := kafka.Dial(b.Context(), kafka.Config{Brokers: brokers}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	if err := c.Ensure(b.Context(), kafka.Topics(16)...); err != nil {
		b.Fatal(err)
	}
	return c, brokers
}

func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
}

// One record at a time, from the call of Produce to its return from Next.
func BenchmarkProduceToRead(b *testing.B) {
	c, _ := benchmark(b)
	_, end, err := c.Offsets(b.Context(), kafka.TopicAudio, 0)
	if err != nil {
		b.Fatal(err)
	}
	r := c.Reader(kafka.TopicAudio, 0, end)
	took := make([]time.Duration, 0, b.N)
	value := make([]byte, chunkBytes)
	for b.Loop() {
		start := time.Now()
		go c.Produce(b.Context(), kafka.TopicAudio, 0, []kafka.Record{{Value: value}})
		if _, err := r.Next(b.Context()); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	percentiles(b, took)
}

// Nine courtrooms send eight channels every 250 ms, at real pace, for 10 s a run.
func BenchmarkRealPace(b *testing.B) {
	c, _ := benchmark(b)
	var mu sync.Mutex
	var took []time.Duration
	records := make([]kafka.Record, 8)
	for i := range records {
		records[i].Value = make([]byte, chunkBytes)
	}
	for b.Loop() {
		var wg sync.WaitGroup
		for room := range 9 {
			wg.Go(func() {
				time.Sleep(time.Duration(room) * 27 * time.Millisecond)
				tick := time.NewTicker(250 * time.Millisecond)
				defer tick.Stop()
				for range 40 {
					<-tick.C
					start := time.Now()
					if _, err := c.Produce(b.Context(), kafka.TopicAudio, room, records); err != nil {
						b.Error(err)
					}
					mu.Lock()
					took = append(took, time.Since(start))
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	}
	percentiles(b, took)
}

// Batches of 8 chunks one after another: ours, and kafka-go's own writer with the
// same promise.
func BenchmarkSend(b *testing.B) {
	c, _ := benchmark(b)
	records := make([]kafka.Record, 8)
	for i := range records {
		records[i].Value = make([]byte, chunkBytes)
	}
	b.SetBytes(8 * chunkBytes)
	for b.Loop() {
		if _, err := c.Produce(b.Context(), kafka.TopicAudio, 0, records); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSendPlainWriter(b *testing.B) {
	_, addrs := benchmark(b)
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafkago.Writer{
		Addr: kafkago.TCP(addrs...), Topic: kafka.TopicAudio, Transport: transport,
		RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond, BatchSize: 8,
		Balancer: kafkago.BalancerFunc(func(kafkago.Message, ...int) int { return 0 }),
	}
	defer w.Close()
	b.SetBytes(8 * chunkBytes)
	for b.Loop() {
		messages := make([]kafkago.Message, 8)
		for i := range messages {
			messages[i].Value = make([]byte, chunkBytes)
		}
		if err := w.WriteMessages(b.Context(), messages...); err != nil {
			b.Fatal(err)
		}
	}
}

// Reading what has piled up: 64 MB in batches of 8 chunks.
func BenchmarkCatchUp(b *testing.B) {
	c, _ := benchmark(b)
	records := make([]kafka.Record, 8)
	for i := range records {
		records[i].Value = make([]byte, chunkBytes)
	}
	const batches = 1000
	for range batches {
		if _, err := c.Produce(b.Context(), kafka.TopicAudio, 0, records); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(batches * 8 * chunkBytes)
	for b.Loop() {
		r := c.Reader(kafka.TopicAudio, 0, 0)
		for r.Offset() < batches*8 {
			if _, err := r.Next(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// Forty readers of idle partitions, and the broker they wait on: the share of one
// core that this process takes, over 10 s a run.
func BenchmarkIdleReaders(b *testing.B) {
	c, addrs := benchmark(b)
	idle := map[string]func(ctx context.Context, partition int){
		"ours": func(ctx context.Context, partition int) {
			c.Reader(kafka.TopicAudio, partition, kafka.First).Next(ctx)
		},
		"kafka-go": func(ctx context.Context, partition int) {
			r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: addrs, Topic: kafka.TopicAudio, Partition: partition, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 5 * time.Second})
			defer r.Close()
			r.ReadMessage(ctx)
		},
	}
	for name, read := range idle {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			var wg sync.WaitGroup
			for i := range 40 {
				wg.Go(func() { read(ctx, i%16) })
			}
			time.Sleep(time.Second) // until all wait
			var used time.Duration
			for b.Loop() {
				before := cpu()
				time.Sleep(10 * time.Second)
				used += cpu() - before
			}
			b.ReportMetric(100*used.Seconds()/(10*float64(b.N)), "%core")
			cancel()
			wg.Wait()
		})
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
