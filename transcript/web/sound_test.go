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
	"sync/atomic"
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
	const hours, lines, plays = 8, 400, 100
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
	h = c.openedAgo(h, hours*time.Hour)
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
	if last := js[int](t, ctx, fmt.Sprintf(`document.querySelector("tj-lines").shown()[%d].line.start_ms`, lines-1)); last < (hours-1)*3_600_000 {
		t.Fatalf("the last of the lines is at %d ms", last)
	}
	js[bool](t, ctx, `(window.begun = [], window.failed = 0, (() => {
		const player = document.querySelector("tj-lines").player;
		let pressed = 0;
		document.addEventListener("keydown", e => pressed = e.timeStamp, true);
		for (const audio of [player.audio, player.next]) {
			audio.addEventListener("playing", () => begun.push(performance.now() - pressed));
			audio.addEventListener("error", () => { if (audio === player.audio && player.playing) failed++; });
		}
		return true;
	})())`)
	// The key comes with the line, or after a look at it: its sound is fetched meanwhile.
	for _, look := range []bool{false, true} {
		js[bool](t, ctx, `(window.begun = [], true)`)
		for i := range plays {
			js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.shown()[%d]), true))(document.querySelector("tj-lines"))`, rand.N(lines-10)))
			if look {
				until(t, ctx, `document.querySelector("tj-lines").player.expected !== "" && document.querySelector("tj-lines").player.next.readyState === 4`)
			}
			press(t, ctx, kb.F4)
			until(t, ctx, fmt.Sprintf(`window.begun.length === %d`, i+1))
			press(t, ctx, kb.F4) // and stops
		}
		took := js[[]float64](t, ctx, `window.begun`)
		slices.Sort(took)
		t.Logf("key to sound in a hearing of %d hours, after a look at the line: %v: median %.0f ms, p95 %.0f ms, longest %.0f ms", hours, look, took[plays/2], took[plays*95/100], took[plays-1])
	}
	if n := js[int](t, ctx, `window.failed`); n != 0 {
		t.Errorf("%d sounds failed", n)
	}
}

// openedAgo makes a hearing one that was opened some time ago.
func (c *court) openedAgo(h capture.Hearing, ago time.Duration) capture.Hearing {
	c.t.Helper()
	_, _, err := c.store.UpdateHearing(c.t.Context(), h.ID, func(h *capture.Hearing) error {
		opened := h.OpenedAt.Add(-ago)
		h.OpenedAt = &opened
		return nil
	})
	if err == nil { // a change that is none has the docket learn of it
		h, err = c.docket.Release(c.t.Context(), h.ID, "")
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return h
}

// The sound of the line that the clerk is at is there before he asks for it, and
// again when he has heard it; what was only now spoken is not asked for, as the
// archive may not have all of it yet.
func TestSoundIsReadyBeforeTheKey(t *testing.T) {
	ctx := openBrowser(t)
	var asked atomic.Int64
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Audio = func(ctx context.Context, h capture.Hearing, channel string, from, to int64) (io.ReadSeekCloser, time.Time, error) {
			asked.Add(1)
			return tone(ctx, h, channel, from, to)
		}
	})
	h := c.hearing("court-3")
	h = c.openedAgo(h, time.Hour)
	old := c.say(h, "judge", time.Second, 1500*time.Millisecond, asr.Final, "现在开庭。")
	fresh := c.say(h, "plaintiff", time.Hour, time.Hour+time.Second, asr.Final, "好的。")
	c.lines(h, 2)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(2)+` && document.querySelector(".clock").textContent > "01:00:00"`)
	at := func(line string) {
		js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, line))
	}
	ready := `(p => p.expected.includes("channel=judge") && p.next.readyState === 4)(document.querySelector("tj-lines").player)`
	click(t, ctx, ".clock") // a window without the focus tells of none
	at(fresh)
	at(old)
	until(t, ctx, ready)
	for range 2 {
		before := asked.Load()
		press(t, ctx, kb.F4)
		until(t, ctx, `!!document.querySelector(".line.playing") && document.querySelector("tj-lines").player.audio.currentTime > 0`)
		if n := asked.Load() - before; n != 0 {
			t.Errorf("the sound was there, and asked for %d times", n)
		}
		until(t, ctx, `!document.querySelector(".line.playing")`) // it ends by itself
		until(t, ctx, ready)
	}
	at(fresh)
	press(t, ctx, kb.F4) // what is there is another line's
	until(t, ctx, `document.querySelector("tj-lines").player.audio.src.includes("channel=plaintiff")`)
}
