package capture

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	segmentMagic  = "TJSPOOL\x01"
	segmentSuffix = ".seg"
)

// segment is what is known of one spool file: which chunks of which channels
// it holds, not where.
type segment struct {
	number uint64
	size   int64               // of whole, durable records, with the magic
	spans  map[string]*seqSpan // by channel key
}

type seqSpan struct{ first, last uint64 }

func (g *segment) add(key string, seq uint64) {
	if s := g.spans[key]; s != nil {
		s.first, s.last = min(s.first, seq), max(s.last, seq)
		return
	}
	g.spans[key] = &seqSpan{seq, seq}
}

func segmentName(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016d%s", number, segmentSuffix))
}

// listSegments are the numbers of the segment files in dir, ascending.
func listSegments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list spool: %w", err)
	}
	var numbers []uint64
	for _, e := range entries {
		base, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		if n, err := strconv.ParseUint(base, 10, 64); ok && err == nil && segmentName("", n) == e.Name() {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// Damage is a stretch of a spool file that holds no chunk any more. The chunks
// that stood there show as missing numbers.
type Damage struct {
	File string
	From int64 // byte offset
	To   int64 // exclusive
	Torn bool  // an unfinished write at the end, cut off; it was never sent
}

func (d Damage) String() string {
	what := "damaged"
	if d.Torn {
		what = "unfinished"
	}
	return fmt.Sprintf("%s bytes %d–%d of %s", what, d.From, d.To, d.File)
}

// found is a record and its offset in the segment.
type found struct {
	offset int64
	record
}

func (f found) end() int64 { return f.offset + int64(len(f.bytes)) }

// scanSegment finds the records in a segment's bytes, and the stretches that
// are none. When last is set, the file was being written when its writer died:
// the last batch counts only when all of it is there, and size is where the
// file is to be cut.
func scanSegment(b []byte, last bool) (records []found, size int64, bad []Damage) {
	at := int64(len(segmentMagic))
	if !bytes.HasPrefix(b, []byte(segmentMagic)) {
		at = 0 // whatever happened to the head, records may stand behind it
	}
	for at < int64(len(b)) {
		r, err := readRecord(b[at:])
		if err == nil {
			records = append(records, found{at, r})
			at += int64(len(r.bytes))
			continue
		}
		next := nextRecord(b, at+1)
		bad = append(bad, Damage{From: at, To: next})
		at = next
	}
	size = int64(len(b))
	if !last || len(bad) == 0 && (len(records) == 0 || records[len(records)-1].following == 0) {
		return records, size, bad
	}

	// A batch that another one follows was durable before that was written, so
	// only the last batch can be torn.
	if len(records) == 0 {
		return nil, 0, []Damage{{To: size, Torn: true}}
	}
	tail := records[len(records)-1]
	start := tail.offset - tail.batch
	cut := size
	switch {
	case tail.following > 0:
		cut = start
	case tail.end() < size:
		cut = tail.end()
	case bad[len(bad)-1].To > start:
		cut = start
	}
	kept := records[:0]
	for _, r := range records {
		if r.offset < cut {
			kept = append(kept, r)
		}
	}
	var before []Damage
	for _, d := range bad {
		if d.From < cut {
			before = append(before, d)
		}
	}
	if cut < size {
		before = append(before, Damage{From: cut, To: size, Torn: true})
	}
	return kept, cut, before
}

// nextRecord is the offset of the next whole record at or after at, or len(b).
func nextRecord(b []byte, at int64) int64 {
	for at < int64(len(b)) {
		i := bytes.Index(b[at:], recordMark())
		if i < 0 {
			break
		}
		at += int64(i)
		if _, err := readRecord(b[at:]); err == nil {
			return at
		}
		at++
	}
	return int64(len(b))
}
