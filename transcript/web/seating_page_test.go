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

// TestSeatsOnTheDesk: the courtroom's PC has got a seat in the middle of a hearing. The
// desk says so; the clerk adds it with role and person in one action, and what was said
// there is that person's. Another person sits down at the witness's seat: as easily.
func TestSeatsOnTheDesk(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	c.say(h, "judge", 0, time.Second, asr.Final, "现在开庭。")
	c.say(h, "guest", 2*time.Second, 3*time.Second, asr.Final, "我是翻译。")
	c.lines(h, 2)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, `document.querySelectorAll("tj-seats .seat").length === 5`)
	c.docket.ReportHealth(capture.Health{Component: "capture", Instance: "pc-3", Courtroom: "court-3", At: time.Now(), Seats: []capture.SeatHealth{
		{Hearing: h.ID, Channel: "judge", Role: "审判长", Recording: true}, {Hearing: h.ID, Channel: "guest", Role: "guest", Recording: true}}})
	const note = `document.querySelector("tj-banner .note[data-key='seat guest']")`
	until(t, ctx, note+`?.textContent.includes("席位“guest”有录音")`)
	takePicture(t, ctx, "seat-new")
	click(t, ctx, `tj-banner [data-key='seat guest'] a`)
	until(t, ctx, `document.activeElement?.name === "role"`)
	type_ := func(keys string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.KeyEvent(keys)); err != nil {
			t.Fatal(err)
		}
	}
	type_("路人" + kb.Enter) // refused, with the nearest role, and nothing typed is lost
	until(t, ctx, `document.querySelector("dialog.seating .trouble").textContent.includes("没有“路人”这种诉讼地位")`)
	takePicture(t, ctx, "seat-add")
	if poor := js[string](t, ctx, contrast); poor != "" {
		t.Errorf("contrast below 4.5:1 in %s", poor)
	}
	js[any](t, ctx, `document.querySelector("dialog.seating [name=role]").select()`)
	type_("翻译人员" + kb.Tab + "李四" + kb.Enter)
	until(t, ctx, `!document.querySelector("dialog") && document.querySelectorAll("tj-seats .seat").length === 6 && !`+note)
	until(t, ctx, `document.querySelector("[data-channel=guest] small").textContent === "李四"`)
	lines := c.lines(h, 2)
	if l := lines[1]; l.Role != "翻译人员" || l.Speaker != "李四" {
		t.Errorf("what was said before: %+v", l)
	}
	until(t, ctx, `[...document.querySelectorAll(".line")].some(l => l.textContent.includes("翻译人员") && l.textContent.includes("我是翻译"))`)

	// The witness's seat, by the keyboard.
	js[any](t, ctx, `document.querySelector("[data-channel=witness] b button").focus()`)
	type_(kb.Enter)
	until(t, ctx, `document.activeElement?.name === "speaker" && document.querySelector("dialog [name=role]").value === "证人"`)
	takePicture(t, ctx, "seat-change")
	type_("王小二" + kb.Enter)
	until(t, ctx, `!document.querySelector("dialog") && document.querySelector("[data-channel=witness] small").textContent === "王小二"`)
	_, body := c.do("GET", "/api/v1/hearings/"+h.ID, "")
	var holders []string
	for _, s := range decode[capture.Hearing](t, body).Seats {
		if s.Channel == "witness" {
			holders = append(holders, fmt.Sprintf("%s %v", s.Speaker, s.From.IsZero()))
		}
	}
	if len(holders) != 2 || !strings.HasSuffix(holders[0], " true") || holders[1] != "王小二 false" {
		t.Errorf("holders of the witness's seat: %q", holders)
	}
	// Esc leaves things as they are; the parties' screen has nothing to press.
	click(t, ctx, `[data-channel=judge] b button`)
	until(t, ctx, `!!document.querySelector("dialog.seating")`)
	type_(kb.Escape)
	until(t, ctx, `!document.querySelector("dialog")`)
	visit(t, ctx, c.url+"/screen/court-3", 1366, 768)
	until(t, ctx, `document.querySelectorAll("tj-seats .seat").length === 6`)
	if js[bool](t, ctx, `!!document.querySelector("tj-seats button")`) {
		t.Error("the parties' screen changes seats")
	}
}
