package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"tingji/store/kafka"
	"tingji/transcript"
)

// joinCourt takes this place's data folder and joins the court's log.
func (a *app) joinCourt(s *stack, place string) (*courtLog, error) {
	unlock, err := openFolder(a.config.Data, place)
	if err != nil {
		return nil, err
	}
	s.Close("data folder", unlock)
	return a.openLog(s)
}

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

// topicsEvery is how often the record server looks whether the topics are there,
// while the broker gives it trouble.
const topicsEvery = 3 * time.Second

// keepTopics is ensure for the record server, which also makes the topics that the
// broker has lost: one that was made anew after its disk has failed, perhaps in a
// hearing. What the store knows is published again then: on a log without hearings
// and positions workers would begin where nobody follows them.
func (a *app) keepTopics(ctx context.Context, log *courtLog, docket *transcript.Docket) error {
	if err := log.ensure(ctx); err != nil {
		return err
	}
	lost := false
	return a.every(ctx, topicsEvery, "topics", func(ctx context.Context) error {
		_, why, out := log.client.Outage()
		if !out {
			if lost {
				lost = false
				docket.PublishAgain()
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, checkPatience)
		defer cancel()
		missing, err := log.client.Check(ctx, kafka.Topics(log.rooms.Count)...)
		if err != nil {
			return err
		}
		// A worker that was started meanwhile may have made them.
		if len(missing) == 0 && !kafka.NoSuchTopic(why) {
			return nil
		}
		if !lost {
			a.log.Warn("the broker has lost topics, as one that was made anew: they are made again, and what the store knows is published again", "missing", len(missing))
		}
		lost = true
		return log.ensure(ctx)
	})
}

// ensureAtLast is ensure for a courtroom's PC, which records whatever the broker
// says: a missing right, a wrong password or a wrong kafka.partitions is put right
// while it does. Until then nothing is sent, and the alarm says why.
func (a *app) ensureAtLast(ctx context.Context, log *courtLog) error {
	for {
		err := log.ensure(ctx)
		switch {
		case err == nil:
			log.refused.Store(nil)
			return nil
		case ctx.Err() != nil:
			return nil
		}
		log.refused.Store(&err)
		a.log.Warn("the broker's topics cannot be used; recording goes on", "err", err)
		if pauseFor(ctx, ensureAgain) != nil {
			return nil
		}
	}
}

// ensureAgain is how long a courtroom's PC waits for somebody to put right what
// the broker refuses.
const ensureAgain = 5 * time.Second

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
	// kfake reads its logs into memory when it starts; the collector has to keep
	// what it leaves behind within bounds. GOMEMLIMIT wins where it is set.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(2*int64(a.config.Kafka.CapMB)<<20 + 512<<20)
	}
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
