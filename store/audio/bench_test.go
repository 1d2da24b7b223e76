package audio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tingji/capture"
	"tingji/store"
	"tingji/store/sqlite"
	"tingji/transcript"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		victim(dir) // never returns
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.DiscardHandler)

var opened = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// chunkSamples is the length of these tests' chunks, which the archive takes of any
// length: they count in quarters of a second.
const chunkSamples = capture.Rate / 4

// sound is sample i of a channel's epoch: never the same for two of them.
func sound(channel string, epoch uint64, i capture.SampleIndex) int16 {
	h := uint64(i)*0x9e3779b97f4a7c15 + epoch*0xbf58476d1ce4e5b9
	for _, b := range []byte(channel) {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return int16(h >> 40)
}

// chunk is chunk seq of a channel, which is the n-th (from 0) of its epoch.
func chunk(hearing, channel string, epoch, seq uint64, n int) capture.Chunk {
	c := capture.Chunk{Hearing: hearing, Channel: channel, Epoch: epoch, Seq: seq, First: capture.SampleIndex(n) * chunkSamples}
	c.CapturedAt = opened.Add(time.Duration(epoch-1) * time.Minute).Add(c.First.Duration())
	for i := range capture.SampleIndex(chunkSamples) {
		c.Samples = append(c.Samples, sound(channel, epoch, c.First+i))
	}
	return c
}

// chunks are the first n of a channel, in epoch 1.
func chunks(hearing, channel string, n int) []capture.Chunk {
	var list []capture.Chunk
	for i := range n {
		list = append(list, chunk(hearing, channel, 1, uint64(i+1), i))
	}
	return list
}

// fakeLog is audio.v1 in memory.
type fakeLog struct {
	mu      sync.Mutex
	parts   [][]Message
	grown   chan struct{} // closed, and made anew, when something changes
	broken  error         // reading fails with it
	aside   []string      // reason hearing/channel seq
	noAside error
}

func newFakeLog(partitions int) *fakeLog {
	return &fakeLog{parts: make([][]Message, partitions), grown: make(chan struct{})}
}

func (l *fakeLog) add(partition int, list ...capture.Chunk) {
	for _, c := range list {
		l.addMessage(partition, Message{Chunk: c})
	}
}

func (l *fakeLog) addMessage(partition int, m Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.Source = transcript.Source{Topic: Topic, Partition: partition, Offset: int64(len(l.parts[partition]))}
	l.parts[partition] = append(l.parts[partition], m)
	l.wake()
}

func (l *fakeLog) wake() {
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *fakeLog) breakWith(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
	l.wake()
}

func (l *fakeLog) Partitions() int { return len(l.parts) }

func (l *fakeLog) ReadChunks(ctx context.Context, partition int, from int64, handle func(context.Context, []Message) error) error {
	for {
		l.mu.Lock()
		part, grown, broken := l.parts[partition], l.grown, l.broken
		l.mu.Unlock()
		if broken != nil {
			return broken
		}
		if from > int64(len(part)) {
			from = 0
		}
		if batch := part[from:min(from+3, int64(len(part)))]; len(batch) > 0 {
			if err := handle(ctx, batch); err != nil {
				return err
			}
			from += int64(len(batch))
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *fakeLog) SetAside(_ context.Context, m Message, reason string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noAside != nil {
		return l.noAside
	}
	l.aside = append(l.aside, fmt.Sprintf("%s %d@%d", reason, m.Source.Partition, m.Source.Offset))
	return nil
}

func (l *fakeLog) refuseAside(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noAside = err
}

// fakeReceipts is receipts.v1 in memory.
type fakeReceipts struct {
	mu     sync.Mutex
	all    []capture.Receipt
	latest map[string]capture.Receipt
	fail   error
}

func (r *fakeReceipts) PublishReceipts(_ context.Context, list []capture.Receipt) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	for _, v := range list {
		r.all = append(r.all, v)
		if r.latest == nil {
			r.latest = map[string]capture.Receipt{}
		}
		r.latest[capture.Key(v.Hearing, v.Channel)] = v
	}
	return nil
}

func (r *fakeReceipts) failWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// forget makes the latest receipts unknown again.
func (r *fakeReceipts) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = nil
}

// count is how many receipts were published so far.
func (r *fakeReceipts) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

// bench is an archive with its surroundings, in a synctest bubble.
type bench struct {
	t        *testing.T
	dir      string
	db       *store.Store
	log      *fakeLog
	receipts *fakeReceipts
	archive  *Archive
	stop     func()
}

// inBubble runs a test on a running archive whose clock only moves when
// everything waits.
func inBubble(t *testing.T, test func(*testing.T, *bench)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, dir)
		b.start()
		test(t, b)
		b.stop()
	})
}

func newBench(t *testing.T, dir string) *bench {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "record.db"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &bench{t: t, dir: filepath.Join(dir, "audio"), db: db, log: newFakeLog(2), receipts: &fakeReceipts{}, stop: func() {}}
}

// start runs a new archive, as after a start of the program.
func (b *bench) start() {
	b.archive = NewArchive(b.dir, b.db, quiet)
	b.archive.partSize = 40 * chunkSamples
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- b.archive.Run(ctx, b.log, b.receipts) }()
	b.stop = func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("run: %v", err)
		}
		b.stop = func() {}
	}
}

// settle lets the archive flush.
func (b *bench) settle() { b.after(3 * flushEvery) }

// after lets some time pass, and the archive do what it has to.
func (b *bench) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// receipt checks the newest receipt of h1 and a channel.
func (b *bench) receipt(channel string, epoch, seq, want uint64) {
	b.t.Helper()
	b.receipts.mu.Lock()
	defer b.receipts.mu.Unlock()
	r := b.receipts.latest["h1/"+channel]
	if r.Epoch != epoch || r.Seq != seq || r.Want != want {
		b.t.Errorf("receipt of %s: epoch %d seq %d want %d; should be %d, %d, %d", channel, r.Epoch, r.Seq, r.Want, epoch, seq, want)
	}
}

// stored checks that exactly the first n chunks of a channel's epoch are in the
// archive, bit for bit.
func (b *bench) stored(channel string, epoch uint64, n int) {
	b.t.Helper()
	if err := checkStored(b.db, b.dir, "h1", channel, epoch, capture.SampleIndex(n)*chunkSamples); err != nil {
		b.t.Error(err)
	}
}

// checkStored reads the files of an epoch as the database describes them.
func checkStored(db *store.Store, dir, hearing, channel string, epoch uint64, want capture.SampleIndex) error {
	files, err := db.AudioFiles(context.Background(), hearing)
	if err != nil {
		return err
	}
	var at capture.SampleIndex
	for _, f := range files {
		if f.Channel != channel || f.Epoch != epoch {
			continue
		}
		if f.First != at {
			return fmt.Errorf("%s begins at sample %d, want %d", f.File, f.First, at)
		}
		content, err := os.Open(filepath.Join(dir, f.File))
		if err != nil {
			return err
		}
		samples := make([]int16, f.Samples)
		_, err = readSamples(content, 0, samples, nil)
		if err := errors.Join(err, content.Close()); err != nil {
			return fmt.Errorf("%s: %w", f.File, err)
		}
		for i, s := range samples {
			if s != sound(channel, epoch, at+capture.SampleIndex(i)) {
				return fmt.Errorf("%s: sample %d is not the one that was sent", f.File, i)
			}
		}
		at += f.Samples
	}
	if at != want {
		return fmt.Errorf("%s/%s epoch %d has %d samples, want %d", hearing, channel, epoch, at, want)
	}
	return nil
}

func (b *bench) alarms() string {
	codes := map[string]bool{}
	for _, a := range b.archive.Alarms() {
		codes[a.Code] = true
		if a.Text == "" || a.TextEN == "" || a.Since.IsZero() {
			b.t.Errorf("alarm without words or time: %+v", a)
		}
	}
	return fmt.Sprint(slices.Sorted(maps.Keys(codes)))
}

func (b *bench) alarmed(want string) {
	b.t.Helper()
	if got := b.alarms(); got != want {
		b.t.Errorf("alarms %s, want %s", got, want)
	}
}
