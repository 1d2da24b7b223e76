package web_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"tingji/capture"
)

var (
	alarmCode  = regexp.MustCompile(`(?:\balarm[A-Z]\w*\s+= |\bCode(?::\s+| = ))"([a-z-]+)"`)
	alarmWords = regexp.MustCompile(`\bText(EN)?(?::\s+| = )(?:fmt\.Sprintf\()?"((?:[^"\\]|\\.)*)"`)
)

// alarmCodes are the codes of all alarms that the program's source raises. It demands
// that each has its words in both languages.
func alarmCodes(t *testing.T) (codes []string) {
	t.Helper()
	for _, dir := range []string{"capture", "asr", "transcript", "store/audio", "cmd/tingji"} {
		files, _ := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		for _, name := range files {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, "_test.go") || !strings.Contains(string(source), "Alarm") && !strings.Contains(string(source), "alarm") {
				continue
			}
			for _, m := range alarmCode.FindAllStringSubmatch(string(source), -1) {
				if !slices.Contains(codes, m[1]) {
					codes = append(codes, m[1])
				}
			}
			zh, en := 0, 0
			for _, m := range alarmWords.FindAllStringSubmatch(string(source), -1) {
				han := strings.ContainsFunc(m[2], func(r rune) bool { return unicode.Is(unicode.Han, r) })
				switch {
				case m[2] == "": // of a line without text
				case m[1] == "" && !han, m[1] == "EN" && han:
					t.Errorf("%s: Text%s is in the wrong language: %s", name, m[1], m[2])
				case m[1] == "":
					zh++
				default:
					en++
				}
			}
			if zh != en {
				t.Errorf("%s: %d texts in Chinese, %d in English", name, zh, en)
			}
		}
	}
	slices.Sort(codes)
	if len(codes) < 25 {
		t.Fatalf("only %d codes are found: %q", len(codes), codes)
	}
	return codes
}

// TestEveryAlarmIsOnThePage raises every alarm that there is in two courtrooms with a
// hearing and one without. The desk has the words of its courtroom, the list of
// courtrooms those of all, in Chinese, and in English when asked; when the alarms end,
// they are gone.
func TestEveryAlarmIsOnThePage(t *testing.T) {
	codes := alarmCodes(t)
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	c.hearing("court-5")
	say := func(room string, codes ...string) {
		part := capture.Health{Component: "capture", Instance: "pc-" + room, Courtroom: room, At: time.Now(), Alarms: []capture.Alarm{}}
		for _, code := range codes {
			part.Alarms = append(part.Alarms, capture.Alarm{Code: code, Since: time.Now(), Text: fmt.Sprintf("警报〔%s %s〕", room, code), TextEN: fmt.Sprintf("alarm [%s %s]", room, code)})
		}
		c.docket.ReportHealth(part)
	}
	// A PC repeats itself every second; here it does when asked, so that no clock is waited for.
	all := func(codes ...string) {
		for _, room := range []string{"court-3", "court-5", "court-9"} {
			say(room, codes...)
		}
	}
	words := func(place, form string, rooms ...string) string {
		var want []string
		for _, room := range rooms {
			for _, code := range codes {
				want = append(want, fmt.Sprintf(form, room, code))
			}
		}
		return fmt.Sprintf(`((said, want) => want.every((w) => said.split(w).length === 2))(document.querySelector(%q)?.textContent ?? "", %q.split("|"))`, place, strings.Join(want, "|"))
	}
	const zh, en = "警报〔%s %s〕", "alarm [%s %s]"
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, `document.querySelectorAll("tj-seats .seat").length === 5`)
	all(codes...)
	until(t, ctx, words("tj-hearing tj-banner", zh, "court-3"))
	click(t, ctx, `[data-do="language"]`)
	all(codes...)
	until(t, ctx, words("tj-hearing tj-banner", en, "court-3"))
	if js[bool](t, ctx, `/court-[59]/.test(document.querySelector("tj-banner").textContent)`) {
		t.Error("the desk shows other courtrooms' alarms")
	}
	all()
	until(t, ctx, `!document.querySelector("tj-banner .alarm")`)

	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `document.querySelectorAll(".lobby li").length === 2`)
	all(codes...)
	card := func(room string) string { return fmt.Sprintf("a[data-courtroom=%s] .alarms", room) }
	for _, form := range []string{en, zh} {
		until(t, ctx, words(card("court-3"), form, "court-3"))
		until(t, ctx, words(card("court-5"), form, "court-5"))
		until(t, ctx, words("tj-home > tj-banner", form, "court-9"))
		click(t, ctx, `[data-do="language"]`)
	}
	all("disk-low")
	until(t, ctx, `document.querySelectorAll(".alarms span").length === 2 && document.querySelectorAll("tj-home > tj-banner .alarm").length === 1`)
	takePicture(t, ctx, "rooms-alarms")
	if poor := js[string](t, ctx, contrast); poor != "" {
		t.Errorf("contrast below 4.5:1 in %s", poor)
	}
	all()
	until(t, ctx, `!document.querySelector(".alarms span") && !document.querySelector("tj-banner .alarm")`)
}

// TestAlarmsAreDocumented: docs/CAPTURE.md says of every alarm of a courtroom what it
// means and what to do.
func TestAlarmsAreDocumented(t *testing.T) {
	source, err := os.ReadFile("../../capture/alarms.go")
	if err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile("../../docs/CAPTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	found := alarmCode.FindAllStringSubmatch(string(source), -1)
	for _, m := range append(found, []string{"", "start-failed"}, []string{"", "silent"}, []string{"", "courtroom-twice"}) {
		if !regexp.MustCompile("(?m)^\\|[^|]*`" + m[1] + "`[^|]*\\|[^|]+\\|[^|]+\\|$").Match(manual) {
			t.Errorf("%s has no row in docs/CAPTURE.md", m[1])
		}
	}
	if len(found) < 15 {
		t.Errorf("only %d codes", len(found))
	}
}
