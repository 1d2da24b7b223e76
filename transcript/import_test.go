package transcript_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"tingji/capture"
	"tingji/transcript"
)

const importTable = "\ufeff案号,案由,法庭,公开,开庭时间,原告,被告,诉讼参与人,词汇\r\n" +
	"(2026)内0000民初7号,买卖合同纠纷,第三审判庭,是,2026-05-06 09:00,周启明、周启亮,何文柏,委托诉讼代理人：林一,青石路；茶馆\r\n" +
	"\r\n" +
	"（2026）内0000民初8号,\"借款，\"\"纠纷\"\"\",三庭,不公开,2026/5/6 14:30,李𬭚,,,\r\n"

func room(name string) string {
	if name == "第三审判庭" {
		return "三庭"
	}
	return name
}

func TestImport(t *testing.T) {
	d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(strings.TrimPrefix(importTable, "\ufeff"))
	if err != nil {
		t.Fatal(err)
	}
	json := `{"hearings":[{"case_no":"（2026）内0000民初7号","cause":"买卖合同纠纷","courtroom":"三庭","public":true,"scheduled_at":"2026-05-06T09:00:00+08:00",
		"participants":[{"role":"原告","name":"周启明"},{"role":"原告","name":"周启亮"},{"role":"被告","name":"何文柏"},{"role":"委托诉讼代理人","name":"林一"}],"hotwords":["青石路","茶馆"]},
		{"case_no":"（2026）内0000民初8号","cause":"借款，\"纠纷\"","courtroom":"三庭","public":false,"scheduled_at":"2026-05-06T14:30:00+08:00","participants":[{"role":"原告","name":"李𬭚"}]}]}`
	for name, file := range map[string]string{"csv": importTable, "gb18030": gb, "tabs": strings.ReplaceAll(strings.ReplaceAll(importTable, "，", "/"), ",", "\t"), "json": json} {
		list, err := transcript.ReadImport([]byte(file))
		if err != nil || len(list) != 2 {
			t.Fatalf("%s: %+v, %v", name, list, err)
		}
		made, there, err := d.Import(t.Context(), list, room, true)
		if err != nil || len(made) != 2 || len(there) != 0 {
			t.Fatalf("%s: %+v, %+v, %v", name, made, there, err)
		}
		got := fmt.Sprint(made[0].CaseNo, made[0].Courtroom, made[0].Public, made[0].Participants, made[0].Hotwords, made[0].ScheduledAt, made[1].Public, made[1].Participants, made[1].ScheduledAt)
		want := "（2026）内0000民初7号三庭true [{原告 周启明} {原告 周启亮} {被告 何文柏} {委托诉讼代理人 林一}] [青石路 茶馆] 2026-05-06 01:00:00 +0000 UTC false [{原告 李𬭚}] 2026-05-06 06:30:00 +0000 UTC"
		if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: %s", name, got)
		}
	}
	// Twice taken, once announced.
	list, err := transcript.ReadImport([]byte(importTable))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"2 0", "0 2"} {
		made, there, err := d.Import(t.Context(), list, room, false)
		if got := fmt.Sprint(len(made), len(there)); err != nil || got != want {
			t.Errorf("time %d: %s, %v", i+1, got, err)
		}
	}
}

func TestImportRefuses(t *testing.T) {
	d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
	for name, test := range map[string]struct{ file, want string }{
		"empty":         {"", "0 |"},
		"no list":       {"[]", "0 |"},
		"head only":     {"案号,案由\n", "0 |"},
		"no column":     {"案由,原告\nx,y\n", "1 案号|"},
		"column":        {"案号,案油\n", "1 案油|"},
		"twice":         {"案号,case_no\n", "1 case_no|"},
		"case number":   {"案号,法庭\n（2026）内0000民初7号,三庭\n（2026）内0000民出8号,三庭\n", "3 案号|"},
		"time, person":  {"案号,法庭,开庭时间,诉讼参与人\n（2026）内0000民初7号,三庭,明天,周启明\n", "2 开庭时间|2 诉讼参与人|"},
		"public":        {"案号,法庭,公开\n（2026）内0000民初7号,三庭,也许\n", "2 公开|"},
		"courtroom":     {"案号,法庭\n（2026）内0000民初7号,nowhere\n", "2 法庭|"},
		"person twice":  {"案号,法庭,原告\n（2026）内0000民初7号,三庭,周启明、周启明\n", "2 participants[1].name|"},
		"too many":      {"案号\na,b\n", "2 |"},
		"quotes":        {"案号,法庭\n\"（2026\n", "2 |"},
		"bad json":      {`{"case_no":`, "0 |"},
		"unknown":       {`[{"case_number":"x"}]`, "1 case_number|"},
		"type":          {`[{"case_no":"（2026）内0000民初7号","courtroom":"三庭"},{"public":"yes"}]`, "2 public|"},
		"control":       {"案号,案由,法庭\n（2026）内0000民初7号,a\u202eb,三庭\n", "2 案由|"},
		"binary":        {"\xff\xfe\x00\x01", "0 |"},
		"two at a time": {"案号,法庭\n1,三庭\n2,三庭\n", "2 案号|3 案号|"},
	} {
		list, err := transcript.ReadImport([]byte(test.file))
		if err == nil {
			_, _, err = d.Import(t.Context(), list, room, false)
		}
		var wrong *transcript.ImportError
		got := ""
		if errors.As(err, &wrong) {
			for _, p := range wrong.Problems {
				got += fmt.Sprintf("%d %s|", p.Row, p.Field)
				if p.Text == "" || p.TextEN == "" {
					t.Errorf("%s: no words: %+v", name, p)
				}
			}
		}
		if got != test.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, test.want)
		}
	}
	if list, err := d.Hearings(t.Context(), transcript.HearingFilter{}); err != nil || len(list) != 0 {
		t.Errorf("announced %+v, %v", list, err)
	}
}

func TestTemplates(t *testing.T) {
	d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
	for _, one := range transcript.HearingTemplates() {
		n := newHearing()
		n.Participants = nil
		for i, role := range one.Roles {
			n.Participants = append(n.Participants, capture.Participant{Role: role, Name: fmt.Sprintf("某%d", i)})
		}
		for from, to := range one.Seats {
			n.Participants = append(n.Participants, capture.Participant{Role: from, Name: "甲"}, capture.Participant{Role: to, Name: "乙"})
		}
		for _, kind := range one.CaseTypes {
			n.CaseNo, n.Hotwords = "（2026）内0000"+kind+"1号", one.Hotwords
			if _, err := d.Check(n); err != nil {
				t.Errorf("%s, %s: %v", one.ID, kind, err)
			}
		}
	}
}

func FuzzReadImport(f *testing.F) {
	f.Add([]byte(importTable))
	f.Add([]byte(`{"hearings":[{"case_no":"x","participants":[{"role":"原告","name":"y"}]}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		list, err := transcript.ReadImport(file)
		var wrong *transcript.ImportError
		if err != nil && (!errors.As(err, &wrong) || len(wrong.Problems) == 0) || err == nil && len(list) == 0 {
			t.Errorf("%d hearings, %v", len(list), err)
		}
	})
}
