package audio

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store/sqlite"
)

// counter counts receipts' chunks.
type counter struct{ done chan uint64 }

func (c counter) PublishReceipts(_ context.Context, list []capture.Receipt) error {
	for _, r := range list {
		c.done <- r.Seq
	}
	return nil
}

// BenchmarkCatchUp archives an hour of one channel, as after an outage, from a
// log that is in memory; one operation is a chunk of 250 ms.
func BenchmarkCatchUp(b *testing.B) {
	dir := b.TempDir()
	db, err := sqlite.Open(b.Context(), filepath.Join(dir, "record.db"), quiet)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	log := newFakeLog(1)
	samples := chunk("h1", "judge", 1, 1, 0).Samples
	for i := range b.N {
		c := capture.Chunk{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: uint64(i + 1), First: capture.SampleIndex(i) * chunkSamples, CapturedAt: opened, Samples: samples}
		log.parts[0] = append(log.parts[0], Message{Chunk: c})
		log.parts[0][i].Source.Offset = int64(i)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	c := counter{make(chan uint64, 1000)}
	finished := make(chan error, 1)
	b.SetBytes(chunkSamples * bytesPerSample)
	b.ReportAllocs()
	b.ResetTimer()
	began := time.Now()
	go func() { finished <- NewArchive(filepath.Join(dir, "audio"), db, quiet).Run(ctx, log, c) }()
	for seq := range c.done {
		if seq == uint64(b.N) {
			break
		}
	}
	b.ReportMetric(float64(b.N)/4/time.Since(began).Seconds(), "x_realtime")
	b.StopTimer()
	cancel()
	<-finished
}
