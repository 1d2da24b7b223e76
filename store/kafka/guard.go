package kafka

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The requests that the guard looks at.
const (
	keyProduce            = int16(kmsg.Produce)
	keyCreateTopics       = int16(kmsg.CreateTopics)
	keyDeleteRecords      = int16(kmsg.DeleteRecords)
	keyAlterConfigs       = int16(kmsg.AlterConfigs)
	keyIncrementalConfigs = int16(kmsg.IncrementalAlterConfigs)
)

// guard stands in front of kfake and keeps any client, ours or not, from what
// destroys its log. Its methods that look at requests run one at a time, while
// kfake waits: nothing is written meanwhile.
type guard struct {
	e        *Embedded
	warnings *kfakeLog
	capBytes int64
	compact  int64 // growth that starts a compaction

	mu      sync.Mutex
	audio   int64 // audio.v1 on disk, bytes
	refused int64 // produce requests since it is full
	grown   int64 // bytes since the last compaction
	kept    int64 // bytes of the compacted topics after it
	broken  error
	names   map[string]bool // the compacted topics, nil when to be read again
}

func (g *guard) init(e *Embedded, cfg EmbeddedConfig, warnings *kfakeLog) {
	g.e, g.warnings, g.capBytes, g.compact = e, warnings, cfg.CapBytes, cfg.CompactBytes
	if sizes, err := diskBytes(logDir(e.dir)); err == nil {
		g.audio = sizes[TopicAudio]
		for t, size := range sizes {
			if g.isCompacted(t) {
				g.grown += size
			}
		}
	}
	g.watch(keyProduce, g.onProduce)
	g.watch(keyCreateTopics, g.onSettings)
	g.watch(keyAlterConfigs, g.onSettings)
	g.watch(keyIncrementalConfigs, g.onSettings)
	g.watch(keyDeleteRecords, g.onDeleteRecords)
}

// watch calls fn for each request of a kind. kfake remembers the last request of
// each connection, body and all, for as long as a control function is registered,
// so each is registered anew from time to time.
func (g *guard) watch(key int16, fn func(kmsg.Request) (kmsg.Response, error)) {
	const renew = 256
	n := 0
	g.e.cluster.ControlKey(key, func(req kmsg.Request) (kmsg.Response, error, bool) {
		if n++; n == renew {
			g.e.cluster.DropControl()
			g.watch(key, fn)
		} else {
			g.e.cluster.KeepControl()
		}
		res, err := fn(req)
		return res, err, res != nil || err != nil
	})
}

func (g *guard) onProduce(r kmsg.Request) (kmsg.Response, error) {
	req := r.(*kmsg.ProduceRequest)
	var audio, compacted int64
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			switch {
			case t.Topic == TopicAudio:
				audio += int64(len(p.Records))
			case g.isCompacted(t.Topic):
				compacted += int64(len(p.Records))
			}
		}
	}
	if compacted > 0 {
		if err := g.err(); err != nil {
			return refuse(req, kafkago.KafkaStorageError, err.Error())
		}
		g.maybeCompact(compacted)
	}
	if audio > 0 {
		if why := g.full(audio); why != "" {
			return refuse(req, kafkago.ThrottlingQuotaExceeded, why)
		}
	}
	return nil, nil
}

// refuse answers a produce request with an error for each of its partitions.
func refuse(req *kmsg.ProduceRequest, code kafkago.Error, why string) (kmsg.Response, error) {
	if req.Acks == 0 {
		return nil, errors.New(why) // nobody waits for an answer: cut the connection
	}
	res := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range req.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition = p.Partition
			partition.ErrorCode = int16(code)
			partition.ErrorMessage = &why
			topic.Partitions = append(topic.Partitions, partition)
		}
		res.Topics = append(res.Topics, topic)
	}
	return res, nil
}

// full says why audio.v1 takes no more, or counts what it takes.
func (g *guard) full(n int64) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.audio+n > g.capBytes {
		if g.refused++; g.refused == 1 {
			g.e.log.Error("embedded kafka takes no more audio until some is stored and trimmed", "topic", TopicAudio, "bytes", g.audio, "cap", g.capBytes)
		}
		return fmt.Sprintf("the embedded broker holds %d MiB of %s and may hold %d: waiting until the record server has stored some",
			g.audio>>20, TopicAudio, g.capBytes>>20)
	}
	if g.refused > 0 {
		g.e.log.Info("embedded kafka takes audio again", "topic", TopicAudio, "refused", g.refused)
		g.refused = 0
	}
	g.audio += n
	return ""
}

// measure replaces the count of audio by what the disk says.
func (g *guard) measure() error {
	sizes, err := diskBytes(logDir(g.e.dir))
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.audio = sizes[TopicAudio]
	return nil
}

func (g *guard) err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.broken
}

// onSettings takes retention out of whatever a client asks for.
func (g *guard) onSettings(r kmsg.Request) (kmsg.Response, error) {
	allowed := func(topic, name string) bool {
		if !strings.HasPrefix(name, "retention.") && !strings.HasPrefix(name, "log.retention.") && name != "log.cleaner.backoff.ms" {
			return true
		}
		g.e.log.Warn("embedded kafka keeps no retention; setting ignored", "topic", topic, "setting", name)
		return false
	}
	g.mu.Lock()
	g.names = nil
	g.mu.Unlock()
	switch req := r.(type) {
	case *kmsg.CreateTopicsRequest:
		for i := range req.Topics {
			t := &req.Topics[i]
			t.Configs = keep(t.Configs, func(c kmsg.CreateTopicsRequestTopicConfig) bool { return allowed(t.Topic, c.Name) })
		}
	case *kmsg.AlterConfigsRequest:
		for i := range req.Resources {
			t := &req.Resources[i]
			t.Configs = keep(t.Configs, func(c kmsg.AlterConfigsRequestResourceConfig) bool { return allowed(t.ResourceName, c.Name) })
		}
	case *kmsg.IncrementalAlterConfigsRequest:
		for i := range req.Resources {
			t := &req.Resources[i]
			t.Configs = keep(t.Configs, func(c kmsg.IncrementalAlterConfigsRequestResourceConfig) bool {
				return allowed(t.ResourceName, c.Name)
			})
		}
	}
	return nil, nil
}

func keep[T any](in []T, ok func(T) bool) []T {
	out := in[:0]
	for _, v := range in {
		if ok(v) {
			out = append(out, v)
		}
	}
	return out
}

// onDeleteRecords leaves the last record, as [Embedded.Trim] does.
func (g *guard) onDeleteRecords(r kmsg.Request) (kmsg.Response, error) {
	req := r.(*kmsg.DeleteRecordsRequest)
	for i := range req.Topics {
		for j := range req.Topics[i].Partitions {
			p := &req.Topics[i].Partitions[j]
			info := g.e.cluster.PartitionInfo(req.Topics[i].Topic, p.Partition)
			if info != nil && info.HighWatermark > 0 && (p.Offset == -1 || p.Offset == info.HighWatermark) {
				p.Offset = max(info.HighWatermark-1, info.LogStartOffset)
			}
		}
	}
	return nil, nil
}

// isCompacted reads the list of topics again after one may have changed.
func (g *guard) isCompacted(topic string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.names == nil {
		names, err := compactedTopics(logDir(g.e.dir))
		if err != nil || names == nil {
			return false
		}
		g.names = names
	}
	return g.names[topic]
}

// kfakeLog passes on what kfake warns of: all of it is about data that was not
// written or not read. The same warning is said once a minute.
type kfakeLog struct {
	log interface {
		Error(msg string, args ...any)
	}
	mu    sync.Mutex
	count int64
	said  map[string]time.Time
}

func (l *kfakeLog) Logf(level kfake.LogLevel, format string, args ...any) {
	if level > kfake.LogLevelWarn {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	if now := time.Now(); now.Sub(l.said[format]) > time.Minute {
		if l.said == nil {
			l.said = make(map[string]time.Time)
		}
		l.said[format] = now
		l.log.Error("embedded kafka: "+fmt.Sprintf(format, args...), "warnings", l.count)
	}
}

func (l *kfakeLog) warnings() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}
