package audio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tingji/capture"
	"tingji/store"
	"tingji/transcript"
)

// Topic is where the courtrooms publish chunks.
const Topic = "audio.v1"

// Message is one message of the log, or what could not be read of it.
type Message struct {
	Source transcript.Source
	Chunk  capture.Chunk
	Raw    capture.Message // as it came; needed where Err is set
	Err    error           // why Chunk could not be read; nil where it could
}

// Log is where chunks come from.
type Log interface {
	Partitions() int
	// ReadChunks hands the messages of a partition from offset from on to
	// handle, in order, in batches that may be as small as one message, and
	// waits for more. An offset that the log does not have any more, or not
	// yet, means its start: what is stored already is dropped by its number. It
	// returns when ctx ends, when handle fails, or when the log does.
	ReadChunks(ctx context.Context, partition int, from int64, handle func(context.Context, []Message) error) error
	// SetAside puts a message that cannot be used where people can look at it
	// (dead.v1), and returns once it is there. reason is a stable word. Where
	// m.Err is nil the chunk was readable, and Chunk is what to keep.
	SetAside(ctx context.Context, m Message, reason string) error
}

// Receipts tells the courtrooms what is stored.
type Receipts interface {
	// PublishReceipts returns once the broker has acknowledged all of them.
	PublishReceipts(ctx context.Context, receipts []capture.Receipt) error
}

// Reasons for which a message is set aside.
const (
	unreadable = "unreadable" // Err says why
	impossible = "impossible" // its number follows, its place lies in what is stored already
)

const (
	// flushEvery bounds what a power cut takes back, all of it still in the log,
	// and how long a courtroom waits for its receipt.
	flushEvery = 250 * time.Millisecond
	// flushSamples bounds the same while the archive catches up.
	flushSamples = 4 << 20
	// flushTimeout bounds how long the end of the program may wait for a
	// database that hangs; what is not stored is read from the log again.
	flushTimeout = 10 * time.Second
	// askEvery is how often a missing chunk is asked for.
	askEvery = 2 * time.Second
	// partSamples is the length at which the next chunk begins a new file: a
	// damaged sector costs ten minutes at most, and copies are easy to make.
	partSamples = 10 * 60 * capture.Rate
	// idleAfter is when a channel that is silent gives its file back.
	idleAfter = time.Minute
	// receiptsAgain is how far back a start repeats receipts: as long as a
	// broker keeps audio.v1.
	receiptsAgain = 7 * 24 * time.Hour

	firstRetry = time.Second
	lastRetry  = 10 * time.Second

	syncers = 8 // at once: file systems join their journal commits
)

// Archive stores the audio of all courtrooms. Its methods may be called by
// several goroutines; Run runs once at a time, and one archive writes in a
// folder.
type Archive struct {
	dir      string
	db       *store.Store
	log      *slog.Logger
	outbox   *outbox
	trouble  trouble
	partSize capture.SampleIndex // partSamples, or less in tests
}

// NewArchive makes an archive in the folder dir, which is made when Run or
// OpenAudio need it.
func NewArchive(dir string, db *store.Store, log *slog.Logger) *Archive {
	return &Archive{dir: dir, db: db, log: log, outbox: newOutbox(), partSize: partSamples}
}

// Run stores what chunks brings and sends receipts, until ctx ends; then it
// stores what it has read and returns nil. A fault (a full disk, a database
// that is away) raises an alarm and is tried again: nothing is confirmed
// meanwhile, and the courtrooms keep what they have.
func (a *Archive) Run(ctx context.Context, chunks Log, receipts Receipts) error {
	var sending sync.WaitGroup
	sending.Go(func() { a.outbox.send(ctx, receipts, a.log) })
	defer sending.Wait()
	wait := firstRetry
	for ctx.Err() == nil {
		began := time.Now()
		err := a.session(ctx, chunks)
		if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil {
			continue
		}
		a.log.Error("audio cannot be archived; will try again", "err", err, "wait", wait)
		a.trouble.failed(err, a.dir)
		if time.Since(began) > lastRetry {
			wait = firstRetry
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, lastRetry)
	}
	return nil
}

// Alarms are what a person has to know now; empty when all is well.
func (a *Archive) Alarms() []capture.Alarm { return a.trouble.alarms() }

// session archives until something fails. It keeps no truth: what it knows
// beyond the database is forgotten with it, and read from the log again by the
// next one. So there is one way to begin, after any fault and after kill -9.
func (a *Archive) session(ctx context.Context, chunks Log) (err error) {
	if err := os.MkdirAll(a.dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(a.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	w := &writer{archive: a, root: root, chunks: chunks, tails: map[channelKey]*tail{}, offsets: map[int]transcript.Source{}}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.begin(ctx); err != nil {
		return err
	}

	reading, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan []Message)
	readers, reading := errgroup.WithContext(reading)
	defer readers.Wait()
	defer stop()
	for p := range chunks.Partitions() {
		from, err := a.db.Offset(ctx, Topic, p)
		if err != nil {
			return err
		}
		readers.Go(func() error {
			err := chunks.ReadChunks(reading, p, from, func(ctx context.Context, batch []Message) error {
				select {
				case batches <- batch:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			if reading.Err() == nil {
				return &logError{p, err}
			}
			return nil
		})
	}

	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	ask := time.NewTicker(askEvery)
	defer ask.Stop()
	for {
		select {
		case batch := <-batches:
			if err := w.take(ctx, batch); err != nil {
				return err
			}
			if w.unflushed < flushSamples {
				continue
			}
			err = w.flush(ctx)
		case <-flush.C:
			err = w.flush(ctx)
		case <-ask.C:
			err = w.tend()
		case <-reading.Done():
			return errors.Join(readers.Wait(), w.flush(ctx))
		}
		if err != nil {
			return err
		}
	}
}

// logError says that a partition stopped to be read though nobody ended it.
type logError struct {
	partition int
	err       error
}

func (e *logError) Error() string { return fmt.Sprintf("read %s/%d: %v", Topic, e.partition, e.err) }
func (e *logError) Unwrap() error { return e.err }
