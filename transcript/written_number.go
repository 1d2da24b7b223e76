package transcript

import (
	"strconv"
	"strings"
)

// numeral is a spoken number as it was read.
type numeral struct {
	from, end int    // runes
	whole     int64  // its value without the decimals
	decimals  string // digits after the point
	big       int64  // 万 or 亿 that its decimals, or all of it, are counted in; else 1
	lone      bool   // one digit without a unit: 三
	units     bool   // it has a unit: 十, 百, …
	short     bool   // its last unit was left out: 三万五, 三千五
}

// maxNumber bounds what is read, so that it can be counted in fen.
const maxNumber = int64(1e15)

func isFigure(r rune) bool { return '0' <= r && r <= '9' || '０' <= r && r <= '９' }

// isNumeral reports whether r can be part of a spoken number.
func isNumeral(r rune) bool { return digitOf(r) >= 0 || unitOf(r) > 0 }

func digitOf(r rune) int64 {
	switch r {
	case '零', '〇':
		return 0
	case '一', '幺':
		return 1
	case '二', '两':
		return 2
	case '三':
		return 3
	case '四':
		return 4
	case '五':
		return 5
	case '六':
		return 6
	case '七':
		return 7
	case '八':
		return 8
	case '九':
		return 9
	}
	return -1
}

func unitOf(r rune) int64 {
	switch r {
	case '十':
		return 10
	case '百':
		return 100
	case '千':
		return 1000
	case '万':
		return 1e4
	case '亿':
		return 1e8
	}
	return 0
}

// number reads the number that begins at a place: all numerals there, or none.
// Those that are no number by the rules of the language, such as 两三百, give
// false, as do numerals beside figures.
func (n *numberWriter) number(at int) (numeral, bool) {
	end := n.run(at)
	if end == at || !n.begins(at) || n.figure(end) {
		return numeral{}, false
	}
	num, ok := parseNumeral(n.text[at:end])
	if !ok {
		return numeral{}, false
	}
	num.from, num.end = at, end
	if num.short && !n.closes(end) {
		// 五千一个月: the last digit belongs to what follows.
		end--
		if num, ok = parseNumeral(n.text[at:end]); !ok {
			return numeral{}, false
		}
		num.from, num.end = at, end
		return num, true
	}
	if n.in(end, "点") && !num.short {
		n.point(&num)
	}
	return num, true
}

// begins reports whether a number can begin at a place: what follows numerals
// or figures is the rest of a number, even behind a point. So it is behind a
// comma where sums in figures are read: 200,000.
func (n *numberWriter) begins(at int) bool {
	before := at - 1
	if n.in(before, ".") || n.in(before, ",") && n.amounts != AmountsShort {
		before--
	}
	return before < 0 || !isFigure(n.text[before]) && (!isNumeral(n.text[before]) || n.after(before, "周", "星期", "礼拜"))
}

// closes reports whether a short number can end here: 三万五元, 还了三万五。
func (n *numberWriter) closes(i int) bool {
	return i == len(n.text) || n.in(i, "元块钱，。、；：？！,.;:?!）)”》 的了吧呢吗啊") || n.at(i, "左右") > 0
}

// point reads the decimals of a number that is followed by 点, if there are
// any: 三点八五, 三点五万.
func (n *numberWriter) point(num *numeral) {
	end := n.run(num.end + 1)
	text := n.text[num.end+1 : end]
	big := int64(1)
	if len(text) > 1 && unitOf(text[len(text)-1]) >= 1e4 {
		big, text = unitOf(text[len(text)-1]), text[:len(text)-1]
	}
	if len(text) == 0 || len(text) > 6 || num.big > 1 || n.figure(end) || n.in(end, "点") {
		return
	}
	var b strings.Builder
	for _, r := range text {
		if digitOf(r) < 0 || r == '两' || r == '幺' {
			return
		}
		b.WriteByte('0' + byte(digitOf(r)))
	}
	num.decimals, num.big, num.end, num.lone = b.String(), big, end, false
}

// parseNumeral reads numerals with units, or one digit: 三千零五十, 两万, 十二.
func parseNumeral(text []rune) (num numeral, ok bool) {
	if len(text) == 1 && digitOf(text[0]) >= 0 {
		return numeral{whole: digitOf(text[0]), big: 1, lone: true}, true
	}
	var total, section int64
	digit := int64(-1) // read, and waiting for its unit
	zero := false      // 零 has been read since the last unit
	last, lastBig := int64(1e4), int64(1e16)
	for i, r := range text {
		d, u := digitOf(r), unitOf(r)
		switch {
		case r == '幺':
			return num, false
		case d == 0:
			if i == 0 || zero || digit >= 0 {
				return num, false
			}
			zero = true
		case d > 0:
			if digit >= 0 || r == '两' && (i+1 == len(text) || unitOf(text[i+1]) < 100) {
				return num, false
			}
			if lastBig == 1e8 && section == 0 && !zero && last == 1e4 && !hasWan(text[i:]) && i+1 < len(text) {
				return num, false // 一亿二千: thousands, or ten millions
			}
			digit = d
		case u < 1e4:
			if digit < 0 && u == 10 && (section > 0 || total == 0 && i == 0) {
				digit = 1 // 十五, 一百十五
			}
			if digit < 0 || u >= last {
				return num, false
			}
			section += digit * u
			digit, zero, last = -1, false, u
		default:
			if i > 0 && unitOf(text[i-1]) == 1e4 && u == 1e8 { // 万亿
				total *= u
				lastBig = u
				continue
			}
			section += max(digit, 0)
			if section == 0 || u >= lastBig || digit < 0 && zero {
				return num, false
			}
			total += section * u
			section, digit, zero, last, lastBig = 0, -1, false, 1e4, u
		}
		if total > maxNumber {
			return num, false
		}
	}
	num.big, num.units = 1, true
	switch {
	case digit < 0 && zero: // 一百零
		return num, false
	case digit < 0 && section == 0:
		num.big = lastBig
	case digit >= 0 && !zero && section == 0: // 三万五
		if total == 0 {
			return num, false // digits only
		}
		digit *= lastBig / 10
		num.big, num.short = lastBig, true
	case digit >= 0 && !zero && last > 10: // 三千五
		digit *= last / 10
		num.short = true
	}
	num.whole = total + section + max(digit, 0)
	return num, num.whole <= maxNumber
}

func hasWan(text []rune) bool {
	for _, r := range text {
		if r == '万' {
			return true
		}
	}
	return false
}

// figures writes a number as near to what was said as figures are: 20万, 3.5万,
// 203500, 1.3亿.
func (num numeral) figures() string {
	if num.decimals != "" {
		return strconv.FormatInt(num.whole, 10) + "." + num.decimals + bigName(num.big)
	}
	switch {
	case num.big == 1:
		return strconv.FormatInt(num.whole, 10)
	case num.whole >= 1e8 && num.whole%1e6 == 0:
		return decimal(num.whole, 1e8) + "亿"
	}
	return decimal(num.whole, 1e4) + "万"
}

func bigName(big int64) string {
	switch big {
	case 1e4:
		return "万"
	case 1e8:
		return "亿"
	}
	return ""
}

// decimal writes a/b, b a power of ten, without zeros at its end.
func decimal(a, b int64) string {
	s := strconv.FormatInt(a/b, 10)
	if part := a % b; part > 0 {
		s += "." + strings.TrimRight(strconv.FormatInt(part+b, 10)[1:], "0")
	}
	return s
}

// fen is the number as an amount in yuan, in hundredths; false where it has
// more decimals or is too large.
func (num numeral) fen() (int64, bool) {
	fen := num.whole
	scale := num.big
	if num.decimals == "" {
		scale = 1 // big is in whole already
	}
	if fen > maxNumber/scale {
		return 0, false
	}
	fen *= 100 * scale
	unit := 10 * scale
	for _, d := range num.decimals {
		if d != '0' && unit == 0 {
			return 0, false
		}
		fen += int64(d-'0') * unit
		unit /= 10
	}
	return fen, true
}

// capital writes an amount as cheques do: 壹万零伍拾元整, 叁元伍角, 贰元零伍分.
func capital(fen int64) string {
	const digits = "零壹贰叁肆伍陆柒捌玖"
	digit := func(d int64) string { return string([]rune(digits)[d]) }
	var b strings.Builder
	zero := false // a 零 is due before the next digit
	for _, s := range []struct {
		size int64
		name string
	}{{1e12, "万"}, {1e8, "亿"}, {1e4, "万"}, {1, ""}} {
		part := fen / 100 / s.size % 1e4
		if s.size == 1e12 {
			part = fen / 100 / s.size
		}
		zero = zero && part < 1000 // 贰拾万叁仟: nothing is skipped between the two
		for _, u := range []struct {
			size int64
			name string
		}{{1000, "仟"}, {100, "佰"}, {10, "拾"}, {1, ""}} {
			d := part / u.size % 10
			if d == 0 {
				zero = b.Len() > 0
				continue
			}
			if zero {
				b.WriteString("零")
			}
			b.WriteString(digit(d) + u.name)
			zero = false
		}
		if part > 0 || s.size == 1e8 && fen/100 >= 1e12 {
			b.WriteString(s.name)
		}
	}
	if b.Len() > 0 {
		b.WriteString("元")
	}
	jiao, rest := fen/10%10, fen%10
	switch {
	case jiao == 0 && rest == 0 && b.Len() == 0:
		return "零元整"
	case jiao == 0 && rest == 0:
		return b.String() + "整"
	case jiao > 0:
		b.WriteString(digit(jiao) + "角")
	case b.Len() > 0:
		b.WriteString("零")
	}
	if rest > 0 {
		b.WriteString(digit(rest) + "分")
	}
	return b.String()
}
