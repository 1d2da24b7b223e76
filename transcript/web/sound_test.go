package web_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/capture"
	"tingji/store"
	"tingji/store/audio"
	"tingji/transcript/web"
)

// TestSoundOfAnyLine measures how long after its key the sound of a line begins,
// in a hearing of eight hours: lines anywhere in it, from the archive's files.
func TestSoundOfAnyLine(t *testing.T) {
	longOnly(t)
	const hours, lines, plays = 8, 400, 60
	ctx := openBrowser(t)
	var archive *audio.Archive
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Audio = func(ctx context.Context, h capture.Hearing, channel string, from, to int64) (io.ReadSeekCloser, time.Time, error) {
			r, err := archive.OpenAudio(ctx, h, channel, from, to)
			if err != nil {
				return nil, time.Time{}, err
			}
			return r, r.ModTime(), nil
		}
	})
	archive = audio.NewArchive(c.dir, c.store, slog.New(slog.DiscardHandler))
	h := c.hearing("court-3")
	h, _, err := c.store.UpdateHearing(t.Context(), h.ID, func(h *capture.Hearing) error {
		opened := h.OpenedAt.Add(-hours * time.Hour)
		h.OpenedAt = &opened
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sound := store.AudioBatch{Channels: []store.AudioChannel{{Hearing: h.ID, Channel: "judge", Epoch: 1, Seq: 6 * hours, Samples: hours * 3600 * capture.Rate, StoredAt: *h.OpenedAt}}}
	const part = 600 * capture.Rate
	for i := range 6 * hours { // ten minutes each
		path := filepath.Join("2026", h.ID, "judge", fmt.Sprintf("1-%d.wav", i+1))
		sound.Files = append(sound.Files, store.AudioFile{Hearing: h.ID, Channel: "judge", Epoch: 1, Part: i + 1, File: filepath.ToSlash(path), First: capture.SampleIndex(i * part), Samples: part,
			StartedAt: h.OpenedAt.Add(time.Duration(i) * 10 * time.Minute), FirstSeq: uint64(i + 1), LastSeq: uint64(i + 1)})
		err := os.MkdirAll(filepath.Join(c.dir, filepath.Dir(path)), 0o755)
		if err == nil {
			err = os.WriteFile(filepath.Join(c.dir, path), nil, 0o644)
		}
		if err == nil {
			err = os.Truncate(filepath.Join(c.dir, path), 44+2*part)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.store.StoreAudio(t.Context(), sound); err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		at := time.Duration(i) * hours * time.Hour / lines
		c.say(h, "judge", at, at+3*time.Second, asr.Final, "现在开庭。")
	}
	c.lines(h, lines)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(lines))
	js[bool](t, ctx, `(window.begun = [], window.failed = 0, (() => {
		const audio = document.querySelector("tj-lines").player.audio;
		let pressed = 0;
		document.addEventListener("keydown", e => pressed = e.timeStamp, true);
		audio.addEventListener("playing", () => begun.push(performance.now() - pressed));
		audio.addEventListener("error", () => failed++);
		return true;
	})())`)
	for i := range plays {
		js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.shown()[%d]), true))(document.querySelector("tj-lines"))`, rand.N(lines-1)))
		press(t, ctx, kb.F4)
		until(t, ctx, fmt.Sprintf(`window.begun.length === %d`, i+1))
		press(t, ctx, kb.F4) // and stops
	}
	took := js[[]float64](t, ctx, `window.begun`)
	slices.Sort(took)
	t.Logf("key to sound in a hearing of %d hours: median %.0f ms, p95 %.0f ms, longest %.0f ms", hours, took[plays/2], took[plays*95/100], took[plays-1])
}
