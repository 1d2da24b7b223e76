package capture

import (
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
		chunks = append(chunks, Chunk{
			Hearing: hearing, Channel: channel, Epoch: ch.Epoch, First: at, CapturedAt: wall.UTC(), archived: n,
		})
		if n < len(sound) {
			return chunks, nil
		}
	}
}

// numberTail takes a channel's tail into the spool, and says how many samples
// that was.
func numberTail(s *Spool, a *Archive, hearing, channel string, goesOn bool) (SampleIndex, error) {
	ch, _ := s.Channel(hearing, channel)
	chunks, err := a.tail(hearing, channel, ch, goesOn)
	if err != nil || len(chunks) == 0 {
		return 0, err
	}
	n := chunks[len(chunks)-1].Next() - ch.Next
	for len(chunks) > 0 {
		batch := chunks[:min(len(chunks), gatherMost)]
		if err := s.Append(batch); err != nil {
			return 0, fmt.Errorf("number what the archive holds of %s: %w", Key(hearing, channel), err)
		}
		chunks = chunks[len(batch):]
	}
	return n, nil
}

// numberTails does it for every channel, when the daemon starts.
func (d *Daemon) numberTails(s *Spool, a *Archive) {
	live := map[string]bool{}
	for _, seat := range d.seatList() {
		live[seat.Channel] = !seat.Source.Resumable()
	}
	for _, key := range s.keys() {
		hearing, channel, _ := strings.Cut(key, "/")
		n, err := numberTail(s, a, hearing, channel, !live[channel])
		switch {
		case err != nil:
			d.log.Warn("sound that an earlier process has left in the archive cannot be sent", "channel", key, "err", err)
		case n > 0:
			d.log.Info("sound that an earlier process has left in the archive will be sent", "channel", key, "samples", n)
		}
	}
}
