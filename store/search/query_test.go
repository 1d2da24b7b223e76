package search

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct{ in, want string }{ // want: as String writes it
		{"借条", "借条"},
		{"  借条　转账 ", "借条 转账"},
		{"“我没有借” -利息", `"我没有借" -利息`},
		{"借条 ~10秒 转账", "借条 ~10秒 转账"},
		{"借条 ～１０s 转账 ~3l 利息", "借条 ~10秒 转账 ~3行 利息"},
		{"借条 ~2分钟 转账", "借条 ~120秒 转账"},
		{"音:违约金", "音:违约金"},
		{"拼音：weiyuejin", "音:weiyuejin"},
		{`sound:"wei yue jin"`, `音:"wei yue jin"`},
		{"角色：原告 借条 案号:民初12", "案号:民初12 角色:原告 借条"},
		{"case_no:12 Role:原告 person:张三 -courtroom:r1", "案号:12 -法庭:r1 角色:原告 人:张三"},
		{"日期:2024年5月6日", "日期:2024-05-06"},
		{"date:2024/1..2024/6 x", "日期:2024-01..2024-06 x"},
		{"日期:..2024", "日期:..2024"},
		{"范围:识别 借条", "范围:识别 借条"},
		{"审判长：现在开庭", "审判长：现在开庭"},
		{"10:30", "10:30"},
		{"--借 条", "--借 条"},
		{"角色:原告 借条 ~3行 角色:被告 没有", "角色:原告 借条 ~3行 角色:被告 没有"},
		{"阶段:法庭辩论 -角色:证人", "阶段:法庭辩论 -角色:证人"},
		{"phase:开庭 借条", "阶段:宣布开庭 借条"},
	}
	for _, tt := range tests {
		q, err := Parse(tt.in)
		if err != nil || q.String() != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.in, q, err, tt.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		in       string
		pos, len int
	}{
		{"", 0, 0},
		{"  ", 0, 2},
		{"借条 “转账", 3, 3},
		{"借条 ~10 转账", 3, 3},
		{"借条 ~0秒 转账", 3, 3},
		{"借条 ~999999999999999999秒 转账", 3, 20},
		{"借条 ~101行 转账", 3, 5},
		{"~3行 转账", 0, 3},
		{"借条 ~3行", 6, 0},
		{"借条 -", 3, 1},
		{"-借条", 0, 3},
		{"foo:bar", 0, 7},
		{"案号:", 0, 3},
		{"借条 日期:昨天", 6, 2},
		{"日期:2024-13", 3, 7},
		{"日期:2024-06..2024-01", 3, 16},
		{"日期:..", 3, 2},
		{"借条 ，。", 3, 2},
		{"音:123x", 0, 6},
		{"阶段:茶歇 借条", 3, 2},
		{"范围:别的 借条", 3, 2},
		{"借条\xff", 0, 0},
		{strings.Repeat("一", maxQuery+2), maxQuery, 2},
		{strings.Repeat("一 ", maxTerms+1), 2 * maxTerms, 1},
	} {
		_, err := Parse(tt.in)
		var bad *Error
		if !errors.As(err, &bad) || bad.Pos != tt.pos || bad.Len != tt.len || bad.Text == "" || bad.TextEN == "" {
			t.Errorf("%q: %+v, want it at %d, %d long", tt.in, err, tt.pos, tt.len)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"借条 ~10秒 转账 -“利息” 音:weiyuejin", "案号:（2024）内0102民初123号 日期:2024-01..2024-06",
		`in:heard person:"a b" ~3l x`, "-~1行", "角色:\"\" 音:“ ”", "－－a:b:c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Parse(s)
		if err != nil {
			var bad *Error
			if !errors.As(err, &bad) || bad.Pos < 0 || bad.Len < 0 || bad.Pos+bad.Len > len([]rune(s)) {
				t.Fatalf("%q: %+v", s, err)
			}
			return
		}
		again, err := Parse(q.String())
		if err != nil && len([]rune(q.String())) <= maxQuery || err == nil && !reflect.DeepEqual(q, again) {
			t.Fatalf("%q is %q, which is %q: %v\n%+v\n%+v", s, q, again, err, q, again)
		}
		lines := []Line{{Text: s, Heard: s}, {Text: "借条二十万"}}
		m := NewMatcher(q, true)
		if all, some := m.Lines(lines, nil), m.Lines(lines, Prepare(lines)); !reflect.DeepEqual(all, some) {
			t.Fatalf("%q: %v, by the sketches %v", s, all, some)
		}
	})
}
