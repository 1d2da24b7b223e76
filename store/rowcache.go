package store

import "sync"

// maxCached bounds the bytes of rows of the search index in memory: about
// twenty thousand of them. Whoever reads what was said last, or looks for what
// many look for, finds them there.
const maxCached = 64 << 20

// longRow is from which size on rows are not kept: pages and pieces are shorter,
// and what describes a block is kept in another form.
const longRow = 32 << 10

// rowCache keeps rows of blocks that were read lately. Rows never change, and
// the number of a block is never used again: what is in here is right for ever.
// The zero value is ready; safe for use by several goroutines.
type rowCache struct {
	mu    sync.Mutex
	place map[int64]int // in ring
	ring  []cachedRow
	hand  int
	bytes int
}

type cachedRow struct {
	id   int64
	data []byte
	used bool // since the hand came by
}

// get adds the rows that it has to found and returns the ids of the others.
func (c *rowCache) get(ids []int64, found map[int64][]byte) (missing []int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		if at, ok := c.place[id]; ok {
			c.ring[at].used = true
			found[id] = c.ring[at].data
		} else {
			missing = append(missing, id)
		}
	}
	return missing
}

// put takes in a row, in place of some that nobody used for long.
func (c *rowCache) put(id int64, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.place[id]; ok || len(data) > longRow {
		return
	}
	if c.place == nil {
		c.place = map[int64]int{}
	}
	if c.bytes += len(data); c.bytes <= maxCached {
		c.place[id] = len(c.ring)
		c.ring = append(c.ring, cachedRow{id: id, data: data})
		return
	}
	free := -1
	for c.bytes > maxCached || free < 0 {
		c.hand = (c.hand + 1) % len(c.ring)
		switch row := &c.ring[c.hand]; {
		case row.used:
			row.used = false
		default:
			if row.data != nil {
				delete(c.place, row.id)
				c.bytes -= len(row.data)
			}
			*row = cachedRow{}
			free = c.hand
		}
	}
	c.place[id] = free
	c.ring[free] = cachedRow{id: id, data: data}
}

// latest keeps what was used last, by the numbers of blocks. The zero value is
// ready; safe for use by several goroutines.
type latest[T any] struct {
	mu     sync.Mutex
	kept   map[int64]*used[T]
	weight int
	clock  uint64
}

type used[T any] struct {
	value  *T
	weight int
	at     uint64 // by clock
}

// get is nil where nothing is kept.
func (l *latest[T]) get(block int64) *T {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.kept[block]
	if u == nil {
		return nil
	}
	l.clock++
	u.at = l.clock
	return u.value
}

// put keeps v, and of all no more than weigh max together, or v alone.
func (l *latest[T]) put(block int64, v *T, weight, max int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		l.kept = map[int64]*used[T]{}
	}
	if was := l.kept[block]; was != nil {
		l.weight -= was.weight
	}
	l.clock++
	l.kept[block] = &used[T]{v, weight, l.clock}
	l.weight += weight
	for l.weight > max && len(l.kept) > 1 {
		oldest := block
		for b, u := range l.kept {
			if u.at < l.kept[oldest].at {
				oldest = b
			}
		}
		l.weight -= l.kept[oldest].weight
		delete(l.kept, oldest)
	}
}
