package kafka

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
)

// maxBatch is what a produce request carries at most, in bytes: a little under
// the million that brokers accept where nobody configured more.
const maxBatch = 1_000_000

const batchHeader = 61

// Produce appends records to a partition and returns when every replica that
// must have them has them. Records larger together than a broker takes go in
// several requests, one after another, in order; baseOffset is the offset of the
// first record, and the others follow it without a gap only if nobody else
// writes to the partition.
//
// It tries again until ctx ends while the error is [Retryable]. A request that
// was cut off may have been written, so a retry can double records: the caller
// keeps one call a partition under way, and readers drop what they have. With an
// error, some of the first records may have been written.
func (c *Client) Produce(ctx context.Context, topic string, partition int, records []Record) (baseOffset int64, err error) {
	baseOffset = -1
	for rest := records; len(rest) > 0; {
		n := fit(rest)
		base, err := c.produceBatch(ctx, topic, partition, rest[:n])
		if err != nil {
			return -1, fmt.Errorf("kafka: produce to %s/%d, %d of %d records written: %w", topic, partition, len(records)-len(rest), len(records), err)
		}
		if baseOffset < 0 {
			baseOffset = base
		}
		rest = rest[n:]
	}
	return baseOffset, nil
}

// fit is how many of the records go into one request: at least one. Whether a
// single large one is too large is for the broker to say.
func fit(records []Record) int {
	size := batchHeader
	for i := range records {
		if size += records[i].size(); size > maxBatch && i > 0 {
			return i
		}
	}
	return len(records)
}

func (c *Client) produceBatch(ctx context.Context, topic string, partition int, records []Record) (base int64, err error) {
	err = c.retry(ctx, topic, func(ctx context.Context) error {
		base, err = c.produceOnce(ctx, topic, partition, records)
		return err
	})
	if errors.Is(err, kafkago.MessageSizeTooLarge) && len(records) > 1 {
		// This broker takes less than others. Halves, in order.
		half := len(records) / 2
		if base, err = c.produceBatch(ctx, topic, partition, records[:half]); err == nil {
			_, err = c.produceBatch(ctx, topic, partition, records[half:])
		}
	}
	return base, err
}

func (c *Client) produceOnce(ctx context.Context, topic string, partition int, records []Record) (int64, error) {
	res, err := c.produce.Produce(ctx, &kafkago.ProduceRequest{
		Topic: topic, Partition: partition,
		RequiredAcks: kafkago.RequireAll, // the default is none: a write that is refused returns no error
		Records:      build(records),     // anew for each try
	})
	if err != nil {
		return 0, err
	}
	return res.BaseOffset, res.Error
}
