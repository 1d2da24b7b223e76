package asr

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tingji/capture"
	"tingji/testdata/hearing"
)

func TestGuard(t *testing.T) {
	const prompt = "王建国，李秀英，民间借贷，赵明"
	rated := func(text string, noSpeech, logProb, compression float64) []Part {
		return []Part{{Text: text, End: 4 * time.Second, NoSpeech: noSpeech, LogProb: logProb, Compression: compression}}
	}
	tail := []Part{
		{Text: "我不同意。", End: 2 * time.Second, NoSpeech: 0.02, LogProb: -0.2, Compression: 0.8},
		{Text: "谢谢观看", Start: 2 * time.Second, End: 4 * time.Second, NoSpeech: 0.4, LogProb: -0.4, Compression: 0.8},
	}
	for _, tt := range []struct {
		name   string
		text   string
		voiced time.Duration
		parts  []Part
		want   string // what stays | reason: what is doubted
	}{
		{"a sentence", "现在开庭。", 2 * time.Second, nil, "现在开庭。"},
		{"an answer of 0.1 s", "是", 100 * time.Millisecond, nil, "是"},
		{"the fastest person", strings.Repeat("他借了我的钱以后一直没有还", 2), 2500 * time.Millisecond, nil, strings.Repeat("他借了我的钱以后一直没有还", 2)},
		{"a story for a click", "今天我们来讲一个关于小动物的故事", 50 * time.Millisecond, nil, "|too-much-text: 今天我们来讲一个关于小动物的故事"},
		{"said four times", "对对对对", time.Second, nil, "对对对对"},
		{"said angrily", "不同意不同意不同意不同意！", 2 * time.Second, nil, "不同意不同意不同意不同意！"},
		{"one character in a loop", strings.Repeat("哈", 30), 4 * time.Second, nil, "|loop: " + strings.Repeat("哈", 30)},
		{"a phrase in a loop", "我们" + strings.Repeat("可以看到，", 12), 4 * time.Second, nil, "|loop: 我们" + strings.Repeat("可以看到，", 12)},
		{"a sentence in a loop", strings.Repeat("今天的天气非常好。", 5), 4 * time.Second, nil, "|loop: " + strings.Repeat("今天的天气非常好。", 5)},
		{"a loop by the engine's measure", "是的他说他会还钱的他会还", 3 * time.Second, rated("是的他说他会还钱的他会还", 0, -0.3, 3.1), "|loop: 是的他说他会还钱的他会还"},
		{"credits", "字幕由Amara.org社区提供", 2 * time.Second, nil, "|credits: 字幕由Amara.org社区提供"},
		{"credits in other words", "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目", 4 * time.Second, nil, "|credits: 请不吝点赞 订阅 转发 打赏支持明镜与点点栏目"},
		{"thanks", "谢谢审判长。", 2 * time.Second, nil, "谢谢审判长。"},
		{"subtitles as evidence", "视频的字幕是后来加的", 3 * time.Second, nil, "视频的字幕是后来加的"},
		{"thanks of a film", "谢谢观看！", time.Second, nil, "|credits: 谢谢观看！"},
		{"a name of the case", "王建国", time.Second, nil, "王建国"},
		{"two names of the case", "王建国，李秀英", time.Second, nil, "王建国，李秀英"},
		{"the prompt again", "王建国，李秀英，民间借贷", 2 * time.Second, nil, "|prompt-echo: 王建国，李秀英，民间借贷"},
		{"the prompt from its middle", "李秀英、民间借贷、赵明。", 2 * time.Second, nil, "|prompt-echo: 李秀英、民间借贷、赵明。"},
		{"names in a sentence", "王建国，李秀英，民间借贷，是吗", 3 * time.Second, nil, "王建国，李秀英，民间借贷，是吗"},
		{"nobody speaks, says the engine", "好的", time.Second, rated("好的", 0.7, -1.2, 0.7), "|no-speech: 好的"},
		{"nobody speaks, yet it is sure", "好的", time.Second, rated("好的", 0.7, -0.3, 0.7), "好的"},
		{"nobody speaks at all", "好的", time.Second, rated("好的", 0.95, -0.7, 0.7), "|no-speech: 好的"},
		{"a tail", "我不同意。谢谢观看", 2 * time.Second, tail, "我不同意。|credits: 谢谢观看"},
		{"parts of another text", "我同意。谢谢观看", 2 * time.Second, tail, "我同意。谢谢观看"},
		{"nothing", "", time.Second, nil, ""},
	} {
		s := Segment{First: 16000, Last: 5*16000 - 1, Text: tt.text, Words: words(Spread(tt.text, 0, 4*time.Second), 16000)}
		if tt.name == "a tail" {
			s.Words = words(append(Spread("我不同意。", 0, 2*time.Second), Spread("谢谢观看", 2*time.Second, 4*time.Second)...), 16000)
		}
		before := len(s.Words)
		guard(&s, Hypothesis{Parts: tt.parts}, tt.voiced, prompt)
		got := s.Text
		for _, d := range s.Doubtful {
			got += fmt.Sprintf("|%s: %s", d.Reason, d.Text)
			if d.Start < 1000 || d.End > 5000 || d.End <= d.Start {
				t.Errorf("%s: from %d to %d", tt.name, d.Start, d.End)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if len(s.Doubtful) > 0 != (s.Text == "" && s.Rejected != "") && s.Text == "" && tt.text != "" {
			t.Errorf("%s: rejected %q", tt.name, s.Rejected)
		}
		if left := plain(s.Text); len(s.Words) != len([]rune(left)) && len(s.Words) != before {
			t.Errorf("%s: %d words of %q", tt.name, len(s.Words), s.Text)
		}
	}
}

// TestGuardLeavesSpeech: nothing that is said in the sample hearing is doubted.
func TestGuardLeavesSpeech(t *testing.T) {
	h, err := hearing.Reference()
	if err != nil {
		t.Fatal(err)
	}
	p := prompt(capture.Hearing{Cause: h.Cause, Hotwords: h.Hotwords})
	for _, sentence := range h.Sentences {
		s := Segment{Last: capture.SampleIndex(sentence.EndMS-sentence.StartMS) * 16, Text: sentence.Text}
		// A detector that hears two thirds of what is spoken.
		guard(&s, Hypothesis{}, time.Duration(sentence.EndMS-sentence.StartMS)*time.Millisecond*2/3, p)
		if s.Text != sentence.Text {
			t.Errorf("doubted: %+v", s.Doubtful)
		}
	}
	if len(h.Sentences) < 20 {
		t.Errorf("only %d sentences", len(h.Sentences))
	}
}

// TestDoubtful: what is made up leaves its utterance behind, marked.
func TestDoubtful(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		l.send(chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(1000).add(1000, -22).quiet(3000).samples, capture.EndClose)...)
		w, stop := start(t, l, scripted{answer: func(_ context.Context, c Clip) (Hypothesis, error) {
			return Hypothesis{Text: "谢谢观看", Words: Spread("谢谢观看", 0, time.Second), Engine: "e"}, nil
		}})
		waitFor(t, "end", time.Minute, func() bool { return l.done(1) })
		stop()
		s := l.steps("h/a")[0]
		if s.Stage != Final || s.Text != "" || len(s.Words) != 0 || len(s.Doubtful) != 1 || s.Doubtful[0].Reason != Credits || !strings.Contains(s.Rejected, "谢谢观看") {
			t.Errorf("%+v", s)
		}
		for _, s := range l.published {
			if s.Stage == Partial {
				t.Errorf("a partial was shown: %q", s.Text)
			}
		}
		if w.Stats().Doubtful != 1 {
			t.Errorf("%+v", w.Stats())
		}
	})
}
