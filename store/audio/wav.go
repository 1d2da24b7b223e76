package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"tingji/capture"
)

// headerSize is that of every file of the archive (capture.WAVWriter), and of
// what a Reader plays: RIFF, a fmt chunk for PCM, and the head of the data.
const headerSize = 44

const bytesPerSample = 2

// wavHeader is the header of a mono 16-bit file at capture.Rate, of at most
// MaxStretch.
func wavHeader(samples capture.SampleIndex) (h [headerSize]byte) {
	data := uint32(samples) * bytesPerSample
	le := binary.LittleEndian
	copy(h[0:], "RIFF")
	le.PutUint32(h[4:], headerSize-8+data)
	copy(h[8:], "WAVEfmt ")
	le.PutUint32(h[16:], 16)
	le.PutUint16(h[20:], 1) // PCM
	le.PutUint16(h[22:], 1) // mono
	le.PutUint32(h[24:], capture.Rate)
	le.PutUint32(h[28:], capture.Rate*bytesPerSample)
	le.PutUint16(h[32:], bytesPerSample)
	le.PutUint16(h[34:], 8*bytesPerSample)
	copy(h[36:], "data")
	le.PutUint32(h[40:], data)
	return h
}

// fileSize is the length of an archive file with so many samples.
func fileSize(samples capture.SampleIndex) int64 {
	return headerSize + int64(samples)*bytesPerSample
}

// damageError says that a file does not hold what was confirmed: somebody
// changed it, or the disk failed. It stays as it is.
type damageError struct {
	file string
	what string
}

func (e *damageError) Error() string { return fmt.Sprintf("audio file %s %s", e.file, e.what) }

// checkFile says whether a file holds its confirmed samples.
func checkFile(root *os.Root, name string, samples capture.SampleIndex) error {
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &damageError{name, "is gone"}
	case err != nil:
		return err
	case info.Size() < fileSize(samples):
		return &damageError{name, fmt.Sprintf("has %d bytes where %d are confirmed", info.Size(), fileSize(samples))}
	}
	return nil
}

// openWAV opens the file name below root at its first samples samples, and cuts
// off what is behind them; with none it makes the file and its folders.
func openWAV(root *os.Root, name string, samples capture.SampleIndex) (*capture.WAVWriter, error) {
	if samples > 0 {
		if err := checkFile(root, name, samples); err != nil {
			return nil, err
		}
	} else if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return nil, err
	}
	w, err := capture.OpenWAV(filepath.Join(root.Name(), filepath.FromSlash(name)), capture.Rate)
	if err != nil {
		if sys := (*fs.PathError)(nil); samples > 0 && !errors.As(err, &sys) {
			err = &damageError{name, err.Error()}
		}
		return nil, err
	}
	if w.Samples() > int64(samples) {
		err = w.Truncate(int64(samples))
	}
	if err == nil && samples == 0 {
		err = syncFolders(root, path.Dir(name))
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// syncFolders makes the names on the way to dir durable.
func syncFolders(root *os.Root, dir string) error {
	for ; ; dir = path.Dir(dir) {
		if err := syncFolder(root, dir); err != nil {
			return fmt.Errorf("sync folder %s: %w", dir, err)
		}
		if dir == "." {
			return nil
		}
	}
}

// readSamples fills to with the samples of a file from first on.
func readSamples(f io.ReaderAt, first capture.SampleIndex, to []int16, buf []byte) ([]byte, error) {
	n := len(to) * bytesPerSample
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if got, err := f.ReadAt(buf, fileSize(first)); got < n {
		return buf, err
	}
	for i := range to {
		to[i] = int16(binary.LittleEndian.Uint16(buf[i*bytesPerSample:]))
	}
	return buf, nil
}
