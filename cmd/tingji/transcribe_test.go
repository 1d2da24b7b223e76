package main

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tingji/asr/demo"
	"tingji/testdata/hearing"
)

const sampleFolder = "../../testdata/hearing"

// TestTranscribeSample: recordings of the sample hearing need no engine, and
// come out as the reference has them, in the order in which they were said.
func TestTranscribeSample(t *testing.T) {
	t.Parallel()
	ref, _ := reference(t)
	stdout, stderr, code := tingji(t, nil, "transcribe", filepath.Join(sampleFolder, "judge.flac"), filepath.Join(sampleFolder, "plaintiff.flac"), "--roles", "审判长,原告")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var want strings.Builder
	for _, s := range ref.Sentences {
		if s.Channel == "judge" || s.Channel == "plaintiff" {
			want.WriteString(s.Role + "：" + s.Text + "\n")
		}
	}
	if stdout != want.String() {
		t.Errorf("got\n%s\nwant\n%s", stdout, want.String())
	}
	if stderr != "" {
		t.Errorf("standard error, which is no terminal: %s", stderr)
	}
}

// TestTranscribeRefuses: bad input is one line that names it, nothing on
// standard output, and the exit code says whose mistake it was.
func TestTranscribeRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	judge := filepath.Join(sampleFolder, "judge.flac")
	dead := "http://" + freePort(t) + "/v1"
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no such file", []string{filepath.Join(dir, "nothing.wav")}, 2, "no such file"},
		{"directory", []string{dir}, 2, "directory"},
		{"empty", []string{write("empty.wav", nil)}, 2, "empty"},
		{"no recording", []string{write("text.wav", []byte("hello, hello"))}, 2, "not a recording"},
		{"wav header alone", []string{write("cut.wav", []byte("RIFF\xff\xff\xff\xffWAVEfmt "))}, 2, "cut.wav"},
		{"cut short", []string{write("half.wav", tone(16000)[:16044])}, 2, "0.5 s of 1.0 s"},
		{"no file named", nil, 2, "file"},
		{"unknown role", []string{judge, "--roles", "审判常"}, 2, "审判长"},
		{"too many roles", []string{judge, "--roles", "审判长,原告"}, 2, "1 seat"},
		{"unknown format", []string{judge, "--format", "odt"}, 2, "docx"},
		{"unknown flag", []string{judge, "--role", "审判长"}, 2, "--role"},
		{"engine address", []string{judge, "--asr-url", "127.0.0.1:8000"}, 2, "/v1"},
		{"no engine for it", []string{write("tone.wav", tone(16000))}, 2, "no speech engine"},
		{"engine away", []string{judge, "--asr-url", dead}, 1, "refused"},
		{"output folder", []string{filepath.Join(dir, "nothing.wav"), "-o", filepath.Join(dir, "no", "out.txt")}, 1, "out.txt"}, // before anything else is done
		{"output is a folder", []string{judge, "-o", dir}, 2, "is a folder"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, code := tingji(t, nil, append([]string{"transcribe"}, tt.args...)...)
			if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d, want %d; standard output %q; standard error %q, want one line with %q", code, tt.code, stdout, stderr, tt.want)
			}
		})
	}
}

// tone is a WAV of n samples of a square wave at 16 kHz.
func tone(n int) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data")
	b = append(b, byte(2*n), byte(2*n>>8), byte(2*n>>16), 0)
	for i := range n {
		b = append(b, 0, byte(0x10+0xe0*(i/40%2)))
	}
	size := len(b) - 8
	b[4], b[5], b[6] = byte(size), byte(size>>8), byte(size>>16)
	return b
}

// TestTranscribeBrokenEngines: an engine that fails now and then changes
// nothing; one that refuses everything is named in one line.
func TestTranscribeBrokenEngines(t *testing.T) {
	t.Parallel()
	ref, err := hearing.Load()
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, s := range ref.Sentences {
		if s.Channel == "witness" {
			want.WriteString(s.Text + "\n")
		}
	}
	for _, tt := range []struct {
		name string
		opts demo.Options
		code int
		says string
	}{
		{"without fault", demo.Options{}, 0, ""},
		{"nested words", demo.Options{NestedWords: true}, 0, ""},
		{"text only", demo.Options{NoWords: true}, 0, ""},
		{"500 now and then", demo.Options{FailEvery: 2}, 0, ""},
		{"429 now and then", demo.Options{RateLimitEvery: 3}, 0, ""},
		{"cut bodies", demo.Options{TruncateEvery: 2}, 0, ""},
		{"hangs now and then", demo.Options{HangEvery: 4}, 0, ""},
		{"slow", demo.Options{Delay: 100 * time.Millisecond, Parallel: 1}, 0, ""},
		{"401", demo.Options{Status401: true}, 1, "401"},
		{"html", demo.Options{HTML: true}, 1, "HTML"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			engine := demoEngine(ref, tt.opts, quiet)
			url, err := engine.Listen(t.Context(), "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go engine.Run(t.Context())
			stdout, stderr, code := tingji(t, []string{"TINGJI_ASR_URL=" + url, "TINGJI_ASR_TIMEOUT=2s"}, "transcribe", filepath.Join(sampleFolder, "witness.flac"))
			switch {
			case code != tt.code:
				t.Errorf("exit code %d: %s", code, stderr)
			case code == 0 && stdout != want.String():
				t.Errorf("got\n%s\nwant\n%s", stdout, want.String())
			case code != 0 && (stdout != "" || !strings.Contains(stderr, tt.says) || strings.Count(stderr, "\n") != 1):
				t.Errorf("standard output %q, standard error %q; want one line with %q", stdout, stderr, tt.says)
			}
		})
	}
}

// TestTranscribeWholeOrNothing: what was heard before the damage is not printed as if
// it were all; where nobody speaks, that is said.
func TestTranscribeWholeOrNothing(t *testing.T) {
	t.Parallel()
	ref, err := hearing.Load()
	if err != nil {
		t.Fatal(err)
	}
	engine := demoEngine(ref, demo.Options{}, quiet)
	url, err := engine.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go engine.Run(t.Context())
	whole, err := os.ReadFile(filepath.Join(sampleFolder, "witness.flac"))
	if err != nil {
		t.Fatal(err)
	}
	silence := tone(16000)
	clear(silence[44:])
	for _, tt := range []struct {
		name, file string
		data       []byte
		code       int
		says       string
	}{
		{"cut", "cut.flac", whole[:len(whole)*4/5], 2, "cut.flac: is damaged or cut short at "},
		{"silence", "silence.wav", silence, 0, "no speech was found"},
	} {
		path := filepath.Join(t.TempDir(), tt.file)
		if err := os.WriteFile(path, tt.data, 0o600); err != nil {
			t.Fatal(err)
		}
		stdout, stderr, code := tingji(t, []string{"TINGJI_ASR_URL=" + url}, "transcribe", path)
		if code != tt.code || strings.TrimSpace(stdout) != "" || !strings.Contains(stderr, tt.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, want %d; standard output %q; standard error %q, want one line with %q", tt.name, code, tt.code, stdout, stderr, tt.says)
		}
	}
}

// TestRealDecoder: the clips of real speech come out of the pipeline with the
// text that a real decoder gives for the whole clips.
func TestRealDecoder(t *testing.T) {
	run, err := filepath.Abs("../../../shared/tools/sphinx-server/run")
	if err != nil {
		t.Fatal(err)
	}
	clips, err := filepath.Glob("../../../shared/audio/*.wav")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(run); err != nil || len(clips) == 0 {
		t.Skip("no ../shared/tools/sphinx-server and ../shared/audio beside the repository: real speech is not tested")
	}
	addr := freePort(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(run, port)
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log := new(output)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		server.Process.Signal(syscall.SIGTERM)
		server.Wait()
	}()
	for end := time.Now().Add(5 * time.Minute); !strings.Contains(log.String(), "ready"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the server does not get ready:\n%s", log)
		}
	}
	url := "http://" + addr + "/v1"
	for _, clip := range clips {
		t.Run(filepath.Base(clip), func(t *testing.T) {
			want := ask(t, url, clip)
			stdout, stderr, code := tingji(t, nil, "transcribe", clip, "--asr-url", url, "--format", "json")
			var got struct{ Lines []struct{ Text string } }
			if code != 0 || json.Unmarshal([]byte(stdout), &got) != nil {
				t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
			}
			var text strings.Builder
			for _, l := range got.Lines {
				text.WriteString(l.Text)
			}
			if text.String() != want || want == "" {
				t.Errorf("the pipeline gives %q, the decoder %q", text.String(), want)
			}
		})
	}
}

// ask sends a whole clip to an engine, past the pipeline.
func ask(t *testing.T, url, clip string) string {
	t.Helper()
	data, err := os.ReadFile(clip)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "clip.wav")
	if err != nil {
		t.Fatal(err)
	}
	file.Write(data)
	form.WriteField("response_format", "text")
	form.Close()
	resp, err := http.Post(url+"/audio/transcriptions", form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("engine: %s %s %v", resp.Status, text, err)
	}
	return strings.TrimSpace(string(text))
}
