package capture_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
)

// nativeMicrophone is a sound card of a rate of its own, which gives noise in blocks
// of 20 ms and remembers what it gave since it was opened.
type nativeMicrophone struct {
	rate  int
	noise []int16
	began time.Time
	given []int16
	ends  int // after so many samples it is gone; 0: never

	forgets bool // given stays empty
	count   int  // of what it gave, where it forgets
}

func (m *nativeMicrophone) Resumable() bool { return false }
func (m *nativeMicrophone) Close() error    { return nil }
func (m *nativeMicrophone) Rate() int       { return m.rate }
func (m *nativeMicrophone) Open(context.Context, capture.SampleIndex) (capture.Stream, error) {
	if m.ends > 0 && len(m.given) >= m.ends {
		return nil, errors.New("no such device")
	}
	m.began, m.given = time.Now(), nil
	return m, nil
}

func (m *nativeMicrophone) Read(ctx context.Context, buf []int16) (int, time.Time, error) {
	if m.ends > 0 && len(m.given) >= m.ends {
		return 0, time.Time{}, errors.New("device is gone")
	}
	n, at := min(m.rate/50, len(buf)), m.count+len(m.given)
	due := m.began.Add(lengthAt(at+n, m.rate))
	select {
	case <-ctx.Done():
		return 0, time.Time{}, ctx.Err()
	case <-time.After(time.Until(due)):
	}
	for i := range n {
		buf[i] = m.noise[(at+i)%len(m.noise)] >> 2
	}
	if m.forgets {
		m.count += n
	} else {
		m.given = append(m.given, buf[:n]...)
	}
	return n, due, nil
}

// lengthAt is how long so many samples of a rate are, also of a day.
func lengthAt(n, rate int) time.Duration {
	return time.Duration(n/rate)*time.Second + time.Duration(n%rate)*time.Second/time.Duration(rate)
}

// resampled is what the pipeline makes of an epoch.
func resampled(t *testing.T, rate int, native []int16) []int16 {
	t.Helper()
	if rate == capture.Rate {
		return native
	}
	r, err := capture.NewResampler(rate)
	if err != nil {
		t.Fatal(err)
	}
	in := make([]float64, len(native))
	for i, v := range native {
		in[i] = float64(v)
	}
	var out []int16
	for _, v := range r.Flush(r.Resample(nil, in)) {
		out = append(out, capture.RoundSample(v))
	}
	return out
}

// nativeOf reads the files of an epoch, which join.
func nativeOf(t *testing.T, dir string, epoch, rate int) []int16 {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "archive", "h1", fmt.Sprintf("*_e%03d_p*.json", epoch)))
	if err != nil || len(found) == 0 {
		t.Fatalf("archive of epoch %d: %q, %v", epoch, found, err)
	}
	var all []int16
	for _, path := range found { // by part
		var s capture.Sidecar
		b, err := os.ReadFile(path)
		if err := errors.Join(err, json.Unmarshal(b, &s)); err != nil {
			t.Fatal(err)
		}
		wav, err := os.ReadFile(strings.TrimSuffix(path, ".json") + ".wav")
		if err != nil {
			t.Fatal(err)
		}
		if s.Rate != rate || int(s.First) != len(all) || int(binary.LittleEndian.Uint32(wav[24:])) != rate || (s.V == 1) != (rate == capture.Rate) {
			t.Fatalf("%s: version %d, %d Hz from sample %d", path, s.V, s.Rate, s.First)
		}
		for b := wav[44:]; len(b) > 1; b = b[2:] {
			all = append(all, int16(binary.LittleEndian.Uint16(b)))
		}
	}
	return all
}

// TestArchiveKeepsTheNativeRate records a device at its own rate while nobody takes
// the sound: the archive holds what the device gave, to the bit, and what is filled
// from it, where the spool is damaged, was full, or knew nothing of it when the
// process was killed, are the very samples of the pipeline.
func TestArchiveKeepsTheNativeRate(t *testing.T) {
	for _, rate := range []int{16000, 44100, 48000} {
		for name, test := range map[string]struct {
			spool int64
			flip  bool
			tail  bool // the spool forgets what came last
		}{
			"whole": {}, "damaged": {flip: true}, "full": {spool: 1 << 20}, "behind": {tail: true},
		} {
			t.Run(fmt.Sprint(rate, " ", name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFakeServer()
					f.away = true
					dir := t.TempDir()
					// An odd end: no whole block, chunk or output.
					m := &nativeMicrophone{rate: rate, noise: noise(7, 3), ends: 10*rate + rate/50*3}
					if test.spool > 0 {
						m.ends += 30 * rate
					}
					cfg := capture.Config{Dir: dir, Preroll: -1, SpoolBytes: test.spool, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}
					stop := start(t, cfg, f)
					f.tell(hearing("h1", 1, capture.Open))
					time.Sleep(70 * time.Second)
					stop()
					if test.flip {
						flip(t, one(t, dir, "spool", "*.seg"), 1, 0)
					}
					if test.tail {
						cut(t, one(t, dir, "spool", "*.seg"), 60)
						if err := os.Remove(filepath.Join(dir, "spool", "state.json")); err != nil {
							t.Fatal(err)
						}
					}
					f.set(func() { f.away = false })
					start(t, cfg, f)
					time.Sleep(time.Minute)
					f.tell(hearing("h1", 2, capture.Closed))
					time.Sleep(time.Second)

					want := resampled(t, rate, nativeOf(t, dir, 1, rate))
					if n := len(nativeOf(t, dir, 1, rate)); n != m.ends || !slices.Equal(nativeOf(t, dir, 1, rate), m.given) {
						t.Fatalf("the archive holds %d samples of %d, or not those that the device gave", n, m.ends)
					}
					var got []int16
					for i, c := range f.channel("judge") {
						if c.Seq != uint64(i+1) || c.Lost != 0 {
							t.Fatalf("%v comes as number %d", c, i+1)
						}
						if c.Epoch == 1 {
							got = append(got, c.Samples...)
						}
					}
					if !slices.Equal(got, want) {
						at := 0
						for at < min(len(got), len(want)) && got[at] == want[at] {
							at++
						}
						t.Errorf("%d samples of %d; they differ from %d on", len(got), len(want), at)
					}
				})
			})
		}
	}
}

// cut takes away all records of a spool file but the first few.
func cut(t *testing.T, path string, keep int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for range keep + 1 {
		at += strings.Index(string(b[at+1:]), "TJR\x01") + 1
	}
	if err := os.WriteFile(path, b[:at], 0o600); err != nil {
		t.Fatal(err)
	}
}
