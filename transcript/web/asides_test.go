package web_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

type asidesAnswer struct {
	Asides []transcript.Aside `json:"asides"`
}

// overheard has the plaintiff's microphone hear the judge, and the engine make something up.
func (c *court) overheard(h capture.Hearing) {
	seg := asr.Segment{
		V: 1, ID: h.ID + "/plaintiff-1-16000", Hearing: h.ID, Channel: "plaintiff", Epoch: 1, Utterance: "plaintiff-1-16000",
		Stage: asr.Final, First: 16000, Last: 79999, StartedAt: h.OpenedAt.Add(time.Second), Words: []asr.Word{}, Engine: "whisper",
		Rejected: "made up: credits",
		Crosstalk: []asr.Crosstalk{
			{From: "judge", GainDB: -18, Start: 1200, End: 2500, Text: "现在开庭。"},
			{From: "judge", GainDB: -18, Start: 2500, End: 2600}, // nothing that could be brought back
		},
		Doubtful: []asr.Doubt{{Reason: asr.Credits, Start: 3000, End: 4000, Text: "字幕由某某提供"}},
		Before:   &asr.Position{}, After: &asr.Position{Epoch: 1, Sample: 80000},
	}
	c.log.append(seg)
}

// TestAsidesAreBroughtBack: what was taken out is kept, also where the whole utterance
// is no line; it comes back once, and a signed record stays as it is.
func TestAsidesAreBroughtBack(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	c.overheard(h)
	c.lines(h, 1) // that somebody was not recognised
	path := "/api/v1/hearings/" + h.ID + "/asides"
	_, body := c.do("GET", path, "")
	got := decode[asidesAnswer](t, body).Asides
	if len(got) != 2 {
		t.Fatalf("%s", body)
	}
	one, two := got[0], got[1]
	if one.Kind != transcript.AsideCrosstalk || one.Source != "judge" || one.Text != "现在开庭。" || one.StartMS != 1200 || one.EndMS != 2500 || one.Role != "原告" || one.Line != "" {
		t.Errorf("cross-talk %+v", one)
	}
	if two.Kind != transcript.AsideDoubtful || two.Source != "credits" || two.StartMS != 3000 {
		t.Errorf("made up %+v", two)
	}
	resp, body := c.do("POST", path+"/"+one.ID+"/bring-back", "")
	line := decode[transcript.Line](t, body)
	if resp.StatusCode != http.StatusOK || line.Text != "现在开庭。" || line.Channel != "plaintiff" || line.Role != "原告" ||
		line.StartMS != 1200 || line.EndMS != 2500 || line.Origin != transcript.Hand {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	_, body = c.do("POST", path+"/"+one.ID+"/bring-back", "")
	if again := decode[transcript.Line](t, body); again.ID != line.ID {
		t.Errorf("twice: %s", body)
	}
	if lines := c.lines(h, 2); len(lines) != 2 {
		t.Errorf("%d lines", len(lines))
	}
	_, body = c.do("GET", path, "")
	if got = decode[asidesAnswer](t, body).Asides; got[0].Line != line.ID || got[1].Line != "" {
		t.Errorf("afterwards %s", body)
	}
	resp, body = c.do("POST", path+"/none/bring-back", "")
	problemOf(t, resp, body, http.StatusNotFound, "not-found")
	resp, body = c.do("GET", "/api/v1/hearings/none/asides", "")
	problemOf(t, resp, body, http.StatusNotFound, "not-found")
}

// TestAsidesAtTheDesk: one key shows them, one press brings one back, an undo takes it out.
func TestAsidesAtTheDesk(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	c.overheard(h)
	c.lines(h, 1)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(1))
	if got := js[[]string](t, ctx, shownTexts); !slices.Equal(got, []string{"〔未能识别，可回放〕"}) {
		t.Errorf("the page shows %q", got)
	}
	hold(t, ctx, chromedp.ModifierCtrl, "u")
	until(t, ctx, `document.querySelectorAll("dialog.asides li").length === 2`)
	if text := js[string](t, ctx, `document.querySelector("dialog.asides li:last-child").textContent`); text != "00:00:01 · 串音：审判长沈知远 席位声音更大原告周启明：现在开庭。播放这一行恢复为一行" {
		t.Errorf("it says %q", text)
	}
	js[bool](t, ctx, `(document.querySelector("dialog.asides li:last-child menu button:last-child").click(), true)`)
	until(t, ctx, shows(2)+` && document.querySelector("dialog.asides li:last-child menu button:last-child").textContent === "已恢复"`)
	c.lines(h, 2)
	js[bool](t, ctx, `(document.querySelector("dialog[open]").close(), true)`)
	until(t, ctx, `!document.querySelector("dialog[open]")`)
	hold(t, ctx, chromedp.ModifierCtrl, "z")
	c.saved(h, "hand-1", "")
}
