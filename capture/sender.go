package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Log takes chunks to audio.v1.
type Log interface {
	// Send appends messages of a courtroom, in order, and returns when the
	// broker has acknowledged all of them. It tries again by itself what can
	// be tried again, until ctx ends; its error is one that needs a person.
	Send(ctx context.Context, courtroom string, messages []Message) error
}

const (
	sendMost = 512 << 10 / (2 * ChunkSamples) // chunks in one request, 512 KB of PCM
	// sendSlow is how long a request may take before somebody is told.
	sendSlow = 2 * time.Second
	// sendPause follows a request that was refused for good.
	sendPause = time.Second
	// wantAgain is how long a request to send again is held to be answered.
	wantAgain = 10 * time.Second
	// unconfirmedFor is how long a channel may be acknowledged by the broker and
	// not confirmed by the record server before it is sent again, for the case
	// that the broker has lost it. It doubles with every vain attempt.
	unconfirmedFor = 5 * time.Minute
)

// sender takes a courtroom's chunks from the spool to the log: one goroutine,
// one request at a time, so that their order holds. The hearing under way goes
// first; what waits of earlier ones follows behind it, no faster than it may.
type sender struct {
	spool     *Spool
	archive   *Archive
	log       Log
	codec     Codec
	courtroom string
	alarms    *alarms
	slog      *slog.Logger

	filled, lost atomic.Uint64 // chunks that the spool had lost: found in the archive, or not

	began atomic.Int64 // Unix nanoseconds when the request under way began; 0: none

	going   string                    // live, as the readers know it
	cap     int64                     // bytes a second for what is not of the hearing under way; 0: any
	own     names                     // of run
	next    map[string]uint64         // of deliver
	readers map[string]*archiveReader // by channel key, while the spool lacks sound
	timer   *time.Timer               // of idle

	mu       sync.Mutex
	channels map[string]*sending
	names    names
	live     string        // the hearing under way, or the last one
	again    chan struct{} // holds one token when something is to be sent again
}

// sending is how far one channel has been sent.
type sending struct {
	next     uint64 // number of the chunk to send next; 0: whatever comes
	want     uint64 // send again from here; 0: no
	wanted   uint64 // the last request that was answered
	answered time.Time
	// confirmed is the last receipt, and moved when it last grew or the channel
	// was sent again; patience is how long to wait from then.
	confirmed uint64
	moved     time.Time
	patience  time.Duration
}

func newSender(spool *Spool, archive *Archive, log Log, codec Codec, courtroom string, a *alarms, l *slog.Logger) *sender {
	return &sender{spool: spool, archive: archive, log: log, codec: codec, courtroom: courtroom, alarms: a, slog: l,
		readers: map[string]*archiveReader{}, channels: map[string]*sending{}, again: make(chan struct{}, 1)}
}

// setLive says which hearing goes first.
func (s *sender) setLive(hearing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = hearing
	s.wake()
}

// channel is to be called with the lock held.
func (s *sender) channel(key string) *sending {
	c := s.channels[key]
	if c == nil {
		c = &sending{moved: time.Now(), patience: unconfirmedFor}
		hearing, channel, _ := strings.Cut(key, "/")
		if known, ok := s.spool.Channel(hearing, channel); ok {
			c.confirmed = known.Confirmed
		}
		s.channels[key] = c
	}
	return c
}

// receipt takes what the record server says of a channel of this courtroom.
func (s *sender) receipt(r Receipt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(s.names.key(r.Hearing, r.Channel))
	if r.Seq > c.confirmed {
		c.confirmed, c.moved, c.patience = r.Seq, time.Now(), unconfirmedFor
	}
	if r.Want == 0 {
		c.wanted = 0
		return
	}
	// The server asks every few seconds until it has what it wants.
	if r.Want >= c.next && c.next > 0 || r.Want == c.wanted && time.Since(c.answered) < wantAgain {
		return
	}
	c.want, c.wanted, c.answered = r.Want, r.Want, time.Now()
	s.wake()
}

func (s *sender) wake() {
	select {
	case s.again <- struct{}{}:
	default:
	}
}

// run sends until ctx ends.
func (s *sender) run(ctx context.Context) {
	first := s.spool.Reader(func(hearing string) bool { return hearing == s.going })
	rest := s.spool.Reader(func(hearing string) bool { return hearing != s.going })
	defer first.Close()
	defer rest.Close()
	defer s.closeReaders()
	wanted, failed := s.wanted, false
	missing := map[string]uint64{}
	var may time.Time            // when the rest may be sent again
	var ending map[string]uint64 // what was not confirmed when the end was reached; nil: it was not
	for ctx.Err() == nil {
		s.rewind(first, rest)
		chunks, err := first.Next(sendMost, wanted)
		if err == nil && len(chunks) > 0 {
			ending = nil
			s.deliver(ctx, chunks)
			continue
		}
		if wait := time.Until(may); err == nil && wait > 0 {
			s.idle(ctx, first.More(), wait)
			continue
		}
		if err == nil {
			chunks, err = rest.Next(s.restMost(), wanted)
		}
		if err != nil {
			if !failed {
				s.slog.Error("spool cannot be read", "courtroom", s.courtroom, "err", err)
			}
			failed = true
			pause(ctx, sendPause)
			continue
		}
		failed = false
		switch {
		case len(chunks) > 0:
			ending = nil
			may = s.nextRest(chunks)
			s.deliver(ctx, chunks)
		case ending == nil:
			ending = s.spool.unconfirmed(missing) // and look once more
		default:
			// What is not confirmed and was not found on the way is lost.
			some := s.fillTails(ctx, ending)
			if ending = nil; !some {
				s.closeReaders()
				s.idle(ctx, first.More(), time.Hour)
			}
		}
	}
}

// idle waits for something to do.
func (s *sender) idle(ctx context.Context, more <-chan struct{}, most time.Duration) {
	if s.timer == nil {
		s.timer = time.NewTimer(most)
	}
	s.timer.Reset(most)
	defer s.timer.Stop()
	select {
	case <-ctx.Done():
	case <-more:
	case <-s.again:
	case <-s.timer.C:
	}
}

// restMost is how many chunks of the rest go into one request: the hearing under
// way waits for no more than a tenth of a second of the line.
func (s *sender) restMost() int {
	if s.cap == 0 {
		return sendMost
	}
	return int(min(max(1, s.cap/10/(2*ChunkSamples)), sendMost))
}

// nextRest is when the line is free again for the rest.
func (s *sender) nextRest(sent []Chunk) time.Time {
	if s.cap == 0 {
		return time.Time{}
	}
	n := int64(0)
	for i := range sent {
		n += 2 * int64(sent[i].Next()-sent[i].First)
	}
	return time.Now().Add(time.Duration(n) * time.Second / time.Duration(s.cap))
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// wanted says whether a chunk is still to be sent, and takes it.
func (s *sender) wanted(c *Chunk) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channel(s.names.key(c.Hearing, c.Channel))
	return c.Seq > ch.confirmed && c.Seq >= ch.next
}

// rewind answers what the record server has asked for, and a change of what goes
// first: each reader has passed over what was the other's.
func (s *sender) rewind(readers ...*SpoolReader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.going != s.live {
		s.going = s.live
		for key := range s.spool.unconfirmed(map[string]uint64{}) {
			c := s.channel(key)
			for _, r := range readers {
				r.Rewind(key, max(c.next, c.confirmed+1))
			}
		}
	}
	for key, c := range s.channels {
		if c.want == 0 {
			continue
		}
		want := c.want
		c.want = 0
		if want <= c.confirmed {
			// It lost what it had confirmed; often only the archive still has it.
			c.confirmed = want - 1
		}
		c.next = want
		// Where it is not there any more, the archive has to fill the gap.
		there := false
		for _, r := range readers {
			there = r.Rewind(key, want)
		}
		s.slog.Warn("audio is sent again", "courtroom", s.courtroom, "channel", key, "seq", want, "found", there)
	}
}

// impatient sends channels again whose receipts have not come for long.
func (s *sender) impatient() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.channels {
		if c.next > c.confirmed+1 && time.Since(c.moved) > c.patience {
			c.want, c.moved, c.patience = c.confirmed+1, time.Now(), 2*c.patience
			s.wake()
		}
	}
}

// messages are what a request has, in memory of its own: a client that tries
// again may hold that beyond its answer.
func (s *sender) messages(chunks []Chunk) []Message {
	size := 0
	for i := range chunks {
		size += chunks[i].messageBytes()
	}
	memory, headers := make([]byte, size), make([]Header, headerCount*len(chunks))
	messages := make([]Message, 0, len(chunks))
	for i := range chunks {
		n := chunks[i].messageBytes()
		m, err := chunks[i].message(s.codec, memory[:0:n], headers[:0:headerCount])
		memory, headers = memory[n:], headers[headerCount:]
		if err != nil {
			// It was read from the spool, which holds it to the same bounds.
			s.slog.Error("chunk cannot be sent", "courtroom", s.courtroom, "err", err)
			continue
		}
		messages = append(messages, m)
	}
	return messages
}

// send returns when the broker has the chunks, or ctx has ended.
func (s *sender) send(ctx context.Context, chunks []Chunk) {
	if len(chunks) == 0 || ctx.Err() != nil {
		return
	}
	messages := s.messages(chunks)
	for {
		s.began.Store(time.Now().UnixNano())
		err := s.log.Send(ctx, s.courtroom, messages)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		s.unreachable(err)
		pause(ctx, sendPause)
	}
	s.began.Store(0)
	s.alarms.clear(alarmBroker, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range chunks {
		c := s.channel(s.names.key(chunks[i].Hearing, chunks[i].Channel))
		if c.next <= c.confirmed+1 { // nothing was waiting for its receipt
			c.moved = time.Now()
		}
		if c.want == 0 {
			c.next = chunks[i].Seq + 1
		}
		c.answered = time.Now()
	}
}

// watch is called every second: it raises an alarm when the request under way
// takes too long, and sees to receipts that do not come.
func (s *sender) watch() {
	s.impatient()
	began := s.began.Load()
	if began != 0 && time.Since(time.Unix(0, began)) > sendSlow {
		s.unreachable(context.DeadlineExceeded)
	}
}

func (s *sender) unreachable(err error) {
	why := ""
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		why = fmt.Sprintf("（%v）", err)
	}
	first := s.alarms.raise(Alarm{
		Code:   alarmBroker,
		Text:   fmt.Sprintf("法庭 %s：无法把录音发送到服务器%s；录音继续保存在本机，请检查网络", s.courtroom, why),
		TextEN: fmt.Sprintf("Courtroom %s: audio cannot be sent to the server%s; it is kept on this machine, check the network", s.courtroom, why),
	})
	if first {
		s.slog.Warn("audio cannot be sent", "courtroom", s.courtroom, "err", err)
	}
}
