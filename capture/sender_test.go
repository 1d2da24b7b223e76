package capture

import (
	"testing"
	"time"
)

// A daemon that starts again reads its spool while the receipts of the whole hearing
// arrive: what is passed over for them is on the server, and nothing is missing.
func TestReceiptsMeanwhileAreNoGap(t *testing.T) {
	spool, archive, log := spoolAndArchive(t)
	const last = 5
	opened := time.Now()
	if err := spool.BeginEpochs("h1", []EpochStart{{Channel: "judge", OpenedAt: opened}}); err != nil {
		t.Fatal(err)
	}
	for i := range SampleIndex(last) {
		first := i * ChunkSamples
		c := Chunk{Hearing: "h1", Channel: "judge", Epoch: 1, First: first, CapturedAt: opened.Add(first.Duration()).UTC().Truncate(time.Microsecond), Samples: make([]int16, ChunkSamples)}
		if err := spool.Append([]Chunk{c}); err != nil {
			t.Fatal(err)
		}
	}
	var all alarms
	broker := &countingLog{}
	snd := newSender(spool, archive, broker, PCM, "ct01", &all, log)
	reader := spool.Reader(nil)
	defer reader.Close()
	chunks, err := reader.Next(last, func(c *Chunk) bool {
		if c.Seq == 2 {
			snd.receipt(Receipt{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: last - 1, At: time.Now()})
		}
		return snd.wanted(c)
	})
	if err != nil || len(chunks) != 2 {
		t.Fatalf("%d chunks are to be sent, want the first and the last; %v", len(chunks), err)
	}
	snd.deliver(t.Context(), chunks)
	// The archive has nothing here: whoever asks it raises an alarm.
	if lost := snd.lost.Load(); lost != 0 || broker.chunks != len(chunks) {
		t.Errorf("%d chunks are called lost, and %d were sent of %d", lost, broker.chunks, len(chunks))
	}
	if chunks[1].Lost != 0 {
		t.Errorf("the last says that the server lacks all from %d on", chunks[1].Lost)
	}
}
