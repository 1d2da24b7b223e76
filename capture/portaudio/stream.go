//go:build cgo

package portaudio

import (
	"context"
	"fmt"
	"sync"
	"time"

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

// stream is one channel of an open device.
type stream struct {
	source *Source
	device *device
	blocks chan block
	free   chan []int16 // samples of blocks that were handed out, to be used again
	once   sync.Once

	gap bool // samples were lost since the last block; the device's lock guards it

	rest  block       // of the block that Read is handing out
	used  []int16     // all of its samples
	timer *time.Timer // of Read
}

func newStream(s *Source, d *device) (*stream, error) {
	if _, err := capture.NewResampler(d.rate); err != nil {
		return nil, fmt.Errorf("open device %q: %w", s.device, err)
	}
	return &stream{source: s, device: d, blocks: make(chan block, queueBlocks+1), free: make(chan []int16, queueBlocks+1)}, nil
}

// take takes the stream's channel of what the device has read. The device's
// goroutine calls it, with its lock.
func (s *stream) take(buf []int16, channels int, arrived time.Time, lost bool) {
	b := block{arrived: arrived, gap: s.gap || lost}
	select {
	case b.samples = <-s.free:
	default:
		b.samples = make([]int16, 0, len(buf)/channels)
	}
	b.samples = b.samples[:0]
	for i := s.source.channel; i < len(buf); i += channels {
		b.samples = append(b.samples, buf[i])
	}
	// One place stays free for the last word.
	if s.gap = len(s.blocks) >= queueBlocks; !s.gap { // else nobody has read for 2 s
		s.blocks <- b
	}
}

// end says the last word of a device that has failed.
func (s *stream) end(err error) { s.blocks <- block{err: err} }

// Read implements [capture.Stream].
func (s *stream) Read(ctx context.Context, buf []int16) (int, time.Time, error) {
	for len(s.rest.samples) == 0 {
		if s.used != nil {
			select {
			case s.free <- s.used:
			default:
			}
			s.used = nil
		}
		if s.timer == nil {
			s.timer = time.NewTimer(patience)
		}
		s.timer.Reset(patience)
		select {
		case s.rest = <-s.blocks:
			s.timer.Stop()
			s.used = s.rest.samples
		case <-ctx.Done():
			s.timer.Stop()
			return 0, time.Time{}, ctx.Err()
		case <-s.timer.C:
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
	return n, s.rest.arrived.Add(-time.Duration(len(s.rest.samples)) * time.Second / time.Duration(s.device.rate)), nil
}

// Rate is the device's own; see [capture.Stream].
func (s *stream) Rate() int { return s.device.rate }

// Place is what the device is connected to; see [capture.Stream].
func (s *stream) Place() string { return *s.device.connected.Load() }

// Close ends the stream, and the device with the last one. A device that hangs
// is left to its goroutine, which gives it back if ever the read returns.
func (s *stream) Close() error {
	s.once.Do(func() { s.device.leave(s) })
	return nil
}
