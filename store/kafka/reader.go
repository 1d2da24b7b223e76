package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// First stands for the offset of the first record that a partition holds. There
// is no constant for the last one: kafka-go can skip records with it (#904).
const First int64 = kafkago.FirstOffset

const (
	// fetchBytes bounds the records of one Next, but for a larger single batch.
	fetchBytes = 1 << 20
	// fetchWait is how long the broker keeps an unanswered fetch. A record that
	// arrives ends the wait at once; the length only sets how often an idle
	// reader asks again.
	fetchWait = 5 * time.Second
)

// Reader reads one partition in order. It fetches with kafka-go's Client and not
// with its Reader: that one jumps over deleted records without a word (#365),
// stalls after a restart of the broker (#387, #955) and owns goroutines and a
// queue that outlive an assignment (#1398). This one has none of them: it asks
// when it is asked.
//
// A Reader is used by one goroutine at a time and needs no Close.
type Reader struct {
	client    *Client
	topic     string
	partition int
	next      int64
	end       int64
}

// Reader starts to read at an offset, or at [First].
func (c *Client) Reader(topic string, partition int, from int64) *Reader {
	return &Reader{client: c, topic: topic, partition: partition, next: from}
}

// Next waits for records and returns at least one; the caller owns them. It
// goes on over restarts of the broker until ctx ends. Of the errors only
// [OffsetError] leaves something for the caller to decide.
func (r *Reader) Next(ctx context.Context) ([]Record, error) {
	for {
		var records []Record
		err := r.client.retry(ctx, r.topic, func(ctx context.Context) (err error) {
			records, err = r.fetch(ctx)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("kafka: read %s/%d: %w", r.topic, r.partition, err)
		}
		if len(records) > 0 {
			return records, nil
		}
	}
}

// SeekTo moves the reader to an offset, or to [First].
func (r *Reader) SeekTo(offset int64) { r.next = offset }

// Offset is where the next record is expected, [First] before anything was read.
func (r *Reader) Offset() int64 { return r.next }

// End is the offset after the last record that the broker had at the latest
// Next: the reader has caught up when Offset is End. 0 before the first.
func (r *Reader) End() int64 { return r.end }

func (r *Reader) fetch(ctx context.Context) ([]Record, error) {
	if r.next < 0 {
		first, _, err := r.client.offsets(ctx, r.topic, r.partition)
		if err != nil {
			return nil, err
		}
		r.next = first
	}
	fetchCtx, cancel := context.WithTimeout(ctx, fetchWait+callTimeout)
	defer cancel()
	res, err := r.client.api.Fetch(fetchCtx, &kafkago.FetchRequest{
		Topic: r.topic, Partition: r.partition, Offset: r.next,
		MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait,
	})
	if err == nil {
		err = res.Error
	}
	if errors.Is(err, kafkago.OffsetOutOfRange) {
		return nil, r.outOfRange(ctx, err)
	}
	if err != nil {
		return nil, err
	}
	r.end = res.HighWatermark
	return r.collect(res.Records)
}

// outOfRange tells a log without our offset from a broker that is not itself at
// the moment: the embedded one says so at the end of its log while its disk is
// full, a follower while it becomes leader.
func (r *Reader) outOfRange(ctx context.Context, cause error) error {
	first, next, err := r.client.offsets(ctx, r.topic, r.partition)
	if err != nil {
		return err
	}
	if r.next >= first && r.next <= next {
		return cause
	}
	return &OffsetError{Topic: r.topic, Partition: r.partition, Requested: r.next, First: first, Last: next}
}

func (r *Reader) collect(set kafkago.RecordReader) ([]Record, error) {
	var records []Record
	seen := 0
	for {
		rec, err := set.ReadRecord()
		if errors.Is(err, io.EOF) {
			break
		}
		var owned Record
		if err == nil {
			owned, err = own(r.topic, r.partition, rec)
		}
		if err != nil {
			// What came before the damage is good; the rest is asked for again.
			if len(records) > 0 {
				break
			}
			return nil, err
		}
		seen++
		// A batch is sent whole, also when it began before our offset.
		if owned.Offset >= r.next {
			records = append(records, owned)
			r.next = owned.Offset + 1
		}
	}
	if seen > 0 && len(records) == 0 {
		// Compaction took the end of this batch away and left its length: the
		// record at our offset is not there, and asking for it again would give
		// the same batch for ever.
		r.next++
	}
	return records, nil
}
