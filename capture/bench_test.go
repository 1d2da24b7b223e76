//go:build unix

package capture_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
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
	for _, seats := range []int{1, 8, 36} {
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

// cardMicrophone is a sound card of 48 kHz, at real pace.
type cardMicrophone struct {
	noise []int16
	at    int
	began time.Time
}

func (m *cardMicrophone) Resumable() bool { return false }
func (m *cardMicrophone) Close() error    { return nil }
func (m *cardMicrophone) Rate() int       { return 48000 }
func (m *cardMicrophone) Open(context.Context, capture.SampleIndex) (capture.Stream, error) {
	m.began, m.at = time.Now(), 0
	return m, nil
}

func (m *cardMicrophone) Read(ctx context.Context, buf []int16) (int, time.Time, error) {
	n := min(960, len(buf))
	time.Sleep(time.Until(m.began.Add(time.Duration(m.at+n) * time.Second / 48000)))
	if ctx.Err() != nil {
		return 0, time.Time{}, ctx.Err()
	}
	for i := range n {
		buf[i] = m.noise[(m.at+i)%len(m.noise)] >> 4
	}
	m.at += n
	return n, time.Now(), nil
}

// latencies are how old the first sample of each chunk is when the broker has it.
type latencies struct {
	*sink
	channels map[string]string
	mu       sync.Mutex
	all      []time.Duration
}

// Send reads what it needs of a message and allocates nothing: what is counted is
// the daemon's own.
func (l *latencies) Send(_ context.Context, _ string, messages []capture.Message) error {
	now := time.Now()
	for _, m := range messages {
		r := capture.Receipt{Hearing: "h1", At: now}
		for _, h := range m.Headers {
			switch h.Key {
			case "channel":
				r.Channel = l.channels[string(h.Value)]
			case "seq":
				for _, c := range h.Value {
					r.Seq = r.Seq*10 + uint64(c-'0')
				}
			case "epoch":
				r.Epoch = uint64(h.Value[0] - '0')
			case "captured_at":
				if at, err := time.Parse(time.RFC3339Nano, string(h.Value)); err == nil {
					l.mu.Lock()
					if len(l.all) < cap(l.all) {
						l.all = append(l.all, now.Sub(at))
					}
					l.mu.Unlock()
				}
			}
		}
		l.out(r)
	}
	return nil
}

func usage(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLive records seats of 48 kHz at real pace for ten seconds, beside ffmpeg
// that does the same work: keeps the sound of each, and resamples it.
func BenchmarkLive(b *testing.B) {
	const span = 10 * time.Second
	pcm := noise(1, 30)
	for _, seats := range []int{1, 8, 36} {
		b.Run(fmt.Sprint(seats), func(b *testing.B) {
			s := &latencies{sink: &sink{fakeServer: newFakeServer()}, all: make([]time.Duration, 0, 1<<16), channels: map[string]string{}}
			cfg := capture.Config{Courtroom: room, Dir: b.TempDir(), Preroll: -1}
			for i := range seats {
				name := fmt.Sprint("seat", i)
				s.channels[name] = name
				cfg.Seats = append(cfg.Seats, capture.SeatSource{Channel: name, Role: "证人", Source: &cardMicrophone{noise: noise(uint64(i+1), 10)}})
			}
			d, err := capture.NewDaemon(cfg, capture.Links{Hearings: s, Receipts: s, Log: s, Health: s}, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			var running sync.WaitGroup
			running.Go(func() {
				if err := d.Run(ctx); err != nil {
					b.Error(err)
				}
			})
			s.tell(hearing("h1", 1, capture.Open))
			time.Sleep(15 * time.Second) // the listeners' memory is full, buffers have found their size
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			cpu, syncs, n := usage(b), d.Report().Syncs, len(s.all)
			time.Sleep(span)
			runtime.ReadMemStats(&after)
			cpu, syncs = usage(b)-cpu, d.Report().Syncs-syncs
			s.mu.Lock()
			late := slices.Clone(s.all[n:])
			s.mu.Unlock()
			cancel()
			running.Wait()
			slices.Sort(late)
			b.ReportMetric(100*cpu.Seconds()/span.Seconds(), "%-of-a-core")
			b.ReportMetric(residentMB(b), "rss-MB")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(len(late)), "allocs/chunk")
			b.ReportMetric(float64(late[len(late)/2].Milliseconds()), "latency-p50-ms")
			b.ReportMetric(float64(late[len(late)*99/100].Milliseconds()), "latency-p99-ms")
			b.ReportMetric(float64(syncs)/span.Seconds(), "syncs/s")
			if percent, mb, ok := besideFFmpeg(b, seats, pcm, span); ok {
				b.ReportMetric(percent, "%-of-a-core-ffmpeg")
				b.ReportMetric(mb, "rss-MB-ffmpeg")
			}
			b.ReportMetric(0, "ns/op") // ten seconds; it says nothing
		})
	}
}

func residentMB(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kb float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kb); err == nil {
			return kb / 1024
		}
	}
	b.Error("no VmRSS")
	return 0
}

// besideFFmpeg has one ffmpeg record and resample as many inputs.
func besideFFmpeg(b *testing.B, seats int, pcm []int16, span time.Duration) (percent, mb float64, ok bool) {
	dir := b.TempDir()
	raw := make([]byte, 0, 2*len(pcm))
	for _, s := range pcm {
		raw = append(raw, byte(s>>4), byte(s>>12))
	}
	in := filepath.Join(dir, "in.raw")
	if err := os.WriteFile(in, raw, 0o600); err != nil {
		b.Fatal(err)
	}
	args := []string{"-nostdin", "-loglevel", "error"}
	for range seats {
		args = append(args, "-re", "-stream_loop", "-1", "-t", fmt.Sprint(span.Seconds()), "-f", "s16le", "-ar", "48000", "-ac", "1", "-i", in)
	}
	for i := range seats {
		args = append(args, "-map", fmt.Sprint(i), "-ar", "16000", filepath.Join(dir, fmt.Sprint(i, ".wav")))
	}
	cmd := exec.Command("ffmpeg", args...)
	if err := cmd.Run(); err != nil {
		b.Logf("ffmpeg: %v", err)
		return 0, 0, false
	}
	used := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return 100 * cpu.Seconds() / span.Seconds(), float64(used.Maxrss) / 1024, true
}
