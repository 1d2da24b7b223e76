package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/iotest"
	"time"

	"tingji/capture"
	"tingji/store"
	"tingji/transcript"
)

var hearing = capture.Hearing{ID: "h1", OpenedAt: &opened}

// open opens audio that has to be there.
func (b *bench) open(channel string, fromMS, toMS int64) *Reader {
	b.t.Helper()
	r, err := b.archive.OpenAudio(b.t.Context(), hearing, channel, fromMS, toMS)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			b.t.Error(err)
		}
	})
	return r
}

// wav is the file that samples make.
func wav(samples []int16) []byte {
	h := wavHeader(capture.SampleIndex(len(samples)))
	out := h[:]
	for _, s := range samples {
		out = binary.LittleEndian.AppendUint16(out, uint16(s))
	}
	return out
}

// expect mixes what the chunks of the test log say, without any file: chunks
// lie at their wall-clock time.
func (b *bench) expect(channel string, fromMS, toMS int64) []byte {
	mix := make([]int, (toMS-fromMS)*16)
	for _, part := range b.log.parts {
		for _, m := range part {
			if channel != "" && channel != m.Chunk.Channel {
				continue
			}
			at := int(m.Chunk.CapturedAt.Sub(opened).Microseconds()*16/1000 - fromMS*16)
			for i, s := range m.Chunk.Samples {
				if at+i >= 0 && at+i < len(mix) {
					mix[at+i] += int(s)
				}
			}
		}
	}
	samples := make([]int16, len(mix))
	for i, v := range mix {
		samples[i] = int16(max(math.MinInt16, min(math.MaxInt16, v)))
	}
	return wav(samples)
}

// The test log: the judge speaks 20 s in two files and, when a minute has passed, 1 s more;
// the clerk 5 s, beginning 10 s late; the witness 1.5 s, part of it twice.
func (b *bench) speak() {
	b.log.add(0, chunks("h1", "judge", 80)...)
	b.log.add(0, chunk("h1", "judge", 2, 81, 0), chunk("h1", "judge", 2, 82, 1), chunk("h1", "judge", 2, 83, 2), chunk("h1", "judge", 2, 84, 3))
	witness := chunks("h1", "witness", 8)
	for i := range witness[4:] { // a clock that was set back: the second epoch begins within the first
		witness[4+i] = chunk("h1", "witness", 2, uint64(5+i), i)
		witness[4+i].CapturedAt = witness[i].CapturedAt.Add(500 * time.Millisecond)
	}
	b.log.add(1, witness...)
	clerk := chunks("h1", "clerk", 20)
	for i := range clerk {
		clerk[i].CapturedAt = clerk[i].CapturedAt.Add(10 * time.Second)
	}
	b.log.add(1, clerk...)
	b.settle()
}

func TestOpenAudio(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.speak()
		for _, c := range []struct {
			channel  string
			from, to int64
			end      int64 // what to 0 means
		}{
			{"judge", 0, 1000, 0},
			{"judge", 9_990, 10_010, 0}, // over the seam of two files
			{"judge", 19_000, 30_000, 0},
			{"judge", 59_000, 0, 61_000},
			{"judge", 0, 0, 61_000},
			{"clerk", 0, 0, 15_000},
			{"clerk", 16_000, 17_000, 0}, // nothing there
			{"clerk", 16_000, 0, 16_000}, // nor anything behind it
			{"", 8_000, 16_000, 0},
			{"", 0, 0, 61_000},
			{"judge", 123, 124, 0},
			{"witness", 0, 0, 1_500},
		} {
			name := fmt.Sprintf("%s %d-%d", c.channel, c.from, c.to)
			r := b.open(c.channel, c.from, c.to)
			got, err := io.ReadAll(r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := b.expect(c.channel, c.from, max(c.to, c.end))
			if !bytes.Equal(got, want) || r.Size() != int64(len(want)) {
				t.Errorf("%s: %d bytes of size %d differ from the %d expected", name, len(got), r.Size(), len(want))
			}
		}
		r := b.open("", 9_000, 12_000)
		if err := iotest.TestReader(r, b.expect("", 9_000, 12_000)); err != nil {
			t.Error(err)
		}
	})
}

// Any range of any stretch is what a whole read gives there.
func TestOpenAudioRandom(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.speak()
		random := rand.New(rand.NewPCG(1, 2))
		for range 50 {
			from := random.Int64N(22_000)
			to := from + 1 + random.Int64N(5_000)
			channel := []string{"judge", "clerk", ""}[random.IntN(3)]
			r, want := b.open(channel, from, to), b.expect(channel, from, to)
			for range 10 {
				at := random.Int64N(int64(len(want)))
				n := random.Int64N(int64(len(want)) - at)
				if _, err := r.Seek(at, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				got := make([]byte, n)
				if _, err := io.ReadFull(r, got); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want[at:at+n]) {
					t.Fatalf("%s %d-%d: bytes %d-%d differ", channel, from, to, at, at+n)
				}
			}
		}
	})
}

func TestOpenAudioErrors(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.speak()
		for _, c := range []struct {
			hearing  capture.Hearing
			channel  string
			from, to int64
			notFound bool
		}{
			{hearing, "none", 0, 0, true},
			{capture.Hearing{ID: "none", OpenedAt: &opened}, "judge", 0, 0, true},
			{capture.Hearing{ID: "h1"}, "judge", 0, 0, true},
			{hearing, "judge", -1, 0, false},
			{hearing, "judge", 5, 5, false},
			{hearing, "judge", 5, 4, false},
			{hearing, "judge", 0, -1, false},
			{hearing, "judge", math.MaxInt64, 0, false},
			{hearing, "judge", 0, math.MaxInt64, false},
			{hearing, "judge", 0, MaxStretch.Milliseconds() + 1, false},
		} {
			_, err := b.archive.OpenAudio(t.Context(), c.hearing, c.channel, c.from, c.to)
			field := (*transcript.FieldError)(nil)
			if c.notFound != errors.Is(err, transcript.ErrNotFound) || !c.notFound && !errors.As(err, &field) {
				t.Errorf("%+v: error %v", c, err)
			}
		}
		if r := b.open("judge", 0, MaxStretch.Milliseconds()); r.Size() != fileSize(capture.SamplesIn(MaxStretch)) {
			t.Errorf("size %d", r.Size())
		}

		// A file that is gone is an error before the first byte, where it is
		// needed, and only there.
		if err := os.Remove(filepath.Join(b.dir, "2026/h1/judge/1-1.wav")); err != nil {
			t.Fatal(err)
		}
		if _, err := b.archive.OpenAudio(t.Context(), hearing, "judge", 5_000, 12_000); err == nil {
			t.Error("a file that is gone was played")
		}
		b.open("judge", 10_000, 12_000)
	})
}

func TestOpenAudioWhileWritten(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		all := chunks("h1", "judge", 10)
		b.log.add(0, all[:5]...)
		b.settle()
		r := b.open("judge", 0, 0)
		if r.ModTime().IsZero() {
			t.Error("no time of modification")
		}
		b.log.add(0, all[5:]...)
		b.after(time.Second)
		b.settle()
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, b.expect("judge", 0, 1250)) {
			t.Errorf("a reader does not show what was confirmed when it was opened: %d bytes, %v", len(got), err)
		}
		later := b.open("judge", 0, 0)
		if got, err := io.ReadAll(later); err != nil || !bytes.Equal(got, b.expect("judge", 0, 2500)) {
			t.Errorf("a later one has %d bytes, %v", len(got), err)
		}
		if !later.ModTime().After(r.ModTime()) {
			t.Errorf("modified %v, then %v", r.ModTime(), later.ModTime())
		}
	})
}

func TestServeContent(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.speak()
		want := b.expect("", 0, 20_000)
		r := b.open("", 0, 20_000)
		w := httptest.NewRecorder()
		req := httptest.NewRequest("GET", "/audio", nil)
		req.Header.Set("Range", "bytes=1001-50000")
		http.ServeContent(w, req, "a.wav", r.ModTime(), r)
		if w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), want[1001:50001]) {
			t.Errorf("status %d, %d bytes", w.Code, w.Body.Len())
		}
	})
}

func TestSeek(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.speak()
		r := b.open("judge", 0, 1000)
		for _, c := range []struct {
			offset int64
			whence int
			want   int64
		}{{10, io.SeekStart, 10}, {5, io.SeekCurrent, 15}, {-44, io.SeekEnd, 32000}, {1 << 40, io.SeekStart, 1 << 40}} {
			if got, err := r.Seek(c.offset, c.whence); err != nil || got != c.want {
				t.Errorf("seek %d, %d: %d, %v", c.offset, c.whence, got, err)
			}
		}
		if _, err := r.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("behind the end: %v", err)
		}
		if _, err := r.Seek(-1, io.SeekStart); err == nil {
			t.Error("a seek before the beginning succeeded")
		}
		if len(r.files) > 0 {
			t.Error("seeking opened a file")
		}
	})
}

func TestPlace(t *testing.T) {
	const s = capture.Rate
	file := func(epoch uint64, first, samples capture.SampleIndex, at time.Duration) store.AudioFile {
		return store.AudioFile{Epoch: epoch, First: first, Samples: samples, StartedAt: opened.Add(at)}
	}
	for _, c := range []struct {
		name  string
		files []store.AudioFile
		want  []capture.SampleIndex
	}{
		{"before the opening", []store.AudioFile{file(1, 0, s, -500*time.Millisecond)}, []capture.SampleIndex{-s / 2}},
		{"one after another", []store.AudioFile{file(1, 0, s, 0), file(1, s, s, time.Second)}, []capture.SampleIndex{0, s}},
		{"microseconds are rounded", []store.AudioFile{file(1, 0, s, 62*time.Microsecond), file(1, s, s, time.Second+63*time.Microsecond)}, []capture.SampleIndex{1, s + 1}},
		{"a drift that nobody hears", []store.AudioFile{file(1, 0, s, 0), file(1, s, s, 1015*time.Millisecond)}, []capture.SampleIndex{0, s}},
		{"one that puts lines out of place", []store.AudioFile{file(1, 0, s, 0), file(1, s, s, 1030*time.Millisecond)}, []capture.SampleIndex{0, s + 480}},
		{"a fast clock: both are heard", []store.AudioFile{file(1, 0, s, 0), file(1, s, s, 900*time.Millisecond)}, []capture.SampleIndex{0, s - 1600}},
		{"a clock set back", []store.AudioFile{file(1, 0, s, time.Minute), file(2, 0, s, 0)}, []capture.SampleIndex{60 * s, 0}},
		{"a new epoch", []store.AudioFile{file(1, 0, s, 0), file(2, 0, s, time.Minute)}, []capture.SampleIndex{0, 60 * s}},
		{"a new epoch at once", []store.AudioFile{file(1, 0, s, 0), file(2, 0, s, 1010*time.Millisecond)}, []capture.SampleIndex{0, s + 160}},
		{"a jump", []store.AudioFile{file(1, 0, s, 0), file(1, 2*s, s, 2*time.Second)}, []capture.SampleIndex{0, 2 * s}},
		{"an empty file", []store.AudioFile{file(1, 0, s, 0), file(1, s, 0, time.Second)}, []capture.SampleIndex{0}},
	} {
		var got []capture.SampleIndex
		for _, p := range place(c.files, opened) {
			got = append(got, p.at)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: at %v, want %v", c.name, got, c.want)
		}
	}
}

// BenchmarkReader is a second of the mix of eight seats.
func BenchmarkReader(b *testing.B) {
	dir := b.TempDir()
	r := &Reader{files: map[string]*os.File{}, samples: 60 * capture.Rate}
	r.header = wavHeader(r.samples)
	for i := range 8 {
		name := fmt.Sprintf("%d.wav", i)
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, fileSize(r.samples)), 0o644); err != nil {
			b.Fatal(err)
		}
		r.pieces = append(r.pieces, piece{0, r.samples, name})
	}
	var err error
	if r.root, err = os.OpenRoot(dir); err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	buf := make([]byte, 32<<10)
	b.SetBytes(capture.Rate * bytesPerSample)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Seek(headerSize, io.SeekStart); err != nil {
			b.Fatal(err)
		}
		for at := 0; at < capture.Rate*bytesPerSample; {
			n, err := r.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			at += n
		}
	}
}
