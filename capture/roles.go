package capture

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Procedure is the kind of law a hearing is held under. It decides which roles
// can be heard.
type Procedure string

const (
	Civil          Procedure = "civil"
	Criminal       Procedure = "criminal"
	Administrative Procedure = "administrative"
)

// Roles are the roles of a procedure, the bench first, in the order in which
// a court names them. The caller owns the result.
func Roles(p Procedure) []string {
	bench := []string{"审判长", "审判员", "独任审判员", "人民陪审员", "法官助理", "书记员", "法警"}
	switch p {
	case Civil:
		return append(bench, "原告", "被告", "第三人", "法定代表人", "法定代理人", "委托诉讼代理人", "证人",
			"鉴定人", "勘验人", "翻译人员", "有专门知识的人", "上诉人", "被上诉人")
	case Criminal:
		return append(bench, "公诉人", "被告人", "辩护人", "被害人", "自诉人", "附带民事诉讼原告人",
			"附带民事诉讼被告人", "诉讼代理人", "证人", "鉴定人", "翻译人员", "侦查人员", "调查人员")
	case Administrative:
		return append(bench, "原告", "被告", "行政机关负责人", "第三人", "诉讼代理人", "证人", "鉴定人")
	}
	return bench
}

// RoleError says that a role is not one that a court knows.
type RoleError struct {
	Role    string
	Nearest string // the known role that is most like it
	Text    string // for people, Chinese
	TextEN  string // the same in English
}

func (e *RoleError) Error() string { return e.TextEN }

// CheckRole accepts a role of any procedure, alone or numbered where several
// people share it: 原告, 原告一 to 原告九, 原告1 to 原告99. Any other gives a
// *RoleError.
func CheckRole(s string) error {
	base := roleBase(s)
	nearest, distance := "", 1<<30
	for _, p := range []Procedure{Civil, Criminal, Administrative} {
		for _, known := range Roles(p) {
			if base == known || s == known {
				return nil
			}
			if d := levenshtein.ComputeDistance(base, known); d < distance {
				nearest, distance = known, d
			}
		}
	}
	shown := abbreviate(s)
	return &RoleError{
		Role: s, Nearest: nearest,
		Text:   fmt.Sprintf("没有“%s”这种诉讼地位；最接近的是“%s”", shown, nearest),
		TextEN: fmt.Sprintf("unknown role %q; the nearest known one is %q", shown, nearest),
	}
}

// roleBase cuts the number off a role; what is no number stays.
func roleBase(s string) string {
	r := []rune(s)
	if n := len(r); n > 1 && strings.ContainsRune("一二三四五六七八九", r[n-1]) {
		return string(r[:n-1])
	}
	base := strings.TrimRight(s, "0123456789")
	if n, err := strconv.Atoi(s[len(base):]); err == nil && n >= 1 && n <= 99 && s[len(base)] != '0' {
		return base
	}
	return s
}

// abbreviate keeps what a stranger typed short enough for one line.
func abbreviate(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
