package capture

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the files of testdata/backcompat that are missing")

func testChunk(n int) Chunk {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	samples := make([]int16, n)
	for i := range samples {
		samples[i] = int16(8000*math.Sin(float64(i)*0.05)) + int16(r.IntN(64))
	}
	return Chunk{
		Hearing: "20261123-093012-k3x9", Channel: "judge", Epoch: 2, Seq: 17, First: 64000,
		CapturedAt: time.Date(2026, 11, 23, 9, 30, 12, 345678000, time.UTC), Samples: samples,
	}
}

func TestChunkRoundTrip(t *testing.T) {
	loud := testChunk(3000)
	for i := range loud.Samples {
		loud.Samples[i] = int16(rand.N(65536) - 32768)
	}
	square := testChunk(1025)
	for i := range square.Samples {
		square.Samples[i] = []int16{-32768, 32767}[i&1]
	}
	ended := testChunk(1)
	ended.End, ended.Channel = EndFile, "证人 "[:6]
	gap, mark := testChunk(ChunkSamples), testChunk(0)
	gap.Lost, mark.Lost = 12, 17
	empty := testChunk(0)
	empty.End = EndClose
	for _, c := range []*Chunk{&mark, &empty} {
		c.Samples = []int16{}
	}
	for name, c := range map[string]Chunk{
		"behind a loss": gap, "loss at the end": mark, "end without sound": empty,
		"usual": testChunk(ChunkSamples), "one sample": testChunk(1), "longest": testChunk(MaxChunkSamples),
		"block": testChunk(flacBlock), "block and one": testChunk(flacBlock + 1), "noise": loud, "square": square, "ended": ended,
	} {
		for _, codec := range []Codec{PCM, FLAC} {
			t.Run(fmt.Sprintf("%s/%s", name, codec), func(t *testing.T) {
				m, err := c.Message(codec)
				if err != nil {
					t.Fatal(err)
				}
				got, err := ParseChunk(m)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got, c) {
					t.Errorf("got %v, want %v", got, c)
				}
			})
		}
	}
}

func TestChunkHeaders(t *testing.T) {
	c := testChunk(2)
	c.Samples, c.End = []int16{1, -2}, EndPause
	m, err := c.Message(PCM)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, h := range m.Headers {
		fmt.Fprintf(&got, "%s=%s ", h.Key, h.Value)
	}
	const want = "v=1 hearing=20261123-093012-k3x9 channel=judge epoch=2 seq=17 first_sample=64000 rate=16000 codec=pcm_s16le " +
		"captured_at=2026-11-23T09:30:12.345678Z crc32c=881e0eda end=pause "
	if got.String() != want {
		t.Errorf("headers\n%s\nwant\n%s", got.String(), want)
	}
	if string(m.Key) != "20261123-093012-k3x9/judge" || !bytes.Equal(m.Value, []byte{1, 0, 0xfe, 0xff}) {
		t.Errorf("key %q value %x", m.Key, m.Value)
	}
}

func TestParseChunkRefuses(t *testing.T) {
	set := func(key, value string) func(*Message) {
		return func(m *Message) {
			for i := range m.Headers {
				if m.Headers[i].Key == key {
					m.Headers[i].Value = []byte(value)
					return
				}
			}
			m.Headers = append(m.Headers, Header{key, []byte(value)})
		}
	}
	without := func(key string) func(*Message) {
		return func(m *Message) {
			m.Headers = slices.DeleteFunc(m.Headers, func(h Header) bool { return h.Key == key })
		}
	}
	revalue := func(v []byte) func(*Message) {
		return func(m *Message) {
			m.Value = v
			set("crc32c", fmt.Sprintf("%08x", checksum(v)))(m)
		}
	}
	type wrong struct {
		name   string
		change func(*Message)
		reason Reason
	}
	tests := []wrong{
		{"version", set("v", "2"), UnknownVersion},
		{"version of the future without the rest", func(m *Message) { m.Headers = []Header{{"v", []byte("2")}} }, UnknownVersion},
		{"twice", func(m *Message) { m.Headers = append(m.Headers, m.Headers[4]) }, BadHeader},
		{"seq zero", set("seq", "0"), BadHeader},
		{"seq sign", set("seq", "+1"), BadHeader},
		{"seq leading zero", set("seq", "017"), BadHeader},
		{"seq too large", set("seq", "9007199254740992"), BadHeader},
		{"epoch zero", set("epoch", "0"), BadHeader},
		{"epoch empty", set("epoch", ""), BadHeader},
		{"first negative", set("first_sample", "-1"), BadHeader},
		{"first at the bound", set("first_sample", "9007199254740991"), BadHeader},
		{"rate", set("rate", "48000"), UnknownRate},
		{"codec", set("codec", "opus"), UnknownCodec},
		{"codec that it is not", set("codec", "flac"), BadAudio},
		{"time", set("captured_at", "yesterday"), BadHeader},
		{"checksum", set("crc32c", "00000000"), BadChecksum},
		{"checksum in capitals", func(m *Message) { set("crc32c", strings.ToUpper(string(m.Headers[9].Value)))(m) }, BadChecksum},
		{"end", set("end", "lunch"), BadHeader},
		{"hearing with a slash", set("hearing", "a/b"), BadKey},
		{"key", func(m *Message) { m.Key = []byte("x/judge") }, BadKey},
		{"flipped byte", func(m *Message) { m.Value[7] ^= 1 }, BadChecksum},
		{"lost is no number", set("lost", "x"), BadHeader},
		{"lost nothing", set("lost", "0"), BadHeader},
		{"lost what comes", set("lost", "99"), BadHeader},
		{"no value", revalue(nil), BadAudio},
		{"odd value", revalue([]byte{1}), BadAudio},
		{"long value", revalue(make([]byte, 2*MaxChunkSamples+2)), BadAudio},
	}
	for _, h := range []string{"v", "hearing", "channel", "epoch", "seq", "first_sample", "rate", "codec", "captured_at", "crc32c"} {
		tests = append(tests, wrong{"without " + h, without(h), MissingHeader})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := testChunk(100)
			m, err := c.Message(PCM)
			if err != nil {
				t.Fatal(err)
			}
			// A capital is only wrong where there is a letter: this chunk has one.
			tt.change(&m)
			var refused *ChunkError
			if _, err := ParseChunk(m); !errors.As(err, &refused) || refused.Reason != tt.reason {
				t.Errorf("got %v, want %s", err, tt.reason)
			} else if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
	t.Run("unknown header is ignored", func(t *testing.T) {
		c := testChunk(100)
		m, _ := c.Message(PCM)
		m.Headers = append(m.Headers, Header{"traceparent", []byte("00")}, Header{"traceparent", nil})
		if _, err := ParseChunk(m); err != nil {
			t.Error(err)
		}
	})
	t.Run("FLAC cut short", func(t *testing.T) {
		c := testChunk(4000)
		m, _ := c.Message(FLAC)
		for _, n := range []int{0, 3, 20, 42, 60, len(m.Value) / 2, len(m.Value) - 1} {
			cut := m
			cut.Headers = slices.Clone(m.Headers)
			revalue(m.Value[:n])(&cut)
			var refused *ChunkError
			if _, err := ParseChunk(cut); !errors.As(err, &refused) || refused.Reason != BadAudio {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	})
}

func TestMessageRefuses(t *testing.T) {
	for name, change := range map[string]func(*Chunk){
		"no hearing": func(c *Chunk) { c.Hearing = "" },
		"channel":    func(c *Chunk) { c.Channel = "a b" },
		"epoch":      func(c *Chunk) { c.Epoch = 0 },
		"seq":        func(c *Chunk) { c.Seq = 0 },
		"first":      func(c *Chunk) { c.First = -1 },
		"empty":      func(c *Chunk) { c.Samples = nil },
		"too long":   func(c *Chunk) { c.Samples = make([]int16, MaxChunkSamples+1) },
		"end":        func(c *Chunk) { c.End = "x" },
		"year":       func(c *Chunk) { c.CapturedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			c := testChunk(10)
			change(&c)
			var refused *ChunkError
			if _, err := c.Message(PCM); !errors.As(err, &refused) {
				t.Errorf("got %v", err)
			}
		})
	}
	c := testChunk(10)
	if _, err := c.Message("mp3"); err == nil {
		t.Error("codec mp3 was written")
	}
}

const backcompat = "../testdata/backcompat/audio.v1"

// TestOldMessages decodes messages that were written once and must be readable
// for ever. Files are added here, never changed.
func TestOldMessages(t *testing.T) {
	want := testChunk(1500)
	ended := testChunk(777)
	ended.End, ended.Hearing, ended.Channel = EndClose, "庭审-1", "证人"
	chunks := map[string]Chunk{"pcm": want, "flac": want, "pcm-end": ended, "flac-end": ended}
	if *update {
		for name, c := range chunks {
			m, err := c.Message(map[bool]Codec{true: PCM, false: FLAC}[strings.HasPrefix(name, "pcm")])
			if err != nil {
				t.Fatal(err)
			}
			writeOldMessage(t, filepath.Join(backcompat, name), m)
		}
	}
	files, err := filepath.Glob(filepath.Join(backcompat, "*.headers"))
	if err != nil || len(files) < len(chunks) {
		t.Fatalf("%d old messages in %s (%v): run go test -run TestOldMessages -update", len(files), backcompat, err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".headers")
		got, err := ParseChunk(readOldMessage(t, strings.TrimSuffix(f, ".headers")))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, chunks[name]) {
			t.Errorf("%s: got %v, want %v", name, got, chunks[name])
		}
	}
}

// An old message is two files: headers as lines "key: value" (the message's own
// key under "(key)"), and the value.
func writeOldMessage(t *testing.T, path string, m Message) {
	var head bytes.Buffer
	fmt.Fprintf(&head, "(key): %s\n", m.Key)
	for _, h := range m.Headers {
		fmt.Fprintf(&head, "%s: %s\n", h.Key, h.Value)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".headers"); err == nil {
		return
	}
	if err := errors.Join(os.WriteFile(path+".headers", head.Bytes(), 0o644), os.WriteFile(path+".value", m.Value, 0o644)); err != nil {
		t.Fatal(err)
	}
}

func readOldMessage(t testing.TB, path string) Message {
	head, err := os.ReadFile(path + ".headers")
	if err != nil {
		t.Fatal(err)
	}
	var m Message
	if m.Value, err = os.ReadFile(path + ".value"); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(head)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if k == "(key)" {
			m.Key = []byte(v)
		} else {
			m.Headers = append(m.Headers, Header{k, []byte(v)})
		}
	}
	return m
}

// FuzzParseChunk feeds arbitrary headers (as lines) and values. What parses
// must be in bounds and survive being written again.
func FuzzParseChunk(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join(backcompat, "*.headers"))
	if len(files) == 0 {
		f.Fatal("no seeds in " + backcompat)
	}
	for _, name := range files {
		m := readOldMessage(f, strings.TrimSuffix(name, ".headers"))
		var head strings.Builder
		for _, h := range m.Headers {
			if h.Key != headerChecksum {
				fmt.Fprintf(&head, "%s: %s\n", h.Key, h.Value)
			}
		}
		f.Add(m.Key, head.String(), m.Value)
	}
	f.Fuzz(func(t *testing.T, key []byte, head string, value []byte) {
		m := Message{Key: key, Value: value}
		for line := range strings.Lines(head) {
			k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			m.Headers = append(m.Headers, Header{k, []byte(v)})
		}
		// The right checksum is added: without it the codecs would never be reached.
		m.Headers = append(m.Headers, Header{headerChecksum, fmt.Appendf(nil, "%08x", checksum(value))})
		c, err := ParseChunk(m)
		if err != nil {
			var refused *ChunkError
			if !errors.As(err, &refused) || refused.Reason == "" {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := c.Message(PCM)
		if err != nil {
			t.Fatalf("cannot be written again: %v", err)
		}
		if back, err := ParseChunk(again); err != nil || !reflect.DeepEqual(back, c) {
			t.Fatalf("not the same after writing: %v, %v", back, err)
		}
	})
}

func BenchmarkMessage(b *testing.B) {
	c := testChunk(ChunkSamples)
	for _, codec := range []Codec{PCM, FLAC} {
		b.Run(string(codec), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Message(codec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseChunk(b *testing.B) {
	c := testChunk(ChunkSamples)
	for _, codec := range []Codec{PCM, FLAC} {
		m, err := c.Message(codec)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(codec), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseChunk(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
