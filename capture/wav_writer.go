package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
)

// wavHead is the length of the head that a [WAVWriter] writes: RIFF, a format
// of 16 bytes, and the head of the data, which goes to the end of the file.
const wavHead = 44

// maxWAVSamples keeps every size in the head within its 32 bits.
const maxWAVSamples = (math.MaxUint32 - wavHead) / 2

// WAVWriter writes a mono file of 16-bit samples that is right after a crash at
// any instant: the sizes in its head are renewed with every Sync, and what the
// file holds beyond them is found again by its length. It is for use by one
// goroutine.
//
// It does without go-audio/wav's Encoder: that one cannot go on with an existing
// file, boxes every sample, and writes sizes only when it is closed. Its Decoder
// reads our files in the tests.
type WAVWriter struct {
	f       *os.File
	rate    int
	samples int64
	stale   bool // the head says less than the file holds
	closed  bool
	buf     []byte
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
		if err := w.f.Truncate(0); err != nil {
			return err
		}
		return w.writeHead()
	}
	have := make([]byte, wavHead)
	if _, err := w.f.ReadAt(have, 0); err != nil {
		return err
	}
	w.samples = min((size-wavHead)/2, maxWAVSamples)
	want := wavHeader(w.rate, w.samples)
	// Only the two sizes may differ from what we would write.
	copy(have[4:8], want[4:8])
	stale := string(have[40:44]) != string(want[40:44])
	copy(have[40:44], want[40:44])
	if string(have) != string(want) {
		return fmt.Errorf("it is not a mono 16-bit file of %d Hz written by this program", w.rate)
	}
	if size != wavHead+2*w.samples {
		if err := w.f.Truncate(wavHead + 2*w.samples); err != nil {
			return err
		}
	}
	if stale {
		return w.writeHead()
	}
	return nil
}

func wavHeader(rate int, samples int64) []byte {
	b := make([]byte, 0, wavHead)
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, uint32(wavHead-8+2*samples))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, wavPCM)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(2*rate))
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	return le.AppendUint32(b, uint32(2*samples))
}

func (w *WAVWriter) writeHead() error {
	_, err := w.f.WriteAt(wavHeader(w.rate, w.samples), 0)
	w.stale = err != nil
	return err
}

// Samples is how many samples the file holds.
func (w *WAVWriter) Samples() int64 { return w.samples }

// Append writes samples at the end. After an error none of them is there.
func (w *WAVWriter) Append(samples []int16) error {
	if w.samples+int64(len(samples)) > maxWAVSamples {
		return fmt.Errorf("append to WAV %s: it would pass 4 GiB", w.f.Name())
	}
	w.buf = appendPCM(w.buf[:0], samples)
	end := wavHead + 2*w.samples
	if _, err := w.f.WriteAt(w.buf, end); err != nil {
		return fmt.Errorf("append to WAV: %w", errors.Join(err, w.f.Truncate(end)))
	}
	w.samples += int64(len(samples))
	w.stale = true
	return nil
}

// Truncate cuts the file to its first n samples; Append goes on from there.
func (w *WAVWriter) Truncate(n int64) error {
	if n < 0 || n > w.samples {
		return fmt.Errorf("truncate WAV %s to %d of %d samples", w.f.Name(), n, w.samples)
	}
	if err := w.f.Truncate(wavHead + 2*n); err != nil {
		return fmt.Errorf("truncate WAV: %w", err)
	}
	w.samples = n
	if err := w.writeHead(); err != nil {
		return fmt.Errorf("truncate WAV: %w", err)
	}
	return nil
}

// Sync makes all that was appended durable, and true to the head.
func (w *WAVWriter) Sync() error {
	if w.stale {
		if err := w.writeHead(); err != nil {
			return fmt.Errorf("sync WAV: %w", err)
		}
	}
	if err := w.f.Sync(); err != nil {
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
