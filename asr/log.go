package asr

import (
	"context"

	"tingji/capture"
)

// ChunkMessage is one message of audio.v1, or what could not be read of it.
type ChunkMessage struct {
	Chunk  capture.Chunk
	Offset int64
	Err    error           // why Chunk could not be read; nil where it could
	Raw    capture.Message // as it came, for a message that is set aside
}

// Assignment is a partition that a worker has been given.
type Assignment struct {
	Partition int
	// Hint is the offset that was committed last, negative where there is none.
	Hint int64
	// Commit leaves a hint for whoever has the partition next; nil, or failing,
	// is harmless.
	Commit func(next int64) error
}

// Group hands out the partitions of audio.v1 among the workers.
type Group interface {
	// Join calls work for each generation with a context that ends with it, and
	// calls it again only after it has come back. It returns when ctx ends or
	// when work fails within its generation.
	Join(ctx context.Context, work func(context.Context, []Assignment) error) error
}

// Audio reads audio.v1.
type Audio interface {
	// Chunks reads a partition from an offset on; a negative one, or one that
	// the log does not have any more or not yet, means its start. That is no error:
	// chunks are numbered, and the worker looks at the numbers.
	Chunks(partition int, from int64) ChunkReader
	// SetAside puts a message that cannot be read where people can look at it
	// (dead.v1); reason is a stable word, Err has the details.
	SetAside(ctx context.Context, partition int, m ChunkMessage, reason string) error
}

// ChunkReader is used by one goroutine and needs no closing.
type ChunkReader interface {
	// Next waits for messages and returns at least one, in order. It goes on
	// over restarts of the broker. An error other than ctx's ends the worker.
	Next(ctx context.Context) ([]ChunkMessage, error)
}

// SegmentWriter appends to segments.v1.
type SegmentWriter interface {
	// Publish returns once the broker has acknowledged all of segments, in
	// their order. It retries over restarts of the broker; an error other than
	// ctx's ends the worker.
	Publish(ctx context.Context, partition int, segments []Segment) error
}

// Positions is positions.v1, followed; it is loaded before the worker runs, or
// channels begin at places long decided. Safe for several goroutines.
type Positions interface {
	// Position is the newest state of a channel that the store has published.
	Position(hearing, channel string) (ChannelState, bool)
	// In are the states of all channels whose audio is in a partition, and which
	// have not ended; others may be among them.
	In(partition int) []ChannelState
	// Changed is closed with the next change of any position. To miss none, it
	// is called before the positions are looked at.
	Changed() <-chan struct{}
}

// Hearings is hearings.v1, followed. Safe for several goroutines.
type Hearings interface {
	Hearing(id string) (capture.Hearing, bool)
}

// HealthReporter takes the worker's sign of life, once a second.
type HealthReporter interface {
	ReportHealth(ctx context.Context, h capture.Health) error
}

// Log is what a worker needs of the world besides engines. All are required
// but Health.
type Log struct {
	Group     Group
	Audio     Audio
	Segments  SegmentWriter
	Positions Positions
	Hearings  Hearings
	Health    HealthReporter
}
