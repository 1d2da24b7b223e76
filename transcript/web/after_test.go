package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/capture"
	"tingji/transcript"
)

// sheet holds once the sheet of a hearing's end shows all of its parts.
const sheetShown = `document.querySelectorAll("dialog.after section").length === 6`

// The end of a hearing with the keyboard: a party asks for a correction, a fault
// is explained, doubts are settled, the record is read, signed and frozen.
func TestAfterTheHearing(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := c.held()
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(2)+` && !document.querySelector("tj-desk").hidden`)

	// 补正: who asks, which line, what he says was said.
	js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, lines[1].ID))
	hold(t, ctx, chromedp.ModifierCtrl, "e")
	until(t, ctx, `document.activeElement.tagName === "SELECT" && document.activeElement.selectedOptions[0].text === "原告周启明"`)
	press(t, ctx, "\t")
	js[bool](t, ctx, `(document.activeElement.select(), true)`)
	insert(t, ctx, "我是原告。")
	press(t, ctx, kb.Enter)
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("第 1 项补正请求已记下")`)

	hold(t, ctx, chromedp.ModifierCtrl, "s")
	until(t, ctx, sheetShown+` && document.querySelectorAll("dialog .doubts li").length === 1`)
	takePicture(t, ctx, "after-open")
	if js[bool](t, ctx, `!document.querySelector("[data-key='sign go']").disabled`) {
		t.Error("it could be signed with an open doubt and no reason")
	}
	// The doubt leads to the request, which is decided; both are kept and shown.
	until(t, ctx, `!!document.activeElement.closest(".doubts")`)
	press(t, ctx, kb.Enter)
	until(t, ctx, `document.activeElement.dataset.key === "correction 1"`)
	press(t, ctx, "\t")
	insert(t, ctx, "与录音一致")
	press(t, ctx, "\t", "\t", "\t", kb.Enter)
	until(t, ctx, `document.querySelector(".corrections .done")?.textContent.includes("准予补正。 与录音一致") && document.querySelector(".corrections del").textContent === "plaintiff"`)
	c.saved(h, lines[1].ID, "我是原告。")
	until(t, ctx, `document.querySelectorAll("dialog .doubts li").length === 0`)

	// Read by one, read to the other, with a remark.
	js[bool](t, ctx, `(document.querySelector("[data-key='read 审判长 沈知远']").focus(), true)`)
	press(t, ctx, kb.Enter)
	until(t, ctx, `document.querySelectorAll(".readings .done").length === 1`)
	js[bool](t, ctx, `(document.querySelector("[data-key='remark 原告 周启明']").focus(), true)`)
	insert(t, ctx, "无补充")
	press(t, ctx, "\t", "\t", kb.Enter)
	until(t, ctx, `document.querySelectorAll(".readings .done").length === 2`)

	// One does not sign: the reason is asked for.
	js[bool](t, ctx, `(document.querySelector("[data-key='signer 原告 周启明']").focus(), true)`)
	press(t, ctx, " ")
	until(t, ctx, `!document.querySelector("[data-key='sign reason']").closest("label").hidden`)
	press(t, ctx, "\t")
	until(t, ctx, `document.activeElement.dataset.key === "sign reason"`)
	insert(t, ctx, "已离庭")
	press(t, ctx, "\t", kb.Enter)
	until(t, ctx, `document.querySelector("output.integrity")?.textContent.length === 64`)
	takePicture(t, ctx, "after-signed")
	signed, err := c.docket.Hearing(t.Context(), h.ID)
	if err != nil || signed.Status != capture.Signed || signed.Signing.Reason != "已离庭" || len(signed.Readings) != 2 || signed.Readings[1].Remark != "无补充" {
		t.Fatalf("%+v, %v", signed, err)
	}
	if shown := js[string](t, ctx, `document.querySelector("output.integrity").textContent`); shown != signed.Signing.Integrity {
		t.Errorf("the page shows %s, the record has %s", shown, signed.Signing.Integrity)
	}
	press(t, ctx, kb.Escape)
	until(t, ctx, `!document.querySelector("dialog") && document.querySelector("tj-desk").hidden`)
	hold(t, ctx, chromedp.ModifierCtrl, "s") // what is signed can be looked at
	until(t, ctx, sheetShown+` && document.querySelector("dialog .exports").textContent.includes("公开副本")`)
}

// A demonstration says why it cannot be signed; a doubt leads to its line; a
// signature over doubts takes a reason.
func TestSigningOverDoubts(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	demo := c.hearing("court-3")
	line := c.unsure(demo, "judge", time.Second, "现在?", "开亭?", "。?")
	c.lines(demo, 1)
	visit(t, ctx, c.url+"/hearings/"+demo.ID, 1366, 768)
	until(t, ctx, shows(1))
	hold(t, ctx, chromedp.ModifierCtrl, "s")
	until(t, ctx, sheetShown+` && document.querySelector("dialog .sign").textContent.includes("不能签名") && !document.querySelector("[data-key='sign go']")`)
	takePicture(t, ctx, "after-demo")
	js[bool](t, ctx, fmt.Sprintf(`(document.querySelector("[data-key='doubt %s']").focus(), true)`, line))
	press(t, ctx, kb.Enter)
	until(t, ctx, `!document.querySelector("dialog") && `+editing(line))

	if _, err := c.docket.Close(t.Context(), demo.ID, ""); err != nil {
		t.Fatal(err)
	}
	h, lines := c.held()
	if _, err := c.docket.RequestCorrection(t.Context(), h.ID, transcript.CorrectionRequest{
		By: capture.Participant{Role: "原告", Name: "周启明"}, Line: lines[1].ID, Says: "我是原告。"}, "书记员"); err != nil {
		t.Fatal(err)
	}
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(2)+` && !document.querySelector("tj-desk").hidden`)
	click(t, ctx, ".review") // the mouse does it too
	until(t, ctx, sheetShown)
	js[bool](t, ctx, `(document.querySelector("[data-key='sign overrule']").focus(), true)`)
	insert(t, ctx, "原告已离庭，无法核实")
	press(t, ctx, "\t", kb.Enter)
	until(t, ctx, `document.querySelector("dialog .sign").textContent.includes("有 1 处存疑，仍予签名：原告已离庭，无法核实")`)
}

// A stretch without sound is drawn, and its explanation drafted, mended and kept.
func TestFaultIsExplained(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.interrupted()
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(1)+` && !document.querySelector("tj-desk").hidden`)
	hold(t, ctx, chromedp.ModifierCtrl, "s")
	until(t, ctx, sheetShown+` && document.querySelector(".fault textarea")?.value.includes("审判长席没有录音")`)
	until(t, ctx, `document.querySelector(".ledger .legend").textContent.includes("录音中断")`)
	takePicture(t, ctx, "after-fault")
	painted := `[...document.querySelector(".ledger canvas").getContext("2d").getImageData(0, 30, 1600, 1).data].filter((v, i) => i % 4 === 3 && v > 0).length`
	until(t, ctx, painted+` > 100`)
	js[bool](t, ctx, `(e => (e.focus(), e.setSelectionRange(e.value.indexOf("（请填写）"), e.value.indexOf("（请填写）") + 5), true))(document.querySelector(".fault textarea"))`)
	insert(t, ctx, "话筒线松动")
	click(t, ctx, ".fault .primary")
	until(t, ctx, `document.querySelector(".fault label").textContent.includes("· 书面说明") && document.querySelectorAll(".doubts li").length === 0`)
	now, err := c.docket.Hearing(t.Context(), h.ID)
	if err != nil || len(now.Explanations) != 1 || !strings.Contains(now.Explanations[0].Text, "中断原因：话筒线松动。") {
		t.Fatalf("%+v, %v", now.Explanations, err)
	}
}

// What has not reached the server, or was begun and not kept, could not be taken up
// after the signature: it is refused, and says what to do.
func TestSigningWaitsForWords(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := c.held()
	addr := strings.TrimPrefix(c.url, "http://")
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(2)+` && !document.querySelector("tj-desk").hidden`)
	sign := func() {
		t.Helper()
		hold(t, ctx, chromedp.ModifierCtrl, "s")
		until(t, ctx, sheetShown)
		js[bool](t, ctx, `(document.querySelector("[data-key='sign go']").click(), true)`)
	}
	refused := func(why string) {
		t.Helper()
		until(t, ctx, fmt.Sprintf(`document.querySelector("dialog .trouble").textContent.includes(%q)`, why))
		press(t, ctx, kb.Escape)
		until(t, ctx, `!document.querySelector("dialog")`)
	}

	// An edit that the page went away from.
	begin(t, ctx, lines[0].ID)
	insert(t, ctx, "改了一半")
	until(t, ctx, `Object.keys(localStorage).some((k) => k.startsWith("tj-draft "))`)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(2)+` && !document.querySelector("tj-desk").hidden`)
	sign()
	refused("有 1 句改了一半没有存下，第一句在 00:00:00")

	// It is kept, and a line written by hand, while the server is gone.
	hold(t, ctx, chromedp.ModifierCtrl, "s")
	until(t, ctx, sheetShown)
	c.stop()
	until(t, ctx, `!!document.querySelector("tj-banner .lost")`)
	press(t, ctx, kb.Escape)
	begin(t, ctx, lines[0].ID)
	press(t, ctx, kb.Enter)
	hold(t, ctx, chromedp.ModifierCtrl, kb.Enter)
	insert(t, ctx, "当庭出示证据一")
	press(t, ctx, kb.Enter)
	until(t, ctx, `document.querySelector(".waits").textContent === "2 处待保存"`)
	openCourtIn(t, c.dir, c.log, addr)
	sign()
	until(t, ctx, `document.querySelector("output.integrity")?.textContent.length === 64`)
	_, text := c.do("GET", "/api/v1/hearings/"+h.ID+"/record.txt", "")
	for _, want := range []string{"改了一半", "（当庭出示证据一）"} {
		if !strings.Contains(text, want) {
			t.Errorf("the signed record lacks %q:\n%s", want, text)
		}
	}
}
