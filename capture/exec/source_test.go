package exec_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tingji/capture"
	"tingji/capture/exec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, name string, args ...string) capture.Stream {
	t.Helper()
	st, err := exec.New(name, args...).Open(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func TestSamplesComeThrough(t *testing.T) {
	want := make([]int16, 20001)
	var b []byte
	for i := range want {
		want[i] = int16(i * 7)
		b = append(b, byte(want[i]), byte(want[i]>>8))
	}
	path := filepath.Join(t.TempDir(), "pcm")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	// A first byte on its own splits every sample that follows.
	st := open(t, "sh", "-c", "head -c 1 "+path+"; sleep 0.1; tail -c +2 "+path+"; echo the end >&2; exit 3")
	var got []int16
	buf := make([]int16, 333)
	for {
		n, arrived, err := st.Read(t.Context(), buf)
		if err != nil {
			var failed *capture.SourceError
			if !errors.As(err, &failed) || failed.Permanent || !strings.Contains(err.Error(), "exit status 3: the end") || strings.Contains(err.Error(), "\n") {
				t.Errorf("ends with %v", err)
			}
			break
		}
		if n < 1 || time.Since(arrived) > time.Minute {
			t.Fatalf("%d samples at %v", n, arrived)
		}
		got = append(got, buf[:n]...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d samples of %d", len(got), len(want))
	}
}

// TestWhatIsNoSound: programs that print anything but samples are told from
// those that print samples, however quiet or few.
func TestWhatIsNoSound(t *testing.T) {
	for command, want := range map[string]string{
		"echo usage: recorder [options] file, more of that": `instead of bare samples`,
		"echo 用法：录音程序 [选项] 文件名，详见说明":                        `"用法：录音程序`,
		"echo no": `prints "no"`,
		"printf 'RIFF\\377\\377\\377\\377WAVEfmt \\020\\000\\000\\000'": `prints WAV`,
		"head -c 100 /dev/zero":                    "has stopped",
		"printf '\\001\\000\\377\\377'":            "has stopped",
		"yes '' | head -c 4000 | tr '\\n' '\\001'": "has stopped",
	} {
		st := open(t, "sh", "-c", command)
		buf := make([]int16, 320)
		for {
			if _, _, err := st.Read(t.Context(), buf); err != nil {
				var failed *capture.SourceError
				if !errors.As(err, &failed) || !strings.Contains(failed.TextEN, want) || failed.Text == "" {
					t.Errorf("%s: %v", command, err)
				}
				break
			}
		}
	}
}

func TestNoSuchProgram(t *testing.T) {
	_, err := exec.New("/nowhere/program").Open(t.Context(), 0)
	var failed *capture.SourceError
	if !errors.As(err, &failed) || failed.Text == "" {
		t.Errorf("got %v", err)
	}
}

// TestCloseEndsTheProgram closes while a child of a child holds the pipe.
func TestCloseEndsTheProgram(t *testing.T) {
	st := open(t, "sh", "-c", "sh -c 'sleep 1000' & sleep 1000")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, _, err := st.Read(ctx, make([]int16, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("Read ends with %v", err)
	}
	done := make(chan struct{})
	go func() { st.Close(); st.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("Close waits for a program that never ends")
	}
}
