package pdf_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"go.uber.org/goleak"

	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/docx"
	"tingji/transcript/pdf"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func record() transcript.Record {
	opened := time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
	closed := opened.Add(140 * time.Minute)
	r := transcript.Record{
		Court: "某某区人民法院", RoomName: "第三审判庭", WrittenAt: closed, Complete: true,
		Hearing: capture.Hearing{
			ID: "20261123-010000-0k3x9a", CaseNo: "（2026）内0000民初1号", Cause: "民间借贷纠纷", Public: true, OpenedAt: &opened, ClosedAt: &closed,
			Status: capture.Signed, Participants: []capture.Participant{{Role: "审判长", Name: "王法官"}, {Role: "原告", Name: "李启明"}},
			Signing: &capture.Signing{At: closed, Signers: []capture.Participant{{Role: "审判长", Name: "王法官"}}, Integrity: strings.Repeat("0123456789abcdef", 4)},
		},
		Corrections: []transcript.Correction{{ID: "1", By: capture.Participant{Role: "原告", Name: "李启明"}, Role: "审判长", Text: "现在开庭。", Says: "开庭。"}},
	}
	for range 60 {
		r.Lines = append(r.Lines,
			transcript.Line{Role: "审判长", Text: "现在开庭。", Revision: 1},
			transcript.Line{Role: "原告", Text: "请求判令被告归还借款人民币200000元，并按照年利率3.85%支付自二零二三年五月六日起的利息。", Revision: 1})
	}
	return r
}

// TestPDF holds the PDF to the record: all its words in their order, every font
// embedded.
func TestPDF(t *testing.T) {
	tools := map[string]string{}
	for _, name := range []string{"soffice", "pdftotext", "pdffonts"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("skipped: no %s here (apt-get install libreoffice-writer-nogui poppler-utils)", name)
		}
		tools[name] = path
	}
	r := record()
	var made bytes.Buffer
	err := pdf.New(docx.Write).Write(t.Context(), &made, r)
	if missing := (*transcript.UnavailableError)(nil); errors.As(err, &missing) {
		t.Skipf("skipped: %v", missing)
	} else if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "record.pdf")
	if err := os.WriteFile(file, made.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("TINGJI_KEEP_PDF"); keep != "" {
		if err := os.WriteFile(keep, made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fonts, err := exec.Command(tools["pdffonts"], file).Output()
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(fonts)), "\n")
	if len(rows) < 3 {
		t.Errorf("no fonts: %s", fonts)
	}
	for _, row := range rows[min(2, len(rows)):] {
		columns := strings.Fields(row) // … emb sub uni object generation
		if n := len(columns); n < 6 || columns[n-5] != "yes" {
			t.Errorf("a font is not embedded: %s", row)
		}
	}
	// The collection is named by its first face, whichever is used.
	if list, err := exec.Command("fc-list", "Noto Serif CJK SC").Output(); err == nil && len(list) > 0 {
		if !strings.Contains(string(fonts), "NotoSerifCJK") || strings.Contains(string(fonts), "Sans") {
			t.Errorf("the form's 仿宋 and 小标宋 are not printed with Noto Serif CJK, which is there:\n%s", fonts)
		}
	}
	// The body's box only: headers and footers stand between its lines.
	text, err := exec.Command(tools["pdftotext"], "-raw", "-y", "80", "-x", "0", "-W", "600", "-H", "680", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	want = append(want, r.Court, r.Title())
	for _, f := range r.Head() {
		want = append(want, f.Name+"："+f.Value)
	}
	for _, turn := range r.Turns() {
		want = append(want, turn.Label+"："+turn.Shown)
	}
	want = append(want, r.CorrectionLines()...)
	want = append(want, transcript.Closing)
	for _, s := range r.Signatures() {
		want = append(want, s+"：")
	}
	for _, f := range r.SigningFields() {
		want = append(want, f.Name+"："+f.Value)
	}
	if got, want := solid(string(text)), solid(strings.Join(want, "")); got != want {
		i := 0
		for i < min(len(got), len(want)) && got[i] == want[i] {
			i++
		}
		t.Errorf("the text differs at byte %d:\n%.300s\nwant\n%.300s", i, got[max(0, i-60):], want[max(0, i-60):])
	}
}

// solid is a text without spaces and page ends, as a PDF has no words.
func solid(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func TestWithoutOffice(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var missing *transcript.UnavailableError
	if err := pdf.New(docx.Write).Write(t.Context(), io.Discard, record()); !errors.As(err, &missing) || !strings.Contains(missing.Text, "libreoffice-writer-nogui") {
		t.Errorf("error %v", err)
	}
}

// fakeOffice puts a script in the place of LibreOffice.
func fakeOffice(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "soffice"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("skipped: no shell here")
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+"/usr/bin"+string(os.PathListSeparator)+"/bin")
	t.Setenv("TMPDIR", t.TempDir())
}

func TestOfficeFails(t *testing.T) {
	for name, script := range map[string]string{
		"says no":       "echo 'source file could not be loaded' >&2; exit 1",
		"makes nothing": "echo 'source file could not be loaded'",
	} {
		t.Run(name, func(t *testing.T) {
			fakeOffice(t, script)
			err := pdf.New(docx.Write).Write(t.Context(), io.Discard, record())
			if missing := (*transcript.UnavailableError)(nil); errors.As(err, &missing) {
				t.Skipf("skipped: %v", missing)
			}
			if err == nil || !strings.Contains(err.Error(), "could not be loaded") {
				t.Errorf("error %v, want what it said", err)
			}
			left(t)
		})
	}
}

// One that hangs is ended with all that it started, and leaves nothing.
func TestOfficeHangs(t *testing.T) {
	fakeOffice(t, "sleep 600 & wait")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	p := pdf.New(docx.Write)
	err := p.Write(ctx, io.Discard, record())
	if missing := (*transcript.UnavailableError)(nil); errors.As(err, &missing) {
		t.Skipf("skipped: %v", missing)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	left(t)
	if err := p.Write(ctx, io.Discard, record()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the next: %v", err)
	}
}

func left(t *testing.T) {
	t.Helper()
	if entries, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
