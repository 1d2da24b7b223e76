package capture

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// countingLog takes everything and keeps only how much it was.
type countingLog struct{ chunks int }

func (l *countingLog) Send(_ context.Context, _ string, messages []Message) error {
	l.chunks += len(messages)
	return nil
}

// spoolAndArchive are empty, of a courtroom, with a log that nobody reads.
func spoolAndArchive(t *testing.T) (*Spool, *Archive, *slog.Logger) {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	spool, err := OpenSpool(SpoolConfig{Dir: dir + "/spool", Courtroom: "ct01"}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { spool.Close() })
	archive, err := OpenArchive(dir+"/archive", "ct01", log)
	if err != nil {
		t.Fatal(err)
	}
	return spool, archive, log
}

// TestSteadyMemory takes eight seats of a card of 48 kHz through archive, spool and
// sender, in one goroutine: what a chunk costs in memory when everything goes well.
func TestSteadyMemory(t *testing.T) {
	const seats, seconds, rate, runs = 8, 2, 48000, 4
	spool, archive, log := spoolAndArchive(t)
	var all alarms
	out := make(chan queued, queueChunks*seats)
	broker := &countingLog{}
	snd := newSender(spool, archive, broker, PCM, "ct01", &all, log)
	snd.going = "2026-11-27-a-long-name-of-a-hearing"
	reader := spool.Reader(func(hearing string) bool { return hearing == snd.going })
	defer reader.Close()
	wanted := snd.wanted
	w := &writer{spool: spool, in: out, alarms: &all, log: log, courtroom: "ct01"}
	var recorders []*recorder
	for i := range seats {
		r := &recorder{
			hearing: Hearing{ID: snd.going}, channel: "seat" + string(rune('a'+i)), spool: spool, archive: archive, out: out,
			held: func(string) Receipt { return Receipt{} }, alarms: &all, log: log,
			slots: make(chan struct{}, queueChunks), asleep: func() time.Duration { return 0 },
		}
		r.done = func(error) { <-r.slots }
		r.seat.Store(&Seat{Channel: r.channel, Role: "证人"})
		defer r.closeTrack()
		recorders = append(recorders, r)
	}
	block := make([]int16, rate/blocksPerSecond)
	for i := range block {
		block[i] = int16(i)
	}
	ctx := t.Context()
	at := time.Now()
	var batch []Chunk
	var waiting []queued
	second := func() {
		for range blocksPerSecond {
			at = at.Add(time.Second / blocksPerSecond)
			for _, r := range recorders {
				r.takeLive(ctx, block, rate, at)
			}
			batch, waiting = batch[:0], waiting[:0]
			for len(out) > 0 {
				q := <-out
				batch, waiting = append(batch, q.chunk), append(waiting, q)
			}
			if len(batch) == 0 {
				continue
			}
			if err := w.append(ctx, batch, waiting); err != nil {
				t.Fatal(err)
			}
			for _, q := range waiting {
				q.done(nil)
			}
			chunks, err := reader.Next(sendMost, wanted)
			if err != nil || len(chunks) != len(batch) {
				t.Fatal(len(chunks), len(batch), err)
			}
			snd.deliver(ctx, chunks)
			for i := range chunks {
				got := Receipt{Hearing: chunks[i].Hearing, Channel: chunks[i].Channel, Epoch: 1, Seq: chunks[i].Seq}
				snd.receipt(got)
				if err := spool.Confirm(got); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for range 5 { // buffers find their size
		second()
	}
	before := broker.chunks
	made := testing.AllocsPerRun(runs, func() {
		for range seconds {
			second()
		}
	})
	chunks := float64(broker.chunks-before) / (runs + 1) // AllocsPerRun runs once more than it counts
	each := made / chunks
	t.Logf("%.2f allocations a chunk, %.0f in %d s of %d seats", each, made, seconds, seats)
	// Three a request, and those of the archive's head every two seconds.
	if each > 0.75 {
		t.Errorf("%.2f allocations a chunk", each)
	}
}

// TestListenerLetsGoWhatIsRead: before a hearing all that may belong to it is held, and
// while it is recorded only what it has not read yet, however late that is.
func TestListenerLetsGoWhatIsRead(t *testing.T) {
	const rate = 48000
	l := NewListener(SeatSource{Channel: "judge"}, standardPreroll, slog.New(slog.DiscardHandler))
	at, n := time.Now(), int16(0)
	hear := func(d time.Duration) {
		block := make([]int16, rate/blocksPerSecond)
		for range d / (time.Second / blocksPerSecond) {
			at = at.Add(time.Second / blocksPerSecond)
			for i := range block {
				n++
				block[i] = n
			}
			l.put(heardBlock{samples: block, rate: rate, arrived: at})
		}
	}
	hear(time.Minute)
	if l.held < standardPreroll+tapSlack-time.Second {
		t.Fatalf("%v are held for a hearing", l.held)
	}
	since := at.Add(-standardPreroll)
	stream, err := l.tap(since).Open(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var want int16
	buf := make([]int16, rate)
	read := func(d time.Duration) {
		for left := int(SamplesIn(d)) * rate / Rate; left > 0; {
			got, _, err := stream.Read(t.Context(), buf[:min(left, len(buf))])
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range buf[:got] {
				if want++; s != want {
					t.Fatalf("heard %d, not %d", s, want)
				}
			}
			left -= got
		}
	}
	want = n - int16(int64(standardPreroll/time.Second)*rate%(1<<16))
	read(standardPreroll)
	hear(time.Second / blocksPerSecond)
	if l.held > time.Second || len(l.free) > freeMost {
		t.Errorf("%v are held when all is read, and %d blocks to be used again", l.held, len(l.free))
	}
	hear(20 * time.Second) // it cannot read
	read(20 * time.Second)
	if hear(time.Second); l.held > 2*time.Second {
		t.Errorf("%v are held", l.held)
	}
}
