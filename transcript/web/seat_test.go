package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// who says whose each line of a seat is: role and name, in the order of speech.
func (c *court) who(h capture.Hearing, channel string) string {
	c.t.Helper()
	lines, _, err := c.docket.Lines(c.t.Context(), h.ID, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	var who []string
	for _, l := range lines {
		if l.Channel == channel {
			who = append(who, l.Role+l.Speaker)
		}
	}
	return strings.Join(who, " ")
}

// A seat changes hands in mid-hearing: one key on the first line of the new
// holder, and the lines from there on are theirs, those to come among them; those
// before, and what the clerk has put right, stay. Said of the one before, it is
// taken back.
func TestSeatChangesHands(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, err := c.docket.Create(t.Context(), transcript.NewHearing{CaseNo: "（2026）内0000民初1号", Cause: "民间借贷纠纷", Courtroom: "court-3",
		Participants: []capture.Participant{{Role: "原告", Name: "周启明"}, {Role: "被告", Name: "何文柏"}, {Role: "证人", Name: "苏晓岚"}, {Role: "证人", Name: "王大力"}}})
	if err == nil {
		h, err = c.docket.Open(t.Context(), h.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range 4 {
		at := time.Duration(10*(i+1)) * time.Second
		ids = append(ids, c.say(h, "witness", at, at+3*time.Second, asr.Final, fmt.Sprintf("第%d句。", i+1)))
	}
	c.lines(h, 4)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(4))
	shift := func(digit string) {
		t.Helper()
		stroke(t, ctx, input.DispatchKeyEventParams{Key: map[string]string{"1": "!", "5": "%", "6": "^"}[digit], Code: "Digit" + digit, WindowsVirtualKeyCode: int64(digit[0]), Modifiers: 8})
	}
	shown := func(want string) {
		t.Helper()
		until(t, ctx, fmt.Sprintf(`[...document.querySelectorAll(".line b")].map(b => b.textContent).join(" ") === %q`,
			strings.NewReplacer("证人苏晓岚", "证人（苏晓岚）", "证人王大力", "证人（王大力）", "沈知远", "").Replace(want))) // of two witnesses each has the name
		until(t, ctx, `document.querySelector(".waits").hidden`) // the record has it too
		if got := c.who(h, "witness"); got != want {
			t.Errorf("the record has %q, want %q", got, want)
		}
	}
	at := func(line string) {
		t.Helper()
		js[bool](t, ctx, fmt.Sprintf(`(l => (l.focusOn(l.row(%q)), true))(document.querySelector("tj-lines"))`, line))
	}
	shown("证人苏晓岚 证人苏晓岚 证人苏晓岚 证人苏晓岚")
	at(ids[3])
	press(t, ctx, "1") // the bench put a question over this microphone: the clerk has put it right
	shown("证人苏晓岚 证人苏晓岚 证人苏晓岚 审判长沈知远")
	at(ids[1])
	shift("6") // 王大力, behind the five seats
	shown("证人苏晓岚 证人王大力 证人王大力 审判长沈知远")
	until(t, ctx, `document.querySelector('.seat[data-channel="witness"] small').textContent === "王大力"`)
	if note := js[int](t, ctx, `[...document.querySelectorAll(".line small")].filter(s => s.textContent === "已更正").length`); note > 1 {
		t.Errorf("%d lines are said to be corrected, whose words nobody has touched", note)
	}
	c.say(h, "witness", 50*time.Second, 52*time.Second, asr.Final, "第5句。")
	shown("证人苏晓岚 证人王大力 证人王大力 审判长沈知远 证人王大力")
	at(ids[1])
	shift("5")
	shown("证人苏晓岚 证人苏晓岚 证人苏晓岚 审判长沈知远 证人苏晓岚")
	press(t, ctx, kb.F1)
	until(t, ctx, `document.querySelector("dialog.help").textContent.includes("换人")`)
}
