package web_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// press sends keys as a keyboard would.
func press(t *testing.T, ctx context.Context, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if err := chromedp.Do(ctx, chromedp.KeyEvent(k)); err != nil {
			t.Fatalf("press %q: %v", k, err)
		}
	}
}

// digit presses one of the digits as a keyboard does: it is typed only where the
// page leaves the key alone. (With press the two are apart, and it would be typed
// wherever the caret is by then.)
func digit(t *testing.T, ctx context.Context, n int) {
	t.Helper()
	text := strconv.Itoa(n)
	stroke(t, ctx, input.DispatchKeyEventParams{Key: text, Code: "Digit" + text, Text: text, WindowsVirtualKeyCode: int64('0' + n)})
}

// enter presses the Enter key so.
func enter(t *testing.T, ctx context.Context) {
	t.Helper()
	stroke(t, ctx, input.DispatchKeyEventParams{Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13})
}

func stroke(t *testing.T, ctx context.Context, k input.DispatchKeyEventParams) {
	t.Helper()
	k.Type = input.DispatchKeyEventTypeKeyDown
	call(t, ctx, input.DispatchKeyEvent, k)
	k.Type, k.Text = input.DispatchKeyEventTypeKeyUp, ""
	call(t, ctx, input.DispatchKeyEvent, k)
}

// hold presses a key with the control or another modifier held.
func hold(t *testing.T, ctx context.Context, modifier chromedp.Modifier, key string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(key, chromedp.KeyModifiers(modifier))); err != nil {
		t.Fatalf("press %q: %v", key, err)
	}
}

// insert puts text where the caret is, as an input method does in the end.
func insert(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	call(t, ctx, input.InsertText, input.InsertTextParams{Text: text})
}

// compose shows what an input method has composed so far.
func compose(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	n := int64(len([]rune(text)))
	call(t, ctx, input.ImeSetComposition, input.ImeSetCompositionParams{Text: text, SelectionStart: n, SelectionEnd: n})
}

func call[P, R any](t *testing.T, ctx context.Context, command cdp.Command[P, R], params P) {
	t.Helper()
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, command, params)
		return err
	}))
	if err != nil {
		t.Fatalf("%+v: %v", params, err)
	}
}

// atDesk opens the page of a hearing in which the dialogue was spoken.
func atDesk(t *testing.T, ctx context.Context, c *court) (capture.Hearing, []transcript.Line) {
	t.Helper()
	h := c.hearing("court-3")
	c.perform(h)
	lines := c.lines(h, len(dialogue))
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(len(dialogue)))
	c.alive(h)
	until(t, ctx, connected)
	return h, lines
}

// begin opens a line for correction and says what it holds.
func begin(t *testing.T, ctx context.Context, line string) {
	t.Helper()
	js[bool](t, ctx, fmt.Sprintf(`(l => (l.edit(l.row(%q)), true))(document.querySelector("tj-lines"))`, line))
	until(t, ctx, editing(line))
}

func editing(line string) string {
	return fmt.Sprintf(`!!document.activeElement?.isContentEditable && document.activeElement.closest("li").id === "line-%s"`, line)
}

const (
	edited    = `document.activeElement.textContent`
	noneEdits = `!document.querySelector("[contenteditable]")`
)

// saved waits until a line has a text in the store.
func (c *court) saved(h capture.Hearing, line, text string) transcript.Line {
	c.t.Helper()
	deadline := time.Now().Add(browserPatience)
	for {
		l, err := c.docket.Line(c.t.Context(), h.ID, line)
		if err != nil {
			c.t.Fatal(err)
		}
		if l.Text == text {
			return l
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("line %s is %q, want %q", line, l.Text, text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestLineIsCorrected(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	last, before := lines[len(lines)-1], lines[len(lines)-2]

	// Enter on the page begins at the last line; Enter saves.
	press(t, ctx, kb.Enter)
	until(t, ctx, editing(last.ID))
	insert(t, ctx, "就这些。")
	press(t, ctx, kb.Enter)
	got := c.saved(h, last.ID, last.Text+"就这些。")
	if got.Revision != 2 || got.Author != "书记员" {
		t.Errorf("revision %d by %s", got.Revision, got.Author)
	}
	until(t, ctx, noneEdits+fmt.Sprintf(` && document.getElementById("line-%s").textContent.includes("已核对")`, last.ID))

	// Arrows move over the lines; F2 begins too, Esc leaves, and what was typed can be had again.
	press(t, ctx, kb.ArrowUp, kb.F2)
	until(t, ctx, editing(before.ID))
	insert(t, ctx, "弃")
	press(t, ctx, kb.Escape)
	until(t, ctx, noneEdits+fmt.Sprintf(` && document.querySelector("#line-%s p").textContent === %q`, before.ID, before.Text))
	hold(t, ctx, chromedp.ModifierCtrl, "z")
	until(t, ctx, editing(before.ID)+fmt.Sprintf(` && %s === %q`, edited, before.Text+"弃"))
	press(t, ctx, kb.Escape)

	// In an edit the arrows go to the next line, saving this one.
	begin(t, ctx, before.ID)
	insert(t, ctx, "完")
	press(t, ctx, kb.ArrowDown)
	until(t, ctx, editing(last.ID))
	c.saved(h, before.ID, before.Text+"完")
	press(t, ctx, kb.Escape)

	// A double click begins where it fell.
	if err := chromedp.Do(ctx, chromedp.DoubleClick(chromedp.CSS("#line-"+before.ID+" p"))); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, editing(before.ID))
	press(t, ctx, kb.Escape)
	until(t, ctx, noneEdits)
}

// While an input method composes, whatever arrives leaves the line alone.
func TestCompositionIsNotBroken(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	l := lines[len(lines)-1]
	begin(t, ctx, l.ID)
	js[bool](t, ctx, `(window.ended = [], document.activeElement.addEventListener("compositionend", e => window.ended.push(e.data)), true)`)
	for i, part := range []string{"h", "he", "he w", "he we", "he wen", "he wen b", "he wen bo"} {
		compose(t, ctx, part)
		at := time.Duration(100+4*i) * time.Second
		c.say(h, "judge", at, at+time.Second, asr.Partial, "原告请注意")
		c.say(h, "judge", at, at+2*time.Second, asr.Final, fmt.Sprintf("第%d句。", i+1))
		if i == 3 { // a colleague changes the very line
			text := "被同事改过的一行。"
			if _, err := c.docket.Revise(t.Context(), h.ID, l.ID, 1, transcript.Edit{Text: &text}, "另一位"); err != nil {
				t.Fatal(err)
			}
		}
		until(t, ctx, shows(len(dialogue)+i+1))
		if got := js[string](t, ctx, edited); got != l.Text+part {
			t.Fatalf("the line under the clerk's hands became %q, want %q", got, l.Text+part)
		}
	}
	insert(t, ctx, "何文柏")
	if got := js[string](t, ctx, edited); got != l.Text+"何文柏" {
		t.Errorf("composed %q", got)
	}
	if got := js[[]string](t, ctx, `window.ended`); !slices.Equal(got, []string{"何文柏"}) {
		t.Errorf("the composition ended with %q", got)
	}
	press(t, ctx, kb.Escape)
	until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s p").firstChild.textContent === "被同事改过的一行。"`, l.ID))
}

// Two clerks change one line: both versions are shown, and none is lost.
func TestConflictIsShown(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	l := lines[len(lines)-1] // 那天在茶馆，我看见何文柏把一个纸袋交给周启明。
	clash := func(mine, theirs string) {
		t.Helper()
		now, err := c.docket.Line(t.Context(), h.ID, l.ID)
		if err != nil {
			t.Fatal(err)
		}
		until(t, ctx, fmt.Sprintf(`document.querySelector("tj-lines").row(%q).line.revision === %d`, l.ID, now.Revision))
		begin(t, ctx, l.ID)
		if _, err := c.docket.Revise(t.Context(), h.ID, l.ID, now.Revision, transcript.Edit{Text: &theirs}, "另一位"); err != nil {
			t.Fatal(err)
		}
		js[bool](t, ctx, `(getSelection().selectAllChildren(document.activeElement), true)`)
		insert(t, ctx, mine)
		press(t, ctx, kb.Enter)
		until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s .conflict") && !document.querySelector(".waits").disabled`, l.ID))
		hold(t, ctx, chromedp.ModifierCtrl, "d")
		until(t, ctx, `!!document.querySelector("dialog.conflict[open]")`)
	}
	clash("那天在茶馆，我看见何文柏把两个纸袋交给周启明。", "那天晚上在茶馆，我看见何文柏把一个纸袋交给周启明。")
	if del, ins := js[string](t, ctx, `document.querySelector("dialog del").textContent`), js[string](t, ctx, `document.querySelector("dialog ins").textContent`); del != "晚上" || ins != "两" {
		t.Errorf("the difference is shown as %q and %q", del, ins)
	}
	click(t, ctx, "dialog .primary")
	c.saved(h, l.ID, "那天晚上在茶馆，我看见何文柏把两个纸袋交给周启明。")
	until(t, ctx, `!document.querySelector("dialog") && document.querySelector(".waits").hidden`)

	clash("我的", "对方的")
	click(t, ctx, "dialog menu button:nth-child(2)")
	c.saved(h, l.ID, "我的")
	clash("又是我的", "又是对方的")
	click(t, ctx, "dialog menu button:nth-child(1)")
	until(t, ctx, `!document.querySelector("dialog") && document.querySelector(".waits").hidden`)
	c.saved(h, l.ID, "又是对方的")
	revisions, err := c.docket.Revisions(t.Context(), h.ID, l.ID)
	if err != nil || len(revisions) != 6 {
		t.Errorf("%d revisions, %v", len(revisions), err)
	}
}

// seen is a line as the page shows it.
func seen(l transcript.Line) string { return transcript.WrittenForm{}.Line(l).Text }

// The server is gone: edits and lines by hand wait, through a new visit too, and
// arrive once.
func TestEditsOutliveTheServer(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	addr := strings.TrimPrefix(c.url, "http://")
	one, two := lines[3], lines[5]
	begin(t, ctx, two.ID)
	insert(t, ctx, "（未完")
	c.stop()
	until(t, ctx, `!!document.querySelector("tj-banner .lost")`)
	insert(t, ctx, "）")
	press(t, ctx, kb.Enter)
	begin(t, ctx, one.ID)
	insert(t, ctx, "甲")
	press(t, ctx, kb.Enter)
	begin(t, ctx, one.ID) // again, before it was sent
	insert(t, ctx, "乙")
	press(t, ctx, kb.Enter)
	hold(t, ctx, chromedp.ModifierCtrl, kb.Enter)
	until(t, ctx, `document.activeElement.tagName === "INPUT"`)
	insert(t, ctx, "当庭出示证据一")
	press(t, ctx, kb.Enter)
	until(t, ctx, `document.querySelector(".waits").textContent === "3 处待保存"`)
	until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s .waiting")?.textContent === "待保存" && document.querySelector("#line-%s p").firstChild.textContent.endsWith("甲乙")`, one.ID, one.ID))
	c = openCourtIn(t, c.dir, c.log, addr)
	c.saved(h, one.ID, one.Text+"甲乙")
	c.saved(h, two.ID, two.Text+"（未完）")
	c.lines(h, len(dialogue)+1)
	until(t, ctx, `document.querySelector(".waits").hidden && !document.querySelector(".waiting")`)
	if got := c.saved(h, one.ID, one.Text+"甲乙"); got.Revision != 2 {
		t.Errorf("revision %d", got.Revision)
	}

	// The page is closed while something waits, and in the middle of a word.
	begin(t, ctx, one.ID)
	insert(t, ctx, "丙")
	c.stop()
	press(t, ctx, kb.Enter)
	until(t, ctx, fmt.Sprintf(`!!document.querySelector("#line-%s .waiting")`, one.ID))
	begin(t, ctx, two.ID)
	insert(t, ctx, "丁")
	until(t, ctx, `Object.keys(localStorage).some(k => k.startsWith("tj-draft"))`)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	c = openCourtIn(t, c.dir, c.log, addr)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(len(dialogue)+1))
	c.saved(h, one.ID, one.Text+"甲乙丙")
	until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s .waiting")?.textContent.includes("草稿")`, two.ID))
	begin(t, ctx, two.ID)
	if got := js[string](t, ctx, edited); got != seen(two)+"（未完）丁" {
		t.Errorf("the draft is %q", got)
	}
	press(t, ctx, kb.Enter)
	c.saved(h, two.ID, two.Text+"（未完）丁")
	hands := 0
	for _, l := range c.lines(h, 1) {
		if l.Origin == transcript.Hand {
			hands++
			if l.Text != "（当庭出示证据一）" {
				t.Errorf("written %q", l.Text)
			}
		}
	}
	if hands != 1 {
		t.Errorf("%d lines by hand", hands)
	}
}

func TestUndoForEver(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	l := lines[2]
	texts := []string{l.Text}
	for _, more := range []string{"甲", "乙"} {
		begin(t, ctx, l.ID)
		insert(t, ctx, more)
		press(t, ctx, kb.Enter)
		texts = append(texts, texts[len(texts)-1]+more)
		c.saved(h, l.ID, texts[len(texts)-1])
		until(t, ctx, `document.querySelector(".waits").hidden`)
	}
	hold(t, ctx, chromedp.ModifierCtrl, "z")
	c.saved(h, l.ID, texts[1])
	// A new visit remembers nothing, and the revisions everything.
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(len(dialogue)))
	begin(t, ctx, l.ID)
	press(t, ctx, kb.Escape)
	hold(t, ctx, chromedp.ModifierCtrl, "z")
	c.saved(h, l.ID, texts[0])
	until(t, ctx, `document.querySelector(".waits").hidden`)
	hold(t, ctx, chromedp.ModifierCtrl, "z")
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("没有更早的内容")`)
	// Any of them can be had again.
	hold(t, ctx, chromedp.ModifierCtrl, "y")
	until(t, ctx, `document.querySelectorAll("dialog.history li").length === 5`)
	click(t, ctx, "dialog.history li:nth-child(3) button") // revision 3
	got := c.saved(h, l.ID, texts[2])
	if got.Revision != 6 {
		t.Errorf("revision %d", got.Revision)
	}
}
