package main

import (
	"context"
	"fmt"
	"os"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"tingji/capture"
	"tingji/store/kafka"
)

const (
	sendBatch  = 8 // chunks, of a courtroom's eight seats
	sendRounds = 30
	sendTurn   = 100 // batches of one, then as many of the other
)

// benchSend sends batches of chunks to a broker in this process, by turns with our
// client and with kafka-go's own writer, each batch acknowledged before the next.
func benchSend(ctx context.Context, a *app, f figures) error {
	dir, err := os.MkdirTemp("", "tingji-bench-")
	if err != nil {
		return fmt.Errorf("temporary folder: %s", cause(err))
	}
	defer os.RemoveAll(dir)
	s := newStack(a.log)
	defer s.Stop()
	b := *a
	b.config.Data, b.config.Kafka.Listen = dir, "127.0.0.1:0"
	broker, log, err := b.startBroker(ctx, s)
	if err != nil {
		return err
	}
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	plain := &kafkago.Writer{
		Addr: kafkago.TCP(broker.Addrs()...), Topic: kafka.TopicAudio, Transport: transport,
		RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond, BatchSize: sendBatch,
		Balancer: kafkago.BalancerFunc(func(kafkago.Message, ...int) int { return 1 }),
	}
	defer plain.Close()
	value := make([]byte, 2*capture.ChunkSamples)
	ours := func() error {
		records := make([]kafka.Record, sendBatch)
		for i := range records {
			records[i].Value = value
		}
		_, err := log.client.Produce(ctx, kafka.TopicAudio, 0, records)
		return err
	}
	theirs := func() error {
		messages := make([]kafkago.Message, sendBatch)
		for i := range messages {
			messages[i].Value = value
		}
		return plain.WriteMessages(ctx, messages...)
	}
	var took [2]time.Duration
	for round := range sendRounds {
		for i, send := range []func() error{ours, theirs} {
			began := time.Now()
			for range sendTurn {
				if err := send(); err != nil {
					return err
				}
			}
			if round > 0 { // connections are made in the first
				took[i] += time.Since(began)
			}
		}
		// What was sent would fill the broker; nobody reads it.
		for partition := range 2 {
			_, end, err := log.client.Offsets(ctx, kafka.TopicAudio, partition)
			if err != nil {
				return err
			}
			if err := broker.Trim(kafka.TopicAudio, partition, end); err != nil {
				return err
			}
		}
	}
	f["send_vs_plain_producer"] = took[0].Seconds() / took[1].Seconds()
	return nil
}
