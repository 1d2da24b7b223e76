package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// archiveReader finds samples of one hearing in the archive again, be its files
// closed or still written. It is for use by one goroutine.
type archiveReader struct {
	dir  string // of the hearing
	part Sidecar
	file *os.File // of part; nil: none is open
	buf  []byte
}

func (a *Archive) reader(hearing string) *archiveReader {
	return &archiveReader{dir: filepath.Join(a.dir, hearing)}
}

// read fills to with the samples of a channel's epoch from first on, and says
// when they were heard. All of them are there, or it fails.
func (r *archiveReader) read(channel string, epoch uint64, first SampleIndex, to []int16) (time.Time, error) {
	var wall time.Time
	for at := 0; at < len(to); {
		from := first + SampleIndex(at)
		have, err := r.seek(channel, epoch, from)
		if err != nil {
			return wall, err
		}
		n := min(len(to)-at, int(have))
		if cap(r.buf) < 2*n {
			r.buf = make([]byte, 2*n)
		}
		b := r.buf[:2*n]
		if _, err := r.file.ReadAt(b, wavHead+2*int64(from-r.part.First)); err != nil {
			return wall, fmt.Errorf("read archive %s: %w", r.file.Name(), err)
		}
		for i := range n {
			to[at+i] = int16(uint16(b[2*i]) | uint16(b[2*i+1])<<8)
		}
		if at == 0 {
			wall = r.part.wall(from)
		}
		at += n
	}
	return wall, nil
}

// wall is when a sample was heard, by the last anchor before it.
func (s *Sidecar) wall(i SampleIndex) (at time.Time) {
	for _, a := range s.Anchors {
		if a.Sample <= i || at.IsZero() {
			d := (i - a.Sample).Duration()
			if s.DriftPPM != nil {
				d += time.Duration(float64(d) * *s.DriftPPM / 1e6)
			}
			at = a.Wall.Add(d)
		}
	}
	return at
}

// errNotArchived says that a sample is in no file of the archive.
var errNotArchived = errors.New("not in the archive")

// seek opens the file that holds a sample, and says how many it holds from there.
func (r *archiveReader) seek(channel string, epoch uint64, at SampleIndex) (SampleIndex, error) {
	if r.file != nil && r.part.Channel == channel && r.part.Epoch == epoch {
		if n, err := r.have(at); err != nil || n > 0 {
			return n, err
		}
	}
	r.close()
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return 0, fmt.Errorf("read archive: %w", err)
	}
	mark := fmt.Sprintf("_%s_e%03d_p", channel, epoch)
	for _, e := range entries {
		base, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !strings.Contains(base, mark) {
			continue
		}
		s, err := readSidecar(filepath.Join(r.dir, e.Name()))
		if err != nil || s.Channel != channel || s.Epoch != epoch || s.First > at {
			continue // what cannot be read is not there; another file may hold it
		}
		f, err := os.Open(filepath.Join(r.dir, strings.TrimSuffix(base, ".open")+".wav"))
		if err != nil {
			continue
		}
		r.part, r.file = s, f
		if n, err := r.have(at); err != nil || n > 0 {
			return n, err
		}
		r.close()
	}
	return 0, fmt.Errorf("sample %d of %s epoch %d: %w", at, channel, epoch, errNotArchived)
}

// have is how many samples the open file holds from one on.
func (r *archiveReader) have(at SampleIndex) (SampleIndex, error) {
	info, err := r.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("read archive: %w", err)
	}
	if at < r.part.First {
		return 0, nil
	}
	return max(0, r.part.First+SampleIndex((info.Size()-wavHead)/2)-at), nil
}

func (r *archiveReader) close() {
	if r.file != nil {
		r.file.Close() // read only: there is nothing to lose
		r.file = nil
	}
}
