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

	resampler *Resampler // from a rate in Hz; nil: none was needed yet
	from      int
	in        []int16
	floats    []float64
	out       []float64
}

func (a *Archive) reader(hearing string) *archiveReader {
	return &archiveReader{dir: filepath.Join(a.dir, hearing)}
}

// read fills to with the samples of a channel's epoch from first on, at [Rate], and
// says when they were heard. All of them are there, the very ones that the pipeline
// had, or it fails. end is where the epoch ends, as the spool knows it.
func (r *archiveReader) read(channel string, epoch uint64, first SampleIndex, to []int16, end SampleIndex) (time.Time, error) {
	n, wall, err := r.sound(channel, epoch, first, to, func(total SampleIndex) bool { return total == end })
	if err == nil && n < len(to) {
		err = notArchived(channel, epoch, first+SampleIndex(n))
	}
	return wall, err
}

// sound fills to as far as the archive goes, and says how far. A file of another
// rate is resampled as the recorder has done it, to the bit: every sample comes of
// the same stretch of the file, whereever the reading begins. Behind the last one
// the recorder puts silence where its epoch ends; ends says whether that is at
// total, in samples of the epoch.
func (r *archiveReader) sound(channel string, epoch uint64, first SampleIndex, to []int16, ends func(total SampleIndex) bool) (int, time.Time, error) {
	rate, err := r.rate(channel, epoch)
	if err != nil {
		return 0, time.Time{}, err
	}
	if rate == Rate {
		return r.raw(channel, epoch, first, to)
	}
	if r.resampler == nil || r.from != rate {
		if r.resampler, err = NewResampler(rate); err != nil {
			return 0, time.Time{}, err
		}
		r.from = rate
	}
	rs := r.resampler
	begin, end := rs.begin(first), rs.ends(first+SampleIndex(len(to)))
	before := max(0, -begin) // what lies before the epoch is silence
	if n := int(end - begin); cap(r.in) < n {
		r.in, r.floats = make([]int16, n), make([]float64, n)
	}
	in := r.in[:end-begin]
	clear(in[:before])
	n, wall, err := r.raw(channel, epoch, SampleIndex(begin+before), in[before:])
	if err != nil {
		return 0, wall, err
	}
	wall = wall.Add(first.Duration() - (time.Duration(begin+before) * time.Second / time.Duration(rate)))
	there := int(before) + n
	for i, v := range in[:there] {
		r.floats[i] = float64(v)
	}
	r.out = rs.Resample(r.out[:0], r.floats[:there])
	if there < len(in) && ends(rs.outputs(begin+int64(there))) {
		r.out = rs.Flush(r.out)
	}
	n = min(len(r.out), len(to))
	for i, v := range r.out[:n] {
		to[i] = RoundSample(v)
	}
	return n, wall, nil
}

// raw reads samples as they stand in the files, in their rate: as many as there
// are, at least one.
func (r *archiveReader) raw(channel string, epoch uint64, first SampleIndex, to []int16) (n int, wall time.Time, err error) {
	for n < len(to) {
		from := first + SampleIndex(n)
		have, err := r.seek(channel, epoch, from)
		if errors.Is(err, errNotArchived) && n > 0 {
			return n, wall, nil
		}
		if err != nil {
			return n, wall, err
		}
		some := min(len(to)-n, int(have))
		if cap(r.buf) < 2*some {
			r.buf = make([]byte, 2*some)
		}
		b := r.buf[:2*some]
		if _, err := r.file.ReadAt(b, wavHead+2*int64(from-r.part.First)); err != nil {
			return n, wall, fmt.Errorf("read archive %s: %w", r.file.Name(), err)
		}
		for i := range some {
			to[n+i] = int16(uint16(b[2*i]) | uint16(b[2*i+1])<<8)
		}
		if n == 0 {
			wall = r.part.wall(from)
		}
		n += some
	}
	return n, wall, nil
}

// wall is when a sample was heard, by the last anchor before it.
func (s *Sidecar) wall(i SampleIndex) (at time.Time) {
	for _, a := range s.Anchors {
		if a.Sample <= i || at.IsZero() {
			d := time.Duration(i-a.Sample) * time.Second / time.Duration(s.Rate)
			if s.DriftPPM != nil {
				d += time.Duration(float64(d) * *s.DriftPPM / 1e6)
			}
			at = a.Wall.Add(d)
		}
	}
	return at
}

func notArchived(channel string, epoch uint64, at SampleIndex) error {
	return fmt.Errorf("sample %d of %s epoch %d: %w", at, channel, epoch, errNotArchived)
}

// rate is that of an epoch's files: they have one.
func (r *archiveReader) rate(channel string, epoch uint64) (int, error) {
	if r.file != nil && r.part.Channel == channel && r.part.Epoch == epoch {
		return r.part.Rate, nil
	}
	var rate int
	err := r.each(channel, epoch, func(s Sidecar, _ string) (bool, error) {
		rate = s.Rate
		return true, nil
	})
	if err == nil && rate == 0 {
		err = notArchived(channel, epoch, 0)
	}
	return rate, err
}

// each shows the sidecars of an epoch, and where their files are, until found says
// that it was the one.
func (r *archiveReader) each(channel string, epoch uint64, found func(s Sidecar, wav string) (bool, error)) error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	mark := fmt.Sprintf("_%s_e%03d_p", channel, epoch)
	for _, e := range entries {
		base, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !strings.Contains(base, mark) {
			continue
		}
		s, err := readSidecar(filepath.Join(r.dir, e.Name()))
		if err != nil || s.Channel != channel || s.Epoch != epoch {
			continue // what cannot be read is not there; another file may hold it
		}
		if done, err := found(s, filepath.Join(r.dir, strings.TrimSuffix(base, ".open")+".wav")); err != nil || done {
			return err
		}
	}
	return nil
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
	var n SampleIndex
	err := r.each(channel, epoch, func(s Sidecar, wav string) (bool, error) {
		if s.First > at {
			return false, nil
		}
		f, err := os.Open(wav)
		if err != nil {
			return false, nil
		}
		r.part, r.file = s, f
		if n, err = r.have(at); err != nil || n > 0 {
			return true, err
		}
		r.close()
		return false, nil
	})
	if err == nil && n == 0 {
		err = notArchived(channel, epoch, at)
	}
	return n, err
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
