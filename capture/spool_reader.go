package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// SpoolReader reads the durable chunks of a spool in the order in which they
// were captured. It is for use by one goroutine.
type SpoolReader struct {
	spool *Spool
	of    func(hearing string) bool // what is read; nil: all

	segment uint64 // the number it stands in, or before
	offset  int64
	file    *os.File // of segment; nil before the first read in it
	buf     []byte
	names   names
	chunks  []Chunk   // what Next gave, to be used again
	samples [][]int16 // of them
	at      Chunk     // see wants
	more    chan struct{}
}

// readAhead is at least the largest record.
const readAhead = 512 << 10

// Reader starts at the oldest chunk, and reads those of hearings that of says yes
// to; nil: all. Close it before the spool.
func (s *Spool) Reader(of func(hearing string) bool) *SpoolReader {
	r := &SpoolReader{spool: s, of: of, more: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers = append(s.readers, r)
	return r
}

// More gives a token when there may be more than the last Next has seen.
func (r *SpoolReader) More() <-chan struct{} { return r.more }

// Next reads up to most chunks that wanted says yes to; the samples of the others
// are not touched. It returns none when it has reached the end: then wait for
// [SpoolReader.More]. What it gives is good until the next call. Damaged stretches
// are reported to the spool and passed over.
func (r *SpoolReader) Next(most int, wanted func(c *Chunk) bool) (chunks []Chunk, err error) {
	chunks = r.chunks[:0]
	defer func() { r.chunks = chunks }()
	for len(chunks) < most {
		size, last, ok := r.advance()
		if !ok {
			return chunks, nil
		}
		if r.offset >= size {
			if last {
				return chunks, nil
			}
			r.leave()
			r.segment++
			continue
		}
		b, err := r.fill(size)
		if errors.Is(err, os.ErrNotExist) {
			r.leave() // it was confirmed and deleted since
			r.segment++
			continue
		}
		if err != nil {
			return chunks, err
		}
		var bad *Damage
		chunks, bad = r.take(b, size, most, wanted, chunks)
		if bad != nil {
			r.spool.report(*bad)
		}
	}
	return chunks, nil
}

// skips says whether a segment holds nothing that is read.
func (r *SpoolReader) skips(g *segment) bool {
	if r.of == nil {
		return false
	}
	for key := range g.spans {
		if hearing, _, _ := strings.Cut(key, "/"); r.of(hearing) {
			return false
		}
	}
	return true
}

// advance finds the segment to read: the one it stands in or, when that is
// gone, the next.
func (r *SpoolReader) advance() (size int64, last, ok bool) {
	s := r.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.segments, func(g *segment) bool { return g.number == r.segment }) {
		r.leave() // it is deleted, and its room is free when nobody reads it any more
	}
	for i, g := range s.segments {
		last := i == len(s.segments)-1
		if g.number < r.segment || !last && g.number > r.segment && r.skips(g) {
			continue
		}
		if g.number > r.segment || r.offset == 0 {
			r.leave()
			r.segment, r.offset = g.number, int64(len(segmentMagic))
		}
		return g.size, last, true
	}
	return 0, true, false
}

// fill reads from the present offset up to size.
func (r *SpoolReader) fill(size int64) ([]byte, error) {
	if r.file == nil {
		f, err := os.Open(segmentName(r.spool.cfg.Dir, r.segment))
		if err != nil {
			return nil, err
		}
		r.file = f
	}
	if r.buf == nil {
		r.buf = make([]byte, readAhead)
	}
	b := r.buf[:min(int64(len(r.buf)), size-r.offset)]
	if _, err := r.file.ReadAt(b, r.offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read spool: %w", err)
	}
	return b, nil
}

// take reads whole records of b, which stands at the present offset of a
// segment of size bytes.
func (r *SpoolReader) take(b []byte, size int64, most int, wanted func(*Chunk) bool, chunks []Chunk) ([]Chunk, *Damage) {
	start := r.offset
	for len(chunks) < most && r.offset < start+int64(len(b)) {
		rest := b[r.offset-start:]
		rec, err := readRecord(rest)
		if err != nil {
			if r.offset > start && start+int64(len(b)) < size {
				return chunks, nil // perhaps it goes on beyond b: read again from here
			}
			next := r.offset + nextRecord(rest, 1)
			if more := start+int64(len(b)) < size; more && next == start+int64(len(b)) {
				next = r.offset + int64(max(1, len(rest)-recordHead-maxRecordBody)) // a record may begin in b and end beyond it
			}
			bad := &Damage{File: segmentName(r.spool.cfg.Dir, r.segment), From: r.offset, To: next}
			r.offset = next
			return chunks, bad
		}
		r.offset += int64(len(rec.bytes))
		c, pcm, err := rec.head(&r.names)
		if err == nil && (r.of != nil && !r.of(c.Hearing) || !r.wants(c, wanted)) {
			continue
		}
		if err == nil {
			if len(chunks) == len(r.samples) {
				r.samples = append(r.samples, nil)
			}
			c, err = c.sound(pcm, r.samples[len(chunks)])
		}
		if err != nil {
			return chunks, &Damage{File: segmentName(r.spool.cfg.Dir, r.segment), From: r.offset - int64(len(rec.bytes)), To: r.offset}
		}
		r.samples[len(chunks)] = c.Samples
		chunks = append(chunks, c)
	}
	return chunks, nil
}

// wants asks wanted of a chunk that stands in one place for it, as it escapes.
func (r *SpoolReader) wants(c Chunk, wanted func(*Chunk) bool) bool {
	r.at = c
	return wanted(&r.at)
}

// Rewind goes back to where a channel's chunk seq, or the first one after it
// that is still there, can be read again. It reports whether seq itself is
// still in the spool, and moves only backwards.
func (r *SpoolReader) Rewind(key string, seq uint64) bool {
	s := r.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		span := g.spans[key]
		if span == nil || span.last < seq {
			continue
		}
		if g.number <= r.segment {
			r.leave()
			r.segment, r.offset = g.number, 0
		}
		return span.first <= seq
	}
	return false
}

func (r *SpoolReader) leave() {
	if r.file != nil {
		r.file.Close() // read only: there is nothing to lose
		r.file = nil
	}
	r.offset = 0
}

// Close lets the file go that it reads, and the spool.
func (r *SpoolReader) Close() {
	r.leave()
	s := r.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers = slices.DeleteFunc(s.readers, func(other *SpoolReader) bool { return other == r })
}

// report notes damage that was found while reading, once.
func (s *Spool) report(d Damage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.damage {
		if known.File == d.File && known.From == d.From {
			return
		}
	}
	s.damage = append(s.damage, d)
	s.log.Warn("spool file is damaged", "courtroom", s.cfg.Courtroom, "damage", d.String())
}
