//go:build cgo

package portaudio

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
	// connected is what it is connected to, as far as can be known.
	connected atomic.Pointer[string]

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

// watch looks now and then where a stream of the sound server is connected, as
// the server may move it.
func (d *device) watch(recording string) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if at := connectedTo(recording); at != "" {
			d.connected.Store(&at)
		}
		select {
		case <-d.ended:
			return
		case <-tick.C:
		}
	}
}

// watchEvery leaves time to tell of it within 10 s.
const watchEvery = 3 * time.Second

// openDevice opens a device with at least so many channels. The system's lock
// is held.
func (s *System) openDevice(at place, info *pa.DeviceInfo, channels int) (*device, error) {
	d := &device{system: s, at: at, channels: channels,
		closing: make(chan struct{}), ended: make(chan struct{}), streams: map[*stream]bool{}}
	before := recordings()
	p, err := d.format(info)
	if err != nil {
		return nil, err
	}
	if d.pa, err = pa.OpenStream(p, d.buf); err != nil {
		return nil, failed(info.Name, "open", err)
	}
	if err := d.pa.Start(); err != nil {
		return nil, errors.Join(failed(info.Name, "start", err), d.pa.Close())
	}
	is := hardware("/", info.Name)
	d.connected.Store(&is)
	if recording := appeared(before, recordings()); recording != "" {
		go d.watch(recording)
	}
	return d, nil
}

// format finds a rate that the device takes: the one that was asked for, else the
// hardware's own. What stands behind a sound server gives whatever is asked, and
// what its hardware has is not known: there it is the pipeline's.
func (d *device) format(info *pa.DeviceInfo) (pa.StreamParameters, error) {
	rates := []int{48000, int(info.DefaultSampleRate), 44100, 96000, 32000, capture.Rate, 8000}
	if !isHardware(info.Name) {
		rates = append([]int{capture.Rate}, rates...)
	}
	if d.system.rate != 0 {
		rates = append([]int{d.system.rate}, rates...)
	}
	var refused []int
	for _, d.rate = range rates {
		if _, err := capture.NewResampler(d.rate); err != nil || slices.Contains(refused, d.rate) {
			continue
		}
		p := pa.StreamParameters{
			Input:           pa.StreamDeviceParameters{Device: info, Channels: d.channels, Latency: latency},
			SampleRate:      float64(d.rate),
			FramesPerBuffer: d.rate / buffersPerSecond,
		}
		d.buf = make([]int16, p.FramesPerBuffer*d.channels)
		// A device that is in use says so when it is opened.
		if err := d.system.takes(p, d.buf); !errors.Is(err, pa.InvalidSampleRate) {
			if want := d.system.rate; want != 0 && d.rate != want {
				d.system.log.Warn("device does not take the rate that is configured: it is recorded at another; correct capture.rate",
					"device", info.Name, "configured", want, "rate", d.rate)
			}
			return p, nil
		}
		refused = append(refused, d.rate)
	}
	return pa.StreamParameters{}, &capture.SourceError{
		Text:   fmt.Sprintf("设备“%s”不支持任何可用的采样率（%v Hz），设备自身为 %.0f Hz；请更换设备或检查驱动", info.Name, refused, info.DefaultSampleRate),
		TextEN: fmt.Sprintf("device %q takes none of the rates %v Hz, its own is %.0f; use another device, or check its driver", info.Name, refused, info.DefaultSampleRate),
	}
}
