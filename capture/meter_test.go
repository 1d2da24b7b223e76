package capture

import (
	"math"
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	var m meter
	if got := m.read(); got != silenceDBFS {
		t.Errorf("nothing heard: %g", got)
	}
	m.hear(make([]int16, 100))
	if got := m.read(); got != silenceDBFS {
		t.Errorf("digital silence: %g", got)
	}
	m.hear([]int16{-32768, -32768})
	if got := m.read(); got != 0 {
		t.Errorf("full scale: %g", got)
	}
	half := make([]int16, Rate)
	for i := range half {
		half[i] = int16(16384 * math.Sin(float64(i)/10))
	}
	m.hear(half[:Rate/2])
	m.hear(half[Rate/2:])
	if got := m.read(); math.Abs(got+9.03) > 0.05 {
		t.Errorf("a sine at half scale: %g", got)
	}
}

// TestClock hears an hour of 20 ms blocks that arrive up to 60 ms late.
func TestClock(t *testing.T) {
	const block = Rate / 50
	tests := []struct {
		name string
		ppm  float64 // by which the sound card is slow
		lose time.Duration
		jump bool
	}{
		{"exact", 0, 0, false},
		{"100 ppm slow", 100, 0, false},
		{"100 ppm fast", -100, 0, false},
		{"loses 300 ms", 0, 300 * time.Millisecond, true},
		{"loses 20 ms", 0, 20 * time.Millisecond, false},
		{"finds 300 ms", 0, -300 * time.Millisecond, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			began := time.Now()
			truth := func(i SampleIndex) time.Time {
				d := time.Duration(float64(i.Duration()) * (1 + tt.ppm/1e6))
				if i > 1800*Rate {
					d += tt.lose
				}
				return began.Add(d)
			}
			var c *clock
			worst, jumped := time.Duration(0), SampleIndex(0)
			for i := SampleIndex(block); i < 3600*Rate && jumped == 0; i += block {
				arrived := truth(i).Add(time.Duration(i/block*37%61) * time.Millisecond)
				if c == nil {
					c = newClock(truth(i), block)
				}
				if !c.heard(i, arrived) {
					jumped = i
				}
				worst = max(worst, c.at(i).Sub(truth(i)).Abs())
			}
			t.Logf("at most %v from the truth", worst)
			if tt.jump != (jumped != 0) || jumped != 0 && (jumped < 1800*Rate || jumped > 1805*Rate) {
				t.Errorf("the count was given up at %v", jumped.Duration())
			}
			if !tt.jump && worst > tt.lose+10*time.Millisecond {
				t.Error("too far")
			}
		})
	}
}
