package transcript_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tingji/capture"
	"tingji/testdata/hearing"
	"tingji/transcript"
)

// phaseScript reads lines and the phases that begin with them, by line id.
func phaseScript(t *testing.T, file string) (lines []transcript.Line, want []string, h capture.Hearing) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		word, rest, _ := strings.Cut(s.Text(), " ")
		switch {
		case word == "" || word == "#":
		case word == ">":
			want = append(want, rest+" "+lines[len(lines)-1].ID)
		case word == "close":
			now := time.Unix(0, 0)
			h.ClosedAt = &now
		default:
			id := fmt.Sprintf("%s-%d", word, len(lines)+1)
			start := int64(len(lines)) * 5000
			lines = append(lines, transcript.Line{ID: id, Role: word, Text: rest, Origin: transcript.Speech, StartMS: start, EndMS: start + 4000})
		}
	}
	return lines, want, h
}

func proposed(lines []transcript.Line, h *capture.Hearing) (list []string) {
	for _, p := range transcript.ProposePhases(lines, h) {
		list = append(list, string(p.Phase)+" "+p.Line)
	}
	return list
}

func TestProposePhases(t *testing.T) {
	files, err := filepath.Glob("testdata/phases/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		lines, want, h := phaseScript(t, file)
		if got := proposed(lines, &h); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", file, strings.Join(got, "，"), strings.Join(want, "，"))
		}
		// While the hearing goes on, nothing is taken back.
		var open capture.Hearing
		var before []string
		for i := range lines {
			now := proposed(lines[:i+1], &open)
			if len(now) < len(before) || !slices.Equal(now[:len(before)], before) {
				t.Errorf("%s: after %s %v, before it %v", file, lines[i].Text, now, before)
			}
			before = now
		}
	}
}

// sampleLines are the lines of the sample hearing.
func sampleLines(t testing.TB) (lines []transcript.Line, sentences []hearing.Sentence) {
	h, err := hearing.Reference()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range h.Sentences {
		l := transcript.Line{ID: fmt.Sprint(i), Channel: s.Channel, Role: s.Role, Text: s.Text, Origin: transcript.Speech, StartMS: s.StartMS, EndMS: s.EndMS}
		for _, w := range s.Words {
			l.Words = append(l.Words, transcript.Word{Text: w.Text, StartMS: w.StartMS, EndMS: w.EndMS, Confidence: 1})
		}
		lines = append(lines, l)
	}
	return lines, h.Sentences
}

// Each phase of the sample hearing is found at its sentence, and no other one;
// without the engine's marks too.
func TestPhasesOfTheSampleHearing(t *testing.T) {
	lines, sentences := sampleLines(t)
	var want []string
	phase := ""
	for i, s := range sentences {
		if s.Phase != phase {
			phase = s.Phase
			want = append(want, phase+" "+lines[i].ID)
		}
	}
	if len(want) != len(transcript.Phases()) {
		t.Fatalf("the sample has %d phases: %v", len(want), want)
	}
	for _, plain := range []bool{false, true} {
		for i := range lines {
			if plain {
				lines[i].Text = strings.NewReplacer("，", "", "。", "", "？", "", "、", "").Replace(lines[i].Text)
			}
		}
		if got := proposed(lines, &capture.Hearing{}); !slices.Equal(got, want) {
			t.Errorf("plain %v:\n got %v\nwant %v", plain, got, want)
		}
	}
}

func TestPhaseFormula(t *testing.T) {
	lines := []transcript.Line{
		{ID: "a", Role: "审判长", Text: "好， 先在 开 停。", Origin: transcript.Speech, StartMS: 1000},
		{ID: "b", Role: "审判长", Text: "现在休庭", Origin: transcript.Hand, StartMS: 2000}, // the clerk's note
	}
	got := transcript.ProposePhases(lines, &capture.Hearing{})
	want := []transcript.PhaseProposal{{Phase: transcript.PhaseOpening, Line: "a", StartMS: 1000, Formula: "先在 开 停", Said: "a"}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

func BenchmarkProposePhases(b *testing.B) {
	sample, _ := sampleLines(b)
	var lines []transcript.Line
	for len(lines) < 10_000 { // eight hours
		lines = append(lines, sample...)
	}
	b.ReportAllocs()
	for b.Loop() {
		transcript.ProposePhases(lines, &capture.Hearing{})
	}
}

func FuzzProposePhases(f *testing.F) {
	lines, _ := sampleLines(f)
	for _, l := range lines {
		f.Add(l.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line := transcript.Line{ID: "1", Role: "审判长", Text: text, Origin: transcript.Speech}
		for _, p := range transcript.ProposePhases([]transcript.Line{line, line}, &capture.Hearing{}) {
			if p.Formula == "" || p.Line != "1" {
				t.Errorf("%q: %+v", text, p)
			}
		}
	})
}
