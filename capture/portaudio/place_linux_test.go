//go:build cgo && linux

package portaudio

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// TestCardsByTheirBus builds the /sys and /proc of a PC with two cards of one
// model, of which only one tells its serial number.
func TestCardsByTheirBus(t *testing.T) {
	root := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for card, port := range map[string]string{"1": "1-2", "2": "1-4"} {
		device := filepath.Join(root, "sys/devices/usb1", port, port+":1.0")
		sound, proc := filepath.Join(root, "sys/class/sound/card"+card), filepath.Join(root, "proc/asound/card"+card)
		must(errors.Join(os.MkdirAll(device, 0o755), os.MkdirAll(sound, 0o755), os.MkdirAll(proc, 0o755)))
		must(os.Symlink(device, filepath.Join(sound, "device")))
		must(os.WriteFile(filepath.Join(proc, "usbid"), []byte("0d8c:0014\n"), 0o600))
	}
	must(os.WriteFile(filepath.Join(root, "sys/devices/usb1/1-2/serial"), []byte("A7\n"), 0o600))
	for name, want := range map[string][2]string{
		"USB Audio: - (hw:1,0)":     {"USB Audio: - (hw:1-2:1.0,0)", "1-2:1.0 0d8c:0014 A7"},
		"USB Audio: - (hw:2,0)":     {"USB Audio: - (hw:1-4:1.0,0)", "1-4:1.0 0d8c:0014"},
		"USB Audio: - (hw:3,0)":     {"USB Audio: - (hw:3,0)", ""},
		"default":                   {"default", ""},
		"odd (hw:":                  {"odd (hw:", ""},
		"USB (a,b): Audio (hw:2,1)": {"USB (a,b): Audio (hw:1-4:1.0,1)", "1-4:1.0 0d8c:0014"},
	} {
		if got := stableName(filepath.Join(root, "sys"), name); got != want[0] {
			t.Errorf("%s: %q", name, got)
		}
		if got := hardware(root, name); got != want[1] {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestAppeared(t *testing.T) {
	row := []string{"x"}
	for _, test := range []struct {
		before, now map[string][]string
		want        string
	}{
		{nil, nil, ""},
		{nil, map[string][]string{"4": row}, "4"},
		{map[string][]string{"3": row}, map[string][]string{"3": row, "4": row}, "4"},
		{map[string][]string{"3": row}, map[string][]string{"3": row}, ""},
		{nil, map[string][]string{"3": row, "4": row}, ""},
	} {
		if got := appeared(test.before, test.now); got != test.want {
			t.Errorf("%v: %q", test, got)
		}
	}
}

// TestEncoderIsPassedOver: with the library started and ALSA's plug-ins installed,
// FFmpeg's libraries are not in the process.
func TestEncoderIsPassedOver(t *testing.T) {
	if found, _ := filepath.Glob("/usr/lib/*/alsa-lib/libasound_module_pcm_a52.so"); len(found) == 0 {
		t.Skip("ALSA's encoder is not installed (apt-get install libasound2-plugins)")
	}
	t.Setenv("JACK_NO_START_SERVER", "1")
	sys := New(0, slog.New(slog.DiscardHandler))
	for range 2 { // ALSA reads its configuration anew for the second
		if err := initialize(); err != nil {
			t.Fatal(err)
		}
		maps, err := os.ReadFile("/proc/self/maps")
		sys.terminate()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(maps, []byte("libasound.so")) || bytes.Contains(maps, []byte("libavcodec")) {
			t.Fatalf("mapped:\n%s", maps)
		}
	}
}
