package search

import (
	"strconv"
	"strings"
)

// number is a number in a folded text.
type number struct {
	start, end int    // runes
	value      string // the same for every way to write it
}

// numbers finds the numbers of a folded text, in digits, in Chinese numerals,
// small or capital, or in both: 20万, 二十万, 200,000, 贰拾万, 三万五, 3.5万,
// 二零二四, 百分之五.
func numbers(text []rune) []number {
	var list []number
	for i := 0; i < len(text); {
		if !numeral(text[i]) {
			i++
			continue
		}
		percent := hasPrefix(text[i:], "百分之")
		at := i
		if percent {
			at += 3
		}
		end, value := scanNumber(text, at)
		if end == at && percent { // 百分之 and no number: 百 begins none
			i += 3
			continue
		}
		if end == at {
			i++
			continue
		}
		if !percent && end < len(text) && text[end] == '%' {
			percent = true
			end++
		}
		if percent {
			value += "%"
		}
		list = append(list, number{i, end, value})
		i = end
	}
	return list
}

func hasPrefix(text []rune, s string) bool {
	for _, r := range s {
		if len(text) == 0 || text[0] != r {
			return false
		}
		text = text[1:]
	}
	return true
}

// numeral reports whether a number can begin with r.
func numeral(r rune) bool {
	return isDigit(r) || digit(r) >= 0 || r == '十' || r == '拾' || r == '百'
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func digit(r rune) int64 {
	switch r {
	case '零', '〇':
		return 0
	case '一', '壹':
		return 1
	case '二', '贰', '两':
		return 2
	case '三', '叁':
		return 3
	case '四', '肆':
		return 4
	case '五', '伍':
		return 5
	case '六', '陆':
		return 6
	case '七', '柒':
		return 7
	case '八', '捌':
		return 8
	case '九', '玖':
		return 9
	}
	return -1
}

func unit(r rune) int64 {
	switch r {
	case '十', '拾':
		return 10
	case '百', '佰':
		return 100
	case '千', '仟':
		return 1000
	case '万', '萬':
		return 10_000
	case '亿', '億':
		return 100_000_000
	}
	return 0
}

// Values are kept in millionths, below limit.
const (
	millionths = 1_000_000
	limit      = int64(4e18)
)

// scanNumber reads the number that begins at start; end is start where none
// does.
func scanNumber(text []rune, start int) (end int, value string) {
	// Digits one after another, without units: a year, a telephone number.
	if end, digits := scanDigits(text, start); end > start {
		pointed := end == start+1 && end < len(text) && text[end] == '点' // 三点五万
		if end == len(text) || unit(text[end]) == 0 && !pointed {
			return end, digits
		}
	}
	var total int64
	last := int64(1e16) // 万 or 亿 of the section before
	i := start
	for i < len(text) {
		n, at, single := scanSection(text, i, i > start)
		if at == i {
			break
		}
		big := int64(1)
		for at < len(text) && unit(text[at]) >= 10_000 && big < 1e8 {
			big *= unit(text[at])
			at++
		}
		if big == 1 && single && i > start {
			big = last / 10 // 三万五
		}
		if big >= last || n > limit/big || total > limit-n*big {
			break
		}
		total += n * big
		i, last = at, big
		if big < 10_000 || i < len(text) && unit(text[i]) > 0 {
			break
		}
	}
	if i == start {
		return start, ""
	}
	return i, decimal(total)
}

// scanSection reads a number below 万: 三千零五十, 35, 3.5, 十二. inside: it
// follows a 万 or 亿. single: it is one Chinese digit, without 零 before it.
func scanSection(text []rune, start int, inside bool) (millionth int64, end int, single bool) {
	last, i := int64(10_000), start
	for i < len(text) {
		at, zero := i, false
		if inside && digit(text[at]) == 0 {
			at, zero = at+1, true
		}
		n, after, plain := scanAmount(text, at)
		if after == at {
			if after == len(text) || unit(text[after]) != 10 || last <= 10 {
				break
			}
			n = millionths // 十五, 一百十五
		}
		u := int64(0)
		if after < len(text) {
			u = unit(text[after])
		}
		if 0 < u && u < 10_000 {
			if u >= last || n > limit/10_000 {
				break
			}
			millionth, i, last, inside = millionth+n*u, after+1, u, true
			continue
		}
		if plain && !zero && (last == 100 || last == 1000) && u == 0 {
			n *= last / 10 // 三千五
		}
		return millionth + n, after, plain && !zero && at == start
	}
	return millionth, i, false
}

// scanDigits reads a run of digits of one kind, at least one; thousands may be
// parted by commas. A single Chinese digit is such a run too.
func scanDigits(text []rune, start int) (end int, value string) {
	var b strings.Builder
	i := start
	if i < len(text) && isDigit(text[i]) {
		i = scanArabic(text, i, &b)
	} else {
		for i < len(text) && digit(text[i]) >= 0 {
			b.WriteByte('0' + byte(digit(text[i])))
			i++
		}
	}
	return i, plainValue(b.String())
}

// scanArabic reads 200,000.50 and writes it without commas.
func scanArabic(text []rune, i int, b *strings.Builder) int {
	digits := func() int {
		n := 0
		for i+n < len(text) && isDigit(text[i+n]) {
			n++
		}
		return n
	}
	write := func(n int) {
		for range n {
			b.WriteRune(text[i])
			i++
		}
	}
	n := digits()
	write(n)
	for n <= 3 && i < len(text) && text[i] == ',' {
		i++
		if digits() != 3 {
			i--
			break
		}
		write(3)
	}
	if i+1 < len(text) && text[i] == '.' && isDigit(text[i+1]) {
		write(1)
		write(digits())
	}
	return i
}

// scanAmount is what stands before a unit: digits, or one Chinese digit, or a
// Chinese digit with a decimal part (三点五). plain: it was one Chinese digit.
func scanAmount(text []rune, start int) (millionth int64, end int, plain bool) {
	if start >= len(text) {
		return 0, start, false
	}
	if isDigit(text[start]) {
		var b strings.Builder
		end = scanArabic(text, start, &b)
		n, ok := parseMillionths(b.String())
		if !ok {
			return 0, start, false
		}
		return n, end, false
	}
	d := digit(text[start])
	if d < 0 {
		return 0, start, false
	}
	end = start + 1
	if end+1 < len(text) && text[end] == '点' && digit(text[end+1]) >= 0 {
		n, at := d*millionths, end+1
		for scale := int64(millionths / 10); at < len(text) && digit(text[at]) >= 0 && scale > 0; scale /= 10 {
			n += digit(text[at]) * scale
			at++
		}
		if at < len(text) && unit(text[at]) >= 100 { // else it may be three o'clock and five
			return n, at, false
		}
	}
	return d * millionths, end, true
}

func parseMillionths(s string) (int64, bool) {
	whole, part, _ := strings.Cut(s, ".")
	if len(part) > 6 || len(whole) > 12 {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", 6-len(part)), 10, 64)
	return n, err == nil
}

// plainValue is the value of digits without a unit, of any length.
func plainValue(s string) string {
	if n, ok := parseMillionths(s); ok {
		return decimal(n)
	}
	return s
}

func decimal(millionth int64) string {
	s := strconv.FormatInt(millionth/millionths, 10)
	if part := millionth % millionths; part != 0 {
		s += strings.TrimRight("."+strconv.FormatInt(part+millionths, 10)[1:], "0")
	}
	return s
}
