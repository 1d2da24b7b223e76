package web_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tingji/asr"
)

// TestAnHourOfLines has an hour of speech arrive on the clerk's desk, as fast as
// it will: a line every four seconds and four partials of each. What the page
// holds may grow with the lines of the record, and with nothing else: what goes
// through it, partials, levels and ticks, leaves nothing behind.
func TestAnHourOfLines(t *testing.T) {
	longOnly(t)
	const minutes = 60
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	c.alive(h)
	until(t, ctx, connected)
	lines := 0
	hear := func(to int) {
		for ; lines < to*15; lines++ {
			at := time.Duration(lines+1) * 4 * time.Second
			l := dialogue[lines%len(dialogue)]
			letters := []rune(l.text)
			for i := range 4 {
				c.say(h, l.channel, at, at+time.Duration(i+1)*700*time.Millisecond, asr.Partial, string(letters[:len(letters)*(i+1)/5]))
			}
			c.say(h, l.channel, at, at+3*time.Second, asr.Final, l.text)
			c.alive(h)
		}
		until(t, ctx, shows(lines))
		until(t, ctx, `!document.querySelector(".line.partial")`)
	}
	measure := func() (heap float64, nodes int) {
		t.Helper()
		for range 2 {
			call(t, ctx, heapprofiler.CollectGarbage, cdp.Empty{})
		}
		if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			used, err := cdp.Call(ctx, tab, runtime.GetHeapUsage, cdp.Empty{})
			heap = used.UsedSize / 1024
			return err
		})); err != nil {
			t.Fatal(err)
		}
		return heap, js[int](t, ctx, `document.querySelectorAll("*").length`)
	}
	first := minutes / 6
	hear(first)
	heap1, nodes1 := measure()
	hear(minutes)
	heap2, nodes2 := measure()
	more := float64(minutes-first) * 15
	t.Logf("JS heap after garbage collection: %.0f KB at minute %d, %.0f KB at minute %d: %.2f KB and %.1f elements a line",
		heap1, first, heap2, minutes, (heap2-heap1)/more, float64(nodes2-nodes1)/more)
	if perLine := (heap2 - heap1) / more; perLine > 8 {
		t.Errorf("%.1f KB of heap for each line that arrived", perLine)
	}
	if perLine := float64(nodes2-nodes1) / more; perLine > 12 {
		t.Errorf("%.1f elements for each line that arrived", perLine)
	}
}

// longOnly skips what takes too long for every run; make e2e has them run.
func longOnly(t *testing.T) {
	t.Helper()
	if os.Getenv("TINGJI_TEST_LONG") == "" {
		t.Skip("takes long: make e2e runs it, and so does TINGJI_TEST_LONG=1")
	}
}
