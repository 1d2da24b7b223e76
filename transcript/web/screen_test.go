package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/web"
)

// holds is a page's own count of what it holds, after the garbage collector.
type holds struct {
	heap      float64 // KB of JavaScript
	nodes     float64 // in the document and out of it
	listeners float64
}

// held is what a page holds when nothing more of it can be collected: what a frame or
// a task under way still holds is free some frames later, on a busy machine many.
func held(t *testing.T, ctx context.Context) holds {
	t.Helper()
	call(t, ctx, performance.Enable, performance.EnableParams{})
	least, same := heldNow(t, ctx), 0
	for range 30 {
		js[bool](t, ctx, `(window.frames_left = 3, requestAnimationFrame(function next() { if (--frames_left > 0) requestAnimationFrame(next); }), true)`)
		until(t, ctx, `frames_left === 0`)
		now := heldNow(t, ctx)
		if same++; now.nodes < least.nodes || now.listeners < least.listeners {
			least, same = now, 0
		}
		least.heap = min(least.heap, now.heap)
		if same == 3 {
			break
		}
	}
	return least
}

func heldNow(t *testing.T, ctx context.Context) holds {
	t.Helper()
	for range 3 { // what a collected object held is free at the next
		call(t, ctx, heapprofiler.CollectGarbage, cdp.Empty{})
	}
	var h holds
	if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		used, err := cdp.Call(ctx, tab, runtime.GetHeapUsage, cdp.Empty{})
		if err != nil {
			return err
		}
		h.heap = used.UsedSize / 1024
		counts, err := cdp.Call(ctx, tab, performance.GetMetrics, cdp.Empty{})
		if err != nil {
			return err
		}
		for _, m := range counts.Metrics {
			switch m.Name {
			case "Nodes":
				h.nodes = m.Value
			case "JSEventListeners":
				h.listeners = m.Value
			}
		}
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	return h
}

// screenShows holds once the screen shows a hearing, and no other.
func screenShows(h capture.Hearing) string {
	return fmt.Sprintf(`document.querySelectorAll("tj-hearing").length === 1 && document.querySelector("tj-hearing").getAttribute("hearing") === %q && !document.querySelector("tj-banner .lost")`, h.ID)
}

const screenWaits = `!document.querySelector("tj-hearing") && document.querySelector("tj-screen > main h1")?.textContent === "第三审判庭" && !document.querySelector("tj-banner .lost")`

// TestScreenSurvivesTheNight has the parties' screen stand through hearings and
// the hours between them: lines, partials, levels and ticks as fast as they go,
// the page's clock set forward, the server started anew, the network cut. Nobody
// loads it anew, it shows the hearing that is held, and it holds no more after
// the last than after the second.
func TestScreenSurvivesTheNight(t *testing.T) {
	hearings, lines, ticks, looks := 2, 60, 200, 60
	if os.Getenv("TINGJI_TEST_LONG") != "" {
		hearings, lines, ticks, looks = 12, 1000, 3600, 1200 // an hour's, after every second hearing
	}
	ctx := openBrowser(t)
	fast := func(cfg *web.Config) { web.TickEvery(cfg, 5*time.Millisecond) }
	c := openCourt(t, fast)
	addr := strings.TrimPrefix(c.url, "http://")
	network := newLine(t, addr)
	// later sets the page's clock forward; ticks are what it has heard.
	call(t, ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
			window.loaded = (Number(sessionStorage.loaded) || 0) + 1; sessionStorage.loaded = window.loaded;
			window.ahead = 0; window.ticks = 0;
			const now = performance.now.bind(performance), date = Date.now.bind(Date);
			performance.now = () => now() + window.ahead;
			Date.now = () => date() + window.ahead;
			const listen = EventSource.prototype.addEventListener;
			EventSource.prototype.addEventListener = function (name, f) {
				listen.call(this, name, name !== "tick" ? f : e => { window.ticks++; f(e); });
			};`})
	visit(t, ctx, "http://"+network.addr+"/screen/court-3", 1920, 1080)
	until(t, ctx, screenWaits)
	// idle has an hour pass in front of a screen that has nothing new to show.
	idle := func() {
		t.Helper()
		js[bool](t, ctx, `(window.ticks = 0, true)`)
		js[bool](t, ctx, fmt.Sprintf(`((async () => {
			for (window.looks = 0; window.looks < %d; window.looks++) await document.querySelector("tj-screen").look();
		})(), window.ahead += 3_600_000, true)`, looks))
		for n := range 10 { // patience is for a tenth
			until(t, ctx, fmt.Sprintf(`window.looks >= %d && window.ticks >= %d`, looks*(n+1)/10, ticks*(n+1)/10))
		}
	}
	// lingered has the end of a hearing shown for as long as it is.
	lingered := func() {
		t.Helper()
		until(t, ctx, `document.querySelector("tj-screen").over > 0 || !document.querySelector("tj-hearing")`)
		js[bool](t, ctx, `(window.ahead += 11 * 60_000, true)`)
		until(t, ctx, screenWaits)
	}
	var first holds
	for i := range hearings {
		h := c.hearing("court-3")
		until(t, ctx, screenShows(h))
		c.alive(h)
		until(t, ctx, connected)
		for n := range lines {
			at := time.Duration(n+1) * 4 * time.Second
			l := dialogue[n%len(dialogue)]
			letters := []rune(l.text)
			for k := 1; k < 4; k++ {
				c.say(h, l.channel, at, at+time.Duration(k)*time.Second, asr.Partial, string(letters[:len(letters)*k/4]))
			}
			c.say(h, l.channel, at, at+3*time.Second, asr.Final, fmt.Sprintf("第%d场第%d句。%s", i+1, n+1, l.text))
			c.alive(h)
			switch {
			case n == lines/3 && i%2 == 1: // the program is started anew
				c.lines(h, n+1)
				c.stop()
				until(t, ctx, `!!document.querySelector("tj-banner .lost")`)
				c = openCourtIn(t, c.dir, c.log, addr, fast)
			case n == lines/2 && i%2 == 0: // the network takes nothing through for a while
				network.hold(true)
				js[bool](t, ctx, `(window.ahead += 300_000, true)`)
				until(t, ctx, `!!document.querySelector("tj-banner .lost")`)
				network.hold(false)
			}
		}
		until(t, ctx, shows(lines)+" && "+screenShows(h))
		if got := js[string](t, ctx, `[...document.querySelectorAll(".line:not(.partial) p")].map(p => p.firstChild.textContent.split("场")[0]).filter((v, i, a) => a.indexOf(v) === i).join()`); got != fmt.Sprintf("第%d", i+1) {
			t.Fatalf("hearing %d shows lines of hearings %s", i+1, got)
		}
		if got := js[int](t, ctx, `document.querySelectorAll(".line:not(.partial)").length`); got != lines {
			t.Fatalf("%d lines are shown, want %d", got, lines)
		}
		until(t, ctx, `(s => s.scrollHeight - s.scrollTop - s.clientHeight < 5)(document.querySelector(".scroller"))`)
		if _, err := c.docket.Close(t.Context(), h.ID, ""); err != nil {
			t.Fatal(err)
		}
		until(t, ctx, `document.querySelector("tj-hearing").dataset.status === "closed"`)
		if i%2 == 0 { // the next one begins at once, or after the room was empty
			lingered()
			idle()
		}
		if i == 0 || i == hearings-1 {
			lingered()
			now := held(t, ctx)
			t.Logf("after %d hearings of %d lines: %.0f KB of JS heap, %.0f nodes, %.0f listeners", i+1, lines, now.heap, now.nodes, now.listeners)
			if i == 0 {
				first = now
			} else {
				// A hearing left behind would be four nodes a line and a kilobyte; code that became warm is some 100 KB.
				each := float64(lines * (hearings - 1))
				if now.nodes-first.nodes > each/4 || now.listeners-first.listeners > 8 || now.heap-first.heap > 400+each/16 {
					t.Errorf("the screen holds %+v, and held %+v after the first hearing", now, first)
				}
			}
		}
	}
	if n := js[int](t, ctx, `window.loaded`); n != 1 {
		t.Errorf("the page was loaded %d times", n)
	}
	// Once a day it takes what program the server has now, while nobody reads it.
	js[bool](t, ctx, `(window.ahead += 12 * 3_600_000, true)`)
	renewed := `window.loaded === 2 && ` + screenWaits
	for deadline := time.Now().Add(browserPatience); ; time.Sleep(50 * time.Millisecond) { // a page that goes takes its waiting with it
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](renewed)); err == nil && ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the page was not loaded anew after a day")
		}
	}
}

// The screen says within three seconds that it hears nothing: while it waits for
// a hearing, while one is shown, and where a hearing begins on a dead line.
func TestScreenSaysThatItHearsNothing(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	target, err := url.Parse(c.url)
	if err != nil {
		t.Fatal(err)
	}
	network := newLine(t, target.Host)
	visit(t, ctx, "http://"+network.addr+"/screen/court-3", 1920, 1080)
	until(t, ctx, screenWaits)
	cut := func(while string) {
		t.Helper()
		js[bool](t, ctx, `(window.cut = performance.now(), window.told = 0, window.watch?.disconnect(),
			window.watch = new MutationObserver(() => { if (!window.told && document.querySelector("tj-banner .lost")) window.told = performance.now(); }),
			window.watch.observe(document.body, {subtree: true, childList: true}), true)`)
		network.hold(true)
		until(t, ctx, `window.told > 0`)
		if late := js[float64](t, ctx, `window.told - window.cut`); late > 3000 {
			t.Errorf("%s: the screen took %.0f ms to say that nothing arrives", while, late)
		}
		network.hold(false)
		until(t, ctx, `!document.querySelector("tj-banner .lost")`)
	}
	cut("waiting")
	h := c.hearing("court-3")
	until(t, ctx, screenShows(h)+` && !!document.querySelector(".clock").textContent`)
	cut("hearing")
	// A view that is made on a dead line has no stream yet whose silence it could notice.
	js[bool](t, ctx, `(document.querySelector("tj-screen").replaceChildren(), true)`)
	network.hold(true)
	js[bool](t, ctx, `(window.begun = performance.now(), window.told = 0, (s => { s.shown = null; s.open("`+h.ID+`"); })(document.querySelector("tj-screen")), true)`)
	until(t, ctx, `!!document.querySelector("tj-banner .lost") && !!(window.told ||= performance.now())`)
	if late := js[float64](t, ctx, `window.told - window.begun`); late > 3000 {
		t.Errorf("a hearing that does not come is said after %.0f ms", late)
	}
	network.hold(false)
	until(t, ctx, screenShows(h))
}

// What a reader may not see is not on the screen, and leaves it when he may no
// longer; and the screen needs no hand to go on.
func TestScreenShowsNothingSealed(t *testing.T) {
	ctx := openBrowser(t)
	var sealed atomic.Pointer[string]
	none := ""
	sealed.Store(&none)
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Gate = func(_ *http.Request, _, hearing string) error {
			if hearing != "" && hearing == *sealed.Load() {
				return transcript.ErrNotFound
			}
			return nil
		}
	})
	visit(t, ctx, c.url+"/screen/court-3", 1920, 1080)
	until(t, ctx, screenWaits)
	h := c.hearing("court-3")
	c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "证人的住址如下。")
	until(t, ctx, screenShows(h)+" && "+shows(1))
	sealed.Store(&h.ID)
	if _, err := c.docket.Pause(t.Context(), h.ID, "不公开质证"); err != nil { // any change tells the page
		t.Fatal(err)
	}
	c.say(h, "judge", 3*time.Second, 4*time.Second, asr.Final, "青石路十八号。")
	c.lines(h, 2)
	until(t, ctx, screenWaits)
	if body := js[string](t, ctx, `document.body.innerHTML`); strings.Contains(body, "住址") || strings.Contains(body, "青石路") {
		t.Errorf("the screen holds sealed words: %s", body)
	}
	sealed.Store(&none)
	if _, err := c.docket.Resume(t.Context(), h.ID); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, screenShows(h)+" && "+shows(2))
}

// What was recognised after the clerk released a hearing up to a line is not
// released, wherever it belongs; nor are its words on the page, unseen.
func TestLateLineIsNotReleased(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, lines[4].ID))
	hold(t, ctx, chromedp.ModifierCtrl, "l")
	until(t, ctx, `[...document.querySelectorAll("[data-command]")].some(b => b.textContent.includes("放行到此 放行"))`)
	second := openTab(t, ctx)
	visit(t, second, c.url+"/screen/court-3", 1920, 1080)
	words := visible + `.split("|").length`
	until(t, second, words+` === 5`)
	// A long remark, begun before the released line and ended after it.
	late := c.say(h, "defendant", time.Duration(lines[2].StartMS+500)*time.Millisecond, 90*time.Second, asr.Final, "没有放行的话。")
	c.lines(h, len(dialogue)+1)
	until(t, second, fmt.Sprintf(`document.querySelector("tj-hearing") && document.getElementById("line-%s")`, late)+` !== null`)
	if got := js[string](t, second, `document.body.textContent`); strings.Contains(got, "没有放行") || strings.Contains(got, lines[6].Text) {
		t.Error("words that are not released are on the page")
	}
	begin(t, ctx, late) // what the clerk corrects is not thereby released
	insert(t, ctx, "改")
	press(t, ctx, kb.Enter)
	c.saved(h, late, "没有放行的话。改")
	until(t, second, fmt.Sprintf(`document.querySelector("tj-lines").row(%q).line.revision === 2`, late))
	if got := js[string](t, second, `document.body.textContent`); strings.Contains(got, "没有放行") {
		t.Error("a corrected line was released with it")
	}
	hold(t, ctx, chromedp.ModifierCtrl, "l")
	until(t, second, visible+`.includes("没有放行的话。改")`)
}

// A recorder that was started anew is another one; the alarm of the one before
// goes with it.
func TestAlarmOfAReplacedPartGoes(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, _ := atDesk(t, ctx, c)
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("没有回应")`) // pc-3 says no more
	c.docket.ReportHealth(capture.Health{Component: "capture", Instance: "pc-3-again", Courtroom: h.Courtroom, At: time.Now()})
	until(t, ctx, `!document.querySelector("tj-banner").textContent.includes("没有回应")`)
}
