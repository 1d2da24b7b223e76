package transcript

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"tingji/capture"
)

// Bounds of what people may write, in characters.
const (
	maxName      = 60
	maxCause     = 200
	maxReason    = 200
	maxHotword   = 40
	maxHotwords  = 500
	maxPersons   = 200
	maxSeats     = 64
	maxLineRunes = 10_000
)

// FieldError says which field of a request is wrong, and how to mend it.
type FieldError struct {
	Field  string // JSON name, with the index in a list: participants[1].role
	Text   string // Chinese
	TextEN string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.TextEN }

// hidden says whether a character has no place in a text of the record: it
// cannot be seen, and may make the rest read as something else.
func hidden(r rune) bool {
	switch {
	case unicode.IsControl(r),
		r == 0x061c, r == 0x200e, r == 0x200f, // direction marks
		r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, // direction overrides
		r == 0x2028, r == 0x2029, // separators that some readers take for a new line
		r == 0xfeff, r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef: // no characters
		return true
	}
	return false
}

// cleanText trims what a person typed and refuses what cannot be seen or is
// longer than most characters.
func cleanText(field, s string, most int) (string, error) {
	if !utf8.ValidString(s) {
		return "", &FieldError{field, "文字编码不是 UTF-8", "not valid UTF-8"}
	}
	s = strings.TrimSpace(s)
	for i, r := range []rune(s) {
		if hidden(r) {
			return "", &FieldError{field,
				fmt.Sprintf("第 %d 个字符（U+%04X）是看不见的控制字符，请删去", i+1, r),
				fmt.Sprintf("character %d (U+%04X) is an invisible control character; remove it", i+1, r)}
		}
	}
	if n := utf8.RuneCountInString(s); n > most {
		return "", &FieldError{field,
			fmt.Sprintf("有 %d 个字，最多 %d 个", n, most),
			fmt.Sprintf("%d characters; at most %d", n, most)}
	}
	return s, nil
}

// requiredText is cleanText of a field that may not be empty; name is what
// people call the field.
func requiredText(field, name, nameEN, s string, most int) (string, error) {
	s, err := cleanText(field, s, most)
	if err == nil && s == "" {
		return "", &FieldError{field, "请填写" + name, nameEN + " is required"}
	}
	return s, err
}

// cleanRole checks a role of the record; free allows any short text.
func cleanRole(field, s string, free bool) (string, error) {
	s, err := requiredText(field, "诉讼地位", "role", s, maxName)
	if err != nil || free {
		return s, err
	}
	if err := capture.CheckRole(s); err != nil {
		var role *capture.RoleError
		if errors.As(err, &role) {
			return "", &FieldError{field, role.Text, role.TextEN}
		}
		return "", &FieldError{field, "没有这种诉讼地位", err.Error()}
	}
	return s, nil
}

// cleanID checks a name that forms message keys, URLs and file names.
func cleanID(field, name, nameEN, s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", &FieldError{field, "请填写" + name, nameEN + " is required"}
	}
	if err := capture.CheckName(s); err != nil {
		return "", &FieldError{field,
			name + "最多 64 个字节，不能有空格、斜线、引号、冒号等符号和控制字符", err.Error()}
	}
	return s, nil
}
