package transcript_test

import (
	"slices"
	"strings"
	"testing"

	"tingji/testdata/hearing"
	"tingji/transcript"
)

// spokenLine is a line of words; "|" is a pause of 300 ms before the next one.
func spokenLine(text string) transcript.Line {
	l := transcript.Line{Origin: transcript.Speech, Words: []transcript.Word{}}
	var at int64
	for word := range strings.FieldsSeq(text) {
		if word == "|" {
			at += 300
			continue
		}
		l.Text += word
		l.Words = append(l.Words, transcript.Word{Text: word, StartMS: at, EndMS: at + 200})
		at += 200
	}
	return l
}

func TestPunctuation(t *testing.T) {
	for _, tc := range []struct{ spoken, want string }{
		{"现在 开庭", "现在开庭。"},
		{"双方 是否 申请 回避", "双方是否申请回避？"},
		{"你 听 清楚 了 吗", "你听清楚了吗？"},
		{"原告 对 证言 有 什么 意见", "原告对证言有什么意见？"},
		{"有没有 证据", "有没有证据？"},
		{"根本 没有 什么 现金", "根本没有什么现金。"},
		{"我 不知道 他 是否 还了", "我不知道他是否还了。"},
		{"他 还 没 来 呢", "他还没来呢。"},
		{"那 现金 呢", "那现金呢？"},
		{"借款 属实 | 但是 我 还了 六万元", "借款属实，但是我还了6万元。"},
		{"借款 属实 但是 | 我 | 还了", "借款属实但是，我，还了。"},
		{"请求 判令 | 归还 二十 | 万元", "请求判令，归还20万元。"},
		{"还了 三万 | 五千 元", "还了35000元。"},
		{"二零二四 | 年 三月", "2024年3月。"},
		{"十五 | 日 内", "15日内。"},
		{"案号 二零二六 | 内 零零零零 | 民初 | 一号", "案号（2026）内0000民初1号。"},
		{"清楚 | 吗", "清楚吗？"},
		{"现在 | 开庭。", "现在开庭。"}, // the engine punctuates
		{"他 说，走 | 吧", "他说，走吧"},
		{"yes | sir", "yessir"},
		{"", ""},
	} {
		l := spokenLine(tc.spoken)
		w := transcript.WrittenForm{}.Line(l)
		if w.Text != tc.want {
			t.Errorf("%s: %s, want %s", tc.spoken, w.Text, tc.want)
		}
		checkWritten(t, transcript.WrittenForm{}, l.Text, w)
		l.Text = w.Text
		if again := (transcript.WrittenForm{}).Line(l); again.Text != w.Text {
			t.Errorf("%s: again %s", tc.spoken, again.Text)
		}
	}
	hand := spokenLine("当庭 | 出示 证据")
	hand.Origin = transcript.Hand
	if w := (transcript.WrittenForm{}).Line(hand); w.Text != hand.Text {
		t.Errorf("by hand: %s", w.Text)
	}
	// A corrected line keeps its pauses around what was corrected.
	corrected := spokenLine("借款 属实 | 但是 我 还了 | 六万 吗 | 现金")
	corrected.Text = strings.Replace(corrected.Text, "我还了", "本人已经归还", 1)
	if w := (transcript.WrittenForm{}).Line(corrected); w.Text != "借款属实，但是本人已经归还，6万吗，现金。" {
		t.Errorf("corrected: %s", w.Text)
	}
	// The pause behind the corrected word itself stays too, and is not doubled where words are gone.
	named := spokenLine("我 叫 周启明 | 住 云川县 | 青石路 十八号")
	for text, want := range map[string]string{
		"我叫周启民住云川县青石路十八号": "我叫周启民，住云川县，青石路18号。",
		"我叫住云川县青石路十八号":    "我叫住云川县，青石路18号。",
		"我叫周启明住云县青石路十八号":  "我叫周启明，住云县，青石路18号。",
	} {
		if named.Text = text; (transcript.WrittenForm{}).Line(named).Text != want {
			t.Errorf("corrected: %s, want %s", transcript.WrittenForm{}.Line(named).Text, want)
		}
	}
	// An engine that lays words end to end heard silence where it leaves time; another is unsure of ends.
	close := spokenLine("请 全体 人员 肃静 现在 宣读 法庭 纪律")
	for i := range close.Words[4:] {
		close.Words[4+i].StartMS, close.Words[4+i].EndMS = close.Words[4+i].StartMS+150, close.Words[4+i].EndMS+150
	}
	if w := (transcript.WrittenForm{}).Line(close); w.Text != "请全体人员肃静，现在宣读法庭纪律。" {
		t.Errorf("laid end to end: %s", w.Text)
	}
	for i := range close.Words {
		close.Words[i].EndMS -= 40
	}
	if w := (transcript.WrittenForm{}).Line(close); w.Text != "请全体人员肃静现在宣读法庭纪律。" {
		t.Errorf("loose ends: %s", w.Text)
	}
	note := transcript.Line{Origin: transcript.Hand, Text: "休庭二十分钟"}
	if w := (transcript.WrittenForm{}).Line(note); w.Text != note.Text {
		t.Errorf("a note by hand: %s", w.Text)
	}
	short := spokenLine("借款 属实")
	short.Text, short.Words[1].Text = "借", ""
	transcript.WrittenForm{}.Line(short) // words that are not in the text
}

// The sample hearing without its marks gets back every question mark, and no
// other one.
func TestQuestionsOfTheSampleHearing(t *testing.T) {
	h, err := hearing.Reference()
	if err != nil {
		t.Fatal(err)
	}
	questions := 0
	for _, s := range h.Sentences {
		l := transcript.Line{Origin: transcript.Speech}
		for _, w := range s.Words {
			l.Text += w.Text
			l.Words = append(l.Words, transcript.Word{Text: w.Text, StartMS: w.StartMS, EndMS: w.EndMS})
		}
		if strings.ContainsAny(l.Text, "《》") {
			continue // it has marks of its own
		}
		asks := strings.HasSuffix(s.Text, "？")
		if got := (transcript.WrittenForm{}).Line(l).Text; strings.HasSuffix(got, "？") != asks {
			t.Errorf("%s: %s", s.Text, got)
		}
		if asks {
			questions++
		}
	}
	if questions < 5 {
		t.Errorf("only %d questions in the sample", questions)
	}
}

func FuzzPunctuation(f *testing.F) {
	f.Add("借款 属实 | 但是 我 还了 | 六万 元", "借款属实但是")
	f.Add("双方 是否 | 申请 二零二四 | 年", "双方是否申请二零二四年")
	f.Fuzz(func(t *testing.T, spoken, text string) {
		l := spokenLine(spoken)
		for _, text := range slices.Compact([]string{l.Text, text}) {
			l.Text = text
			w := transcript.WrittenForm{}.Line(l)
			checkWritten(t, transcript.WrittenForm{}, text, w)
		}
	})
}
