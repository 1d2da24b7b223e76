package main

import (
	"context"
	"fmt"
	"time"

	"tingji/capture"
	"tingji/store/kafka"
)

const (
	refillEvery = 5 * time.Second
	// refillStuck is how often in a row a channel must not have moved before
	// the log is taken to have forgotten what it needs: workers report silence
	// every 10 s of audio.
	refillStuck = 4
	// refillLook is how often of these looks the log itself is read.
	refillLook = 3
	// refillAhead is how many chunks a channel is given before a worker must
	// have decided some: a minute. It bounds what the broker holds, and what a
	// hearing that is open in the same courtroom has to wait for. It is more than
	// the longest utterance: of that a worker decides nothing before its end.
	refillAhead = 60 * capture.Rate / capture.ChunkSamples
	// refillPatience is how long a worker may decide nothing before the refill is
	// left for later.
	refillPatience = time.Minute
)

// refiller brings audio back into audio.v1 that the log has forgotten before a
// worker has decided it: what was recorded before an engine was configured, or
// while none answered for longer than the log keeps audio. It comes from the
// archive, with the numbers that it had; readers drop what they have.
type refiller struct {
	app     *app
	log     *courtLog
	backlog *backlog
	still   map[string]stillness
	pause   map[string]time.Time // hearings that are left alone until then
	wait    map[string]time.Duration
}

// stillness is how often in a row a channel was found at the same place.
type stillness struct {
	seq   uint64
	times int
}

func newRefiller(a *app, log *courtLog, server *server) *refiller {
	return &refiller{
		app: a, log: log, backlog: newBacklog(log, server),
		still: map[string]stillness{}, pause: map[string]time.Time{}, wait: map[string]time.Duration{},
	}
}

// look refills one hearing, if one is found that needs it. Hearings in rooms
// where another one is open wait: what is spoken now comes first.
func (r *refiller) look(ctx context.Context) error {
	waiting, err := r.backlog.list(ctx)
	if err != nil {
		return err
	}
	open := map[string]string{} // courtroom → hearing
	for _, b := range waiting {
		if b.hearing.Status == capture.Open {
			open[b.hearing.Courtroom] = b.hearing.ID
		}
	}
	stuck := map[string][]behind{}
	still := map[string]stillness{}
	for _, b := range waiting {
		s := r.still[b.key()]
		if b.audio.Seq <= b.at.Seq || s.seq != b.at.Seq {
			s.times = 0
		}
		still[b.key()] = stillness{b.at.Seq, s.times + 1}
		if s.times+1 < refillStuck || r.pause[b.hearing.ID].After(time.Now()) {
			continue
		}
		if other, busy := open[b.hearing.Courtroom]; busy && other != b.hearing.ID {
			continue
		}
		gone, err := r.forgotten(ctx, b)
		if err != nil {
			return err
		}
		if gone {
			stuck[b.hearing.ID] = append(stuck[b.hearing.ID], b)
		}
	}
	r.still = still
	for id, channels := range stuck {
		return r.refill(ctx, id, channels)
	}
	return nil
}

// forgotten says whether the log lacks what the channel needs next: it begins behind
// that, or is another one than the position was taken of, made anew after the broker
// had lost its disk.
func (r *refiller) forgotten(ctx context.Context, b behind) (bool, error) {
	first, end, err := r.log.client.Offsets(ctx, kafka.TopicAudio, b.partition)
	if err != nil || first > b.at.Offset || b.at.Offset >= end {
		return err == nil, err
	}
	if b.audio.Seq <= b.at.Seq || r.still[b.key()].times%refillLook != 0 {
		return false, nil
	}
	// The first chunk of the channel from there on is the one, or one that is known.
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	reader := r.log.client.Reader(kafka.TopicAudio, b.partition, b.at.Offset)
	for reader.Offset() < end {
		records, err := reader.Next(ctx)
		if err != nil {
			return false, err
		}
		for _, record := range records {
			if string(record.Key) != b.key() {
				continue
			}
			chunk, err := capture.ParseChunk(message(record))
			return err == nil && chunk.Seq > b.at.Seq && !chunk.Follows(b.at.Seq), nil
		}
	}
	return true, nil
}

// refill sends what the channels of a hearing wait for, in the order in which
// it was captured, and never far ahead of the workers.
func (r *refiller) refill(ctx context.Context, id string, channels []behind) error {
	after := map[string]uint64{}
	for _, b := range channels {
		after[b.audio.Channel] = b.at.Seq
	}
	r.app.log.Info("audio that waits to be recognised is brought back from the archive", "hearing", id, "channels", len(after))
	partition := channels[0].partition
	var batch []kafka.Record
	flush := func() error {
		_, err := r.log.client.Produce(ctx, kafka.TopicAudio, partition, batch)
		batch = batch[:0]
		return err
	}
	for chunk, err := range r.backlog.server.archive.Chunks(ctx, id, after) {
		if err != nil {
			return err
		}
		m, err := chunk.Message(capture.PCM)
		if err != nil {
			return fmt.Errorf("encode chunk %s: %w", chunk, err)
		}
		batch = append(batch, kafka.Record{Key: m.Key, Value: m.Value, Headers: m.Headers})
		if len(batch) < 40 {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		moved, err := r.untilNear(ctx, id, chunk)
		if err != nil {
			return err
		}
		if !moved {
			r.leave(id)
			return nil
		}
	}
	delete(r.wait, id)
	r.pause[id] = time.Now().Add(refillPatience)
	return flush()
}

// untilNear waits until the workers are near a chunk, and reports whether they
// came near it in time.
func (r *refiller) untilNear(ctx context.Context, id string, chunk capture.Chunk) (bool, error) {
	for end := time.Now().Add(refillPatience); time.Now().Before(end); {
		at, err := r.backlog.positions(ctx, id)
		if err != nil {
			return false, err
		}
		if at[chunk.Channel].Seq+refillAhead > chunk.Seq {
			return true, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return false, nil
}

// leave puts a hearing off, longer each time: no worker is there, or none has
// an engine.
func (r *refiller) leave(id string) {
	r.wait[id] = min(max(2*r.wait[id], refillPatience), time.Hour)
	r.pause[id] = time.Now().Add(r.wait[id])
}
