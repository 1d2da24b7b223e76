package transcript

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Doubted is a word that an engine was unsure of, with what stands around it.
type Doubted struct {
	Before string `json:"before"`
	Heard  string `json:"heard"`
	After  string `json:"after"`
}

const (
	maxDoubted  = 12 // characters of a word
	suggestions = 5
	nearSound   = 3 // points for sounding alike; twice for sounding the same
)

// terms are words of every court, for which a hearing needs no vocabulary.
const terms = "审判长 审判员 书记员 人民陪审员 合议庭 原告 被告 第三人 证人 鉴定人 代理人 当事人 法定代表人 委托诉讼代理人 公诉人 被告人 辩护人 被害人 " +
	"现在开庭 现在休庭 继续开庭 现在闭庭 法庭调查 法庭辩论 最后陈述 法庭纪律 核对身份 诉讼权利 诉讼请求 事实和理由 申请回避 举证 质证 认证 证据 出示 传证人到庭 " +
	"真实性 合法性 关联性 有异议 没有异议 无异议 借款 还款 偿还 本金 利息 利率 逾期 违约金 借条 收条 欠条 转账 汇款 现金 银行 合同 协议 签字 签名 盖章 担保 抵押 " +
	"支付 给付 赔偿 损失 责任 连带责任 起诉 答辩 反诉 撤诉 上诉 调解 和解 判决 裁定 驳回 依法 公开审理 不公开 民间借贷 买卖合同 婚姻 继承 侵权 劳动争议 " +
	"到庭 出庭 作证 质询 陈述 发问 回答 提问 笔录 阅读 核对 属实 听清 清楚 明白 同意 不同意 补充 变更 民法典 民事诉讼法 规定 条款 条 款 项 法律 司法解释"

// Suggest names what a doubted word may have been: what sounds like it, of the
// names and terms of the hearing, of what is said elsewhere in it without doubt,
// and of the words of every court; the likeliest first. What stands around it
// counts: 何文 before 伯 is a name. *FieldError, ErrNotFound.
func (d *Docket) Suggest(ctx context.Context, hearing string, w Doubted) ([]string, error) {
	heard, err := requiredText("heard", "存疑的字词", "the doubted word", w.Heard, maxDoubted)
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name string
		text *string
	}{{"before", &w.Before}, {"after", &w.After}} {
		if *f.text, err = cleanText(f.name, *f.text, maxLineRunes); err != nil {
			return nil, err
		}
	}
	h, err := d.hearing(ctx, hearing)
	if err != nil {
		return nil, err
	}
	lines, _, err := d.store.Lines(ctx, hearing, 0)
	if err != nil {
		return nil, fmt.Errorf("read lines of %s: %w", hearing, err)
	}
	g := guesses{ear: ear{}, heard: []rune(heard), before: []rune(w.Before), after: []rune(w.After), points: map[string]int{}}
	for _, l := range lines {
		g.look([]rune(l.Text), l.DoubtfulWords(), 1)
	}
	for term := range strings.FieldsSeq(terms) {
		g.look([]rune(term), nil, 3)
	}
	for _, name := range vocabulary(&h) {
		g.look([]rune(name), nil, 4)
	}
	return g.best(), nil
}

// guesses collects what sounds like a word.
type guesses struct {
	ear           ear
	heard         []rune
	before, after []rune
	points        map[string]int
}

// look goes through a text, but for the places that are in doubt themselves.
func (g *guesses) look(text []rune, doubted [][2]int, worth int) {
	n := len(g.heard)
	for i := 0; i+n <= len(text); i++ {
		there := text[i : i+n]
		if slices.Equal(there, g.heard) || !spelt(there) ||
			slices.ContainsFunc(doubted, func(d [2]int) bool { return d[0] < i+n && i < d[1] }) {
			continue
		}
		context := agree(reversed(text[:i]), reversed(g.before)) + agree(text[i+n:], g.after)
		if n == 1 && context == 0 {
			continue // any character sounds like many
		}
		if !g.ear.alike(there, g.heard) && (n == 1 || others(there, g.heard) > 1 || worth == 1 && context == 0) {
			continue // one character may be wrong in sound too, where something else speaks for the word
		}
		score := worth + 4*context
		word := string(there)
		g.points[word] = max(g.points[word], score) + 1
	}
}

// best are the guesses by their points; those that sound the same before those
// that only sound alike.
func (g *guesses) best() []string {
	list := make([]string, 0, len(g.points))
	for word, n := range g.points {
		switch g.ear.compare(string(g.heard), word) {
		case SameSound:
			g.points[word] = n + 2*nearSound
		case SimilarSound:
			g.points[word] = n + nearSound
		}
		list = append(list, word)
	}
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(g.points[b], g.points[a]), strings.Compare(a, b))
	})
	return list[:min(suggestions, len(list))]
}

// agree counts the characters, two at most, at which two texts begin alike.
func agree(a, b []rune) (n int) {
	for n < min(len(a), len(b), 2) && a[n] == b[n] {
		n++
	}
	return n
}

// others counts the places at which two texts of one length differ.
func others(a, b []rune) (n int) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

func reversed(text []rune) []rune {
	tail := slices.Clone(text[max(0, len(text)-2):])
	slices.Reverse(tail)
	return tail
}

// spelt says whether a text is of characters alone: marks are no words.
func spelt(text []rune) bool {
	return !slices.ContainsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}
