//go:build cgo && linux

package portaudio_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tingji/capture"
	"tingji/capture/portaudio"
)

// court is the other end of a daemon: it opens and closes a hearing, and keeps what
// was sent.
type court struct {
	states chan capture.Hearing
	mu     sync.Mutex
	chunks map[string][]capture.Chunk // by channel, each number once
}

func (c *court) FollowHearings(ctx context.Context, changed func(capture.Hearing), loaded func()) error {
	loaded()
	for {
		select {
		case h := <-c.states:
			changed(h)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *court) FollowReceipts(ctx context.Context, _ func(capture.Receipt), loaded func()) error {
	loaded()
	<-ctx.Done()
	return ctx.Err()
}

func (c *court) ReportHealth(context.Context, capture.Health) error { return nil }

func (c *court) Send(_ context.Context, _ string, messages []capture.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range messages {
		chunk, err := capture.ParseChunk(m)
		if err != nil {
			return err
		}
		if had := c.chunks[chunk.Channel]; chunk.Seq == uint64(len(had))+1 {
			chunk.Samples = slices.Clone(chunk.Samples)
			c.chunks[chunk.Channel] = append(had, chunk)
		}
	}
	return nil
}

// TestRatesOfARoom records two devices of one room, of 48 and of 16 kHz, by the
// daemon: the archive holds what was played, to the bit and at each device's rate, and
// the pipeline gets what the resampler makes of it.
func TestRatesOfARoom(t *testing.T) {
	pulse(t)
	rates := map[string]int{"hifi": 48000, "phone": capture.Rate}
	rc := filepath.Join(os.Getenv("HOME"), ".asoundrc")
	asoundrc, err := os.ReadFile(rc)
	if err != nil {
		t.Fatal(err)
	}
	for name, rate := range rates {
		pactl(t, "load-module", "module-null-sink", "sink_name="+name, fmt.Sprint("rate=", rate), "format=s16le", "channels=1", "channel_map=mono")
		asoundrc = fmt.Appendf(asoundrc, "pcm.%s { type pulse\n device \"%s.monitor\"\n hint { show on\n description \"%s\" } }\n", name, name, name)
	}
	if err := os.WriteFile(rc, asoundrc, 0o600); err != nil {
		t.Fatal(err)
	}
	// A machine that is held up for long loses sound, which is told of and is not what
	// is looked at here.
	for i := range 3 {
		if recordRoom(t, rates) {
			return
		}
		t.Logf("attempt %d: the machine was held up, and sound was lost", i+1)
	}
	t.Error("sound was lost three times")
}

// recordRoom reports false where sound was lost.
func recordRoom(t *testing.T, rates map[string]int) bool {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	sys := portaudio.New(48000, slog.New(slog.DiscardHandler))
	sys.OnlyTakes("phone", capture.Rate)
	c := &court{states: make(chan capture.Hearing, 2), chunks: map[string][]capture.Chunk{}}
	dir := t.TempDir()
	cfg := capture.Config{Courtroom: "3", Instance: "test", Dir: dir, Preroll: -1}
	for name := range rates {
		cfg.Seats = append(cfg.Seats, capture.SeatSource{Channel: name, Role: "证人", Source: sys.Source("ALSA", name, 0), Spec: name})
	}
	d, err := capture.NewDaemon(cfg, capture.Links{Hearings: c, Receipts: c, Log: c, Health: c}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(running) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	until := func(what string, ok func(s capture.SeatHealth) bool) {
		t.Helper()
		for {
			seats := d.Report().Seats
			if len(seats) == len(rates) && !slices.ContainsFunc(seats, func(s capture.SeatHealth) bool { return !ok(s) }) {
				return
			}
			select {
			case <-ctx.Done():
				t.Fatalf("never %s: %+v", what, d.Report())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	now := time.Now()
	h := capture.Hearing{ID: "h1", Version: 1, Status: capture.Open, Courtroom: "3", OpenedAt: &now}
	for name := range rates {
		h.Seats = append(h.Seats, capture.Seat{Channel: name, Role: "证人"})
	}
	c.states <- h
	until("recorded", func(s capture.SeatHealth) bool { return s.Recording && s.Samples > 0 })

	// A second of silence goes first: an idle sink swallows the beginning.
	played := map[string][]int16{}
	var players sync.WaitGroup
	for name, rate := range rates {
		r := rand.New(rand.NewPCG(uint64(rate), 9))
		raw := make([]byte, 2*rate)
		for range 2 * rate {
			v := int16(r.Uint32() | 1) // never silent
			played[name] = append(played[name], v)
			raw = binary.LittleEndian.AppendUint16(raw, uint16(v))
		}
		raw = append(raw, make([]byte, rate)...)
		players.Go(func() {
			play := exec.CommandContext(ctx, "paplay", "--raw", fmt.Sprint("--rate=", rate), "--channels=1", "--format=s16le", "--channel-map=mono", "--device="+name)
			play.Stdin = strings.NewReader(string(raw))
			if out, err := play.CombinedOutput(); err != nil {
				t.Errorf("paplay on %s: %v: %s", name, err, out)
			}
		})
	}
	players.Wait()
	at := map[string]capture.SampleIndex{}
	for _, s := range d.Report().Seats {
		at[s.Channel] = s.Samples
	}
	until("a second longer", func(s capture.SeatHealth) bool { return s.Gaps > 0 || s.Samples > at[s.Channel]+capture.Rate })
	for _, s := range d.Report().Seats {
		if s.Gaps > 0 {
			return false
		}
	}
	closed := time.Now()
	h.Version, h.Status, h.ClosedAt = 2, capture.Closed, &closed
	c.states <- h
	until("closed", func(s capture.SeatHealth) bool { return s.Hearing == "" })
	ends := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for name := range rates {
			if n := len(c.chunks[name]); n == 0 || c.chunks[name][n-1].End != capture.EndClose {
				return false
			}
		}
		return true
	}
	for !ends() {
		select {
		case <-ctx.Done():
			t.Fatal("the end is not sent")
		case <-time.After(20 * time.Millisecond):
		}
	}
	for name, rate := range rates {
		native := archived(t, dir, name, rate)
		first := slices.IndexFunc(native, func(v int16) bool { return v != 0 })
		if first < 0 || len(native)-first < len(played[name]) || !slices.Equal(native[first:first+len(played[name])], played[name]) {
			t.Errorf("%s: the archive does not hold what was played", name)
		}
		want := native
		if rate != capture.Rate {
			r, err := capture.NewResampler(rate)
			if err != nil {
				t.Fatal(err)
			}
			in := make([]float64, len(native))
			for i, v := range native {
				in[i] = float64(v)
			}
			want = nil
			for _, v := range r.Flush(r.Resample(nil, in)) {
				want = append(want, capture.RoundSample(v))
			}
		}
		var got []int16
		for _, chunk := range c.chunks[name] {
			if chunk.Epoch != 1 || int(chunk.First) != len(got) {
				t.Fatalf("%s: %v follows %d samples", name, chunk, len(got))
			}
			got = append(got, chunk.Samples...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the pipeline got %d samples that are not the %d the resampler makes of the archive", name, len(got), len(want))
		}
	}
	return true
}

// archived reads what the archive has of a seat, all of one rate.
func archived(t *testing.T, dir, channel string, rate int) (all []int16) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "archive", "*", "*_"+channel+"_e001_p*.json"))
	if err != nil || len(found) == 0 {
		t.Fatalf("archive of %s: %q, %v", channel, found, err)
	}
	for _, path := range found {
		var s capture.Sidecar
		b, err := os.ReadFile(path)
		wav, err2 := os.ReadFile(strings.TrimSuffix(path, ".json") + ".wav")
		if err := errors.Join(err, err2, json.Unmarshal(b, &s)); err != nil {
			t.Fatal(err)
		}
		if s.Rate != rate || int(binary.LittleEndian.Uint32(wav[24:])) != rate || int(s.First) != len(all) {
			t.Fatalf("%s: %d Hz from sample %d", path, s.Rate, s.First)
		}
		for b := wav[44:]; len(b) > 1; b = b[2:] {
			all = append(all, int16(binary.LittleEndian.Uint16(b)))
		}
	}
	return all
}
