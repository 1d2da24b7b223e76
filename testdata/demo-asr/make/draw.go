package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"tingji/cmd/demo-asr/lexicon"
)

// token is a word that is spoken, and what the language model calls it.
type token struct {
	say   string
	model string
}

// drawer draws sentences from the patterns.
type drawer struct {
	vocabulary *vocabulary
	patterns   []pattern
	weight     int // of all patterns
}

type pattern struct {
	weight int
	parts  []part
}

// part is text, a slot, or a choice of sequences of parts.
type part struct {
	text   string
	slot   string
	choice [][]part
}

func readPatterns(name string, v *vocabulary) (*drawer, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := &drawer{vocabulary: v}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		p := pattern{weight: 1}
		if line[0] == '*' {
			count, rest, _ := strings.Cut(line[1:], " ")
			if p.weight, err = strconv.Atoi(count); err != nil {
				return nil, fmt.Errorf("%s line %d: weight: %w", name, n, err)
			}
			line = rest
		}
		rest := []rune(line)
		if p.parts, rest, err = sequence(rest); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", name, n, err)
		}
		if len(rest) > 0 {
			return nil, fmt.Errorf("%s line %d: %q left over", name, n, string(rest))
		}
		d.patterns = append(d.patterns, p)
		d.weight += p.weight
	}
	return d, lines.Err()
}

// sequence reads up to the end, or to a | or ) that belongs to whoever asked.
func sequence(in []rune) (parts []part, rest []rune, err error) {
	for len(in) > 0 {
		switch in[0] {
		case '|', ')':
			return parts, in, nil
		case '(':
			var p part
			for open := true; open; {
				var alternative []part
				if alternative, in, err = sequence(in[1:]); err != nil {
					return nil, nil, err
				}
				if len(in) == 0 {
					return nil, nil, fmt.Errorf("( without )")
				}
				p.choice = append(p.choice, alternative)
				open = in[0] == '|'
			}
			parts, in = append(parts, p), in[1:]
		case '{':
			name, after, ok := strings.Cut(string(in[1:]), "}")
			if !ok {
				return nil, nil, fmt.Errorf("{ without }")
			}
			parts, in = append(parts, part{slot: name}), []rune(after)
		default:
			n := 0
			for n < len(in) && !strings.ContainsRune("(|){}", in[n]) {
				n++
			}
			if n == 0 {
				return nil, nil, fmt.Errorf("stray %c", in[0])
			}
			parts, in = append(parts, part{text: string(in[:n])}), in[n:]
		}
	}
	return parts, nil, nil
}

// draw makes one sentence.
func (d *drawer) draw(r *rand.Rand) ([]token, error) {
	n := r.IntN(d.weight)
	for _, p := range d.patterns {
		if n -= p.weight; n < 0 {
			return d.fill(p.parts, r)
		}
	}
	panic("unreachable: weights add up")
}

// fill says the parts. Text between slots is cut as a whole, so that words may
// reach over a choice.
func (d *drawer) fill(parts []part, r *rand.Rand) ([]token, error) {
	var out []token
	var text strings.Builder
	flush := func() error {
		words, err := d.vocabulary.cut(text.String())
		text.Reset()
		for _, w := range words {
			out = append(out, token{w, w})
		}
		return err
	}
	var walk func([]part) error
	walk = func(parts []part) error {
		for _, p := range parts {
			switch {
			case p.choice != nil:
				if err := walk(p.choice[r.IntN(len(p.choice))]); err != nil {
					return err
				}
			case p.slot != "":
				said, isHot, err := d.slot(p.slot, r)
				if err != nil {
					return err
				}
				if !isHot {
					text.WriteString(said)
					continue
				}
				if err := flush(); err != nil {
					return err
				}
				out = append(out, token{said, lexicon.Hot})
			default:
				text.WriteString(p.text)
			}
		}
		return nil
	}
	if err := walk(parts); err != nil {
		return nil, err
	}
	return out, flush()
}

// slot fills a slot; isHot: with a word that no lexicon knows.
func (d *drawer) slot(name string, r *rand.Rand) (said string, isHot bool, err error) {
	switch name {
	case "名":
		return person(r), true, nil
	case "地":
		return place(r), true, nil
	case "组织":
		return place(r), true, nil
	case "案由":
		return pick(r, "民间借贷纠纷", "买卖合同纠纷", "房屋租赁合同纠纷", "劳动争议", "离婚纠纷", "机动车交通事故责任纠纷", "建设工程施工合同纠纷", "继承纠纷", "物业服务合同纠纷", "借款合同纠纷"), false, nil
	case "日期":
		return year(r) + "年" + number(1+r.IntN(12)) + "月" + number(1+r.IntN(31)) + pick(r, "日", "日", "号"), false, nil
	case "年月":
		return year(r) + "年" + number(1+r.IntN(12)) + "月", false, nil
	case "时刻":
		return pick(r, "上午", "下午", "") + number(1+r.IntN(12)) + pick(r, "点", "时", "点"+number(5+r.IntN(55))+"分", "时"+number(5+r.IntN(55))+"分", "点半"), false, nil
	case "金额":
		return amount(r) + pick(r, "元", "元", "元", "块钱", ""), false, nil
	case "整额":
		return number((1+r.IntN(30))*10000) + pick(r, "元", "元", ""), false, nil
	case "利率":
		return interest(r), false, nil
	case "数":
		return number(1 + r.IntN(60)), false, nil
	case "几":
		return pick(r, "一", "二", "三", "四", "五", "六"), false, nil
	case "条":
		return number(1 + r.IntN(1260)), false, nil
	case "案号":
		return year(r) + pick(r, "内", "京", "冀", "晋", "辽", "吉", "黑", "苏", "浙", "鲁", "豫", "陕") + digits(r, 4) + pick(r, "民初", "民初", "民终", "刑初", "行初", "执") +
			pick(r, number(1+r.IntN(9999)), digits(r, 1+r.IntN(4))) + "号", false, nil
	case "期限":
		return pick(r, "一年", "两年", "三年", "半年", "六个月", "三个月", "十二个月", "一个月", number(1+r.IntN(30))+"天", number(2+r.IntN(30))+"个月"), false, nil
	case "数字串":
		return digits(r, 4+r.IntN(8)), false, nil
	}
	words := d.vocabulary.sections[name]
	if len(words) == 0 {
		return "", false, fmt.Errorf("slot %s: no such section", name)
	}
	return words[r.IntN(len(words))], false, nil
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// anyWords is a row of words without grammar: the speech must hold every
// neighbourhood of sounds.
func (d *drawer) anyWords(r *rand.Rand, n int) []token {
	out := make([]token, n)
	for i := range out {
		w := d.vocabulary.words[r.IntN(len(d.vocabulary.words))]
		if r.IntN(12) == 0 {
			w = person(r)
		}
		out[i] = token{w, w}
	}
	return out
}
