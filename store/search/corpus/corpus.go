// Package corpus makes up hearings to search in: words by Zipf's law, names,
// numbers in several forms, and the errors of a recogniser that hears right and
// writes another character of the same sound, with the truth beside them. The
// same seed makes the same hearings.
package corpus

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/mozillazg/go-pinyin"

	"tingji/capture"
	"tingji/store/search"
)

// HomophoneRate is the share of characters that the recogniser mishears.
const HomophoneRate = 0.03

// Corpus makes hearings. It is for one goroutine.
type Corpus struct {
	rng      *rand.Rand
	words    []string
	weights  []float64 // cumulated
	sameAs   map[string][]rune
	names    []string
	hearings int
	start    time.Time
}

// Hearing is a made-up hearing.
type Hearing struct {
	capture.Hearing
	Lines []search.Line // Text is as misheard
	Truth []string      // what was said, line by line
}

// LinesPerHearing is the usual length of a hearing.
const LinesPerHearing = 400

// New makes a corpus of its own for each seed.
func New(seed uint64) *Corpus {
	c := &Corpus{
		rng:    rand.New(rand.NewPCG(seed, 1)),
		sameAs: map[string][]rune{},
		start:  time.Date(2006, 1, 9, 1, 0, 0, 0, time.UTC),
	}
	c.learnSounds()
	c.learnWords()
	for range 2000 {
		name := string(pick(c.rng, []rune(surnames)))
		for range 1 + c.rng.IntN(2) {
			name += string(pick(c.rng, []rune(given)))
		}
		c.names = append(c.names, name)
	}
	return c
}

// learnSounds sorts the characters that occur by how they sound.
func (c *Corpus) learnSounds() {
	seen := map[rune]bool{}
	for _, r := range strings.Join(strings.Fields(legal+everyday+surnames+given+fillers), "") {
		if !seen[r] {
			seen[r] = true
			c.sameAs[soundOf(r)] = append(c.sameAs[soundOf(r)], r)
		}
	}
	for _, list := range c.sameAs {
		slices.Sort(list)
	}
}

// soundOf is the first reading of a character, without its tone.
func soundOf(r rune) string {
	list := pinyin.SinglePinyin(r, pinyin.NewArgs())
	if len(list) == 0 {
		return string(r)
	}
	return list[0]
}

// learnWords ranks the vocabulary: real words first, then made-up ones of two
// to four characters, thirty thousand in all.
func (c *Corpus) learnWords() {
	c.words = append(strings.Fields(everyday), strings.Fields(legal)...)
	c.rng.Shuffle(len(c.words), func(i, j int) { c.words[i], c.words[j] = c.words[j], c.words[i] })
	slices.SortStableFunc(c.words, func(a, b string) int { return len(a) - len(b) })
	stock := []rune(strings.Join(strings.Fields(legal+everyday+given+fillers), ""))
	for len(c.words) < 30_000 {
		n := 2 + c.rng.IntN(10)/6 + c.rng.IntN(10)/8
		word := make([]rune, n)
		for i := range word {
			word[i] = pick(c.rng, stock)
		}
		c.words = append(c.words, string(word))
	}
	total := 0.0
	for i := range c.words {
		total += 1 / math.Pow(float64(i)+2.7, 1.05)
		c.weights = append(c.weights, total)
	}
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// Word is a word of the vocabulary, as often as it occurs.
func (c *Corpus) Word() string {
	i, _ := slices.BinarySearch(c.weights, c.rng.Float64()*c.weights[len(c.weights)-1])
	return c.words[min(i, len(c.words)-1)]
}

// RareWord is a word of the last half of the vocabulary.
func (c *Corpus) RareWord() string { return c.words[len(c.words)/2+c.rng.IntN(len(c.words)/2)] }

// Amount is a number in one of its forms.
func (c *Corpus) Amount() string {
	n := c.rng.IntN(99) + 1
	switch c.rng.IntN(5) {
	case 0:
		return fmt.Sprintf("%d万元", n)
	case 1:
		return fmt.Sprintf("%d元", n*10_000)
	case 2:
		return chinese(n) + "万元"
	case 3:
		return fmt.Sprintf("%d年%d月%d日", 2000+c.rng.IntN(25), 1+c.rng.IntN(12), 1+c.rng.IntN(28))
	}
	return chinese(n) + "元"
}

// chinese writes 1 to 99.
func chinese(n int) string {
	digits := []string{"", "一", "二", "三", "四", "五", "六", "七", "八", "九"}
	switch {
	case n < 10:
		return digits[n]
	case n < 20:
		return "十" + digits[n-10]
	}
	return digits[n/10] + "十" + digits[n%10]
}

// Text is a sentence of about twenty characters.
func (c *Corpus) Text() string {
	var b strings.Builder
	length, want := 0, 6+c.rng.IntN(28)
	for length < want {
		var w string
		switch n := c.rng.IntN(40); {
		case n == 0:
			w = c.Amount()
		case n == 1:
			w = pick(c.rng, c.names)
		case n < 8:
			w = string(pick(c.rng, []rune("的了是我在不有他和就说也要这那你")))
		case n == 8 && length > 4:
			w = "，"
		default:
			w = c.Word()
		}
		b.WriteString(w)
		length += len([]rune(w))
	}
	return b.String() + "。"
}

// mishear writes some characters as others of the same sound.
func (c *Corpus) mishear(text string) string {
	runes := []rune(text)
	for i, r := range runes {
		if c.rng.Float64() < HomophoneRate {
			if same := c.sameAs[soundOf(r)]; len(same) > 1 {
				runes[i] = pick(c.rng, same)
			}
		}
	}
	return string(runes)
}

// Next is the next hearing in time: of nine rooms, four a day each.
func (c *Corpus) Next() Hearing {
	n := c.hearings
	c.hearings++
	lines := LinesPerHearing/2 + c.rng.IntN(LinesPerHearing)
	at := c.start.AddDate(0, 0, n/36*7/5).Add(time.Duration(n%36/9)*2*time.Hour + time.Duration(n%9)*time.Minute)
	types := strings.Fields("民初 民初 民初 民初 刑初 行初 民终 执异")
	h := Hearing{Hearing: capture.Hearing{
		ID: at.Format("20060102-150405-") + fmt.Sprintf("%06d", n), Version: 1, Status: capture.Closed,
		CaseNo: fmt.Sprintf("（%d）内0291%s%d号", at.Year(), pick(c.rng, types), 1+c.rng.IntN(9000)),
		Cause:  pick(c.rng, strings.Fields("民间借贷纠纷 买卖合同纠纷 离婚纠纷 劳动争议 盗窃 危险驾驶 机动车交通事故责任纠纷")),
		Public: c.rng.IntN(10) > 0, Courtroom: fmt.Sprintf("r%d", 1+n%9), CreatedAt: at, OpenedAt: &at,
	}}
	roles := strings.Fields("审判长 书记员 原告 被告 原告 被告 证人 委托诉讼代理人")
	for i, role := range roles {
		name := pick(c.rng, c.names)
		if role == "审判长" {
			name = c.names[n%9]
		}
		h.Participants = append(h.Participants, capture.Participant{Role: role, Name: name})
		h.Seats = append(h.Seats, capture.Seat{Channel: fmt.Sprintf("c%d", i), Role: role, Speaker: name})
	}
	start := int64(0)
	for range lines {
		seat := h.Seats[c.rng.IntN(len(h.Seats))]
		if seat.Role == "证人" && c.rng.IntN(5) > 0 {
			seat = h.Seats[0]
		}
		truth := c.Text()
		start += int64(500 + c.rng.IntN(9000))
		text := c.mishear(truth)
		h.Truth = append(h.Truth, truth)
		h.Lines = append(h.Lines, search.Line{
			ID: fmt.Sprintf("%s-1-%d", seat.Channel, start*16), Channel: seat.Channel, Role: seat.Role, Speaker: seat.Speaker,
			StartMS: start, EndMS: start + int64(len([]rune(text)))*200, Text: text, Heard: text,
		})
	}
	return h
}
