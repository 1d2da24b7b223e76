package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"tingji/capture"
)

// noiseSource is a microphone of a quiet room, more or less at real pace.
const noiseSource = `exec:sh -c 'while :; do head -c 640 /dev/urandom; sleep 0.02; done'`

// pc is a courtroom's PC: tingji capture in a process of its own.
type pc struct {
	t       testing.TB
	control string // address of the control by hand
	said    *output
	stop    func() // ends it as Ctrl-C does; idempotent
}

// startPC runs tingji capture; it ends with the test, and the test fails where it
// ended by itself. environ has TINGJI_CAPTURE_LISTEN=control. The test is skipped
// where there is no shell, which stands for the microphones.
func startPC(t testing.TB, config, control string, environ []string) *pc {
	t.Helper()
	p := &pc{t: t, control: control, said: new(output)}
	ctx, cancel := context.WithCancel(context.Background())
	daemon := exec.CommandContext(ctx, executable(t), "capture", "--config", config)
	daemon.Cancel = func() error { return daemon.Process.Signal(syscall.SIGINT) }
	daemon.Env, daemon.Stderr = append(os.Environ(), environ...), p.said
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	p.stop = sync.OnceFunc(func() {
		cancel()
		_ = daemon.Wait() // an interrupted command is an error to exec
	})
	t.Cleanup(func() {
		p.stop()
		if code := daemon.ProcessState.ExitCode(); code > 0 {
			t.Errorf("the daemon ended with exit code %d", code)
		}
		if t.Failed() {
			t.Log(lastLines(p.said.String(), 60))
		}
	})
	return p
}

// needShell skips a test whose microphones are shell commands.
func needShell(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("a shell stands for the microphone: there is none")
	}
}

// ask is the answer of the PC's own address, or why there is none.
func (p *pc) ask(path string) string {
	res, err := http.Get("http://" + p.control + path)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body) // half an answer does not hold what is waited for
	return string(b)
}

// report is how the PC says it is; empty while it does not answer.
func (p *pc) report() (r capture.Report) {
	p.t.Helper()
	res, err := http.Get("http://" + p.control + "/report")
	if err != nil {
		return r
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		p.t.Fatal(err)
	}
	return r
}
