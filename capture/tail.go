package capture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// The archive is written before the spool, and goes on where the spool cannot:
// after a crash, or a disk that was full, it holds sound of an epoch's end that
// has no numbers yet. Here it gets them. The samples stay where they are; the
// sender reads them there.

// tail are the chunks of what the archive holds of a channel's epoch beyond what
// the spool knows. An epoch that goes on gets whole chunks only.
func (a *Archive) tail(hearing, channel string, ch SpoolChannel, goesOn bool) ([]Chunk, error) {
	// A last chunk that is not whole was the end of its epoch.
	length := chunkLength(ch.Chunk)
	if ch.Epoch == 0 || ch.End != NotEnd || ch.Next%length != 0 {
		return nil, nil
	}
	r := a.reader(hearing)
	defer r.close()
	var chunks []Chunk
	sound := make([]int16, length)
	for at := ch.Next; ; at += length {
		n, wall, err := r.sound(channel, ch.Epoch, at, sound, func(SampleIndex) bool { return !goesOn })
		if err != nil && !errors.Is(err, errNotArchived) && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if n < len(sound) && goesOn || n == 0 {
			return chunks, nil
		}
		if wall.IsZero() { // of an earlier version, killed before it had written the time down
			wall = ch.OpenedAt.Add(at.Duration())
		}
		chunks = append(chunks, Chunk{
			Hearing: hearing, Channel: channel, Epoch: ch.Epoch, First: at, CapturedAt: wall.UTC(), archived: n,
		})
		if n < len(sound) {
			return chunks, nil
		}
	}
}

// tailSoon is tail of a drive that may hang: it fails when that takes too long.
func (a *Archive) tailSoon(ctx context.Context, hearing, channel string, ch SpoolChannel, goesOn bool) ([]Chunk, error) {
	ctx, cancel := context.WithTimeout(ctx, archiveHangs)
	defer cancel()
	var chunks []Chunk
	var err error
	if !a.await(ctx, func() { chunks, err = a.tail(hearing, channel, ch, goesOn) }) {
		return nil, errArchiveHangs
	}
	return chunks, err
}

// errArchiveHangs says that the archive's drive does not answer.
var errArchiveHangs = errors.New("the drive of the archive does not answer")

// appendTail takes chunks that only the archive has behind what the spool has of
// their channel, and says how many samples that was.
func (s *Spool) appendTail(ch SpoolChannel, chunks []Chunk) (SampleIndex, error) {
	n := SampleIndex(0)
	for len(chunks) > 0 {
		batch := chunks[:min(len(chunks), gatherMost)]
		if err := s.Append(batch); err != nil {
			return 0, fmt.Errorf("number what the archive holds of %s: %w", Key(chunks[0].Hearing, chunks[0].Channel), err)
		}
		n = batch[len(batch)-1].Next() - ch.Next
		chunks = chunks[len(batch):]
	}
	return n, nil
}

// numberTails does it for every channel, when the daemon starts, as far as the
// archive answers.
func (d *Daemon) numberTails(ctx context.Context, s *Spool, a *Archive) {
	live := map[string]bool{}
	for _, seat := range d.seatList() {
		live[seat.Channel] = !seat.Source.Resumable()
	}
	for _, key := range s.keys() {
		hearing, channel, _ := strings.Cut(key, "/")
		ch, _ := s.Channel(hearing, channel)
		n := SampleIndex(0)
		chunks, err := a.tailSoon(ctx, hearing, channel, ch, !live[channel])
		if err == nil {
			n, err = s.appendTail(ch, chunks)
		}
		switch {
		case errors.Is(err, errArchiveHangs):
			d.log.Error("sound that an earlier process has left in the archive is not sent: its drive does not answer", "courtroom", d.cfg.Courtroom)
			return
		case err != nil:
			d.log.Warn("sound that an earlier process has left in the archive cannot be sent", "channel", key, "err", err)
		case n > 0:
			d.log.Info("sound that an earlier process has left in the archive will be sent", "channel", key, "samples", n)
		}
	}
}
