package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tingji/store/kafka"
)

// dial gives a client of an embedded broker with the topics of the product.
func dial(t *testing.T, e *kafka.Embedded) (*kafka.Client, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c, err := kafka.Dial(ctx, kafka.Config{Brokers: e.Addrs()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Ensure(ctx, kafka.Topics(2)...); err != nil {
		t.Fatal(err)
	}
	return c, ctx
}

func put(t *testing.T, ctx context.Context, c *kafka.Client, topic string, partition int, key string, value []byte) int64 {
	t.Helper()
	base, err := c.Produce(ctx, topic, partition, []kafka.Record{{Key: []byte(key), Value: value}})
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// all reads a partition from its first record to its end.
func all(t *testing.T, ctx context.Context, c *kafka.Client, topic string, partition int) []kafka.Record {
	t.Helper()
	first, next, err := c.Offsets(ctx, topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Reader(topic, partition, first)
	var got []kafka.Record
	for r.Offset() < next {
		records, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, records...)
	}
	return got
}

// buffer is a log that a test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) count(s string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.b.String(), s)
}

func (b *buffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func TestFolderIsLocked(t *testing.T) {
	dir := t.TempDir()
	e := embedded(t, kafka.EmbeddedConfig{Dir: dir})
	_, err := kafka.StartEmbedded(t.Context(), kafka.EmbeddedConfig{Dir: dir, Log: slog.Default()})
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("second broker in %s: %v, want the folder and the process", dir, err)
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := e.Trim(kafka.TopicAudio, 0, 1); !errors.Is(err, kafka.ErrClosed) {
		t.Errorf("trim after close: %v", err)
	}
	embedded(t, kafka.EmbeddedConfig{Dir: dir})
}

func TestEmbeddedAddress(t *testing.T) {
	e := embedded(t, kafka.EmbeddedConfig{})
	dir := t.TempDir()
	for addr, want := range map[string]string{
		e.Addrs()[0]:   "is taken by another program",
		"0.0.0.0:0":    "want host:port that clients can connect to",
		":9092":        "want host:port that clients can connect to",
		"127.0.0.1":    "want host:port that clients can connect to",
		"192.0.2.1:99": "bind",
	} {
		_, err := kafka.StartEmbedded(t.Context(), kafka.EmbeddedConfig{Dir: dir, Addr: addr, Log: slog.Default()})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("address %s: %v, want one line with %q", addr, err, want)
		}
	}
	embedded(t, kafka.EmbeddedConfig{Dir: dir}) // a failed start has let go of the folder
}

// On another port the broker must name that one to its clients, not the old one.
func TestRestartOnAnotherPort(t *testing.T) {
	dir := t.TempDir()
	e := embedded(t, kafka.EmbeddedConfig{Dir: dir})
	c, ctx := dial(t, e)
	put(t, ctx, c, kafka.TopicAudio, 1, "h/c", []byte("before"))
	c.Close()
	e.Close()
	again := embedded(t, kafka.EmbeddedConfig{Dir: dir})
	if again.Addrs()[0] == e.Addrs()[0] {
		t.Skip("the system gave the same port again")
	}
	c, ctx = dial(t, again)
	if offset := put(t, ctx, c, kafka.TopicAudio, 1, "h/c", []byte("after")); offset != 1 {
		t.Errorf("offset %d, want 1", offset)
	}
	if got := all(t, ctx, c, kafka.TopicAudio, 1); len(got) != 2 || string(got[0].Value) != "before" {
		t.Errorf("read %v", got)
	}
}

// An emptied partition would begin at offset 0 after a restart, behind the offset
// that its group has committed, and nobody would be given what is written then.
func TestTrimLeavesTheLastRecord(t *testing.T) {
	ways := map[string]func(*testing.T, context.Context, *kafka.Embedded){
		"trim": func(t *testing.T, ctx context.Context, e *kafka.Embedded) {
			if err := e.Trim(kafka.TopicAudio, 0, 1<<40); err != nil {
				t.Fatal(err)
			}
		},
		"another client": func(t *testing.T, ctx context.Context, e *kafka.Embedded) {
			req := kmsg.NewPtrDeleteRecordsRequest()
			topic := kmsg.NewDeleteRecordsRequestTopic()
			topic.Topic = kafka.TopicAudio
			partition := kmsg.NewDeleteRecordsRequestTopicPartition()
			partition.Offset = -1
			topic.Partitions = append(topic.Partitions, partition)
			req.Topics = append(req.Topics, topic)
			other(t, ctx, e, req)
		},
	}
	for name, trim := range ways {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := embedded(t, kafka.EmbeddedConfig{Dir: dir})
			c, ctx := dial(t, e)
			for i := range 10 {
				put(t, ctx, c, kafka.TopicAudio, 0, "h/c", []byte(strconv.Itoa(i)))
			}
			commit(t, ctx, c, 10)
			trim(t, ctx, e)
			if got := all(t, ctx, c, kafka.TopicAudio, 0); len(got) != 1 || got[0].Offset != 9 {
				t.Fatalf("after trimming everything: %v, want the last record", got)
			}
			c.Close()
			e.Close()

			e = embedded(t, kafka.EmbeddedConfig{Dir: dir})
			c, ctx = dial(t, e)
			if offset := put(t, ctx, c, kafka.TopicAudio, 0, "h/c", []byte("new")); offset != 10 {
				t.Fatalf("after a restart offset %d, want 10", offset)
			}
			var got string
			done := errors.New("done")
			err := c.Join(ctx, "workers", kafka.TopicAudio, func(ctx context.Context, g *kafka.Generation) error {
				records, err := c.Reader(kafka.TopicAudio, 0, g.Hints[0]).Next(ctx)
				if err != nil {
					return err
				}
				got = string(records[0].Value)
				return done
			})
			if !errors.Is(err, done) || got != "new" {
				t.Errorf("the group was given %q, %v", got, err)
			}
		})
	}
}

func commit(t *testing.T, ctx context.Context, c *kafka.Client, next int64) {
	t.Helper()
	done := errors.New("done")
	err := c.Join(ctx, "workers", kafka.TopicAudio, func(_ context.Context, g *kafka.Generation) error {
		return errors.Join(done, g.Commit(0, next))
	})
	if err != done && err.Error() != done.Error() {
		t.Fatal(err)
	}
}

// other sends a request as any administrator's tool would.
func other(t *testing.T, ctx context.Context, e *kafka.Embedded, req kmsg.Request) kmsg.Response {
	t.Helper()
	admin, err := kgo.NewClient(kgo.SeedBrokers(e.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	res, err := admin.Request(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestNobodySetsARetention(t *testing.T) {
	var logged buffer
	e := embedded(t, kafka.EmbeddedConfig{Log: logged.logger()})
	c, ctx := dial(t, e)
	const old = "old.v1"
	if err := c.Ensure(ctx, kafka.Topic{Name: old, Partitions: 1, Retention: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	value := "1"
	name := kmsg.StringPtr(value)
	create := kmsg.NewPtrCreateTopicsRequest()
	ct := kmsg.NewCreateTopicsRequestTopic()
	ct.Topic, ct.NumPartitions, ct.ReplicationFactor = "created.v1", 1, 1
	for _, setting := range []string{"retention.ms", "retention.bytes", "max.message.bytes"} {
		cc := kmsg.NewCreateTopicsRequestTopicConfig()
		cc.Name, cc.Value = setting, name
		if setting == "max.message.bytes" {
			cc.Value = kmsg.StringPtr("1000")
		}
		ct.Configs = append(ct.Configs, cc)
	}
	create.Topics = append(create.Topics, ct)
	other(t, ctx, e, create)

	alter := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for _, topic := range []string{kafka.TopicAudio, kafka.TopicHearings} {
		ar := kmsg.NewIncrementalAlterConfigsRequestResource()
		ar.ResourceType, ar.ResourceName = kmsg.ConfigResourceTypeTopic, topic
		ac := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		ac.Name, ac.Value = "retention.ms", name
		ar.Configs = append(ar.Configs, ac)
		alter.Resources = append(alter.Resources, ar)
	}
	other(t, ctx, e, alter)

	describe := kmsg.NewPtrDescribeConfigsRequest()
	for _, topic := range []string{old, "created.v1", kafka.TopicAudio, kafka.TopicHearings} {
		dr := kmsg.NewDescribeConfigsRequestResource()
		dr.ResourceType, dr.ResourceName = kmsg.ConfigResourceTypeTopic, topic
		describe.Resources = append(describe.Resources, dr)
	}
	kept := false
	for _, r := range other(t, ctx, e, describe).(*kmsg.DescribeConfigsResponse).Resources {
		for _, cfg := range r.Configs {
			if cfg.Source != kmsg.ConfigSourceDynamicTopicConfig {
				continue
			}
			if strings.HasPrefix(cfg.Name, "retention.") {
				t.Errorf("%s has %s=%s", r.ResourceName, cfg.Name, *cfg.Value)
			}
			kept = kept || r.ResourceName == "created.v1" && cfg.Name == "max.message.bytes" && *cfg.Value == "1000"
		}
	}
	if !kept {
		t.Error("a harmless setting was lost")
	}
	if n := logged.count("setting ignored"); n != 4 {
		t.Errorf("%d warnings, want 4", n)
	}
}

func TestCap(t *testing.T) {
	var logged buffer
	const capBytes = 2 << 20
	e := embedded(t, kafka.EmbeddedConfig{CapBytes: capBytes, Log: logged.logger()})
	c, ctx := dial(t, e)
	chunk := make([]byte, 64<<10)
	var last int64
	full := false
	for range 100 {
		short, cancel := context.WithTimeout(ctx, 3*time.Second)
		offset, err := c.Produce(short, kafka.TopicAudio, 0, []kafka.Record{{Value: chunk}})
		cancel()
		if err != nil {
			if !kafka.Retryable(err) || !strings.Contains(err.Error(), "may hold 2") {
				t.Fatalf("full: %v", err)
			}
			full = true
			break
		}
		last = offset
	}
	size, err := e.Size()
	if err != nil || !full || size[kafka.TopicAudio] > capBytes || size[kafka.TopicAudio] < capBytes/2 {
		t.Fatalf("full %v at %d bytes, %v", full, size[kafka.TopicAudio], err)
	}
	if since, why, ok := c.Outage(); !ok || since.IsZero() || !strings.Contains(fmt.Sprint(why), "may hold 2") {
		t.Errorf("outage %v %v", why, ok)
	}
	put(t, ctx, c, kafka.TopicSegments, 0, "h/c", chunk) // others go on

	sent := make(chan error, 1)
	go func() {
		_, err := c.Produce(ctx, kafka.TopicAudio, 0, []kafka.Record{{Value: chunk}})
		sent <- err
	}()
	if err := e.Trim(kafka.TopicAudio, 0, last); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Errorf("after trimming: %v", err)
	}
	if _, _, ok := c.Outage(); ok {
		t.Error("the outage has not ended")
	}
	if n := logged.count("no more audio"); n != 1 {
		t.Errorf("said %d times that it is full", n)
	}
	if n := logged.count("takes audio again"); n != 1 {
		t.Errorf("said %d times that it takes audio again", n)
	}
}

func segments(t *testing.T, dir, topic string, partition int) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "log", "partitions", fmt.Sprintf("%s-%d", topic, partition), "*.dat"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no segment of %s/%d: %v", topic, partition, err)
	}
	return files
}

func TestCompaction(t *testing.T) {
	dir := t.TempDir()
	cfg := kafka.EmbeddedConfig{Dir: dir, CompactBytes: 20_000}
	e := embedded(t, cfg)
	c, ctx := dial(t, e)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var nine atomic.Value // what the table has told of h/9
	table := c.Table(kafka.TopicReceipts, func(r kafka.Record) {
		if string(r.Key) == "h/9" {
			nine.Store(string(r.Value))
		}
	})
	var wg sync.WaitGroup
	wg.Go(func() { table.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	put(t, ctx, c, kafka.TopicHearings, 0, "h1", []byte("open"))
	// kfake applies a retention of seven days to every topic when it compacts.
	if _, err := c.Produce(ctx, kafka.TopicAudio, 0, []kafka.Record{{Value: []byte("old"), Time: time.Now().AddDate(-1, 0, 0)}}); err != nil {
		t.Fatal(err)
	}
	const n = 1000
	for i := range n {
		put(t, ctx, c, kafka.TopicReceipts, 0, fmt.Sprintf("h/%d", i%10), []byte(strconv.Itoa(i)))
	}
	check := func(when string) {
		t.Helper()
		got := all(t, ctx, c, kafka.TopicReceipts, 0)
		if len(got) >= n/2 {
			t.Errorf("%s: %d of %d records are left", when, len(got), n)
		}
		latest := make(map[string]string)
		for _, r := range got {
			latest[string(r.Key)] = string(r.Value)
		}
		for i := n - 10; i < n; i++ {
			if v := latest[fmt.Sprintf("h/%d", i%10)]; v != strconv.Itoa(i) {
				t.Errorf("%s: h/%d is %s, want %d", when, i%10, v, i)
			}
		}
		for _, topic := range []string{kafka.TopicHearings, kafka.TopicAudio} {
			if got := all(t, ctx, c, topic, 0); len(got) != 1 {
				t.Errorf("%s: %s holds %v", when, topic, got)
			}
		}
		if offset := put(t, ctx, c, kafka.TopicDead, 0, "", []byte(when)); offset < 0 {
			t.Errorf("offset %d", offset)
		}
	}
	check("after compaction")
	for _, left := range []string{"compacting", "compacting.tmp", "compacting.done"} {
		if _, err := os.Stat(filepath.Join(dir, left)); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", left, err)
		}
	}
	if err := e.Err(); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if nine.Load() == strconv.Itoa(n-1) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the table did not follow")
		}
	}
	c.Close()
	e.Close()
	e = embedded(t, cfg)
	c, ctx = dial(t, e)
	check("after a restart")
	if offset := put(t, ctx, c, kafka.TopicReceipts, 0, "h/0", []byte("next")); offset != n {
		t.Errorf("offset %d after compaction and restart, want %d", offset, n)
	}
}

// Wherever a compaction was killed, nothing is missing after the next start.
func TestInterruptedCompaction(t *testing.T) {
	for name, interrupt := range map[string]func(t *testing.T, dir, partition string){
		"links half made": func(t *testing.T, dir, partition string) {
			must(t, os.MkdirAll(filepath.Join(dir, "compacting.tmp", filepath.Base(partition)), 0o755))
		},
		"old files removed": func(t *testing.T, dir, partition string) {
			aside := filepath.Join(dir, "compacting", filepath.Base(partition))
			must(t, os.MkdirAll(filepath.Dir(aside), 0o755))
			must(t, os.Rename(partition, aside))
			must(t, os.MkdirAll(partition, 0o755))
			must(t, os.WriteFile(filepath.Join(partition, "0.dat"), []byte("half a new segment"), 0o644))
		},
		"being undone": func(t *testing.T, dir, partition string) {
			must(t, os.MkdirAll(filepath.Join(dir, "compacting"), 0o755))
		},
		"done but not cleaned up": func(t *testing.T, dir, partition string) {
			must(t, os.MkdirAll(filepath.Join(dir, "compacting.done", filepath.Base(partition)), 0o755))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := embedded(t, kafka.EmbeddedConfig{Dir: dir})
			c, ctx := dial(t, e)
			for i := range 20 {
				put(t, ctx, c, kafka.TopicReceipts, 0, strconv.Itoa(i%3), []byte(strconv.Itoa(i)))
			}
			c.Close()
			e.Close()
			interrupt(t, dir, filepath.Dir(segments(t, dir, kafka.TopicReceipts, 0)[0]))
			e = embedded(t, kafka.EmbeddedConfig{Dir: dir})
			c, ctx = dial(t, e)
			if got := all(t, ctx, c, kafka.TopicReceipts, 0); len(got) != 20 {
				t.Errorf("%d records, want 20", len(got))
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "compacting*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if r := e.Report(); len(r.Damaged) > 0 {
				t.Errorf("report %+v", r)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamage(t *testing.T) {
	tests := map[string]struct {
		change func(raw []byte) []byte
		lost   []int // values
		torn   bool
	}{
		"a byte flipped in the middle": {func(raw []byte) []byte { raw[len(raw)/2] ^= 1; return raw }, []int{10}, false},
		"a length destroyed":           {func(raw []byte) []byte { raw[len(raw)/20*3+8] ^= 0xff; return raw }, []int{3}, false},
		"the first byte":               {func(raw []byte) []byte { raw[0] ^= 0x80; return raw }, []int{0}, false},
		"two places":                   {func(raw []byte) []byte { raw[100] ^= 1; raw[len(raw)-1] ^= 1; return raw }, []int{0, 19}, false},
		"a write cut off":              {func(raw []byte) []byte { return raw[:len(raw)-10] }, []int{19}, true},
		"zeros at the end":             {func(raw []byte) []byte { return append(raw, make([]byte, 5)...) }, nil, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := embedded(t, kafka.EmbeddedConfig{Dir: dir})
			c, ctx := dial(t, e)
			for i := range 20 {
				put(t, ctx, c, kafka.TopicAudio, 0, "h/c", append([]byte(strconv.Itoa(i)+":"), make([]byte, 1000)...))
			}
			c.Close()
			e.Close()
			path := segments(t, dir, kafka.TopicAudio, 0)[0]
			raw, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, tt.change(raw), 0o644))

			var logged buffer
			e = embedded(t, kafka.EmbeddedConfig{Dir: dir, Log: logged.logger()})
			c, ctx = dial(t, e)
			left := make(map[int]bool)
			for _, r := range all(t, ctx, c, kafka.TopicAudio, 0) {
				v, _, _ := strings.Cut(string(r.Value), ":")
				n, err := strconv.Atoi(v)
				must(t, err)
				if int64(n) != r.Offset {
					t.Errorf("%d is at offset %d", n, r.Offset)
				}
				left[n] = true
			}
			for _, n := range tt.lost {
				if left[n] {
					t.Errorf("%d is there", n)
				}
			}
			if len(left) != 20-len(tt.lost) {
				t.Errorf("%d records are left, want %d", len(left), 20-len(tt.lost))
			}
			report := e.Report()
			if tt.torn {
				if len(report.Damaged) != 0 || report.Torn == 0 || logged.count("level=ERROR") != 0 {
					t.Errorf("report %+v", report)
				}
				return
			}
			if len(report.Damaged) != len(tt.lost) || logged.count("kafka log was damaged") != len(tt.lost) || logged.count("level=ERROR") != len(tt.lost) {
				t.Fatalf("report %+v, %s", report, logged.b.String())
			}
			for i, d := range report.Damaged {
				if d.Topic != kafka.TopicAudio || d.Partition != 0 || d.From != int64(tt.lost[i]) || d.To != d.From+1 && d.To != -1 {
					t.Errorf("damage %+v", d)
				}
				if saved, err := os.ReadFile(d.Copy); err != nil || !bytes.Equal(saved, raw) {
					t.Errorf("copy %s: %v", d.Copy, err)
				}
			}
		})
	}
}
