package capture

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A drive may hang: a network drive whose server is gone answers neither with
// success nor with an error. So nothing that records, sends or reports ever waits
// for the archive without an end. What writes is an archiveQueue, what reads is
// awaited, and what is under way too long is an alarm.

const (
	// archivePatience is how long a seat waits for its archive at once. A drive
	// may have half of a seat's time; what is beyond that comes off its patience.
	archivePatience = 2 * time.Second
	// archiveWaits is how much of a seat's sound waits in memory for the archive,
	// 1.9 MB at 48 kHz; what is beyond it is in the spool alone.
	archiveWaits = 20 * time.Second
	// archiveHangs is how long one thing may be under way before the drive is
	// said to hang, and how long the end of a recording waits for its archive.
	archiveHangs = 5 * time.Second
	// retryArchive is the pause after the drive has given an error.
	retryArchive = 5 * time.Second
	// keepSpans is how many places of a seat's archive are remembered: far more
	// than there are gaps while a chunk waits for the spool.
	keepSpans = 32
)

// errArchiveFull says that the archive was given more than it takes.
var errArchiveFull = errors.New("the drive does not keep up, or does not answer at all")

// errArchiveStopped says that the archive leaves what room there is to the spool.
var errArchiveStopped = errors.New("the disk is nearly full, and its last room is kept for the spool")

// archiveQueue takes the sound of one channel to its archive. While the drive is
// well who writes waits until it is done, so that the archive has all that the
// spool is given; while it is not, sound waits in memory, and then is left out of the
// archive, as a gap of the right length. One goroutine writes at a time.
type archiveQueue struct {
	archive *Archive

	// Of the goroutine that writes sound.
	patience time.Duration
	timer    *time.Timer
	finished chan struct{} // holds one token when a job is done

	// Of the queue's own goroutine.
	track   *Track // that is being written; nil: none
	resumed bool   // track stands where it is to go on
	retry   time.Time

	mu      sync.Mutex
	more    chan struct{} // holds one token when there are jobs
	jobs    []archiveJob
	free    [][]int16 // memory of jobs that are done
	waiting time.Duration
	running bool   // there is a goroutine
	posted  uint64 // jobs
	done    uint64
	since   time.Time // when the first of those that wait was posted
	left    int64     // samples that were left out since it kept up
	err     error     // of the last job
	sync    bool      // what is written is to be made durable
	spans   []archiveSpan
}

// archiveJob is a block of an epoch, or, without a track, its end.
type archiveJob struct {
	sync    bool // all before it is made durable
	track   *Track
	resume  SampleIndex // where track begins or goes on
	first   SampleIndex
	wall    time.Time
	role    string
	drifts  bool
	ppm     float64
	samples []int16
}

func (j *archiveJob) length() time.Duration {
	if j.track == nil {
		return 0
	}
	return lengthOf(len(j.samples), j.track.side.Rate)
}

// archiveSpan is a stretch of an epoch that the archive holds, in samples of its
// rate: all from from to to, durably as far as synced.
type archiveSpan struct {
	track            *Track
	from, to, synced SampleIndex
}

// inArchive is where a chunk's samples stand in the archive.
type inArchive struct {
	queue    *archiveQueue // nil: nowhere
	track    *Track
	from, to SampleIndex // of its rate
}

// durable says whether the archive holds all of it, come what may. Where it does
// not yet, that is asked for.
func (a inArchive) durable() bool {
	if a.queue == nil || a.track == nil {
		return false
	}
	q := a.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.spans {
		if s.track == a.track && s.from <= a.from && a.to <= s.synced {
			return true
		}
	}
	q.sync = true
	q.wake()
	return false
}

// queue is that of a channel, for as long as the archive is open: however often
// a hearing begins anew while the drive hangs, there is one.
func (a *Archive) queue(channel string) *archiveQueue {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.queues[channel]
	if q == nil {
		q = &archiveQueue{archive: a, patience: archivePatience, finished: make(chan struct{}, 1), more: make(chan struct{}, 1)}
		a.queues[channel] = q
	}
	return q
}

// wake is to be called with the lock held.
func (q *archiveQueue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// write archives a block, which it copies. Where that is not done in time, since says
// from when on the drive is behind: the block is written when it answers, or, with
// [errArchiveFull], left out. Else the error is that of the drive.
func (q *archiveQueue) write(j archiveJob) (since time.Time, err error) {
	q.patience = min(archivePatience, q.patience+j.length()/2)
	number, since, err := q.post(j)
	if err != nil || !since.IsZero() {
		return since, err
	}
	done := q.wait(number, &q.patience)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !done && q.done < number {
		return q.since, nil
	}
	return time.Time{}, q.err
}

// post puts a job into the queue. Where it is not the only one, since says how long
// they have been waiting.
func (q *archiveQueue) post(j archiveJob) (number uint64, since time.Time, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.posted != q.done {
		since = q.since
	} else {
		q.since = time.Now()
	}
	if length := j.length(); len(j.samples) > 0 {
		if q.waiting+length > archiveWaits {
			q.left += int64(len(j.samples))
			return 0, since, errArchiveFull
		}
		q.waiting += length
		var memory []int16
		if n := len(q.free); n > 0 {
			memory, q.free = q.free[n-1], q.free[:n-1]
		}
		j.samples = append(memory[:0], j.samples...)
	}
	q.jobs = append(q.jobs, j)
	q.posted++
	if !q.running {
		q.running = true
		go q.run()
	}
	q.wake()
	return q.posted, since, nil
}

// wait returns true when a job is done, and false when it is not for as long as
// patience, which it takes the time from.
func (q *archiveQueue) wait(number uint64, patience *time.Duration) bool {
	began := time.Now()
	defer func() { *patience = max(0, *patience-time.Since(began)) }()
	if q.timer == nil {
		q.timer = time.NewTimer(*patience)
	}
	q.timer.Reset(*patience)
	defer q.timer.Stop()
	for {
		q.mu.Lock()
		done := q.done >= number
		q.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-q.finished:
		case <-q.timer.C:
			return false
		}
	}
}

// flush makes all durable that a track was given. It returns false where that is
// not done in time, as write does.
func (q *archiveQueue) flush(track *Track, resume SampleIndex) (ok bool, err error) {
	number, since, _ := q.post(archiveJob{track: track, resume: resume, sync: true})
	if !since.IsZero() || !q.wait(number, &q.patience) {
		return false, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err == nil, q.err
}

// end closes the file that is written, when all is in it. It waits for that as long
// as a drive may take that does not hang. What is left then will be written if
// the drive answers while the process lives.
func (q *archiveQueue) end() (left time.Duration, err error) {
	q.mu.Lock()
	running, number := q.running, q.posted
	closing := len(q.jobs) > 0 && q.jobs[len(q.jobs)-1].track == nil
	q.mu.Unlock()
	if !running {
		return 0, nil
	}
	if !closing {
		number, _, _ = q.post(archiveJob{}) // an end is never left out
	}
	patience := archiveHangs
	done := q.wait(number, &patience)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !done {
		return q.waiting, errArchiveFull
	}
	return 0, q.err
}

// run does the jobs, and ends when the last was an end.
func (q *archiveQueue) run() {
	<-q.archive.opened
	for {
		q.mu.Lock()
		var j archiveJob
		some := len(q.jobs) > 0
		if some {
			j = q.jobs[0]
		}
		sync := q.sync
		q.sync = false
		if !some && !sync && q.track == nil {
			q.running = false
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		if some {
			written, err := q.do(j)
			q.settle(j, written, err)
		}
		if sync && q.track != nil {
			q.syncTrack()
		}
		if !some && !sync {
			<-q.more
		}
	}
}

// do does a job. It reports whether its samples are written.
func (q *archiveQueue) do(j archiveJob) (written bool, err error) {
	defer q.archive.end(q.archive.begin())
	if q.track != j.track {
		if q.track != nil {
			err = q.track.Close()
			q.synced(err)
		}
		q.track, q.resumed = j.track, false
		if err != nil {
			q.retry = time.Now().Add(retryArchive)
		}
	}
	if j.track == nil {
		q.retry = time.Time{}
		return false, err
	}
	if err != nil || time.Now().Before(q.retry) {
		return false, err
	}
	if q.archive.stopped.Load() {
		return false, errArchiveStopped
	}
	if !q.resumed {
		err = j.track.Resume(j.resume)
		q.resumed = err == nil
	}
	if err == nil && len(j.samples) > 0 {
		if j.drifts {
			j.track.drifts(j.ppm)
		}
		err = j.track.Write(j.first, j.wall, j.role, j.samples)
		written = err == nil
	}
	if err == nil && j.sync {
		err = j.track.Sync()
	}
	if err != nil {
		q.retry = time.Now().Add(retryArchive)
	} else {
		q.retry = time.Time{}
	}
	if j.sync {
		q.synced(err)
	}
	return written, err
}

// settle takes a job out of the queue.
func (q *archiveQueue) settle(j archiveJob, written bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if written {
		end := j.first + SampleIndex(len(j.samples))
		if n := len(q.spans); n == 0 || q.spans[n-1].track != j.track || q.spans[n-1].to != j.first {
			if n == keepSpans {
				q.spans = slices.Delete(q.spans, 0, 1)
			}
			q.spans = append(q.spans, archiveSpan{track: j.track, from: j.first, to: end, synced: j.first})
		} else {
			q.spans[n-1].to = end
		}
		if at := j.track.durable(); at > q.spans[len(q.spans)-1].synced {
			q.spans[len(q.spans)-1].synced = at
		}
	}
	switch {
	case err != nil:
		q.failed(err)
	case written, j.track == nil:
		q.err = nil
	}
	if len(j.samples) > 0 {
		q.waiting -= j.length()
		q.free = append(q.free, j.samples)
	}
	q.jobs = slices.Delete(q.jobs, 0, 1)
	q.done++
	if len(q.jobs) > 0 {
		return
	}
	if len(q.free) > 1 { // the memory of a time when it was behind
		q.free = slices.Clone(q.free[:1])
	}
	if q.left > 0 {
		q.archive.log.Warn("the archive keeps up again; it lacks what it could not take, which the spool has",
			"courtroom", q.archive.courtroom, "samples", q.left)
		q.left = 0
	}
	select {
	case q.finished <- struct{}{}:
	default:
	}
}

// syncTrack makes what is written durable.
func (q *archiveQueue) syncTrack() {
	defer q.archive.end(q.archive.begin())
	err := q.track.Sync()
	if err != nil {
		q.retry = time.Now().Add(retryArchive)
	}
	q.synced(err)
}

// synced notes whether all that is written of the present track is durable.
func (q *archiveQueue) synced(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.failed(err)
		return
	}
	for i := range q.spans {
		if q.spans[i].track == q.track {
			q.spans[i].synced = q.spans[i].to
		}
	}
}

// failed notes an error, after which nobody knows of what was not durable before. It
// is to be called with the lock held.
func (q *archiveQueue) failed(err error) {
	q.err = err
	for i := range q.spans {
		if q.spans[i].track == q.track {
			q.spans[i].to = q.spans[i].synced
		}
	}
}

// begin notes that something is under way on the archive's drive, until end.
func (a *Archive) begin() (number uint64) {
	a.mu.Lock()
	a.number++
	number = a.number
	a.busy[number] = time.Now()
	a.mu.Unlock()
	if a.gate != nil {
		a.gate()
	}
	return number
}

func (a *Archive) end(number uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.busy, number)
}

// under does something on the archive's drive.
func (a *Archive) under(f func() error) error {
	defer a.end(a.begin())
	return f()
}

// hangs says whether the drive has not answered for long, and since when.
func (a *Archive) hangs() (since time.Time, yes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, at := range a.busy {
		if since.IsZero() || at.Before(since) {
			since = at
		}
	}
	return since, !since.IsZero() && time.Since(since) >= archiveHangs
}

// await has f use the archive's drive, and returns true when it has. Where ctx ends
// before, f goes on by itself: all that it writes to is left to it.
func (a *Archive) await(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer a.end(a.begin())
		f()
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
