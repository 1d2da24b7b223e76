package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/mewkiz/flac"

	"tingji/capture"
)

// bad is a file that cannot be played, in both languages, on one line.
func bad(path, zh, en string, cause error) *capture.SourceError {
	return &capture.SourceError{Text: path + "：" + zh, TextEN: path + ": " + en, Permanent: true, Err: cause}
}

// Info describes a file that can be played.
type Info struct {
	Format   string // wav, flac, or what ffmpeg calls it
	Rate     int    // of the file
	Channels int
	Seconds  float64 // 0 where the file does not say
}

// Probe looks at a file. What cannot be played to its end gives a
// *capture.SourceError of one line: which file, what is wrong, what to do. Damage
// inside a file shows only when it is played.
func Probe(ctx context.Context, path string) (Info, error) {
	f, err := openRegular(path)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	d, err := sniff(ctx, f, path, 0)
	if err != nil {
		return Info{}, err
	}
	info := d.info()
	if w, ok := d.(*wavDecoder); ok && w.head.Missing > 0 {
		return info, errors.Join(w.cutShort(), d.close())
	}
	return info, d.close()
}

// describer is a decoder of a file.
type describer interface {
	decoder
	info() Info
}

func openFile(ctx context.Context, path string, channel int) (decoder, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	d, err := sniff(ctx, f, path, channel)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return d, nil
}

func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, bad(path, "没有这个文件；请检查文件名", "no such file; check the name", err)
	case err != nil:
		return nil, bad(path, "无法打开；请检查权限", fmt.Sprintf("cannot be opened (%v); check its permissions", cause(err)), err)
	case info.IsDir():
		return nil, bad(path, "这是文件夹；请指定录音文件", "is a directory; name a recording in it", nil)
	case !info.Mode().IsRegular():
		return nil, bad(path, "不是普通文件；请先保存为文件", "is not a regular file; save it as one first", nil)
	case info.Size() == 0:
		return nil, bad(path, "文件是空的；请检查录音是否保存完整", "is empty; check that the recording was saved", nil)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, bad(path, "无法打开；请检查权限", fmt.Sprintf("cannot be opened (%v); check its permissions", cause(err)), err)
	}
	return f, nil
}

// cause is an error without the path that the message already begins with.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// sniff chooses a decoder by a file's content; its name says nothing. The
// decoder owns f.
func sniff(ctx context.Context, f *os.File, path string, channel int) (describer, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, bad(path, "无法读取", fmt.Sprintf("cannot be read: %v", cause(err)), err)
	}
	d, err := newWAV(path, f, info.Size(), channel)
	if err == nil {
		return d, nil
	}
	var refused *capture.SourceError
	if errors.As(err, &refused) {
		return nil, refused
	}
	var magic [4]byte
	if _, err := f.ReadAt(magic[:], 0); err == nil && string(magic[:]) == "fLaC" {
		return newFLAC(path, f, channel)
	}
	ff, ferr := newFFmpeg(ctx, path, channel)
	if ferr != nil {
		if !errors.Is(err, capture.ErrNotWAV) && errors.Is(ferr, errNoFFmpeg) {
			return nil, bad(path, "这种 WAV 编码无法直接读取；请安装 ffmpeg，或转换为 16 位 PCM", fmt.Sprintf("%v; install ffmpeg, or convert it to 16-bit PCM", err), err)
		}
		return nil, ferr
	}
	// ffmpeg opens the file by itself.
	return ff, f.Close()
}

func checkChannel(path string, channel, channels int) error {
	if channel < 0 || channel >= channels {
		return bad(path, fmt.Sprintf("没有第 %d 声道，共 %d 个声道", channel+1, channels),
			fmt.Sprintf("has no channel %d; it has %d", channel+1, channels), nil)
	}
	return nil
}

func noSound(path string) error {
	return bad(path, "录音长度为 0；请检查录音是否保存完整", "holds no sound (0 seconds); check that the recording was saved", nil)
}

// toRate turns samples of the file's rate, in 16-bit full scale, into those of
// the pipeline. At the same rate they pass unchanged.
type toRate struct {
	r     *capture.Resampler // nil at the same rate
	out   []float64
	ready []float64 // of out, not yet read
	ended bool
}

func newToRate(rate int) (*toRate, error) {
	if rate == capture.Rate {
		return &toRate{}, nil
	}
	r, err := capture.NewResampler(rate)
	return &toRate{r: r}, err
}

// read fills buf, asking more for input as long as there is any.
func (t *toRate) read(buf []int16, more func() ([]float64, error)) (int, error) {
	for len(t.ready) == 0 {
		if t.ended {
			return 0, io.EOF
		}
		in, err := more()
		switch {
		case errors.Is(err, io.EOF) && t.r != nil:
			t.ended = true
			t.out = t.r.Flush(t.out[:0])
		case err != nil:
			t.ended = errors.Is(err, io.EOF)
			return 0, err
		case t.r != nil:
			t.out = t.r.Resample(t.out[:0], in)
		default:
			t.out = append(t.out[:0], in...)
		}
		t.ready = t.out
	}
	n := min(len(buf), len(t.ready))
	for i, v := range t.ready[:n] {
		buf[i] = capture.RoundSample(v)
	}
	t.ready = t.ready[n:]
	return n, nil
}

// wavDecoder reads one channel of a WAV file.
type wavDecoder struct {
	path    string
	f       io.ReaderAt
	closer  io.Closer
	head    capture.WAVHeader
	channel int
	frame   int64 // next to read
	rate    *toRate
	bytes   []byte
	samples []float64
}

// newWAV returns errors other than *capture.SourceError where ffmpeg may know
// better.
func newWAV(path string, f *os.File, size int64, channel int) (*wavDecoder, error) {
	head, err := capture.ReadWAVHeader(f, size)
	if err != nil {
		return nil, err
	}
	if err := checkChannel(path, channel, head.Channels); err != nil {
		return nil, err
	}
	if head.Frames == 0 {
		return nil, noSound(path)
	}
	rate, err := newToRate(head.Rate)
	if err != nil {
		return nil, err
	}
	const frames = 4096
	return &wavDecoder{path: path, f: f, closer: f, head: head, channel: channel, rate: rate,
		bytes: make([]byte, frames*head.Bytes*head.Channels), samples: make([]float64, frames)}, nil
}

func (d *wavDecoder) info() Info {
	return Info{Format: "wav", Rate: d.head.Rate, Channels: d.head.Channels, Seconds: float64(d.head.Frames) / float64(d.head.Rate)}
}

func (d *wavDecoder) read(buf []int16) (int, error) { return d.rate.read(buf, d.more) }

func (d *wavDecoder) more() ([]float64, error) {
	width := int64(d.head.Bytes * d.head.Channels)
	n := min(int64(len(d.samples)), d.head.Frames-d.frame)
	if n <= 0 && d.head.Missing > 0 {
		return nil, d.cutShort()
	}
	if n <= 0 {
		return nil, io.EOF
	}
	b := d.bytes[:n*width]
	if _, err := d.f.ReadAt(b, d.head.DataOffset+d.frame*width); err != nil {
		return nil, bad(d.path, "读取中断；请检查磁盘", fmt.Sprintf("cannot be read on: %v; check the disk", cause(err)), err)
	}
	d.frame += n
	return d.samples[:d.head.Decode(d.samples, b, d.channel)], nil
}

func (d *wavDecoder) cutShort() error {
	has := float64(d.head.Frames) / float64(d.head.Rate)
	says := has + float64(d.head.Missing)/float64(d.head.Rate)
	return bad(d.path, fmt.Sprintf("文件不完整：应有 %.1f 秒，只有 %.1f 秒；请重新复制，或用 ffmpeg 转换现有部分", says, has),
		fmt.Sprintf("is cut short: %.1f s of %.1f s are there; copy it anew, or convert it with ffmpeg to take what there is", has, says), nil)
}

// skip need not read where every sample of the file is one of the pipeline's.
func (d *wavDecoder) skip(n capture.SampleIndex) error {
	if d.rate.r == nil {
		d.frame = min(int64(n), d.head.Frames)
		return nil
	}
	return skip(readOnly{d}, n)
}

func (d *wavDecoder) close() error { return d.closer.Close() }

// readOnly hides all but reading.
type readOnly struct{ decoder }

// flacDecoder reads one channel of a FLAC file.
type flacDecoder struct {
	path    string
	closer  io.Closer
	stream  *flac.Stream
	channel int
	scale   float64
	rate    *toRate
	read64  uint64 // samples so far
	samples []float64
}

// file is what a decoder reads from.
type file interface {
	io.Reader
	io.Closer
}

func newBytesFile(data []byte) file { return io.NopCloser(bytes.NewReader(data)) }

func newFLAC(path string, f file, channel int) (*flacDecoder, error) {
	s, err := flac.New(f)
	if err != nil {
		return nil, bad(path, "FLAC 文件已损坏", fmt.Sprintf("is a damaged FLAC file: %v", err), err)
	}
	if err := checkChannel(path, channel, int(s.Info.NChannels)); err != nil {
		return nil, err
	}
	rate, err := newToRate(int(s.Info.SampleRate))
	if err != nil {
		return nil, bad(path, "采样率不常见；请转换为 16 kHz", fmt.Sprintf("has an unusual rate (%v); convert it to 16 kHz", err), err)
	}
	return &flacDecoder{path: path, closer: f, stream: s, channel: channel, rate: rate,
		scale: 1 / float64(int64(1)<<s.Info.BitsPerSample) * 65536}, nil
}

func (d *flacDecoder) info() Info {
	is := d.stream.Info
	return Info{Format: "flac", Rate: int(is.SampleRate), Channels: int(is.NChannels), Seconds: float64(is.NSamples) / float64(is.SampleRate)}
}

func (d *flacDecoder) read(buf []int16) (int, error) { return d.rate.read(buf, d.more) }

func (d *flacDecoder) more() ([]float64, error) {
	f, err := d.stream.ParseNext()
	total := d.stream.Info.NSamples
	if errors.Is(err, io.EOF) && (total == 0 || d.read64 == total) {
		if d.read64 == 0 {
			return nil, noSound(d.path)
		}
		return nil, io.EOF
	}
	if err == nil && d.channel >= len(f.Subframes) {
		err = fmt.Errorf("a frame of %d channels", len(f.Subframes))
	}
	if err != nil {
		at := float64(d.read64) / float64(max(1, d.stream.Info.SampleRate))
		return nil, bad(d.path, fmt.Sprintf("FLAC 文件在第 %.1f 秒处损坏或不完整", at), fmt.Sprintf("is damaged or cut short at %.1f s: %v", at, err), err)
	}
	raw := f.Subframes[d.channel].Samples
	d.read64 += uint64(len(raw))
	d.samples = d.samples[:0]
	for _, v := range raw {
		d.samples = append(d.samples, float64(v)*d.scale)
	}
	return d.samples, nil
}

func (d *flacDecoder) close() error { return d.closer.Close() }
