package file

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tingji/capture"
)

var errNoFFmpeg = errors.New("ffmpeg is not installed")

// ffmpegDecoder lets ffmpeg decode, resample and pick the channel.
type ffmpegDecoder struct {
	path   string
	is     Info
	cmd    *exec.Cmd
	cancel context.CancelFunc
	out    *bufio.Reader
	errs   *tail
	got    int64
	end    error // what the last read returned, once ffmpeg has ended
}

func newFFmpeg(ctx context.Context, path string, channel int) (*ffmpegDecoder, error) {
	ffmpeg, err1 := exec.LookPath("ffmpeg")
	ffprobe, err2 := exec.LookPath("ffprobe")
	if err := errors.Join(err1, err2); err != nil {
		return nil, bad(path, "既不是 WAV 也不是 FLAC；请安装 ffmpeg，或转换为 WAV",
			"is neither WAV nor FLAC; install ffmpeg to read other formats, or convert it to WAV", errNoFFmpeg)
	}
	// A name that begins with a dash, or looks like a protocol, is still a file.
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, bad(path, "无法打开", fmt.Sprintf("cannot be opened: %v", err), err)
	}
	is, err := probe(ctx, ffprobe, path, full)
	if err != nil {
		return nil, err
	}
	if err := checkChannel(path, channel, is.Channels); err != nil {
		return nil, err
	}
	// The stream outlives the call that opens it: close ends it.
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cmd := exec.CommandContext(run, ffmpeg, "-nostdin", "-v", "error", "-i", "file:"+full, "-map", "0:a:0",
		"-af", fmt.Sprintf("pan=mono|c0=c%d", channel), "-ar", strconv.Itoa(capture.Rate), "-f", "s16le", "pipe:1")
	cmd.WaitDelay = time.Second
	d := &ffmpegDecoder{path: path, is: is, cmd: cmd, cancel: cancel, errs: &tail{}}
	cmd.Stderr = d.errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, bad(path, "ffmpeg 无法启动", fmt.Sprintf("needs ffmpeg, which does not start: %v", err), err)
	}
	d.out = bufio.NewReaderSize(out, 32<<10)
	return d, nil
}

func probe(ctx context.Context, ffprobe, path, full string) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	b, err := exec.CommandContext(ctx, ffprobe, "-v", "error", "-select_streams", "a:0",
		"-show_entries", "stream=codec_name,sample_rate,channels:format=duration", "-of", "json", "file:"+full).Output()
	var found struct {
		Streams []struct {
			Codec    string `json:"codec_name"`
			Rate     string `json:"sample_rate"`
			Channels int    `json:"channels"`
		} `json:"streams"`
		Format struct {
			Duration string `json:"duration"`
		} `json:"format"`
	}
	if err == nil {
		err = json.Unmarshal(b, &found)
	}
	if ctx.Err() != nil {
		return Info{}, ctx.Err()
	}
	if err != nil {
		return Info{}, bad(path, "不是可识别的录音文件；请检查，或转换为 WAV", "is not a recording that ffmpeg can read; check it, or convert it to WAV", err)
	}
	if len(found.Streams) == 0 || found.Streams[0].Channels < 1 {
		return Info{}, bad(path, "文件中没有声音", "holds no sound; check that it is the right file", nil)
	}
	s := found.Streams[0]
	// Both are only told to people: ffmpeg resamples, and reads to the end.
	rate, _ := strconv.Atoi(s.Rate)
	seconds, _ := strconv.ParseFloat(found.Format.Duration, 64)
	return Info{Format: s.Codec, Rate: rate, Channels: s.Channels, Seconds: seconds}, nil
}

func (d *ffmpegDecoder) info() Info { return d.is }

func (d *ffmpegDecoder) read(buf []int16) (int, error) {
	if d.end != nil {
		return 0, d.end
	}
	b := make([]byte, 2*min(len(buf), 4096))
	n, err := io.ReadAtLeast(d.out, b, 2)
	if n%2 == 1 && err == nil {
		_, err = io.ReadFull(d.out, b[n:n+1])
		n++
	}
	if n >= 2 && err == nil {
		for i := range n / 2 {
			buf[i] = int16(uint16(b[2*i]) | uint16(b[2*i+1])<<8)
		}
		d.got += int64(n / 2)
		return n / 2, nil
	}
	d.end = d.wait()
	return 0, d.end
}

// wait takes ffmpeg's exit as the end of the sound, or as the reason why there
// is no more.
func (d *ffmpegDecoder) wait() error {
	werr := d.cmd.Wait()
	d.cancel()
	if werr != nil || d.errs.String() != "" && d.got == 0 {
		said := d.errs.String()
		if said == "" && werr != nil {
			said = werr.Error()
		}
		at := capture.SampleIndex(d.got).Duration().Seconds()
		return bad(d.path, fmt.Sprintf("在第 %.1f 秒处无法解码", at), fmt.Sprintf("cannot be decoded at %.1f s: ffmpeg says %s", at, said), werr)
	}
	if d.got == 0 {
		return noSound(d.path)
	}
	return io.EOF
}

func (d *ffmpegDecoder) close() error {
	d.cancel()
	if d.end == nil {
		d.end = context.Canceled
		_ = d.cmd.Wait() // it was killed: its exit says nothing
	}
	return nil
}

// tail keeps the last line that a program wrote, shortened.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if n := len(t.b); n > 4096 {
		t.b = t.b[n-4096:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	b := bytes.TrimSpace(t.b)
	if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
		b = b[i+1:]
	}
	return strings.ToValidUTF8(string(b[:min(len(b), 200)]), "?")
}
