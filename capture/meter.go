package capture

import (
	"math"
	"sync"
)

// silenceDBFS is what digital silence measures.
const silenceDBFS = -120

// meter measures the level of one seat between two readings. It is safe for
// use by several goroutines.
type meter struct {
	mu  sync.Mutex
	sum float64 // of squares
	n   int
}

func (m *meter) hear(samples []int16) {
	var sum int64
	for _, s := range samples {
		sum += int64(s) * int64(s)
	}
	m.mu.Lock()
	m.sum += float64(sum)
	m.n += len(samples)
	m.mu.Unlock()
}

// read is the RMS level since the last reading, in dB below full scale.
func (m *meter) read() float64 {
	m.mu.Lock()
	sum, n := m.sum, m.n
	m.sum, m.n = 0, 0
	m.mu.Unlock()
	if n == 0 || sum == 0 {
		return silenceDBFS
	}
	return max(silenceDBFS, 10*math.Log10(sum/float64(n)/(32768*32768)))
}
