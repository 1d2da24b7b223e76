// Command make builds the model of the demonstration recogniser from nothing
// but synthetic speech: it draws sentences from words.txt and sentences.txt,
// lets espeak-ng say them in many voices and rooms, trains the sounds with
// sphinxtrain and estimates a language model of its own.
//
//	go run ./testdata/demo-asr/make
//
// It needs libespeak-ng-dev, sphinxtrain, sphinxbase-utils and pocketsphinx
// (Debian names). The sentences of the sample hearing are in neither the
// speech nor the language model: those that are drawn by chance are dropped.
package main

import (
	"errors"
	"flag"
	"fmt"

	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"tingji/cmd/demo-asr/lexicon"
	"tingji/testdata/hearing"
)

const (
	trainSentences = 5000   // spoken
	textSentences  = 16_000 // read by the language model
	devSentences   = 240    // spoken in devVoices
)

func main() {
	source := flag.String("source", "testdata/demo-asr", "folder of sentences.txt and readings.txt")
	work := flag.String("work", "", "folder for speech and training; empty: a temporary one, removed at the end")
	out := flag.String("out", "cmd/demo-asr/model", "folder the model is written to")
	step := flag.String("step", "all", "all, text (lexicon and language model only), speech, train or dev (speech to choose settings with)")
	flag.Parse()
	if err := run(*source, *work, *out, *step); err != nil {
		fmt.Fprintln(os.Stderr, "make demo-asr:", err)
		os.Exit(1)
	}
}

func run(source, work, out, step string) (err error) {
	if work == "" {
		if work, err = os.MkdirTemp("", "demo-asr-"); err != nil {
			return err
		}
		defer os.RemoveAll(work)
	}
	m, err := newMaker(source, work, out)
	if err != nil {
		return err
	}
	steps := map[string][]func() error{
		"all": {m.text, m.speech, m.train}, "text": {m.text}, "speech": {m.speech}, "train": {m.train}, "dev": {m.dev},
	}[step]
	if steps == nil {
		return fmt.Errorf("step %q: not known", step)
	}
	for _, do := range steps {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

type maker struct {
	source, work, out string
	vocabulary        *vocabulary
	drawer            *drawer
	reader            *lexicon.Reader
	forbidden         map[string]bool // sentences of the sample hearing
}

func newMaker(source, work, out string) (*maker, error) {
	m := &maker{source: source, work: work, out: out, forbidden: map[string]bool{}}
	var err error
	if m.vocabulary, err = readWords("transcript/words.txt"); err != nil {
		return nil, err
	}
	if m.drawer, err = readPatterns(filepath.Join(source, "sentences.txt"), m.vocabulary); err != nil {
		return nil, err
	}
	readings, err := os.Open(filepath.Join(source, "readings.txt"))
	if err != nil {
		return nil, err
	}
	defer readings.Close()
	if m.reader, err = lexicon.NewReader(readings); err != nil {
		return nil, err
	}
	sample, err := hearing.Reference()
	if err != nil {
		return nil, err
	}
	for _, s := range sample.Sentences {
		m.forbidden[bare(s.Text)] = true
	}
	return m, nil
}

// bare is text without its punctuation.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPunct(r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

// draw draws a sentence that the sample hearing does not hold.
func (m *maker) draw(r *rand.Rand) ([]token, error) {
	for {
		s, err := m.drawer.draw(r)
		if err != nil || !m.forbidden[spoken(s)] {
			return s, err
		}
	}
}

func spoken(sentence []token) string {
	var b strings.Builder
	for _, t := range sentence {
		b.WriteString(t.say)
	}
	return b.String()
}

// text writes the lexicon and the language model.
func (m *maker) text() error {
	if err := os.MkdirAll(m.out, 0o755); err != nil {
		return err
	}
	if err := m.writeDictionary(filepath.Join(m.out, "court.dic")); err != nil {
		return err
	}
	// The server reads names with the same readings.
	if err := copyFile(filepath.Join(m.out, "readings.txt"), filepath.Join(m.source, "readings.txt")); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	lm := newTrigram(m.vocabulary.words, 2)
	for range textSentences {
		s, err := m.draw(r)
		if err != nil {
			return err
		}
		lm.add(s)
	}
	arpa := filepath.Join(m.work, "court.arpa")
	f, err := os.Create(arpa)
	if err != nil {
		return err
	}
	if err := errors.Join(lm.write(f), f.Close()); err != nil {
		return err
	}
	return command(m.work, "sphinx_lm_convert", "-i", "court.arpa", "-ifmt", "arpa", "-o", absolute(filepath.Join(m.out, "court.lm.bin")), "-ofmt", "bin")
}

// writeDictionary lists each word with its sound, and each character with every
// sound that it has in a word.
func (m *maker) writeDictionary(name string) error {
	sounds := map[string][]string{}
	add := func(word string, syllables []string) error {
		p, err := lexicon.Pronounce(syllables)
		if err == nil && !slices.Contains(sounds[word], p) {
			sounds[word] = append(sounds[word], p)
		}
		return err
	}
	for _, w := range m.vocabulary.words {
		s, err := m.reader.Read(w)
		if err != nil {
			return err
		}
		if err := add(w, s); err != nil {
			return err
		}
	}
	for _, w := range m.vocabulary.words {
		s, err := m.reader.Read(w)
		if err != nil {
			return err
		}
		for i, c := range []rune(w) {
			if err := add(string(c), s[i:i+1]); err != nil {
				return err
			}
		}
	}
	var b strings.Builder
	for _, w := range m.vocabulary.words {
		for i, p := range sounds[w] {
			if i > 0 {
				fmt.Fprintf(&b, "%s(%d) %s\n", w, i+1, p)
			} else {
				fmt.Fprintf(&b, "%s %s\n", w, p)
			}
		}
	}
	return os.WriteFile(name, []byte(b.String()), 0o644)
}

func absolute(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		panic(err) // the working folder is gone
	}
	return abs
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// progress draws a bar on standard error where that is a terminal, and a line
// every tenth elsewhere.
func progress(what string, done, of int) {
	terminal := false
	if info, err := os.Stderr.Stat(); err == nil {
		terminal = info.Mode()&os.ModeCharDevice != 0
	}
	const width = 40
	switch n := done * width / of; {
	case terminal:
		fmt.Fprintf(os.Stderr, "\r%-22s [%s%s] %d/%d", what, strings.Repeat("=", n), strings.Repeat(" ", width-n), done, of)
		if done == of {
			fmt.Fprintln(os.Stderr)
		}
	case done*10/of != (done-1)*10/of:
		fmt.Fprintf(os.Stderr, "%s: %d of %d\n", what, done, of)
	}
}

var parallel = runtime.GOMAXPROCS(0)
