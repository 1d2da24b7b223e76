package search

import "unicode"

// fold is the form in which texts are compared: half width, lower case. It maps
// rune to rune, so that an offset in the one is an offset in the other.
func fold(s string) []rune {
	runes := []rune(s)
	for i, r := range runes {
		runes[i] = foldRune(r)
	}
	return runes
}

// appendFolded appends what fold returns.
func appendFolded(to []rune, s string) []rune {
	for _, r := range s {
		to = append(to, foldRune(r))
	}
	return to
}

func foldRune(r rune) rune {
	switch {
	case r < 0x80:
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
	case 0x4e00 <= r && r <= 0x9fff: // most of what is ever said here
	case 0xff01 <= r && r <= 0xff5e:
		return foldRune(r - 0xfee0)
	case r == 0x3000:
		r = ' '
	default:
		r = unicode.ToLower(r)
	}
	return r
}

// wordRune reports whether a folded rune can be looked up by itself: the index
// holds neither spaces nor punctuation.
func wordRune(r rune) bool {
	switch {
	case 0x4e00 <= r && r <= 0x9fff, 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		return true
	case r < 0x80:
		return r == '%' // 5% is a number
	}
	return unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.So, unicode.Co)
}

func isHan(r rune) bool {
	return 0x4e00 <= r && r <= 0x9fff || r > 0x9fff && unicode.Is(unicode.Han, r) || 0x3400 <= r && r < 0x4e00
}
