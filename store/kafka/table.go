package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

// Table follows a compacted topic, which is a map of the last record of each key.
// It knows the keys, and leaves what is worth keeping of the records to who
// follows: some topics are kept for ever. [Table.Run] follows the topic; Wait may be
// called by any goroutine, before and while it runs.
type Table struct {
	client   *Client
	topic    string
	onChange func(Record)

	loaded chan struct{} // closed when all that was there at the start is read
	keys   map[string]struct{}
}

// Table prepares a follower of a compacted topic of one partition. onChange
// is called from Run for each record in order, the loading included, and
// with a nil Value for a key that was deleted; it must not change the record.
func (c *Client) Table(topic string, onChange func(Record)) *Table {
	return &Table{client: c, topic: topic, onChange: onChange, loaded: make(chan struct{}), keys: make(map[string]struct{})}
}

// Run loads the topic up to what it holds now, then follows it until ctx ends,
// and returns its error. It goes on over restarts of the broker; another error is
// one that only a person can put right. Run is called once.
func (t *Table) Run(ctx context.Context) error {
	first, end, err := t.client.Offsets(ctx, t.topic, 0)
	if err != nil {
		return err
	}
	r := t.client.Reader(t.topic, 0, first)
	// While not nil these are the keys not seen yet in a reading from the start
	// after the first: what is left at the end of it was deleted meanwhile.
	var stale map[string]struct{}
	for {
		if r.Offset() >= end {
			t.drop(stale)
			stale = nil
			t.setLoaded()
		}
		records, err := r.Next(ctx)
		var gone *OffsetError
		switch {
		case errors.As(err, &gone):
			// Compaction moved the start past us, or the log was lost. What the
			// table told stays true while it is read again.
			stale = maps.Clone(t.keys)
			end = gone.Last
			r.SeekTo(gone.First)
		case err != nil:
			return err
		}
		for _, rec := range records {
			delete(stale, string(rec.Key))
			t.apply(rec)
		}
	}
}

func (t *Table) setLoaded() {
	select {
	case <-t.loaded:
	default:
		close(t.loaded)
	}
}

func (t *Table) drop(stale map[string]struct{}) {
	for key := range stale {
		t.apply(Record{Key: []byte(key), Topic: t.topic, Offset: -1})
	}
}

func (t *Table) apply(rec Record) {
	if rec.Key == nil {
		return // cannot be in a compacted topic of Apache Kafka
	}
	if rec.Value == nil {
		delete(t.keys, string(rec.Key))
	} else {
		t.keys[string(rec.Key)] = struct{}{}
	}
	t.onChange(rec)
}

// Wait returns when the table is loaded: it has then told at least what the topic
// held when Run began. It returns the error of ctx if that ends before.
func (t *Table) Wait(ctx context.Context) error {
	select {
	case <-t.loaded:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("kafka: load table %s: %w", t.topic, ctx.Err())
	}
}
