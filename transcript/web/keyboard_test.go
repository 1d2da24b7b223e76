package web_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/capture"
	"tingji/store"
	"tingji/transcript"
)

// TestWholeHearingByKeyboard is a clerk without a mouse: he announces a hearing,
// opens it, corrects it while people speak, breaks, closes, checks, signs and
// exports it. Nothing is focused but by keys.
func TestWholeHearingByKeyboard(t *testing.T) {
	wholeHearing(t, openBrowser(t), openCourt(t))
}

// The same with 0.7 s to each answer of the server: keys do not wait for it, and what
// they do must not depend on its having come.
func TestWholeHearingOnASlowNetwork(t *testing.T) {
	if os.Getenv("TINGJI_TEST_LONG") == "" {
		t.Skip("takes half a minute: make e2e runs it, and so does TINGJI_TEST_LONG=1")
	}
	ctx := openBrowser(t)
	call(t, ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Latency: 700, DownloadThroughput: -1, UploadThroughput: -1}}})
	wholeHearing(t, ctx, openCourt(t))
}

func wholeHearing(t *testing.T, ctx context.Context, c *court) {
	t.Helper()
	// reach presses Tab until the focus is where it should be.
	reach := func(selector string) {
		t.Helper()
		for range 80 {
			if js[bool](t, ctx, fmt.Sprintf(`!!document.activeElement?.matches(%q)`, selector)) {
				return
			}
			press(t, ctx, "\t")
		}
		t.Fatalf("Tab never reaches %s; it is at %s", selector, js[string](t, ctx, `document.activeElement.outerHTML.slice(0, 200)`))
	}
	ctrl := func(key string) {
		t.Helper()
		hold(t, ctx, chromedp.ModifierCtrl, key)
	}

	// Before: a civil case; its parties.
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `!!document.querySelector("a[href='/new']")`)
	reach(`a[href="/new"]`)
	enter(t, ctx)
	until(t, ctx, `document.querySelectorAll("[name=courtroom] option").length === 2 && document.activeElement.name === "case_no"`)
	insert(t, ctx, "（2026）内0000民初5号")
	until(t, ctx, `document.querySelectorAll(".people li").length >= 8`)
	reach(`[name="cause"]`)
	insert(t, ctx, "民间借贷纠纷")
	for _, p := range []string{"原告周启明", "被告何文柏"} {
		role, name := p[:len("原告")], p[len("原告"):]
		for range 40 {
			reach(`.people [name="name"]`)
			if js[bool](t, ctx, fmt.Sprintf(`document.activeElement.closest("li").querySelector("[name=role]").value === %q`, role)) {
				break
			}
			press(t, ctx, "\t")
		}
		insert(t, ctx, name)
	}
	takePicture(t, ctx, "walk-new")
	reach(`menu [value="open"]`)
	enter(t, ctx)
	until(t, ctx, `location.pathname.startsWith("/hearings/") && !!document.querySelector("[data-act=pause]:not([hidden])")`)
	list, err := c.docket.Hearings(t.Context(), transcript.HearingFilter{})
	if err != nil || len(list) != 1 || list[0].Status != capture.Open {
		t.Fatalf("%+v, %v", list, err)
	}
	h := list[0]
	if len(h.Seats) != 5 {
		t.Fatalf("%+v", h.Seats)
	}

	// During: people speak; each at his seat, the last words are misheard.
	turns := []turn{{"clerk", "请肃静。"}, {"judge", "现在开庭。"}, {"plaintiff", "请求判令被告偿还借款。"}, {"defendant", "借款属实。我还了六万元。"}, {"judge", "现在进行法庭调查。"}}
	var ids []string
	heard := map[string]time.Duration{} // how far each seat
	at := time.Second
	for _, l := range turns {
		ids = append(ids, c.say(h, l.channel, at, at+3*time.Second, asr.Final, l.text))
		heard[l.channel] = at + 3*time.Second
		at += 4 * time.Second
	}
	unsure := c.unsure(h, "witness", at, "我看见", "和文柏?", "把", "只袋?", "交给他", "。")
	heard["witness"] = at + 3*time.Second
	at += 4 * time.Second
	until(t, ctx, shows(len(turns)+1)+` && !!document.querySelector(".proposal:not([hidden])")`)
	ctrl("g") // the phase that the bench's words open
	until(t, ctx, `document.querySelectorAll(".mark.phase.confirmed").length === 1`)

	c.alive(h)
	press(t, ctx, kb.F3)
	until(t, ctx, editing(unsure)+` && !document.querySelector(".offers").hidden && document.querySelector(".offers").textContent.includes("何文柏")`)
	takePicture(t, ctx, "walk-desk")
	digit(t, ctx, 1)
	until(t, ctx, `getSelection().toString() === "只袋" && !document.querySelector(".offers").hidden`)
	c.say(h, "plaintiff", at, at+time.Second, asr.Partial, "他胡")
	compose(t, ctx, "zhi'dai") // it is composed while somebody speaks
	until(t, ctx, `!!document.querySelector(".line.partial")`)
	c.say(h, "plaintiff", at, at+2*time.Second, asr.Final, "他胡说。")
	heard["plaintiff"] = at + 2*time.Second
	until(t, ctx, shows(len(turns)+2))
	insert(t, ctx, "纸袋")
	enter(t, ctx)
	c.saved(h, unsure, "我看见何文柏把纸袋交给他。")

	// The clerk goes up to the defendant's line, and splits it at the mark.
	line := func(id string) string {
		return fmt.Sprintf(`document.activeElement.closest("li")?.id === "line-%s"`, id)
	}
	until(t, ctx, line(unsure))
	press(t, ctx, kb.ArrowUp, kb.ArrowUp)
	until(t, ctx, line(ids[3]))
	press(t, ctx, kb.F2, kb.Home)
	until(t, ctx, editing(ids[3]))
	for range len([]rune("借款属实。")) {
		press(t, ctx, kb.ArrowRight)
	}
	hold(t, ctx, chromedp.ModifierShift, kb.Enter)
	c.saved(h, ids[3], "借款属实。")
	until(t, ctx, `[...document.querySelectorAll(".line p")].some(p => p.textContent.startsWith("我还了6万元。"))`)
	// What follows is given to another by a digit, and taken back.
	until(t, ctx, `document.activeElement.closest("li")?.id.startsWith("line-")`)
	was := js[string](t, ctx, `document.activeElement.closest("li").querySelector("b").textContent`)
	digit(t, ctx, 3)
	until(t, ctx, `document.activeElement.closest("li").querySelector("b").textContent === "原告"`)
	ctrl("z")
	until(t, ctx, fmt.Sprintf(`document.activeElement.closest("li").querySelector("b").textContent === %q`, was))

	// A line by hand, a mark, and the sound of a line.
	ctrl(kb.Enter)
	until(t, ctx, `!!document.activeElement.closest(".hand")`)
	insert(t, ctx, "当庭出示证据一")
	enter(t, ctx)
	until(t, ctx, `[...document.querySelectorAll(".line.hand p")].some(p => p.textContent.startsWith("（当庭出示证据一）"))`)
	ctrl("m")
	until(t, ctx, `document.querySelectorAll(".line.marked").length === 1`)
	ctrl("m")
	until(t, ctx, `document.querySelectorAll(".line.marked").length === 0`)

	// A name that was misheard is replaced everywhere, by sound.
	ctrl("h")
	until(t, ctx, `!!document.querySelector("dialog.replace") && document.activeElement.tagName === "INPUT"`)
	insert(t, ctx, "胡说")
	press(t, ctx, "\t")
	insert(t, ctx, "瞎说")
	until(t, ctx, `document.querySelectorAll("dialog.replace li").length === 1`)
	enter(t, ctx)
	until(t, ctx, `!document.querySelector("dialog") && [...document.querySelectorAll(".line p")].some(p => p.textContent.startsWith("他瞎说。"))`)

	// The sound of each seat has been stored as far as it was heard.
	c.stored(h, heard)

	// A break with its reason, and the end.
	act := func(action, reason, status string) {
		t.Helper()
		reach(`[data-act="` + action + `"]`)
		enter(t, ctx)
		until(t, ctx, `!!document.querySelector("dialog[open]")`)
		reach(`dialog input`)
		insert(t, ctx, reason)
		enter(t, ctx)
		until(t, ctx, fmt.Sprintf(`document.querySelector("tj-hearing").dataset.status === %q`, status))
	}
	act("pause", "合议庭评议", "paused")
	act("close", "审理终结", "closed")

	// After: it is looked through, read and signed.
	until(t, ctx, `!document.querySelector("tj-desk").hidden`)
	ctrl("s")
	until(t, ctx, sheetShown)
	takePicture(t, ctx, "walk-after")
	if doubts := js[int](t, ctx, `document.querySelectorAll("dialog .doubts li").length`); doubts > 0 {
		reach(`[data-key="sign overrule"]`)
		insert(t, ctx, "录音与笔录已当庭核对")
	}
	reach(`[data-key="sign go"]`)
	enter(t, ctx)
	until(t, ctx, `document.querySelector("output.integrity")?.textContent.length === 64`)
	takePicture(t, ctx, "walk-signed")
	reach(`dialog .exports a[href*="record.txt"]`)
	_, text := c.do("GET", js[string](t, ctx, `document.activeElement.getAttribute("href")`), "")
	for _, want := range []string{"我看见何文柏把纸袋交给他。", "他瞎说。", "（当庭出示证据一）"} {
		if !strings.Contains(text, want) {
			t.Errorf("the record lacks %q:\n%s", want, text)
		}
	}
	signed, err := c.docket.Hearing(t.Context(), h.ID)
	if err != nil || signed.Status != capture.Signed {
		t.Fatalf("%+v, %v", signed, err)
	}
}

// stored has the sound of each seat stored, to where it ends.
func (c *court) stored(h capture.Hearing, end map[string]time.Duration) {
	c.t.Helper()
	var sound store.AudioBatch
	for _, s := range h.Seats {
		samples := capture.SamplesIn(end[s.Channel])
		path := filepath.Join("2026", h.ID, s.Channel, "1-1.wav")
		sound.Channels = append(sound.Channels, store.AudioChannel{Hearing: h.ID, Channel: s.Channel, Epoch: 1, Seq: 4, Samples: samples, Ended: true, StoredAt: *h.OpenedAt})
		sound.Files = append(sound.Files, store.AudioFile{Hearing: h.ID, Channel: s.Channel, Epoch: 1, Part: 1, File: filepath.ToSlash(path), Samples: samples, StartedAt: *h.OpenedAt, FirstSeq: 1, LastSeq: 4})
		if err := os.MkdirAll(filepath.Join(c.dir, filepath.Dir(path)), 0o755); err != nil {
			c.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.dir, path), make([]byte, 44+2*int(samples)), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := c.store.StoreAudio(c.t.Context(), sound); err != nil {
		c.t.Fatal(err)
	}
}
