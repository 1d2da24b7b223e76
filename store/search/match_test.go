package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tingji/capture"
)

func matcher(t *testing.T, query string, widened bool) *Matcher {
	t.Helper()
	q, err := Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	return NewMatcher(q, widened)
}

func TestLine(t *testing.T) {
	tests := []struct{ query, text, want string }{ // want: class, then the spans
		{"违约金", "支付违约金。", "1 [{2 5 1}]"},
		{"违约金", "支付维约金。", "3 [{2 5 3}]"},
		{"违约金", "维约金和违约金", "1 [{0 3 3} {4 7 1}]"},
		{`"违约金"`, "支付维约金。", "0"},
		{"违约", "支付维约金。", "0"},
		{"音:违约", "支付维约金。", "3 [{2 4 3}]"},
		{"weiyuejin", "支付违约金。", "3 [{2 5 3}]"},
		{"wei2yue1jin1", "支付违约金。", "3 [{2 5 3}]"},
		{"wei4yue1jin1", "支付违约金。", "0"},
		{"WeiYue", "支付违约金。", "3 [{2 4 3}]"},
		{"wyj", "支付违约金。", "3 [{2 5 3}]"},
		{"wy", "支付违约金。", "0"},
		{"音:wy", "支付违约金。", "3 [{2 4 3}]"},
		{"wyj", "车牌WYJ123", "1 [{2 5 1}]"},
		{"音:wyj", "车牌WYJ123", "0"},
		{"角色:原告 -音:wyj", "支付违约金。", "0"},
		{"xian", "去西安", "3 [{1 3 3}]"},
		{"音:xian", "先后", "3 [{0 1 3}]"},
		{"huankuan", "按期还款", "3 [{2 4 3}]"},
		{"haikuan", "按期还款", "3 [{2 4 3}]"},
		{"yinhang", "在银行", "3 [{1 3 3}]"},
		{"音:银杭", "在银行", "3 [{1 3 3}]"},
		{"chongxin", "重新", "3 [{0 2 3}]"},
		{"lvshi", "律师", "3 [{0 2 3}]"},
		{"lüshi", "律师", "3 [{0 2 3}]"},
		{"nvren", "女人", "3 [{0 2 3}]"},
		{"wéiyuējīn", "支付违约金。", "3 [{2 5 3}]"},
		{"wèiyuējīn", "支付违约金。", "0"},
		{"lǜshī", "律师", "3 [{0 2 3}]"},
		{"音:nǚ", "女人", "3 [{0 1 3}]"},
		{"nǚ", "女人", "0"}, // one syllable, as letters: only where nothing is found as written
		{"nv", "女人", "0"},
		{"wo", "我说", "0"},
		{"二十万元", "借了200000元", "2 [{2 9 2}]"},
		{"二十万元", "借了20万元", "2 [{2 6 2}]"},
		{"20万", "借了二十万元", "2 [{2 5 2}]"},
		{"5万", "借了25万", "1 [{3 5 1}]"},
		{`"20万"`, "借了二十万元", "0"},
		{"ＡＢＣ", "见abc号", "1 [{1 4 1}]"},
		{"借条 转账", "转账后写了借条", "1 [{0 2 1} {5 7 1}]"},
		{"借条 转账", "写了借条", "0"},
		{"借条 -转账", "写了借条", "1 [{2 4 1}]"},
		{"借条 -转账", "转账后写了借条", "0"},
		{"借条 -5万", "借条五万", "0"},
		{"的", "我的借条", "1 [{1 2 1}]"},
		{"𬭚", "姓𬭚", "1 [{1 2 1}]"},
		{"角色:原告 借条", "借条", "1 [{0 2 1}]"},
		{"角色:被告 借条", "借条", "0"},
		{"-角色:被告 -角色:原告 借条", "借条", "0"},
		{"角色:被告 角色:原告", "借条", "1 []"},
		{"人:张 借条", "借条", "1 [{0 2 1}]"},
		{"范围:识别 接条", "借条", "1 [{0 2 1}]"},
	}
	for _, tt := range tests {
		m := matcher(t, tt.query, false)
		l := Line{Text: tt.text, Heard: "接条", Role: "原告", Speaker: "张三"}
		class := m.class(0, &l, m.text(&l))
		got := fmt.Sprint(class)
		if got != "0" {
			got += " " + fmt.Sprint(m.Spans(0, &l))
		}
		if got != tt.want {
			t.Errorf("%s in %s: %s, want %s", tt.query, tt.text, got, tt.want)
		}
		if class > 0 && !slices.Contains(m.Classes(), class) {
			t.Errorf("%s: classes are %v", tt.query, m.Classes())
		}
		// A sketch may only leave out what does not match.
		if sketches := Prepare([]Line{l}); class > 0 && !m.maybe(&sketches[0]) {
			t.Errorf("%s in %s: left out by the sketch", tt.query, tt.text)
		}
	}
	if hits := matcher(t, "违约", true).Lines([]Line{{Text: "支付维约金"}}, nil); len(hits) != 1 || hits[0].Class != BySound {
		t.Error("widened, two characters match by sound")
	}
}

func TestNear(t *testing.T) {
	lines := []Line{
		{Text: "借条在此", StartMS: 0}, {Text: "转账没有", StartMS: 8000}, {Text: "是", StartMS: 20000},
		{Text: "借条", StartMS: 30000}, {Text: "是", StartMS: 31000}, {Text: "利息", StartMS: 32000}, {Text: "转账", StartMS: 70000},
	}
	for _, tt := range []struct{ query, want string }{
		{"借条 ~1行 转账", "0:1"},
		{"借条 ~3行 转账", "0:1 3:1"}, // the one before is as near as the one after: the former
		{"借条 ~10秒 转账", "0:1"},
		{"借条 ~40秒 转账", "0:1 3:1"},
		{"转账 ~3行 借条", "1:0 6:3"},
		{"借条 ~3行 转账 ~2行 利息", "3:6:5"},
		{"借条 ~1行 借条", "0:0 3:3"},
		{"借条 ~1行 律师", ""},
	} {
		got := ""
		for _, h := range matcher(t, tt.query, false).Lines(lines, nil) {
			if got != "" {
				got += " "
			}
			got += fmt.Sprint(h.Line)
			for _, line := range h.With {
				got += fmt.Sprint(":", line)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.query, got, tt.want)
		}
	}
}

func TestHearingFilter(t *testing.T) {
	h := Hearing{ID: "x", AtMS: 1714953600000 /* 2024-05-06 08:00 in court */, CaseNo: "（2024）内0291民初123号", Type: "民初", Courtroom: "r1", Cause: "民间借贷纠纷"}
	h.People = append(h.People, participant("审判长", "王一"), participant("书记员", "李二"), participant("原告", "张三"))
	for query, want := range map[string]bool{
		"案号:民初123": true, "案号:(2024)内": true, "案号:124": false, "-案号:民初": false,
		"类型:民初": true, "类型:初": true, "类型:民终": false, "类型:民终 类型:民初": true, "案由:借贷": true,
		"法庭:r1": true, "法庭:r": false, "法官:王": true, "法官:李": false, "书记员:李二": true, "当事人:张": true, "当事人:王": false,
		"日期:2024-05-06": true, "日期:2024-05": true, "日期:2024": true, "日期:2024-05-07": false, "日期:..2024-05-05": false,
		"日期:2024-05-06..": true, "日期:2020 日期:2024-05": true, "-日期:2020": true, "日期:2024-04..2024-05-06": true, "庭审:x": true, "庭审:y": false,
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(query, err)
		}
		f := NewHearingFilter(q)
		if got := f.Match(&h); got != want {
			t.Errorf("%s: %t", query, got)
		}
		if from, to := f.Between(); want && (h.AtMS < from || h.AtMS >= to) {
			t.Errorf("%s: from %d to %d", query, from, to)
		}
	}
}

// The phases are those of the record's page: the bench's words propose, the
// clerk decides, and what somebody wrote by hand opens nothing.
func TestPhases(t *testing.T) {
	lines := []Line{
		{Text: "准备", Role: "书记员"}, {Text: "现在开庭。", Role: "审判长"}, {Text: "现在进行法庭调查", Role: "原告"},
		{Text: "现在进行法庭调查", Role: "审判长"}, {Text: "借条", Role: "原告"}, {Text: "现在进行法庭辩论", Role: "审判长"},
		{Text: "现在休庭", Role: "审判长"}, {Text: "现在闭庭。", Role: "审判长"},
	}
	for i := range lines {
		lines[i].ID = string(rune('a' + i))
	}
	h := capture.Hearing{Phases: []capture.PhaseMark{{Line: "e", Phase: "举证质证"}, {Line: "f"}}}
	Phases(&h, lines, map[string]bool{"g": true})
	got := ""
	for _, l := range lines {
		got += l.Phase + " "
	}
	if want := " 宣布开庭 宣布开庭 法庭调查 举证质证 举证质证 举证质证 闭庭 "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func participant(role, name string) capture.Participant {
	return capture.Participant{Role: role, Name: name}
}

// FuzzMatcher: whatever can be asked can be planned and answered, and what a plan
// calls certain is.
func FuzzMatcher(f *testing.F) {
	for _, s := range []string{"wo", "nv", "lü", "jiè kuǎn", "xian", "w", "音:o 音:借", "m", strings.Repeat("xian", 45) + "x", "20万 -音:nv", "范围:识别 a ~3行 nǚ", "-wo 我"} {
		f.Add(s, "我借给那个女人二十万元，律师说。")
	}
	f.Fuzz(func(t *testing.T, query, text string) {
		q, err := Parse(query)
		if err != nil {
			return
		}
		for _, widened := range []bool{false, true} {
			m := NewMatcher(q, widened)
			l := Line{Text: text, Heard: text, Role: "原告"}
			sketches := Prepare([]Line{l})
			for _, class := range m.Classes() {
				if plans := m.Plan(class); len(plans) != max(1, len(m.groups)) {
					t.Fatalf("%q: %d plans of %d groups", query, len(plans), len(m.groups))
				}
				m.Certain(class)
			}
			for g := range m.groups {
				m.Spans(g, &l)
			}
			if bare := m.Lines([]Line{l}, nil); len(bare) != len(m.Lines([]Line{l}, sketches)) {
				t.Fatalf("%q in %q: left out by the sketch", query, text)
			}
		}
	})
}
