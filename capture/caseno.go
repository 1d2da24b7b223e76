package capture

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// CaseNo is a case number, 案号: （2024）内0102民初123号
// (法〔2015〕137号, amended by 法〔2018〕335号).
type CaseNo struct {
	Year    int    // 1000 to 2999
	Court   string // 法院代字: 最高法, or a province and up to four digits
	Special string // at most one character: 知民终 is Special 知, Type 民终
	Type    string // 案件类型代字, one of the table
	Number  string // one to eight digits, as they were written
}

// String is the stored form, with full-width brackets.
func (c CaseNo) String() string {
	return fmt.Sprintf("（%d）%s%s%s%s号", c.Year, c.Court, c.Special, c.Type, c.Number)
}

// CaseNoPart names the part of a case number that an error is about.
type CaseNoPart string

const (
	PartYear   CaseNoPart = "year"
	PartCourt  CaseNoPart = "court"
	PartType   CaseNoPart = "type"
	PartNumber CaseNoPart = "number"
	PartEnd    CaseNoPart = "end" // 号, and nothing after it
)

// CaseNoError says which part of a case number is wrong.
type CaseNoError struct {
	Input  string
	Part   CaseNoPart
	Text   string // Chinese
	TextEN string
}

func (e *CaseNoError) Error() string { return e.TextEN }

// caseTypes are the 案件类型代字 that a hearing can have.
func caseTypes() []string {
	return strings.Fields(`
	民初 民终 民特 民申 民再 民监 民抗 民撤 民督 民督监 民催 民特监 民辖 民辖终 民辖监 民他 民保令 民保更 民算 民破
	刑初 刑终 刑申 刑再 刑监 刑抗 刑核 刑复 刑更 刑更备 刑医 刑医复 刑医监 刑没 刑没终 刑辖 刑止 刑他
	行初 行终 行申 行再 行监 行抗 行审 行审复 行辖 行辖终 行他 行赔初 行赔终 行赔申 行赔再 行赔监 行赔抗 行赔他
	执 执恢 执异 执复 执监 执协 执保 执他 财保 行保 证保
	破 破申 破终 破监 破他 强清 强清申 强清终 强清监 强清他
	法赔 委赔 委赔监 委赔提 委赔再 委赔他 司救民 司救刑 司救行 司救赔 司救执 司救访 司救他
	司惩 司惩复 认台 认港 认澳 认复 协外认 协他 清申 清监`)
}

// ParseCaseNo reads a case number. Half-width brackets and surrounding spaces
// are accepted; anything else that is wrong gives a *CaseNoError.
func ParseCaseNo(s string) (CaseNo, error) {
	var c CaseNo
	in := strings.TrimSpace(s)
	fail := func(part CaseNoPart, zh, en string) (CaseNo, error) {
		shown := abbreviate(in)
		return CaseNo{}, &CaseNoError{Input: s, Part: part,
			Text:   fmt.Sprintf("案号“%s”：%s", shown, zh),
			TextEN: fmt.Sprintf("case number %q: %s", shown, en)}
	}
	if in == "" {
		return fail(PartYear, "没有填写；应如（2024）内0102民初123号", "it is empty; it should look like （2024）内0102民初123号")
	}

	// The year.
	rest, ok := cutAny(in, "（", "(")
	year := leadingDigits(rest, 5)
	after, closed := cutAny(rest[len(year):], "）", ")")
	if !ok || len(year) != 4 || year[0] != '1' && year[0] != '2' || !closed {
		return fail(PartYear, "年度有误，应为括号中的四位年份，如（2024）", "the year is wrong: four digits in brackets, as in （2024）")
	}
	for _, d := range year {
		c.Year = c.Year*10 + int(d-'0')
	}
	rest = after

	// The court's own code.
	const provinces = "京津沪渝冀晋内辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川黔云藏陕甘青宁新兵军"
	if after, ok := strings.CutPrefix(rest, "最高法"); ok {
		c.Court, rest = "最高法", after
	} else {
		r, n := utf8.DecodeRuneInString(rest)
		if n == 0 || !strings.ContainsRune(provinces, r) {
			return fail(PartCourt, "法院代字有误，应为“最高法”或省份简称加至多四位数字，如内0102",
				"the court code is wrong: 最高法, or the character of a province and at most four digits, as in 内0102")
		}
		digits := leadingDigits(rest[n:], 5)
		if len(digits) > 4 {
			return fail(PartCourt, "法院代字的数字多于四位", "the court code has more than four digits")
		}
		c.Court, rest = rest[:n+len(digits)], rest[n+len(digits):]
	}

	// The type, with a character for a special trial before it or without.
	end := strings.IndexFunc(rest, func(r rune) bool { return !unicode.Is(unicode.Han, r) || r == '号' })
	if end < 0 {
		end = len(rest)
	}
	han := rest[:end]
	if c.Special, c.Type, ok = splitCaseType(han); !ok {
		near := nearestCaseType(han)
		return fail(PartType, fmt.Sprintf("案件类型代字“%s”不在表中，最接近的是“%s”", abbreviate(han), near),
			fmt.Sprintf("the type %q is not in the table; the nearest is %q", abbreviate(han), near))
	}
	rest = rest[end:]

	// The number.
	c.Number = leadingDigits(rest, 9)
	if n := len(c.Number); n == 0 || n > 8 {
		return fail(PartNumber, "案件编号有误，应为一至八位数字", "the number is wrong: one to eight digits")
	}
	if rest[len(c.Number):] != "号" {
		return fail(PartEnd, "编号之后应以“号”字结束", "it must end with 号 right after the number")
	}
	return c, nil
}

func splitCaseType(han string) (special, kind string, ok bool) {
	_, first := utf8.DecodeRuneInString(han)
	for _, t := range caseTypes() {
		if han == t {
			return "", t, true
		}
		// No character of a special trial is a type of its own with this rest:
		// the whole word is looked for first.
		if han[first:] == t {
			special, kind, ok = han[:first], t, true
		}
	}
	return special, kind, ok
}

func nearestCaseType(han string) string {
	nearest, distance := "", 1<<30
	for _, t := range caseTypes() {
		if d := levenshtein.ComputeDistance(abbreviate(han), t); d < distance {
			nearest, distance = t, d
		}
	}
	return nearest
}

func cutAny(s string, prefixes ...string) (rest string, ok bool) {
	for _, p := range prefixes {
		if after, found := strings.CutPrefix(s, p); found {
			return after, true
		}
	}
	return s, false
}

// leadingDigits is the run of ASCII digits that s begins with, at most n.
func leadingDigits(s string, n int) string {
	i := 0
	for i < len(s) && i < n && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i]
}
