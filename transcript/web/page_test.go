package web_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/web"
)

// shownTexts are the texts of the lines on the page, from top to bottom.
const shownTexts = `[...document.querySelectorAll(".line:not(.partial) p")].map(p => p.firstChild.textContent)`

func shows(n int) string {
	return fmt.Sprintf(`document.querySelectorAll(".line:not(.partial)").length >= %d`, n)
}

// connected holds once the page's stream is open.
const connected = `!document.querySelector("tj-hearing[lost]") && document.querySelectorAll('[data-state="live"]').length === 5`

func click(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.Fatalf("click %s: %v", selector, err)
	}
}

// The server dies in the middle of a hearing, is missed, comes back on the same
// port, and the page has every line once.
func TestPageOutlivesTheServer(t *testing.T) {
	ctx := openBrowser(t)
	var resumed atomic.Pointer[string] // what the page last asked a stream to go on after
	watch := func(cfg *web.Config) {
		cfg.Gate = func(r *http.Request, action, _ string) error {
			if action == "events.read" {
				after := r.URL.Query().Get("after")
				resumed.Store(&after)
			}
			return nil
		}
	}
	c := openCourt(t, watch)
	h := c.hearing("court-3")
	addr := strings.TrimPrefix(c.url, "http://")
	var want []string
	speak := func(c *court, n int) {
		for range n {
			at := time.Duration(len(want)+1) * 2 * time.Second
			text := fmt.Sprintf("第%d句话。", len(want)+1)
			c.say(h, []string{"judge", "plaintiff", "defendant"}[len(want)%3], at, at+1500*time.Millisecond, asr.Final, text)
			want = append(want, text)
		}
	}
	speak(c, 5)
	c.lines(h, 5)
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, shows(5))
	c.alive(h)
	until(t, ctx, connected)
	speak(c, 5)
	until(t, ctx, shows(10))

	for range 2 {
		js[bool](t, ctx, `(window.killed = performance.now(), window.told = 0,
			new MutationObserver((_, o) => { if (document.querySelector("tj-banner .lost")) { window.told = performance.now(); o.disconnect(); } })
				.observe(document.body, {subtree: true, childList: true}), true)`)
		_, last, err := c.docket.Lines(t.Context(), h.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		c.stop()
		until(t, ctx, `window.told > 0`)
		if late := js[float64](t, ctx, `window.told - window.killed`); late > 3000 {
			t.Errorf("the page took %.0f ms to say that the server is lost", late)
		}
		if words := js[string](t, ctx, `document.querySelector("tj-banner .lost").textContent`); !strings.Contains(words, "与服务器失去联系，正在重连…") {
			t.Errorf("the page says %q", words)
		}
		c = openCourtIn(t, c.dir, c.log, addr, watch)
		speak(c, 5)
		until(t, ctx, `!document.querySelector("tj-banner .lost")`)
		if after := *resumed.Load(); after != fmt.Sprint(last) {
			t.Errorf("the page goes on after %s, want %d", after, last)
		}
		speak(c, 5)
		until(t, ctx, shows(len(want)))
		if got := js[[]string](t, ctx, shownTexts); !slices.Equal(got, want) {
			t.Fatalf("the page shows %v, want %v", got, want)
		}
	}
}

// A stream that is open and dead says nothing; the page notices.
func TestPageNoticesASilentServer(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	target, err := url.Parse(c.url)
	if err != nil {
		t.Fatal(err)
	}
	line := newLine(t, target.Host)
	c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "现在开庭。")
	c.lines(h, 1)
	visit(t, ctx, "http://"+line.addr+"/hearings/"+h.ID, 1366, 768)
	c.alive(h)
	until(t, ctx, connected)
	js[bool](t, ctx, `(window.cut = performance.now(), window.told = 0,
		new MutationObserver(() => { if (!window.told && document.querySelector("tj-banner .lost")) window.told = performance.now(); })
			.observe(document.body, {subtree: true, childList: true}), true)`)
	line.hold(true)
	until(t, ctx, `window.told > 0`)
	if late := js[float64](t, ctx, `window.told - window.cut`); late > 3000 {
		t.Errorf("the page took %.0f ms to say that nothing arrives", late)
	}
	c.say(h, "judge", 3*time.Second, 4*time.Second, asr.Final, "继续开庭。")
	c.lines(h, 2)
	line.hold(false)
	until(t, ctx, `!document.querySelector("tj-banner .lost")`)
	until(t, ctx, shows(2))
	if got := js[[]string](t, ctx, shownTexts); !slices.Equal(got, []string{"现在开庭。", "继续开庭。"}) {
		t.Errorf("the page shows %v", got)
	}
}

// line is a network between browser and server that can fall silent without
// closing anything.
type line struct {
	addr string
	held sync.RWMutex // read-locked by whoever passes bytes on
	cut  bool         // the test holds it
}

func newLine(t *testing.T, to string) *line {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &line{addr: l.Addr().String()}
	var copies sync.WaitGroup
	ended := make(chan struct{})
	t.Cleanup(func() {
		if n.cut {
			n.hold(false) // the test failed meanwhile
		}
		close(ended)
		l.Close()
		copies.Wait()
	})
	copies.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", to)
			if err != nil {
				a.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
				copies.Go(func() {
					_, _ = io.Copy(way[1], heldReader{way[0], n})
					way[1].Close()
				})
				copies.Go(func() {
					<-ended
					way[0].Close()
				})
			}
		}
	})
	return n
}

func (n *line) hold(hold bool) {
	n.cut = hold
	if hold {
		n.held.Lock()
	} else {
		n.held.Unlock()
	}
}

// heldReader passes bytes on only while the line is not held.
type heldReader struct {
	io.Reader
	line *line
}

func (r heldReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.line.held.RLock()
	defer r.line.held.RUnlock()
	return n, err
}

func TestPartialBecomesFinalInPlace(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `!!document.querySelector("tj-hearing .mark")`)
	if none := js[string](t, ctx, `document.querySelector(".none").textContent`); !strings.Contains(none, "还没有人发言") {
		t.Errorf("an empty hearing says %q", none)
	}
	c.alive(h)
	until(t, ctx, connected)

	// Two people at once.
	one := c.say(h, "plaintiff", 10*time.Second, 12*time.Second, asr.Partial, "可是我后来才听说")
	two := c.say(h, "judge", 11*time.Second, 12*time.Second, asr.Partial, "原告请")
	until(t, ctx, `document.querySelectorAll(".partial").length === 2`)
	js[bool](t, ctx, fmt.Sprintf(`(window.one = document.getElementById("line-%s"), window.two = document.getElementById("line-%s"), true)`, one, two))
	if stable, rest := js[string](t, ctx, `one.querySelector("p").firstChild.textContent`), js[string](t, ctx, `one.querySelector("p span").textContent`); stable != "可是我后" || rest != "来才听说" {
		t.Errorf("stable %q, the rest %q", stable, rest)
	}
	// Somebody is heard all day long: what moves for it must not have frames drawn without end.
	if n := js[int](t, ctx, `document.getAnimations().length`); n != 0 {
		t.Errorf("%d animations run", n)
	}
	c.say(h, "judge", 11*time.Second, 13*time.Second, asr.Partial, "原告请注意，")
	until(t, ctx, `two.querySelector("p").textContent === "原告请注意，"`)
	c.say(h, "judge", 11*time.Second, 14*time.Second, asr.Final, "原告请注意，只陈述与本案有关的事实。")
	until(t, ctx, `!two.classList.contains("partial")`)
	if !js[bool](t, ctx, `two.isConnected && two.querySelector("p").textContent === "原告请注意，只陈述与本案有关的事实。" && one.classList.contains("partial") && one.nextElementSibling === two`) {
		t.Error("the final is not in the place of its partial")
	}
	// A late line goes where it was said; a late partial changes nothing; a
	// partial that came to nothing goes when its seat speaks again.
	c.say(h, "defendant", 5*time.Second, 6*time.Second, asr.Final, "不申请回避。")
	c.say(h, "judge", 11*time.Second, 13*time.Second, asr.Partial, "迟到的猜测")
	c.say(h, "plaintiff", 20*time.Second, 21*time.Second, asr.Final, "好的，审判长。")
	until(t, ctx, shows(3))
	// The server drops such a partial; if one slipped through, the page would.
	js[bool](t, ctx, `(document.querySelector("tj-lines").hear({id: "`+two+`", channel: "judge", role: "审判长", speaker: "", text: "更迟的猜测", stable: 0, start_ms: 11000, end_ms: 12000, engine: ""}), true)`)
	c.say(h, "judge", 25*time.Second, 26*time.Second, asr.Final, "被告答辩。")
	until(t, ctx, shows(4))
	want := []string{"不申请回避。", "原告请注意，只陈述与本案有关的事实。", "好的，审判长。", "被告答辩。"}
	if got := js[[]string](t, ctx, `[...document.querySelectorAll(".line p")].map(p => p.textContent)`); !slices.Equal(got, want) {
		t.Errorf("the page shows %q, want %q", got, want)
	}
	if spoken := js[string](t, ctx, `document.querySelector("[role=log]").textContent`); !strings.Contains(spoken, "审判长：被告答辩。") || strings.Contains(spoken, "迟到") {
		t.Errorf("a screen reader hears %q", spoken)
	}
}

// Speech that the engine refused is in the record, marked, and can be heard.
func TestRejectedSpeechIsShown(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	c.log.append(asr.Segment{V: 1, ID: h.ID + "/judge-1-16000", Hearing: h.ID, Channel: "judge", Epoch: 1, Utterance: "judge-1-16000",
		Stage: asr.Final, First: 16000, Last: 31999, StartedAt: h.OpenedAt.Add(time.Second), Rejected: "400 audio is too noisy", Engine: "whisper"})
	c.lines(h, 1)
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, shows(1))
	if got := js[[]string](t, ctx, shownTexts); !slices.Equal(got, []string{"〔未能识别，可回放〕"}) {
		t.Errorf("the page shows %q", got)
	}
	if !js[bool](t, ctx, `!!document.querySelector("#line-judge-1-16000 button.time")`) {
		t.Error("it cannot be played")
	}
	c.log.append(asr.Segment{V: 1, ID: h.ID + "/clerk-1-48000", Hearing: h.ID, Channel: "clerk", Epoch: 1, Utterance: "clerk-1-48000",
		Stage: asr.Final, First: 48000, Last: 63999, StartedAt: h.OpenedAt.Add(3 * time.Second), Rejected: "doubtful (loop): 好好好好", Engine: "whisper"})
	until(t, ctx, `document.querySelector("#line-clerk-1-48000 small.why")?.textContent === "疑似编造：反复相同：好好好好"`)
	if why := js[string](t, ctx, `document.querySelector("#line-judge-1-16000 small.why")?.textContent ?? ""`); why != "400 audio is too noisy" {
		t.Errorf("the clerk is told %q of the reason", why)
	}
}

// What was said is text: it cannot act on the page.
func TestSpeechIsNotMarkup(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	evil := `<img src=x onerror="window.hit=1"><b>粗</b>`
	c.say(h, "judge", time.Second, 2*time.Second, asr.Final, evil)
	c.lines(h, 1)
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, shows(1))
	if got := js[[]string](t, ctx, shownTexts); !slices.Equal(got, []string{evil}) {
		t.Errorf("the page shows %q", got)
	}
	if js[bool](t, ctx, `window.hit === 1 || !!document.querySelector(".line img")`) {
		t.Error("speech became markup")
	}
}

func TestLanguageOfTheInterface(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "现在开庭。")
	c.lines(h, 1)
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, shows(1))
	c.alive(h, capture.Alarm{Code: "disk-full", Since: time.Now(), Text: "磁盘将满", TextEN: "the disk is nearly full"})
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("磁盘将满")`)
	if got := js[string](t, ctx, `document.querySelector(".status").textContent`); got != "庭审中" {
		t.Errorf("status %q", got)
	}
	click(t, ctx, `[data-do="language"]`)
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("nearly full")`)
	english := `document.documentElement.lang === "en" && document.querySelector(".status").textContent === "In session" &&
		document.querySelector('[data-act="pause"]').textContent === "Recess" && document.querySelector(".line p").textContent === "现在开庭。"`
	until(t, ctx, english)
	visit(t, ctx, c.url+"/", 1366, 768) // it is remembered
	until(t, ctx, shows(1)+" && "+english)
	if left := js[string](t, ctx, `[...document.querySelectorAll("[data-t]")].filter(e => /[\u4e00-\u9fff]/.test(e.textContent) && e.dataset.t !== "language").map(e => e.dataset.t).join()`); left != "" {
		t.Errorf("Chinese words in the English interface: %s", left)
	}
	c.alive(h)
	until(t, ctx, `!document.querySelector("tj-banner .alarm")`)
}

func TestClerkRunsTheHearing(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, err := c.docket.Create(t.Context(), transcript.NewHearing{CaseNo: "（2026）内0000民初1号", Cause: "民间借贷纠纷", Courtroom: "court-3"})
	if err != nil {
		t.Fatal(err)
	}
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `document.querySelector(".status")?.textContent === "待开庭"`)
	status := func(want capture.Status) {
		t.Helper()
		until(t, ctx, fmt.Sprintf(`document.querySelector("tj-hearing").dataset.status === %q`, want))
		now, err := c.docket.Hearing(t.Context(), h.ID)
		if err != nil || now.Status != want {
			t.Fatalf("the hearing is %s, %v; want %s", now.Status, err, want)
		}
	}
	press := func(action, reason string) {
		t.Helper()
		click(t, ctx, `[data-act="`+action+`"]`)
		until(t, ctx, `!!document.querySelector("dialog[open]")`)
		if reason != "" {
			if err := chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS("dialog input"), reason)); err != nil {
				t.Fatal(err)
			}
		}
		click(t, ctx, `dialog [value="yes"]`)
	}
	press("open", "")
	status(capture.Open)
	// A break without its reason is not begun, and no is no.
	press("pause", "")
	if !js[bool](t, ctx, `!!document.querySelector("dialog[open] input:invalid")`) {
		t.Error("a break without a reason was taken")
	}
	click(t, ctx, `dialog [value="no"]`)
	status(capture.Open)
	press("pause", "合议庭评议")
	status(capture.Paused)
	until(t, ctx, `[...document.querySelectorAll(".mark")].some(m => m.textContent.includes("休庭（合议庭评议）"))`)
	press("resume", "")
	status(capture.Open)
	press("close", "审理终结")
	status(capture.Closed)
	if js[bool](t, ctx, `[...document.querySelectorAll("[data-act]")].some(b => !b.hidden)`) {
		t.Error("a closed hearing can still be changed")
	}
	if got := js[string](t, ctx, `document.querySelector('[data-format="docx"]').getAttribute("href")`); got != "/api/v1/hearings/"+h.ID+"/record.docx?form=written" {
		t.Errorf("download from %s", got)
	}
}

func TestReaderIsNotPulledAway(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	c.perform(h)
	c.lines(h, len(dialogue))
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, shows(len(dialogue)))
	c.alive(h)
	until(t, ctx, connected)
	atEnd := `(s => s.scrollHeight - s.scrollTop - s.clientHeight < 5)(document.querySelector(".scroller"))`
	until(t, ctx, atEnd)
	if js[bool](t, ctx, `!document.querySelector(".latest").hidden`) {
		t.Error("a reader at the end is offered the way there")
	}
	js[bool](t, ctx, `(document.querySelector(".scroller").scrollTop = 40, true)`)
	until(t, ctx, `!document.querySelector(".latest").hidden`)
	at := 100 * time.Second
	for i := range 3 {
		c.say(h, "judge", at+time.Duration(i)*2*time.Second, at+time.Duration(i)*2*time.Second+time.Second, asr.Final, "现在休庭。")
	}
	until(t, ctx, shows(len(dialogue)+3))
	if top := js[float64](t, ctx, `document.querySelector(".scroller").scrollTop`); top != 40 {
		t.Errorf("the page moved to %v under its reader", top)
	}
	until(t, ctx, `document.querySelector(".latest").textContent.includes("3")`)
	click(t, ctx, ".latest")
	until(t, ctx, atEnd+` && document.querySelector(".latest").hidden`)
	c.say(h, "judge", at+10*time.Second, at+11*time.Second, asr.Final, "继续开庭。")
	until(t, ctx, shows(len(dialogue)+4)+" && "+atEnd)
}

func TestLineIsPlayed(t *testing.T) {
	ctx := openBrowser(t)
	asked := make(chan string, 10)
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Audio = func(ctx context.Context, h capture.Hearing, channel string, from, to int64) (io.ReadSeekCloser, time.Time, error) {
			select {
			case asked <- fmt.Sprintf("%s %d-%d", channel, from, to):
			default:
			}
			return tone(ctx, h, channel, from, to)
		}
	})
	h := c.hearing("court-3")
	id := c.say(h, "judge", 300*time.Millisecond, 500*time.Millisecond, asr.Final, "现在开庭。")
	last := c.say(h, "plaintiff", 600*time.Millisecond, 800*time.Millisecond, asr.Final, "好的。")
	c.say(h, "defendant", 850*time.Millisecond, 900*time.Millisecond, asr.Final, "好的。")
	c.lines(h, 3)
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, shows(3)+` && document.querySelector(".clock").textContent > "00:00:01"`)
	tabStops := `[...document.querySelectorAll(".time")].filter(b => b.tabIndex === 0).length`
	if n := js[int](t, ctx, tabStops); n != 1 {
		t.Errorf("the list is %d stops of the Tab key", n)
	}
	// By mouse, and by keyboard from another line.
	click(t, ctx, "#line-"+id+" .time")
	if got := <-asked; got != "judge 50-750" {
		t.Errorf("asked for %s", got)
	}
	for len(asked) > 0 {
		<-asked
	}
	if err := chromedp.Do(ctx, chromedp.Focus(chromedp.CSS("#line-"+last+" .time")), chromedp.KeyEvent("\r")); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; got != "plaintiff 350-1050" {
		t.Errorf("asked for %s", got)
	}
	until(t, ctx, `!document.querySelector(".line.playing")`) // it ends by itself
	// Arrows go through the list, and Tab comes back to where they were.
	if err := chromedp.Do(ctx, chromedp.KeyEvent(kb.ArrowUp)); err != nil {
		t.Fatal(err)
	}
	if !js[bool](t, ctx, `document.activeElement.closest("li").id === "line-`+id+`" && document.activeElement.tabIndex === 0 && `+tabStops+` === 1`) {
		t.Errorf("the focus is at %s", js[string](t, ctx, `document.activeElement.outerHTML`))
	}
}

// The first page follows the court: nothing, a hearing, several, another one.
func TestHomeFollowsTheCourt(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `document.querySelector(".lobby h2")?.textContent === "现在没有庭审"`)
	first := c.hearing("court-3")
	until(t, ctx, fmt.Sprintf(`document.querySelector("tj-hearing")?.getAttribute("hearing") === %q`, first.ID))
	second := c.hearing("court-5")
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `document.querySelectorAll(".lobby li").length === 2`)
	if _, err := c.docket.Close(t.Context(), first.ID, ""); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, fmt.Sprintf(`document.querySelector("tj-hearing")?.getAttribute("hearing") === %q`, second.ID))
	if _, err := c.docket.Close(t.Context(), second.ID, ""); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.querySelector(".status").textContent === "已闭庭"`)
	third := c.hearing("court-3")
	until(t, ctx, fmt.Sprintf(`document.querySelector("tj-hearing")?.getAttribute("hearing") === %q`, third.ID))
	// The lobby too says when it hears nothing.
	if _, err := c.docket.Close(t.Context(), third.ID, ""); err != nil {
		t.Fatal(err)
	}
	c.hearing("court-3")
	c.hearing("court-5")
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `document.querySelectorAll(".lobby li").length === 2`)
	c.stop()
	until(t, ctx, `!!document.querySelector("tj-banner .lost")`)
}

func TestWrongAddressSaysSo(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	visit(t, ctx, c.url+"/hearings/none", 1366, 768)
	until(t, ctx, `document.querySelector(".gone h2")?.textContent === "没有这场庭审"`)
}

// Nothing sticks out of the page at any size, and every text has contrast.
func TestPageFitsItsWindow(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	c.perform(h)
	c.lines(h, len(dialogue))
	for _, size := range [][2]int64{{1920, 1080}, {1366, 768}, {360, 640}} {
		visit(t, ctx, c.url+"/", size[0], size[1])
		until(t, ctx, shows(len(dialogue)))
		if wide := js[float64](t, ctx, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			t.Errorf("%d×%d: %v px wider than the window", size[0], size[1], wide)
		}
		if px := js[float64](t, ctx, `parseFloat(getComputedStyle(document.querySelector(".line p")).fontSize)`); px < 20 {
			t.Errorf("%d×%d: the text is %v px", size[0], size[1], px)
		}
		if room := js[float64](t, ctx, `document.querySelector(".scroller").clientHeight / innerHeight`); room < 0.5 {
			t.Errorf("%d×%d: %.0f %% of the window is text", size[0], size[1], 100*room)
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		prefer(t, ctx, scheme)
		visit(t, ctx, c.url+"/", 1366, 768)
		until(t, ctx, shows(len(dialogue)))
		if poor := js[string](t, ctx, contrast); poor != "" {
			t.Errorf("%s: contrast below 4.5:1 in %s", scheme, poor)
		}
	}
}
