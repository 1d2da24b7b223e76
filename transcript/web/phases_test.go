package web_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"tingji/asr"
	"tingji/transcript"
)

type phasesAnswer struct {
	Phases []transcript.HearingPhase `json:"phases"`
}

func TestPhasesAreProposedAndDecided(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	c.say(h, "judge", 0, time.Second, asr.Final, "现在开庭。")
	c.say(h, "judge", 2*time.Second, 3*time.Second, asr.Final, "现在进行法庭调查。")
	lines := c.lines(h, 2)
	path := "/api/v1/hearings/" + h.ID + "/phases"

	_, body := c.do("GET", path, "")
	got := decode[phasesAnswer](t, body).Phases
	if len(got) != 2 || got[1].Phase != transcript.PhaseInquiry || got[1].Line != lines[1].ID || got[1].State != transcript.PhaseProposed {
		t.Fatalf("proposed %s", body)
	}
	resp, body := c.do("PUT", path+"/"+lines[1].ID, `{"phase":"法庭辩论"}`)
	got = decode[phasesAnswer](t, body).Phases
	if resp.StatusCode != http.StatusOK || got[1].Phase != transcript.PhaseDebate || got[1].State != transcript.PhaseConfirmed || got[1].At == nil {
		t.Errorf("confirmed %s", body)
	}
	_, body = c.do("PUT", path+"/"+lines[0].ID, `{"phase":""}`)
	if got = decode[phasesAnswer](t, body).Phases; got[0].State != transcript.PhaseRefused {
		t.Errorf("refused %s", body)
	}
	if _, body = c.do("GET", "/api/v1/hearings/"+h.ID, ""); !strings.Contains(body, `"phases":[{`) {
		t.Errorf("the hearing does not say: %s", body)
	}

	resp, body = c.do("PUT", path+"/"+lines[0].ID, `{"phase":"茶歇"}`)
	problemOf(t, resp, body, http.StatusUnprocessableEntity, "invalid-field")
	resp, body = c.do("PUT", path+"/"+lines[0].ID, `{}`)
	problemOf(t, resp, body, http.StatusUnprocessableEntity, "invalid-field")
	resp, body = c.do("PUT", path+"/hand-9", `{"phase":"法庭辩论"}`)
	problemOf(t, resp, body, http.StatusNotFound, "not-found")
	resp, body = c.do("GET", "/api/v1/hearings/none/phases", "")
	problemOf(t, resp, body, http.StatusNotFound, "not-found")
}

func TestWrittenForm(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	c.say(h, "judge", 0, time.Second, asr.Final, "案号二零二六内零零零零民初一号")
	c.say(h, "judge", 2*time.Second, 3*time.Second, asr.Final, "偿还二十万元")
	c.lines(h, 2)
	path := "/api/v1/hearings/" + h.ID

	_, body := c.do("GET", path+"/lines?form=written&words=false", "")
	lines := decode[struct {
		Lines []struct {
			transcript.Line
			Written transcript.Written `json:"written"`
		} `json:"lines"`
	}](t, body).Lines
	for i, want := range []string{"案号（2026）内0000民初1号。", "偿还20万元。"} {
		if l := lines[i]; l.Written.Text != want || l.Written.Spoken() != l.Text || len(l.Written.Spans) == 0 || len(l.Words) > 0 {
			t.Errorf("line %d: %s", i, body)
		}
	}
	if _, body = c.do("GET", path+"/lines", ""); strings.Contains(body, `"written"`) {
		t.Errorf("written without being asked: %s", body)
	}
	for query, want := range map[string]string{
		"":                            "审判长：偿还二十万元\n",
		"?form=spoken&turns=single":   "审判长：偿还二十万元\n",
		"?form=written":               "审判长：偿还20万元。\n",
		"?amounts=both":               "审判长：偿还200000元（贰拾万元整）。\n",
		"?form=written&turns=joined":  "审判长：案号（2026）内0000民初1号。偿还20万元。\n",
		"?amounts=full&form=written":  "审判长：偿还200000元。\n",
		"?turns=joined&amounts=short": "1号。偿还20万元。\n",
	} {
		if resp, body := c.do("GET", path+"/record.txt"+query, ""); resp.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", query, resp.StatusCode, body)
		}
	}
	for _, query := range []string{"/record.txt?form=short", "/record.txt?turns=many", "/record.txt?form=spoken&amounts=both", "/record.txt?from=1",
		"/lines?amounts=x", "/lines?turns=joined"} {
		resp, body := c.do("GET", path+query, "")
		problemOf(t, resp, body, http.StatusBadRequest, "malformed")
	}
}

// The search page offers the phases that there are.
func TestPhasesOffered(t *testing.T) {
	page, err := os.ReadFile("ui/search-filters.ts")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range transcript.Phases() {
		list = append(list, `"`+string(p)+`"`)
	}
	if want := "const phases = [" + strings.Join(list, ", ") + "];"; !strings.Contains(string(page), want) {
		t.Errorf("search-filters.ts has not %s", want)
	}
}
