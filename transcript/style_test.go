package transcript_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tingji/capture"
	"tingji/transcript"
)

// TestStyles writes the records of testdata/style/*.txt, which say how.
func TestStyles(t *testing.T) {
	files, err := filepath.Glob("testdata/style/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var style transcript.Style
		for block := range strings.SplitSeq(string(data), "\n\n") {
			r := transcript.Record{Hearing: capture.Hearing{Participants: []capture.Participant{{Role: "原告", Name: "张十二"}}}}
			var want []string
			for line := range strings.Lines(block) {
				word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
				switch word {
				case "", "#":
				case "style":
					w := strings.Fields(strings.ReplaceAll(rest, "-", `""`))
					for i := range w {
						w[i] = strings.Trim(w[i], `"`)
					}
					if style, err = transcript.ParseStyle(w[0], w[1], w[2]); err != nil {
						t.Fatal(err)
					}
				case "=":
					want = append(want, rest)
				default:
					r.Lines = append(r.Lines, styleLine(t, len(r.Lines), word, rest))
				}
			}
			r.Style = style
			if got := written(t, &r, "txt"); !slices.Equal(got, want) {
				t.Errorf("%s: got\n%s\nwant\n%s", file, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			// Neither subtitles nor stored lines are joined.
			if got, lines := len(written(t, &r, "srt")), len(r.Lines); got < lines*3 {
				t.Errorf("%s: %d lines of subtitles for %d utterances", file, got, lines)
			}
			plain := r
			plain.Style = transcript.Style{}
			if !slices.Equal(written(t, &r, "json"), written(t, &plain, "json")) {
				t.Errorf("%s: the style changes the JSON", file)
			}
		}
	}
}

func styleLine(t *testing.T, n int, role, rest string) transcript.Line {
	t.Helper()
	when, text, _ := strings.Cut(rest, " ")
	from, to, _ := strings.Cut(when, "-")
	l := transcript.Line{ID: strconv.Itoa(n), Role: role, Text: text, Origin: transcript.Speech, Revision: 1}
	for _, at := range []struct {
		word string
		ms   *int64
	}{{from, &l.StartMS}, {to, &l.EndMS}} {
		s, err := strconv.ParseInt(at.word, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		*at.ms = s * 1000
	}
	if role == "-" {
		l.Role, l.Origin = "", transcript.Hand
	}
	if base, speaker, ok := strings.Cut(strings.TrimSuffix(role, "）"), "（"); ok {
		l.Role, l.Speaker = base, speaker
	}
	if text == "" {
		l.Rejected = "unsupported audio"
	}
	return l
}

func written(t *testing.T, r *transcript.Record, format string) []string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func TestParseStyleRefuses(t *testing.T) {
	for _, tc := range []struct{ form, amounts, turns, field string }{
		{"short", "", "", "form"}, {"", "long", "", "amounts"}, {"", "", "join", "turns"}, {"spoken", "both", "", "amounts"},
	} {
		_, err := transcript.ParseStyle(tc.form, tc.amounts, tc.turns)
		var field *transcript.FieldError
		if !errors.As(err, &field) || field.Field != tc.field || field.Text == "" || field.TextEN == "" {
			t.Errorf("%+v: %v", tc, err)
		}
	}
	if s, err := transcript.ParseStyle("spoken", "", "single"); err != nil || s != (transcript.Style{}) {
		t.Errorf("%+v %v", s, err)
	}
}
