package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// How kfake lays out its folder: partitions/TOPIC-N/BASE.dat holds record batches
// as they are on the wire, one after another; .idx beside it can be made anew;
// snapshot.json is believed only if the sizes of all segments agree with it.
const (
	partitionsFolder = "partitions"
	snapshotFile     = "snapshot.json"
)

// Report is what [StartEmbedded] found on the disk.
type Report struct {
	Damaged []Damage
	// Torn counts the bytes of writes that a crash cut off. They were never
	// acknowledged.
	Torn int64
}

// Damage is a stretch of a log that does not read as it was written. kfake would
// have dropped everything after it in its segment; here only the stretch is.
type Damage struct {
	Topic     string
	Partition int
	From, To  int64 // the offsets that are lost are From ≤ offset < To; To is -1 where nothing follows that would tell
	Bytes     int64
	Copy      string // the segment as it was found
}

// repair checks all segments, cuts off torn writes, and takes damaged stretches
// out, so that kfake reads everything that is left.
func repair(ctx context.Context, logDir, damagedDir string) (Report, error) {
	var report Report
	partitions, err := listPartitions(logDir)
	if err != nil {
		return report, err
	}
	for _, p := range partitions {
		segments, err := listSegments(p.dir)
		if err != nil {
			return report, err
		}
		for i, s := range segments {
			if err := ctx.Err(); err != nil {
				return report, err
			}
			next := int64(-1)
			if i+1 < len(segments) {
				next = segments[i+1].base
			}
			if err := report.segment(p, s, next, damagedDir); err != nil {
				return report, err
			}
		}
	}
	return report, nil
}

func (r *Report) segment(p partitionDir, s segmentFile, next int64, damagedDir string) error {
	raw, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	found := scan(raw, s.base, next)
	if found.torn > 0 && next < 0 {
		r.Torn += int64(found.torn)
	} else if found.torn > 0 {
		// Only the last segment is written to: this one was whole once.
		found.gaps = append(found.gaps, gap{start: len(raw) - found.torn, end: len(raw), from: found.end, to: -1})
	}
	if len(found.gaps) == 0 {
		if found.torn == 0 {
			return nil
		}
		return truncate(s.path, int64(len(raw)-found.torn))
	}

	saved := filepath.Join(damagedDir, filepath.Base(p.dir)+"-"+filepath.Base(s.path))
	if err := os.MkdirAll(damagedDir, 0o755); err != nil {
		return err
	}
	if err := writeFile(saved, raw); err != nil {
		return err
	}
	var good []byte
	at := 0
	for _, g := range found.gaps {
		good = append(good, raw[at:g.start]...)
		at = g.end
		if g.to < 0 {
			g.to = next
		}
		r.Damaged = append(r.Damaged, Damage{
			Topic: p.topic, Partition: p.number, From: g.from, To: g.to, Bytes: int64(g.end - g.start), Copy: saved,
		})
	}
	good = append(good, raw[at:max(at, len(raw)-found.torn)]...)
	// The index has an entry a batch and no more to say than the batches; kfake
	// does without.
	if err := os.Remove(strings.TrimSuffix(s.path, ".dat") + ".idx"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return writeFile(s.path, good)
}

// found is what a segment holds.
type found struct {
	end  int64 // offset after the last good batch
	gaps []gap
	torn int // bytes of an unfinished batch at the end
}

type gap struct {
	start, end int   // bytes
	from, to   int64 // offsets; to is -1 if no batch follows
}

// scan reads the batches of a segment whose first offset is base. next is the
// first offset of the segment after it, or -1.
func scan(raw []byte, base, next int64) found {
	f := found{end: base}
	for at := 0; at < len(raw); {
		if b, ok := soundAt(raw[at:], f.end, next); ok {
			f.end = b.end
			at += b.size
			continue
		}
		start := at
		for at++; at < len(raw); at++ {
			if b, ok := soundAt(raw[at:], f.end, next); ok {
				f.gaps = append(f.gaps, gap{start: start, end: at, from: f.end, to: b.first})
				break
			}
		}
		if at < len(raw) {
			continue
		}
		if unfinished(raw[start:]) {
			f.torn = len(raw) - start
		} else {
			f.gaps = append(f.gaps, gap{start: start, end: len(raw), from: f.end, to: -1})
		}
	}
	return f
}

// The header of a record batch, big endian: first offset 0:8, length of what
// follows 8:12, leader epoch 12:16, magic 16, CRC-32C of the rest 17:21,
// attributes 21:23, last offset delta 23:27.
const (
	batchPrefix = 12
	batchMin    = 61
	batchMax    = 1 << 30
)

type batch struct {
	size       int
	first, end int64
}

// soundAt is batchAt with a look at the offset, which the checksum does not
// cover. One that leaves a gap is right after a compaction; it is damaged if what
// follows stands before it.
func soundAt(raw []byte, from, next int64) (batch, bool) {
	b, ok := batchAt(raw, from)
	if !ok || b.first == from {
		return b, ok
	}
	if after, ok := batchAt(raw[b.size:], from); ok {
		next = after.first
	}
	return b, next < 0 || b.end <= next
}

// batchAt reads a whole, sound batch that begins at raw[0] with an offset of at
// least from.
func batchAt(raw []byte, from int64) (batch, bool) {
	if len(raw) < batchMin || raw[16] != 2 {
		return batch{}, false
	}
	size := int64(binary.BigEndian.Uint32(raw[8:12])) + batchPrefix
	first := int64(binary.BigEndian.Uint64(raw))
	if size < batchMin || size > int64(len(raw)) || first < from || first > math.MaxInt64-math.MaxUint32 {
		return batch{}, false
	}
	if crc32.Checksum(raw[21:size], crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(raw[17:21]) {
		return batch{}, false
	}
	return batch{size: int(size), first: first, end: first + int64(binary.BigEndian.Uint32(raw[23:27])) + 1}, true
}

// unfinished tells a write that was cut off from one that was changed later.
func unfinished(raw []byte) bool {
	if len(raw) < batchPrefix {
		return true
	}
	size := int64(binary.BigEndian.Uint32(raw[8:12])) + batchPrefix
	return size > int64(len(raw)) && size <= batchMax
}

type partitionDir struct {
	topic  string
	number int
	dir    string
}

func listPartitions(logDir string) ([]partitionDir, error) {
	root := filepath.Join(logDir, partitionsFolder)
	dirs, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []partitionDir
	for _, d := range dirs {
		i := strings.LastIndexByte(d.Name(), '-')
		if !d.IsDir() || i < 0 {
			continue
		}
		number, err := strconv.Atoi(d.Name()[i+1:])
		topic, escape := url.PathUnescape(d.Name()[:i])
		if err != nil || escape != nil {
			continue
		}
		out = append(out, partitionDir{topic: topic, number: number, dir: filepath.Join(root, d.Name())})
	}
	return out, nil
}

type segmentFile struct {
	base int64
	path string
	size int64
}

// listSegments are the segments of a partition by their first offset.
func listSegments(dir string) ([]segmentFile, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []segmentFile
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".dat")
		base, err := strconv.ParseInt(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // trimmed just now
		}
		if err != nil {
			return nil, err
		}
		out = append(out, segmentFile{base: base, path: filepath.Join(dir, f.Name()), size: info.Size()})
	}
	slices.SortFunc(out, func(a, b segmentFile) int { return int(min(max(a.base-b.base, -1), 1)) })
	return out, nil
}

func diskBytes(logDir string) (map[string]int64, error) {
	partitions, err := listPartitions(logDir)
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]int64)
	for _, p := range partitions {
		segments, err := listSegments(p.dir)
		if err != nil {
			return nil, err
		}
		for _, s := range segments {
			sizes[p.topic] += s.size
		}
	}
	return sizes, nil
}

func truncate(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	return f.Sync()
}

// writeFile replaces a file, durably and whole or not at all.
func writeFile(path string, data []byte) error {
	tmp := path + ".tmp"
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}
