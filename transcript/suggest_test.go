package transcript_test

import (
	"testing"
	"testing/synctest"

	"tingji/asr"
	"tingji/transcript"
)

func TestSuggest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := heardDay(t, false, func(s *asr.Segment) {
			if s.Channel == "judge" {
				s.Text = "请看这张借条，也就是节条原件。"
				s.Words = []asr.Word{{Text: "请看这张借条", Confidence: 0.9}, {Text: "，", Confidence: 0.9}, {Text: "也就是", Confidence: 0.9}, {Text: "节条", Confidence: 0.3}, {Text: "原件", Confidence: 0.9}}
			}
		})
		for _, tt := range []struct{ before, heard, after, want string }{
			{"这张", "接条", "", "借条"},        // elsewhere in the hearing; 节条 is in doubt itself
			{"原告", "礼𬭚", "到庭", "李𬭚"},      // a name of the hearing
			{"原告", "礼", "𬭚到庭", "李"},       // a part of one, by what stands behind it
			{"约定了", "维约金", "", "违约金"},     // a word of every court
			{"由双方", "支证", "。", "质证"},      // that sounds alike only
			{"", "审判常", "", "审判长"},        //
			{"", "㐂", "", ""},             // nothing
			{"证人", "扭", "异议", "有"},        // the same end, however it is spelt
			{"这是他亲笔", "赎写", "的", "书写"},    // a common word, of other characters
			{"我", "根笨没友", "看见", "根本没有"},   // several
			{"现在", "闭停", "。", "闭庭"},       // a part of a formula
			{"到庭的", "被高", "", "被告"},       //
			{"借了二十万元，约定", "李息", "", "利息"}, //
		} {
			list, err := c.Suggest(t.Context(), c.hearing.ID, transcript.Doubted{Before: tt.before, Heard: tt.heard, After: tt.after})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if len(list) > 0 {
				got = list[0]
			}
			if got != tt.want {
				t.Errorf("%s[%s]%s: %q, want %q", tt.before, tt.heard, tt.after, list, tt.want)
			}
		}
		if _, err := c.Suggest(t.Context(), c.hearing.ID, transcript.Doubted{Heard: " "}); err == nil {
			t.Error("a suggestion for nothing")
		}
	})
}
