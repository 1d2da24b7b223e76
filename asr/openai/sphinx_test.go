package openai

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tingji/asr"
)

const shared = "../../../shared" // beside the repository

// startSphinx runs the PocketSphinx server and returns its base URL.
func startSphinx(t *testing.T, flags ...string) string {
	t.Helper()
	run, err := filepath.Abs(shared + "/tools/sphinx-server/run")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(run); err != nil {
		t.Skip("no real decoder here: ../shared/tools/sphinx-server is absent")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	server := exec.Command(run, append([]string{fmt.Sprint(port)}, flags...)...)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Signal(syscall.SIGTERM)
		server.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("sphinx-server: %q %v", line, err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d/v1", port)
}

func readClip(t *testing.T, name string) asr.Clip {
	t.Helper()
	b, err := os.ReadFile(shared + "/audio/" + name)
	if err != nil {
		t.Fatal(err)
	}
	clip := asr.Clip{Final: true}
	for b = b[44:]; len(b) >= 2; b = b[2:] {
		clip.Samples = append(clip.Samples, int16(binary.LittleEndian.Uint16(b)))
	}
	return clip
}

func TestSphinx(t *testing.T) {
	const want = "广州市房地产中介协会分析"
	for _, words := range []string{"top", "nested"} {
		t.Run(words, func(t *testing.T) {
			url := startSphinx(t, "-words", words, "-fail-every", "2", "-hang-every", "3", "-truncate-every", "5")
			clip := readClip(t, "aishell-BAC009S0724W0121.wav")
			e, err := New(Config{BaseURL: url, Timeout: time.Minute}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			if err := e.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			for n := 1; n <= 5; n++ { // fine, fails, hangs, fails, cut short
				if n == 3 {
					e.config.Timeout = 300 * time.Millisecond
				}
				h, err := e.Recognize(t.Context(), clip)
				e.config.Timeout = time.Minute
				if n > 1 {
					var retry *asr.RetryError
					if !errors.As(err, &retry) {
						t.Errorf("call %d: %v %v", n, h, err)
					}
					t.Log(err)
					continue
				}
				if err != nil || h.Text != want || h.Estimated || len(h.Words) < 4 || h.Language != "zh" {
					t.Fatal(show(h), err)
				}
				if words == "nested" && h.Words[0].Confidence == 0 {
					t.Error("no confidence")
				}
				t.Log(show(h))
			}
		})
	}
}
