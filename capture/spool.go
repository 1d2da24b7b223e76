package capture

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// ErrSpoolFull is returned by [Spool.Append] when the spool holds as many bytes
// as it may: the record server has confirmed too little for too long.
var ErrSpoolFull = errors.New("spool is full")

// SpoolConfig describes a courtroom's spool.
type SpoolConfig struct {
	Dir          string
	Courtroom    string
	MaxBytes     int64 // of all segments; 0: 8 GiB, about 9 hours of 8 channels
	SegmentBytes int64 // of one; 0: 16 MiB, or an eighth of MaxBytes if that is less
}

// Spool keeps the chunks of one courtroom, of all its channels in the order in
// which they were captured, on disk until the record server has confirmed them.
// It gives out their numbers. It is safe for use by several goroutines; one
// process at a time can have it open.
type Spool struct {
	cfg  SpoolConfig
	log  *slog.Logger
	lock *flock.Flock

	mu       sync.Mutex
	state    spoolState
	segments []*segment // by number
	newest   uint64     // highest segment number used; a reader may still stand in that segment when it is gone
	bytes    int64      // of all segments
	syncs    uint64     // batches made durable
	active   *os.File   // the last segment while it is written; nil: the next Append begins one
	uncut    bool       // a failed write has left bytes behind the active segment's size
	damage   []Damage
	missing  []MissingChunks
	readers  []*SpoolReader // that are told when chunks were appended
	buf      []byte
	names    names
	places   map[*SpoolChannel]place // of number
}

// place is where a channel goes on.
type place struct {
	seq  uint64
	next SampleIndex
}

// MissingChunks are numbers that a damaged spool has lost: First to Last of
// one channel.
type MissingChunks struct {
	Key         string
	First, Last uint64
}

// OpenSpool opens or makes a spool. It reads all that is there, cuts off an
// unfinished write, and goes on after damage; see [Spool.Damage].
func OpenSpool(cfg SpoolConfig, log *slog.Logger) (*Spool, error) {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 8 << 30
	}
	if cfg.SegmentBytes == 0 {
		cfg.SegmentBytes = min(16<<20, cfg.MaxBytes/8)
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	s := &Spool{cfg: cfg, log: log, lock: flock.New(filepath.Join(cfg.Dir, "lock")), places: map[*SpoolChannel]place{}}
	locked, err := s.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock spool %s: %w", cfg.Dir, err)
	}
	if !locked {
		return nil, &StartError{
			Text:   fmt.Sprintf("暂存区 %s 正被另一个程序使用；请先停止那个程序，或换一个数据文件夹", cfg.Dir),
			TextEN: fmt.Sprintf("spool %s is in use by another process: stop that one, or choose another folder", cfg.Dir),
		}
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

func (s *Spool) load() error {
	var damaged bool
	var err error
	if s.state, damaged, err = loadSpoolState(s.cfg.Dir, s.cfg.Courtroom); err != nil {
		return err
	}
	if damaged {
		s.log.Warn("spool state was damaged and is rebuilt from the chunks", "courtroom", s.cfg.Courtroom, "folder", s.cfg.Dir)
		s.damage = append(s.damage, Damage{File: filepath.Join(s.cfg.Dir, stateName)})
	}
	numbers, err := listSegments(s.cfg.Dir)
	if err != nil {
		return err
	}
	highest := map[string]uint64{} // numbers seen so far, to find those that are not there
	for i, n := range numbers {
		if err := s.loadSegment(n, i == len(numbers)-1, highest); err != nil {
			return err
		}
	}
	for _, d := range s.damage {
		if !d.Torn {
			s.log.Warn("spool file is damaged", "courtroom", s.cfg.Courtroom, "damage", d.String())
		}
	}
	for _, m := range s.missing {
		s.log.Warn("chunks are missing from the spool", "courtroom", s.cfg.Courtroom, "channel", m.Key, "seq", m.First, "last", m.Last)
	}
	return s.state.save(s.cfg.Dir, time.Now())
}

func (s *Spool) loadSegment(number uint64, last bool, highest map[string]uint64) error {
	path := segmentName(s.cfg.Dir, number)
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read spool: %w", err)
	}
	records, size, bad := scanSegment(b, last)
	for i := range bad {
		bad[i].File = path
	}
	s.damage = append(s.damage, bad...)
	if size < int64(len(b)) {
		if err := cutFile(path, size); err != nil {
			return fmt.Errorf("cut unfinished spool segment: %w", err)
		}
	}
	s.newest = max(s.newest, number)
	g := &segment{number: number, size: size, spans: map[string]*seqSpan{}}
	for _, r := range records {
		c, pcm, err := r.head(&s.names)
		if err != nil {
			s.damage = append(s.damage, Damage{File: path, From: r.offset, To: r.end()})
			continue
		}
		key := s.names.key(c.Hearing, c.Channel)
		g.add(key, c.Seq)
		if before, seen := highest[key]; seen && c.Seq > before+1 {
			s.missing = append(s.missing, MissingChunks{key, before + 1, c.Seq - 1})
		}
		highest[key] = max(highest[key], c.Seq)
		s.state.saw(key, &c, c.Next()+SampleIndex(len(pcm)/2))
	}
	if len(g.spans) == 0 {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove empty spool segment: %w", err)
		}
		return nil
	}
	s.segments = append(s.segments, g)
	s.bytes += g.size
	return nil
}

// saw brings a channel's state up to a durable chunk that ends before next.
func (st *spoolState) saw(key string, c *Chunk, next SampleIndex) {
	ch := st.Channels[key]
	if ch == nil {
		ch = &SpoolChannel{}
		st.Channels[key] = ch
	}
	length := SampleIndex(ChunkSamples)
	switch {
	case ch.Epoch == c.Epoch:
		length = chunkLength(ch.Chunk)
	case next-c.First == FormerChunkSamples: // the state was lost
		length = FormerChunkSamples
	}
	start := c.Seq - min(uint64((c.First+length-1)/length), c.Seq-1)
	if ch.Start == 0 && ch.Epoch == c.Epoch {
		ch.Start = start // the state was lost, or written before it was noted
	}
	if c.Seq <= ch.Seq {
		return
	}
	if ch.Epoch != c.Epoch {
		ch.pass()
		ch.Start, ch.Chunk = start, length
		ch.OpenedAt = c.CapturedAt.Add(-c.First.Duration())
		// Where in its recording the epoch began is lost with the state file:
		// the first epoch begins at its beginning.
		ch.SourceFrom += ch.Next
	}
	ch.Epoch, ch.Seq, ch.Next, ch.End = c.Epoch, c.Seq, next, c.End
	ch.Touched = c.CapturedAt
}

func cutFile(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Sync(), f.Close())
}

// Damage is what was found broken since the spool was opened, at the start or
// while reading.
func (s *Spool) Damage() ([]Damage, []MissingChunks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.damage), slices.Clone(s.missing)
}

// Channel is the state of a channel; ok is false for one the spool has never
// seen, or has forgotten.
func (s *Spool) Channel(hearing, channel string) (c SpoolChannel, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.state.Channels[s.names.key(hearing, channel)]; ch != nil {
		return *ch, true
	}
	return SpoolChannel{}, false
}

// EpochStart begins an epoch of a channel.
type EpochStart struct {
	Channel    string
	OpenedAt   time.Time
	SourceFrom SampleIndex
	// Epoch and Seq are what the record server holds of the channel, zero for
	// nothing. The channel goes on above them even if this spool has lost it.
	Held Receipt
}

// BeginEpochs begins new epochs of channels of one hearing. When it returns
// they are durable, all or none.
func (s *Spool) BeginEpochs(hearing string, starts []EpochStart) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := map[string]*SpoolChannel{}
	for _, start := range starts {
		key := Key(hearing, start.Channel)
		before[key] = s.state.Channels[key]
		ch := &SpoolChannel{}
		if was := before[key]; was != nil {
			*ch = *was
		}
		ch.pass()
		ch.Epoch = max(ch.Epoch, start.Held.Epoch) + 1
		ch.Seq = max(ch.Seq, start.Held.Seq)
		ch.Confirmed = max(ch.Confirmed, start.Held.Seq)
		ch.OpenedAt = start.OpenedAt.UTC().Truncate(time.Microsecond)
		ch.SourceFrom, ch.Next, ch.End = start.SourceFrom, 0, NotEnd
		ch.Start, ch.Chunk = ch.Seq+1, ChunkSamples
		ch.Touched = ch.OpenedAt
		s.state.Channels[key] = ch
	}
	if err := s.state.save(s.cfg.Dir, time.Now()); err != nil {
		for key, ch := range before {
			if s.state.Channels[key] = ch; ch == nil {
				delete(s.state.Channels, key)
			}
		}
		return fmt.Errorf("begin epoch of %s: %w", hearing, err)
	}
	return nil
}

// Append numbers the chunks (it sets their Seq) and makes them durable, all or
// none: after an error the spool is as before and the same chunks can be tried
// again. Each chunk must continue its channel's epoch without a gap.
// [ErrSpoolFull] is returned when there is no room. Chunks whose sound only the
// archive keeps take next to none, and find some beyond.
func (s *Spool) Append(chunks []Chunk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return fmt.Errorf("append to spool of %s: %w", s.cfg.Courtroom, os.ErrClosed)
	}
	if err := s.number(chunks); err != nil {
		return err
	}
	s.buf = s.buf[:0]
	for i := range chunks {
		s.buf = appendRecord(s.buf, &chunks[i], len(chunks)-1-i)
	}
	room := s.cfg.MaxBytes
	if !slices.ContainsFunc(chunks, func(c Chunk) bool { return len(c.Samples) > 0 }) {
		room += room / 8
	}
	if s.bytes+int64(len(s.buf)) > room {
		return fmt.Errorf("append to spool of %s: %w (%d MiB)", s.cfg.Courtroom, ErrSpoolFull, s.cfg.MaxBytes>>20)
	}
	if err := s.write(s.buf); err != nil {
		if isFull(err) {
			// What is confirmed goes now, also of the segment that was written last: on
			// a full disk nothing else makes room for what comes next.
			err = errors.Join(err, s.trim())
		}
		return fmt.Errorf("append to spool of %s: %w", s.cfg.Courtroom, err)
	}
	g := s.segments[len(s.segments)-1]
	for i := range chunks {
		c := &chunks[i]
		key := s.names.key(c.Hearing, c.Channel)
		g.add(key, c.Seq)
		s.state.saw(key, c, c.Next())
	}
	s.tellReaders()
	return nil
}

func (s *Spool) tellReaders() {
	for _, r := range s.readers {
		select {
		case r.more <- struct{}{}:
		default:
		}
	}
}

// number sets the chunks' numbers and refuses what does not continue.
func (s *Spool) number(chunks []Chunk) error {
	at := s.places
	clear(at)
	for i := range chunks {
		c := &chunks[i]
		ch := s.state.Channels[s.names.key(c.Hearing, c.Channel)]
		if ch == nil {
			return fmt.Errorf("append %s: no epoch was begun", c)
		}
		p, ok := at[ch]
		if !ok {
			p = place{ch.Seq, ch.Next}
		}
		c.Seq = p.seq + 1
		if c.Epoch != ch.Epoch || c.First != p.next {
			return fmt.Errorf("append %s sample %d: epoch %d sample %d comes next", c, c.First, ch.Epoch, p.next)
		}
		if err := c.check(); err != nil {
			return fmt.Errorf("append %s: %w", c, err)
		}
		at[ch] = place{c.Seq, c.Next()}
	}
	return nil
}

// write appends a batch to the active segment and syncs it. After an error the
// batch is cut off again, and a new segment is begun: what the system says of a
// file whose sync has failed cannot be trusted.
func (s *Spool) write(batch []byte) error {
	if err := s.cutFailed(); err != nil {
		return err
	}
	if s.active != nil && s.segments[len(s.segments)-1].size+int64(len(batch)) > s.cfg.SegmentBytes {
		if err := s.closeActive(); err != nil {
			return err
		}
	}
	if s.active == nil {
		if err := s.beginSegment(); err != nil {
			return err
		}
	}
	g := s.segments[len(s.segments)-1]
	_, err := s.active.WriteAt(batch, g.size)
	if err == nil {
		err = s.active.Sync()
	}
	if err != nil {
		s.uncut = true
		return errors.Join(err, s.cutFailed())
	}
	s.syncs++
	g.size += int64(len(batch))
	s.bytes += int64(len(batch))
	return nil
}

func (s *Spool) beginSegment() error {
	keepBallast(s.cfg.Dir) // before anything else takes the room
	number := s.newest + 1
	path := segmentName(s.cfg.Dir, number)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(segmentMagic), 0)
	if err = errors.Join(err, syncDir(s.cfg.Dir)); err != nil {
		return errors.Join(err, f.Close(), os.Remove(path))
	}
	s.active, s.newest = f, number
	s.segments = append(s.segments, &segment{number: number, size: int64(len(segmentMagic)), spans: map[string]*seqSpan{}})
	s.bytes += int64(len(segmentMagic))
	return nil
}

// cutFailed removes what a failed write has left behind.
func (s *Spool) cutFailed() error {
	if !s.uncut {
		return nil
	}
	if err := s.active.Truncate(s.segments[len(s.segments)-1].size); err != nil {
		return err
	}
	s.uncut = false
	return s.closeActive()
}

func (s *Spool) closeActive() error {
	f := s.active
	s.active = nil
	return f.Close()
}

// Confirm takes a receipt: the record server holds the channel up to its Seq.
// Segments that hold nothing else any more are deleted. Receipts of channels
// that the spool does not know are ignored.
func (s *Spool) Confirm(r Receipt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.names.key(r.Hearing, r.Channel)
	ch := s.state.Channels[key]
	if ch == nil || r.Seq <= ch.Confirmed {
		return nil
	}
	ch.Confirmed = r.Seq
	if r.Seq > ch.Seq {
		// The server holds numbers that this spool has lost: go on above them.
		ch.Seq, ch.Start = r.Seq, 0
	}
	return s.trim()
}

// trim deletes segments all of whose chunks are confirmed.
func (s *Spool) trim() error {
	done := func(g *segment) bool {
		if s.active != nil && g == s.segments[len(s.segments)-1] {
			return false
		}
		for key, span := range g.spans {
			if ch := s.state.Channels[key]; ch != nil && ch.Confirmed < span.last {
				return false
			}
		}
		return true
	}
	if !slices.ContainsFunc(s.segments, done) {
		return nil
	}
	// First write down what only these segments knew.
	if err := s.state.save(s.cfg.Dir, time.Now()); err != nil {
		return err
	}
	var errs []error
	s.segments = slices.DeleteFunc(s.segments, func(g *segment) bool {
		if !done(g) {
			return false
		}
		if err := os.Remove(segmentName(s.cfg.Dir, g.number)); err != nil {
			errs = append(errs, fmt.Errorf("delete confirmed spool segment: %w", err))
			return false
		}
		s.bytes -= g.size
		return true
	})
	s.tellReaders() // one that stands in what was deleted keeps its room
	return errors.Join(errs...)
}

// Backlog is what waits in a spool.
type Backlog struct {
	Chunks   uint64 `json:"chunks"` // not confirmed
	Bytes    int64  `json:"bytes"`  // of all segments, those not yet deleted included
	MaxBytes int64  `json:"max_bytes"`
	Syncs    uint64 `json:"syncs"` // batches that were made durable since the start
}

// Backlog says how much waits.
func (s *Spool) Backlog() Backlog {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := Backlog{Bytes: s.bytes, MaxBytes: s.cfg.MaxBytes, Syncs: s.syncs}
	for _, ch := range s.state.Channels {
		b.Chunks += ch.Waiting()
	}
	return b
}

// unconfirmed are the channels, by key, that are not confirmed up to their last
// durable chunk, with the number of that chunk. They are written into last.
func (s *Spool) unconfirmed(last map[string]uint64) map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(last)
	for key, ch := range s.state.Channels {
		if ch.Waiting() > 0 {
			last[key] = ch.Seq
		}
	}
	return last
}

// keys are all channels that the spool knows.
func (s *Spool) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.state.Channels))
}

// Waiting are the unconfirmed chunks of a hearing's channels, by channel.
func (s *Spool) Waiting(hearing string) map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := map[string]uint64{}
	for key, ch := range s.state.Channels {
		if channel, ok := strings.CutPrefix(key, hearing+"/"); ok {
			waiting[channel] = ch.Waiting()
		}
	}
	return waiting
}

// reserve is how much of a disk the spool needs to go on while the record server
// confirms: a segment that is written, one that waits for its last receipt, and its state.
func (s *Spool) reserve() int64 { return 2*s.cfg.SegmentBytes + reserveState }

// reserveState is more than state.json, hearing.json and the heads of the archive take.
const reserveState = 1 << 20

// Close writes the state and lets the folder go. It is idempotent.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	var errs []error
	if s.active != nil {
		errs = append(errs, s.cutFailed())
		if s.active != nil {
			errs = append(errs, s.closeActive())
		}
	}
	errs = append(errs, s.trim(), s.state.save(s.cfg.Dir, time.Now()), s.lock.Close())
	s.lock = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close spool of %s: %w", s.cfg.Courtroom, err)
	}
	return nil
}
