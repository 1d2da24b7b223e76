package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tingji/cmd/demo-asr/lexicon"
)

func TestHotwordsOfAPrompt(t *testing.T) {
	known := map[string]bool{"借条": true}
	for prompt, want := range map[string]string{
		"":            "",
		"张三，李四，借条":    "张三 李四 借条",
		"张三, 张三。\n王五": "张三 王五",
		"甲":           "",
		"这是一句很长的话它不是词而是上下文": "",
		"ABC公司 2024":    "公司",
		"买买提·吐尔逊，·，张三·": "买买提·吐尔逊 张三",
	} {
		if got := strings.Join(hotwords(prompt, known), " "); got != want {
			t.Errorf("%q: %s, want %s", prompt, got, want)
		}
	}
	var many []string
	for i := range lexicon.HotSlots {
		many = append(many, "甲"+string(rune('一'+i)))
	}
	got := hotwords("借条，"+strings.Join(many, "，"), known)
	if len(got) != lexicon.HotSlots || slices.Contains(got, "借条") {
		t.Errorf("%d words, %v: a known word takes the place of a strange one", len(got), got)
	}
}

func TestDictionary(t *testing.T) {
	reader, err := lexicon.NewReader(strings.NewReader("银行 yin2 hang2\n"))
	if err != nil {
		t.Fatal(err)
	}
	dict, slots := dictionary([]byte("一 i\n"), []string{"单行", "𠀀𠀁", "买提·单"}, reader)
	for _, want := range []string{"一 i\n", "HOT01 d an x ing\n", " d an h ang\n", " sh an x ing\n", "HOT03 m ai t i d an\n"} {
		if !strings.Contains(string(dict), want) {
			t.Errorf("%q lacks %q", dict, want)
		}
	}
	if slots["HOT01"] != "单行" || slots["HOT03"] != "买提·单" {
		t.Errorf("slots %v", slots)
	}
}

func FuzzHotwords(f *testing.F) {
	reader, err := lexicon.NewReader(strings.NewReader(""))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("张三，李四 A，借条")
	f.Add("\xff长\x00长长长")
	f.Fuzz(func(t *testing.T, prompt string) {
		words := hotwords(prompt, nil)
		dict, slots := dictionary(nil, words, reader)
		if len(words) > lexicon.HotSlots || len(slots) > len(words) || !utf8.Valid(dict) {
			t.Errorf("%q: %v %v", prompt, words, slots)
		}
	})
}
