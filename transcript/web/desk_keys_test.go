package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/web"
)

// unsure has a seat say something of which the engine doubts a word.
func (c *court) unsure(h capture.Hearing, channel string, at time.Duration, words ...string) string {
	first, next := capture.SamplesIn(at), capture.SamplesIn(at+3*time.Second)
	seg := asr.Segment{V: 1, Hearing: h.ID, Channel: channel, Epoch: 1, Utterance: asr.UtteranceID(channel, 1, first),
		Stage: asr.Final, First: first, Last: next - 1, StartedAt: h.OpenedAt.Add(at),
		Text: strings.ReplaceAll(strings.Join(words, ""), "?", ""), Engine: "whisper", Model: "large-v3", Language: "zh"}
	seg.ID = h.ID + "/" + seg.Utterance
	for _, w := range words {
		text, doubtful := strings.CutSuffix(w, "?")
		seg.Words = append(seg.Words, asr.Word{Text: text, Start: at.Milliseconds(), End: at.Milliseconds() + 1,
			Confidence: map[bool]float64{true: 0.3, false: 0.95}[doubtful]})
	}
	c.log.append(seg)
	return seg.Utterance
}

func TestDoubtfulWordsAreFound(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	one := c.unsure(h, "judge", 1*time.Second, "现在", "开亭?", "。")
	two := c.unsure(h, "plaintiff", 5*time.Second, "证人", "苏小兰?", "，", "和文柏?", "到庭")
	c.lines(h, 2)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(2)+` && CSS.highlights.get("doubt").size === 3`)
	next := func(line, word string) {
		t.Helper()
		press(t, ctx, kb.F3)
		until(t, ctx, editing(line)+fmt.Sprintf(` && getSelection().toString() === %q`, word))
	}
	press(t, ctx, kb.Home)
	js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, one))
	next(one, "开亭")
	next(two, "苏小兰")
	next(two, "和文柏")
	next(one, "开亭")
	// Typing replaces it; the line is then no longer in doubt.
	insert(t, ctx, "开庭")
	press(t, ctx, kb.Enter)
	c.saved(h, one, "现在开庭。")
	until(t, ctx, `CSS.highlights.get("doubt").size === 2`)
	// Enter without a change says that it is right.
	next(two, "苏小兰")
	press(t, ctx, kb.Enter)
	for end := time.Now().Add(browserPatience); ; time.Sleep(20 * time.Millisecond) {
		l, err := c.docket.Line(t.Context(), h.ID, two)
		if err == nil && l.Revision == 2 && l.Text == "证人苏小兰，和文柏到庭" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not confirmed: %+v, %v", l, err)
		}
	}
	until(t, ctx, `CSS.highlights.get("doubt").size === 0`)
	press(t, ctx, kb.F3)
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("没有存疑")`)
}

// A line that was confirmed is no longer in doubt, before the server says so:
// the next key goes on, or says that there is nothing more.
func TestConfirmedLineIsNotOfferedAgain(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	id := c.unsure(h, "judge", time.Second, "现在", "开亭?", "。")
	c.lines(h, 1)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(1)+` && CSS.highlights.get("doubt").size === 1`)
	press(t, ctx, kb.F3)
	until(t, ctx, editing(id))
	js[bool](t, ctx, `(window.fetch = () => new Promise(() => {}), true)`) // the server does not answer
	press(t, ctx, kb.Enter)
	until(t, ctx, noneEdits)
	press(t, ctx, kb.F3)
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("没有存疑") && !document.querySelector("[contenteditable]")`)
}

func TestKeysOfTheDesk(t *testing.T) {
	ctx := openBrowser(t)
	asked := make(chan string, 100)
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Audio = func(ctx context.Context, h capture.Hearing, channel string, from, to int64) (io.ReadSeekCloser, time.Time, error) {
			asked <- fmt.Sprintf("%s %d-%d", channel, from, to)
			return tone(ctx, h, channel, from, to)
		}
	})
	h := c.hearing("court-3")
	id := c.say(h, "witness", 300*time.Millisecond, 600*time.Millisecond, asr.Final, "我看见了。")
	c.lines(h, 1)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(1)+` && document.querySelector(".clock").textContent > "00:00:01"`)
	heard := func(want string) {
		t.Helper()
		for got := ""; got != want; {
			select {
			case got = <-asked:
			case <-time.After(browserPatience):
				t.Fatalf("nobody asked for %s", want)
			}
		}
	}
	begin(t, ctx, id) // all of these keys work in an edit
	press(t, ctx, kb.F4)
	heard("witness 50-850")
	until(t, ctx, `!document.querySelector(".line.playing")`)
	press(t, ctx, kb.F9, kb.F4)
	heard(" 50-850")
	until(t, ctx, `!document.querySelector(".line.playing")`)
	press(t, ctx, kb.F9, kb.F6)
	heard("witness 0-850")
	press(t, ctx, kb.F7, kb.F8)
	if got := js[[]string](t, ctx, `[...document.querySelectorAll("[data-command] i")].map(i => i.textContent).filter(s => s)`); !slices.Equal(got, []string{"书面", "0.75×", "2×", "本席", "实时"}) {
		t.Errorf("the desk shows %q", got)
	}
	// The role by a digit: the persons in the order of the seats.
	hold(t, ctx, chromedp.ModifierAlt, "1")
	until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s b").textContent === "审判长" && document.querySelector(".waits").hidden`, id))
	insert(t, ctx, "是的。")
	press(t, ctx, kb.Enter)
	c.saved(h, id, "我看见了。是的。")
	until(t, ctx, `document.querySelector(".waits").hidden`)
	press(t, ctx, "4")
	until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s b").textContent === "被告" && document.querySelector(".waits").hidden`, id))
	if l, err := c.docket.Line(t.Context(), h.ID, id); err != nil || l.Role != "被告" || l.Speaker != "何文柏" || l.Revision != 4 {
		t.Errorf("%+v, %v", l, err)
	}
	press(t, ctx, "?")
	until(t, ctx, `document.querySelector("dialog.help").textContent.includes("这一行由证人（苏晓岚）说")`)
	if n := js[int](t, ctx, `document.querySelectorAll("dialog.help tr").length`); n < 20 {
		t.Errorf("the help names %d keys", n)
	}
	press(t, ctx, kb.Escape)
	until(t, ctx, `!document.querySelector("dialog")`)
}

// A name that was put right is offered wherever the hearing sounds the same, and
// goes to the workers.
func TestCorrectionTeaches(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	at := time.Second
	var ids []string
	for _, text := range []string{"传证人苏小兰到庭。", "苏晓南来了吗？", "我是苏小兰。", "苏州小兰花，白天。"} {
		ids = append(ids, c.say(h, "judge", at, at+time.Second, asr.Final, text))
		at += 2 * time.Second
	}
	c.lines(h, len(ids))
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(len(ids)))
	begin(t, ctx, ids[0])
	js[bool](t, ctx, `(p => (getSelection().setBaseAndExtent(p.firstChild, 4, p.firstChild, 6), true))(document.activeElement)`)
	insert(t, ctx, "晓岚")
	press(t, ctx, kb.Enter)
	until(t, ctx, `document.querySelector(".teach:not([hidden]) span")?.textContent.includes("“苏小兰”改成了“苏晓岚”。另有 2 处")`)
	hold(t, ctx, chromedp.ModifierCtrl, "b")
	until(t, ctx, `document.querySelectorAll("dialog.replace li input:checked").length === 2 && document.activeElement.tagName === "BUTTON"`)
	press(t, ctx, kb.Enter)
	c.saved(h, ids[1], "苏晓岚来了吗？")
	c.saved(h, ids[2], "我是苏晓岚。")
	c.saved(h, ids[3], "苏州小兰花，白天。")
	until(t, ctx, `document.querySelector(".waits").hidden`)
	deadline := time.Now().Add(browserPatience)
	for {
		now, err := c.docket.Hearing(t.Context(), h.ID)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the vocabulary is %q, %v", now.Hotwords, err)
		}
		if slices.Equal(now.Hotwords, []string{"苏晓岚"}) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	// What was corrected together is undone together.
	hold(t, ctx, chromedp.ModifierCtrl, "z")
	c.saved(h, ids[1], "苏晓南来了吗？")
	c.saved(h, ids[2], "我是苏小兰。")
	// Find and replace, with the places chosen one by one.
	hold(t, ctx, chromedp.ModifierCtrl, "h")
	until(t, ctx, `document.activeElement.name === "wrong"`)
	insert(t, ctx, "小兰")
	press(t, ctx, "\t")
	insert(t, ctx, "晓兰")
	until(t, ctx, `document.querySelectorAll("dialog.replace li").length === 3`)
	js[bool](t, ctx, `([...document.querySelectorAll("dialog.replace li")].find(l => l.textContent.includes("苏州")).querySelector("input").click(), true)`)
	until(t, ctx, `document.querySelector("dialog.replace .primary").textContent.includes("1 处")`)
	click(t, ctx, "dialog.replace .primary")
	c.saved(h, ids[2], "我是苏晓兰。")
	c.saved(h, ids[3], "苏州小兰花，白天。")
}

func TestHearingIsAnnounced(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	visit(t, ctx, c.url+"/new", 1366, 768)
	until(t, ctx, `document.querySelectorAll("[name=courtroom] option").length === 2 && document.activeElement.name === "case_no"`)
	states := func(want string) {
		t.Helper()
		until(t, ctx, fmt.Sprintf(`[...document.querySelectorAll("[data-part]")].map(e => e.dataset.state || "-").join(" ") === %q`, want))
	}
	insert(t, ctx, "（2026）内0000")
	states("right right wrong - -")
	insert(t, ctx, "民出1号")
	states("right right wrong - -")
	until(t, ctx, `document.querySelector(".wrong").textContent.includes("民初") && document.querySelector("[name=case_no]").getAttribute("aria-invalid") === "true"`)
	js[bool](t, ctx, `(i => (i.focus(), i.select(), true))(document.querySelector("[name=case_no]"))`)
	insert(t, ctx, "(2026)内0000民初77号")
	states("right right right right right")
	// The number says which procedure it is: whom to ask for, and its terms.
	until(t, ctx, `document.querySelector("[name=template]").value === "civil" && document.querySelectorAll(".people li").length >= 8 && document.querySelector("[name=hotwords]").value.includes("诉讼时效")`)
	until(t, ctx, `document.querySelectorAll(".sitting .seat").length === 5`)
	takePicture(t, ctx, "new-1366")
	until(t, ctx, `document.querySelector(".wrong").hidden`)
	press(t, ctx, kb.Enter)
	insert(t, ctx, "买卖合同纠纷")
	js[bool](t, ctx, `(window.personOf = role => [...document.querySelectorAll(".people li")].find(li => li.querySelector("[name=role]").value === role), true)`)
	js[bool](t, ctx, `(personOf("原告").querySelector("[name=name]").focus(), true)`)
	insert(t, ctx, "周启明")
	js[bool](t, ctx, `(r => (r.select(), r.focus(), window.wrongRole = r, true))(personOf("被告").querySelector("[name=role]"))`)
	insert(t, ctx, "被吿")
	press(t, ctx, kb.Enter)
	insert(t, ctx, "何文柏")
	press(t, ctx, "\t")
	until(t, ctx, `wrongRole.getAttribute("aria-invalid") === "true" && document.querySelector(".wrong").textContent.includes("被告")`)
	js[bool](t, ctx, `(wrongRole.focus(), wrongRole.select(), true)`)
	insert(t, ctx, "被告")
	until(t, ctx, `document.querySelector(".wrong").hidden`)
	js[bool](t, ctx, `(e => (e.focus(), e.select(), true))(document.querySelector("[name=hotwords]"))`)
	insert(t, ctx, "青石路、茶馆")
	click(t, ctx, `menu [value="open"]`)
	announced := func(status capture.Status, n int) capture.Hearing {
		t.Helper()
		for deadline := time.Now().Add(browserPatience); ; time.Sleep(10 * time.Millisecond) {
			list, err := c.docket.Hearings(t.Context(), transcript.HearingFilter{})
			if err == nil && len(list) == n && list[0].Status == status {
				// The page goes to it; while it does, it cannot be asked.
				shown, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.readyState === "complete" && location.pathname === "/hearings/`+list[0].ID+`"`))
				if err == nil && shown {
					return list[0]
				}
			}
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("%+v, %v", list, err)
			}
		}
	}
	h := announced(capture.Open, 1)
	if h.CaseNo != "（2026）内0000民初77号" || h.Status != capture.Open || h.Cause != "买卖合同纠纷" || !slices.Equal(h.Hotwords, []string{"青石路", "茶馆"}) ||
		!slices.Equal(h.Participants, []capture.Participant{{Role: "原告", Name: "周启明"}, {Role: "被告", Name: "何文柏"}}) {
		t.Errorf("%+v", h)
	}

	// A file from the case system fills the form; what is wrong in it is shown.
	file := filepath.Join(t.TempDir(), "case.json")
	body, err := json.Marshal(map[string]any{"case_no": "（2026）内0000行初8号", "cause": "行政处罚", "courtroom": "court-5", "public": false,
		"participants": []map[string]string{{"role": "原告", "name": "李思"}, {"role": "原告", "name": "李思"}}, "hotwords": []string{"处罚决定"}})
	if err == nil {
		err = os.WriteFile(file, body, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	visit(t, ctx, c.url+"/new", 1366, 768)
	until(t, ctx, `document.querySelectorAll("[name=courtroom] option").length === 2`)
	if err := chromedp.Do(ctx, chromedp.SetUploadFiles(chromedp.CSS("[type=file]"), []string{file})); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.querySelector(".wrong").textContent.includes("重复") && document.querySelector("[name=courtroom]").value === "court-5" && !document.querySelector("[name=public]").checked`)
	click(t, ctx, ".people li:nth-child(2) button")
	until(t, ctx, `document.querySelector(".wrong").hidden`)
	click(t, ctx, `menu [value="keep"]`)
	if h := announced(capture.Scheduled, 2); h.CaseNo != "（2026）内0000行初8号" || h.Public || h.Courtroom != "court-5" {
		t.Errorf("%+v", h)
	}

	// Several of them: what is wrong is named by row and field; then all are announced.
	for i, table := range []string{"案号,法庭,原告\n（2026）内0000刑初9号,第三审判庭,周启明、周启明\n", "案号,法庭\n（2026）内0000刑初9号,第三审判庭\n（2026）内0000刑初10号,court-5\n"} {
		file := filepath.Join(t.TempDir(), "list.csv")
		if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
			t.Fatal(err)
		}
		visit(t, ctx, c.url+"/new", 1366, 768)
		until(t, ctx, `document.querySelectorAll("[name=courtroom] option").length === 2`)
		if err := chromedp.Do(ctx, chromedp.SetUploadFiles(chromedp.CSS("[type=file]"), []string{file})); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			until(t, ctx, `document.querySelector(".wrong").textContent.includes("第 2 行，participants[1].name： 原告周启明 已在第 1 位，重复了")`)
			continue
		}
		until(t, ctx, `document.querySelectorAll(".planned li").length === 2 && document.activeElement.textContent.includes("2 场")`)
		press(t, ctx, kb.Enter)
		until(t, ctx, `document.readyState === "complete" && location.pathname === "/"`)
		if list, err := c.docket.Hearings(t.Context(), transcript.HearingFilter{}); err != nil || len(list) != 4 {
			t.Fatalf("%d hearings, %v", len(list), err)
		}
	}
	// A criminal hearing has its own seats.
	visit(t, ctx, c.url+"/new", 1366, 768)
	until(t, ctx, `document.querySelectorAll("[name=template] option").length === 6`)
	insert(t, ctx, "（2026）内0000刑初11号")
	until(t, ctx, `document.querySelector(".sitting").textContent.includes("公诉人") && document.querySelector(".sitting").textContent.includes("被告人")`)
	click(t, ctx, `menu [value="keep"]`)
	if h := announced(capture.Scheduled, 5); h.Seats[2].Role != "公诉人" || h.Seats[2].Speaker != "" || h.Seats[0].Speaker != "沈知远" {
		t.Errorf("%+v", h.Seats)
	}
}

// The parties' screen follows its own courtroom, and offers nothing to press.
func TestPartiesScreen(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	addr := strings.TrimPrefix(c.url, "http://")
	visit(t, ctx, c.url+"/screen/court-3", 1920, 1080)
	until(t, ctx, `document.querySelector("tj-screen h1")?.textContent === "第三审判庭"`)
	c.hearing("court-5")
	h := c.hearing("court-3")
	until(t, ctx, fmt.Sprintf(`document.querySelector("tj-hearing")?.getAttribute("hearing") === %q`, h.ID))
	c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "现在开庭。")
	until(t, ctx, shows(1))
	if px := js[float64](t, ctx, `parseFloat(getComputedStyle(document.querySelector(".line p")).fontSize)`); px < 40 {
		t.Errorf("the text is %v px", px)
	}
	press(t, ctx, kb.Enter, kb.F2)
	if err := chromedp.Do(ctx, chromedp.DoubleClick(chromedp.CSS(".line p"))); err != nil {
		t.Fatal(err)
	}
	if got := js[string](t, ctx, `[...document.querySelectorAll(".actions button, tj-desk button, [contenteditable], a.latest")].filter(e => e.checkVisibility()).map(e => e.textContent).join()`); got != "" {
		t.Errorf("the screen offers %q", got)
	}
	c.stop()
	until(t, ctx, `!!document.querySelector("tj-banner .lost")`)
	c = openCourtIn(t, c.dir, c.log, addr)
	c.say(h, "judge", 3*time.Second, 4*time.Second, asr.Final, "继续。")
	until(t, ctx, shows(2)+` && !document.querySelector("tj-banner .lost")`)
	if _, err := c.docket.Close(t.Context(), h.ID, ""); err != nil {
		t.Fatal(err)
	}
	next := c.hearing("court-3")
	until(t, ctx, fmt.Sprintf(`document.querySelector("tj-hearing")?.getAttribute("hearing") === %q`, next.ID))
}

// How long a key takes to be seen in a line of a long hearing: at the 60 frames
// a second of a display, and what of it is work, with the browser's frame limit
// taken off, beside a page that is nothing but a field. Logged, not judged: it is
// the machine's.
func TestKeyToFrame(t *testing.T) {
	n := 20
	if os.Getenv("TINGJI_TEST_LONG") != "" { // tingji bench
		n = 100
	}
	c := openCourt(t)
	h := c.hearing("court-3")
	c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "现在开庭。")
	c.lines(h, 1)
	measure := func(key string, flags ...chromedp.ExecAllocatorOption) {
		ctx := openBrowser(t, flags...)
		visit(t, ctx, "data:text/html,<p contenteditable=plaintext-only></p>", 1366, 768)
		js[bool](t, ctx, `(document.querySelector("p").focus(), true)`)
		empty := typed(t, ctx, n)
		visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
		until(t, ctx, shows(1))
		js[bool](t, ctx, `(lines => {
			const said = [...Array(10000)].map((_, i) => ({id: "x-" + i, hearing: "`+h.ID+`", channel: "judge", role: "审判长", speaker: "", text: "这是很长的庭审中的第" + i + "句话，说的是借款的经过。",
				start_ms: 3000 + i * 2880, end_ms: 5000 + i * 2880, origin: "speech", engine: "", revision: 1, change: 1}));
			lines.load(said);
			lines.edit(lines.row("x-5000"));
			return true;
		})(document.querySelector("tj-lines"))`)
		until(t, ctx, editing("x-5000"))
		page := typed(t, ctx, n)
		t.Logf("%s: key to frame at 10,000 lines: p50 %.1f ms, p95 %.1f ms; on an empty page %.1f and %.1f", key, page[n/2], page[n*95/100], empty[n/2], empty[n*95/100])
		t.Attr(key+"_p95_ms", fmt.Sprint(page[n*95/100]))
		t.Attr(key+"_empty_p95_ms", fmt.Sprint(empty[n*95/100]))
		if got := js[string](t, ctx, edited); len([]rune(got)) < n {
			t.Errorf("typed %q", got)
		}
	}
	measure("key_to_frame")
	measure("key_work", chromedp.Flag("disable-frame-rate-limit", true), chromedp.Flag("disable-gpu-vsync", true))
}

// typed types n letters in what has the focus, and returns how long after each
// key its frame was ready, ms, the shortest first.
func typed(t *testing.T, ctx context.Context, n int) []float64 {
	t.Helper()
	js[bool](t, ctx, `(window.frames_ = [], document.activeElement.addEventListener("keydown", (e) => window.began = e.timeStamp),
	document.activeElement.addEventListener("input", () => {
		const began = window.began;
		requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = () => window.frames_.push(performance.now() - began); c.port2.postMessage(0); });
	}), true)`)
	for i := range n {
		time.Sleep(20*time.Millisecond + rand.N(17*time.Millisecond)) // a key falls anywhere between two frames
		press(t, ctx, string(rune('a'+i%26)))
		// Asked by a timer: a poll in each frame would have the browser draw frames without end.
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](fmt.Sprintf(`window.frames_.length === %d`, i+1),
			chromedp.WithPollingInterval(10*time.Millisecond), chromedp.WithPollingTimeout(browserPatience))); err != nil {
			t.Fatalf("key %d was not seen: %v", i+1, err)
		}
	}
	times := js[[]float64](t, ctx, `window.frames_`)
	sort.Float64s(times)
	return times
}
