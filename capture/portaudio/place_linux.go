//go:build cgo && linux

package portaudio

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cutCard finds the number of the ALSA card in a device's name, such as
// "USB Audio: - (hw:1,0)". It depends on the order in which cards were found.
func cutCard(name string) (before, card, after string, ok bool) {
	const mark = "(hw:"
	i := strings.LastIndex(name, mark)
	if i < 0 {
		return "", "", "", false
	}
	i += len(mark)
	j := strings.IndexByte(name[i:], ',')
	if j < 1 {
		return "", "", "", false
	}
	return name[:i], name[i : i+j], name[i+j:], true
}

// isHardware says whether a device is a card itself, and no plug-in before it.
func isHardware(name string) bool {
	_, _, _, ok := cutCard(name)
	return ok
}

// stableName is a device's name with the place of its card on the bus instead of
// the card's number: the same after any restart, as long as nobody moves the plug.
func stableName(sys, name string) string {
	before, card, after, ok := cutCard(name)
	if !ok {
		return name
	}
	at, err := filepath.EvalSymlinks(filepath.Join(sys, "class/sound/card"+card, "device"))
	if err != nil {
		return name
	}
	return before + filepath.Base(at) + after
}

// hardware is what a device's card is: its place on the bus, model and serial
// number, as far as it has them; "" for one that is no card.
func hardware(root, name string) string {
	_, card, _, ok := cutCard(name)
	if !ok {
		return ""
	}
	device := filepath.Join(root, "sys/class/sound/card"+card, "device")
	at, err := filepath.EvalSymlinks(device)
	if err != nil {
		return ""
	}
	is := []string{filepath.Base(at)}
	for _, path := range []string{filepath.Join(root, "proc/asound/card"+card, "usbid"), filepath.Join(at, "../serial")} {
		if b, err := os.ReadFile(path); err == nil {
			is = append(is, string(bytes.TrimSpace(b)))
		}
	}
	return strings.Join(is, " ")
}

// pactl asks the PulseAudio or PipeWire server for a list, by the first column;
// nil where there is none.
func pactl(list string) map[string][]string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "pactl", "list", "short", list).Output()
	if err != nil {
		return nil
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) > 1 {
			rows[f[0]] = f
		}
	}
	return rows
}

// recordings are the sound server's streams that somebody records from it.
func recordings() map[string][]string { return pactl("source-outputs") }

// appeared is the one stream that is there now and was not before; "" where
// that is not clear.
func appeared(before, now map[string][]string) string {
	id := ""
	for i := range now {
		if _, was := before[i]; was {
			continue
		}
		if id != "" {
			return ""
		}
		id = i
	}
	return id
}

// connectedTo is the source that a recording stream of the sound server is on.
// The server moves it to another one when that vanishes, and tells nobody.
func connectedTo(recording string) string {
	row := recordings()[recording]
	if row == nil {
		return ""
	}
	if source := pactl("sources")[row[1]]; source != nil {
		return source[1]
	}
	return ""
}

// Monitors are the sound server's own sources of what the PC plays.
func Monitors() []string {
	var names []string
	for _, row := range pactl("sources") {
		if strings.HasSuffix(row[1], ".monitor") {
			names = append(names, row[1])
		}
	}
	slices.Sort(names)
	return names
}
