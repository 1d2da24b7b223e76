package transcript_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// heardLines is a source with hearings that each say the same.
type heardLines struct {
	hearings []capture.Hearing
	lines    []transcript.LineOutcome
	edits    []time.Time
}

func (s heardLines) Hearings(_ context.Context, f transcript.HearingFilter) ([]capture.Hearing, error) {
	var list []capture.Hearing
	for _, h := range s.hearings {
		if at := transcript.HeldAt(h); f.Before != "" && h.ID >= f.Before || at.Before(f.From) || !at.Before(f.To) {
			continue
		}
		if list = append(list, h); len(list) == f.Limit {
			break
		}
	}
	return list, nil
}

func (s heardLines) LineOutcomes(context.Context, string) ([]transcript.LineOutcome, []time.Time, error) {
	return s.lines, s.edits, nil
}

func heldOn(id string, opened time.Time) capture.Hearing {
	closed, back := opened.Add(time.Hour), opened.Add(30*time.Minute)
	return capture.Hearing{ID: id, Courtroom: "3", Status: capture.Closed, OpenedAt: &opened, ClosedAt: &closed,
		Breaks: []capture.Break{{From: opened.Add(20 * time.Minute), To: &back}}}
}

var qualityDay = transcript.QualityRequest{
	From: time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 5, 7, 0, 0, 0, 0, time.UTC)}

func measure(t *testing.T, s heardLines, see func(capture.Hearing) bool) transcript.Quality {
	t.Helper()
	if see == nil {
		see = func(capture.Hearing) bool { return true }
	}
	q, err := transcript.MeasureQuality(t.Context(), s, qualityDay, see)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func speechLine(revision int, heard, text string) transcript.LineOutcome {
	return transcript.LineOutcome{Channel: "judge", Engine: "e", Model: "m", Origin: transcript.Speech, Revision: revision, Heard: heard, Text: text}
}

func TestQualityOfLines(t *testing.T) {
	hand := func(text string) transcript.LineOutcome {
		return transcript.LineOutcome{Channel: "judge", Origin: transcript.Hand, Revision: 1, Text: text}
	}
	rejected := speechLine(2, "", "听校补录。")
	rejected.Rejected = true
	for name, tt := range map[string]struct {
		lines []transcript.LineOutcome
		want  transcript.Accuracy // its sums
	}{
		"untouched lines say nothing": {
			[]transcript.LineOutcome{speechLine(1, "", ""), speechLine(1, "", "")}, transcript.Accuracy{Lines: 2}},
		"confirmed as it is": {
			[]transcript.LineOutcome{speechLine(2, "现在开庭。", "现在开庭。")}, transcript.Accuracy{Lines: 1, Checked: 1, Characters: 4}},
		"marks, spaces, width and case do not count": {
			[]transcript.LineOutcome{speechLine(2, "请看ＰＤＦ 第１页", "请看pdf，第1页。")}, transcript.Accuracy{Lines: 1, Checked: 1, Characters: 8}},
		"changed, added, taken away": {
			[]transcript.LineOutcome{speechLine(3, "被告应当支付维约金金", "被告应当支付给违约金")}, transcript.Accuracy{Lines: 1, Checked: 1, Characters: 10, Errors: 3}},
		"rejected and written apart": {
			[]transcript.LineOutcome{rejected, {Origin: transcript.Hand, Revision: 2, Text: "（当庭出示证据一）"}, speechLine(1, "", "")},
			transcript.Accuracy{Lines: 1, Rejected: 1, Hand: 1}},
		"taken out on purpose": {
			[]transcript.LineOutcome{speechLine(2, "现在开庭", "现在开庭"), speechLine(2, "咳嗽咳嗽", "")},
			transcript.Accuracy{Lines: 1, Checked: 1, Characters: 4, TakenOut: 1}},
		"joined": {
			[]transcript.LineOutcome{speechLine(2, "今天", "今天开庭"), speechLine(2, "开亭", "")},
			transcript.Accuracy{Lines: 2, Checked: 2, Characters: 4, Errors: 1}},
		"joined to the one behind": {
			[]transcript.LineOutcome{speechLine(2, "今天", ""), speechLine(2, "开庭", "今天开庭")},
			transcript.Accuracy{Lines: 2, Checked: 2, Characters: 4}},
		"split": {
			[]transcript.LineOutcome{speechLine(2, "你收到没有收道了", "你收到没有"), hand("收到了")},
			transcript.Accuracy{Lines: 1, Checked: 1, Characters: 8, Errors: 1, Hand: 1}},
		"a note behind a corrected line": {
			[]transcript.LineOutcome{speechLine(2, "请出示政据", "请出示证据"), hand("（出示借条原件）")},
			transcript.Accuracy{Lines: 1, Checked: 1, Characters: 5, Errors: 1, Hand: 1}},
		"pasted": {
			[]transcript.LineOutcome{speechLine(2, "好", strings.Repeat("贴", 3000))}, transcript.Accuracy{Lines: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			q := measure(t, heardLines{[]capture.Hearing{heldOn("h", qualityDay.From)}, tt.lines, nil}, nil)
			got := q.Total
			got.Share, got.CER = 0, nil
			if got != tt.want {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
			if q.Total.Characters == 0 && q.Total.CER != nil {
				t.Error("a CER of nothing")
			}
			if len(q.Courtrooms) != 1 || !reflect.DeepEqual(q.Courtrooms[0].Accuracy, q.Total) {
				t.Errorf("the courtroom has %+v", q.Courtrooms)
			}
		})
	}
}

func TestQualityByEngineAndSeat(t *testing.T) {
	other := speechLine(2, "甲乙", "甲丙")
	other.Engine, other.Channel = "f", "clerk"
	q := measure(t, heardLines{[]capture.Hearing{heldOn("h", qualityDay.From)},
		[]transcript.LineOutcome{speechLine(2, "甲乙丙丁", "甲乙丙戊"), other, speechLine(1, "", "")}, nil}, nil)
	if len(q.Engines) != 2 || *q.Engines[0].CER != 0.25 || q.Engines[0].Engine != "e" || *q.Engines[1].CER != 0.5 {
		t.Errorf("engines %+v", q.Engines)
	}
	if len(q.Seats) != 2 || q.Seats[0].Channel != "clerk" || q.Seats[1].Share != 0.5 || *q.Total.CER != 1.0/3 {
		t.Errorf("seats %+v", q.Seats)
	}
	if q.Minutes != 50 {
		t.Errorf("%v minutes, want an hour without its break", q.Minutes)
	}
}

// A few hearings would tell of one clerk's days; what the reader may not see,
// demonstrations, and hearings of another time are in no figure.
func TestQualityEffortAndGate(t *testing.T) {
	s := heardLines{lines: []transcript.LineOutcome{speechLine(2, "甲", "乙")}}
	opened := qualityDay.From.Add(time.Hour)
	s.edits = []time.Time{opened, opened.Add(2 * time.Hour)}
	for i := range 1200 { // more than a page, newest first
		s.hearings = append(s.hearings, heldOn(fmt.Sprintf("h%04d", 1200-i), opened))
	}
	demo, early := heldOn("d", opened), heldOn("c", opened.Add(-48*time.Hour))
	demo.Demo = true
	s.hearings = append(s.hearings, demo, early, capture.Hearing{ID: "b", CreatedAt: opened})
	q := measure(t, s, nil)
	if q.Hearings != 1200 || q.Total.Lines != 1200 {
		t.Errorf("%d hearings, %d lines", q.Hearings, q.Total.Lines)
	}
	if q.Effort == nil || q.Effort.Revisions != 2400 || q.Effort.AfterClose != 1200 || math.Abs(q.Effort.PerMinute-0.04) > 1e-9 {
		t.Errorf("effort %+v", q.Effort)
	}
	n := 0
	if q = measure(t, s, func(capture.Hearing) bool { n++; return n <= 4 }); q.Hearings != 4 || q.Effort != nil {
		t.Errorf("of four visible hearings: %+v", q)
	}
}

// No figure and no text of it can name a person: there is no field for one.
func TestQualityNamesNobody(t *testing.T) {
	h := heldOn("h", qualityDay.From)
	h.Participants = []capture.Participant{{Role: "原告", Name: "周启明"}}
	h.Seats = []capture.Seat{{Channel: "judge", Role: "审判长", Speaker: "王法官"}}
	s := heldOn("i", qualityDay.From)
	q := measure(t, heardLines{[]capture.Hearing{s, h}, []transcript.LineOutcome{speechLine(2, "甲", "乙")}, []time.Time{*h.OpenedAt}}, nil)
	out, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"周启明", "王法官", "author", "speaker", "clerk", "甲", "乙"} {
		if strings.Contains(string(out), name) {
			t.Errorf("%q is in %s", name, out)
		}
	}
	for _, of := range []any{transcript.LineOutcome{}, transcript.Quality{}, transcript.Accuracy{}, transcript.Effort{}} {
		for f := range reflect.TypeOf(of).Fields() {
			if n := strings.ToLower(f.Name); strings.Contains(n, "author") || strings.Contains(n, "speaker") || strings.Contains(n, "clerk") {
				t.Errorf("%T has %s", of, f.Name)
			}
		}
	}
}

func TestParseQuality(t *testing.T) {
	now := time.Date(2026, 5, 6, 17, 0, 0, 0, time.UTC) // the 7th in court
	for _, tt := range []struct{ from, to, want, field string }{
		{"", "", "2026-04-08 2026-05-08", ""},
		{"2026-01-01", "2026-01-31", "2026-01-01 2026-02-01", ""},
		{"", "2026-01-31", "2026-01-02 2026-02-01", ""},
		{"2026-05", "", "", "from"},
		{"", "x", "", "to"},
		{"2026-02-02", "2026-01-31", "", "from"},
	} {
		r, err := transcript.ParseQuality(tt.from, tt.to, now)
		if bad, ok := err.(*transcript.QueryError); ok || tt.field != "" {
			if !ok || bad.Field != tt.field {
				t.Errorf("%q %q: %v", tt.from, tt.to, err)
			}
			continue
		}
		if got := r.From.Format(time.DateOnly) + " " + r.To.Format(time.DateOnly); got != tt.want || r.From.UTC().Hour() != 16 {
			t.Errorf("%q %q: %s", tt.from, tt.to, got)
		}
	}
}
