//go:build cgo

package portaudio

import (
	"errors"
	"sync"
	"time"

	pa "github.com/gordonklaus/portaudio"

	"tingji/capture"
)

// place names a device; an empty host API is any.
type place struct{ hostAPI, name string }

// device is a sound card that is open. All seats on it share one stream of the
// library, so that their samples stand beside each other as the card took them,
// and a card that can be opened only once serves all of its channels. Its own
// goroutine reads it, as a read can hang.
type device struct {
	system   *System
	at       place
	pa       *pa.Stream
	channels int
	rate     int     // in Hz
	buf      []int16 // interleaved; the library writes into it
	closing  chan struct{}
	ended    chan struct{}
	once     sync.Once

	mu      sync.Mutex
	streams map[*stream]bool
	dead    bool // it takes no streams any more
}

// join adds a seat's stream; false when the device is on its way out.
func (d *device) join(s *stream) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return false
	}
	d.streams[s] = true
	return true
}

// leave takes a seat's stream out. With the last one the device is let go.
func (d *device) leave(s *stream) {
	d.mu.Lock()
	delete(d.streams, s)
	last := len(d.streams) == 0
	d.dead = d.dead || last
	d.mu.Unlock()
	if !last {
		return
	}
	d.once.Do(func() { close(d.closing) })
	select {
	case <-d.ended:
	case <-time.After(closePatience):
		d.system.log.Warn("device hangs and is left alone", "device", d.at.name)
	}
}

// run owns the device from its start to its end.
func (d *device) run() {
	defer close(d.ended)
	defer d.release()
	for {
		err := d.pa.Read()
		arrived := time.Now()
		overflow := errors.Is(err, pa.InputOverflowed) // the buffer is filled, but samples before it are lost
		select {
		case <-d.closing:
			return
		default:
		}
		d.mu.Lock()
		if err != nil && !overflow {
			d.dead = true
			for s := range d.streams {
				s.end(failed(d.at.name, "read", err))
			}
			d.mu.Unlock()
			return
		}
		for s := range d.streams {
			s.take(d.buf, d.channels, arrived, overflow)
		}
		d.mu.Unlock()
	}
}

// release gives the device back, on the goroutine that read it.
func (d *device) release() {
	sys := d.system
	sys.mu.Lock()
	defer sys.mu.Unlock()
	if sys.open[d.at] == d {
		delete(sys.open, d.at)
	}
	if err := errors.Join(d.pa.Abort(), d.pa.Close()); err != nil {
		sys.log.Debug("device does not close in order", "device", d.at.name, "err", err)
	}
	sys.terminate()
}

// openDevice opens a device with at least so many channels. The system's lock
// is held.
func (s *System) openDevice(at place, info *pa.DeviceInfo, channels int) (*device, error) {
	d := &device{system: s, at: at, channels: channels, rate: capture.Rate,
		closing: make(chan struct{}), ended: make(chan struct{}), streams: map[*stream]bool{}}
	p := pa.StreamParameters{
		Input:           pa.StreamDeviceParameters{Device: info, Channels: channels, Latency: latency},
		SampleRate:      capture.Rate,
		FramesPerBuffer: capture.Rate / buffersPerSecond,
	}
	d.buf = make([]int16, p.FramesPerBuffer*channels)
	if pa.IsFormatSupported(p, d.buf) != nil {
		p.SampleRate = info.DefaultSampleRate
		d.rate = int(info.DefaultSampleRate)
		p.FramesPerBuffer = d.rate / buffersPerSecond
		d.buf = make([]int16, p.FramesPerBuffer*channels)
	}
	var err error
	if d.pa, err = pa.OpenStream(p, d.buf); err != nil {
		return nil, failed(info.Name, "open", err)
	}
	if err := d.pa.Start(); err != nil {
		return nil, errors.Join(failed(info.Name, "start", err), d.pa.Close())
	}
	return d, nil
}
