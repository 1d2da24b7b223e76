package kafka

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// makeBatch is a sound batch of n offsets with a body.
func makeBatch(first int64, n int, body []byte) []byte {
	b := make([]byte, batchMin, batchMin+len(body))
	binary.BigEndian.PutUint64(b, uint64(first))
	binary.BigEndian.PutUint32(b[8:], uint32(batchMin+len(body)-batchPrefix))
	b[16] = 2
	binary.BigEndian.PutUint32(b[23:], uint32(n-1))
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func TestScan(t *testing.T) {
	a, b, c := makeBatch(5, 3, []byte("aaa")), makeBatch(8, 1, []byte("bbbb")), makeBatch(20, 2, nil)
	whole := bytes.Join([][]byte{a, b, c}, nil)
	flipped := bytes.Clone(whole)
	flipped[len(a)+30] ^= 1
	moved := bytes.Clone(whole) // the offset of b, which no checksum covers, behind c
	moved[len(a)+6] = 1
	last := bytes.Clone(whole)
	last[len(whole)-1] ^= 1
	for name, tt := range map[string]struct {
		raw        []byte
		next       int64
		end        int64
		gaps, torn int
		from, to   int64
	}{
		"empty":                              {nil, -1, 5, 0, 0, 0, 0},
		"a gap of a compaction":              {whole, -1, 22, 0, 0, 0, 0},
		"another segment follows":            {whole, 22, 22, 0, 0, 0, 0},
		"the last batch flipped":             {last, -1, 9, 1, 0, 9, -1},
		"a batch flipped":                    {flipped, -1, 22, 1, 0, 8, 20},
		"an offset flipped":                  {moved, -1, 22, 1, 0, 8, 20},
		"an offset behind the next segment":  {whole, 21, 9, 1, 0, 9, -1},
		"torn in a header":                   {whole[:len(whole)-len(c)+7], -1, 9, 0, 7, 0, 0},
		"torn in a body":                     {whole[:len(whole)-1], -1, 9, 0, len(c) - 1, 0, 0},
		"a batch of an earlier offset again": {append(bytes.Clone(whole), a...), -1, 22, 1, 0, 22, -1},
	} {
		got := scan(tt.raw, 5, tt.next)
		if got.end != tt.end || len(got.gaps) != tt.gaps || got.torn != tt.torn {
			t.Errorf("%s: %+v", name, got)
		} else if tt.gaps > 0 && (got.gaps[0].from != tt.from || got.gaps[0].to != tt.to) {
			t.Errorf("%s: %+v", name, got.gaps[0])
		}
	}
}

// Whatever stands in a segment: the stretches are in order and inside it, and
// what is left after taking them out is sound.
func FuzzScan(f *testing.F) {
	a, b := makeBatch(0, 1, []byte("one")), makeBatch(1, 5, bytes.Repeat([]byte{2}, 100))
	f.Add([]byte{}, int64(0))
	f.Add(append(bytes.Clone(a), b...), int64(0))
	f.Add(append(append(bytes.Clone(a), 1, 2, 3), b...), int64(0))
	f.Add(b[:len(b)-3], int64(1))
	f.Add(bytes.Repeat([]byte{0xff}, 200), int64(7))
	f.Fuzz(func(t *testing.T, raw []byte, base int64) {
		found := scan(raw, base, -1)
		var left []byte
		at := 0
		for _, g := range found.gaps {
			if g.start < at || g.end <= g.start || g.end > len(raw)-found.torn {
				t.Fatalf("%+v", found)
			}
			left = append(left, raw[at:g.start]...)
			at = g.end
		}
		left = append(left, raw[at:len(raw)-found.torn]...)
		if again := scan(left, base, -1); len(again.gaps) > 0 || again.torn > 0 || again.end != found.end {
			t.Fatalf("%+v, and then %+v", found, again)
		}
	})
}
