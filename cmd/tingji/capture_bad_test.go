package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
			t.Parallel() // who can say why it does not start tries to tell the server
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
