//go:build cgo

package portaudio

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	pa "github.com/gordonklaus/portaudio"

	"tingji/capture"
)

// TestRatesThatADeviceRefuses: another rate is taken where the one that is configured
// is refused, and the log says so; where all are, the seat says so.
func TestRatesThatADeviceRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		device  string
		own     float64
		rate    int // configured
		takes   []float64
		want    int // 0: none
		inLog   string
		refused []string
	}{
		"a card at 48 kHz":        {device: "USB (hw:1,0)", own: 44100, takes: []float64{44100, 48000}, want: 48000},
		"a card that has no 48":   {device: "USB (hw:1,0)", own: 44100, takes: []float64{44100}, want: 44100},
		"a sound server":          {device: "pulse", own: 44100, takes: []float64{16000, 48000}, want: 16000},
		"configured":              {device: "USB (hw:1,0)", own: 44100, rate: 96000, takes: []float64{48000, 96000}, want: 96000},
		"configured, but refused": {device: "USB (hw:1,0)", own: 44100, rate: 96000, takes: []float64{44100}, want: 44100, inLog: "correct capture.rate"},
		"one of its own":          {device: "USB (hw:1,0)", own: 50000, takes: []float64{50000}, want: 50000},
		"one that cannot be used": {device: "USB (hw:1,0)", own: 7001, takes: []float64{7001}, refused: []string{"48000", "its own is 7001", "use another device"}},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			s := New(test.rate, slog.New(slog.NewTextHandler(&said, nil)))
			s.takes = func(p pa.StreamParameters, _ ...any) error {
				if slices.Contains(test.takes, p.SampleRate) {
					return nil
				}
				return pa.InvalidSampleRate
			}
			d := &device{system: s, channels: 2}
			p, err := d.format(&pa.DeviceInfo{Name: test.device, DefaultSampleRate: test.own})
			if test.want != 0 {
				if err != nil || d.rate != test.want || p.SampleRate != float64(test.want) || len(d.buf) != 2*test.want/buffersPerSecond {
					t.Errorf("rate %d, %v", d.rate, err)
				}
				if (test.inLog != "") != (said.Len() > 0) || !strings.Contains(said.String(), test.inLog) {
					t.Errorf("the log says %q", said.String())
				}
				return
			}
			var known *capture.SourceError
			if !errors.As(err, &known) || known.Permanent || !strings.Contains(known.Text, "请更换设备") {
				t.Fatalf("%#v", err)
			}
			for _, w := range test.refused {
				if !strings.Contains(known.TextEN, w) {
					t.Errorf("%q does not say %q", known.TextEN, w)
				}
			}
		})
	}
}
