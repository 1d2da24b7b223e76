package capture

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var testOpened = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)

func openTestSpool(t testing.TB, cfg SpoolConfig) *Spool {
	t.Helper()
	if cfg.Courtroom == "" {
		cfg.Courtroom = "room1"
	}
	s, err := OpenSpool(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func begin(t testing.TB, s *Spool, channels ...string) {
	t.Helper()
	var starts []EpochStart
	for _, c := range channels {
		starts = append(starts, EpochStart{Channel: c, OpenedAt: testOpened})
	}
	if err := s.BeginEpochs("h1", starts); err != nil {
		t.Fatal(err)
	}
}

// next makes the chunk that comes next in a channel. Its samples tell which it is.
func next(t testing.TB, s *Spool, channel string) Chunk {
	t.Helper()
	ch, ok := s.Channel("h1", channel)
	if !ok {
		t.Fatalf("channel %s is not known", channel)
	}
	samples := make([]int16, ChunkSamples)
	for i := range samples {
		samples[i] = int16(int(ch.Next)+i) ^ int16(channel[0])
	}
	return Chunk{Hearing: "h1", Channel: channel, Epoch: ch.Epoch, First: ch.Next,
		CapturedAt: ch.OpenedAt.Add(ch.Next.Duration()), Samples: samples}
}

func appendTo(t testing.TB, s *Spool, channels ...string) []Chunk {
	t.Helper()
	var batch []Chunk
	for _, c := range channels {
		batch = append(batch, next(t, s, c))
	}
	if err := s.Append(batch); err != nil {
		t.Fatal(err)
	}
	return batch
}

func readAll(t testing.TB, s *Spool) []Chunk {
	t.Helper()
	r := s.Reader(nil)
	defer r.Close()
	var all []Chunk
	for {
		got, err := r.Next(7, func(*Chunk) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			return all
		}
		for _, c := range got {
			c.Samples = slices.Clone(c.Samples)
			all = append(all, c)
		}
	}
}

func TestSpoolKeepsOrderAcrossRestart(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, SpoolConfig{Dir: dir, SegmentBytes: 40 << 10})
	begin(t, s, "judge", "clerk")
	var want []Chunk
	for range 50 {
		want = append(want, appendTo(t, s, "judge", "clerk")...)
	}
	if got := readAll(t, s); !reflect.DeepEqual(got, want) {
		t.Fatalf("read %d chunks, wrote %d", len(got), len(want))
	}
	if len(s.segments) < 5 {
		t.Fatalf("only %d segments: the test does not cross any", len(s.segments))
	}
	before, _ := s.Channel("h1", "judge")
	// No Close: the process was killed. Its lock goes with it.
	s.lock.Close()
	s = openTestSpool(t, SpoolConfig{Dir: dir, SegmentBytes: 40 << 10})
	after, _ := s.Channel("h1", "judge")
	after.Touched = before.Touched
	if !reflect.DeepEqual(after, before) || after.Seq != 50 || after.Next != 50*ChunkSamples {
		t.Errorf("state %+v, was %+v", after, before)
	}
	want = append(want, appendTo(t, s, "clerk")...)
	if got := readAll(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("read %d chunks after the restart, want %d", len(got), len(want))
	}
	if d, m := s.Damage(); d != nil || m != nil {
		t.Errorf("damage %v %v", d, m)
	}
}

func TestSpoolLetsGoOnlyWhatIsConfirmed(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, SpoolConfig{Dir: dir, SegmentBytes: 64 << 10})
	begin(t, s, "judge", "clerk")
	for range 40 {
		appendTo(t, s, "judge", "clerk")
	}
	confirm := func(channel string, seq uint64) {
		t.Helper()
		if err := s.Confirm(Receipt{Hearing: "h1", Channel: channel, Epoch: 1, Seq: seq}); err != nil {
			t.Fatal(err)
		}
	}
	segments := len(s.segments)
	confirm("judge", 40)
	if len(s.segments) != segments || len(readAll(t, s)) != 80 {
		t.Fatal("a segment went while the clerk's chunks in it were not confirmed")
	}
	confirm("clerk", 22) // in the middle of a segment
	held := map[uint64]bool{}
	for _, c := range readAll(t, s) {
		if c.Channel == "clerk" {
			held[c.Seq] = true
		}
	}
	for seq := uint64(23); seq <= 40; seq++ {
		if !held[seq] {
			t.Errorf("unconfirmed chunk %d is gone", seq)
		}
	}
	if len(s.segments) >= segments || s.Backlog().Chunks != 18 {
		t.Errorf("%d of %d segments left, backlog %+v", len(s.segments), segments, s.Backlog())
	}
	confirm("clerk", 40)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.seg")); len(files) != 0 {
		t.Errorf("all is confirmed, but %v is left", files)
	}
	// What is gone is still remembered: no number is given out twice.
	s = openTestSpool(t, SpoolConfig{Dir: dir})
	if ch, _ := s.Channel("h1", "clerk"); ch.Seq != 40 || ch.Epoch != 1 || ch.Next != 40*ChunkSamples {
		t.Errorf("remembered %+v", ch)
	}
	begin(t, s, "clerk")
	if c := appendTo(t, s, "clerk")[0]; c.Seq != 41 || c.Epoch != 2 || c.First != 0 {
		t.Errorf("the next chunk is %v", c)
	}
}

// TestSpoolDamage writes three batches, damages the file and opens it again.
// After a restart a sender stands in a segment that is then confirmed and
// deleted whole. The next segment must not take its number: the sender would
// wait in it behind what was written since.
func TestSpoolReaderOutlivesItsSegment(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, SpoolConfig{Dir: dir})
	begin(t, s, "judge")
	for range 10 {
		appendTo(t, s, "judge")
	}
	s.lock.Close() // killed
	s = openTestSpool(t, SpoolConfig{Dir: dir})
	r := s.Reader(nil)
	defer r.Close()
	next := func() []Chunk {
		t.Helper()
		chunks, err := r.Next(sendMost, func(*Chunk) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		return chunks
	}
	if got := next(); len(got) != 10 {
		t.Fatalf("read %d chunks", len(got))
	}
	if err := s.Confirm(Receipt{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: 10}); err != nil {
		t.Fatal(err)
	}
	if len(s.segments) > 0 {
		t.Fatal("the confirmed segment is still there: the test proves nothing")
	}
	want := appendTo(t, s, "judge")
	if got := next(); !reflect.DeepEqual(got, want) {
		t.Errorf("read %v, appended %v", got, want)
	}
}

func TestSpoolDamage(t *testing.T) {
	const batch = 2 * (recordHead + 2 + 2 + 5 + 33 + 2*ChunkSamples) // h1/judge, h1/clerk
	const one = batch / 2
	at := func(batchNo, record, offset int) int { return len(segmentMagic) + batchNo*batch + record*one + offset }
	flip := func(offset int) func([]byte) []byte {
		return func(b []byte) []byte { b[offset] ^= 0x40; return b }
	}
	cut := func(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:n] } }
	tests := []struct {
		name    string
		harm    func(b []byte) []byte
		judge   uint64 // last seq after opening
		read    int    // chunks that can be read
		torn    bool
		missing []MissingChunks
	}{
		{"whole", func(b []byte) []byte { return b }, 3, 6, false, nil},
		{"last byte missing", cut(at(3, 0, -1)), 2, 4, true, nil},
		{"last batch lacks its second record", cut(at(2, 1, 0)), 2, 4, true, nil},
		{"cut in the head of the first record of a batch", cut(at(2, 0, 10)), 2, 4, true, nil},
		{"only the magic", cut(len(segmentMagic)), 0, 0, false, nil},
		{"less than the magic", cut(3), 0, 0, true, nil},
		{"empty", cut(0), 0, 0, false, nil},
		{"zeros behind", func(b []byte) []byte { return append(b, make([]byte, 5000)...) }, 3, 6, true, nil},
		{"the last batch written out of order", flip(at(2, 0, 100)), 2, 4, true, nil},
		{"flipped sample in an old batch", flip(at(1, 0, 100)), 3, 5, false, []MissingChunks{{"h1/judge", 2, 2}}},
		{"flipped length in an old batch", flip(at(1, 0, 4)), 3, 5, false, []MissingChunks{{"h1/judge", 2, 2}}},
		{"flipped mark in the first batch", flip(at(0, 0, 0)), 3, 5, false, nil},
		{"flipped magic", flip(2), 3, 6, false, nil},
		{"flipped byte and torn tail", func(b []byte) []byte { return flip(at(0, 1, 50))(b)[:at(2, 1, 7)] }, 2, 3, true, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := openTestSpool(t, SpoolConfig{Dir: dir})
			begin(t, s, "judge", "clerk")
			for range 3 {
				appendTo(t, s, "judge", "clerk")
			}
			s.lock.Close()
			path := segmentName(dir, 1)
			b, err := os.ReadFile(path)
			if err != nil || len(b) != at(3, 0, 0) {
				t.Fatalf("%d bytes, %v: expected %d", len(b), err, at(3, 0, 0))
			}
			if err := os.WriteFile(path, tt.harm(bytes.Clone(b)), 0o644); err != nil {
				t.Fatal(err)
			}
			s = openTestSpool(t, SpoolConfig{Dir: dir})
			ch, _ := s.Channel("h1", "judge")
			if ch.Seq != tt.judge {
				t.Errorf("goes on after seq %d, want %d", ch.Seq, tt.judge)
			}
			damage, missing := s.Damage()
			torn := false
			for _, d := range damage {
				torn = torn || d.Torn
			}
			if torn != tt.torn || !reflect.DeepEqual(missing, tt.missing) {
				t.Errorf("damage %v, missing %v", damage, missing)
			}
			if harmed := tt.read < int(2*tt.judge) || torn; harmed && len(damage) == 0 {
				t.Error("nothing was reported")
			}
			got := readAll(t, s)
			if len(got) != tt.read {
				t.Errorf("%d chunks can be read, want %d", len(got), tt.read)
			}
			// It goes on: what is appended now comes after, and stays.
			appendTo(t, s, "judge", "clerk")
			if again := readAll(t, s); len(again) != tt.read+2 || again[len(again)-2].Seq != tt.judge+1 {
				t.Errorf("after appending: %d chunks", len(again))
			}
		})
	}
}

func TestSpoolDamageWhileRunning(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, SpoolConfig{Dir: dir})
	begin(t, s, "judge")
	for range 300 { // several read-aheads
		appendTo(t, s, "judge")
	}
	f, err := os.OpenFile(segmentName(dir, 1), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, i := range []int64{10, 65, 66, 200} {
		if _, err := f.WriteAt([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8+i*(recordHead+2+2+5+33+2*ChunkSamples)); err != nil {
			t.Fatal(err)
		}
	}
	got := readAll(t, s)
	if len(got) != 296 {
		t.Errorf("%d chunks can be read, want 296", len(got))
	}
	if d, _ := s.Damage(); len(d) == 0 {
		t.Error("nothing was reported")
	}
}

func TestSpoolRefuses(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, SpoolConfig{Dir: dir, MaxBytes: 100 << 10})
	wants := func(err error, text string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want an error that says %q", err, text)
		}
	}
	_, err := OpenSpool(SpoolConfig{Dir: dir, Courtroom: "room1"}, slog.New(slog.DiscardHandler))
	wants(err, "in use by another process")
	wants(s.Append([]Chunk{testChunk(10)}), "no epoch")
	begin(t, s, "judge")
	c := next(t, s, "judge")
	c.First++
	wants(s.Append([]Chunk{c}), "sample 0 comes next")
	c = next(t, s, "judge")
	wants(s.Append([]Chunk{c, c}), fmt.Sprintf("sample %d comes next", ChunkSamples))
	c.Epoch++
	wants(s.Append([]Chunk{c}), "epoch 1")
	for err = nil; err == nil; err = s.Append([]Chunk{next(t, s, "judge")}) {
	}
	if !errors.Is(err, ErrSpoolFull) {
		t.Errorf("got %v", err)
	}
	ch, _ := s.Channel("h1", "judge")
	if err := s.Confirm(Receipt{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: ch.Seq}); err != nil {
		t.Fatal(err)
	}
	if got := appendTo(t, s, "judge")[0].Seq; got != ch.Seq+1 {
		t.Errorf("after a full spool goes on with %d, not %d", got, ch.Seq+1)
	}
	s.Close()
	_, err = OpenSpool(SpoolConfig{Dir: dir, Courtroom: "room2"}, slog.New(slog.DiscardHandler))
	wants(err, `belongs to courtroom "room1"`)
	if err := os.WriteFile(filepath.Join(dir, stateName), []byte(`{"v":2}`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = OpenSpool(SpoolConfig{Dir: dir, Courtroom: "room1"}, slog.New(slog.DiscardHandler))
	wants(err, "newer program")
}

func TestSpoolWithoutItsState(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, SpoolConfig{Dir: dir})
	begin(t, s, "judge")
	appendTo(t, s, "judge")
	begin(t, s, "judge")
	appendTo(t, s, "judge")
	want, _ := s.Channel("h1", "judge")
	s.lock.Close()
	if err := os.WriteFile(filepath.Join(dir, stateName), []byte(`{"v":`), 0o644); err != nil {
		t.Fatal(err)
	}
	s = openTestSpool(t, SpoolConfig{Dir: dir})
	got, _ := s.Channel("h1", "judge")
	if got.Seq != 2 || got.Epoch != 2 || got.Next != want.Next || !got.OpenedAt.Equal(want.OpenedAt) {
		t.Errorf("rebuilt %+v, was %+v", got, want)
	}
}

// TestSpoolKilledAfterLettingGo deletes all that knew of a channel, and dies
// before it is closed.
func TestSpoolKilledAfterLettingGo(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, SpoolConfig{Dir: dir, SegmentBytes: 20 << 10})
	begin(t, s, "judge", "clerk")
	for range 10 { // two in a segment
		appendTo(t, s, "judge")
	}
	appendTo(t, s, "clerk")
	appendTo(t, s, "clerk") // a segment of its own, the last
	if err := s.Confirm(Receipt{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: 10}); err != nil || len(s.segments) != 1 {
		t.Fatalf("%d segments are left, %v", len(s.segments), err)
	}
	s.lock.Close()
	s = openTestSpool(t, SpoolConfig{Dir: dir})
	if ch, _ := s.Channel("h1", "judge"); ch.Seq != 10 || ch.Next != 10*ChunkSamples || ch.Confirmed != 10 {
		t.Errorf("remembered %+v", ch)
	}
}

func TestSpoolGoesOnAboveTheServer(t *testing.T) {
	s := openTestSpool(t, SpoolConfig{Dir: t.TempDir()})
	if err := s.BeginEpochs("h1", []EpochStart{{Channel: "judge", OpenedAt: testOpened, Held: Receipt{Epoch: 3, Seq: 99}}}); err != nil {
		t.Fatal(err)
	}
	if c := appendTo(t, s, "judge")[0]; c.Epoch != 4 || c.Seq != 100 {
		t.Errorf("goes on with %v", c)
	}
}

func TestSpoolRewind(t *testing.T) {
	s := openTestSpool(t, SpoolConfig{Dir: t.TempDir(), SegmentBytes: 64 << 10})
	begin(t, s, "judge", "clerk")
	for range 30 {
		appendTo(t, s, "judge", "clerk")
	}
	r := s.Reader(nil)
	defer r.Close()
	all := func(*Chunk) bool { return true }
	for {
		if got, err := r.Next(100, all); err != nil {
			t.Fatal(err)
		} else if len(got) == 0 {
			break
		}
	}
	if !r.Rewind("h1/clerk", 9) {
		t.Fatal("chunk 9 is said to be gone")
	}
	got, err := r.Next(3, func(c *Chunk) bool { return c.Channel == "clerk" && c.Seq >= 9 })
	if err != nil || len(got) != 3 || got[0].Seq != 9 || got[2].Seq != 11 {
		t.Errorf("read %v, %v", got, err)
	}
	if r.Rewind("h1/clerk", 31) || r.Rewind("h1/witness", 1) {
		t.Error("found what is not there")
	}
}

// TestSpoolReaderAfterAllWasLetGo reads on after the segment it stands in, the
// last one that there was, has been deleted.
func TestSpoolReaderAfterAllWasLetGo(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, SpoolConfig{Dir: dir})
	begin(t, s, "judge")
	appendTo(t, s, "judge")
	s.lock.Close()
	s = openTestSpool(t, SpoolConfig{Dir: dir})
	r := s.Reader(nil)
	defer r.Close()
	all := func(*Chunk) bool { return true }
	if got, err := r.Next(9, all); err != nil || len(got) != 1 {
		t.Fatalf("read %v, %v", got, err)
	}
	if err := s.Confirm(Receipt{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: 1}); err != nil || len(s.segments) != 0 {
		t.Fatalf("%d segments are left, %v", len(s.segments), err)
	}
	appendTo(t, s, "judge")
	if got, err := r.Next(9, all); err != nil || len(got) != 1 || got[0].Seq != 2 {
		t.Errorf("read %v, %v", got, err)
	}
}

// FuzzScanSegment opens arbitrary bytes as a segment: what it finds must lie in
// order, apart from each other and from the damage, and fill the file.
func FuzzScanSegment(f *testing.F) {
	c := testChunk(3)
	c.Seq = 1
	two := appendRecord(appendRecord(nil, &c, 1), &c, 0)
	whole := append([]byte(segmentMagic), two...)
	whole = append(whole, two...)
	f.Add(whole, true)
	f.Add(whole[:len(whole)-3], true)
	f.Add(append(bytes.Clone(whole), 0, 0, 0), true)
	f.Add(append(bytes.Clone(whole[:40]), whole...), false)
	f.Add([]byte("TJR\x01"), false)
	f.Fuzz(func(t *testing.T, b []byte, last bool) {
		records, size, bad := scanSegment(b, last)
		at := int64(0)
		if bytes.HasPrefix(b, []byte(segmentMagic)) {
			at = int64(len(segmentMagic))
		}
		for _, r := range records {
			for len(bad) > 0 && bad[0].From == at {
				at, bad = bad[0].To, bad[1:]
			}
			if r.offset != at {
				t.Fatalf("record at %d, expected at %d", r.offset, at)
			}
			at = r.end()
			c, pcm, err := r.head(&names{})
			if err == nil {
				c, err = c.sound(pcm, nil)
			}
			if err == nil {
				if again := appendRecord(nil, &c, 0); !bytes.Equal(again[recordHead:], r.bytes[recordHead:]) {
					t.Fatal("not the same after writing")
				}
			}
		}
		for _, d := range bad {
			at = max(at, d.To)
		}
		if size > int64(len(b)) || at != int64(len(b)) && at != size && len(b) > 0 && size != 0 {
			t.Fatalf("%d bytes, size %d, %d accounted for", len(b), size, at)
		}
	})
}

func BenchmarkSpoolAppend(b *testing.B) {
	s := openTestSpool(b, SpoolConfig{Dir: b.TempDir(), MaxBytes: 1 << 40, SegmentBytes: 16 << 20})
	begin(b, s, "judge")
	c := next(b, s, "judge")
	batch := []Chunk{c}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Append(batch); err != nil {
			b.Fatal(err)
		}
		batch[0].First += ChunkSamples
		if batch[0].Seq%500 == 0 {
			s.Confirm(Receipt{Hearing: "h1", Channel: "judge", Seq: batch[0].Seq})
		}
	}
}

// TestSpoolPlaces: any number of a channel is found, also in an epoch whose chunks
// were longer: what an earlier program has written does not say how long.
func TestSpoolPlaces(t *testing.T) {
	c := SpoolChannel{
		Past:  []SpoolEpoch{{Epoch: 1, Start: 1, Seq: 5, Next: 4*FormerChunkSamples + 100, End: EndPause}},
		Epoch: 2, Start: 6, Seq: 8, Next: 2*ChunkSamples + 10, Chunk: ChunkSamples,
	}
	for seq, want := range map[uint64]struct {
		epoch   uint64
		first   SampleIndex
		samples int
		end     End
	}{
		1: {1, 0, FormerChunkSamples, NotEnd}, 4: {1, 3 * FormerChunkSamples, FormerChunkSamples, NotEnd}, 5: {1, 4 * FormerChunkSamples, 100, EndPause},
		6: {2, 0, ChunkSamples, NotEnd}, 7: {2, ChunkSamples, ChunkSamples, NotEnd}, 8: {2, 2 * ChunkSamples, 10, NotEnd},
	} {
		if got, n, ok := c.place(seq); !ok || got.Epoch != want.epoch || got.First != want.first || n != want.samples || got.End != want.end {
			t.Errorf("number %d: epoch %d sample %d, %d samples, end %q, %v; want %+v", seq, got.Epoch, got.First, n, got.End, ok, want)
		}
	}
	if _, _, ok := c.place(9); ok {
		t.Error("a number that is not there has a place")
	}
}
