package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-audio/wav"
)

// chunked writes a RIFF file of chunks: pairs of an id and its bytes.
func chunked(pairs ...any) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVE")
	for i := 0; i < len(pairs); i += 2 {
		data := pairs[i+1].([]byte)
		b = append(b, pairs[i].(string)...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
		b = append(b, data...)
		if len(data)%2 == 1 {
			b = append(b, 0)
		}
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func fmtChunk(tag, channels, rate, bits int) []byte {
	var b []byte
	le := binary.LittleEndian
	b = le.AppendUint16(b, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	return le.AppendUint16(b, uint16(bits))
}

func extensible(channels, rate, container, bits, tag int) []byte {
	b := fmtChunk(wavExtensible, channels, rate, container)
	binary.LittleEndian.PutUint16(b[14:], uint16(bits))
	b = binary.LittleEndian.AppendUint16(b, 22)
	b = binary.LittleEndian.AppendUint16(b, uint16(bits))
	b = append(b, make([]byte, 4)...)
	b = binary.LittleEndian.AppendUint16(b, uint16(tag))
	return append(b, make([]byte, 14)...)
}

func TestReadWAVHeader(t *testing.T) {
	pcm := make([]byte, 640)
	patch := func(b []byte, at int, size uint32) []byte {
		b = bytes.Clone(b)
		binary.LittleEndian.PutUint32(b[at:], size)
		return b
	}
	plain := chunked("fmt ", fmtChunk(1, 1, 16000, 16), "data", pcm)
	tagged := chunked("fmt ", fmtChunk(1, 1, 16000, 16), "data", pcm, "LIST", []byte("INFOxyz"))
	tests := []struct {
		name string
		b    []byte
		want WAVHeader
		err  string
	}{
		{"plain", plain, WAVHeader{Rate: 16000, Channels: 1, Bytes: 2, DataOffset: 44, Frames: 320}, ""},
		{"chunks before and after", chunked("bext", make([]byte, 33), "fmt ", fmtChunk(1, 2, 44100, 16), "data", pcm, "LIST", []byte("INFO")),
			WAVHeader{Rate: 44100, Channels: 2, Bytes: 2, DataOffset: 86, Frames: 160}, ""},
		{"24 bits", chunked("fmt ", fmtChunk(1, 1, 48000, 24), "data", pcm), WAVHeader{Rate: 48000, Channels: 1, Bytes: 3, DataOffset: 44, Frames: 213}, ""},
		{"8 bits, 9 channels", chunked("fmt ", fmtChunk(1, 9, 8000, 8), "data", pcm), WAVHeader{Rate: 8000, Channels: 9, Bytes: 1, DataOffset: 44, Frames: 71}, ""},
		{"float", chunked("fmt ", fmtChunk(3, 1, 96000, 32), "data", pcm), WAVHeader{Rate: 96000, Channels: 1, Bytes: 4, Float: true, DataOffset: 44, Frames: 160}, ""},
		{"extensible, 24 bits in 32", chunked("fmt ", extensible(4, 48000, 32, 24, 1), "data", pcm), WAVHeader{Rate: 48000, Channels: 4, Bytes: 4, DataOffset: 68, Frames: 40}, ""},
		{"extensible float", chunked("fmt ", extensible(1, 48000, 64, 64, 3), "data", pcm), WAVHeader{Rate: 48000, Channels: 1, Bytes: 8, Float: true, DataOffset: 68, Frames: 80}, ""},
		{"no samples", chunked("fmt ", fmtChunk(1, 1, 16000, 16), "data", []byte{}), WAVHeader{Rate: 16000, Channels: 1, Bytes: 2, DataOffset: 44}, ""},
		{"claims 4 GiB", patch(plain, 40, math.MaxUint32), WAVHeader{Rate: 16000, Channels: 1, Bytes: 2, DataOffset: 44, Frames: 320}, ""},
		{"claims nothing", patch(plain, 40, 0), WAVHeader{Rate: 16000, Channels: 1, Bytes: 2, DataOffset: 44, Frames: 320}, ""},
		{"arecord's placeholder", patch(plain, 40, math.MaxInt32), WAVHeader{Rate: 16000, Channels: 1, Bytes: 2, DataOffset: 44, Frames: 320}, ""},
		{"a copy that was cut off", plain[:44+401], WAVHeader{Rate: 16000, Channels: 1, Bytes: 2, DataOffset: 44, Frames: 200, Missing: 120}, ""},
		{"placeholder of a crashed recorder", patch(plain, 40, 42), WAVHeader{Rate: 16000, Channels: 1, Bytes: 2, DataOffset: 44, Frames: 320}, ""},
		{"tags are not sound", tagged, WAVHeader{Rate: 16000, Channels: 1, Bytes: 2, DataOffset: 44, Frames: 320}, ""},
		{"tags that claim more than there is", patch(tagged, len(tagged)-12, 5000), WAVHeader{Rate: 16000, Channels: 1, Bytes: 2, DataOffset: 44, Frames: 328}, ""},
		{"format claims 4 GiB", patch(plain, 16, math.MaxUint32), WAVHeader{}, "without data"},
		{"cut in the head", plain[:30], WAVHeader{}, "format of 10 bytes"},
		{"only RIFF", plain[:12], WAVHeader{}, "without a format"},
		{"data first", chunked("data", pcm, "fmt ", fmtChunk(1, 1, 16000, 16)), WAVHeader{}, "before its format"},
		{"mp3 in RIFF", chunked("fmt ", fmtChunk(0x55, 2, 44100, 16), "data", pcm), WAVHeader{}, "coding 85"},
		{"no channels", chunked("fmt ", fmtChunk(1, 0, 16000, 16), "data", pcm), WAVHeader{}, "0 channels"},
		{"65 channels", chunked("fmt ", fmtChunk(1, 65, 16000, 16), "data", pcm), WAVHeader{}, "65 channels"},
		{"no rate", chunked("fmt ", fmtChunk(1, 1, 0, 16), "data", pcm), WAVHeader{}, "0 Hz"},
		{"12 bytes a sample", chunked("fmt ", fmtChunk(1, 1, 16000, 96), "data", pcm), WAVHeader{}, "96 bits"},
		{"text", []byte("this is a text and no sound"), WAVHeader{}, "not a WAV"},
		{"empty", nil, WAVHeader{}, "not a WAV"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := ReadWAVHeader(bytes.NewReader(tt.b), int64(len(tt.b)))
			if tt.err == "" && (err != nil || h != tt.want) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got %+v, %v", h, err)
			}
		})
	}
}

func TestWAVDecode(t *testing.T) {
	tests := []struct {
		h    WAVHeader
		b    []byte
		want []float64
	}{
		{WAVHeader{Channels: 1, Bytes: 1}, []byte{0, 128, 255}, []float64{-32768, 0, 127 * 256}},
		{WAVHeader{Channels: 2, Bytes: 2}, []byte{9, 9, 0, 0x80, 9, 9, 0xff, 0x7f, 1}, []float64{-32768, 32767}},
		{WAVHeader{Channels: 1, Bytes: 3}, []byte{0, 0, 0x80, 0, 1, 0, 0x80, 0, 0}, []float64{-32768, 1, 0.5}},
		{WAVHeader{Channels: 1, Bytes: 4}, []byte{0, 0, 0, 0x80, 0, 0, 1, 0}, []float64{-32768, 1}},
		{WAVHeader{Channels: 1, Bytes: 4, Float: true}, []byte{0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f}, []float64{32768, 0}},
	}
	for _, tt := range tests {
		to := make([]float64, 10)
		if n := tt.h.Decode(to, tt.b, tt.h.Channels-1); !slices.Equal(to[:n], tt.want) {
			t.Errorf("%+v: %v, want %v", tt.h, to[:n], tt.want)
		}
	}
	if RoundSample(1e9) != math.MaxInt16 || RoundSample(math.Inf(-1)) != math.MinInt16 || RoundSample(-1.6) != -2 {
		t.Error("rounding")
	}
}

func FuzzReadWAVHeader(f *testing.F) {
	f.Add(chunked("fmt ", fmtChunk(1, 1, 16000, 16), "data", make([]byte, 64)))
	f.Add(chunked("bext", make([]byte, 3), "fmt ", extensible(4, 48000, 32, 24, 1), "data", make([]byte, 64), "LIST", []byte("x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ReadWAVHeader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if end := h.DataOffset + h.Frames*int64(h.Bytes*h.Channels); h.Frames < 0 || end > int64(len(b)) {
			t.Fatalf("%+v ends at %d of %d bytes", h, end, len(b))
		}
		h.Decode(make([]float64, 100), b[h.DataOffset:], h.Channels-1)
	})
}

// goAudio reads a file as others do.
func goAudio(t *testing.T, path string) []int16 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := wav.NewDecoder(f)
	buf, err := d.FullPCMBuffer()
	if err != nil {
		t.Fatal(err)
	}
	if d.SampleRate != Rate || d.BitDepth != 16 || d.NumChans != 1 {
		t.Errorf("%d Hz, %d bits, %d channels", d.SampleRate, d.BitDepth, d.NumChans)
	}
	var samples []int16
	for _, v := range buf.Data {
		samples = append(samples, int16(v))
	}
	return samples
}

func TestWAVWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	w, err := OpenWAV(path, Rate)
	if err != nil {
		t.Fatal(err)
	}
	want := testChunk(10000).Samples
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Append(want[:3000]))
	must(w.Sync())
	if got := goAudio(t, path); !slices.Equal(got, want[:3000]) {
		t.Fatalf("after Sync: %d samples", len(got))
	}
	must(w.Append(want[3000:5000]))
	// The writer dies here, in the middle of a sample.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(err)
	_, err = f.Write([]byte{7})
	must(errors.Join(err, f.Close()))
	must(RepairWAV(path, Rate))
	if got := goAudio(t, path); !slices.Equal(got, want[:5000]) {
		t.Fatalf("after the repair: %d samples", len(got))
	}
	w, err = OpenWAV(path, Rate)
	must(err)
	if w.Samples() != 5000 {
		t.Errorf("%d samples", w.Samples())
	}
	must(w.Truncate(4000))
	must(w.Append(want[4000:]))
	must(w.Close())
	must(w.Close())
	if got := goAudio(t, path); !slices.Equal(got, want) {
		t.Fatalf("in the end: %d samples", len(got))
	}
	if w.Truncate(20000) == nil {
		t.Error("truncated to more than there is")
	}
	if w.Append(want) == nil {
		t.Error("wrote to a closed file")
	}
	if _, err := OpenWAV(path, 8000); err == nil {
		t.Error("went on at another rate")
	}
	if err := RepairWAV(path+"x", Rate); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("repairing what is not there: %v", err)
	}
	must(os.WriteFile(path, []byte("RIFF"), 0o644)) // it died at once
	w, err = OpenWAV(path, Rate)
	must(err)
	must(w.Append(want[:5]))
	must(w.Close())
	if got := goAudio(t, path); !slices.Equal(got, want[:5]) {
		t.Errorf("begun again: %v", got)
	}
}

func BenchmarkWAVAppend(b *testing.B) {
	w, err := OpenWAV(filepath.Join(b.TempDir(), "a.wav"), Rate)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	block := testChunk(320).Samples
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Append(block); err != nil {
			b.Fatal(err)
		}
		if w.Samples() > 1<<24 {
			if err := w.Truncate(0); err != nil {
				b.Fatal(err)
			}
		}
	}
}
