package file

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"tingji/capture"
)

// Source is one seat's recording. It implements [capture.Source].
type Source struct {
	player *Player
	seat   *seat
	open   func(ctx context.Context) (decoder, error)
}

// decoder reads a recording from its beginning: mono samples at capture.Rate.
type decoder interface {
	// read returns io.EOF, and no samples, at the end.
	read(buf []int16) (int, error)
	close() error
}

// skipper is a decoder that need not read what it passes over.
type skipper interface {
	skip(n capture.SampleIndex) error
}

// File plays one channel, counted from 0, of a file. The file is looked at when
// the source is opened.
func (p *Player) File(path string, channel int) *Source {
	return p.source(func(ctx context.Context) (decoder, error) { return openFile(ctx, path, channel) })
}

// FLAC plays the first channel of a FLAC file that is held in memory; name is
// what errors call it.
func (p *Player) FLAC(name string, data []byte) *Source {
	return p.source(func(context.Context) (decoder, error) {
		return newFLAC(name, newBytesFile(data), 0)
	})
}

// PCM plays samples at capture.Rate. They are not to be changed any more.
func (p *Player) PCM(samples []int16) *Source {
	return p.source(func(context.Context) (decoder, error) { return &pcmDecoder{rest: samples}, nil })
}

func (p *Player) source(open func(ctx context.Context) (decoder, error)) *Source {
	return &Source{player: p, seat: p.add(), open: open}
}

// Resumable is true: a recording does not change.
func (s *Source) Resumable() bool { return true }

// Open begins to play at from, or where the recording ends if that is before.
func (s *Source) Open(ctx context.Context, from capture.SampleIndex) (capture.Stream, error) {
	d, err := s.open(ctx)
	if err == nil {
		if err = skip(d, from); err != nil {
			err = errors.Join(err, d.close())
		}
	}
	if err != nil {
		s.player.end(s.seat, true)
		return nil, err
	}
	s.player.begin(s.seat, from)
	return &stream{source: s, decoder: d}, nil
}

func skip(d decoder, n capture.SampleIndex) error {
	if sk, ok := d.(skipper); ok {
		return sk.skip(n)
	}
	buf := make([]int16, 4096)
	for n > 0 {
		got, err := d.read(buf[:min(capture.SampleIndex(len(buf)), n)])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		n -= capture.SampleIndex(got)
	}
	return nil
}

// stream is an open recording.
type stream struct {
	source *Source
	ready  int // samples that the player has already let pass
	once   sync.Once
	err    error

	mu      sync.Mutex // Close may come while read decodes
	decoder decoder
	closed  bool
}

func (s *stream) Read(ctx context.Context, buf []int16) (int, time.Time, error) {
	if s.ready == 0 {
		n, err := s.source.player.play(ctx, s.source.seat, len(buf))
		if err != nil {
			return 0, time.Time{}, err
		}
		s.ready = n
	}
	n, err := s.decode(buf[:min(s.ready, len(buf))])
	s.ready -= n
	if err != nil {
		s.source.player.end(s.source.seat, true)
	}
	return n, time.Time{}, err
}

func (s *stream) decode(buf []int16) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, context.Canceled
	}
	return s.decoder.read(buf)
}

// Close stops the tape for this seat.
func (s *stream) Close() error {
	s.once.Do(func() {
		s.source.player.end(s.source.seat, false)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = true
		s.err = s.decoder.close()
	})
	return s.err
}

// pcmDecoder plays samples from memory.
type pcmDecoder struct{ rest []int16 }

func (d *pcmDecoder) read(buf []int16) (int, error) {
	if len(d.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(buf, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func (d *pcmDecoder) skip(n capture.SampleIndex) error {
	d.rest = d.rest[min(int(n), len(d.rest)):]
	return nil
}

func (d *pcmDecoder) close() error { return nil }
