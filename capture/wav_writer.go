package capture

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/go-audio/audio"
	"github.com/go-audio/wav"
)

// wavHead is the length of the head that a [WAVWriter] writes: RIFF, a format
// of 16 bytes, and the head of the data, which goes to the end of the file.
const wavHead = 44

// maxWAVSamples keeps every size in the head within its 32 bits; the encoder
// would let them run over.
const maxWAVSamples = (math.MaxUint32 - wavHead) / 2

// WAVWriter writes a mono file of 16-bit samples that is right after a crash at
// any instant: the sizes in its head are renewed with every Sync, and what the
// file holds beyond them is found again by its length. It is for use by one
// goroutine.
//
// The bytes are those of go-audio/wav. Its Encoder is wrapped because by itself
// it writes sizes only once, at its Close, cannot go on with a file that is
// there, and boxes every sample: here it is closed with every Sync and used on, and
// told then of what the file holds. Samples go past it, at its place in the file.
type WAVWriter struct {
	f       *os.File
	rate    int
	samples int64
	enc     *wav.Encoder // stands at the end of the file; nil after an error, until begin
	counted int64        // samples that enc knows of; it is told with every Sync
	buf     []byte
	frames  audio.IntBuffer // of count
	closed  bool
}

// wavFile is what an encoder writes to. It is told of samples by being given none,
// which is no reason to call the system.
type wavFile struct{ f *os.File }

func (w wavFile) Seek(offset int64, whence int) (int64, error) { return w.f.Seek(offset, whence) }

func (w wavFile) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return w.f.Write(b)
}

// OpenWAV makes a file, or opens one that a WAVWriter has written at the same
// rate to go on at its end, after repairing it.
func OpenWAV(path string, rate int) (*WAVWriter, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open WAV: %w", err)
	}
	w := &WAVWriter{f: f, rate: rate}
	if err := w.resume(); err != nil {
		return nil, fmt.Errorf("open WAV %s: %w", path, errors.Join(err, f.Close()))
	}
	return w, nil
}

func (w *WAVWriter) resume() error {
	info, err := w.f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if size < wavHead { // new, or its writer died at once
		return w.cut(0)
	}
	h, err := ReadWAVHeader(w.f, size)
	if err == nil && (h.Rate != w.rate || h.Channels != 1 || h.Bytes != 2 || h.DataOffset != wavHead) {
		err = fmt.Errorf("it is not a mono 16-bit file of %d Hz written by this program", w.rate)
	}
	if err != nil {
		return err
	}
	return w.cut(min((size-wavHead)/2, maxWAVSamples))
}

// cut makes the file hold its first n samples and a head that says so.
func (w *WAVWriter) cut(n int64) error {
	w.enc, w.samples = nil, n
	size := wavHead + 2*n
	if n == 0 {
		size = 0 // until the whole head is there, the file is too short to have one
	}
	if err := w.f.Truncate(size); err != nil {
		return err
	}
	return w.begin()
}

// begin puts an encoder at the end of the file.
func (w *WAVWriter) begin() error {
	if _, err := w.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	// It sets aside memory for a minute at the rate that it is made with; we
	// need none of it.
	enc := wav.NewEncoder(wavFile{w.f}, 1, 16, 1, wavPCM)
	enc.SampleRate = w.rate
	// The first Write, of nothing, writes the head.
	if err := enc.Write(&audio.IntBuffer{Format: &audio.Format{NumChannels: 1}}); err != nil {
		return err
	}
	if _, err := w.f.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	w.enc, w.counted = enc, 0
	return w.mark()
}

// count has the encoder count the frames that it has not written itself: the size
// that its Close gives the data is of the frames it has counted. A buffer without
// channels adds to them, and nothing to the file.
func (w *WAVWriter) count() error {
	const most = 1 << 12
	if w.frames.Format == nil {
		w.frames = audio.IntBuffer{Format: &audio.Format{}, Data: make([]int, most)}
	}
	for w.counted < w.samples {
		w.frames.Data = w.frames.Data[:min(w.samples-w.counted, most)]
		if err := w.enc.Write(&w.frames); err != nil {
			return err
		}
		w.counted += int64(len(w.frames.Data))
	}
	w.enc.WrittenBytes = int(wavHead + 2*w.samples)
	return nil
}

// mark writes the sizes and makes the file durable.
func (w *WAVWriter) mark() error {
	if w.enc == nil {
		return w.begin()
	}
	err := w.count()
	if err == nil {
		err = w.enc.Close()
	}
	if err != nil {
		w.enc = nil // it may stand anywhere
		return err
	}
	return w.f.Sync()
}

// Samples is how many samples the file holds.
func (w *WAVWriter) Samples() int64 { return w.samples }

// Append writes samples at the end. After an error none of them is there.
func (w *WAVWriter) Append(samples []int16) error {
	if w.samples+int64(len(samples)) > maxWAVSamples {
		return fmt.Errorf("append to WAV %s: it would pass 4 GiB", w.f.Name())
	}
	if len(samples) == 0 {
		return nil
	}
	if w.enc == nil {
		if err := w.cut(w.samples); err != nil {
			return fmt.Errorf("append to WAV: %w", err)
		}
	}
	w.buf = appendPCM(w.buf[:0], samples)
	if _, err := w.f.Write(w.buf); err != nil {
		w.enc = nil
		return fmt.Errorf("append to WAV: %w", errors.Join(err, w.f.Truncate(wavHead+2*w.samples)))
	}
	w.samples += int64(len(samples))
	return nil
}

// Truncate cuts the file to its first n samples; Append goes on from there.
func (w *WAVWriter) Truncate(n int64) error {
	if n < 0 || n > w.samples {
		return fmt.Errorf("truncate WAV %s to %d of %d samples", w.f.Name(), n, w.samples)
	}
	if err := w.cut(n); err != nil {
		return fmt.Errorf("truncate WAV: %w", err)
	}
	return nil
}

// Sync makes all that was appended durable, and true to the head.
func (w *WAVWriter) Sync() error {
	if err := w.mark(); err != nil {
		return fmt.Errorf("sync WAV: %w", err)
	}
	return nil
}

// Close syncs and closes the file. A second Close does nothing.
func (w *WAVWriter) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return errors.Join(w.Sync(), w.f.Close())
}

// RepairWAV makes the head of a file that a [WAVWriter] left in a crash say
// what the file holds.
func RepairWAV(path string, rate int) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("repair WAV: %w", err)
	}
	w, err := OpenWAV(path, rate)
	if err != nil {
		return err
	}
	return w.Close()
}
