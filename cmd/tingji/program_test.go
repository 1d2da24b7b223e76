package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store/kafka"
	"tingji/testdata/hearing"
	"tingji/transcript"
)

// The tests here run the program as its users do: built once, started as a
// process, driven by its command line and its HTTP API.

var built struct {
	once sync.Once
	path string
	err  error
}

func TestMain(m *testing.M) {
	if what := os.Getenv(partEnv); what != "" {
		fmt.Fprintln(os.Stderr, playPart(what))
		os.Exit(1)
	}
	code := m.Run()
	if built.path != "" {
		os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

// executable builds the program, without the race detector: it is slowed down
// by an order of magnitude, and the packages have their own tests under it.
func executable(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		dir, err := os.MkdirTemp("", "tingji-test-")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "tingji")
		out, err := exec.Command("go", "build", "-o", built.path, ".").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// embeddedBroker runs a broker that the programs of a test share, and that outlives
// them.
func embeddedBroker(t testing.TB) *kafka.Embedded {
	t.Helper()
	broker, err := kafka.StartEmbedded(t.Context(), kafka.EmbeddedConfig{Dir: t.TempDir(), Addr: "127.0.0.1:0", CapBytes: 64 << 20, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })
	return broker
}

// program is a running tingji.
type program struct {
	t      testing.TB
	cmd    *exec.Cmd
	url    string // of its pages
	stderr *output
	ended  chan struct{}
}

// output collects what a process prints; safe for several goroutines.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

var pagesAt = regexp.MustCompile(`http://[0-9.:]+`)

// start runs tingji with args and waits until its pages are there.
func start(t testing.TB, args ...string) *program {
	t.Helper()
	p := &program{t: t, stderr: new(output), ended: make(chan struct{})}
	p.cmd = exec.Command(executable(t), args...)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if url := pagesAt.FindString(lines.Text()); url != "" {
				select {
				case said <- url:
				default:
				}
			}
		}
		p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("tingji %s said:\n%s", strings.Join(args, " "), lastLines(p.stderr.String(), 60))
		}
	})
	select {
	case p.url = <-said:
	case <-p.ended:
		t.Fatalf("tingji %s ended: %s\n%s", strings.Join(args, " "), p.cmd.ProcessState, p.stderr)
	case <-time.After(time.Minute):
		t.Fatalf("tingji %s does not say where its pages are\n%s", strings.Join(args, " "), p.stderr)
	}
	return p
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// kill ends the process as a power cut would.
func (p *program) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// stop ends it as Ctrl-C does and returns its exit code.
func (p *program) stop() int {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.t.Fatalf("does not end after Ctrl-C\n%s", lastLines(p.stderr.String(), 30))
	}
	return p.cmd.ProcessState.ExitCode()
}

// get reads a JSON answer of the API; a connection refused is an error, as the
// program may be dead on purpose.
func (p *program) get(path string, to any) error {
	resp, err := http.Get(p.url + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %s", path, resp.Status, body)
	}
	return json.Unmarshal(body, to)
}

// heardHearing is a hearing as GET /api/v1/hearings/{id} gives it.
type heardHearing struct {
	capture.Hearing
	Progress transcript.Progress `json:"progress"`
}

// only returns the one hearing that the program holds.
func (p *program) only() (h heardHearing, err error) {
	var list struct{ Hearings []capture.Hearing }
	if err := p.get("/api/v1/hearings", &list); err != nil {
		return h, err
	}
	if len(list.Hearings) != 1 {
		return h, fmt.Errorf("%d hearings", len(list.Hearings))
	}
	err = p.get("/api/v1/hearings/"+list.Hearings[0].ID, &h)
	return h, err
}

func (p *program) lines(hearing string) []transcript.Line {
	p.t.Helper()
	var answer struct{ Lines []transcript.Line }
	if err := p.get("/api/v1/hearings/"+hearing+"/lines", &answer); err != nil {
		p.t.Fatal(err)
	}
	return answer.Lines
}

// untilComplete waits until the only hearing is closed and wholly recognised.
func (p *program) untilComplete(patience time.Duration) heardHearing {
	p.t.Helper()
	var h heardHearing
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		select {
		case <-p.ended:
			p.t.Fatalf("ended: %s", p.cmd.ProcessState)
		default:
		}
		if h, err = p.only(); err == nil && h.Progress.Complete {
			return h
		}
	}
	p.t.Fatalf("not complete after %s: %v, %+v", patience, err, h)
	return h
}

// said is what a transcript is compared by: who said what, in order.
type said struct{ Channel, Role, Text string }

func reference(t testing.TB) (*hearing.Hearing, []said) {
	t.Helper()
	ref, err := hearing.Reference()
	if err != nil {
		t.Fatal(err)
	}
	list := make([]said, len(ref.Sentences))
	for i, s := range ref.Sentences {
		list[i] = said{s.Channel, s.Role, s.Text}
	}
	return ref, list
}

// compare fails the test where the lines are not the reference: every
// character, seat and order.
func compare(t testing.TB, lines []transcript.Line, want []said) {
	t.Helper()
	for i := range max(len(lines), len(want)) {
		var got, expected said
		if i < len(lines) {
			got = said{lines[i].Channel, lines[i].Role, lines[i].Text}
		}
		if i < len(want) {
			expected = want[i]
		}
		if got != expected {
			t.Errorf("line %d: got %v, want %v", i+1, got, expected)
			if i > len(want)+3 {
				t.Fatal("and more")
			}
		}
	}
}

// freePort is a port that nobody uses now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// tingji runs the program to its end and returns what it printed and its exit
// code.
func tingji(t testing.TB, environ []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	program := executable(t) // the first to ask builds it, which takes its time
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), environ...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

var quiet = slog.New(slog.DiscardHandler)
