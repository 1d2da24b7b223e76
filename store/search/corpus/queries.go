package corpus

import (
	"fmt"
	"strings"

	"github.com/mozillazg/go-pinyin"
)

// Query is a random query, of every kind that there is, about h. Most find
// something.
func (c *Corpus) Query(h *Hearing) string {
	line := pick(c.rng, h.Lines)
	runes := []rune(strings.TrimSuffix(line.Text, "。"))
	part := func(n int) string {
		n = min(n, len(runes))
		at := c.rng.IntN(len(runes) - n + 1)
		s := strings.Trim(string(runes[at:at+n]), "，。")
		if s == "" {
			s = "的"
		}
		return s
	}
	word := func() string {
		switch c.rng.IntN(13) {
		case 0:
			return part(1)
		case 1, 2:
			return part(2)
		case 3:
			return part(3)
		case 4:
			return part(4 + c.rng.IntN(8))
		case 5:
			return `"` + part(2+c.rng.IntN(4)) + `"`
		case 6:
			return "音:" + heard(part(1+c.rng.IntN(4)))
		case 7:
			return "音:" + Typed(part(1+c.rng.IntN(3)), c.rng.IntN(4))
		case 8:
			return c.Amount()
		case 9:
			return c.RareWord()
		case 10:
			return Typed(part(1+c.rng.IntN(3)), c.rng.IntN(4)) // letters alone may be a word of the text
		}
		return c.Word()
	}
	q := word()
	switch c.rng.IntN(8) {
	case 0, 1:
		q += " " + word()
	case 2:
		q += " -" + part(1+c.rng.IntN(2))
	case 3:
		q += fmt.Sprintf(" ~%d行 %s", 1+c.rng.IntN(4), word())
	case 4:
		q += fmt.Sprintf(" ~%d秒 %s", 1+c.rng.IntN(60), word())
	}
	switch c.rng.IntN(12) {
	case 0:
		q = "角色:" + line.Role + " " + q
	case 1:
		q = "-角色:" + line.Role + " " + q
	case 2:
		q = "人:" + line.Speaker + " " + q
	case 3:
		q += " 法庭:" + h.Courtroom
	case 4:
		q += " 案号:" + h.CaseNo[len(h.CaseNo)/2:]
		q = strings.ToValidUTF8(q, "")
	case 5:
		q += " 日期:" + h.OpenedAt.Format("2006-01") + ".."
	case 6:
		q += " 类型:民初"
	case 7:
		q += " 范围:识别"
	case 8:
		q = pick(c.rng, strings.Fields("阶段:宣布开庭 阶段:法庭辩论 -阶段:休庭")) + " " + q
	}
	return q
}

// heard is s, or a word where s has nothing to be heard.
func heard(s string) string {
	if strings.Trim(s, "0123456789，。") == "" {
		return "合同"
	}
	return s
}

// Typed writes characters as they are typed: 0 pinyin, 1 with tones as digits, 2
// initials, 3 with tones as marks.
func Typed(s string, how int) string {
	args := pinyin.NewArgs()
	switch how {
	case 1:
		args.Style = pinyin.Tone3
	case 2:
		args.Style = pinyin.FirstLetter
	case 3:
		args.Style = pinyin.Tone
	}
	typed := ""
	for _, r := range s {
		if list := pinyin.SinglePinyin(r, args); len(list) > 0 {
			typed += list[0]
		}
	}
	if len(typed) < 2 {
		return "de"
	}
	return typed
}
