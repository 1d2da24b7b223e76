package store

import (
	"fmt"
	"testing"
)

// The cache stays within its bytes, gives what was put in, and keeps what is
// used again and again.
func TestRowCache(t *testing.T) {
	var c rowCache
	buf := make([]byte, longRow)
	row := func(id int64) []byte { return buf[:10_000+id] } // its length tells it
	const hot = int64(7)
	for id := range int64(20_000) {
		c.put(id, row(id))
		found := map[int64][]byte{}
		if missing := c.get([]int64{hot, id}, found); id >= hot && len(missing) > 0 {
			t.Fatalf("%v are gone after %d rows", missing, id)
		}
		if len(found[id]) != len(row(id)) {
			t.Fatalf("row %d has %d bytes", id, len(found[id]))
		}
	}
	all := map[int64][]byte{}
	ids := make([]int64, 20_000)
	for i := range ids {
		ids[i] = int64(i)
	}
	missing := c.get(ids, all)
	sum := 0
	for id, data := range all {
		if sum += len(data); len(data) != len(row(id)) {
			t.Fatalf("row %d has %d bytes", id, len(data))
		}
	}
	if sum > maxCached || sum < maxCached*9/10 || sum != c.bytes || len(missing)+len(all) != len(ids) {
		t.Errorf("%d rows of %d bytes in the cache, which counts %d; at most %d", len(all), sum, c.bytes, maxCached)
	}
	c.put(-1, make([]byte, longRow+1))
	if missing := c.get([]int64{-1}, all); len(missing) != 1 {
		t.Error("a long row is kept")
	}
}

func TestLatest(t *testing.T) {
	var l latest[string]
	for n := range int64(10) {
		s := fmt.Sprint(n)
		l.put(n, &s, 5, 20)
		if zero := l.get(0); zero == nil || *zero != "0" {
			t.Fatalf("what was used last is gone after %d", n)
		}
	}
	if l.get(9) == nil || l.get(1) != nil || len(l.kept) != 4 || l.weight != 20 {
		t.Errorf("kept %v, weight %d", l.kept, l.weight)
	}
	s := "one that is too large"
	if l.put(10, &s, 21, 20); l.get(10) == nil || len(l.kept) != 1 || l.weight != 21 {
		t.Errorf("kept %v, weight %d", l.kept, l.weight)
	}
}
