package web_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// A hearing that is over has contents, by its phases; its sound is played from a
// line, and the text follows.
func TestReading(t *testing.T) {
	ctx := openBrowser(t)
	heard, listen := listening()
	c := openCourt(t, listen)
	h := c.hearing("court-3")
	c.hurry(h, dialogue)
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(len(dialogue)))
	if js[bool](t, ctx, `!!document.querySelector("tj-reading")`) {
		t.Error("a hearing that goes on has the page of one that is over")
	}
	if _, err := c.docket.Close(t.Context(), h.ID, ""); err != nil {
		t.Fatal(err)
	}
	contents := `[...document.querySelectorAll(".contents li span")].map(s => s.textContent)`
	until(t, ctx, contents+`.join() === "宣布开庭*,法庭调查*" && !document.querySelector(".contents [data-t='contents.how']").hidden`)
	phases, err := c.docket.Phases(t.Context(), h.ID)
	if err == nil {
		_, err = c.docket.MarkPhase(t.Context(), h.ID, phases[1].Line, transcript.PhaseInquiry, "书记员")
	}
	if err != nil {
		t.Fatal(err)
	}
	until(t, ctx, contents+`.join() === "宣布开庭*,法庭调查"`)

	// A contents entry brings its line into view.
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 400)
	until(t, ctx, contents+`.length === 2 && document.querySelector(".scroller").scrollTop < 5`)
	click(t, ctx, ".contents li:last-child a")
	visible := func(line string) string {
		return fmt.Sprintf(`(l => { const r = l.getBoundingClientRect(), s = document.querySelector(".scroller").getBoundingClientRect(); return r.top >= s.top - 1 && r.bottom <= s.bottom + 1; })(document.getElementById("line-%s"))`, line)
	}
	until(t, ctx, visible(phases[1].Line))

	// From a line on: all microphones, to the end.
	id := func(i int) string {
		return asr.UtteranceID(dialogue[i].channel, 1, capture.SamplesIn(beginning(i)))
	}
	click(t, ctx, "#line-"+id(10)+" .time")
	want := fmt.Sprintf("%s  %d-", h.ID, beginning(10).Milliseconds()-250)
	if got := take(t, heard); !strings.HasPrefix(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
	js[bool](t, ctx, `(window.followed = [], new MutationObserver(list => list.forEach(m => m.target.hasAttribute("aria-current") && followed.push(m.target.id))).observe(document.querySelector("tj-lines"), {subtree: true, attributeFilter: ["aria-current"]}), true)`)
	last := "line-" + id(len(dialogue)-1)
	until(t, ctx, fmt.Sprintf(`document.querySelector("[aria-current]")?.id === %q && %s`, last, visible(id(len(dialogue)-1))))
	until(t, ctx, `document.querySelector('[data-do="play"]').textContent === "▶"`) // it has come to the end
	followed := js[[]string](t, ctx, `followed`)
	for i, line := range followed {
		if i > 0 && slices.Index(followed, line) < i {
			t.Errorf("the text went back to %s: %v", line, followed)
		}
	}
	for len(heard) > 0 {
		<-heard
	}
	// From a place on the slider.
	js[bool](t, ctx, `(r => { r.value = 1000; r.dispatchEvent(new Event("input")); r.dispatchEvent(new Event("change")); return true; })(document.querySelector(".player input"))`)
	click(t, ctx, `.player [data-do="play"]`)
	if got, want := take(t, heard), h.ID+"  1000-"; !strings.HasPrefix(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
	if got := js[string](t, ctx, `new URL(document.querySelector("a.within").href).searchParams.get("q")`); got != "庭审:"+h.ID+" " {
		t.Errorf("searches in it with %q", got)
	}
}

// Without phases the contents go by time.
func TestContentsByTime(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	for i := range 30 {
		at := time.Duration(i) * time.Minute
		c.say(h, "plaintiff", at+time.Second, at+2*time.Second, asr.Final, fmt.Sprintf("第%d句话。", i))
	}
	c.lines(h, 30)
	if _, err := c.docket.Close(t.Context(), h.ID, ""); err != nil {
		t.Fatal(err)
	}
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(30)+` && document.querySelectorAll(".contents li").length === 6`)
	if got := js[string](t, ctx, `document.querySelector(".contents li:nth-child(2) span").textContent`); got != "原告：第5句话。" {
		t.Errorf("the second entry is %q", got)
	}
}

// On paper there is the record, whole, without the page around it.
func TestReadingOnPaper(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	c.hurry(h, dialogue)
	if _, err := c.docket.Close(t.Context(), h.ID, ""); err != nil {
		t.Fatal(err)
	}
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(len(dialogue))+` && !!document.querySelector(".contents li")`)
	onPaper(t, ctx)
	if left := js[string](t, ctx, `[...document.querySelectorAll(".contents, .player, .bar, .latest")].filter(e => e.checkVisibility()).map(e => e.className).join()`); left != "" {
		t.Errorf("printed too: %s", left)
	}
	if !js[bool](t, ctx, `(l => l.getBoundingClientRect().bottom <= document.documentElement.scrollHeight)([...document.querySelectorAll(".line")].pop())`) {
		t.Error("the end of the record is cut off")
	}
}

// The hearings of a day, in the order of their hours.
func TestDay(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	one, two := c.hearing("court-3"), c.another("court-5", "（2026）内0000民初27号", "买卖合同纠纷")
	zone := time.FixedZone("", 8*3600)
	soon := time.Now().In(zone).AddDate(0, 1, 0)
	nine := time.Date(soon.Year(), soon.Month(), soon.Day(), 9, 0, 0, 0, zone)
	day := nine.Format(time.DateOnly)
	for _, at := range []time.Time{nine.Add(5 * time.Hour), nine, nine.Add(15*time.Hour - time.Second), nine.Add(15 * time.Hour)} {
		if _, err := c.docket.Create(t.Context(), transcript.NewHearing{CaseNo: "（2026）内0000民初5号", Cause: "离婚纠纷", Courtroom: "court-3", ScheduledAt: &at}); err != nil {
			t.Fatal(err)
		}
	}
	cases := `[...document.querySelectorAll("tj-day .case-no")].map(e => e.textContent)`
	visit(t, ctx, c.url+"/hearings", 1366, 768)
	until(t, ctx, cases+`.length === 2`)
	if got := js[[]string](t, ctx, cases); !slices.Equal(got, []string{one.CaseNo, two.CaseNo}) {
		t.Errorf("today: %v", got)
	}
	visit(t, ctx, c.url+"/hearings?date="+nine.AddDate(0, 0, -1).Format(time.DateOnly), 1366, 768)
	until(t, ctx, `document.querySelector(".count").textContent === "这一天没有庭审。"`)
	click(t, ctx, "nav .after")
	arrive(t, ctx, `location.search === "?date=`+day+`" && `+cases+`.length === 3`)
	if got := js[[]string](t, ctx, `[...document.querySelectorAll("tj-day .when")].map(e => e.textContent)`); !slices.Equal(got, []string{"09:00", "14:00", "23:59"}) {
		t.Errorf("at %v", got)
	}
	if got := js[string](t, ctx, `document.querySelector("h2").textContent`); !strings.HasPrefix(got, nine.Format("2006年1月2日星期")) {
		t.Errorf("the day is %q", got)
	}
	visit(t, ctx, c.url+"/hearings?date=tomorrow", 1366, 768)
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("应为一个日期")`)
	resp, body := c.do("GET", "/api/v1/hearings?limit=2&date="+day, "")
	if got := decode[struct{ Hearings []capture.Hearing }](t, body).Hearings; resp.StatusCode != 200 || len(got) != 2 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	resp, body = c.do("GET", "/api/v1/hearings?date=2031-02-30", "")
	problemOf(t, resp, body, 400, "malformed")
}
