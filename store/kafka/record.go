package kafka

import (
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"tingji/capture"
)

// Header is one header of a record.
type Header = capture.Header

// Record is one record of a topic. For [Client.Produce] only Key, Value, Headers
// and Time count. A nil Value is a tombstone: it deletes its key from a compacted
// topic; an empty one does not.
type Record struct {
	Key, Value []byte
	Headers    []Header
	Time       time.Time // by the producer's clock, milliseconds; zero: now

	Topic     string
	Partition int
	Offset    int64
}

// size is an upper bound of what the record takes in a batch, in bytes.
func (r *Record) size() int {
	const perRecord, perHeader = 41, 10 // lengths, deltas and counts, all at their longest
	n := perRecord + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += perHeader + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}

// build makes the records that kafka-go sends. It reads them like files: they are
// at their end after one request, and a second one with the same records writes
// empty messages, or none, without an error. So they are built for each try.
func build(records []Record) kafkago.RecordReader {
	out := make([]kafkago.Record, len(records))
	for i := range records {
		r := &records[i]
		headers := make([]kafkago.Header, len(r.Headers))
		for j, h := range r.Headers {
			headers[j] = kafkago.Header(h)
		}
		out[i] = kafkago.Record{
			Time: r.Time, Key: kafkago.NewBytes(r.Key), Value: kafkago.NewBytes(r.Value), Headers: headers,
		}
	}
	return kafkago.NewRecordReader(out...)
}

// own copies a record out of the buffers of a response.
func own(topic string, partition int, r *kafkago.Record) (Record, error) {
	rec := Record{Topic: topic, Partition: partition, Offset: r.Offset, Time: r.Time}
	var err error
	if r.Key != nil {
		defer r.Key.Close()
		if rec.Key, err = kafkago.ReadAll(r.Key); err != nil {
			return rec, err
		}
	}
	if r.Value != nil {
		defer r.Value.Close()
		if rec.Value, err = kafkago.ReadAll(r.Value); err != nil {
			return rec, err
		}
		if rec.Value == nil {
			rec.Value = []byte{}
		}
	}
	if len(r.Headers) > 0 {
		rec.Headers = make([]Header, len(r.Headers))
		for i, h := range r.Headers {
			rec.Headers[i] = Header{Key: h.Key, Value: append([]byte(nil), h.Value...)}
		}
	}
	return rec, nil
}
