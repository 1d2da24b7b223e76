package web_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/transcript"
)

// caretAt puts the caret into the line under the clerk's hands.
func caretAt(n int) string {
	return fmt.Sprintf(`(p => (getSelection().collapse(p.firstChild, %d), true))(document.activeElement)`, n)
}

// texts waits until the lines of the page that can be seen are these.
const visible = `[...document.querySelectorAll(".line:not([hidden]) p")].map(p => p.firstChild?.textContent).join("|")`

// Lines are split, joined and moved by a key each, with their speaker and place;
// what was done together is undone together.
func TestLinesAreCut(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	first := c.say(h, "judge", time.Second, 5*time.Second, asr.Final, "现在开庭。原告陈述")
	second := c.say(h, "plaintiff", 6*time.Second, 9*time.Second, asr.Final, "诉讼请求。好的。")
	c.lines(h, 2)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(2))
	shown := func(want string) {
		t.Helper()
		until(t, ctx, fmt.Sprintf(`%s === %q && document.querySelector(".waits").hidden`, visible, want))
	}

	// The words of a line that belong to the next speaker go there.
	begin(t, ctx, first)
	js[bool](t, ctx, caretAt(5))
	hold(t, ctx, chromedp.ModifierAlt, kb.ArrowDown)
	shown("现在开庭。|原告陈述诉讼请求。好的。")
	hold(t, ctx, chromedp.ModifierCtrl, "z")
	shown("现在开庭。原告陈述|诉讼请求。好的。")
	begin(t, ctx, second)
	js[bool](t, ctx, caretAt(5))
	hold(t, ctx, chromedp.ModifierAlt, kb.ArrowUp)
	shown("现在开庭。原告陈述诉讼请求。|好的。")

	// Split where the caret is: the rest keeps its speaker, and its sound.
	begin(t, ctx, first)
	js[bool](t, ctx, caretAt(5))
	hold(t, ctx, chromedp.ModifierShift, kb.Enter)
	shown("现在开庭。|原告陈述诉讼请求。|好的。")
	lines := c.lines(h, 3)
	if l := lines[1]; l.Origin != transcript.Hand || l.Role != "审判长" || l.Speaker != "沈知远" || l.Channel != "judge" || l.StartMS <= 1000 || l.StartMS >= 5000 || l.EndMS != 5000 {
		t.Errorf("cut off %+v", l)
	}
	hold(t, ctx, chromedp.ModifierCtrl, "z")
	shown("现在开庭。原告陈述诉讼请求。|好的。")

	// Joined to the line above.
	js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, second))
	hold(t, ctx, chromedp.ModifierCtrl, "j")
	shown("现在开庭。原告陈述诉讼请求。好的。")
	hold(t, ctx, chromedp.ModifierCtrl, "z")
	shown("现在开庭。原告陈述诉讼请求。|好的。")

	// A line by hand, from an abbreviation, moves as a whole.
	hold(t, ctx, chromedp.ModifierCtrl, kb.Enter)
	until(t, ctx, `document.activeElement.tagName === "INPUT"`)
	js[bool](t, ctx, `(document.activeElement.select(), true)`)
	insert(t, ctx, "cszj")
	press(t, ctx, "\t")
	until(t, ctx, `document.activeElement.value === "（当庭出示证据）"`)
	press(t, ctx, kb.Enter)
	shown("现在开庭。原告陈述诉讼请求。|（当庭出示证据）|好的。") // behind the line that keys were about
	id := c.lines(h, 4)[1].ID
	js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, id))
	hold(t, ctx, chromedp.ModifierAlt, kb.ArrowDown)
	shown("现在开庭。原告陈述诉讼请求。|好的。|（当庭出示证据）")
	hold(t, ctx, chromedp.ModifierCtrl, "z")
	shown("现在开庭。原告陈述诉讼请求。|（当庭出示证据）|好的。")

	// In a line, too; what is no abbreviation leaves the Tab key alone.
	begin(t, ctx, second)
	insert(t, ctx, "rk")
	press(t, ctx, "\t")
	until(t, ctx, edited+` === "好的。没有异议。"`)
	press(t, ctx, kb.Enter)
	shown("现在开庭。原告陈述诉讼请求。|（当庭出示证据）|好的。没有异议。")
}

// The clerk's own list of phrases, from a file of his present program.
func TestPhrases(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	hold(t, ctx, chromedp.ModifierCtrl, "k")
	until(t, ctx, `document.activeElement.tagName === "TEXTAREA"`)
	// As Windows writes it: GB 18030.
	js[bool](t, ctx, `(() => {
		const d = new DataTransfer();
		d.items.add(new File([new Uint8Array([0x78, 0x78, 0x2c, 0x31, 0x3d, 0xcf, 0xfb, 0xcf, 0xa2, 0x0d, 0x0a])], "phrases.txt"));
		const f = document.querySelector("dialog.phrases input[type=file]");
		f.files = d.files;
		return f.dispatchEvent(new Event("change"));
	})()`)
	until(t, ctx, `document.querySelector("dialog textarea").value.endsWith("\nxx 消息")`)
	js[bool](t, ctx, `(document.querySelector("dialog textarea").value += "\nnonsense", true)`)
	click(t, ctx, "dialog.phrases .primary")
	until(t, ctx, `/第 \d+ 行看不懂/.test(document.querySelector("dialog .trouble").textContent)`)
	js[bool](t, ctx, `(e => (e.value = e.value.replace("\nnonsense", ""), true))(document.querySelector("dialog textarea"))`)
	click(t, ctx, "dialog.phrases .primary")
	until(t, ctx, `!document.querySelector("dialog")`)
	begin(t, ctx, lines[3].ID)
	insert(t, ctx, "XX")
	press(t, ctx, "\t", kb.Enter)
	c.saved(h, lines[3].ID, lines[3].Text+"消息")
}

// Phases are proposed beside the text, and decided by a key; a marked line is
// found again; a line is shown, and corrected, as a record writes it, and as it
// was said one key away. What is stored is what was said.
func TestPhasesMarksAndFigures(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	until(t, ctx, `document.querySelectorAll(".mark.phase.proposed").length === 2 && document.querySelector(".proposal span").textContent.includes("宣布开庭")`)
	takePicture(t, ctx, "desk-1366")
	hold(t, ctx, chromedp.ModifierCtrl, "g")
	until(t, ctx, `document.querySelectorAll(".mark.phase.confirmed").length === 1 && document.querySelector(".proposal span").textContent.includes("法庭调查")`)
	click(t, ctx, ".proposal .no") // with the mouse
	until(t, ctx, `document.querySelectorAll(".mark.phase").length === 1 && document.querySelector(".proposal").hidden`)
	js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, lines[14].ID))
	hold(t, ctx, chromedp.ModifierCtrl, "g")
	until(t, ctx, `!!document.querySelector("dialog.phase")`)
	press(t, ctx, "3")
	until(t, ctx, `document.querySelectorAll(".mark.phase.confirmed").length === 2`)
	phases, err := c.docket.Phases(t.Context(), h.ID)
	if err != nil || !slices.ContainsFunc(phases, func(p transcript.HearingPhase) bool {
		return p.Line == lines[14].ID && p.Phase == transcript.PhaseEvidence && p.State == transcript.PhaseConfirmed
	}) {
		t.Errorf("%+v, %v", phases, err)
	}

	// The line of 7200元: figures, sums in both forms, as it was spoken.
	line := lines[12].ID
	text := fmt.Sprintf(`document.querySelector("#line-%s p").firstChild.textContent`, line)
	until(t, ctx, text+`.includes("20万元")`)
	press(t, ctx, kb.F10)
	until(t, ctx, text+`.includes("200000元（贰拾万元整）")`)
	begin(t, ctx, line)
	if got := js[string](t, ctx, edited); !strings.Contains(got, "200000元（贰拾万元整）") {
		t.Errorf("the clerk edits %q", got)
	}
	insert(t, ctx, "另有五千元。")
	press(t, ctx, kb.Enter)
	c.saved(h, line, lines[12].Text+"另有五千元。")
	until(t, ctx, text+`.includes("5000元（伍仟元整）")`)
	press(t, ctx, kb.F10)
	until(t, ctx, text+`.endsWith("另有五千元。")`)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768) // a reader's choice stays
	until(t, ctx, text+`.endsWith("另有五千元。")`)
	press(t, ctx, kb.F10)
	until(t, ctx, text+`.endsWith("另有5000元。")`)

	js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, lines[5].ID))
	hold(t, ctx, chromedp.ModifierCtrl, "m")
	until(t, ctx, `document.querySelectorAll(".line.marked").length === 1`)
	js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, lines[9].ID))
	press(t, ctx, kb.F3)
	until(t, ctx, editing(lines[5].ID))
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768) // it stays
	until(t, ctx, `document.querySelectorAll(".line.marked").length === 1`)
}

// The parties' screen shows what the clerk has released, and all of it again.
func TestScreenIsReleased(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, lines[2].ID))
	hold(t, ctx, chromedp.ModifierCtrl, "l")
	until(t, ctx, `[...document.querySelectorAll("[data-command]")].some(b => b.textContent.includes("放行到此 放行"))`)
	second := openTab(t, ctx)
	visit(t, second, c.url+"/screen/court-3", 1920, 1080)
	until(t, second, shows(len(dialogue))+` && `+visible+`.endsWith("|现在开庭。")`)
	c.say(h, "judge", 90*time.Second, 93*time.Second, asr.Partial, "未放行")
	c.lines(h, len(dialogue))
	hold(t, ctx, chromedp.ModifierAlt, "l")
	until(t, second, visible+`.includes("纸袋交给周启明")`)
	if got := js[string](t, second, `document.querySelector(".unseen").textContent`); strings.Contains(got, "未放行") {
		t.Errorf("read aloud: %s", got)
	}
}
