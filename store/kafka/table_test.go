package kafka

import (
	"fmt"
	"runtime"
	"testing"
)

// TestTableKeepsNoValues: a courtroom's PC follows the hearings and receipts of all
// courtrooms, which the log keeps for ever, and needs next to none of them.
func TestTableKeepsNoValues(t *testing.T) {
	told := 0
	table := new(Client).Table(TopicHearings, func(Record) { told++ })
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const n, size = 2000, 8 << 10
	before := heap()
	for i := range n {
		table.apply(Record{Key: fmt.Append(nil, "20260506-090000-", i), Value: make([]byte, size)})
	}
	if grown := heap() - before; grown > n*size/8 {
		t.Errorf("%d KB held of %d", grown>>10, n*size>>10)
	}
	if told != n || len(table.keys) != n {
		t.Errorf("told of %d, knows %d", told, len(table.keys))
	}
	runtime.KeepAlive(table)
}
