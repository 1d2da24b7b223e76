package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// gatherTime is how long the first chunk of a batch waits for company: a
	// sync costs the same for one as for all seats.
	gatherTime = 40 * time.Millisecond
	gatherMost = 1 << 20 / (2 * ChunkSamples) // chunks in a batch, 1 MB
	// retryWrite is the pause after the disk has refused a batch.
	retryWrite = 500 * time.Millisecond
)

// queued is a chunk on its way to the spool; done is called once, when it is
// durable or was refused for good.
type queued struct {
	chunk   Chunk
	archive inArchive // its samples too
	done    func(error)
}

// writer makes chunks of all seats of a courtroom durable, in batches. Nothing
// it was given is dropped: it tries until the disk takes it.
type writer struct {
	spool     *Spool
	in        chan queued
	alarms    *alarms
	log       *slog.Logger
	courtroom string
	seats     atomic.Int64    // that there are
	timer     *time.Timer     // of gather
	here      map[string]bool // channels in the batch; of gather
	lossy     map[string]bool // channels that losing has told of
}

// run ends when in is closed and empty, or when ctx has ended and the disk does
// not take the rest at once.
func (w *writer) run(ctx context.Context) {
	var batch []queued
	var chunks []Chunk
	for {
		q, ok := <-w.in
		if !ok {
			return
		}
		batch = w.gather(append(batch[:0], q))
		chunks = chunks[:0]
		for _, q := range batch {
			chunks = append(chunks, q.chunk)
		}
		err := w.append(ctx, chunks, batch)
		for i := range batch {
			batch[i].done(err)
			batch[i] = queued{} // let the samples go
		}
		clear(chunks)
	}
}

// gather adds to a batch what is there, and waits a moment for the seats that have
// nothing in it yet: those that keep time with each other come together.
func (w *writer) gather(batch []queued) []queued {
	if w.timer == nil {
		w.timer, w.here = time.NewTimer(gatherTime), map[string]bool{}
	}
	w.timer.Reset(gatherTime)
	defer w.timer.Stop()
	clear(w.here)
	w.here[batch[0].chunk.Channel] = true
	for len(batch) < gatherMost {
		var q queued
		ok := true
		select { // what is there costs no more
		case q, ok = <-w.in:
		default:
			if len(w.here) >= int(w.seats.Load()) {
				return batch
			}
			select {
			case q, ok = <-w.in:
			case <-w.timer.C:
				return batch
			}
		}
		if !ok {
			return batch
		}
		batch = append(batch, q)
		w.here[q.chunk.Channel] = true
	}
	return batch
}

// append tries until the chunks, which are those of the batch, are durable, or ctx
// has ended. What a full spool does not take gets its number and its place there,
// without its sound, once the archive has that for good.
func (w *writer) append(ctx context.Context, chunks []Chunk, batch []queued) error {
	for again := false; ; again = true {
		err := w.spool.Append(chunks)
		if err == nil {
			w.takes()
			for _, code := range []string{alarmDisk, alarmSpoolFull, alarmSpool} {
				if w.alarms.clear(code, "") {
					w.log.Info("spool takes audio again", "courtroom", w.courtroom)
				}
			}
			return nil
		}
		w.raise(err)
		archived := true
		for i := range batch {
			if len(batch[i].chunk.Samples) > 0 && !batch[i].archive.durable() {
				archived = false
				if again {
					w.losing(&batch[i].chunk)
				}
			}
		}
		if archived && errors.Is(err, ErrSpoolFull) {
			for i := range chunks {
				chunks[i].archived, chunks[i].Samples = len(chunks[i].Samples), nil
			}
			if err = w.spool.Append(chunks); err == nil {
				w.takes()
				return nil
			}
			for i := range chunks { // there may be room for them with their sound later
				chunks[i].archived, chunks[i].Samples = 0, batch[i].chunk.Samples
			}
		}
		if ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryWrite):
		}
	}
}

// losing tells of a chunk that neither the spool nor the archive has taken: it is
// in memory, and what is said next is too, for a while.
func (w *writer) losing(c *Chunk) {
	if w.lossy == nil {
		w.lossy = map[string]bool{}
	}
	if w.lossy[c.Channel] {
		return
	}
	w.lossy[c.Channel] = true
	if w.alarms.raise(Alarm{
		Code: alarmLost, Hearing: c.Hearing, Channel: c.Channel,
		Text:   fmt.Sprintf("%s 的录音既写不进暂存区，也写不进本机存档：只能在内存中保留约 20 秒，之后将缺失；请立即检查磁盘和网络盘", c.Channel),
		TextEN: fmt.Sprintf("Neither the spool nor the local archive takes the audio of %s: memory holds about 20 seconds, then it is lost; check disk and network drive at once", c.Channel),
	}) {
		w.log.Error("neither spool nor archive takes audio", "courtroom", w.courtroom, "channel", c.Channel)
	}
}

// takes takes back what losing has told.
func (w *writer) takes() {
	for channel := range w.lossy {
		w.alarms.clear(alarmLost, channel)
	}
	clear(w.lossy)
}

func (w *writer) raise(err error) {
	a := Alarm{
		Code: alarmSpool, Text: fmt.Sprintf("法庭 %s：录音无法写入暂存区（%v）；请检查磁盘", w.courtroom, err),
		TextEN: fmt.Sprintf("Courtroom %s: audio cannot be written to the spool (%v); check the disk", w.courtroom, err),
	}
	switch {
	case errors.Is(err, ErrSpoolFull):
		a = Alarm{
			Code: alarmSpoolFull, Text: fmt.Sprintf("法庭 %s：暂存区已满，录音只保存在本机存档；请恢复与服务器的连接", w.courtroom),
			TextEN: fmt.Sprintf("Courtroom %s: the spool is full, audio is kept in the local archive only; restore the connection to the server", w.courtroom),
		}
	case isFull(err):
		a = Alarm{
			Code: alarmDisk, Text: fmt.Sprintf("法庭 %s：磁盘已满，录音无法保存；请立即清理磁盘", w.courtroom),
			TextEN: fmt.Sprintf("Courtroom %s: the disk is full, audio cannot be saved; free space now", w.courtroom),
		}
	}
	if w.alarms.raise(a) {
		w.log.Error("spool refuses audio", "courtroom", w.courtroom, "err", err)
	}
}
