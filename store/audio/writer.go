package audio

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"path"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"tingji/capture"
	"tingji/store"
	"tingji/transcript"
)

type channelKey struct{ hearing, channel string }

// writer is one session of the archive. It belongs to one goroutine.
type writer struct {
	archive   *Archive
	root      *os.Root
	chunks    Log
	tails     map[channelKey]*tail
	offsets   map[int]transcript.Source // read, by partition, since the last flush
	unflushed capture.SampleIndex
	buf       []byte
}

// tail is the end of a channel: what is stored, and what was appended since.
type tail struct {
	at    store.AudioChannel
	file  store.AudioFile    // the newest; Part 0: none in this epoch
	wav   *capture.WAVWriter // of file; nil while it is not open
	sum   hash.Hash          // of the samples in wav
	full  []fullPart         // ended since the last flush
	dirty bool               // there is something to flush

	usedAt  time.Time
	missing time.Time // since when at.Missing is
}

type fullPart struct {
	file store.AudioFile
	wav  *capture.WAVWriter
}

// begin repeats the receipts that may not have arrived, and cuts the files that
// a crash may have left longer than they are confirmed. Channels that a PC has never
// ended gather over the years: the old ones wait for their next chunk.
func (w *writer) begin(ctx context.Context) error {
	since := now().Add(-receiptsAgain)
	recent, err := w.archive.db.RecentAudioChannels(ctx, since)
	if err != nil {
		return err
	}
	for _, c := range recent {
		w.archive.outbox.put(receipt(c))
		over := c.Ended || c.StoredAt.Before(since)
		if over && c.Missing == 0 {
			continue
		}
		t, err := w.tail(ctx, channelKey{c.Hearing, c.Channel})
		if err != nil {
			return err
		}
		if t.file.Part == 0 || over {
			continue
		}
		err = w.open(t)
		if w.leaves(t, err) {
			continue
		}
		if err = errors.Join(err, w.rest(t)); err != nil {
			return err
		}
	}
	return nil
}

// tail finds the end of a channel, in memory or in the database.
func (w *writer) tail(ctx context.Context, k channelKey) (*tail, error) {
	if t, ok := w.tails[k]; ok {
		return t, nil
	}
	t := &tail{usedAt: now()}
	var err error
	t.at, t.file, err = w.archive.db.AudioChannel(ctx, k.hearing, k.channel)
	switch {
	case errors.Is(err, transcript.ErrNotFound):
		t.at = store.AudioChannel{Hearing: k.hearing, Channel: k.channel}
	case err != nil:
		return nil, err
	}
	if t.at.Missing > 0 {
		t.missing = now()
	}
	w.tails[k] = t
	return t, nil
}

// take deals with messages of one partition, in their order.
func (w *writer) take(ctx context.Context, batch []Message) error {
	for _, m := range batch {
		if m.Err == nil {
			m.Err = checkNames(m.Chunk)
		}
		if m.Err != nil {
			// Its number is missed by the chunk behind it, and asked for again.
			w.archive.log.Warn("unreadable chunk set aside", "partition", m.Source.Partition, "offset", m.Source.Offset, "err", m.Err)
			if err := w.chunks.SetAside(ctx, m, unreadable); err != nil {
				return fmt.Errorf("set aside %s/%d@%d: %w", Topic, m.Source.Partition, m.Source.Offset, err)
			}
		} else if err := w.place(ctx, m); err != nil {
			return err
		}
		w.offsets[m.Source.Partition] = m.Source
	}
	return nil
}

// checkNames guards the file system: names become parts of a path.
func checkNames(c capture.Chunk) error {
	return errors.Join(capture.CheckName(c.Hearing), capture.CheckName(c.Channel))
}

// place appends a chunk where it follows, and drops it where it is stored
// already or something before it is missing.
func (w *writer) place(ctx context.Context, m Message) error {
	c := m.Chunk
	t, err := w.tail(ctx, channelKey{c.Hearing, c.Channel})
	if err != nil {
		return err
	}
	t.usedAt = now()
	if c.Epoch < t.at.Epoch && c.Seq > t.at.Seq {
		// A number of a past epoch above ours: numbers were given twice, below.
		if known, err := w.knows(ctx, c); err != nil || known {
			return err
		}
	}
	switch {
	case c.Epoch > t.at.Epoch && c.Seq <= t.at.Seq:
		// The courtroom lost its spool and numbers on from an older receipt
		// than our latest: the numbers are known, the sound is new.
		w.archive.log.Warn("channel counts from an older number in a new epoch",
			"hearing", c.Hearing, "channel", c.Channel, "epoch", c.Epoch, "seq", c.Seq, "stored", t.at.Seq)
		t.at.Missing = 0
	case c.Seq <= t.at.Seq:
		t.dirty = true // the courtroom has not seen our receipt
		return nil
	case !c.Follows(t.at.Seq):
		if t.at.Missing == 0 {
			t.at.Missing, t.missing = t.at.Seq+1, now()
			t.dirty = true
			w.archive.log.Warn("chunk is missing; asking for it again",
				"hearing", c.Hearing, "channel", c.Channel, "missing", t.at.Missing, "seq", c.Seq)
		}
		return nil
	case c.Epoch < t.at.Epoch, c.Epoch == t.at.Epoch && c.First < t.at.Samples:
		// Stored, this would sound twice or in the wrong place. The number is
		// taken as dealt with, or the channel would wait for it for ever.
		m.Err = nil
		w.archive.log.Error("chunk lies in what is stored already; set aside",
			"hearing", c.Hearing, "channel", c.Channel, "epoch", c.Epoch, "seq", c.Seq, "first", c.First, "stored", t.at.Samples)
		if err := w.chunks.SetAside(ctx, m, impossible); err != nil {
			return fmt.Errorf("set aside %v: %w", c, err)
		}
		t.at.Seq, t.dirty = c.Seq, true
		t.at.Missing = 0
		return nil
	default:
		t.at.Missing = 0 // this is the one
	}
	if c.Lost != 0 && c.Seq > c.Lost {
		w.archive.log.Error("audio is lost: the courtroom has it no more",
			"hearing", c.Hearing, "channel", c.Channel, "seq", c.Lost, "last", c.Seq-1)
	}
	if err := w.append(t, c); err != nil {
		return fmt.Errorf("archive %v: %w", c, err)
	}
	return nil
}

// knows says whether a chunk of an epoch that is over is stored. It flushes, to
// have one place to look.
func (w *writer) knows(ctx context.Context, c capture.Chunk) (bool, error) {
	if err := w.flush(ctx); err != nil {
		return false, err
	}
	files, err := w.archive.db.AudioFiles(ctx, c.Hearing)
	return slices.ContainsFunc(files, func(f store.AudioFile) bool {
		return f.Channel == c.Channel && f.Epoch == c.Epoch && f.FirstSeq <= c.Seq && c.Seq <= f.LastSeq
	}), err
}

func (w *writer) append(t *tail, c capture.Chunk) error {
	if len(c.Samples) == 0 { // it only says that the epoch ends, or that sound is lost
		t.at.Epoch, t.at.Seq, t.at.Samples, t.at.Ended, t.dirty = c.Epoch, c.Seq, c.First, c.End != capture.NotEnd, true
		return nil
	}
	next := t.file.First+t.file.Samples == c.First // without a seam
	if t.file.Part == 0 || t.file.Epoch != c.Epoch || !next || t.file.Samples >= w.archive.partSize {
		w.turn(t, c)
	}
	if t.wav == nil {
		err := w.open(t)
		if w.leaves(t, err) {
			// What is lost is lost; what is said now goes into a new file.
			w.turn(t, c)
			err = w.open(t)
		}
		if err != nil {
			return err
		}
	}
	if err := t.wav.Append(c.Samples); err != nil {
		return err
	}
	w.buf = addSamples(t.sum, c.Samples, w.buf)
	t.file.Samples, t.file.LastSeq = capture.SampleIndex(t.wav.Samples()), c.Seq
	t.at.Epoch, t.at.Seq, t.at.Samples, t.at.Ended = c.Epoch, c.Seq, c.Next(), c.End != capture.NotEnd
	t.dirty = true
	w.unflushed += capture.SampleIndex(len(c.Samples))
	return nil
}

// turn begins a new file with a chunk. The old one is closed by the next flush.
func (w *writer) turn(t *tail, c capture.Chunk) {
	if t.wav != nil {
		t.file.SHA256 = hex.EncodeToString(t.sum.Sum(nil))
		t.full = append(t.full, fullPart{t.file, t.wav})
		t.wav = nil
	}
	part := 1
	if t.file.Part > 0 && t.file.Epoch == c.Epoch {
		part = t.file.Part + 1
	}
	at := c.CapturedAt.UTC()
	t.file = store.AudioFile{
		Hearing: c.Hearing, Channel: c.Channel, Epoch: c.Epoch, Part: part,
		File: path.Join(at.Format("2006"), c.Hearing, c.Channel,
			strconv.FormatUint(c.Epoch, 10)+"-"+strconv.Itoa(part)+".wav"),
		First: c.First, StartedAt: at, FirstSeq: c.Seq,
	}
}

func (w *writer) open(t *tail) error {
	if t.file.Samples == 0 {
		if err := w.keepUnknown(t.file.File); err != nil {
			return err
		}
	} else if w.holdsUnknown(t.file.File, t.file.Samples) {
		return errUnknown
	}
	var err error
	if t.wav, err = openWAV(w.root, t.file.File, t.file.Samples); err != nil {
		return err
	}
	t.sum, err = sumFile(w.root, t.file)
	if err != nil {
		err = errors.Join(err, w.rest(t))
	}
	return err
}

// keepUnknown puts a file out of the way that holds more than a crash can have
// left unconfirmed: the database was lost, or is an old copy, and this may be
// the only place where that sound is.
func (w *writer) keepUnknown(name string) error {
	if !w.holdsUnknown(name, 0) {
		return nil
	}
	kept := fmt.Sprintf("%s.kept-%d", name, time.Now().UnixMicro())
	w.archive.log.Error("audio file that the database does not know is kept under another name", "file", kept)
	return w.root.Rename(name, kept)
}

// errUnknown says the same of the end of a file, which is not cut off then.
var errUnknown = errors.New("audio file holds sound that the database does not know")

// holdsUnknown says whether a file is longer than a crash can have left it. An
// error is met again by openWAV, if it is one.
func (w *writer) holdsUnknown(name string, confirmed capture.SampleIndex) bool {
	info, err := w.root.Stat(name)
	return err == nil && info.Size() > fileSize(confirmed+2*flushSamples)
}

// leaves says whether a file, which could not be opened, stays as it is, and what
// follows goes into a new one.
func (w *writer) leaves(t *tail, err error) bool {
	d := (*damageError)(nil)
	switch {
	case errors.As(err, &d):
		w.damaged(t, err)
	case errors.Is(err, errUnknown):
		w.archive.log.Error("audio file holds more than the database knows; it stays, and what follows goes into a new file", "file", t.file.File)
	default:
		return false
	}
	return true
}

func (w *writer) damaged(t *tail, err error) {
	w.archive.log.Error("audio file does not hold what was confirmed",
		"hearing", t.at.Hearing, "channel", t.at.Channel, "err", err)
	w.archive.trouble.damage(t.file)
}

// rest closes a channel's file; the next chunk opens it again.
func (w *writer) rest(t *tail) error {
	if t.wav == nil {
		return nil
	}
	err := t.wav.Close()
	t.wav = nil
	return err
}

// flush makes all that was taken durable: first the files, then the database,
// then the receipts.
func (w *writer) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	var (
		batch   store.AudioBatch
		flushed []*tail
		syncing errgroup.Group
	)
	syncing.SetLimit(syncers)
	storedAt := now()
	for _, t := range w.tails {
		if !t.dirty {
			continue
		}
		t.at.StoredAt = storedAt
		batch.Channels = append(batch.Channels, t.at)
		for _, p := range t.full {
			batch.Files = append(batch.Files, p.file)
			syncing.Go(p.wav.Sync)
		}
		if t.wav != nil {
			t.file.SHA256 = hex.EncodeToString(t.sum.Sum(nil))
			batch.Files = append(batch.Files, t.file)
			syncing.Go(t.wav.Sync)
		}
		flushed = append(flushed, t)
	}
	for _, at := range w.offsets {
		batch.Offsets = append(batch.Offsets, at)
	}
	if err := syncing.Wait(); err != nil {
		return fmt.Errorf("sync audio files: %w", err)
	}
	if len(flushed) > 0 || len(batch.Offsets) > 0 {
		if err := w.archive.db.StoreAudio(ctx, batch); err != nil {
			return err
		}
	}
	if len(flushed) > 0 {
		w.archive.trouble.stored()
	}
	w.unflushed = 0
	clear(w.offsets)
	var err error
	for _, t := range flushed {
		w.archive.outbox.put(receipt(t.at))
		t.dirty = false
		for _, p := range t.full {
			err = errors.Join(err, p.wav.Close())
		}
		t.full = nil
		if t.at.Ended {
			err = errors.Join(err, w.rest(t))
		}
	}
	return err
}

// tend asks for what is missing and lets go of channels that are silent.
func (w *writer) tend() error {
	var (
		err  error
		gaps []capture.Alarm
	)
	for k, t := range w.tails {
		if t.at.Missing > 0 {
			w.archive.outbox.put(receipt(t.at))
			if now().Sub(t.missing) >= askEvery {
				gaps = append(gaps, gapAlarm(t.at, t.missing))
			}
			continue
		}
		if !t.dirty && now().Sub(t.usedAt) > idleAfter {
			err = errors.Join(err, w.rest(t))
			delete(w.tails, k)
		}
	}
	w.archive.trouble.working(gaps)
	return err
}

// close lets go of all files. What was not flushed is cut off by the next
// session.
func (w *writer) close() error {
	var err error
	for _, t := range w.tails {
		for _, p := range t.full {
			err = errors.Join(err, p.wav.Close())
		}
		err = errors.Join(err, w.rest(t))
	}
	return err
}

func receipt(c store.AudioChannel) capture.Receipt {
	return capture.Receipt{Hearing: c.Hearing, Channel: c.Channel, Epoch: c.Epoch, Seq: c.Seq, Want: c.Missing, At: c.StoredAt}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
