package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/capture"
)

// Nothing typed is ever lost, in forms either: what was not sent is there again when
// the page is opened anew, and gone when it has been sent or thrown away.

const typedKeys = `Object.keys(localStorage).filter((k) => k.startsWith("tj-typed ")).map((k) => k.replace(/\d{8}-\d{6}\S*/g, "H")).sort().join("|")`

func TestFormIsKept(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	open := func() {
		t.Helper()
		visit(t, ctx, c.url+"/new", 1366, 768)
		until(t, ctx, `document.querySelectorAll("[name=template] option").length === 6`)
	}
	put := func(selector, text string) {
		t.Helper()
		js[bool](t, ctx, fmt.Sprintf(`(i => (i.focus(), i.select(), true))(document.querySelector(%q))`, selector))
		insert(t, ctx, text)
	}
	open()
	if js[string](t, ctx, typedKeys) != "" || !js[bool](t, ctx, `document.querySelector(".kept").hidden`) {
		t.Error("a form that nobody has touched is kept")
	}
	put("[name=case_no]", "（2026）内0000民初88号")
	until(t, ctx, `document.querySelector("[name=template]").value === "civil"`)
	put("[name=cause]", "买卖合同纠纷")
	js[bool](t, ctx, `(s => (s.value = "court-5", s.dispatchEvent(new Event("input", { bubbles: true })), s.dispatchEvent(new Event("change", { bubbles: true })), true))(document.querySelector("[name=courtroom]"))`)
	js[bool](t, ctx, `(s => (s.value = "civil-simple", s.dispatchEvent(new Event("input", { bubbles: true })), s.dispatchEvent(new Event("change", { bubbles: true })), s.value !== ""))(document.querySelector("[name=template]"))`)
	chosen := js[string](t, ctx, `document.querySelector("[name=template]").value`)
	put(".people [name=name]", "周启明")
	js[bool](t, ctx, `(document.querySelector("[name=public]").click(), true)`)
	words := js[string](t, ctx, `document.querySelector("[name=hotwords]").value`)

	open()
	until(t, ctx, `!document.querySelector(".kept").hidden && document.querySelectorAll(".sitting .seat").length > 0`)
	if got, want := js[string](t, ctx, `["case_no", "cause", "courtroom", "template"].map((n) => document.querySelector("[name=" + n + "]").value).join("|") + "|" + document.querySelector("[name=public]").checked`),
		"（2026）内0000民初88号|买卖合同纠纷|court-5|"+chosen+"|false"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := js[string](t, ctx, `document.querySelector("[name=hotwords]").value`); got != words {
		t.Errorf("the words of the case are %s\nwere %s", got, words)
	}
	if got := js[string](t, ctx, `[...document.querySelectorAll(".people li")].map((l) => [...l.querySelectorAll("input")].map((i) => i.value).join("")).join("|")`); !strings.Contains(got, "周启明") {
		t.Errorf("people: %s", got)
	}
	takePicture(t, ctx, "new-kept")

	click(t, ctx, ".kept button") // thrown away on purpose
	until(t, ctx, `document.querySelectorAll("[name=template] option").length === 6 && document.querySelector("[name=case_no]").value === "" && document.querySelector(".kept").hidden`)
	put("[name=case_no]", "（2026）内0000民初89号")
	js[bool](t, ctx, `(document.querySelector("[name=cause]").focus(), true)`)
	click(t, ctx, `menu [value="keep"]`)
	until(t, ctx, `location.pathname.startsWith("/hearings/") && document.readyState === "complete"`)
	if keys := js[string](t, ctx, typedKeys); keys != "" {
		t.Errorf("what has been sent is kept: %s", keys)
	}
}

func TestSheetIsKept(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := c.held()
	at := func(l string) {
		t.Helper()
		js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, l))
	}
	open := func() {
		t.Helper()
		visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
		until(t, ctx, shows(2)+` && !document.querySelector("tj-desk").hidden`)
	}
	open()

	// A request that a slip of the hand closes.
	request := func() {
		t.Helper()
		at(lines[1].ID)
		hold(t, ctx, chromedp.ModifierCtrl, "e")
		until(t, ctx, `document.activeElement.tagName === "SELECT"`)
		press(t, ctx, "\t")
	}
	request()
	js[bool](t, ctx, `(document.activeElement.select(), true)`)
	insert(t, ctx, "我是原告。")
	press(t, ctx, kb.Escape)
	until(t, ctx, `!document.querySelector("dialog")`)
	request()
	until(t, ctx, `document.activeElement.value === "我是原告。"`)
	press(t, ctx, kb.Enter)
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("第 1 项补正请求已记下")`)
	request()
	until(t, ctx, `document.activeElement.value === "我是plaintiff。"`)
	insert(t, ctx, "另一句")
	js[bool](t, ctx, `([...document.querySelectorAll("dialog menu button")].find((b) => b.textContent === "取消").click(), true)`)
	until(t, ctx, `!document.querySelector("dialog") && `+typedKeys+` === ""`)

	// The sheet is drawn anew by what somebody does in another part of it, and with the page.
	const half = `["correction 1 reason", "remark 原告 周启明", "sign reason"].map((k) => document.querySelector("[data-key='" + k + "']").value).join("|") + document.querySelector("[data-key='signer 原告 周启明']").checked`
	hold(t, ctx, chromedp.ModifierCtrl, "s")
	until(t, ctx, sheetShown)
	for key, text := range map[string]string{"correction 1 reason": "与录音一致", "remark 原告 周启明": "无补充", "sign reason": "已离庭"} {
		js[bool](t, ctx, fmt.Sprintf(`(e => (e.closest("label")?.removeAttribute("hidden"), e.focus(), true))(document.querySelector("[data-key='%s']"))`, key))
		insert(t, ctx, text)
	}
	js[bool](t, ctx, `(document.querySelector("[data-key='signer 原告 周启明']").click(), true)`)
	js[bool](t, ctx, `(document.querySelector("[data-key='read 审判长 沈知远']").click(), true)`)
	until(t, ctx, `document.querySelectorAll(".readings .done").length === 1`)
	const want = "与录音一致|无补充|已离庭false"
	if got := js[string](t, ctx, half); got != want {
		t.Errorf("after another part was done: %q, want %q", got, want)
	}
	open()
	hold(t, ctx, chromedp.ModifierCtrl, "s")
	until(t, ctx, sheetShown)
	if got := js[string](t, ctx, half); got != want {
		t.Errorf("after the page was opened anew: %q, want %q", got, want)
	}
	js[bool](t, ctx, `(document.querySelector(".corrections .primary").click(), true)`)
	until(t, ctx, `document.querySelector(".corrections .done")?.textContent.includes("与录音一致")`)
	if keys := js[string](t, ctx, typedKeys); keys != "tj-typed H remark 原告 周启明|tj-typed H sign reason|tj-typed H signer 原告 周启明" {
		t.Errorf("kept: %s", keys)
	}
	js[bool](t, ctx, `(document.querySelector("[data-key='aloud 原告 周启明']").click(), true)`)
	until(t, ctx, `document.querySelectorAll(".readings .done").length === 2`)
	js[bool](t, ctx, `(document.querySelector("[data-key='sign go']").click(), true)`)
	until(t, ctx, `document.querySelector("output.integrity")?.textContent.length === 64 && `+typedKeys+` === ""`)
	signed, err := c.docket.Hearing(t.Context(), h.ID)
	if err != nil || signed.Status != capture.Signed || signed.Signing.Reason != "已离庭" || len(signed.Signing.Signers) != 1 {
		t.Errorf("%+v, %v", signed.Signing, err)
	}
}

// An explanation half written, and a line by hand.
func TestWordsByHandAreKept(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.interrupted()
	explain := func() {
		t.Helper()
		visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
		until(t, ctx, shows(1)+` && !document.querySelector("tj-desk").hidden`)
		hold(t, ctx, chromedp.ModifierCtrl, "s")
		until(t, ctx, sheetShown+` && !!document.querySelector(".fault textarea")`)
	}
	explain()
	js[bool](t, ctx, `(e => (e.focus(), e.select(), true))(document.querySelector(".fault textarea"))`)
	compose(t, ctx, "hua tong")
	insert(t, ctx, "话筒线松动")
	explain()
	until(t, ctx, `document.querySelector(".fault textarea").value === "话筒线松动"`)
	click(t, ctx, ".fault .primary")
	until(t, ctx, `document.querySelector(".fault label").textContent.includes("· 书面说明") && `+typedKeys+` === ""`)

	live := c.hearing("court-5")
	c.say(live, "judge", 0, time.Second, asr.Final, "现在开庭。")
	c.lines(live, 1)
	write := func() {
		t.Helper()
		visit(t, ctx, c.url+"/hearings/"+live.ID, 1366, 768)
		until(t, ctx, shows(1)+` && !document.querySelector("tj-desk").hidden`)
		hold(t, ctx, chromedp.ModifierCtrl, kb.Enter)
		until(t, ctx, `!!document.activeElement.closest(".hand")`)
	}
	write()
	insert(t, ctx, "当庭出示证据一")
	write()
	until(t, ctx, `document.activeElement.value === "（当庭出示证据一）"`)
	press(t, ctx, kb.Enter)
	until(t, ctx, `[...document.querySelectorAll(".line.hand p")].some(p => p.textContent.startsWith("（当庭出示证据一）")) && `+typedKeys+` === ""`)
}
