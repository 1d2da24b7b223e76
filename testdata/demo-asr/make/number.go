package main

import (
	"math/rand/v2"
	"strings"
)

var digit = []string{"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"}

// number says n as a person does: 一万二千零五十.
func number(n int) string {
	if n >= 10000 {
		head := number(n / 10000)
		if n/10000 == 2 {
			head = "两"
		}
		rest := n % 10000
		switch {
		case rest == 0:
			return head + "万"
		case rest < 1000:
			return head + "万零" + number(rest)
		}
		return head + "万" + number(rest)
	}
	if n < 10 {
		return digit[n]
	}
	if n < 20 {
		return strings.TrimSuffix("十"+digit[n%10], "零")
	}
	var b strings.Builder
	gap := false
	for _, u := range []struct {
		value int
		name  string
	}{{1000, "千"}, {100, "百"}, {10, "十"}, {1, ""}} {
		d := n / u.value
		n %= u.value
		if d == 0 {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteString("零")
			gap = false
		}
		b.WriteString(digit[d] + u.name)
	}
	return b.String()
}

func digits(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(digit[r.IntN(10)])
	}
	return b.String()
}

func year(r *rand.Rand) string {
	y := 1950 + r.IntN(60)
	if r.IntN(4) > 0 {
		y = 2010 + r.IntN(20)
	}
	return digit[y/1000] + digit[y/100%10] + digit[y/10%10] + digit[y%10]
}

func amount(r *rand.Rand) string {
	n := 1 + r.IntN(99)
	switch r.IntN(8) {
	case 0:
		return number(n * 10)
	case 1:
		return number(n * 100)
	case 2, 3:
		return number(n * 1000)
	case 4:
		return number(n * 10000)
	case 5:
		return number(1 + r.IntN(9999))
	case 6:
		return number(1 + r.IntN(999999))
	}
	return number((1 + r.IntN(12)) * 10000)
}

func interest(r *rand.Rand) string {
	whole := number(1 + r.IntN(36))
	point := "点" + digit[1+r.IntN(9)]
	if r.IntN(2) == 0 {
		point += digit[1+r.IntN(9)]
	}
	return pick(r, "百分之"+whole, "百分之"+whole, "百分之"+whole+point, "百分之"+number(1+r.IntN(6))+point, "一分", "两分", "一分五", "三分", "月息"+pick(r, "一分", "两分", "三分", "一分五"), "千分之"+number(1+r.IntN(9)))
}
