package main

import (
	"context"
	"errors"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/store"
	"tingji/store/kafka"
	"tingji/transcript"
)

// behind is a channel whose stored audio is not all recognised yet.
type behind struct {
	audio     store.AudioChannel
	at        asr.Position // zero: nothing of it is decided
	heard     bool         // there is a position
	hearing   capture.Hearing
	partition int
}

func (b behind) key() string { return capture.Key(b.audio.Hearing, b.audio.Channel) }

// backlog finds the channels that are behind. It looks back no further than to the
// oldest that was when it looked last, so that looking costs the same however
// many hearings were held. It is used by one goroutine.
type backlog struct {
	log      *courtLog
	server   *server
	since    time.Time         // nothing is behind that was stored before
	finished map[string]uint64 // those stored since that are not behind, with their last number
}

func newBacklog(log *courtLog, server *server) *backlog {
	return &backlog{log: log, server: server, since: time.Now().Add(-365 * 24 * time.Hour)}
}

// backlogSlack is more than a server's clock is ever set back.
const backlogSlack = 24 * time.Hour

func (b *backlog) list(ctx context.Context) ([]behind, error) {
	next := time.Now().Add(-backlogSlack)
	if next.Before(b.since) {
		b.since = next
	}
	channels, err := b.server.store.RecentAudioChannels(ctx, b.since)
	if err != nil {
		return nil, err
	}
	decided := map[string]map[string]asr.Position{} // by hearing and channel
	finished := map[string]uint64{}
	var list []behind
	for _, c := range channels {
		item := behind{audio: c}
		if seq, ok := b.finished[item.key()]; ok && seq == c.Seq {
			finished[item.key()] = seq
			continue
		}
		if decided[c.Hearing] == nil {
			if decided[c.Hearing], err = b.positions(ctx, c.Hearing); err != nil {
				return nil, err
			}
		}
		item.at, item.heard = decided[c.Hearing][c.Channel]
		// A PC that died has not ended its channel; the worker has, as the hearing is closed.
		if item.at.Ended && item.at.Epoch == c.Epoch && (c.Ended || item.at.Sample >= c.Samples) {
			finished[item.key()] = c.Seq
			continue
		}
		item.hearing, err = b.server.store.Hearing(ctx, c.Hearing)
		if errors.Is(err, transcript.ErrNotFound) {
			continue // of another court: nobody here recognises it
		} else if err != nil {
			return nil, err
		}
		item.partition = b.log.rooms.Of(item.hearing.Courtroom)
		list = append(list, item)
		if c.Ended && c.Missing == 0 && c.StoredAt.Before(next) { // others are listed however old they are
			next = c.StoredAt
		}
	}
	b.since, b.finished = next, finished
	return list, nil
}

func (b *backlog) positions(ctx context.Context, hearing string) (map[string]asr.Position, error) {
	states, err := b.server.store.Positions(ctx, hearing)
	if err != nil {
		return nil, err
	}
	at := make(map[string]asr.Position, len(states))
	for _, s := range states {
		at[s.Channel] = s.Position
	}
	return at, nil
}

// every calls do each period until ctx ends; an error of do is for the log, as
// the store and the broker say so themselves where people see it.
func (a *app) every(ctx context.Context, period time.Duration, what string, do func(context.Context) error) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			a.log.Debug(what, "err", err)
		}
	}
}

// trimEvery is how often the broker in the process lets go of what is stored.
const trimEvery = 5 * time.Second

// trimmer lets the broker in this process forget what nobody needs from it any
// more: segments that the store has, and audio that the archive holds and the
// workers, where there are any, have decided. kfake would keep it for ever, and
// reads all it has into memory when it starts.
//
// Where audio waits for an engine so long that the broker fills up, it is
// forgotten all the same: the archive has it, and the refiller brings it back.
type trimmer struct {
	broker      *kafka.Embedded
	log         *courtLog
	server      *server
	backlog     *backlog
	recognising bool  // a worker runs; without one the archive alone counts
	full        int64 // bytes from which on the archive alone counts

	archived []int64          // of each partition, at the trim before
	since    map[string]int64 // offset behind which a channel without a usable position began
}

func (t *trimmer) trim(ctx context.Context) error {
	size, err := t.broker.Size()
	if err != nil {
		return err
	}
	needed, err := t.needed(ctx, size[kafka.TopicAudio] > t.full)
	if err != nil {
		return err
	}
	for partition, before := range needed {
		if err := t.broker.Trim(kafka.TopicAudio, partition, before); err != nil {
			return err
		}
		stored, err := t.server.store.Offset(ctx, kafka.TopicSegments, partition)
		if err != nil {
			return err
		}
		if err := t.broker.Trim(kafka.TopicSegments, partition, stored); err != nil {
			return err
		}
	}
	return nil
}

// needed is the first offset of each partition of audio.v1 that the archive or
// a worker still needs.
func (t *trimmer) needed(ctx context.Context, full bool) ([]int64, error) {
	archived := make([]int64, t.log.rooms.Count)
	first := make([]int64, t.log.rooms.Count)
	for p := range archived {
		var err error
		if archived[p], err = t.server.store.Offset(ctx, kafka.TopicAudio, p); err != nil {
			return nil, err
		}
		if first[p], _, err = t.log.client.Offsets(ctx, kafka.TopicAudio, p); err != nil {
			return nil, err
		}
	}
	if t.archived == nil {
		t.archived, t.since = first, map[string]int64{}
	}
	var waiting []behind
	if t.recognising && !full {
		var err error
		if waiting, err = t.backlog.list(ctx); err != nil {
			return nil, err
		}
	}
	needed := t.from(waiting, first, archived)
	t.archived = archived
	return needed, nil
}

// from is the offset of each partition that the channels which wait need. A
// position says where its channel's next sample is. A channel without one began
// after the trim before, or it would have been seen then; a position in front of
// the log's first record is of no use, and is treated alike.
func (t *trimmer) from(waiting []behind, first, archived []int64) []int64 {
	needed := append([]int64(nil), archived...)
	since := map[string]int64{}
	for _, b := range waiting {
		from := b.at.Offset
		if !b.heard || from < first[b.partition] {
			known, ok := t.since[b.key()]
			if !ok {
				known = t.archived[b.partition]
			}
			since[b.key()] = known
			from = known
		}
		needed[b.partition] = min(needed[b.partition], from)
	}
	t.since = since
	return needed
}
