package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// decoderProgram is the demonstration recogniser, a program of its own: tingji
	// links no decoder.
	decoderProgram = "demo-asr"
	// decoderModel is what it calls its model, in segments.
	decoderModel    = "demo-synthetic"
	decoderPatience = 30 * time.Second // until it serves
	decoderPause    = time.Second      // before it is started again
)

// decoder is the demonstration recogniser as a child process on loopback. It
// ends with this process, however that ends: it reads a pipe of which we hold
// the other end.
type decoder struct {
	path string
	addr string // where it serves, the same after each start
	log  *slog.Logger
}

// findDecoder looks beside this program, then in PATH.
func findDecoder() (string, error) {
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), decoderProgram)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return beside, nil
		}
	}
	path, err := exec.LookPath(decoderProgram)
	if err != nil {
		return "", fmt.Errorf("%s is neither beside tingji nor in PATH", decoderProgram)
	}
	return path, nil
}

// startDecoder starts the demonstration recogniser, keeps it running as a part
// of s, and returns its base URL.
func (a *app) startDecoder(ctx context.Context, s *stack) (string, error) {
	path, err := findDecoder()
	if err != nil {
		return "", err
	}
	d := &decoder{path: path, addr: "127.0.0.1:0", log: a.log}
	first, err := d.start(ctx)
	if err != nil {
		return "", err
	}
	s.Go("demonstration recogniser", func(ctx context.Context) error { return d.keep(ctx, first) })
	return "http://" + d.addr + "/v1", nil
}

// child is one run of the program.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer // closing it asks the program to end
	ended chan error
}

// start returns when the program serves.
func (d *decoder) start(ctx context.Context) (*child, error) {
	c := &child{cmd: exec.Command(d.path, "--child", "--listen", d.addr), ended: make(chan error, 1)}
	c.cmd.Stderr = decoderLog{d.log}
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	c.stdin = stdin
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", d.path, err)
	}
	said := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n')
		said <- line
		io.Copy(io.Discard, lines)
		c.ended <- c.cmd.Wait()
	}()
	select {
	case line := <-said:
		addr, ok := strings.CutPrefix(strings.TrimSuffix(strings.TrimSpace(line), "/v1"), "http://")
		if !ok {
			c.stop()
			return nil, fmt.Errorf("start %s: it does not serve", d.path)
		}
		d.addr = addr
		return c, nil
	case <-time.After(decoderPatience):
		err = fmt.Errorf("start %s: not ready after %v", d.path, decoderPatience)
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.stop()
	return nil, err
}

// stop asks the program to end, and insists after a while.
func (c *child) stop() {
	c.stdin.Close()
	select {
	case <-c.ended:
	case <-time.After(stopPatience / 3):
		c.cmd.Process.Kill()
		<-c.ended
	}
}

// keep starts the program again whenever it dies, until ctx is done. Meanwhile
// the worker finds nobody at its address, and asks again.
func (d *decoder) keep(ctx context.Context, c *child) error {
	for {
		select {
		case <-ctx.Done():
			c.stop()
			return nil
		case err := <-c.ended:
			c.stdin.Close()
			d.log.Warn("the demonstration recogniser died; it is started again", "err", err)
		}
		for c = nil; c == nil; {
			select {
			case <-time.After(decoderPause):
			case <-ctx.Done():
				return nil
			}
			var err error
			if c, err = d.start(ctx); err != nil && !errors.Is(err, context.Canceled) {
				d.log.Warn("the demonstration recogniser does not start", "err", err)
			}
		}
	}
}

// decoderLog puts what the program prints into our log, line by line.
type decoderLog struct{ log *slog.Logger }

func (l decoderLog) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		l.log.Info("demonstration recogniser", "says", strings.TrimSpace(line))
	}
	return len(p), nil
}
