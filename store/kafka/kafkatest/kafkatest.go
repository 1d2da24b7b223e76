// Package kafkatest is the contract of the log as a test: what the rest of the
// program relies on, the same for the embedded broker and for Apache Kafka.
package kafkatest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tingji/store/kafka"
)

// Broker is a broker under test. Restart ends it as roughly as the backend can,
// and returns when it listens at the same addresses again, with its data.
type Broker interface {
	Addrs() []string
	Restart(t *testing.T)
}

// Run runs the contract against one broker. It writes to topics of its own.
func Run(t *testing.T, b Broker) {
	s := suite{b}
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"records come back as they were written", s.roundTrip},
		{"more than a request holds", s.large},
		{"a message that is too large", s.tooLarge},
		{"reader resumes", s.resume},
		{"reader waits longer than a fetch", s.idle},
		{"offset that is not there", s.outOfRange},
		{"ensure", s.ensure},
		{"table", s.table},
		{"group", s.group},
		{"member of a group dies", s.takeover},
		{"commit of an old generation", s.staleCommit},
		{"broker restarts", s.restart},
	} {
		t.Run(test.name, test.run)
	}
}

type suite struct{ b Broker }

const patience = time.Minute // never reached where things work

func (s suite) client(t *testing.T) (*kafka.Client, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	c, err := kafka.Dial(ctx, kafka.Config{Brokers: s.b.Addrs()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, ctx
}

func (s suite) topic(t *testing.T, ctx context.Context, c *kafka.Client, partitions int) string {
	t.Helper()
	name := "test." + rand.Text()
	if err := c.Ensure(ctx, kafka.Topic{Name: name, Partitions: partitions, Retention: time.Hour}); err != nil {
		t.Fatal(err)
	}
	return name
}

func produce(t *testing.T, ctx context.Context, c *kafka.Client, topic string, partition int, records ...kafka.Record) int64 {
	t.Helper()
	base, err := c.Produce(ctx, topic, partition, records)
	if err != nil {
		t.Fatal(err)
	}
	return base
}

func text(values ...string) []kafka.Record {
	var records []kafka.Record
	for _, v := range values {
		records = append(records, kafka.Record{Key: []byte("k"), Value: []byte(v)})
	}
	return records
}

// read gives the next n records.
func read(t *testing.T, ctx context.Context, r *kafka.Reader, n int) []kafka.Record {
	t.Helper()
	var got []kafka.Record
	for len(got) < n {
		records, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("after %d of %d records: %v", len(got), n, err)
		}
		got = append(got, records...)
	}
	if len(got) != n {
		t.Fatalf("read %d records, want %d", len(got), n)
	}
	return got
}

func (s suite) roundTrip(t *testing.T) {
	c, ctx := s.client(t)
	topic := s.topic(t, ctx, c, 3)
	at := time.UnixMilli(1_790_000_000_123).UTC()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	want := []kafka.Record{
		{Key: []byte("hearing/judge"), Value: every, Time: at, Headers: []kafka.Header{
			{Key: "v", Value: []byte("1")}, {Key: "hearing", Value: every}, {Key: "hearing", Value: []byte("twice")}, {Key: "empty", Value: []byte{}}, {Key: "庭", Value: []byte("审")},
		}},
		{Key: []byte("tombstone"), Value: nil, Time: at},
		{Key: []byte("empty"), Value: []byte{}, Time: at},
		{Key: nil, Value: []byte("no key"), Time: at},
	}
	if base := produce(t, ctx, c, topic, 2, want...); base != 0 {
		t.Fatalf("base offset %d, want 0", base)
	}
	if base := produce(t, ctx, c, topic, 2, text("more")...); base != 4 {
		t.Fatalf("base offset %d, want 4", base)
	}
	if base, err := c.Produce(ctx, topic, 2, nil); base != -1 || err != nil {
		t.Fatalf("nothing produced gives %d, %v", base, err)
	}
	for i, got := range read(t, ctx, c.Reader(topic, 2, kafka.First), 5)[:4] {
		w := want[i]
		if got.Topic != topic || got.Partition != 2 || got.Offset != int64(i) || !got.Time.Equal(w.Time) {
			t.Errorf("record %d is at %s/%d/%d, %v", i, got.Topic, got.Partition, got.Offset, got.Time)
		}
		if !bytes.Equal(got.Key, w.Key) || !bytes.Equal(got.Value, w.Value) || (got.Value == nil) != (w.Value == nil) {
			t.Errorf("record %d is %q: %q, want %q: %q", i, got.Key, got.Value, w.Key, w.Value)
		}
		if len(got.Headers) != len(w.Headers) {
			t.Fatalf("record %d has %d headers, want %d", i, len(got.Headers), len(w.Headers))
		}
		for j, h := range got.Headers {
			if h.Key != w.Headers[j].Key || !bytes.Equal(h.Value, w.Headers[j].Value) {
				t.Errorf("record %d header %d is %q: %q", i, j, h.Key, h.Value)
			}
		}
	}
}

func (s suite) large(t *testing.T) {
	c, ctx := s.client(t)
	topic := s.topic(t, ctx, c, 1)
	var records []kafka.Record
	for i := range 150 { // 2.4 MB, a request holds 1
		value := make([]byte, 16<<10)
		copy(value, strconv.Itoa(i))
		records = append(records, kafka.Record{Key: []byte("h/c"), Value: value})
	}
	records = append(records, kafka.Record{Value: make([]byte, 990_000)})
	produce(t, ctx, c, topic, 0, records...)
	for i, got := range read(t, ctx, c.Reader(topic, 0, kafka.First), len(records)) {
		if got.Offset != int64(i) || !bytes.Equal(got.Value, records[i].Value) {
			t.Fatalf("record %d is at %d, %.10q, %d bytes", i, got.Offset, got.Value, len(got.Value))
		}
	}
}

func (s suite) tooLarge(t *testing.T) {
	c, ctx := s.client(t)
	topic := s.topic(t, ctx, c, 1)
	huge := kafka.Record{Value: make([]byte, 2<<20)}
	_, err := c.Produce(ctx, topic, 0, []kafka.Record{text("a")[0], huge, text("b")[0]})
	if err == nil || kafka.Retryable(err) {
		t.Fatalf("two megabytes in one record: %v, want an error for good", err)
	}
	if got := read(t, ctx, c.Reader(topic, 0, kafka.First), 1)[0]; string(got.Value) != "a" {
		t.Errorf("before it came %q", got.Value)
	}
}

func (s suite) resume(t *testing.T) {
	c, ctx := s.client(t)
	topic := s.topic(t, ctx, c, 1)
	produce(t, ctx, c, topic, 0, text("0", "1", "2", "3")...)
	produce(t, ctx, c, topic, 0, text("4", "5")...)
	for from := range int64(6) { // in the middle of a batch too
		r := c.Reader(topic, 0, from)
		for _, got := range read(t, ctx, r, 6-int(from)) {
			if string(got.Value) != strconv.FormatInt(got.Offset, 10) || got.Offset < from {
				t.Errorf("from %d came %q at %d", from, got.Value, got.Offset)
			}
		}
		if r.Offset() != 6 || r.End() != 6 {
			t.Errorf("reader stands at %d of %d, want 6 of 6", r.Offset(), r.End())
		}
	}
	if first, next, err := c.Offsets(ctx, topic, 0); first != 0 || next != 6 || err != nil {
		t.Errorf("offsets %d to %d, %v", first, next, err)
	}
}

func (s suite) idle(t *testing.T) {
	t.Parallel() // it waits
	c, ctx := s.client(t)
	topic := s.topic(t, ctx, c, 1)
	r := c.Reader(topic, 0, kafka.First)
	got := make(chan string, 1)
	go func() {
		records, err := r.Next(ctx)
		got <- fmt.Sprint(len(records), err)
	}()
	time.Sleep(6 * time.Second) // the subject of the test: a fetch waits 5 s
	produce(t, ctx, c, topic, 0, text("at last")...)
	if g := <-got; g != "1 <nil>" {
		t.Error(g)
	}
	// A context that ends wakes a waiting reader at once.
	short, cancel := context.WithCancel(ctx)
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := r.Next(short); !errors.Is(err, context.Canceled) || kafka.Retryable(err) {
		t.Errorf("canceled: %v", err)
	}
}

func (s suite) outOfRange(t *testing.T) {
	c, ctx := s.client(t)
	topic := s.topic(t, ctx, c, 1)
	for range 5 {
		produce(t, ctx, c, topic, 0, text("a", "b")...)
	}
	deleteRecords(t, ctx, s.b.Addrs(), topic, 4)
	for _, from := range []int64{0, 3, 11, 1 << 40} {
		r := c.Reader(topic, 0, from)
		_, err := r.Next(ctx)
		var gone *kafka.OffsetError
		if !errors.As(err, &gone) || *gone != (kafka.OffsetError{Topic: topic, Requested: from, First: 4, Last: 10}) || kafka.Retryable(err) {
			t.Errorf("from %d: %v", from, err)
			continue
		}
		if r.Offset() != from {
			t.Errorf("the reader moved by itself to %d", r.Offset())
		}
		r.SeekTo(gone.First)
		read(t, ctx, r, 6)
	}
	read(t, ctx, c.Reader(topic, 0, kafka.First), 6)
}

// deleteRecords is what retention does to a topic, by another client: kafka-go
// has no such request.
func deleteRecords(t *testing.T, ctx context.Context, addrs []string, topic string, before int64) {
	t.Helper()
	admin, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 10_000
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Offset = before
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(ctx, admin)
	if err != nil {
		t.Fatal(err)
	}
	if err := kerr.ErrorForCode(res.Topics[0].Partitions[0].ErrorCode); err != nil {
		t.Fatal(err)
	}
}

func (s suite) ensure(t *testing.T) {
	c, ctx := s.client(t)
	name := "test." + rand.Text()
	want := []kafka.Topic{{Name: name, Partitions: 2, Retention: 7 * 24 * time.Hour}, {Name: name + ".compacted", Partitions: 1, Compacted: true}}
	for range 2 { // the second finds them
		if err := c.Ensure(ctx, want...); err != nil {
			t.Fatal(err)
		}
	}
	other, ctx := s.client(t) // knows nothing of them yet
	for _, wrong := range []kafka.Topic{
		{Name: name, Partitions: 3},
		{Name: name, Partitions: 2, Compacted: true},
	} {
		if err := other.Ensure(ctx, wrong); err == nil || kafka.Retryable(err) {
			t.Errorf("%+v: %v, want an error for good", wrong, err)
		}
	}
}

func (s suite) table(t *testing.T) {
	c, ctx := s.client(t)
	name := "test." + rand.Text()
	if err := c.Ensure(ctx, kafka.Topic{Name: name, Partitions: 1, Compacted: true}); err != nil {
		t.Fatal(err)
	}
	put := func(key string, value []byte) {
		t.Helper()
		produce(t, ctx, c, name, 0, kafka.Record{Key: []byte(key), Value: value})
	}
	start := func() chan string {
		changes := make(chan string, 100)
		table := c.Table(name, func(r kafka.Record) { changes <- fmt.Sprintf("%s=%s", r.Key, r.Value) })
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := table.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("table ended with %v", err)
			}
		})
		t.Cleanup(func() { cancel(); wg.Wait() })
		if err := table.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		return changes
	}

	changes := start()
	if n := len(changes); n != 0 {
		t.Errorf("%d rows in an empty table", n)
	}
	put("a", []byte("1"))
	put("b", []byte("1"))
	put("a", []byte("2"))
	put("b", nil)
	put("c", []byte{})
	for _, want := range []string{"a=1", "b=1", "a=2", "b=", "c="} {
		if got := <-changes; got != want {
			t.Fatalf("change %s, want %s", got, want)
		}
	}
	all := map[string]string{} // as one that comes later is told
	for late := start(); len(late) > 0; {
		key, value, _ := strings.Cut(<-late, "=")
		if all[key] = value; key == "b" && value == "" {
			delete(all, key)
		}
	}
	if a, ok := all["a"]; !ok || a != "2" || len(all) != 2 {
		t.Errorf("table is %v", all)
	}
}

// member joins a group and tells what it has.
type member struct {
	has    chan *kafka.Generation
	cancel context.CancelFunc
	done   chan error
}

func join(t *testing.T, ctx context.Context, c *kafka.Client, group, topic string) *member {
	ctx, cancel := context.WithCancel(ctx)
	m := &member{has: make(chan *kafka.Generation, 100), cancel: cancel, done: make(chan error, 1)}
	go func() {
		m.done <- c.Join(ctx, group, topic, func(ctx context.Context, g *kafka.Generation) error {
			m.has <- g
			<-ctx.Done()
			return nil
		})
		close(m.done)
	}()
	t.Cleanup(m.leave)
	return m
}

func (m *member) leave() {
	m.cancel()
	<-m.done
}

// until waits for a generation with n partitions.
func (m *member) until(t *testing.T, ctx context.Context, n int) *kafka.Generation {
	t.Helper()
	for {
		select {
		case g := <-m.has:
			if len(g.Partitions) == n {
				return g
			}
		case err := <-m.done:
			t.Fatalf("member ended: %v", err)
		case <-ctx.Done():
			t.Fatalf("no generation with %d partitions", n)
		}
	}
}

func (s suite) group(t *testing.T) {
	c, ctx := s.client(t)
	topic := s.topic(t, ctx, c, 4)
	group := "test." + rand.Text()
	one := join(t, ctx, c, group, topic)
	g := one.until(t, ctx, 4)
	for p, hint := range g.Hints {
		if hint != kafka.First {
			t.Errorf("partition %d begins at %d", p, hint)
		}
	}
	two := join(t, ctx, c, group, topic)
	a, b := one.until(t, ctx, 2), two.until(t, ctx, 2)
	owned := make(map[int]bool)
	for _, p := range append(a.Partitions, b.Partitions...) {
		owned[p] = true
	}
	if len(owned) != 4 {
		t.Errorf("two members own %v and %v", a.Partitions, b.Partitions)
	}
	if err := b.Commit(b.Partitions[0], 42); err != nil {
		t.Error(err)
	}
	two.leave()
	if g := one.until(t, ctx, 4); g.Hints[b.Partitions[0]] != 42 || g.Hints[b.Partitions[1]] != kafka.First {
		t.Errorf("after the other left: hints %v, want 42 for %d", g.Hints, b.Partitions[0])
	}

	// What work cannot do ends the membership.
	broken := errors.New("broken")
	if err := c.Join(ctx, "test."+rand.Text(), topic, func(context.Context, *kafka.Generation) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("join returned %v", err)
	}
}

// takeover is what happens when a worker is killed: nobody says goodbye.
func (s suite) takeover(t *testing.T) {
	t.Parallel() // it waits for a session to end
	c, ctx := s.client(t)
	topic := s.topic(t, ctx, c, 2)
	group := "test." + rand.Text()
	one := join(t, ctx, c, group, topic)
	one.until(t, ctx, 2)
	victim, _ := s.client(t)
	two := join(t, ctx, victim, group, topic)
	one.until(t, ctx, 1)
	two.until(t, ctx, 1)
	start := time.Now()
	victim.Close()
	if err := <-two.done; !errors.Is(err, kafka.ErrClosed) {
		t.Errorf("join returned %v", err)
	}
	one.until(t, ctx, 2)
	t.Logf("after %v", time.Since(start).Round(100*time.Millisecond))
}

func (s suite) staleCommit(t *testing.T) {
	c, ctx := s.client(t)
	topic := s.topic(t, ctx, c, 1)
	group := "test." + rand.Text()
	first := join(t, ctx, c, group, topic)
	old := first.until(t, ctx, 1)
	if err := old.Commit(0, 10); err != nil {
		t.Fatal(err)
	}
	first.leave()
	second := join(t, ctx, c, group, topic)
	if g := second.until(t, ctx, 1); g.Hints[0] != 10 {
		t.Fatalf("hint %d, want 10", g.Hints[0])
	} else if err := g.Commit(0, 20); err != nil {
		t.Fatal(err)
	}
	if err := old.Commit(0, 5); err == nil {
		t.Error("a commit of a generation that is over was accepted")
	}
	second.leave()
	third := join(t, ctx, c, group, topic)
	if g := third.until(t, ctx, 1); g.Hints[0] != 20 {
		t.Errorf("hint %d, want 20: the successor was rewound", g.Hints[0])
	}
}

// restart ends the broker under a producer, a reader, a table and a group.
func (s suite) restart(t *testing.T) {
	c, ctx := s.client(t)
	topic := s.topic(t, ctx, c, 1)
	compacted := "test." + rand.Text()
	if err := c.Ensure(ctx, kafka.Topic{Name: compacted, Partitions: 1, Compacted: true}); err != nil {
		t.Fatal(err)
	}
	rows := make(chan string, 1000)
	table := c.Table(compacted, func(r kafka.Record) { rows <- string(r.Value) })
	tableCtx, stopTable := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { table.Run(tableCtx) })
	defer wg.Wait()
	defer stopTable()
	if err := table.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	m := join(t, ctx, c, "test."+rand.Text(), topic)
	m.until(t, ctx, 1)

	const n = 200
	half := make(chan struct{})
	sent := make(chan error, 1)
	go func() {
		for i := range n {
			if i == n/4 {
				close(half)
			}
			if _, err := c.Produce(ctx, topic, 0, text(strconv.Itoa(i))); err != nil {
				sent <- err
				return
			}
			time.Sleep(2 * time.Millisecond) // so that the broker ends among them
		}
		_, err := c.Produce(ctx, compacted, 0, []kafka.Record{{Key: []byte("k"), Value: []byte("after")}})
		sent <- err
	}()
	<-half
	s.b.Restart(t)

	r := c.Reader(topic, 0, kafka.First)
	last := -1
	for last < n-1 {
		records, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range records {
			i, err := strconv.Atoi(string(rec.Value))
			if err != nil || string(rec.Key) != "k" {
				t.Fatalf("offset %d holds %q: %q", rec.Offset, rec.Key, rec.Value)
			}
			// Doubled is allowed, lost and out of order are not.
			if i > last+1 {
				t.Fatalf("offset %d holds %d after %d", rec.Offset, i, last)
			}
			last = max(last, i)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	for row := ""; row != "after"; {
		select {
		case row = <-rows:
		case <-ctx.Done():
			t.Fatal("the table did not go on")
		}
	}
	g := m.until(t, ctx, 1)
	if err := g.Commit(0, 7); err != nil {
		// It may have been the generation before the end; the next one counts.
		if err := m.until(t, ctx, 1).Commit(0, 7); err != nil {
			t.Error(err)
		}
	}
}
