package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync/atomic"
	"time"
)

const (
	// blocksPerSecond: 20 ms are the most that is asked of a source at a time.
	blocksPerSecond = 50
	// queueChunks is how many chunks of one seat may wait for the disk: 4 s.
	queueChunks = 4 * Rate / ChunkSamples
	// pendingMost is how much sound of a live seat is held in memory while the
	// disk takes none; what is beyond it is lost, and counted.
	pendingMost = 20 * Rate
	// reopenFirst and reopenMost are the pauses between attempts to open a
	// source that has failed.
	reopenFirst = 500 * time.Millisecond
	reopenMost  = 10 * time.Second
	// slowDisk is longer than a healthy disk takes for a batch.
	slowDisk = 200 * time.Millisecond
	// heldParts of a second are held for the archive at most: more than a chunk.
	heldParts = 5
	// retryEpoch is how often a seat that has lost sound tries to go on.
	retryEpoch = 500 * time.Millisecond
)

// room is what a stream is read into.
type room struct{ samples []int16 }

// newRoom makes room for 20 ms at any rate.
func newRoom() *room { return &room{make([]int16, mostRate/blocksPerSecond)} }

// of is as much of it as lasts 20 ms at a stream's rate.
func (r *room) of(s Stream) []int16 { return r.samples[:max(1, rateOf(s)/blocksPerSecond)] }

// recorder takes one seat's sound of one hearing into the archive and the
// spool. One goroutine runs it; its meter and counters can be read by others.
type recorder struct {
	hearing  Hearing
	channel  string
	seat     atomic.Pointer[Seat] // who sits there now
	source   Source
	held     func(channel string) Receipt
	spool    *Spool
	archive  *Archive
	out      chan<- queued
	alarms   *alarms
	log      *slog.Logger
	slots    chan struct{} // one token for each chunk that waits for the disk
	meter    meter
	samples  atomic.Int64 // of the present epoch
	live     atomic.Bool  // sound is arriving
	finished atomic.Bool  // the recording has been played to its end
	gaps     atomic.Int64 // between epochs, where there was no break
	missing  atomic.Int64 // samples in them

	track      *Track
	resume     SampleIndex // where it began
	blocks     []int16     // held for the archive
	blocksFrom SampleIndex // where they begin
	kept       bool        // the archive has the last block
	unarchived bool        // an alarm says that the archive fails
	epoch      uint64      // 0: none is open
	opened     time.Time   // of a recording: wall clock at sample 0 of the epoch
	clock      *clock      // of a live source
	asleep     func() time.Duration
	slept      time.Duration // when the epoch began
	shift      time.Duration // wall against monotonic clock at the last block, since then
	first      SampleIndex
	pending    []int16
	whole      int // length of the epoch's chunks
	// What a live source gives stands in the archive as it is: samples of the
	// epoch at its rate, and from there at [Rate] in pending.
	rate          int
	native        SampleIndex // how many it gave in this epoch, at its rate
	resampler     *Resampler  // nil at Rate
	before, after []float64
	buffers       [queueChunks][]int16 // of chunks on their way to the disk, in turn
	turn          int
	done          func(error) // gives a slot back
	lost          int64
	late          time.Time // since when an epoch waits for the archive; zero: it does not
	retryAt       time.Time
}

func (r *recorder) holder() Seat { return *r.seat.Load() }

// run records until the source has ended for good, stop delivers the reason to
// end the epoch, or ctx ends. When it returns, all that it took is durable,
// unless ctx has ended.
func (r *recorder) run(ctx context.Context, stop <-chan End) {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan End, 1)
	go func() {
		select {
		case e := <-stop:
			ended <- e
			cancel()
		case <-reading.Done():
		}
	}()
	defer r.live.Store(false)
	wait := reopenFirst
	for reading.Err() == nil {
		began := time.Now()
		err := r.play(reading)
		r.live.Store(false)
		if reading.Err() != nil {
			break
		}
		if errors.Is(err, io.EOF) {
			r.finish(ctx, EndFile)
			r.sayEnd(ctx, EndFile)
			r.finished.Store(true)
			r.closeTrack()
			return
		}
		r.sourceFailed(err)
		if !r.source.Resumable() {
			// What was heard before the failure is an epoch of its own.
			r.finish(ctx, NotEnd)
		}
		var known *SourceError
		if errors.As(err, &known) && known.Permanent && r.source.Resumable() {
			r.finish(ctx, EndFile)
			r.sayEnd(ctx, EndFile)
			r.finished.Store(true)
			r.closeTrack()
			return
		}
		if time.Since(began) > reopenMost {
			wait = reopenFirst
		}
		pause(reading, wait)
		wait = min(2*wait, reopenMost)
	}
	why := NotEnd
	select {
	case why = <-ended:
	default:
	}
	// A recording that is only interrupted is read again from the last whole
	// chunk; a live seat's tail is all there will ever be of it.
	if why != NotEnd || !r.source.Resumable() {
		r.finish(ctx, why)
	}
	r.sayEnd(ctx, why)
	r.closeTrack()
}

// sayEnd returns when all chunks are durable, the end of the channel with them:
// where no sound was left to carry it, a chunk without samples does. A channel
// that has never had a chunk needs none.
func (r *recorder) sayEnd(ctx context.Context, why End) {
	if !r.flush(ctx) || why == NotEnd {
		return
	}
	ch, _ := r.spool.Channel(r.hearing.ID, r.channel)
	if ch.Seq == 0 || ch.End != NotEnd {
		return
	}
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	r.out <- queued{chunk: Chunk{
		Hearing: r.hearing.ID, Channel: r.channel, Epoch: ch.Epoch, First: ch.Next, End: why,
		CapturedAt: ch.OpenedAt.Add(ch.Next.Duration()).Truncate(time.Microsecond),
	}, done: r.done}
	r.flush(ctx)
}

// play opens the source and takes what it delivers, until it fails or ctx ends.
func (r *recorder) play(ctx context.Context) error {
	from := SampleIndex(0)
	if r.source.Resumable() {
		r.archiveHeld()
		r.flush(ctx) // the spool is to know all that was read before
		ch, _ := r.spool.Channel(r.hearing.ID, r.channel)
		if ch.End == EndFile {
			return io.EOF
		}
		r.epoch, r.opened, r.first, r.pending = ch.Epoch, ch.OpenedAt, ch.Next, r.pending[:0]
		r.rate, r.native, r.whole = Rate, ch.Next, int(chunkLength(ch.Chunk))
		from = ch.SourceFrom + ch.Next
		r.newTrack()
	}
	stream, err := r.source.Open(ctx, from)
	if err != nil {
		return err
	}
	defer stream.Close()
	room := newRoom()
	for {
		n, arrived, err := stream.Read(ctx, room.of(stream))
		buf := room.samples
		if errors.Is(err, ErrGap) {
			r.log.Warn("the device has lost samples: a new epoch begins", "hearing", r.hearing.ID, "channel", r.channel)
			r.finish(ctx, NotEnd)
			continue
		}
		if err != nil {
			return err
		}
		if !r.live.Swap(true) {
			r.alarms.clear(alarmSource, r.channel)
		}
		r.meter.hear(buf[:n])
		if r.source.Resumable() {
			if err := r.takeRecorded(ctx, buf[:n]); err != nil {
				return err
			}
			continue
		}
		r.takeLive(ctx, buf[:n], rateOf(stream), arrived)
	}
}

// takeRecorded takes a block of a recording, which waits until there is room.
func (r *recorder) takeRecorded(ctx context.Context, block []int16) error {
	r.take(block)
	// A sample is kept back, so that there is always one to carry the end.
	for len(r.pending) > r.whole {
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		r.queue(r.whole, NotEnd)
	}
	return nil
}

// take puts a block into the archive, and its sound at [Rate] behind what is
// pending.
func (r *recorder) take(block []int16) {
	r.archiveBlock(r.native, block)
	r.native += SampleIndex(len(block))
	if r.resampler == nil {
		r.pending = append(r.pending, block...)
	} else {
		r.before = r.before[:0]
		for _, v := range block {
			r.before = append(r.before, float64(v))
		}
		r.after = r.resampler.Resample(r.after[:0], r.before)
		r.round()
	}
	r.samples.Store(int64(r.first) + int64(len(r.pending)))
}

// round takes what the resampler gave.
func (r *recorder) round() {
	for _, v := range r.after {
		r.pending = append(r.pending, RoundSample(v))
	}
}

// place is where a sample of the source's rate stands at [Rate].
func (r *recorder) place(native SampleIndex) SampleIndex {
	return native * Rate / SampleIndex(r.rate)
}

// takeLive takes a block of a live source, of a rate in Hz, which waits for nobody.
func (r *recorder) takeLive(ctx context.Context, block []int16, rate int, arrived time.Time) {
	if r.epoch != 0 && r.rate != rate {
		r.log.Warn("the device gives another rate: a new epoch begins", "hearing", r.hearing.ID, "channel", r.channel, "rate", rate)
		r.finish(ctx, NotEnd)
	}
	if r.epoch != 0 && r.wokeBefore(arrived) {
		r.log.Warn("the machine was suspended: a new epoch begins", "hearing", r.hearing.ID, "channel", r.channel)
		r.finish(ctx, NotEnd)
	}
	if r.epoch == 0 && !r.beginLive(ctx, block, rate, arrived) {
		return
	}
	fits := r.clock.heard(r.place(r.native+SampleIndex(len(block))), arrived)
	r.take(block)
	if !fits {
		r.log.Warn("samples do not fit the clock: a new epoch begins", "hearing", r.hearing.ID, "channel", r.channel)
		r.finish(ctx, NotEnd)
		return
	}
	for len(r.pending) > r.whole {
		select {
		case r.slots <- struct{}{}:
			r.queue(r.whole, NotEnd)
			continue
		default:
		}
		if len(r.pending) <= pendingMost {
			return
		}
		// The disk takes not even numbers. The archive may still go on, and what
		// it holds gets its numbers once there is room; see tail.go.
		r.lose(len(r.pending))
		r.pending, r.epoch, r.resampler = r.pending[:0], 0, nil
		return
	}
}

// wokeBefore says whether the machine was suspended since the last block, and this
// one was heard afterwards: only then do the wall and the monotonic clock of its
// arrival say so. A wall clock that was set is no reason.
func (r *recorder) wokeBefore(arrived time.Time) bool {
	opened := r.clock.opened
	shift := arrived.Round(0).Sub(opened.Round(0)) - arrived.Sub(opened)
	if r.asleep()-r.slept <= clockJump {
		r.shift = shift
		return false
	}
	return (shift - r.shift).Abs() > clockJump
}

// beginLive opens an epoch with a block, if the disk takes one.
func (r *recorder) beginLive(ctx context.Context, block []int16, rate int, arrived time.Time) bool {
	// Chunks that still wait for the disk belong to the epoch before.
	if time.Now().Before(r.retryAt) || !r.waitForSlots() {
		r.refuse(block, rate)
		return false
	}
	r.archiveHeld() // by the clock of its own epoch
	c := newClock(arrived, int(SamplesIn(lengthOf(len(block), rate))))
	found, err := SampleIndex(0), error(nil)
	var resampler *Resampler
	if rate != Rate {
		resampler, err = NewResampler(rate)
	}
	if err == nil && r.lost > 0 {
		found, err = r.numberTail(ctx)
	}
	if err == nil {
		err = r.spool.BeginEpochs(r.hearing.ID, []EpochStart{{Channel: r.channel, OpenedAt: c.opened, Held: r.held(r.channel)}})
	}
	if err != nil {
		r.retryAt = time.Now().Add(retryEpoch)
		r.refuse(block, rate)
		return false
	}
	ch, _ := r.spool.Channel(r.hearing.ID, r.channel)
	r.countGap(&ch, c.opened)
	r.epoch, r.clock, r.first, r.pending = ch.Epoch, c, 0, r.pending[:0]
	r.rate, r.native, r.resampler, r.whole = rate, 0, resampler, int(chunkLength(ch.Chunk))
	r.slept, r.shift = r.asleep(), 0
	if r.lost > 0 {
		r.log.Warn("the spool takes audio again", "hearing", r.hearing.ID, "channel", r.channel, "refused", r.lost, "archived", found)
		r.lost = 0
		r.alarms.clear(alarmLost, r.channel)
	}
	r.newTrack()
	return true
}

// errArchiveLate says that the archive is to be looked at again in a moment.
var errArchiveLate = errors.New("the archive has not everything yet")

// numberTail gives what only the archive has of the epoch its numbers. An archive
// that fails or hangs is not waited for: what it has stays there.
func (r *recorder) numberTail(ctx context.Context) (SampleIndex, error) {
	if r.track == nil {
		return 0, nil
	}
	if r.late.IsZero() {
		r.late = time.Now()
	}
	ok, err := r.archive.queue(r.channel).flush(r.track, r.resume)
	var chunks []Chunk
	ch, _ := r.spool.Channel(r.hearing.ID, r.channel)
	if ok {
		chunks, err = r.archive.tailSoon(ctx, r.hearing.ID, r.channel, ch, false)
	} else if err == nil && time.Since(r.late) < archiveHangs {
		return 0, errArchiveLate
	}
	r.late = time.Time{}
	if !ok || err != nil {
		r.log.Warn("what the archive alone has is not sent", "hearing", r.hearing.ID, "channel", r.channel, "epoch", ch.Epoch, "err", err)
		return 0, nil
	}
	return r.spool.appendTail(ch, chunks)
}

// countGap notes how much is missing between the channel's last epoch and the one
// that begins, unless that ended with a break.
func (r *recorder) countGap(ch *SpoolChannel, opened time.Time) {
	if len(ch.Past) == 0 {
		return
	}
	last := ch.Past[len(ch.Past)-1]
	if last.End != NotEnd || last.Ended.IsZero() {
		return
	}
	for _, b := range r.hearing.Breaks {
		if !b.From.Before(last.Ended) {
			return
		}
	}
	n := max(0, SamplesIn(opened.Sub(last.Ended)))
	r.gaps.Add(1)
	r.missing.Add(int64(n))
	r.log.Warn("sound is missing between two epochs", "hearing", r.hearing.ID, "channel", r.channel, "epoch", ch.Epoch, "samples", n)
}

// waitForSlots waits for the disk as long as a healthy one may take; while
// sound is being lost it only looks.
func (r *recorder) waitForSlots() bool {
	if r.lost > 0 {
		return len(r.slots) == 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), slowDisk)
	defer cancel()
	return r.flush(ctx)
}

// refuse keeps a block in the archive only, as the end of the epoch before.
func (r *recorder) refuse(block []int16, rate int) {
	if rate != r.rate {
		r.archiveHeld()
		r.track = nil // it is of another epoch, and its queue closes it before that
	}
	r.archiveBlock(r.native, block)
	r.native += SampleIndex(len(block))
	r.lose(len(block))
}

// lose counts samples that the spool has not taken. Where the archive has not
// either, nobody has them.
func (r *recorder) lose(n int) {
	if r.track == nil || !r.kept {
		r.alarms.raise(Alarm{
			Code: alarmLost, Hearing: r.hearing.ID, Channel: r.channel,
			Text:   fmt.Sprintf("%s（%s）的录音无法保存，正在缺失；请立即检查磁盘", r.holder().Role, r.channel),
			TextEN: fmt.Sprintf("Audio of %s (%s) cannot be saved and is being lost; check the disk at once", r.holder().Role, r.channel),
		})
	}
	r.lost += int64(n)
}

// queue hands the first n pending samples to the writer. The caller holds a
// slot for it.
func (r *recorder) queue(n int, end End) {
	r.archiveHeld()
	// Chunks are done in their order: whoever holds a slot finds the buffer free of
	// the chunk that had this turn before.
	b := &r.buffers[r.turn%queueChunks]
	r.turn++
	*b = append((*b)[:0], r.pending[:n]...)
	c := Chunk{
		Hearing: r.hearing.ID, Channel: r.channel, Epoch: r.epoch, First: r.first, End: end,
		CapturedAt: r.wall(r.first).UTC().Truncate(time.Microsecond),
		Samples:    *b,
	}
	r.first += SampleIndex(n)
	r.pending = r.pending[:copy(r.pending, r.pending[n:])]
	r.out <- queued{chunk: c, archive: r.inArchive(c.First, c.Next()), done: r.done}
}

// inArchive is where a stretch of the epoch stands in the archive.
func (r *recorder) inArchive(first, end SampleIndex) inArchive {
	if r.track == nil {
		return inArchive{}
	}
	a := inArchive{queue: r.archive.queue(r.channel), track: r.track, from: first, to: end}
	if r.resampler != nil {
		a.from = SampleIndex(max(0, r.resampler.begins(first)))
		a.to = min(SampleIndex(r.resampler.ends(end)), r.native)
	}
	return a
}

func (r *recorder) wall(i SampleIndex) time.Time {
	if r.clock != nil {
		return r.clock.at(i)
	}
	return r.opened.Add(i.Duration())
}

// finish ends the epoch with what is pending.
func (r *recorder) finish(ctx context.Context, end End) {
	r.archiveHeld()
	if r.epoch != 0 && r.resampler != nil {
		r.after = r.resampler.Flush(r.after[:0])
		r.round()
	}
	if r.epoch != 0 && len(r.pending) > 0 {
		for len(r.pending) > 0 {
			n, last := min(len(r.pending), r.whole), NotEnd
			if n == len(r.pending) {
				last = end
			}
			select {
			case r.slots <- struct{}{}:
				r.queue(n, last)
				continue
			case <-ctx.Done():
			}
			// The program ends: a moment more, then what is left is lost.
			select {
			case r.slots <- struct{}{}:
				r.queue(n, last)
				continue
			case <-time.After(retryEpoch):
				r.lose(len(r.pending))
			}
			break
		}
	}
	r.epoch, r.pending, r.resampler = 0, r.pending[:0], nil
}

// flush waits until all chunks are durable, by taking every slot.
func (r *recorder) flush(ctx context.Context) bool {
	taken := 0
	defer func() {
		for range taken {
			<-r.slots
		}
	}()
	for ; taken < cap(r.slots); taken++ {
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// newTrack begins with the archive of an epoch, or goes on with it: with the next
// block, which closes the one before.
func (r *recorder) newTrack() {
	r.track, r.resume, r.kept = r.archive.Track(r.hearing, r.holder(), r.epoch, r.rate), r.first, false
}

// closeTrack returns when the archive has all, or hangs.
func (r *recorder) closeTrack() {
	r.archiveHeld()
	r.track = nil
	left, err := r.archive.queue(r.channel).end()
	if err == nil {
		r.archiveWell()
		return
	}
	r.archiveFailed(err)
	if left > 0 {
		r.log.Error("the end of a recording waits for an archive that hangs, and is in the spool alone if the process ends before",
			"hearing", r.hearing.ID, "channel", r.channel, "seconds", left.Seconds())
	}
}

// archiveBlock takes samples of the source's rate for the archive, which gets those of a
// chunk at once: handing over costs more than writing.
func (r *recorder) archiveBlock(first SampleIndex, block []int16) {
	if r.track == nil {
		return
	}
	if len(r.blocks) == 0 {
		r.blocksFrom = first
	}
	if r.blocks = append(r.blocks, block...); len(r.blocks) >= r.rate/heldParts {
		r.archiveHeld()
	}
}

// archiveHeld hands over what is held, before a chunk of it goes to the spool. Its
// failure stops nothing else.
func (r *recorder) archiveHeld() {
	if r.track == nil || len(r.blocks) == 0 {
		return
	}
	first := r.blocksFrom
	j := archiveJob{track: r.track, resume: r.resume, first: first, wall: r.wall(r.place(first)), role: r.holder().Role, samples: r.blocks}
	r.blocks = r.blocks[:0]
	if r.clock != nil {
		if j.ppm, j.drifts = r.clock.drift(); j.drifts {
			j.ppm = math.Round(j.ppm*100) / 100
		}
	}
	since, err := r.archive.queue(r.channel).write(j)
	r.kept = since.IsZero() && err == nil
	switch {
	case errors.Is(err, errArchiveFull):
		r.archiveBehind(since)
	case err != nil:
		r.archiveFailed(err)
	case r.kept:
		r.archiveWell()
	}
}

func (r *recorder) archiveWell() {
	if r.unarchived {
		r.unarchived = false
		r.alarms.clear(alarmArchive, r.channel)
	}
}

func (r *recorder) archiveFailed(err error) {
	r.raiseArchive(err, Alarm{
		Text:   fmt.Sprintf("%s（%s）的本机录音存档无法写入（%v）；暂存区照常录音。请检查磁盘或网络盘", r.holder().Role, r.channel, err),
		TextEN: fmt.Sprintf("The local archive of %s (%s) cannot be written (%v); the spool goes on recording. Check the disk or network drive", r.holder().Role, r.channel, err),
	})
}

// archiveBehind tells of sound that is left out of the archive.
func (r *recorder) archiveBehind(since time.Time) {
	at := since.Local().Format("15:04:05")
	r.raiseArchive(errArchiveFull, Alarm{
		Text:   fmt.Sprintf("%s（%s）的本机录音存档自 %s 起跟不上或没有响应，存档中将缺这一段；暂存区照常保存。请检查磁盘或网络盘", r.holder().Role, r.channel, at),
		TextEN: fmt.Sprintf("The local archive of %s (%s) has not kept up, or not answered, since %s, and will lack what is said; the spool keeps it. Check the disk or network drive", r.holder().Role, r.channel, at),
	})
}

func (r *recorder) raiseArchive(err error, a Alarm) {
	r.unarchived = true
	a.Code, a.Hearing, a.Channel = alarmArchive, r.hearing.ID, r.channel
	if r.alarms.raise(a) {
		r.log.Error("archive cannot be written", "hearing", r.hearing.ID, "channel", r.channel, "err", err)
	}
}

func (r *recorder) sourceFailed(err error) {
	r.alarms.sourceFailed(r.hearing.ID, r.holder(), err, r.log)
}

// sourceFailed raises the alarm of a seat that cannot be heard; hearing is empty
// between hearings.
func (a *alarms) sourceFailed(hearing string, seat Seat, err error, log *slog.Logger) {
	zh, en := fmt.Sprint(err), fmt.Sprint(err)
	var known *SourceError
	if errors.As(err, &known) {
		zh, en = known.Text, known.TextEN
	}
	if a.raise(Alarm{
		Code: alarmSource, Hearing: hearing, Channel: seat.Channel,
		Text:   fmt.Sprintf("%s（%s）没有声音输入：%s", seat.Role, seat.Channel, zh),
		TextEN: fmt.Sprintf("No sound from %s (%s): %s", seat.Role, seat.Channel, en),
	}) {
		log.Error("source failed", "hearing", hearing, "channel", seat.Channel, "err", err)
	}
}
