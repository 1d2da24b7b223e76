package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCaptureRefuses gives the daemon what it cannot start with: one line that
// says what to do, and the exit code of who has to mend it.
func TestCaptureRefuses(t *testing.T) {
	const room = "[capture]\ncourtroom = \"3\"\nlisten = \"\"\n[kafka]\nbrokers = [\"127.0.0.1:9\"]\n[[courtroom]]\nid = \"3\"\n"
	seat := func(channel, source string) string {
		return fmt.Sprintf("[[courtroom.seat]]\nchannel = %q\nrole = \"证人\"\nsource = %q\n", channel, source)
	}
	good := room + seat("judge", noiseSource)
	spool := func(dir, state string) {
		t.Helper()
		folder := filepath.Join(dir, "capture", "spool")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "state.json"), []byte(state), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		config  string
		prepare func(dir string)
		code    int
		says    []string
	}{
		"no courtroom":               {"[kafka]\nbrokers = [\"127.0.0.1:9\"]\n", nil, exitMisuse, []string{"--courtroom"}},
		"another's configuration":    {strings.Replace(good, `courtroom = "3"`, `courtroom = "4"`, 1), nil, exitMisuse, []string{`no [[courtroom]] of that id`, `"3"`}},
		"no seat":                    {room, nil, exitMisuse, []string{"no seat with a source"}},
		"two seats on one channel":   {room + seat("judge", "portaudio:ALSA/panel") + seat("clerk", "portaudio:ALSA/panel#1"), nil, exitMisuse, []string{"judge and clerk both hear"}},
		"two seats of one name":      {room + seat("judge", noiseSource) + seat("judge", noiseSource+" x"), nil, exitMisuse, []string{"judge has two seats"}},
		"only sources that are none": {room + seat("judge", "portoudio:x"), nil, exitMisuse, []string{`did you mean "portaudio"`}},
		"channel of words":           {room + seat("judge", "portaudio:ALSA/panel#one"), nil, exitMisuse, []string{"a number from 1"}},
		"foreign spool":              {good, func(dir string) { spool(dir, `{"v":1,"courtroom":"7","channels":{}}`) }, exitFailure, []string{`belongs to courtroom "7"`, "choose another folder"}},
		"spool of a newer program":   {good, func(dir string) { spool(dir, `{"v":9,"courtroom":"3"}`) }, exitFailure, []string{"update this one"}},
		"folder is a file": {good, func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, "capture"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, exitFailure, []string{"capture"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if test.prepare != nil {
				test.prepare(dir)
			}
			out, errs, code := tingji(t, nil, "capture", "--config", writeConfig(t, test.config), "--data", dir)
			lines := strings.Split(strings.TrimSpace(errs), "\n")
			last := lines[len(lines)-1]
			if code != test.code || out != "" || !strings.HasPrefix(last, "tingji: ") {
				t.Fatalf("exit %d, prints %q, ends with %q", code, out, last)
			}
			for _, s := range test.says {
				if !strings.Contains(last, s) {
					t.Errorf("does not say %s: %s", s, last)
				}
			}
		})
	}
}

// TestCaptureRecordsWhatItCan opens a hearing by hand, with no server, on a PC
// where all but one seat is wrong in its own way, and the archive's folder too.
// Each is told of, and the one seat is recorded.
func TestCaptureRecordsWhatItCan(t *testing.T) {
	needShell(t)
	dir := t.TempDir()
	// A sound card that plays a file for ever, without a sound server.
	asound := "pcm.panel { type file slave.pcm \"null\" file \"/dev/null\" infile \"/dev/zero\" format \"raw\" hint { show on description \"panel\" } }\n"
	archive := filepath.Join(dir, "archive")
	for path, text := range map[string]string{filepath.Join(dir, ".asoundrc"): asound, archive: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seats := []struct{ channel, source, says string }{
		{"judge", noiseSource, ""},
		{"nowhere", "portaudio:ALSA/pannel#1", `最接近的是“panel”`},
		{"beyond", "portaudio:ALSA/panel#99999", "没有第 99999 声道"},
		{"text", "exec:echo usage: a program that prints its usage", "输出的不是原始 PCM"},
		{"wav", "exec:printf RIFF____WAVEfmt_and_more_of_the_head_of_a_file", "WAV"},
		{"absent", "exec:/no/such/program", "无法启动"},
		{"file", "file:/no/such/file.wav", "没有这个文件"},
		{"wrong", "portoudio:x", "请改正配置"},
		{"ends", "exec:true", "已停止"},
	}
	var config strings.Builder
	fmt.Fprintf(&config, "[capture]\ncourtroom = \"3\"\narchive = %q\n[[courtroom]]\nid = \"3\"\n", archive)
	for _, s := range seats {
		fmt.Fprintf(&config, "[[courtroom.seat]]\nchannel = %q\nrole = \"证人\"\nsource = %q\n", s.channel, s.source)
	}
	control := freePort(t)
	environ := []string{"TINGJI_CAPTURE_LISTEN=" + control, "TINGJI_KAFKA=127.0.0.1:9", "TINGJI_DATA=" + filepath.Join(dir, "pc"), "HOME=" + dir, "JACK_NO_START_SERVER=1"}
	path := writeConfig(t, config.String())
	daemon := startPC(t, path, control, environ)
	for i := 0; daemon.report().Courtroom == ""; i++ {
		if i == 200 {
			t.Fatal("the daemon does not answer")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if _, errs, code := tingji(t, environ, "capture", "open", "--config", path); code != exitOK {
		t.Fatalf("open: exit %d: %s", code, errs)
	}
	if _, errs, code := tingji(t, environ, "capture", "open", "--config", path); code != exitFailure || !strings.Contains(errs, "close it first") {
		t.Errorf("opened twice: exit %d: %s", code, errs)
	}
	lacks := func() (missing []string) {
		r := daemon.report()
		for _, s := range seats {
			ok := s.says == "" && len(r.Seats) > 0 && r.Seats[0].Recording && r.Seats[0].Samples > 0
			for _, a := range r.Alarms {
				ok = ok || a.Code == "source-failed" && a.Channel == s.channel && s.says != "" && strings.Contains(a.Text, s.says) && a.TextEN != ""
			}
			if !ok {
				missing = append(missing, s.channel)
			}
		}
		archive := false
		for _, a := range r.Alarms {
			archive = archive || a.Code == "archive-failed"
		}
		if !archive {
			missing = append(missing, "archive")
		}
		return missing
	}
	for i := 0; len(lacks()) > 0; i++ {
		if i == 100 {
			t.Fatalf("nothing is said of %q: %+v", lacks(), daemon.report().Alarms)
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, s := range seats[1:] {
		if !strings.Contains(daemon.said.String(), "channel="+s.channel) {
			t.Errorf("the log says nothing of %s", s.channel)
		}
	}
	if _, errs, code := tingji(t, environ, "capture", "close", "--config", path); code != exitOK {
		t.Errorf("close: exit %d: %s", code, errs)
	}
	out, _, code := tingji(t, environ, "capture", "check", "--config", path, "--for", "100ms")
	if code != exitFailure || !strings.Contains(out, "FAIL  archive "+archive) {
		t.Errorf("check: exit %d\n%s", code, out)
	}
}
