package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/store/kafka"
	"tingji/transcript"
)

// openLog makes a client of the configured brokers. It does not connect: a
// courtroom records, and pages are read, while the broker is away.
func (a *app) openLog(s *stack) (*courtLog, error) { return a.dialLog(s, a.kafkaConfig()) }

func (a *app) kafkaConfig() kafka.Config {
	k := a.config.Kafka
	return kafka.Config{
		Brokers: k.Brokers, Replication: k.Replication,
		TLS:  kafka.TLS{On: k.TLS, CA: k.CA, Cert: k.Cert, Key: k.Key},
		SASL: kafka.SASL{Mechanism: k.SASL, User: k.User, Password: k.Password},
	}
}

func (a *app) dialLog(s *stack, config kafka.Config) (*courtLog, error) {
	rooms := courtrooms(a.config.Courtrooms).partitions(a.config.Kafka.Partitions)
	client, err := kafka.New(config, a.log)
	if err != nil {
		return nil, usageError{err}
	}
	s.Close("kafka client", client.Close)
	return &courtLog{client: client, rooms: rooms}, nil
}

// ensure creates the topics that are missing. It waits while the broker is away.
func (l *courtLog) ensure(ctx context.Context) error {
	return l.client.Ensure(ctx, kafka.Topics(l.rooms.Count)...)
}

// upLog is the log of a process that does everything: the configured brokers,
// which have to be there, or one of its own.
func (a *app) upLog(ctx context.Context, s *stack) (*kafka.Embedded, *courtLog, error) {
	if len(a.config.Kafka.Brokers) == 0 {
		return a.startBroker(ctx, s)
	}
	log, err := a.openLog(s)
	if err != nil {
		return nil, nil, err
	}
	if err := log.client.Ping(ctx); err != nil {
		return nil, nil, err
	}
	return nil, log, log.ensure(ctx)
}

// startBroker runs the broker in this process and makes a client of it.
func (a *app) startBroker(ctx context.Context, s *stack) (*kafka.Embedded, *courtLog, error) {
	broker, err := kafka.StartEmbedded(ctx, kafka.EmbeddedConfig{
		Dir:  filepath.Join(a.config.Data, "kafka"),
		Addr: a.config.Kafka.Listen, CapBytes: int64(a.config.Kafka.CapMB) << 20, Log: a.log,
	})
	if err != nil {
		return nil, nil, err
	}
	s.Close("broker", broker.Close)
	log, err := a.dialLog(s, kafka.Config{Brokers: broker.Addrs(), Replication: 1})
	if err != nil {
		return nil, nil, err
	}
	return broker, log, log.ensure(ctx)
}

// trimEvery is how often the broker in the process lets go of what is stored.
const trimEvery = 5 * time.Second

// trimmer lets the broker in this process forget audio that nobody needs from it
// any more: the archive holds it, and the workers, where there are any, have
// decided it. kfake would keep it for ever, and reads all it has into memory
// when it starts.
type trimmer struct {
	broker      *kafka.Embedded
	log         *courtLog
	server      *server
	recognising bool            // a worker runs; without one the archive alone counts
	finished    map[string]bool // channels of which nothing is needed any more
}

func (t *trimmer) run(ctx context.Context) error {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		needed, err := t.needed(ctx)
		if err != nil {
			continue // the store says so itself, where people see it
		}
		for partition, before := range needed {
			if err := t.broker.Trim(kafka.TopicAudio, partition, before); err != nil {
				return err
			}
		}
	}
}

// needed is the first offset of each partition of audio.v1 that the archive or
// a worker still needs.
func (t *trimmer) needed(ctx context.Context) ([]int64, error) {
	needed := make([]int64, t.log.rooms.Count)
	for p := range needed {
		var err error
		if needed[p], err = t.server.store.Offset(ctx, kafka.TopicAudio, p); err != nil {
			return nil, err
		}
	}
	if !t.recognising {
		return needed, nil
	}
	channels, err := t.server.store.RecentAudioChannels(ctx, time.Now().Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	decided := map[string]map[string]asr.Position{} // by hearing and channel
	for _, c := range channels {
		key := capture.Key(c.Hearing, c.Channel)
		if t.finished[key] {
			continue
		}
		if decided[c.Hearing] == nil {
			if decided[c.Hearing], err = t.positions(ctx, c.Hearing); err != nil {
				return nil, err
			}
		}
		h, err := t.server.store.Hearing(ctx, c.Hearing)
		if errors.Is(err, transcript.ErrNotFound) {
			continue // of another court: the workers have no use for it
		} else if err != nil {
			return nil, err
		}
		at, heard := decided[c.Hearing][c.Channel]
		if heard && at.Ended && c.Ended && at.Epoch == c.Epoch {
			t.finished[key] = true
			continue
		}
		p := t.log.rooms.Of(h.Courtroom)
		needed[p] = min(needed[p], at.Offset) // 0 where nothing is decided yet: all of it
	}
	return needed, nil
}

func (t *trimmer) positions(ctx context.Context, hearing string) (map[string]asr.Position, error) {
	states, err := t.server.store.Positions(ctx, hearing)
	if err != nil {
		return nil, err
	}
	at := make(map[string]asr.Position, len(states))
	for _, s := range states {
		at[s.Channel] = s.Position
	}
	return at, nil
}
