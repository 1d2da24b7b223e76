package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"tingji/capture"
)

// patience is how long a program may deliver nothing: one that waits for a
// network that is gone would wait for ever.
const patience = 10 * time.Second

// Source is a command line. It implements [capture.Source].
type Source struct {
	name string
	args []string
}

// New makes a source of a program and its arguments. No shell is involved.
func New(name string, args ...string) *Source { return &Source{name: name, args: args} }

// Resumable is false: what was not heard is gone.
func (s *Source) Resumable() bool { return false }

// Open starts the program.
func (s *Source) Open(ctx context.Context, _ capture.SampleIndex) (capture.Stream, error) {
	// The program ends with the stream, not with the call that starts it.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cmd := exec.CommandContext(running, s.name, s.args...)
	prepare(cmd)
	cmd.WaitDelay = time.Second
	st := &stream{name: s.name, cmd: cmd, cancel: cancel}
	cmd.Stderr = &st.said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, &capture.SourceError{
			Text:   fmt.Sprintf("程序 %s 无法启动（%v）；请检查配置", s.name, err),
			TextEN: fmt.Sprintf("program %s does not start (%v); check the configuration", s.name, err),
			Err:    err,
		}
	}
	var ok bool
	if st.out, ok = out.(*os.File); !ok {
		return nil, errors.Join(fmt.Errorf("program %s: its output is no pipe", s.name), st.Close())
	}
	return st, nil
}

// stream is a running program.
type stream struct {
	name   string
	cmd    *exec.Cmd
	cancel context.CancelFunc
	out    *os.File
	said   tail
	head   []byte // what it printed first
	odd    []byte // the first half of a sample whose second half has not come
	buf    []byte
	once   sync.Once
}

func (s *stream) Read(ctx context.Context, to []int16) (int, time.Time, error) {
	if err := s.out.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, time.Time{}, s.ended(err)
	}
	stop := context.AfterFunc(ctx, func() {
		// It fails only once the stream is closed, and then nobody reads.
		_ = s.out.SetReadDeadline(time.Now())
	})
	defer stop()
	for {
		if need := 2 * len(to); cap(s.buf) < need {
			s.buf = make([]byte, need)
		}
		b := s.buf[:2*len(to)]
		k := copy(b, s.odd)
		n, err := s.out.Read(b[k:])
		n += k
		s.odd = append(s.odd[:0], b[n-n%2:n]...)
		if len(s.head) < enough && n > k {
			s.head = append(s.head, b[k:min(n, k+enough)]...)
			if what := notPCM(s.head); what != "" && len(s.head) >= enough {
				return 0, time.Time{}, s.wrong(what)
			}
		}
		if n >= 2 {
			for i := range n / 2 {
				to[i] = int16(uint16(b[2*i]) | uint16(b[2*i+1])<<8)
			}
			return n / 2, time.Now(), nil
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return 0, time.Time{}, ctx.Err()
		default:
			return 0, time.Time{}, s.ended(err)
		}
	}
}

// enough bytes that are all text are no sound: of noise, one in 10^13 begins so.
const enough = 32

// notPCM says what a program prints that is no bare samples; "" for what may be.
func notPCM(head []byte) string {
	for magic, name := range map[string]string{"RIFF": "WAV", "fLaC": "FLAC", "OggS": "Ogg", "ID3": "MP3"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return name
		}
	}
	if len(head) == 0 {
		return ""
	}
	for head := head; len(head) > 0; {
		r, n := utf8.DecodeRune(head)
		// A character may be cut at the end.
		if r == utf8.RuneError && n == 1 && utf8.FullRune(head) || r < ' ' && !strings.ContainsRune("\t\n\r\x1b", r) {
			return ""
		}
		head = head[n:]
	}
	line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	return strconv.Quote(strings.ToValidUTF8(string(line), ""))
}

// wrong says that what a program prints is no sound.
func (s *stream) wrong(what string) error {
	return &capture.SourceError{
		Text:   fmt.Sprintf("程序 %s 输出的不是原始 PCM 声音，而是 %s；请在命令中指定输出格式，如 -f s16le -ac 1 -ar 16000 -", s.name, what),
		TextEN: fmt.Sprintf("program %s prints %s instead of bare samples; have it print them, as with -f s16le -ac 1 -ar 16000 -", s.name, what),
	}
}

// ended says why there is no more sound.
func (s *stream) ended(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &capture.SourceError{
			Text:   fmt.Sprintf("程序 %s 已 %.0f 秒没有输出声音，正在重新启动；请检查它所接的设备或网络地址", s.name, patience.Seconds()),
			TextEN: fmt.Sprintf("program %s has delivered nothing for %.0f s and is started again; check the device or address that it reads", s.name, patience.Seconds()),
			Err:    err,
		}
	}
	if what := notPCM(s.head); what != "" && len(s.head) < enough && errors.Is(err, io.EOF) {
		return s.wrong(what)
	}
	werr := s.stop()
	why := "it ended"
	if werr != nil {
		why = werr.Error()
	}
	if said := s.said.String(); said != "" {
		why += ": " + said
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // a live source has no end
	}
	return &capture.SourceError{
		Text:   fmt.Sprintf("程序 %s 已停止（%s），正在重新启动；请检查它的命令和所接的设备或网络地址", s.name, why),
		TextEN: fmt.Sprintf("program %s has stopped (%s) and is started again; check its command, and the device or address that it reads", s.name, why),
		Err:    err,
	}
}

// stop ends the program and returns how it ended; only the first call knows.
func (s *stream) stop() (err error) {
	s.once.Do(func() {
		// One that has closed its output is given a moment to end by itself.
		t := time.AfterFunc(time.Second, s.cancel)
		defer t.Stop()
		err = s.cmd.Wait()
		s.cancel()
	})
	return err
}

// Close kills the program, if it still runs, and waits for it.
func (s *stream) Close() error {
	s.cancel()
	_ = s.stop() // it was killed: how it ended says nothing
	return nil
}

// tail keeps the last line that a program wrote. The program's exit orders its
// use: it is written by one goroutine, and read after Wait.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if n := len(t.b); n > 4096 {
		t.b = append(t.b[:0], t.b[n-4096:]...)
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
