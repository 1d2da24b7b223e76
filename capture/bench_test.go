//go:build unix

package capture_test

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"tingji/capture"
	"tingji/capture/file"
)

// sink acknowledges and receipts everything and keeps nothing.
type sink struct {
	*fakeServer
	out func(capture.Receipt)
}

func (s *sink) FollowReceipts(ctx context.Context, changed func(capture.Receipt), loaded func()) error {
	s.out = changed
	loaded()
	<-ctx.Done()
	return ctx.Err()
}

func (s *sink) Send(_ context.Context, _ string, messages []capture.Message) error {
	for _, m := range messages {
		c, err := capture.ParseChunk(m)
		if err != nil {
			return err
		}
		s.out(capture.Receipt{Hearing: c.Hearing, Channel: c.Channel, Epoch: c.Epoch, Seq: c.Seq, At: c.CapturedAt})
	}
	return nil
}

func (s *sink) ReportHealth(context.Context, capture.Health) error { return nil }

// BenchmarkDaemon plays recordings of 60 s as fast as they are taken, through
// archive and spool to a broker that does nothing but read them.
func BenchmarkDaemon(b *testing.B) {
	for _, seats := range []int{1, 8} {
		b.Run(fmt.Sprint(seats), func(b *testing.B) {
			pcm := noise(1, 60)
			b.ReportAllocs()
			var before, after syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
				b.Fatal(err)
			}
			runs := 0
			for b.Loop() {
				s := &sink{fakeServer: newFakeServer()}
				s.tell(hearing("h1", 1, capture.Open))
				ctx, cancel := context.WithCancel(b.Context())
				p := file.NewPlayer(0)
				cfg := capture.Config{Courtroom: room, Dir: b.TempDir(), OnEnd: func(string) { cancel() }}
				for i := range seats {
					cfg.Seats = append(cfg.Seats, capture.SeatSource{Channel: fmt.Sprint("seat", i), Role: "证人", Source: p.PCM(pcm)})
				}
				d, err := capture.NewDaemon(cfg, capture.Links{Hearings: s, Receipts: s, Log: s, Health: s}, slog.New(slog.DiscardHandler))
				if err != nil {
					b.Fatal(err)
				}
				if err := d.Run(ctx); err != nil {
					b.Fatal(err)
				}
				runs++
			}
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
				b.Fatal(err)
			}
			cpu := time.Duration(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano()) / time.Duration(runs)
			b.ReportMetric(100*cpu.Seconds()/60, "%-of-a-core-live")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(runs*seats*240), "ns/chunk")
		})
	}
}
