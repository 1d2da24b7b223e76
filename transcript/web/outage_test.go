package web_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/transcript"
)

// The server is gone for a minute (TINGJI_TEST_LONG; otherwise for as long as the
// typing takes) in the middle of a word that an input method composes. Two lines
// are corrected twice each meanwhile, a third is being composed when the server
// comes back, and another clerk has corrected one of them first: every word that
// was typed is in the record, or in the difference that is shown.
func TestServerGoneForAMinute(t *testing.T) {
	outage := time.Duration(0)
	if os.Getenv("TINGJI_TEST_LONG") != "" {
		outage = time.Minute
	}
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	addr := strings.TrimPrefix(c.url, "http://")
	one, two, three := lines[3], lines[5], lines[7]
	same := func(line, want string) {
		t.Helper()
		if got := js[string](t, ctx, edited); got != want {
			t.Fatalf("line %s under the clerk's hands is %q, want %q", line, got, want)
		}
	}

	begin(t, ctx, two.ID)
	compose(t, ctx, "he wen")
	gone := time.Now()
	c.stop()
	until(t, ctx, `!!document.querySelector("tj-banner .lost")`)
	same(two.ID, seen(two)+"he wen")
	compose(t, ctx, "he wen bo")
	insert(t, ctx, "何文柏")
	same(two.ID, seen(two)+"何文柏")
	press(t, ctx, kb.Enter)
	for _, edit := range []struct{ line, was, more string }{
		{one.ID, seen(one), "甲"}, {two.ID, seen(two) + "何文柏", "（补）"}, {one.ID, seen(one) + "甲", "乙"},
	} {
		begin(t, ctx, edit.line)
		same(edit.line, edit.was) // what waits is what is gone on from
		insert(t, ctx, edit.more)
		press(t, ctx, kb.Enter)
	}
	until(t, ctx, `document.querySelector(".waits").textContent === "2 处待保存"`)

	// Another clerk, whose way to the server is whole again first.
	theirs := "另一位先改的：" + one.Text
	first := openCourtIn(t, c.dir, c.log, "127.0.0.1:0")
	if _, err := first.docket.Revise(t.Context(), h.ID, one.ID, 1, transcript.Edit{Text: &theirs}, "另一位"); err != nil {
		t.Fatal(err)
	}
	first.stop()

	begin(t, ctx, three.ID)
	compose(t, ctx, "jian cai")
	time.Sleep(time.Until(gone.Add(outage))) // the outage itself
	same(three.ID, seen(three)+"jian cai")
	if !js[bool](t, ctx, `!!document.querySelector("tj-banner .lost") && document.querySelectorAll(".line .waiting").length === 2`) {
		t.Error("the page does not say any more what waits, and why")
	}
	c = openCourtIn(t, c.dir, c.log, addr)
	c.say(h, "judge", 100*time.Second, 102*time.Second, asr.Final, "请继续。")
	until(t, ctx, shows(len(dialogue)+1)+` && !document.querySelector("tj-banner .lost")`)
	c.saved(h, two.ID, two.Text+"何文柏（补）")
	same(three.ID, seen(three)+"jian cai") // all that arrived did not end the composition
	compose(t, ctx, "jian cai sheng yi")
	insert(t, ctx, "建材生意")
	press(t, ctx, kb.Enter)
	c.saved(h, three.ID, three.Text+"建材生意")

	until(t, ctx, fmt.Sprintf(`!!document.querySelector("#line-%s .conflict")`, one.ID))
	c.saved(h, one.ID, theirs) // theirs stands until this clerk decides
	hold(t, ctx, chromedp.ModifierCtrl, "d")
	until(t, ctx, `!!document.querySelector("dialog.conflict[open]")`)
	if shown := js[string](t, ctx, `document.querySelector("dialog.conflict").textContent`); !strings.Contains(shown, one.Text+"甲乙") || !strings.Contains(shown, theirs) {
		t.Errorf("the difference is shown as %q", shown)
	}
	click(t, ctx, "dialog .primary")
	if l := c.saved(h, one.ID, theirs+"甲乙"); l.Revision != 3 {
		t.Errorf("revision %d, want 3", l.Revision)
	}
	until(t, ctx, `document.querySelector(".waits").hidden && !document.querySelector(".waiting, .conflict")`)
	if left := js[string](t, ctx, `Object.keys(localStorage).filter(k => /^tj-(edit|draft)/.test(k)).join()`); left != "" {
		t.Errorf("left in the browser: %s", left)
	}
	hold(t, ctx, chromedp.ModifierCtrl, "z") // the decision is taken back, not what the server had not taken
	c.saved(h, one.ID, theirs)
	t.Logf("the server was gone for %v", time.Since(gone).Round(time.Second))
}

// An undo takes back what the clerk did last, whether the server has it yet or not:
// with a server that is slow or gone it would else take back what was right.
func TestUndoOfWhatWaits(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	addr := strings.TrimPrefix(c.url, "http://")
	role := func(line string) string {
		return js[string](t, ctx, fmt.Sprintf(`document.querySelector("#line-%s b").textContent`, line))
	}
	at := func(line string) {
		t.Helper()
		js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, line))
	}
	undo := func() { t.Helper(); hold(t, ctx, chromedp.ModifierCtrl, "z") }

	// This one the server has.
	begin(t, ctx, lines[3].ID)
	insert(t, ctx, "甲")
	press(t, ctx, kb.Enter)
	c.saved(h, lines[3].ID, lines[3].Text+"甲")
	until(t, ctx, `document.querySelector(".waits").hidden`)

	c.stop()
	until(t, ctx, `!!document.querySelector("tj-banner .lost")`)
	at(lines[7].ID)
	was := role(lines[7].ID)
	digit(t, ctx, 3)
	until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s b").textContent === "原告"`, lines[7].ID))
	undo()
	until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s b").textContent === %q`, lines[7].ID, was))
	// A line cut in two is whole again, and one by hand was never written.
	begin(t, ctx, lines[13].ID)
	press(t, ctx, kb.Home)
	for range len([]rune("借款属实，")) {
		press(t, ctx, kb.ArrowRight)
	}
	hold(t, ctx, chromedp.ModifierShift, kb.Enter)
	until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s p").textContent.startsWith("借款属实。") && !document.querySelector("#line-%[1]s p").textContent.includes("六万元")`, lines[13].ID))
	const waits = `[...document.querySelectorAll(".line p:has(.waiting)")].map((p) => p.firstChild.data).join("|")`
	until(t, ctx, waits+`.endsWith("|借款属实。|但是我已经还了六万元，现在只欠十四万元。")`) // what waits is seen, both halves of it
	undo()
	until(t, ctx, fmt.Sprintf(`document.querySelector("#line-%s p").textContent.includes("6万元")`, lines[13].ID))
	at(lines[13].ID)
	hold(t, ctx, chromedp.ModifierCtrl, kb.Enter)
	insert(t, ctx, "当庭出示证据一")
	press(t, ctx, kb.Enter)
	until(t, ctx, waits+`.includes("（当庭出示证据一）")`)
	undo()
	until(t, ctx, `!`+waits+`.includes("证据")`)

	c = openCourtIn(t, c.dir, c.log, addr)
	until(t, ctx, `!document.querySelector("tj-banner .lost") && document.querySelector(".waits").hidden`)
	now := c.lines(h, len(dialogue))
	for i, l := range now {
		want := lines[i].Text
		if l.ID == lines[3].ID {
			want += "甲"
		}
		if l.Text != want || l.Role != lines[i].Role {
			t.Errorf("%s：%s, want %s：%s", l.Role, l.Text, lines[i].Role, want)
		}
	}
	undo() // and now what was done before
	c.saved(h, lines[3].ID, lines[3].Text)
}
