package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/web"
)

// another announces and opens a hearing of a case of its own.
func (c *court) another(courtroom, caseNo, cause string) capture.Hearing {
	c.t.Helper()
	h, err := c.docket.Create(c.t.Context(), transcript.NewHearing{CaseNo: caseNo, Cause: cause, Courtroom: courtroom,
		Participants: []capture.Participant{{Role: "被告", Name: "云川县商贸公司"}}})
	if err == nil {
		h, err = c.docket.Open(c.t.Context(), h.ID)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return h
}

// hurry has turns spoken a tenth of a second after one another, and waits until
// the hearing has lasted longer than they: there is no sound after its end.
func (c *court) hurry(h capture.Hearing, turns []turn) {
	c.t.Helper()
	for i, l := range turns {
		c.say(h, l.channel, beginning(i), beginning(i)+80*time.Millisecond, asr.Final, l.text)
	}
	c.lines(h, len(turns))
	time.Sleep(time.Until(h.OpenedAt.Add(beginning(len(turns)) + 1500*time.Millisecond)))
}

func beginning(i int) time.Duration { return time.Duration(i+1) * 100 * time.Millisecond }

// library is a court with two hearings, in which there is something to find:
// the dialogue, and a later one of another case.
func (c *court) library() (one, two capture.Hearing) {
	c.t.Helper()
	one = c.hearing("court-3")
	c.hurry(one, dialogue)
	two = c.another("court-5", "（2026）内0000民初27号", "买卖合同纠纷")
	c.hurry(two, []turn{
		{"judge", "现在进行法庭辩论。"},
		{"plaintiff", "被告应当支付维约金和货款共计200000元。"}, // 违约金, misheard
		{"defendant", "我方没有违约，借款也已经还清。"},
	})
	return one, two
}

func searchAddress(q string) string { return "/search?" + url.Values{"q": {q}}.Encode() }

func hits(n int) string {
	return fmt.Sprintf(`document.querySelectorAll(".hit").length === %d && document.querySelector("#found").getAttribute("aria-busy") !== "true"`, n)
}

const (
	shownCount = `document.querySelector(".count").textContent`
	boxed      = `document.querySelector("#q").value`
	marks      = `[...document.querySelectorAll(".found mark")].map(m => m.className + " " + m.textContent)`
)

// slash presses the key that leads to the box. [chromedp.KeyEvent] would send
// its character too although the page has taken the key, as no keyboard does.
func slash(t *testing.T, ctx context.Context) {
	t.Helper()
	call(t, ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeRawKeyDown, Key: "/"})
	until(t, ctx, `document.activeElement.id === "q"`)
}

// arrive waits as until does, across pages.
func arrive(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	var there bool
	var err error
	for end := time.Now().Add(browserPatience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		// Between two pages there is nobody to ask, and perhaps no answer.
		once, cancel := context.WithTimeout(ctx, 2*time.Second)
		there, err = chromedp.Run(once, chromedp.Evaluate[bool](expression))
		cancel()
		if err == nil && there {
			return
		}
	}
	t.Fatalf("did not arrive at %s: %v", expression, err)
}

// clipboard is what a paste would give.
func clipboard(t *testing.T, ctx context.Context) string {
	t.Helper()
	if _, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "clipboard-read"}, Setting: browser.PermissionSettingGranted,
	}); err != nil {
		t.Fatal(err)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`navigator.clipboard.readText()`,
		func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// take waits for something that is to come.
func take[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(browserPatience):
		t.Fatal("it did not come")
	}
	return v
}

// asking counts the searches that reach the server, by query.
type asking struct{ queries chan string }

func newAsking() (*asking, courtOption) {
	a := &asking{queries: make(chan string, 100)}
	return a, func(cfg *web.Config) {
		cfg.Gate = func(r *http.Request, action, hearing string) error {
			if action == "search" && hearing == "" {
				a.queries <- r.URL.Query().Get("q")
			}
			return nil
		}
	}
}

func (a *asking) all() (queries []string) {
	for len(a.queries) > 0 {
		queries = append(queries, <-a.queries)
	}
	return queries
}

// listening is what sound was asked for.
func listening() (chan string, courtOption) {
	asked := make(chan string, 100)
	return asked, func(cfg *web.Config) {
		cfg.Audio = func(ctx context.Context, h capture.Hearing, channel string, from, to int64) (io.ReadSeekCloser, time.Time, error) {
			asked <- fmt.Sprintf("%s %s %d-%d", h.ID, channel, from, to)
			return tone(ctx, h, channel, from, to)
		}
	}
}

// Typed with an input method, found, heard, quoted, opened, and gone back to.
func TestSearchFindsHearsQuotesOpens(t *testing.T) {
	ctx := openBrowser(t)
	a, watch := newAsking()
	heard, listen := listening()
	c := openCourt(t, watch, listen)
	one, two := c.library()
	visit(t, ctx, c.url+"/search", 1366, 768)
	until(t, ctx, `document.activeElement !== null && !document.querySelector(".help").hidden`)
	if err := chromedp.Do(ctx, chromedp.Focus(chromedp.CSS("#q"))); err != nil {
		t.Fatal(err)
	}
	for _, letters := range []string{"j", "jie", "jie'kuan"} {
		compose(t, ctx, letters)
	}
	js[bool](t, ctx, `(window.since = performance.now(), true)`)
	until(t, ctx, `performance.now() - since > 600`) // twice what typing rests
	if asked := a.all(); len(asked) > 0 {
		t.Errorf("searched in the middle of a composition: %q", asked)
	}
	insert(t, ctx, "借款")
	until(t, ctx, hits(3))
	if asked := a.all(); !slices.Equal(asked, []string{"借款"}) {
		t.Errorf("asked for %q", asked)
	}
	if got := js[string](t, ctx, shownCount); got != "找到 3 处" {
		t.Errorf("counted as %q", got)
	}
	if got := js[[]string](t, ctx, marks); !slices.Equal(got, []string{"exact 借款", "exact 借款", "exact 借款"}) {
		t.Errorf("marked %q", got)
	}
	if got := js[[]string](t, ctx, `[...document.querySelectorAll(".hearing")].map(h => h.querySelector("h2").textContent + " " + h.querySelectorAll(".hit").length)`); !slices.Equal(got, []string{two.CaseNo + " 1", one.CaseNo + " 2"}) {
		t.Errorf("hearings %q, want the newest first", got)
	}
	if got := js[string](t, ctx, `location.search`); got != "?"+(url.Values{"q": {"借款"}}).Encode() {
		t.Errorf("the address is %s", got)
	}
	// Beside the hit stands what was said before and after it.
	if got := js[[]string](t, ctx, `[...document.querySelectorAll(".hearing:last-child .hit:last-child .said p")].map(p => p.textContent)`); len(got) != 3 || !strings.HasPrefix(got[1], "被告何文柏借款属实") {
		t.Errorf("in its context: %q", got)
	}

	// Hear: the last hit is the dialogue's 14th line.
	const last = ".hearing:last-child .hit:last-child "
	start := beginning(13)
	click(t, ctx, last+`[data-do="play"]`)
	if got, want := take(t, heard), fmt.Sprintf("%s defendant %d-%d", one.ID, start.Milliseconds()-250, start.Milliseconds()+1250); got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}

	click(t, ctx, last+`[data-do="quote"]`)
	until(t, ctx, `document.querySelector(".told").textContent.startsWith("引文已复制")`)
	said := one.OpenedAt.Add(start).In(time.FixedZone("", 8*3600))
	want := "被告何文柏：“借款属实，但是我已经还了6万元，现在只欠14万元。”（（2026）内0000民初1号，" +
		said.Format("2006年1月2日15:04:05") + "，第三审判庭，庭审时间00:00:01，演示，不能作为证据）"
	if got := clipboard(t, ctx); got != want {
		t.Errorf("quoted as\n%s, want\n%s", got, want)
	}

	click(t, ctx, last+"a.open")
	arrive(t, ctx, `location.pathname === "/hearings/`+one.ID+`" && !!document.querySelector("[data-sought]")`)
	if !js[bool](t, ctx, `(l => { const r = l.getBoundingClientRect(); return l.textContent.includes("借款属实") && r.top >= 0 && r.bottom <= innerHeight; })(document.querySelector("[data-sought]"))`) {
		t.Error("the hearing is not open at the line")
	}
	js[bool](t, ctx, `(history.back(), true)`)
	arrive(t, ctx, `location.pathname === "/search" && `+hits(3))
}

// Found by its sound and as a number, the marks say so.
func TestSearchMarksHowItWasFound(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	c.library()
	for query, want := range map[string][]string{
		"weiyuejin": {"sound 维约金"},
		"违约金":       {"sound 维约金"},
		"二十万元":      {"number 200000元", "exact 二十万元"},
	} {
		visit(t, ctx, c.url+searchAddress(query), 1366, 768)
		until(t, ctx, hits(len(want)))
		if got := js[[]string](t, ctx, marks); !slices.Equal(got, want) {
			t.Errorf("%s: marked %q, want %q", query, got, want)
		}
	}
	visit(t, ctx, c.url+searchAddress("维约金 范围:识别"), 1366, 768)
	until(t, ctx, hits(1)+` && `+shownCount+`.includes("未经更正")`)
	visit(t, ctx, c.url+searchAddress("没有人说过"), 1366, 768)
	until(t, ctx, shownCount+` === "没有找到"`)
	// A line nearby is shown and marked too.
	visit(t, ctx, c.url+searchAddress("借款 ~2行 维约金"), 1366, 768)
	until(t, ctx, hits(1)+` && document.querySelector(".beside mark")?.textContent === "维约金"`)
}

func TestSearchByKeyboard(t *testing.T) {
	ctx := openBrowser(t)
	heard, listen := listening()
	c := openCourt(t, listen)
	one, two := c.library()
	visit(t, ctx, c.url+"/search", 1366, 768)
	until(t, ctx, `!!document.querySelector("#q")`)
	slash(t, ctx)
	insert(t, ctx, "借款")
	press(t, ctx, kb.Enter)
	until(t, ctx, hits(3))
	at := func(want string) {
		t.Helper()
		until(t, ctx, fmt.Sprintf(`document.activeElement.matches(".hit") && document.activeElement.querySelector(".found").textContent.includes(%q)`, want))
	}
	press(t, ctx, kb.ArrowDown)
	at("没有违约")
	press(t, ctx, " ")
	if got, want := take(t, heard), two.ID+" defendant 50-1550"; got != want {
		t.Errorf("heard %s, want %s", got, want)
	}
	until(t, ctx, `document.activeElement.matches(".playing")`)
	press(t, ctx, " ")
	until(t, ctx, `!document.querySelector(".playing")`)
	press(t, ctx, kb.ArrowDown)
	at("借款本金")
	// Tab goes through the actions of this hit alone.
	if n := js[int](t, ctx, `[...document.querySelectorAll(".hit, .hit *")].filter(e => e.tabIndex === 0).length`); n != 4 {
		t.Errorf("the results are %d stops of the Tab key, want the hit and its three actions", n)
	}
	press(t, ctx, "c")
	until(t, ctx, `document.querySelector(".told").textContent.startsWith("引文已复制")`)
	if got := clipboard(t, ctx); !strings.HasPrefix(got, "原告周启明：“请求判令") {
		t.Errorf("quoted %q", got)
	}
	press(t, ctx, kb.ArrowUp, kb.ArrowUp)
	until(t, ctx, `document.activeElement.id === "q"`)
	press(t, ctx, kb.ArrowDown, kb.ArrowDown, kb.Enter)
	arrive(t, ctx, `location.pathname === "/hearings/`+one.ID+`" && document.querySelector("[data-sought]")?.textContent.includes("借款本金")`)
}

// The filters write the query and read it; the address keeps every step.
func TestSearchFiltersAndHistory(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	_, two := c.library()
	visit(t, ctx, c.url+searchAddress("借款"), 1366, 768)
	until(t, ctx, hits(3))
	click(t, ctx, "details.filters summary")
	choose := func(selector, value, query string) {
		t.Helper()
		js[bool](t, ctx, fmt.Sprintf(`(e => { e.value = %q; e.dispatchEvent(new Event("change", {bubbles: true})); return true; })(document.querySelector('%s'))`, value, selector))
		until(t, ctx, fmt.Sprintf(`%s === %q && new URLSearchParams(location.search).get("q") === %q`, boxed, query, query))
	}
	choose(`[data-key="role"]`, "被告", "角色:被告 借款")
	until(t, ctx, hits(2))
	until(t, ctx, `[...document.querySelector('[data-key="courtroom"]').options].some(o => o.text === "第五审判庭")`)
	choose(`[data-key="courtroom"]`, "court-5", "法庭:court-5 角色:被告 借款")
	until(t, ctx, hits(1)+` && document.querySelector(".hearing h2").textContent === "`+two.CaseNo+`"`)
	choose(`[data-key="party"]`, "商贸 公司", `当事人:"商贸 公司" 法庭:court-5 角色:被告 借款`)
	until(t, ctx, hits(0))
	choose(`[data-key="party"]`, "", "法庭:court-5 角色:被告 借款")
	choose(`[data-day="from"]`, "2001-02-03", "日期:2001-02-03.. 法庭:court-5 角色:被告 借款")
	until(t, ctx, hits(1))
	choose(`[data-day="to"]`, "2001-02-03", "日期:2001-02-03 法庭:court-5 角色:被告 借款")
	until(t, ctx, hits(0))
	for _, back := range []struct {
		query string
		found int
	}{{"日期:2001-02-03.. 法庭:court-5 角色:被告 借款", 1}, {"法庭:court-5 角色:被告 借款", 1}} {
		js[bool](t, ctx, `(history.back(), true)`)
		until(t, ctx, fmt.Sprintf(`%s === %q && `, boxed, back.query)+hits(back.found))
	}
	if from, room := js[string](t, ctx, `document.querySelector('[data-day="from"]').value`), js[string](t, ctx, `document.querySelector('[data-key="courtroom"]').selectedOptions[0].text`); from != "" || room != "第五审判庭" {
		t.Errorf("the filters show %q %q", from, room)
	}
	// What is quoted in the query stays as it is.
	visit(t, ctx, c.url+searchAddress("“没有 违约”借款 -角色:证人"), 1366, 768)
	until(t, ctx, `!!document.querySelector(".count").textContent`)
	choose(`[data-key="role"]`, "被告", "角色:被告 “没有 违约” 借款 -角色:证人")
}

// Letters typed one after another are one step of the history, and a search
// that was decided is another.
func TestSearchHistoryOfTyping(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	c.library()
	visit(t, ctx, c.url+"/search", 1366, 768)
	until(t, ctx, `!!document.querySelector("#q")`)
	slash(t, ctx)
	insert(t, ctx, "借")
	until(t, ctx, hits(4))
	insert(t, ctx, "款")
	press(t, ctx, kb.Enter)
	until(t, ctx, hits(3)+` && document.querySelector("mark").textContent === "借款"`)
	press(t, ctx, kb.Backspace, kb.Backspace)
	insert(t, ctx, "证人")
	until(t, ctx, hits(2)+` && document.querySelector("mark").textContent === "证人"`)
	js[bool](t, ctx, `(history.back(), true)`)
	until(t, ctx, boxed+` === "借款" && `+hits(3))
	js[bool](t, ctx, `(history.back(), true)`)
	until(t, ctx, boxed+` === "" && `+hits(0)+` && !document.querySelector(".help").hidden`)
}

// gatedSearch holds searches back, or breaks them.
type gatedSearch struct {
	transcript.Searcher
	slow    string        // a query that waits until it is given up
	entered chan struct{} // it has arrived
	gone    chan struct{} // it was given up
	broken  atomic.Bool
}

func (g *gatedSearch) Search(ctx context.Context, r transcript.SearchRequest, see func(transcript.SearchHearing) bool) (transcript.SearchResult, error) {
	if r.Query == g.slow {
		g.entered <- struct{}{}
		<-ctx.Done()
		close(g.gone)
		return transcript.SearchResult{}, ctx.Err()
	}
	if g.broken.Load() {
		return transcript.SearchResult{}, errors.New("disk on fire")
	}
	return g.Searcher.Search(ctx, r, see)
}

// A search that was overtaken is given up; what is shown stays until there is
// something else to show.
func TestSearchOvertaken(t *testing.T) {
	ctx := openBrowser(t)
	g := &gatedSearch{slow: "借", entered: make(chan struct{}, 10), gone: make(chan struct{})}
	c := openCourt(t, func(cfg *web.Config) { g.Searcher, cfg.Search = cfg.Search, g })
	c.library()
	visit(t, ctx, c.url+searchAddress("证人"), 1366, 768)
	until(t, ctx, hits(2))
	js[bool](t, ctx, `(document.querySelector("#q").value = "", true)`)
	slash(t, ctx)
	insert(t, ctx, "借")
	take(t, g.entered)
	until(t, ctx, shownCount+` === "正在查找…" && document.querySelectorAll(".hit").length === 2`)
	insert(t, ctx, "款")
	take(t, g.gone)
	until(t, ctx, hits(3))
}

// What is wrong is said, with its place; so is a server that does not answer.
func TestSearchSaysWhatIsWrong(t *testing.T) {
	ctx := openBrowser(t)
	g := &gatedSearch{}
	g.slow = "\x00"
	c := openCourt(t, func(cfg *web.Config) { g.Searcher, cfg.Search = cfg.Search, g })
	c.library()
	visit(t, ctx, c.url+searchAddress("借款"), 1366, 768)
	until(t, ctx, hits(3))
	for query, want := range map[string][2]string{
		"借条 “转账":    {"“转账", "引号没有结束"},
		"😀 日期:昨天 借": {"昨天", "日期应如"},
		"借条 ~10秒":   {"⌃", "“~”之后没有要找的词"},
		"foo:x":     {"foo:x", "没有“foo”这个条件"},
	} {
		js[bool](t, ctx, fmt.Sprintf(`(document.querySelector("#q").value = %q, document.querySelector("form").requestSubmit(), true)`, query))
		until(t, ctx, fmt.Sprintf(`!document.querySelector("#wrong").hidden && document.querySelector("#wrong mark").textContent === %q`, want[0]))
		if got := js[string](t, ctx, `document.querySelector("#wrong").innerText`); !strings.Contains(got, want[1]) {
			t.Errorf("%s: the page says %q", query, got)
		}
		if !js[bool](t, ctx, `document.querySelector("#q").hasAttribute("aria-invalid") && document.querySelectorAll(".hit").length === 3`) {
			t.Errorf("%s: what was found before is gone", query)
		}
	}
	again := `(document.querySelector("#q").value = "借款", document.querySelector("form").requestSubmit(), true)`
	js[bool](t, ctx, again)
	until(t, ctx, `document.querySelector("#wrong").hidden && !document.querySelector("#q").hasAttribute("aria-invalid")`)
	g.broken.Store(true)
	js[bool](t, ctx, again)
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("服务器内部出错，编号")`)
	g.broken.Store(false)
	js[bool](t, ctx, again)
	until(t, ctx, `document.querySelector("tj-banner").textContent === ""`)
	c.stop()
	js[bool](t, ctx, again)
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("服务器没有回应")`)
}

// Pages follow one another, each hearing once, and are there again after a look
// at a hearing.
func TestSearchPages(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	const n = 23
	for i := range n {
		h := c.another(fmt.Sprintf("room-%d", i), fmt.Sprintf("（2026）内0000民初%d号", 100+i), "买卖合同纠纷")
		for j := range map[bool]int{true: 7, false: 1}[i == n-1] {
			c.say(h, "judge", time.Duration(j+1)*time.Second, time.Duration(j+1)*time.Second+500*time.Millisecond, asr.Final, "借条在哪里？")
		}
		c.lines(h, 1)
	}
	hearings := `[...document.querySelectorAll(".hearing h2")].map(h => h.textContent)`
	visit(t, ctx, c.url+searchAddress("借条"), 1366, 768)
	until(t, ctx, `document.querySelectorAll(".hearing").length === 20 && `+shownCount+` === "找到 29 处"`)
	click(t, ctx, ".next")
	until(t, ctx, `document.querySelectorAll(".hearing").length === 23 && document.querySelector(".next").hidden`)
	got := js[[]string](t, ctx, hearings)
	slices.Reverse(got)
	for i := range n {
		if want := fmt.Sprintf("（2026）内0000民初%d号", 100+i); got[i] != want {
			t.Fatalf("hearing %d is %s, want %s", i, got[i], want)
		}
	}
	js[bool](t, ctx, `(scrollTo(0, 900), document.querySelector(".hearing:last-child a.open").click(), true)`)
	arrive(t, ctx, `!!document.querySelector("tj-hearing [data-sought]")`)
	js[bool](t, ctx, `(history.back(), true)`)
	arrive(t, ctx, `document.querySelectorAll(".hearing").length === 23 && scrollY === 900`)
	// All the lines of one hearing.
	js[bool](t, ctx, `(document.querySelector(".hearing:first-child .rest").click(), true)`)
	arrive(t, ctx, hits(7)+` && document.querySelectorAll(".hearing").length === 1`)
}

func TestSearchesAreKept(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	c.library()
	visit(t, ctx, c.url+searchAddress("借款 角色:被告"), 1366, 768)
	until(t, ctx, hits(2))
	click(t, ctx, ".keep")
	until(t, ctx, `document.querySelector(".keep").getAttribute("aria-pressed") === "true"`)
	visit(t, ctx, c.url+"/search", 1366, 768)
	until(t, ctx, `document.querySelector(".saved a")?.textContent === "借款 角色:被告"`)
	click(t, ctx, ".saved a")
	until(t, ctx, hits(2))
	click(t, ctx, ".saved button")
	until(t, ctx, `!document.querySelector(".saved li") && document.querySelector(".keep").getAttribute("aria-pressed") === "false"`)
	js[bool](t, ctx, `(localStorage.setItem("tj-searches", '[{"q":1}, null, {}'), true)`)
	visit(t, ctx, c.url+"/search", 1366, 768)
	until(t, ctx, `!document.querySelector(".help").hidden`)
}

// Nothing sticks out at any size; what a thumb presses is large enough; every
// text has contrast; no word is left in the other language.
func TestSearchFits(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	_, two := c.library()
	pages := map[string]string{
		searchAddress("借款"): hits(3), "/search": `!!document.querySelector(".help dt")`,
		"/hearings": `document.querySelectorAll("tj-day main li").length === 2`,
	}
	if _, err := c.docket.Close(t.Context(), two.ID, ""); err != nil {
		t.Fatal(err)
	}
	pages["/hearings/"+two.ID] = shows(3) + ` && !!document.querySelector(".contents li")`
	for _, size := range [][2]int64{{1366, 768}, {360, 640}} {
		for page, ready := range pages {
			visit(t, ctx, c.url+page, size[0], size[1])
			until(t, ctx, ready)
			if wide := js[float64](t, ctx, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
				t.Errorf("%s at %d×%d: %v px wider than the window", page, size[0], size[1], wide)
			}
			if size[0] > 360 {
				continue
			}
			if hidden := js[bool](t, ctx, `(() => { const d = document.querySelector("details.download"); if (!d) return false; d.open = true;
				return [...d.querySelectorAll("a")].some(a => { const r = a.getBoundingClientRect(); return !a.contains(document.elementFromPoint(r.left + 4, r.top + r.height / 2)); }); })()`); hidden {
				t.Errorf("%s: what can be downloaded is cut off", page)
			}
			if small := js[string](t, ctx, `[...document.querySelectorAll(".hit button, .hit a, form button, .player button")].filter(e => e.checkVisibility() && e.offsetHeight < 40).map(e => e.outerHTML).join()`); small != "" {
				t.Errorf("%s: too small for a thumb: %s", page, small)
			}
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		prefer(t, ctx, scheme)
		for page, ready := range pages {
			visit(t, ctx, c.url+page, 1366, 768)
			until(t, ctx, ready)
			if poor := js[string](t, ctx, contrast); poor != "" {
				t.Errorf("%s, %s: contrast below 4.5:1 in %s", page, scheme, poor)
			}
		}
	}
	click(t, ctx, `[data-do="language"]`)
	for page, ready := range pages {
		visit(t, ctx, c.url+page, 1366, 768)
		until(t, ctx, ready)
		if left := js[string](t, ctx, `[...document.querySelectorAll("[data-t]")].filter(e => /[\u4e00-\u9fff]/.test(e.textContent) && !/^(language|search\.eg)/.test(e.dataset.t)).map(e => e.dataset.t + "=" + e.textContent).join()`); left != "" {
			t.Errorf("%s: Chinese in the English page: %s", page, left)
		}
	}
}

// On paper there are the query, what was found and its places, and no buttons.
func TestSearchOnPaper(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	c.library()
	visit(t, ctx, c.url+searchAddress("借款"), 1366, 768)
	until(t, ctx, hits(3))
	js[bool](t, ctx, `(window.dispatchEvent(new Event("beforeprint")), true)`)
	onPaper(t, ctx)
	if left := js[string](t, ctx, `[...document.querySelectorAll("form, .keep, .open, .next, tj-tools, .help")].filter(e => e.checkVisibility()).map(e => e.className).join()`); left != "" {
		t.Errorf("printed too: %s", left)
	}
	paper := js[string](t, ctx, `document.body.innerText`)
	for _, want := range []string{"查找庭审笔录：借款", "找到 3 处", "00:00:01", "（2026）内0000民初27号", "借款属实"} {
		if !strings.Contains(paper, want) {
			t.Errorf("%s is not printed:\n%s", want, paper)
		}
	}
}

// onPaper shows the page as it is printed.
func onPaper(t *testing.T, ctx context.Context) {
	t.Helper()
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
}

// TestSearchPictures takes pictures for people to look at.
func TestSearchPictures(t *testing.T) {
	dir := os.Getenv("TINGJI_TEST_PICTURES")
	if dir == "" {
		t.Skip("takes pictures of the page where TINGJI_TEST_PICTURES names a folder for them")
	}
	ctx := openBrowser(t)
	c := openCourt(t)
	_, two := c.library()
	closed := c.another("court-9", "（2026）内0000民初31号", "民间借贷纠纷")
	c.hurry(closed, dialogue)
	if _, err := c.docket.Close(t.Context(), closed.ID, ""); err != nil {
		t.Fatal(err)
	}
	for _, size := range []struct {
		name string
		w, h int64
	}{{"", 1366, 900}, {"-phone", 360, 740}} {
		for _, p := range []struct{ name, path, ready, do string }{
			{"search-empty", "/search", `!!document.querySelector(".help dt")`, ""},
			{"search", searchAddress("借款"), hits(5), ""},
			{"search-sound", searchAddress("违约金"), hits(1), `document.querySelector("details.filters").open = true`},
			{"search-wrong", searchAddress("借条 “转账"), `!document.querySelector("#wrong").hidden`, ""},
			{"day", "/hearings", `!!document.querySelector("tj-day main li")`, ""},
			{"reading", "/hearings/" + closed.ID + "#line-judge-1-4800", shows(len(dialogue)) + ` && !!document.querySelector(".contents li")`, ""},
			{"live", "/hearings/" + two.ID, shows(3), ""},
		} {
			visit(t, ctx, "about:blank", size.w, size.h)
			visit(t, ctx, c.url+p.path, size.w, size.h)
			until(t, ctx, p.ready)
			if p.do != "" {
				js[any](t, ctx, p.do)
			}
			png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, p.name+size.name+".png"), png, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
