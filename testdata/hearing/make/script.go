package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// seat is a microphone and the voice that speaks into it.
type seat struct {
	Channel, Role, Speaker string
	Voice                  string // espeak-ng variant
	Pitch, Range           int    // 0 to 99
	Rate                   int    // words a minute
	Video                  bool   // heard through a telephone band
}

// turn is one sentence of the script.
type turn struct {
	Channel, Phase string
	Overlap        bool // begins After ms before the end of the sentence above, not after all
	After          int  // ms
	Words          []spoken
}

// spoken is a word as it is written: what is said, and the marks around it.
type spoken struct {
	Before, Say, Punct string
}

// script is what script.txt says.
type script struct {
	Title, CaseNo, Cause, Courtroom string
	Hotwords                        []string
	Seats                           []seat
	Turns                           []turn
	End                             int // ms of room noise after the last sentence
}

const (
	opening = "《（“"
	closing = "，。？！；：、》）”—…"
	pausing = "，；：、—…" // of these, the ones that pause inside a sentence
)

func readScript(name string) (*script, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := new(script)
	phase := ""
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		var err error
		switch key {
		case "title":
			s.Title = rest
		case "case_no":
			s.CaseNo = rest
		case "cause":
			s.Cause = rest
		case "courtroom":
			s.Courtroom = rest
		case "hotwords":
			s.Hotwords = strings.Fields(rest)
		case "phase":
			phase = rest
		case "seat":
			err = s.addSeat(strings.Fields(rest))
		case "end":
			s.End, err = strconv.Atoi(strings.TrimPrefix(rest, "+"))
		default:
			err = s.addTurn(key, phase, strings.Fields(rest))
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	return s, lines.Err()
}

func (s *script) addSeat(f []string) error {
	if len(f) < 7 {
		return fmt.Errorf("seat needs channel, role, speaker, voice, pitch, range, rate")
	}
	st := seat{Channel: f[0], Role: f[1], Speaker: f[2], Voice: f[3], Video: len(f) > 7 && f[7] == "video"}
	for i, p := range []*int{&st.Pitch, &st.Range, &st.Rate} {
		v, err := strconv.Atoi(f[4+i])
		if err != nil {
			return fmt.Errorf("seat %s: %w", st.Channel, err)
		}
		*p = v
	}
	s.Seats = append(s.Seats, st)
	return nil
}

func (s *script) addTurn(channel, phase string, f []string) error {
	if s.seat(channel) == nil {
		return fmt.Errorf("no seat %s", channel)
	}
	if len(f) < 2 || (f[0][0] != '+' && f[0][0] != '-') {
		return fmt.Errorf("%s: want +ms or -ms, then words", channel)
	}
	after, err := strconv.Atoi(f[0][1:])
	if err != nil {
		return fmt.Errorf("%s: %w", channel, err)
	}
	t := turn{Channel: channel, Phase: phase, Overlap: f[0][0] == '-', After: after}
	for _, w := range f[1:] {
		// A comma needs no space behind it: it splits too.
		for w != "" {
			var sp spoken
			sp.Say = strings.TrimLeft(w, opening)
			sp.Before = w[:len(w)-len(sp.Say)]
			if i := strings.IndexAny(sp.Say, closing); i >= 0 {
				tail := sp.Say[i:]
				w = strings.TrimLeft(tail, closing)
				sp.Say, sp.Punct = sp.Say[:i], tail[:len(tail)-len(w)]
			} else {
				w = ""
			}
			if sp.Say == "" {
				return fmt.Errorf("%s: marks without a word", channel)
			}
			t.Words = append(t.Words, sp)
		}
	}
	s.Turns = append(s.Turns, t)
	return nil
}

func (s *script) seat(channel string) *seat {
	for i := range s.Seats {
		if s.Seats[i].Channel == channel {
			return &s.Seats[i]
		}
	}
	return nil
}

// readReadings reads pinyin.txt: a word, then its syllables.
func readReadings(name string) (map[string]string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	m := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if len(f)-1 != len([]rune(f[0])) {
			return nil, fmt.Errorf("%s: %s: %d syllables", name, f[0], len(f)-1)
		}
		m[f[0]] = strings.Join(f[1:], "")
	}
	return m, nil
}
