package web_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/transcript"
)

// An engine that gives neither marks nor figures: the clerk sees a record, and
// corrects what he sees. What he leaves alone is stored as it was said.
func TestLinesAreCorrectedAsTheyAreShown(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	id := c.unsure(h, "plaintiff", time.Second, "我叫周启明", "一九八二年五月六日出生", "借款二十万元")
	c.lines(h, 1)
	stored := func() string { return c.lines(h, 1)[0].Text }
	text := fmt.Sprintf(`document.querySelector("#line-%s p").firstChild.textContent`, id)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, text+` === "我叫周启明1982年5月6日出生借款20万元。"`)

	for _, step := range []struct{ find, with, said, shown string }{
		{"启明", "其明", "我叫周其明一九八二年五月六日出生借款二十万元", "我叫周其明1982年5月6日出生借款20万元。"},
		{"款", "钱", "我叫周其明一九八二年五月六日出生借钱二十万元", "我叫周其明1982年5月6日出生借钱20万元。"},
		{"20", "30", "我叫周其明一九八二年五月六日出生借钱30万元", "我叫周其明1982年5月6日出生借钱30万元。"},
		{"1982", "，1983", "我叫周其明，1983年五月六日出生借钱30万元。", "我叫周其明，1983年5月6日出生借钱30万元。"},
	} {
		begin(t, ctx, id)
		js[bool](t, ctx, fmt.Sprintf(`((at) => (document.querySelector("tj-lines").editor.select(at, at + %q.length), true))(%s.indexOf(%[1]q))`, step.find, edited))
		insert(t, ctx, step.with)
		press(t, ctx, kb.Enter)
		until(t, ctx, text+fmt.Sprintf(` === %q`, step.shown)) // at once, before the server knows
		c.saved(h, id, step.said)
		until(t, ctx, `document.querySelector(".waits").hidden && `+text+fmt.Sprintf(` === %q`, step.shown))
	}
	// Only the form of a number: that is not what was said otherwise.
	begin(t, ctx, id)
	js[bool](t, ctx, fmt.Sprintf(`((at) => (document.querySelector("tj-lines").editor.select(at, at + 1), true))(%s.indexOf("5月"))`, edited))
	insert(t, ctx, "五")
	press(t, ctx, kb.Enter)
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("只换了数字的写法")`)
	if got := stored(); got != "我叫周其明，1983年五月六日出生借钱30万元。" {
		t.Errorf("stored: %s", got)
	}

	// A cut keeps the marks that were seen: each half ends as a sentence.
	begin(t, ctx, id)
	js[bool](t, ctx, fmt.Sprintf(`((at) => (document.querySelector("tj-lines").editor.select(at, at), true))(%s.indexOf("1983"))`, edited))
	hold(t, ctx, chromedp.ModifierShift, kb.Enter)
	c.saved(h, id, "我叫周其明。")
	tail := c.lines(h, 2)[1]
	if tail.Text != "1983年五月六日出生借钱30万元。" || seen(tail) != "1983年5月6日出生借钱30万元。" || tail.Origin != transcript.Hand {
		t.Errorf("cut off: %+v", tail)
	}
}

// A doubtful word is coloured, selected and put right where it stands in the text that is shown.
func TestDoubtsStandInTheWrittenForm(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	id := c.unsure(h, "plaintiff", time.Second, "二零二四年三月十五日", "何文白?", "借", "二十?", "万元")
	c.lines(h, 1)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s p").firstChild.textContent === "2024年3月15日何文白借20万元。"`, id))
	until(t, ctx, `[...(CSS.highlights.get("doubt") ?? [])].map(r => r.startContainer.textContent.slice(r.startOffset, r.endOffset)).join("|") === "何文白|20"`)
	press(t, ctx, kb.F3)
	until(t, ctx, editing(id)+` && getSelection().toString() === "何文白"`)
	insert(t, ctx, "何文柏")
	press(t, ctx, kb.F3)
	until(t, ctx, editing(id)+` && getSelection().toString() === "20"`)
	press(t, ctx, kb.Enter)
	c.saved(h, id, "二零二四年三月十五日何文柏借二十万元")
}
