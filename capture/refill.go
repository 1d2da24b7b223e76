package capture

import (
	"context"
	"fmt"
	"strings"
)

// deliver sends chunks as the spool gave them. Where one does not follow what
// was sent of its channel, the spool is damaged, and the archive fills the gap.
func (s *sender) deliver(ctx context.Context, chunks []Chunk) {
	chunks = s.sound(ctx, chunks)
	if ctx.Err() != nil {
		return
	}
	if s.next == nil {
		s.next = map[string]uint64{}
	}
	next := s.next
	clear(next)
	sent := 0
	for i := range chunks {
		c := &chunks[i]
		key := s.own.key(c.Hearing, c.Channel)
		// Receipts arrive while the spool is read, after a restart those of the whole
		// hearing: what the reader has passed over for them is no gap.
		want := max(next[key], s.expected(key))
		next[key] = c.Seq + 1
		if c.Seq <= want {
			continue
		}
		s.send(ctx, chunks[sent:i])
		sent = i
		c.Lost = s.fill(ctx, key, want, c.Seq-1)
	}
	s.send(ctx, chunks[sent:])
}

// sound reads the samples of chunks that only the archive has. Those that it has
// not either are left out, and show as a gap. A drive that hangs is waited for: what is
// there is not to be declared lost.
func (s *sender) sound(ctx context.Context, chunks []Chunk) []Chunk {
	whole := chunks[:0]
	for _, c := range chunks {
		if c.archived > 0 {
			key := Key(c.Hearing, c.Channel)
			r := s.readers[key]
			if r == nil {
				r = s.archive.reader(c.Hearing)
				s.readers[key] = r
			}
			c.Samples, c.archived = make([]int16, c.archived), 0
			ch, _ := s.spool.Channel(c.Hearing, c.Channel)
			c, err := c, error(nil) // of the reading alone, should it outlive us
			if !s.archive.await(ctx, func() { _, err = r.read(c.Channel, c.Epoch, c.First, c.Samples, ch.ends(c.Epoch)) }) {
				delete(s.readers, key)
				return nil
			}
			if err != nil {
				continue
			}
			whole = append(whole, c)
			continue
		}
		whole = append(whole, c)
	}
	return whole
}

// closeReaders is for when there is nothing left to send.
func (s *sender) closeReaders() {
	for key, r := range s.readers {
		r.close()
		delete(s.readers, key)
	}
}

// expected is the number that a channel is to be sent from.
func (s *sender) expected(key string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(key)
	return max(c.next, c.confirmed+1)
}

// fillTails sends what the spool once held, by last, and has no more, of
// channels with nothing left behind it. It is to be called when the reader has
// come to an end after last was taken.
func (s *sender) fillTails(ctx context.Context, last map[string]uint64) (some bool) {
	for key, seq := range last {
		from := s.expected(key)
		if from > seq || ctx.Err() != nil {
			continue
		}
		some = true
		lost := s.fill(ctx, key, from, seq)
		if lost == 0 {
			continue
		}
		// Nothing comes behind that could carry the news: its last number does,
		// without samples.
		hearing, channel, _ := strings.Cut(key, "/")
		ch, _ := s.spool.Channel(hearing, channel)
		mark, n, ok := ch.place(seq)
		if !ok {
			mark = Chunk{Epoch: ch.Epoch, Seq: seq, First: ch.Next, CapturedAt: ch.OpenedAt.Add(ch.Next.Duration())}
		}
		mark.Hearing, mark.Channel, mark.Lost = hearing, channel, lost
		mark.First += SampleIndex(n)
		mark.CapturedAt = mark.CapturedAt.Add(SampleIndex(n).Duration())
		s.send(ctx, []Chunk{mark})
	}
	return some
}

// fill sends the numbers from seq to last of a channel as the archive has them.
// It returns the first of those at the end that nobody has, or 0.
func (s *sender) fill(ctx context.Context, key string, seq, last uint64) (lost uint64) {
	hearing, channel, _ := strings.Cut(key, "/")
	ch, _ := s.spool.Channel(hearing, channel)
	r := s.archive.reader(hearing)
	first, gone := seq, uint64(0)
	var batch []Chunk
	for ; seq <= last && ctx.Err() == nil; seq++ {
		var c Chunk
		var err error
		if !s.archive.await(ctx, func() { c, err = fromArchive(r, &ch, channel, seq) }) {
			return 0 // what it reads with is left to it
		}
		if err != nil {
			if gone == 0 {
				s.slog.Error("audio is lost: neither spool nor archive has it", "courtroom", s.courtroom, "channel", key, "seq", seq, "err", err)
			}
			gone++
			if lost == 0 {
				lost = seq
			}
			continue
		}
		c.Hearing, c.Lost, lost = hearing, lost, 0
		if batch = append(batch, c); len(batch) == sendMost {
			s.send(ctx, batch)
			batch = batch[:0]
		}
	}
	r.close()
	s.send(ctx, batch)
	if filled := last - first + 1 - gone; filled > 0 {
		s.filled.Add(filled)
		s.slog.Warn("the spool lacks audio, the archive has filled the gap", "courtroom", s.courtroom, "channel", key, "seq", first, "last", last, "filled", filled)
	}
	if gone > 0 {
		s.lost.Add(gone)
		s.alarms.raise(Alarm{
			Code: alarmMissing, Hearing: hearing, Channel: channel,
			Text:   fmt.Sprintf("%s 有 %d 段录音（第 %d 至 %d 段中）在暂存区和本机存档中都已损坏，无法补齐；请检查磁盘，并在笔录中注明", channel, gone, first, last),
			TextEN: fmt.Sprintf("%d chunks of %s, of %d to %d, are damaged in both the spool and the archive and cannot be filled; check the disk, and note it in the record", gone, channel, first, last),
		})
	}
	return lost
}

// fromArchive makes the chunk of a number again.
func fromArchive(r *archiveReader, ch *SpoolChannel, channel string, seq uint64) (Chunk, error) {
	c, n, ok := ch.place(seq)
	if !ok {
		return c, fmt.Errorf("chunk %d of %s: its place is not known", seq, channel)
	}
	c.Channel = channel
	if n == 0 {
		return c, nil
	}
	c.Samples = make([]int16, n)
	wall, err := r.read(channel, c.Epoch, c.First, c.Samples, ch.ends(c.Epoch))
	if !wall.IsZero() {
		c.CapturedAt = wall.UTC()
	}
	return c, err
}
