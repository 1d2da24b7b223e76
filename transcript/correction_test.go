package transcript_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"tingji/capture"
	"tingji/transcript"
)

func askFor(line, says string) transcript.CorrectionRequest {
	return transcript.CorrectionRequest{By: capture.Participant{Role: "原告", Name: "李𬭚"}, Line: line, Says: says, Note: "当庭所述"}
}

func TestCorrections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := heardDay(t, false)
		ctx, id := t.Context(), c.hearing.ID
		line := c.lines[1]
		ask := func(says string) transcript.Correction {
			t.Helper()
			q, err := c.RequestCorrection(ctx, id, askFor(line.ID, says), "书记员")
			if err != nil {
				t.Fatal(err)
			}
			return q
		}
		first := ask(" 请求归还本金。 ")
		if first.ID != "1" || first.Says != "请求归还本金。" || first.Text != line.Text || first.Role != "原告" || first.Revision != 1 || first.StartMS != 1000 {
			t.Errorf("request %+v", first)
		}
		if l, err := c.Line(ctx, id, line.ID); err != nil || l.Revision != 1 {
			t.Errorf("a request changed the line: %+v, %v", l, err)
		}
		decided, err := c.DecideCorrection(ctx, id, "1", transcript.Ruling{Outcome: transcript.Accepted}, "审判长")
		if err != nil || decided.Decision.Text != "请求归还本金。" || decided.Decision.Revision != 2 || decided.Decision.Author != "审判长" {
			t.Fatalf("accepted %+v, %v", decided.Decision, err)
		}
		l, err := c.Line(ctx, id, line.ID)
		if err != nil || l.Text != "请求归还本金。" || l.Revision != 2 || l.Author != "审判长" || l.Role != "原告" {
			t.Errorf("the line is %+v, %v", l, err)
		}
		history, err := c.Revisions(ctx, id, line.ID)
		if err != nil || transcript.VerifyRevisions(id, history) != nil {
			t.Errorf("revisions %+v, %v", history, err)
		}
		var again *transcript.DecidedError
		if _, err := c.DecideCorrection(ctx, id, "1", transcript.Ruling{Outcome: transcript.Refused, Reason: "不"}, "审判长"); !errors.As(err, &again) {
			t.Errorf("decided twice: %v", err)
		}

		// The line has changed since the party spoke of it: say which one is meant.
		ask("请求归还利息。")
		if _, err := c.Revise(ctx, id, line.ID, 2, transcript.Edit{Text: ptr("请求归还全部本金。")}, "书记员"); err != nil {
			t.Fatal(err)
		}
		var conflict *transcript.ConflictError
		if _, err := c.DecideCorrection(ctx, id, "2", transcript.Ruling{Outcome: transcript.Accepted}, "审判长"); !errors.As(err, &conflict) || conflict.Current.Revision != 3 {
			t.Errorf("accepted over another revision: %v", err)
		}
		decided, err = c.DecideCorrection(ctx, id, "2", transcript.Ruling{Outcome: transcript.Accepted, Revision: ptr(3), Text: ptr("请求归还本金及利息。"), Reason: "录音核实"}, "审判长")
		if err != nil || decided.Decision.Text != "请求归还本金及利息。" || decided.Decision.Revision != 4 || decided.Revision != 2 {
			t.Errorf("accepted %+v %+v, %v", decided, decided.Decision, err)
		}
		ask("请求归还本金及利息。") // as it stands by now
		if decided, err = c.DecideCorrection(ctx, id, "3", transcript.Ruling{Outcome: transcript.Accepted}, "审判长"); err != nil || decided.Decision.Revision != 4 {
			t.Errorf("nothing to change: %+v, %v", decided.Decision, err)
		}
		ask("从未借款。")
		if decided, err = c.DecideCorrection(ctx, id, "4", transcript.Ruling{Outcome: transcript.Refused, Reason: "与录音不符"}, "审判长"); err != nil || decided.Decision.Text != "" {
			t.Errorf("refused %+v, %v", decided.Decision, err)
		}
		ask("还没有决定")
		list, err := c.Corrections(ctx, id)
		if err != nil || len(list) != 5 || list[4].Decision != nil {
			t.Errorf("corrections %+v, %v", list, err)
		}
		record, err := c.Record(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"补正请求及处理：",
			"1．原告李𬭚请求将00:00:01处原告“请求归还借款。”补正为“请求归还本金。”。说明：当庭所述。处理：准予补正，现记为“请求归还本金。”。",
			"2．原告李𬭚请求将00:00:01处原告“请求归还本金。”补正为“请求归还利息。”。说明：当庭所述。处理：准予补正，现记为“请求归还本金及利息。”。理由：录音核实。",
			"3．原告李𬭚请求将00:00:01处原告“请求归还本金及利息。”补正为“请求归还本金及利息。”。说明：当庭所述。处理：准予补正，现记为“请求归还本金及利息。”。",
			"4．原告李𬭚请求将00:00:01处原告“请求归还本金及利息。”补正为“从未借款。”。说明：当庭所述。处理：不予补正。理由：与录音不符。",
			"5．原告李𬭚请求将00:00:01处原告“请求归还本金及利息。”补正为“还没有决定”。说明：当庭所述。处理：尚未处理。",
		}
		if got := record.CorrectionLines(); !slices.Equal(got, want) {
			t.Errorf("in the record:\n%s", strings.Join(got, "\n"))
		}
		record.Corrections = record.Corrections[:1]
		record.Corrections[0].Says, record.Style.Written = "请求归还二十万元。", &transcript.WrittenForm{}
		if got := record.CorrectionLines()[1]; !strings.Contains(got, "补正为“请求归还20万元。”") {
			t.Errorf("in the written form: %s", got)
		}
	})
}

// A subscriber learns of a request and of a decision, each as one event.
func TestCorrectionsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := heardDay(t, false)
		_, last, err := c.Lines(t.Context(), c.hearing.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		feed, err := c.Subscribe(t.Context(), c.hearing.ID, last)
		if err != nil {
			t.Fatal(err)
		}
		defer feed.Close()
		if _, err := c.RequestCorrection(t.Context(), c.hearing.ID, askFor(c.lines[0].ID, "开庭。"), "书记员"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.DecideCorrection(t.Context(), c.hearing.ID, "1", transcript.Ruling{Outcome: transcript.Accepted}, "审判长"); err != nil {
			t.Fatal(err)
		}
		for i, kind := range []transcript.EventKind{transcript.HearingChanged, transcript.LineChanged, transcript.HearingChanged} {
			e := <-feed.Events
			for e.Kind == transcript.HealthChanged {
				e = <-feed.Events
			}
			if e.Kind != kind || e.ID != last+int64(i)+1 {
				t.Errorf("event %d is %s %d", i, e.Kind, e.ID)
			}
		}
	})
}

func TestCorrectionsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := heardDay(t, false)
		ctx, id := t.Context(), c.hearing.ID
		for field, spoil := range map[string]func(*transcript.CorrectionRequest){
			"by.role": func(q *transcript.CorrectionRequest) { q.By.Role = "路人" },
			"by.name": func(q *transcript.CorrectionRequest) { q.By.Name = "" },
			"line":    func(q *transcript.CorrectionRequest) { q.Line = "" },
			"says":    func(q *transcript.CorrectionRequest) { q.Says = " " },
			"note":    func(q *transcript.CorrectionRequest) { q.Note = "\u202e" },
		} {
			q := askFor(c.lines[0].ID, "开庭。")
			spoil(&q)
			var wrong *transcript.FieldError
			if _, err := c.RequestCorrection(ctx, id, q, "书记员"); !errors.As(err, &wrong) || wrong.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		if _, err := c.RequestCorrection(ctx, id, askFor("nobody", "开庭。"), "书记员"); !errors.Is(err, transcript.ErrNotFound) {
			t.Errorf("unknown line: %v", err)
		}
		if _, err := c.RequestCorrection(ctx, id, askFor(c.lines[0].ID, "开庭。"), "书记员"); err != nil {
			t.Fatal(err)
		}
		for field, q := range map[string]transcript.Ruling{
			"outcome": {Outcome: "maybe"},
			"reason":  {Outcome: transcript.Refused},
			"text":    {Outcome: transcript.Accepted, Text: ptr("")},
		} {
			var wrong *transcript.FieldError
			if _, err := c.DecideCorrection(ctx, id, "1", q, "审判长"); !errors.As(err, &wrong) || wrong.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		if _, err := c.DecideCorrection(ctx, id, "2", transcript.Ruling{Outcome: transcript.Accepted}, "审判长"); !errors.Is(err, transcript.ErrNotFound) {
			t.Errorf("unknown request: %v", err)
		}
		if _, err := c.Corrections(ctx, "nobody"); !errors.Is(err, transcript.ErrNotFound) {
			t.Errorf("unknown hearing: %v", err)
		}
	})
}
