package file_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tingji/capture"
	"tingji/capture/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sine is a tone of amplitude 0.5; every channel of a file has its own pitch.
func sine(rate, channel int, i int) float64 {
	return 0.5 * math.Sin(2*math.Pi*float64(300+100*channel)*float64(i)/float64(rate))
}

// writeWAV writes a file of tones.
func writeWAV(t *testing.T, path string, rate, channels, bits int, seconds float64) {
	t.Helper()
	n := int(seconds * float64(rate))
	var data []byte
	for i := range n {
		for c := range channels {
			v := sine(rate, c, i)
			switch bits {
			case 8:
				data = append(data, byte(math.Round(v*127)+128))
			case 16:
				data = binary.LittleEndian.AppendUint16(data, uint16(int16(math.Round(v*32767))))
			case 24:
				x := int32(math.Round(v * 8388607))
				data = append(data, byte(x), byte(x>>8), byte(x>>16))
			case 32:
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
			}
		}
	}
	tag := uint16(1)
	if bits == 32 {
		tag = 3
	}
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00")
	le := binary.LittleEndian
	b = le.AppendUint16(b, tag)
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	le.PutUint32(b[4:], uint32(len(b)-8))
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func play(t *testing.T, s capture.Source, from capture.SampleIndex) ([]int16, error) {
	t.Helper()
	st, err := s.Open(t.Context(), from)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	var all []int16
	buf := make([]int16, 1000)
	for {
		n, _, err := st.Read(t.Context(), buf)
		all = append(all, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// isTone checks that samples are the tone of a channel, to 1 % of full scale.
func isTone(t *testing.T, samples []int16, channel int, from capture.SampleIndex) {
	t.Helper()
	for i := 500; i < len(samples)-500; i++ {
		if want := 32768 * sine(capture.Rate, channel, i+int(from)); math.Abs(float64(samples[i])-want) > 330 {
			t.Fatalf("sample %d is %d, want %.0f", i, samples[i], want)
		}
	}
}

func needFFmpeg(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: what only it can read is not tested")
	}
}

func ffmpeg(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %v: %v: %s", args, err, out)
	}
}

func TestFilesThatCanBeRead(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name                 string
		rate, channels, bits int
		channel              int
		make                 func(t *testing.T, path string) // from a WAV file at path
	}{
		{name: "16 kHz", rate: 16000, channels: 1, bits: 16},
		{name: "8 bits", rate: 16000, channels: 1, bits: 8},
		{name: "24 bits", rate: 16000, channels: 1, bits: 24},
		{name: "float", rate: 48000, channels: 2, bits: 32, channel: 1},
		{name: "44.1 kHz", rate: 44100, channels: 2, bits: 16, channel: 1},
		{name: "8 kHz", rate: 8000, channels: 1, bits: 16},
		{name: "192 kHz", rate: 192000, channels: 1, bits: 24},
		{name: "9 channels", rate: 48000, channels: 9, bits: 16, channel: 8},
		{name: "sizes that lie", rate: 16000, channels: 1, bits: 16, make: func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			binary.LittleEndian.PutUint32(b[4:], 3)
			binary.LittleEndian.PutUint32(b[40:], 0xfffffff0)
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "FLAC, 44.1 kHz", rate: 44100, channels: 2, bits: 16, channel: 1, make: convert("flac")},
		{name: "FLAC, 24 bits", rate: 16000, channels: 1, bits: 24, make: convert("flac", "-sample_fmt", "s32")},
		{name: "MP3 named .wav", rate: 44100, channels: 2, bits: 16, channel: 1, make: convert("mp3", "-b:a", "192k")},
		{name: "Ogg", rate: 48000, channels: 2, bits: 16, channel: 1, make: convert("ogg", "-c:a", "libvorbis", "-q:a", "6")},
		{name: "an odd rate", rate: 44101, channels: 1, bits: 16, make: func(t *testing.T, _ string) { needFFmpeg(t) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(tt.name, " ", "_")+".wav")
			writeWAV(t, path, tt.rate, tt.channels, tt.bits, 2)
			if tt.make != nil {
				tt.make(t, path)
			}
			info, err := file.Probe(t.Context(), path)
			if err != nil || info.Channels != tt.channels || info.Rate != tt.rate || math.Abs(info.Seconds-2) > 0.1 {
				t.Fatalf("probe: %+v, %v", info, err)
			}
			s := file.NewPlayer(0).File(path, tt.channel)
			all, err := play(t, s, 0)
			if err != nil {
				t.Fatal(err)
			}
			// Compression pads.
			if n := len(all); n < 2*capture.Rate || n > 2*capture.Rate+capture.Rate/5 || n != 2*capture.Rate && !strings.Contains(tt.name, "MP3") && !strings.Contains(tt.name, "Ogg") {
				t.Errorf("%d samples of %d", n, 2*capture.Rate)
			}
			if !strings.Contains(tt.name, "MP3") { // whose encoder delays
				isTone(t, all[:2*capture.Rate], tt.channel, 0)
			}
			for _, from := range []capture.SampleIndex{1, 4000, 12345} {
				rest, err := play(t, s, from)
				if err != nil || !slices.Equal(rest, all[from:]) {
					t.Fatalf("from %d: %d samples, %v: not the same as in one go", from, len(rest), err)
				}
			}
			if rest, err := play(t, s, 1<<40); err != nil || len(rest) != 0 {
				t.Errorf("from beyond the end: %d samples, %v", len(rest), err)
			}
		})
	}
}

// convert writes path anew in another format, with ffmpeg.
func convert(format string, args ...string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		needFFmpeg(t)
		ffmpeg(t, slices.Concat([]string{"-i", path}, args, []string{"-f", format, path + ".new"})...)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPipelineSamplesPassUnchanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	w, err := capture.OpenWAV(path, capture.Rate)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]int16, 65536+100)
	for i := range want {
		want[i] = int16(i)
	}
	if err := errors.Join(w.Append(want), w.Close()); err != nil {
		t.Fatal(err)
	}
	p := file.NewPlayer(0)
	for name, s := range map[string]capture.Source{"file": p.File(path, 0)} {
		if got, err := play(t, s, 0); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d samples, %v", name, len(got), err)
		}
	}
	if got, err := play(t, file.NewPlayer(0).PCM(want), 17); err != nil || !slices.Equal(got, want[17:]) {
		t.Errorf("memory: %d samples, %v", len(got), err)
	}
	needFFmpeg(t)
	ffmpeg(t, "-i", path, path+".flac")
	data, err := os.ReadFile(path + ".flac")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := play(t, file.NewPlayer(0).FLAC("a.flac", data), 0); err != nil || !slices.Equal(got, want) {
		t.Errorf("FLAC: %d samples, %v", len(got), err)
	}
	// Damaged and cut short: all that comes before is played, then it says so.
	for name, data := range map[string][]byte{"cut": data[:len(data)/2], "flipped": append(slices.Clone(data[:len(data)/2]), make([]byte, len(data)/2)...)} {
		got, err := play(t, file.NewPlayer(0).FLAC("a.flac", data), 0)
		var refused *capture.SourceError
		if !errors.As(err, &refused) || !refused.Permanent || len(got) == 0 || !slices.Equal(got, want[:len(got)]) {
			t.Errorf("%s: %d samples, %v", name, len(got), err)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	silent := filepath.Join(dir, "silent.wav")
	writeWAV(t, silent, 16000, 1, 16, 0)
	mono := filepath.Join(dir, "mono.wav")
	writeWAV(t, mono, 16000, 1, 16, 1)
	whole, err := os.ReadFile(mono)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		channel    int
		says       string
	}{
		{"no such file", filepath.Join(dir, "nowhere.wav"), 0, "no such file"},
		{"directory", dir, 0, "is a directory"},
		{"device", "/dev/null", 0, "not a regular file"},
		{"empty", write("empty.wav", nil), 0, "is empty"},
		{"text", write("text.wav", []byte(strings.Repeat("not a sound\n", 100))), 0, ""},
		{"binary", write("b.wav", make([]byte, 5000)), 0, ""},
		{"0 seconds", silent, 0, "0 seconds"},
		{"head only", write("head.wav", []byte("RIFF\x00\x00\x00\x00WAVE")), 0, ""},
		{"damaged FLAC", write("x.flac", []byte("fLaC\x00\x00\x00\x00")), 0, "damaged FLAC"},
		{"no such channel", mono, 1, "has no channel 2; it has 1"},
		{"cut short", write("cut.wav", whole[:44+16000]), 0, "0.5 s of 1.0 s"},
	}
	for _, tt := range tests {
		for _, path := range []string{os.Getenv("PATH"), t.TempDir()} { // with ffmpeg, if there is one, and without
			t.Run(tt.name, func(t *testing.T) {
				t.Setenv("PATH", path)
				_, err := play(t, file.NewPlayer(0).File(tt.path, tt.channel), 0)
				var refused *capture.SourceError
				if !errors.As(err, &refused) || !refused.Permanent {
					t.Fatalf("got %v", err)
				}
				for _, text := range []string{refused.TextEN, refused.Text} {
					if !strings.HasPrefix(text, tt.path) || strings.ContainsAny(text, "\n\r") || len(text) > 400 {
						t.Errorf("not one line that begins with the file: %q", text)
					}
				}
				if !strings.Contains(err.Error(), tt.says) || strings.ContainsAny(err.Error(), "\n\r") {
					t.Errorf("says %q", err)
				}
				if tt.channel == 0 {
					if _, err := file.Probe(t.Context(), tt.path); err == nil {
						t.Error("Probe finds nothing wrong")
					}
				}
			})
		}
	}
	t.Run("without ffmpeg it says so", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := file.Probe(t.Context(), write("x.mp3", []byte("ID3\x03 and so on, a hundred bytes of it")))
		if err == nil || !strings.Contains(err.Error(), "install ffmpeg") {
			t.Errorf("says %v", err)
		}
	})
}

// TestPlayerKeepsSeatsTogether plays three seats at several paces, one of them
// slow to be read.
func TestPlayerKeepsSeatsTogether(t *testing.T) {
	for _, pace := range []float64{0, 1, 20} {
		t.Run(fmt.Sprint(pace), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const length = 10 * capture.Rate
				p := file.NewPlayer(pace)
				var mu sync.Mutex
				at := make([]int, 3)
				sources := []*file.Source{p.PCM(make([]int16, length)), p.PCM(make([]int16, length)), p.PCM(make([]int16, length))}
				began := time.Now()
				var seats sync.WaitGroup
				for i, s := range sources {
					seats.Go(func() {
						time.Sleep(time.Duration(i) * 3 * time.Millisecond) // they do not open at once
						st, err := s.Open(t.Context(), 0)
						if err != nil {
							t.Error(err)
							return
						}
						defer st.Close()
						buf := make([]int16, 320)
						for {
							n, _, err := st.Read(t.Context(), buf)
							if errors.Is(err, io.EOF) {
								return
							}
							if err != nil {
								t.Error(err)
								return
							}
							if i == 1 {
								time.Sleep(100 * time.Microsecond)
							}
							mu.Lock()
							at[i] += n
							least, most := slices.Min(at), slices.Max(at)
							mu.Unlock()
							if most-least > capture.Rate/2 {
								t.Errorf("seats are %d samples apart", most-least)
								return
							}
						}
					})
				}
				seats.Wait()
				if want := float64(10*time.Second) / pace; pace > 0 && math.Abs(float64(time.Since(began))-want) > want/50+float64(50*time.Millisecond) {
					t.Errorf("10 s took %v at pace %v", time.Since(began), pace)
				}
				if !slices.Equal(at, []int{length, length, length}) {
					t.Errorf("played %v", at)
				}
			})
		})
	}
}

func TestPlayerDoesNotWaitForWhoeverIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := file.NewPlayer(0)
		p.PCM(make([]int16, 100)) // never opened
		failing := p.File("/nowhere/x.wav", 0)
		if _, err := failing.Open(t.Context(), 0); err == nil {
			t.Fatal("opened what is not there")
		}
		began := time.Now()
		got, err := play(t, p.PCM(make([]int16, 50000)), 0)
		if err != nil || len(got) != 50000 || time.Since(began) > 2*time.Second {
			t.Errorf("%d samples after %v, %v", len(got), time.Since(began), err)
		}
	})
}

func TestReadEndsWithItsContext(t *testing.T) {
	p := file.NewPlayer(0.001)
	st, err := p.PCM(make([]int16, 100000)).Open(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if n, _, err := st.Read(ctx, make([]int16, 320)); !errors.Is(err, context.Canceled) {
		t.Errorf("%d samples, %v", n, err)
	}
	if err := errors.Join(st.Close(), st.Close()); err != nil {
		t.Error(err)
	}
}
