package web_test

import (
	"strings"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
)

// A hearing that was opened on a courtroom's PC says on every page that it has no
// case; the clerk chooses what had been announced, puts in who sat where, and the
// lines and the announcement follow.
func TestHearingIsBound(t *testing.T) {
	c := openCourt(t)
	ctx := openBrowser(t)
	resp, body := c.do("POST", "/api/v1/hearings", `{"case_no":"（2026）内0000民初7号","cause":"买卖合同纠纷","courtroom":"court-3",
		"public":false,"participants":[{"role":"原告","name":"周启明"}],"seats":[{"channel":"judge","role":"独任审判员","speaker":"沈知远"}]}`)
	if resp.StatusCode != 201 {
		t.Fatal(body)
	}
	announced := decode[capture.Hearing](t, body)
	h, _ := capture.LocalHearing(time.Now().UTC().Format("20060102-150405.000") + "-pc-court-3")
	h.ByHand, h.Seats = 1, []capture.Seat{{Channel: "judge", Role: "审判长"}, {Channel: "stand", Role: "证人"}}
	c.docket.ReportByHand([]capture.Hearing{h})
	for { // nobody can follow a hearing before it is there
		if resp, _ := c.do("GET", "/api/v1/hearings/"+h.ID, ""); resp.StatusCode == 200 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.say(h, "judge", 0, time.Second, asr.Final, "现在开庭。")
	c.lines(h, 1)
	visit(t, ctx, c.url+"/hearings", 1280, 900)
	until(t, ctx, `[...document.querySelectorAll("tj-day .case-no")].some((e) => e.textContent === "未绑定案件")`)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1280, 900)
	until(t, ctx, `document.querySelector("tj-hearing .case-no")?.textContent === "未绑定案件" && !!document.querySelector("tj-banner a[href^='/new?bind=']")`)
	if resp, body = c.do("POST", "/api/v1/hearings/"+h.ID+"/close", `{}`); resp.StatusCode != 200 {
		t.Fatal(body)
	}
	if resp, body = c.do("POST", "/api/v1/hearings/"+h.ID+"/sign", `{"signers":[{"role":"审判长","name":"沈知远"}]}`); resp.StatusCode != 409 || !strings.Contains(body, "还没有绑定案件") {
		t.Errorf("signed without a case: %d %s", resp.StatusCode, body)
	}
	if resp, body = c.do("POST", "/api/v1/hearings/"+announced.ID+"/case", `{"case_no":"（2026）内0000民初8号"}`); resp.StatusCode != 409 || !strings.Contains(body, "has-case") {
		t.Errorf("an announced hearing is bound: %d %s", resp.StatusCode, body)
	}
	visit(t, ctx, c.url+js[string](t, ctx, `document.querySelector("tj-banner a[href^='/new?bind=']").getAttribute("href")`), 1280, 900)
	until(t, ctx, `document.querySelectorAll("tj-new .sat li").length === 2 && document.querySelectorAll("tj-new [name=announcement] option").length === 2`)
	js[any](t, ctx, `{ const s = document.querySelector("tj-new [name=announcement]"); s.value = "`+announced.ID+`"; s.dispatchEvent(new Event("change", { bubbles: true })); }`)
	until(t, ctx, `document.querySelector("tj-new [name=case_no]").value === "（2026）内0000民初7号" && !document.querySelector("tj-new [name=public]").checked
		&& document.querySelector("tj-new [name=seat-name]").value === "沈知远"`)
	js[any](t, ctx, `{ const i = document.querySelectorAll("tj-new [name=seat-name]")[1]; i.value = "王小二"; i.dispatchEvent(new Event("input", { bubbles: true })); }`)
	takePicture(t, ctx, "bind")
	js[any](t, ctx, `document.querySelector("tj-new menu [value=keep]").click()`)
	for range 500 { // the page goes from the form to the hearing by itself
		if c.lines(h, 1)[0].Speaker != "" { // the last thing that is done
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	ctx = openBrowser(t) // the other one is on its way there, and must not be interrupted
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1280, 900)
	until(t, ctx, `document.querySelector("tj-hearing .case-no")?.textContent === "（2026）内0000民初7号" && !document.querySelector("tj-banner a[href^='/new?bind=']")`)
	resp, body = c.do("GET", "/api/v1/hearings/"+h.ID, "")
	bound := decode[capture.Hearing](t, body)
	if bound.CaseNo != announced.CaseNo || bound.Public || len(bound.Seats) != 2 || bound.Seats[0].Speaker != "沈知远" || bound.Seats[1].Speaker != "王小二" || bound.Participants[0].Name != "周启明" {
		t.Errorf("bound as %d %s", resp.StatusCode, body)
	}
	if l := c.lines(h, 1)[0]; l.Role != "独任审判员" || l.Speaker != "沈知远" {
		t.Errorf("the line is %+v", l)
	}
	visit(t, ctx, c.url+"/hearings", 1280, 900)
	until(t, ctx, `document.querySelectorAll("tj-day main ol li").length === 1`)
}
