package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/store/audio"
	"tingji/store/kafka"
	"tingji/transcript"
)

// courtLog is the log as the packages of the pipeline want it: their messages
// on the one side, records of topics on the other. Safe for use by several
// goroutines.
type courtLog struct {
	client  *kafka.Client
	rooms   kafka.Partitions
	refused atomic.Pointer[error] // why the topics are not to be written to
}

// segmentLog is segments.v1 as the docket reads it.
type segmentLog struct{ *courtLog }

// archiveLog is audio.v1 as the archive reads it.
type archiveLog struct{ *courtLog }

var (
	_ transcript.Publisher  = (*courtLog)(nil)
	_ transcript.SegmentLog = segmentLog{}
	_ audio.Log             = archiveLog{}
	_ audio.Receipts        = (*courtLog)(nil)
)

// put publishes a state in a compacted topic; a nil value deletes the key.
func (l *courtLog) put(ctx context.Context, topic, key string, value any) error {
	var data []byte
	if value != nil {
		var err error
		if data, err = json.Marshal(value); err != nil {
			return fmt.Errorf("encode %s %s: %w", topic, key, err)
		}
	}
	_, err := l.client.Produce(ctx, topic, 0, []kafka.Record{{Key: []byte(key), Value: data}})
	return err
}

// PublishHearing puts the state of a hearing into hearings.v1.
func (l *courtLog) PublishHearing(ctx context.Context, h capture.Hearing) error {
	return l.put(ctx, kafka.TopicHearings, h.ID, h)
}

// publishedPatience is how long the hearings may take that are on the log.
const publishedPatience = 20 * time.Second

// Published implements [transcript.Publisher].
func (l *courtLog) Published(ctx context.Context) ([]capture.Hearing, error) {
	ctx, cancel := context.WithTimeout(ctx, publishedPatience)
	defer cancel()
	last := map[string]capture.Hearing{}
	loaded := false
	err := follow(ctx, l.client, kafka.TopicHearings, func(h capture.Hearing) { last[h.ID] = h }, func() {
		loaded = true
		cancel()
	})
	if loaded {
		return slices.Collect(maps.Values(last)), nil
	}
	return nil, fmt.Errorf("read %s: %w", kafka.TopicHearings, err)
}

// PublishPosition puts the state of a channel into positions.v1.
func (l *courtLog) PublishPosition(ctx context.Context, s asr.ChannelState) error {
	return l.put(ctx, kafka.TopicPositions, capture.Key(s.Hearing, s.Channel), s)
}

// PublishReceipts puts receipts into receipts.v1.
func (l *courtLog) PublishReceipts(ctx context.Context, receipts []capture.Receipt) error {
	records := make([]kafka.Record, len(receipts))
	for i, r := range receipts {
		data, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode receipt %s/%s: %w", r.Hearing, r.Channel, err)
		}
		records[i] = kafka.Record{Key: []byte(capture.Key(r.Hearing, r.Channel)), Value: data}
	}
	_, err := l.client.Produce(ctx, kafka.TopicReceipts, 0, records)
	return err
}

// PublishHealth puts a life sign into status.v1.
func (l *courtLog) PublishHealth(ctx context.Context, h capture.Health) error {
	return l.put(ctx, kafka.TopicStatus, h.Component+"/"+h.Instance, h)
}

// Partitions is the number of partitions of audio.v1 and of segments.v1.
func (l *courtLog) Partitions() int { return l.rooms.Count }

// read hands the records of a partition to handle, in order. An offset that the
// log does not hold any more, or not yet, means the log's start: all readers
// drop what they have.
func (l *courtLog) read(ctx context.Context, topic string, partition int, from int64, handle func([]kafka.Record) error) error {
	r := l.client.Reader(topic, partition, from)
	for {
		records, err := r.Next(ctx)
		var gone *kafka.OffsetError
		if errors.As(err, &gone) {
			r.SeekTo(kafka.First)
			continue
		}
		if err != nil {
			return err
		}
		if err := handle(records); err != nil {
			return err
		}
	}
}

// ReadSegments implements [transcript.SegmentLog].
func (l segmentLog) ReadSegments(ctx context.Context, partition int, from int64, handle func(context.Context, []transcript.SegmentMessage) error) error {
	return l.read(ctx, kafka.TopicSegments, partition, from, func(records []kafka.Record) error {
		batch := make([]transcript.SegmentMessage, len(records))
		for i, r := range records {
			m := &batch[i]
			m.Source = transcript.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
			if m.Segment, m.Err = asr.ParseSegment(r.Value); m.Err != nil {
				m.Raw = r.Value
			}
		}
		return handle(ctx, batch)
	})
}

// SetAside implements [transcript.SegmentLog].
func (l segmentLog) SetAside(ctx context.Context, m transcript.SegmentMessage, reason string) error {
	value := m.Raw
	if value == nil {
		var err error
		if value, err = json.Marshal(m.Segment); err != nil {
			return fmt.Errorf("encode segment %s: %w", m.Segment.ID, err)
		}
	}
	from := kafka.Record{Topic: m.Source.Topic, Partition: m.Source.Partition, Offset: m.Source.Offset, Value: value}
	return l.bury(ctx, from, reason, m.Err)
}

// ReadChunks implements [audio.Log].
func (l archiveLog) ReadChunks(ctx context.Context, partition int, from int64, handle func(context.Context, []audio.Message) error) error {
	return l.read(ctx, kafka.TopicAudio, partition, from, func(records []kafka.Record) error {
		batch := make([]audio.Message, len(records))
		for i, r := range records {
			m := &batch[i]
			m.Source = transcript.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
			m.Raw = message(r)
			m.Chunk, m.Err = capture.ParseChunk(m.Raw)
		}
		return handle(ctx, batch)
	})
}

// SetAside implements [audio.Log].
func (l archiveLog) SetAside(ctx context.Context, m audio.Message, reason string) error {
	from := kafka.Record{
		Topic: m.Source.Topic, Partition: m.Source.Partition, Offset: m.Source.Offset,
		Key: m.Raw.Key, Value: m.Raw.Value, Headers: m.Raw.Headers,
	}
	return l.bury(ctx, from, reason, m.Err)
}

func message(r kafka.Record) capture.Message {
	return capture.Message{Key: r.Key, Value: r.Value, Headers: r.Headers}
}

// bury keeps a record that cannot be used in dead.v1: its key and value as they
// came, its headers with the prefix "original-", where it stood, and why.
func (l *courtLog) bury(ctx context.Context, r kafka.Record, reason string, cause error) error {
	text := reason
	if cause != nil {
		text = oneLine(cause)
	}
	headers := []kafka.Header{
		{Key: "reason", Value: []byte(reason)},
		{Key: "error", Value: []byte(text)},
		{Key: "topic", Value: []byte(r.Topic)},
		{Key: "partition", Value: strconv.AppendInt(nil, int64(r.Partition), 10)},
		{Key: "offset", Value: strconv.AppendInt(nil, r.Offset, 10)},
		{Key: "at", Value: time.Now().UTC().AppendFormat(nil, time.RFC3339)},
	}
	for _, h := range r.Headers {
		headers = append(headers, kafka.Header{Key: "original-" + h.Key, Value: h.Value})
	}
	_, err := l.client.Produce(ctx, kafka.TopicDead, 0, []kafka.Record{{Key: r.Key, Value: r.Value, Headers: headers}})
	return err
}

// decode reads a JSON value of a topic.
func decode(data []byte, to any) error { return json.Unmarshal(data, to) }
