package transcript

import (
	"strconv"
	"strings"
	"unicode"

	"tingji/capture"
)

func (n *numberWriter) same(from, to int) (int, string) { return to, string(n.text[from:to]) }

// quoted leaves the titles of laws and documents alone: 《…》.
func (n *numberWriter) quoted(at int) (int, string) {
	const longest = 100 // runes; a bracket that never closes quotes nothing
	if n.text[at] != '《' {
		return at, ""
	}
	for i := at; i < min(len(n.text), at+longest); i++ {
		if n.text[i] == '》' {
			return n.same(at, i+1)
		}
	}
	return at, ""
}

// fixed leaves words and names alone that hold numerals and count nothing.
func (n *numberWriter) fixed(at int) (int, string) {
	if length := n.at(at, n.keep...); length > 0 {
		return n.same(at, at+length)
	}
	if length := n.at(at, fixedWords()...); length > 0 {
		return n.same(at, at+length)
	}
	if n.text[at] == '第' {
		return n.same(at, max(at+1, n.run(at+1)))
	}
	if n.in(at, "几数") && isUnits(n.text[at+1:n.run(at+1)]) { // 几十万; not 人数十二人
		return n.same(at, n.run(at+1))
	}
	if length := n.at(at, "星期", "礼拜", "周"); length > 0 && n.in(at+length, "一二三四五六") {
		return n.same(at, at+length+1) // 周二十点 is ten o'clock
	}
	if length := n.at(at, "证据", "附件"); length > 0 {
		if end := n.run(at + length); end > at+length && !n.in(end, "份组个张页件") {
			return n.same(at, end)
		}
	}
	if n.at(at, "农历", "阴历", "旧历", "腊月", "正月", "大年") > 0 || n.text[at] == '初' && !n.in(at-1, "月年最当民刑行") {
		end := at + 1
		for end < len(n.text) && (isNumeral(n.text[end]) || n.in(end, "历月年日号初")) {
			end++
		}
		return n.same(at, end)
	}
	return at, ""
}

// fixedWords are those that the rules would otherwise take for numbers.
func fixedWords() []string {
	return []string{
		"一五一十", "十全十美", "十有八九", "十之八九", "三十六计", "十万火急", "十万八千里", "五十步笑百步",
		"三天两头", "三日两头", "三年五载", "三年两载", "三天三夜", "七年之痒", "十年树木",
		"三月三", "二月二", "七月七", "七月半", "三十而立", "四十不惑", "十月怀胎", "一千零一夜", "零元整",
		"十五大", "十六大", "十七大", "十八大", "十九大", "二十大", "双十一", "双十二", "十二生肖", "二十四节气",
	}
}

func isUnits(text []rune) bool {
	for _, r := range text {
		if unitOf(r) == 0 {
			return false
		}
	}
	return len(text) > 0
}

// plainDigits reads up to limit digits, spoken or in figures, one after another.
func (n *numberWriter) plainDigits(at, limit int) (end int, digits string) {
	var b strings.Builder
	for end = at; end < len(n.text) && end-at < limit; end++ {
		r := n.text[end]
		switch {
		case '0' <= r && r <= '9':
			b.WriteRune(r)
		case digitOf(r) >= 0 && r != '两':
			b.WriteByte('0' + byte(digitOf(r)))
		default:
			return end, b.String()
		}
	}
	return end, b.String()
}

// caseNo writes a case number: 二零二六内零零零零民初一号 is （2026）内0000民初1号.
// What is no case number by its form and its table of types stays.
func (n *numberWriter) caseNo(at int) (int, string) {
	i := at
	open := n.in(i, "（(")
	if open {
		i++
	}
	if i == len(n.text) || n.figure(i-1) || !isFigure(n.text[i]) && digitOf(n.text[i]) < 0 {
		return at, ""
	}
	i, year := n.plainDigits(i, 4)
	if n.in(i, "年") {
		i++
	}
	if open != n.in(i, "）)") || len(year) != 4 {
		return at, ""
	}
	if open {
		i++
	}
	court := i + max(1, n.at(i, "最高法"))
	if court > len(n.text) {
		return at, ""
	}
	kind, code := n.plainDigits(court, 4)
	number := kind
	for number < len(n.text) && number-kind < 4 && unicode.Is(unicode.Han, n.text[number]) && !isNumeral(n.text[number]) {
		number++
	}
	end, count := n.plainDigits(number, 8)
	if !n.in(end, "号") {
		num, ok := n.number(number)
		if !ok || num.decimals != "" {
			return at, ""
		}
		end, count = num.end, strconv.FormatInt(num.whole, 10)
	}
	if !n.in(end, "号") || kind == number {
		return at, ""
	}
	no, err := capture.ParseCaseNo("（" + year + "）" + string(n.text[i:court]) + code + string(n.text[kind:number]) + count + "号")
	if err != nil {
		return at, ""
	}
	return end + 1, no.String()
}

// documentNo writes the number of a judicial interpretation or a document:
// 法释二零二零六号 is 法释〔2020〕6号.
func (n *numberWriter) documentNo(at int) (int, string) {
	length := n.at(at, "法释", "法发", "法办", "国发", "高检发")
	if length == 0 {
		return at, ""
	}
	i, year := n.plainDigits(at+length, 4)
	if n.in(i, "年") {
		i++
	}
	if n.in(i, "第") {
		i++
	}
	end := n.run(i)
	num, ok := parseNumeral(n.text[i:end])
	if len(year) != 4 || year[0] != '1' && year[0] != '2' || !ok || !n.in(end, "号") {
		return at, ""
	}
	return end, string(n.text[at:at+length]) + "〔" + year + "〕" + strconv.FormatInt(num.whole, 10)
}

// fraction writes percentages, per mille too: 百分之三点八五 is 3.85%. Other
// fractions are words: 三分之二, 万分之五.
func (n *numberWriter) fraction(at int) (int, string) {
	bar := n.run(at)
	if bar == at || n.at(bar, "分之") == 0 {
		return at, ""
	}
	first := bar + 2
	leave := max(n.run(first), first)
	sign := map[string]string{"百": "%", "千": "‰"}[string(n.text[at:bar])]
	num, ok := n.number(first)
	if n.at(first, "百") > 0 && n.run(first) == first+1 { // 百分之百
		num, ok = numeral{whole: 100, big: 1, end: first + 1}, true
	}
	if sign == "" || !ok || n.in(num.end, "几") || n.in(num.end, "点") {
		return n.same(at, leave)
	}
	written, end := num.figures()+sign, num.end
	if n.in(end, "到至") { // 百分之三到五
		to, ok := n.number(end + 1)
		if ok && n.at(to.end, "分之", "点", "几", "月") == 0 && n.at(to.end, measures()...) == 0 {
			written += string(n.text[end]) + to.figures() + sign
			end = to.end
		}
	}
	return end, written
}

// clock writes a time of day: 九点三十分 is 9点30分. 三点 alone may be three
// points of a speech: something beside it has to tell the time.
func (n *numberWriter) clock(at int) (int, string) {
	end := n.run(at)
	if end == at || !n.begins(at) || !n.in(end, "点时") || n.at(end, "时间", "时候", "时代") > 0 {
		return at, ""
	}
	hour, ok := parseNumeral(n.text[at:end])
	if !ok || hour.whole > 24 || hour.short {
		return at, ""
	}
	written := strconv.FormatInt(hour.whole, 10) + string(n.text[end])
	told := n.after(at, "上午", "下午", "中午", "凌晨", "清晨", "早上", "早晨", "晚上", "傍晚", "夜里", "深夜", "半夜",
		"当晚", "今晚", "昨晚", "明晚", "当日", "当天", "次日", "点到", "点至", "时到", "时至") ||
		n.in(at-1, "日号") && at > 1 && (isNumeral(n.text[at-2]) || n.figure(at-2))
	end++
	minute := n.run(end)
	text := n.text[end:minute]
	half := n.in(end, "半") && !n.in(end+1, "点天个数")
	switch {
	case half || n.at(end, "一刻", "三刻", "钟", "左右", "多钟", "前后", "以前", "之前", "以后", "之后") > 0:
		told = true
	case n.in(end, "整") && !n.in(end+1, "理改个体治"):
		told = true
	case n.in(end, "到至") && n.run(end+1) > end+1 && n.in(n.run(end+1), "点时"):
		told = true
	case len(text) > 1 && text[0] == '零' && digitOf(text[1]) > 0 && len(text) == 2 && (told || n.in(minute, "分")): // 三点零五分
		written += "0" + strconv.FormatInt(digitOf(text[1]), 10)
		told, end = true, minute
	case len(text) > 0:
		m, ok := parseNumeral(text)
		if ok && m.whole < 60 && (m.units && n.at(minute, measures()...) == 0 || n.in(minute, "分") && n.at(minute, "分之", "分钟") == 0) {
			written += strconv.FormatInt(m.whole, 10)
			told, end = true, minute
		}
	}
	if !told {
		return at, ""
	}
	return end, written
}

// money writes sums. Those in yuan take the form that was asked for.
func (n *numberWriter) money(at int) (int, string) {
	num, ok := n.number(at)
	if !ok && n.amounts != AmountsShort {
		num, ok = n.sum(at)
	}
	if !ok {
		return at, ""
	}
	unit := n.at(num.end, "元", "圆", "块钱")
	if unit == 0 || n.at(num.end, "元化", "元论") > 0 {
		return at, ""
	}
	// 五角二分 after it
	end := num.end + unit
	fen, exact := num.fen()
	tail := string(n.text[num.end:end])
	for _, coin := range []struct {
		names string
		fen   int64
	}{{"角毛", 10}, {"分", 1}} {
		if end < len(n.text) && digitOf(n.text[end]) > 0 && n.text[end] != '幺' && n.in(end+1, coin.names) {
			d := digitOf(n.text[end])
			tail += strconv.FormatInt(d, 10) + string(n.text[end+1])
			fen += d * coin.fen
			end += 2
		}
	}
	if n.amounts == AmountsShort || !exact {
		if isFigure(n.text[at]) {
			return at, ""
		}
		return end, num.figures() + tail
	}
	written := decimal(fen, 100) + "元"
	if n.amounts == AmountsBoth {
		if n.in(end, "（(") && (n.in(end+1, "零壹贰叁肆伍陆柒捌玖拾") || n.at(end+1, "大写") > 0) {
			return n.same(at, end) // it is there
		}
		written += "（" + capital(fen) + "）"
	}
	return end, written
}

// sum reads an amount in figures: 200,000.50, 20万.
func (n *numberWriter) sum(at int) (num numeral, ok bool) {
	if !n.figure(at) || n.figure(at-1) || n.in(at-1, ".,，") && n.figure(at-2) {
		return num, false
	}
	end, whole := n.plainFigures(at)
	for len(whole) > 0 && n.in(end, ",") {
		next, group := n.plainFigures(end + 1)
		if len(group) != 3 {
			break
		}
		end, whole = next, whole+group
	}
	num = numeral{from: at, big: 1}
	if n.in(end, ".") {
		if next, part := n.plainFigures(end + 1); part != "" {
			end, num.decimals = next, part
		}
	}
	if end < len(n.text) && unitOf(n.text[end]) >= 1e4 {
		num.big = unitOf(n.text[end])
		end++
	}
	num.end = end
	var err error
	num.whole, err = strconv.ParseInt(whole, 10, 64)
	if err != nil || num.whole > maxNumber/num.big || len(num.decimals) > 10 {
		return num, false
	}
	if num.decimals == "" {
		num.whole *= num.big
	}
	return num, true
}

func (n *numberWriter) plainFigures(at int) (end int, figures string) {
	for end = at; end < len(n.text) && '0' <= n.text[end] && n.text[end] <= '9'; end++ {
	}
	return end, string(n.text[at:end])
}

// digits writes numbers that are said digit by digit: years, telephones,
// accounts, rooms.
func (n *numberWriter) digits(at int) (int, string) {
	if digitOf(n.text[at]) < 0 || !n.begins(at) {
		return at, ""
	}
	end, written := n.plainDigits(at, len(n.text))
	if end != n.run(at) || n.figure(end) || n.figure(end-1) || len(written) < 2 {
		return at, ""
	}
	spoken := string(n.text[at:end])
	named := n.after(at, "尾号", "账号", "帐号", "卡号", "号码", "电话", "手机", "证号", "房号", "车牌", "编号", "密码", "代码",
		"尾号是", "尾号为", "账号是", "账号为", "卡号是", "卡号为", "号码是", "号码为", "电话是", "电话为", "手机是", "证号是", "证号为", "编号为", "编号是")
	zeros := strings.ContainsAny(spoken, "零〇幺")
	switch {
	case n.at(end, "元", "圆", "块钱") > 0: // a sum is no row of digits
		return at, ""
	case n.in(end, "年") && len(written) == 4 && strings.ContainsAny(written[:1], "12"):
	case n.in(end, "年") && len(written) == 2 && (!approximate(spoken) || n.month(end+1)):
	case n.in(end, "年"):
		return at, ""
	case named:
	case len(written) >= 3 && (zeros || n.in(end, "号室房栋")):
	case len(written) >= 5 && !strings.HasPrefix("123456789", written):
	case n.grouped(at, end):
	default:
		return at, ""
	}
	return end, written
}

// approximate reports whether two digits are a guess: 三四年, 三五年.
func approximate(spoken string) bool {
	return strings.Contains("一两三四五六七八九", spoken) || strings.Contains("一二三四五六七八九", spoken) || spoken == "三五"
}

// month reports whether a month of the year stands at a place.
func (n *numberWriter) month(at int) bool {
	end := n.run(at)
	return end > at && n.in(end, "月") || n.at(at, "底", "初", "末") > 0
}

// grouped reports whether a run of digits is part of a longer number that was
// said with pauses: 一三八，零零零零，一二三四.
func (n *numberWriter) grouped(from, to int) bool {
	const pauses, whole = "，、 -", 7
	total := to - from
	for end := to; n.in(end, pauses); {
		start := end + 1
		for end = start; n.sayable(end); end++ {
		}
		if end-start < 2 || end != n.run(start) {
			break
		}
		total += end - start
	}
	for start := from; n.in(start-1, pauses); {
		end := start - 1
		for start = end; n.sayable(start - 1); start-- {
		}
		if end-start < 2 || start > 0 && isNumeral(n.text[start-1]) {
			break
		}
		total += end - start
	}
	return total >= whole && total > to-from
}

// sayable reports whether a digit that is said by itself stands at a place.
func (n *numberWriter) sayable(i int) bool {
	return n.in(i, "零〇一二三四五六七八九幺")
}

// measure writes numbers with units, and single digits before a measure.
func (n *numberWriter) measure(at int) (int, string) {
	num, ok := n.number(at)
	if !ok {
		return at, ""
	}
	next := num.end
	ten := !num.lone && num.decimals == "" && (num.whole == 10 || num.whole == 11) && num.big == 1
	one := num.lone && n.text[at] == '一'
	switch {
	case n.at(next, "几", "条", "款", "项", "分之") > 0: // 十几; articles of law
		return n.same(at, next)
	case n.in(next, "点") && num.decimals == "":
		return n.same(at, next)
	case num.decimals != "":
		clockLike := num.big == 1 && num.decimals[0] == '0' && len(num.decimals) == 2 && num.whole <= 24
		if n.at(next, measures()...) == 0 && !n.in(next, "倍") && (clockLike || num.big == 1 && len(num.decimals) == 1) {
			return n.same(at, next)
		}
	case num.short && num.whole < 1000 && n.at(next, "元", "块") == 0:
		return n.same(at, next) // 二百五
	case one && n.in(next, "天年日"):
		within := n.at(next+1, "内", "以内", "之内", "以上", "以下") > 0
		dated := n.in(next, "日") && n.in(at-1, "月")
		if !within && !dated {
			return n.same(at, next)
		}
	case num.lone:
		if n.at(next, measures()...) == 0 || n.at(next, "年级") > 0 {
			return n.same(at, next)
		}
	case ten:
		if n.at(next, measures()...) == 0 && !n.in(next, "个次人名位份张笔页户期种家件辆套台组平多余倍万亿来月") {
			return n.same(at, next)
		}
	}
	return next, num.figures()
}

// measures are the units before which even one digit is a figure.
func measures() []string {
	return []string{
		"个月", "个工作日", "个百分点", "小时", "分钟", "秒", "周岁", "岁", "厘米", "公里", "千米", "平方米", "平米", "立方米", "米",
		"亩", "吨", "公斤", "千克", "斤", "号", "日", "楼", "单元", "栋", "幢", "天", "年", "月", "元", "块钱", "美元", "欧元",
		"港元", "港币", "日元", "英镑",
	}
}
