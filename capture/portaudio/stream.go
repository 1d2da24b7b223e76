//go:build cgo

package portaudio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	pa "github.com/gordonklaus/portaudio"

	"tingji/capture"
)

const (
	buffersPerSecond = 50
	latency          = 200 * time.Millisecond
	// queueBlocks is how much sound waits for a reader that is held up: 2 s.
	queueBlocks = 2 * buffersPerSecond
	// patience is how long a device may deliver nothing. The first buffer takes up to
	// 2 s with some drivers.
	patience = 5 * time.Second
	// closePatience is how long Close waits for a read that hangs.
	closePatience = time.Second
)

// block is what one buffer of the device became, or why there are no more.
type block struct {
	samples []int16
	arrived time.Time
	gap     bool // samples were lost before it
	err     error
}

// stream is an open device. Its own goroutine reads it, as a read can hang.
type stream struct {
	source    *Source
	pa        *pa.Stream
	buf       []int16 // interleaved; the library writes into it
	resampler *capture.Resampler
	blocks    chan block
	closing   chan struct{}
	ended     chan struct{}
	once      sync.Once

	rest block // of the block that Read is handing out
}

// run owns the device from its start to its end.
func (s *stream) run() {
	defer close(s.ended)
	defer s.release()
	in := make([]float64, 0, len(s.buf))
	var out []float64
	gap := false
	for {
		err := s.pa.Read()
		b := block{arrived: time.Now(), gap: gap}
		switch {
		case errors.Is(err, pa.InputOverflowed):
			// The buffer is filled, but samples before it are lost.
			b.gap = true
		case err != nil:
			s.deliver(block{err: failed(s.source.device, "read", err)})
			return
		}
		gap = false
		step := s.source.channel + 1
		if s.resampler == nil {
			b.samples = make([]int16, 0, len(s.buf)/step)
			for i := s.source.channel; i < len(s.buf); i += step {
				b.samples = append(b.samples, s.buf[i])
			}
		} else {
			in = in[:0]
			for i := s.source.channel; i < len(s.buf); i += step {
				in = append(in, float64(s.buf[i]))
			}
			out = s.resampler.Resample(out[:0], in)
			for _, v := range out {
				b.samples = append(b.samples, capture.RoundSample(v))
			}
		}
		select {
		case <-s.closing:
			return
		default:
		}
		select {
		case s.blocks <- b:
		default:
			gap = true // nobody has read for 2 s
		}
	}
}

// deliver hands over the last word, unless nobody listens any more.
func (s *stream) deliver(b block) {
	select {
	case s.blocks <- b:
	case <-s.closing:
	}
}

// release gives the device back, on the goroutine that read it.
func (s *stream) release() {
	sys := s.source.system
	sys.mu.Lock()
	defer sys.mu.Unlock()
	if err := errors.Join(s.pa.Abort(), s.pa.Close()); err != nil {
		sys.log.Debug("device does not close in order", "device", s.source.device, "err", err)
	}
	sys.terminate()
}

// Read implements [capture.Stream].
func (s *stream) Read(ctx context.Context, buf []int16) (int, time.Time, error) {
	for len(s.rest.samples) == 0 {
		t := time.NewTimer(patience)
		select {
		case s.rest = <-s.blocks:
			t.Stop()
		case <-ctx.Done():
			t.Stop()
			return 0, time.Time{}, ctx.Err()
		case <-t.C:
			return 0, time.Time{}, &capture.SourceError{
				Text:   fmt.Sprintf("设备“%s”已 %.0f 秒没有声音数据；请检查连接", s.source.device, patience.Seconds()),
				TextEN: fmt.Sprintf("device %q has delivered nothing for %.0f s; check that it is connected", s.source.device, patience.Seconds()),
			}
		}
		if s.rest.err != nil {
			return 0, time.Time{}, s.rest.err
		}
		if s.rest.gap {
			s.rest.gap = false
			return 0, time.Time{}, capture.ErrGap
		}
	}
	n := copy(buf, s.rest.samples)
	s.rest.samples = s.rest.samples[n:]
	// What is left of the block arrived with it, after what is returned now.
	return n, s.rest.arrived.Add(-capture.SampleIndex(len(s.rest.samples)).Duration()), nil
}

// Close ends the stream. A device that hangs is left to its goroutine, which
// gives it back if ever the read returns.
func (s *stream) Close() error {
	s.once.Do(func() { close(s.closing) })
	select {
	case <-s.ended:
	case <-time.After(closePatience):
		s.source.system.log.Warn("device hangs and is left alone", "device", s.source.device)
	}
	return nil
}
