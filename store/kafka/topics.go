package kafka

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// The topics. A change that an old reader would misread is a new topic.
const (
	TopicAudio     = "audio.v1"     // chunks of sound, partitioned by courtroom
	TopicSegments  = "segments.v1"  // what the workers heard, partitioned as the audio
	TopicPositions = "positions.v1" // how far the store is, per channel
	TopicHearings  = "hearings.v1"  // the state of each hearing
	TopicReceipts  = "receipts.v1"  // what the store has archived, per channel
	TopicStatus    = "status.v1"    // how each component is
	TopicDead      = "dead.v1"      // what could not be read, and why
)

// DefaultPartitions is the number of partitions of audio.v1 and segments.v1
// where the configuration names none. It must not change while a hearing is
// open: a courtroom would move to another partition and lose its order.
const DefaultPartitions = 16

const day = 24 * time.Hour

// Topic says how a topic is created.
type Topic struct {
	Name       string
	Partitions int
	// Compacted topics keep the last record of each key for ever.
	Compacted bool
	// Retention is how long a real broker keeps a record of a topic that is not
	// compacted; 0 is for ever. The embedded broker ignores it, see [Client.Ensure].
	Retention time.Duration
}

// Topics are the topics of the product, with the given number of partitions for
// audio.v1 and segments.v1. The others have one, so that all their records have
// one order.
func Topics(partitions int) []Topic {
	return []Topic{
		{Name: TopicAudio, Partitions: partitions, Retention: 7 * day},
		{Name: TopicSegments, Partitions: partitions, Retention: 30 * day},
		{Name: TopicPositions, Partitions: 1, Compacted: true},
		{Name: TopicHearings, Partitions: 1, Compacted: true},
		{Name: TopicReceipts, Partitions: 1, Compacted: true},
		{Name: TopicStatus, Partitions: 1, Compacted: true},
		{Name: TopicDead, Partitions: 1, Retention: 30 * day},
	}
}

// Partitions says which partition of audio.v1 and segments.v1 a courtroom has:
// one worker hears all microphones of a room, in order. Safe for use by several
// goroutines as long as nobody changes Rooms.
type Partitions struct {
	Count int            // 1 or more
	Rooms map[string]int // courtroom id → partition, 0 to Count-1
}

// Validate reports a table that cannot be used.
func (p Partitions) Validate() error {
	if p.Count < 1 {
		return fmt.Errorf("partitions: %d, want at least 1", p.Count)
	}
	for _, room := range slices.Sorted(maps.Keys(p.Rooms)) {
		if n := p.Rooms[room]; n < 0 || n >= p.Count {
			return fmt.Errorf("partitions: courtroom %s has partition %d, want 0 to %d", room, n, p.Count-1)
		}
	}
	return nil
}

// Of is the partition of a courtroom: from the table, else by FNV-1a of its id,
// which is the same in every process and release.
func (p Partitions) Of(courtroom string) int {
	if n, ok := p.Rooms[courtroom]; ok {
		return n
	}
	h := fnv.New32a()
	h.Write([]byte(courtroom))
	return int(h.Sum32() % uint32(p.Count))
}

// Ensure creates the topics that are missing and checks those that exist: one
// with another number of partitions, or one that should be compacted and is not,
// is an error and is left as it is. It retries until ctx ends while the broker
// cannot be reached.
//
// On a cluster each topic gets [Config].Replication copies. On the embedded
// broker it never sets a retention: one that empties a partition lets its
// offsets begin at 0 again after a restart, while groups and positions stay
// where they were, and what is written then is never delivered.
func (c *Client) Ensure(ctx context.Context, topics ...Topic) error {
	err := c.retry(ctx, "ensure topics", func(ctx context.Context) error {
		return c.ensure(ctx, topics)
	})
	if err != nil {
		return fmt.Errorf("kafka: ensure topics: %w", err)
	}
	return nil
}

// Check finds the same as [Client.Ensure] and creates nothing: missing are the
// topics that are not there, or that this user may not see.
func (c *Client) Check(ctx context.Context, topics ...Topic) (missing []Topic, err error) {
	cluster, err := c.metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("kafka: check topics: %w", err)
	}
	if missing, err = c.compare(ctx, cluster, topics); err != nil {
		return missing, fmt.Errorf("kafka: check topics: %w", err)
	}
	return missing, nil
}

// compare holds the topics that are there to what they should be.
func (c *Client) compare(ctx context.Context, cluster *kafkago.MetadataResponse, topics []Topic) (missing []Topic, err error) {
	existing := make(map[string]int)
	for _, t := range cluster.Topics {
		if t.Error == nil {
			existing[t.Name] = len(t.Partitions)
		}
	}
	var compacted []string
	for _, t := range topics {
		n, ok := existing[t.Name]
		switch {
		case !ok:
			missing = append(missing, t)
		case n != t.Partitions:
			return nil, permanent(wrongPartitions(t, n))
		case t.Compacted:
			compacted = append(compacted, t.Name)
		}
	}
	return missing, c.checkCompacted(ctx, compacted)
}

// wrongPartitions says what to do about a topic that has n. Only those of a
// courtroom's sound and words have as many as the configuration says.
func wrongPartitions(t Topic, n int) error {
	if t.Name != TopicAudio && t.Name != TopicSegments {
		return fmt.Errorf("topic %s has %d partitions, want %d: make it anew, or use another cluster", t.Name, n, t.Partitions)
	}
	return fmt.Errorf("topic %s has %d partitions, want %d: set kafka.partitions to %d, or use another cluster", t.Name, n, t.Partitions, n)
}

func (c *Client) ensure(ctx context.Context, topics []Topic) error {
	cluster, err := c.metadata(ctx)
	if err != nil {
		return err
	}
	missing, err := c.compare(ctx, cluster, topics)
	if err != nil || len(missing) == 0 {
		return err
	}
	create := make([]kafkago.TopicConfig, len(missing))
	for i, t := range missing {
		create[i] = c.topicConfig(t, cluster.ClusterID == embeddedClusterID, len(cluster.Brokers))
	}
	res, err := c.api.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: create})
	if err != nil {
		return err
	}
	for _, t := range missing {
		// Another process may have been faster; the next run checks what it made.
		if err := res.Errors[t.Name]; errors.Is(err, kafkago.TopicAlreadyExists) {
			return fmt.Errorf("topic %s was created by another process just now", t.Name)
		} else if err != nil {
			return fmt.Errorf("create topic %s: %w", t.Name, err)
		}
	}
	return nil
}

func (c *Client) topicConfig(t Topic, embedded bool, brokers int) kafkago.TopicConfig {
	cfg := kafkago.TopicConfig{Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: c.replication}
	if cfg.ReplicationFactor == 0 {
		cfg.ReplicationFactor = min(3, brokers)
	}
	set := func(name, value string) {
		cfg.ConfigEntries = append(cfg.ConfigEntries, kafkago.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	if t.Compacted {
		set("cleanup.policy", "compact")
	}
	if embedded {
		return cfg
	}
	// By the clock of the broker: Apache Kafka deletes at once what a courtroom PC
	// with an empty battery dated to 1970, and refuses what one dated to tomorrow.
	set("message.timestamp.type", "LogAppendTime")
	if !t.Compacted {
		retention := int64(-1)
		if t.Retention > 0 {
			retention = t.Retention.Milliseconds()
		}
		set("retention.ms", strconv.FormatInt(retention, 10))
	}
	if cfg.ReplicationFactor >= 3 {
		// What is acknowledged is on two machines.
		set("min.insync.replicas", "2")
	}
	return cfg
}

func (c *Client) checkCompacted(ctx context.Context, topics []string) error {
	if len(topics) == 0 {
		return nil
	}
	req := &kafkago.DescribeConfigsRequest{}
	for _, t := range topics {
		req.Resources = append(req.Resources, kafkago.DescribeConfigRequestResource{
			ResourceType: kafkago.ResourceTypeTopic, ResourceName: t, ConfigNames: []string{"cleanup.policy"},
		})
	}
	res, err := c.api.DescribeConfigs(ctx, req)
	if err != nil {
		return err
	}
	for _, r := range res.Resources {
		if r.Error != nil {
			// A client may be allowed to use topics without being allowed to look
			// at their settings.
			if errors.Is(r.Error, kafkago.TopicAuthorizationFailed) {
				continue
			}
			return fmt.Errorf("settings of topic %s: %w", r.ResourceName, r.Error)
		}
		for _, e := range r.ConfigEntries {
			if e.ConfigName == "cleanup.policy" && !strings.Contains(e.ConfigValue, "compact") {
				return permanent(fmt.Errorf("topic %s has cleanup.policy=%s, want compact: the broker would forget it after a while", r.ResourceName, e.ConfigValue))
			}
		}
	}
	return nil
}
