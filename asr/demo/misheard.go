package demo

import "golang.org/x/text/encoding/simplifiedchinese"

// misheard replaces one character of a word by one that mostly sounds alike.
// place says which, so that it is always the same.
func misheard(word string, place uint64) string {
	runes := []rune(word)
	if len(runes) == 0 {
		return word
	}
	i := int(unit(place, 5) * float64(len(runes)))
	runes[i] = neighbour(runes[i])
	return string(runes)
}

// neighbour is the character beside r in GB 2312 level 1, where the 3755
// commonest characters stand by pinyin: a homophone, but at the seams. What is
// not among them becomes 某.
func neighbour(r rune) rune {
	const firstRow, lastRow, firstCell, lastCell = 0xb0, 0xd7, 0xa1, 0xfe
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(string(r)))
	if err == nil && len(b) == 2 && firstRow <= b[0] && b[0] <= lastRow && firstCell <= b[1] {
		end := byte(lastCell)
		if b[0] == lastRow {
			end = 0xf9 // the level ends with 座
		}
		if b[1] < end {
			b[1]++
		} else {
			b[1]--
		}
		if s, err := simplifiedchinese.GBK.NewDecoder().Bytes(b); err == nil {
			return []rune(string(s))[0]
		}
	}
	return '某' // which stands in the level itself: the character does change
}
