package kafka

import (
	"errors"
	"io"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
)

// A batch whose end was compacted away comes again for each of its offsets.
func TestReaderPassesWhatCompactionTook(t *testing.T) {
	at := func(offsets ...int64) kafkago.RecordReader {
		var records []kafkago.Record
		for _, o := range offsets {
			records = append(records, kafkago.Record{Offset: o, Value: kafkago.NewBytes([]byte("x"))})
		}
		return kafkago.NewRecordReader(records...)
	}
	for name, tt := range map[string]struct {
		next    int64
		set     kafkago.RecordReader
		records int
		after   int64
	}{
		"nothing yet":            {3, at(), 0, 3},
		"all new":                {3, at(3, 4), 2, 5},
		"began before":           {3, at(1, 2, 3, 4), 2, 5},
		"a gap":                  {3, at(1, 7), 1, 8},
		"only what we have":      {3, at(0, 1, 2), 0, 4},
		"damaged behind records": {3, &brokenReader{good: at(3, 4)}, 2, 5},
	} {
		r := &Reader{topic: "t", next: tt.next}
		got, err := r.collect(tt.set)
		if err != nil || len(got) != tt.records || r.next != tt.after {
			t.Errorf("%s: %d records, stands at %d, %v", name, len(got), r.next, err)
		}
	}
	r := &Reader{next: 3}
	if got, err := r.collect(&brokenReader{good: at()}); err == nil || len(got) != 0 || r.next != 3 {
		t.Errorf("damaged from the start: %v, stands at %d, %v", got, r.next, err)
	}
}

// brokenReader fails where the good records end.
type brokenReader struct{ good kafkago.RecordReader }

func (b *brokenReader) ReadRecord() (*kafkago.Record, error) {
	rec, err := b.good.ReadRecord()
	if errors.Is(err, io.EOF) {
		err = errors.New("damaged")
	}
	return rec, err
}
