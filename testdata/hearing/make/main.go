// Command make speaks script.txt and writes the recordings and reference.json
// beside it. It needs libespeak-ng (Debian: libespeak-ng-dev) and flac, and
// gives the same bytes each time with the same versions of both.
//
//	go run ./testdata/hearing/make
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"tingji/testdata/hearing"
)

const (
	rate    = 16000
	perMS   = rate / 1000
	commaMS = 150 // pause between the clauses of a sentence
)

// bleeds: the clerk sits beside the judge.
var bleeds = []hearing.Bleed{{Channel: "clerk", From: "judge", GainDB: -18, DelayMS: 4}}

func main() {
	dir := flag.String("dir", "testdata/hearing", "folder of script.txt, and of what is written")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "make hearing:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	s, err := readScript(filepath.Join(dir, "script.txt"))
	if err != nil {
		return err
	}
	readings, err := readReadings(filepath.Join(dir, "pinyin.txt"))
	if err != nil {
		return err
	}
	voice, err := newSynth(readings)
	if err != nil {
		return err
	}

	h := &hearing.Hearing{
		Title: s.Title, CaseNo: s.CaseNo, Cause: s.Cause, Courtroom: s.Courtroom, Public: true,
		Hotwords: s.Hotwords, Rate: rate, Bleed: bleeds,
	}
	var sounds [][]float64
	var last, latest int64 // ends, in ms: of the sentence above, of all
	for _, t := range s.Turns {
		st := s.seat(t.Channel)
		sound, sentence, err := speak(voice, st, t)
		if err != nil {
			return err
		}
		at := latest + int64(t.After)
		if t.Overlap {
			at = last - int64(t.After)
		}
		sentence.shift(at)
		last = sentence.EndMS
		latest = max(latest, last)
		h.Sentences = append(h.Sentences, hearing.Sentence(sentence))
		sounds = append(sounds, sound)
	}
	h.Samples = (int(latest) + s.End) * perMS

	speech := make(map[string][]float64)
	for _, st := range s.Seats {
		speech[st.Channel] = make([]float64, h.Samples)
	}
	for i, sentence := range h.Sentences {
		add(speech[sentence.Channel], sounds[i], int(sentence.StartMS)*perMS, 1)
	}
	for i, st := range s.Seats {
		mix := room(h.Samples, uint64(i+1))
		add(mix, speech[st.Channel], 0, 1)
		for _, b := range bleeds {
			if b.Channel == st.Channel {
				add(mix, speech[b.From], int(b.DelayMS)*perMS, amplitude(b.GainDB))
			}
		}
		r, err := write(dir, st, quantise(mix))
		if err != nil {
			return err
		}
		h.Recordings = append(h.Recordings, r)
		h.Participants = append(h.Participants, hearing.Participant{Role: st.Role, Name: st.Speaker})
	}
	slices.SortStableFunc(h.Sentences, func(a, b hearing.Sentence) int { return int(a.StartMS - b.StartMS) })
	return writeReference(filepath.Join(dir, "reference.json"), h)
}

// sentence is a hearing.Sentence whose times still count from its own start.
type sentence hearing.Sentence

func (s *sentence) shift(ms int64) {
	s.StartMS += ms
	s.EndMS += ms
	for i := range s.Words {
		s.Words[i].StartMS += ms
		s.Words[i].EndMS += ms
	}
}

// speak says a turn clause by clause. The sound begins with the sentence and is
// a whole number of milliseconds long.
func speak(voice *synth, st *seat, t turn) ([]float64, sentence, error) {
	out := sentence{Channel: t.Channel, Role: st.Role, Phase: t.Phase}
	if err := voice.use(*st); err != nil {
		return nil, out, err
	}
	var sound []float64
	for words := t.Words; len(words) > 0; {
		n := 1 + slices.IndexFunc(words, func(w spoken) bool { return strings.ContainsAny(w.Punct, pausing) })
		if n == 0 {
			n = len(words)
		}
		clause := words[:n]
		words = words[n:]
		mark := "."
		switch {
		case len(words) > 0:
			mark = ","
		case strings.Contains(clause[n-1].Punct, "？"):
			mark = "?"
		}
		say := make([]string, n)
		for i, w := range clause {
			say[i] = w.Say
		}
		pcm, starts, err := voice.say(say, mark)
		if err != nil {
			return nil, out, err
		}
		if st.Video {
			telephone(pcm)
		}
		from, to := audible(pcm)
		to = min(len(pcm), from+(to-from+perMS-1)/perMS*perMS)
		cut := pcm[from:to]
		cut = append(cut, make([]float64, (perMS-len(cut)%perMS)%perMS)...)
		fade(cut)
		begin := int64(len(sound) / perMS)
		sound = append(sound, cut...)
		for i, w := range clause {
			hw := hearing.Word{Text: w.Before + w.Say, Punct: w.Punct, StartMS: begin, EndMS: int64(len(sound) / perMS)}
			if i > 0 {
				hw.StartMS = begin + int64((starts[i]-from)/perMS)
				out.Words[len(out.Words)-1].EndMS = hw.StartMS
			}
			out.Words = append(out.Words, hw)
			out.Text += hw.Text + hw.Punct
		}
		if len(words) > 0 {
			sound = append(sound, make([]float64, commaMS*perMS)...)
		}
	}
	level(sound)
	out.EndMS = int64(len(sound) / perMS)
	return sound, out, nil
}

func write(dir string, st seat, pcm []int16) (hearing.Recording, error) {
	r := hearing.Recording{Channel: st.Channel, Role: st.Role, Speaker: st.Speaker, File: st.Channel + ".flac"}
	var raw bytes.Buffer
	if err := binary.Write(&raw, binary.LittleEndian, pcm); err != nil {
		return r, err
	}
	sum := sha256.Sum256(raw.Bytes())
	r.PCMSHA256 = hex.EncodeToString(sum[:])
	// The reference encoder: the one in Go predicts with fixed polynomials only
	// and needs a quarter more.
	cmd := exec.Command("flac", "--silent", "--force", "-8", "--no-padding", "--no-seektable",
		"--force-raw-format", "--endian=little", "--sign=signed", "--channels=1", "--bps=16", "--sample-rate=16000",
		"-o", filepath.Join(dir, r.File), "-")
	cmd.Stdin, cmd.Stderr = &raw, os.Stderr
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("encode %s: %w", r.File, err)
	}
	return r, nil
}

// writeReference puts each sentence on a line of its own, so that a change of
// the script can be read in a diff.
func writeReference(name string, h *hearing.Hearing) error {
	head := *h
	head.Sentences = nil
	b, err := json.MarshalIndent(head, "", " ")
	if err != nil {
		return err
	}
	b = bytes.TrimSuffix(b, []byte("null\n}"))
	b = append(b, '[')
	for i, s := range h.Sentences {
		line, err := json.Marshal(s)
		if err != nil {
			return err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, "\n  "...), line...)
	}
	b = append(b, "\n ]\n}\n"...)
	return os.WriteFile(name, b, 0o644)
}
