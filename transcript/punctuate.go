package transcript

import (
	"slices"
	"strings"
	"unicode"
)

// A pause between two words is heard as a comma from looseMS on: engines are
// not sure where words end. One that lays words end to end leaves time between
// them only where it heard silence, and there closeMS are enough. (The sample
// hearing as demo-asr reads it, 59 commas: 0 found from 250 ms on, 51 from 100,
// none of them wrong.)
const (
	looseMS = 250
	closeMS = 100
)

// Line gives the written form of a line: its numbers, and punctuation where
// the engine gave none at all. A line that was cut off from another one gets no
// punctuation, and a clerk's note stays as he wrote it.
func (f WrittenForm) Line(l Line) Written {
	if l.Origin == Hand && l.Channel == "" {
		return apply(l.Text, nil)
	}
	text := []rune(l.Text)
	changes := f.numbers(text)
	if l.Origin == Speech {
		changes = mergeMarks(changes, marks(text, l.Words))
	}
	return apply(l.Text, changes)
}

// mergeMarks adds marks, which are insertions, to changes; inside of a change,
// the pause was one inside of a number.
func mergeMarks(changes, marks []change) []change {
	inside := func(m change) bool {
		return slices.ContainsFunc(changes, func(c change) bool { return c.from < m.from && m.from < c.to })
	}
	changes = append(changes, slices.DeleteFunc(marks, inside)...)
	slices.SortStableFunc(changes, func(a, b change) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return a.to - b.to
	})
	return changes
}

// marks punctuate a text that has no mark of its own: commas for pauses, and
// at its end what kind of sentence it is. nil for a text that is not Chinese.
func marks(text []rune, words []Word) []change {
	if len(text) == 0 || !unicode.Is(unicode.Han, text[len(text)-1]) || slices.ContainsFunc(text, isMark) {
		return nil
	}
	var list []change
	least := leastPause(words)
	for i, end := range wordEnds(text, words) {
		if i+1 < len(words) && end > 0 && words[i+1].StartMS-words[i].EndMS > least && pauses(text, end) {
			list = append(list, change{end, end, "，"})
		}
	}
	end := "。"
	if isQuestion(string(text)) {
		end = "？"
	}
	return append(list, change{len(text), len(text), end})
}

// leastPause is how long a silence between two of the words is that parts them.
func leastPause(words []Word) int64 {
	close := 0
	for i := range len(words) - 1 {
		if words[i+1].StartMS == words[i].EndMS {
			close++
		}
	}
	if 2*close >= len(words)-1 {
		return closeMS
	}
	return looseMS
}

func isMark(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) && r > unicode.MaxASCII }

// wordEnds says where in text each word ends. Of a corrected text it knows the
// places before and behind what was corrected, and the end of that; the others are 0.
func wordEnds(text []rune, words []Word) []int {
	ends := make([]int, len(words))
	at, next := 0, 0
	for ; next < len(words); next++ {
		for at < len(text) && unicode.IsSpace(text[at]) {
			at++
		}
		length := prefixLen(text[at:], words[next].Text)
		if length == 0 {
			break
		}
		at += length
		ends[next] = at
	}
	end := len(text)
	for i := len(words) - 1; i >= next; i-- {
		for end > at && unicode.IsSpace(text[end-1]) {
			end--
		}
		word := []rune(words[i].Text)
		if len(word) == 0 || end-len(word) < at || !slices.Equal(text[end-len(word):end], word) {
			break
		}
		ends[i] = end
		end -= len(word)
		if i > next && end > at {
			ends[i-1] = end // of what was corrected, if that is where it ends
		}
	}
	return ends
}

// pauses reports whether a pause at a place can part clauses: not inside of a
// number, nor before its unit or the particle that closes a sentence.
func pauses(text []rune, at int) bool {
	if at <= 0 || at >= len(text) {
		return false
	}
	n := numberWriter{text: text}
	counted := isNumeral(text[at-1]) || isFigure(text[at-1])
	switch {
	case n.in(at, "的了吗呢吧啊嘛地得们"):
		return false
	case text[at-1] == '第' || n.after(at, "分之", "案号"):
		return false
	case !counted:
		return true
	case isNumeral(text[at]) || isFigure(text[at]):
		return false
	}
	return n.at(at, measures()...) == 0 && !n.in(at, "个次人名位份张笔页条款项点分多余倍元块")
}

// isQuestion tells a question from a statement by the words that make one:
// particles, 是否 and its kin, and question words that nothing turns around
// (没有什么, 谁都, 不知道是否).
func isQuestion(text string) bool {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	ends := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasSuffix(text, w) })
	}
	if ends("吗", "对吧", "是吧", "对不对", "是不是", "好不好", "行不行", "可以不", "怎么样", "为什么") {
		return true
	}
	if ends("呢") {
		return !has("还", "才", "正", "着呢")
	}
	if has("不知道", "不清楚", "不记得", "记不清", "忘了", "无论", "不管", "不论", "说明", "查明", "核实", "审查", "认定") {
		return false
	}
	if has("是否", "有没有", "是不是", "能不能", "会不会", "要不要", "可不可以", "愿不愿意", "同不同意", "还有无", "有无异议", "有无意见", "有无补充") {
		return true
	}
	return has("什么", "怎么", "为何", "多少", "哪里", "哪儿", "哪天", "哪个", "哪些", "是谁", "谁的", "几次", "几个", "几点", "何时", "如何") &&
		!has("没", "不", "都", "也", "请", "这么", "好几", "多少年", "就")
}
