package docx_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/docx"
)

var update = flag.Bool("update", false, "write the golden files anew")

func record() transcript.Record {
	opened := time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
	closed := opened.Add(140 * time.Minute)
	line := func(role, text string) transcript.Line {
		return transcript.Line{Role: role, Text: text, Origin: transcript.Speech, Revision: 1}
	}
	return transcript.Record{
		Court: "某某区人民法院", RoomName: "第三审判庭", WrittenAt: closed, Complete: true,
		Hearing: capture.Hearing{
			ID: "20261123-010000-0k3x9a", CaseNo: "（2026）内0000民初1号", Cause: "民间借贷纠纷", Public: true, Demo: true,
			OpenedAt: &opened, ClosedAt: &closed,
			Participants: []capture.Participant{{Role: "审判长", Name: "王法官"}, {Role: "原告", Name: "李𬭚"}, {Role: "被告", Name: "周 & <五>"}},
		},
		Lines: []transcript.Line{
			line("审判长", "现在开庭。"),
			line("原告", "请求判令被告归还借款人民币十万元，并按照年利率百分之六支付自二零二三年五月六日起至实际清偿之日止的利息。"),
			line("被告", "\"借条\" <是我写的> & 'ok' ]]> \x00\x01\ufffe\U0001f600 {{.Court}}"),
			line("", "（当庭出示证据一）"),
			{Role: "证人", Rejected: "unsupported", Revision: 1},
		},
	}
}

func write(t *testing.T, r transcript.Record) map[string]string {
	t.Helper()
	return parts(t, func(w io.Writer) error { return docx.Write(w, r) })
}

// parts are those of a DOCX, which is written twice: the bytes are the same.
func parts(t *testing.T, write func(io.Writer) error) map[string]string {
	t.Helper()
	var b, again bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	if err := write(&again); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("the same record gives other bytes (%v)", err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if z.File[0].Name != "[Content_Types].xml" {
		t.Errorf("first part %s", z.File[0].Name)
	}
	parts := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		parts[f.Name] = string(content)
	}
	return parts
}

// words are the texts of a part's paragraphs.
func words(t *testing.T, name, part string) (paragraphs []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(part))
	inText := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return paragraphs
		}
		if err != nil {
			t.Fatalf("%s is not well-formed: %v", name, err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local == "p" {
				paragraphs = append(paragraphs, "")
			}
			inText = e.Name.Local == "t"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				paragraphs[len(paragraphs)-1] += string(e)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	parts := write(t, record())
	for name, part := range parts {
		words(t, name, part)
		if !utf8.ValidString(part) || strings.Contains(part, "<no value>") {
			t.Errorf("%s: %s", name, part)
		}
		if base, ok := strings.CutSuffix(name, ".rels"); ok {
			checkTargets(t, parts, base, part)
		}
	}
	golden(t, "document.xml", parts["word/document.xml"])
	golden(t, "header1.xml", parts["word/header1.xml"])
	if !strings.Contains(parts["word/header1.xml"], "演示") {
		t.Error("a demonstration is not marked on every page")
	}
	for _, field := range []string{" PAGE ", " NUMPAGES "} {
		if !strings.Contains(parts["word/footer1.xml"], `w:instr="`+field+`"`) {
			t.Errorf("no field %s", field)
		}
	}
	got := strings.Join(words(t, "document", parts["word/document.xml"]), "\n")
	for _, want := range []string{
		"某某区人民法院\n法庭审理笔录（第　次）\n案号：（2026）内0000民初1号\n",
		"到庭诉讼参与人：原告李𬭚；被告周 & <五>\n",
		"\n审判长：现在开庭。\n原告：请求判令",
		"\n被告：\"借条\" <是我写的> & 'ok' ]]> 😀 {{.Court}}\n（当庭出示证据一）\n证人：〔此处有语音，未能识别，可回放录音〕\n" + transcript.Closing + "\n审判人员签名：\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// checkTargets looks for the parts that a list of relationships names.
func checkTargets(t *testing.T, parts map[string]string, base, rels string) {
	t.Helper()
	var raw struct {
		Rel []struct {
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := xml.Unmarshal([]byte(rels), &raw); err != nil || len(raw.Rel) == 0 {
		t.Fatalf("%s: %v", base, err)
	}
	folder := strings.TrimSuffix(path.Dir(base), "_rels")
	for _, r := range raw.Rel {
		name := path.Join(folder, r.Target)
		if _, ok := parts[name]; !ok {
			t.Errorf("%s.rels names %s, which is not there", base, name)
		}
		if !strings.Contains(parts["[Content_Types].xml"], "/"+name) {
			t.Errorf("%s has no content type", name)
		}
	}
}

// Without a case it is a transcript: no head, no signatures, no 演示 on a real one.
func TestWriteRecording(t *testing.T) {
	r := record()
	r.Hearing.CaseNo, r.Hearing.Demo, r.Court = "", false, ""
	parts := write(t, r)
	got := strings.Join(words(t, "document", parts["word/document.xml"]), "\n")
	if !strings.HasPrefix(got, "录音转写\n审判长：现在开庭。\n") || strings.Contains(got, "签名") {
		t.Errorf("%s", got)
	}
	if strings.Contains(parts["word/header1.xml"], "演示") {
		t.Error("marked as a demonstration")
	}
}

// A signed record says at its end what was asked, and how it was signed.
func TestWriteSigned(t *testing.T) {
	r := record()
	r.Hearing.Signing = &capture.Signing{At: r.WrittenAt, Signers: []capture.Participant{{Role: "审判长", Name: "王 & 法官"}}, Integrity: strings.Repeat("0123abcd", 8)}
	r.Corrections = []transcript.Correction{{ID: "1", By: capture.Participant{Role: "原告", Name: "李𬭚"}, Role: "审判长", Text: "现在 <开庭>。", Says: "开庭。"}}
	got := strings.Join(words(t, "document", write(t, r)["word/document.xml"]), "\n")
	for _, want := range []string{
		"\n补正请求及处理：\n1．原告李𬭚请求将00:00:00处审判长“现在 <开庭>。”补正为“开庭。”。处理：尚未处理。\n" + transcript.Closing,
		"\n签名人：审判长王 & 法官\n签名时间：2026年11月23日上午11时20分\n完整性校验值（SHA-256）：" + r.Hearing.Signing.Integrity,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestWriteFails(t *testing.T) {
	if err := docx.Write(full{}, record()); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// A word processor reads it, and shows every word on pages with numbers.
func TestOpensInLibreOffice(t *testing.T) {
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: apt-get install libreoffice-writer-nogui poppler-utils")
	}
	pdftotext, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed: apt-get install poppler-utils")
	}
	dir := t.TempDir()
	r := record()
	for range 30 {
		r.Lines = append(r.Lines, r.Lines[1])
	}
	var b bytes.Buffer
	if err := docx.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "r.docx"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	run(office, "-env:UserInstallation=file://"+dir+"/profile", "--headless", "--convert-to", "pdf", "--outdir", dir, filepath.Join(dir, "r.docx"))
	pages := strings.Split(strings.TrimSuffix(run(pdftotext, "-layout", filepath.Join(dir, "r.pdf"), "-"), "\f"), "\f")
	if len(pages) < 3 {
		t.Fatalf("%d pages", len(pages))
	}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	for i, page := range pages {
		foot := fmt.Sprintf("第%d页共%d页", i+1, len(pages))
		if text := squeeze(page); !strings.Contains(text, foot) || !strings.Contains(text, "演示") || !strings.Contains(text, "内0000民初1号") {
			t.Errorf("page %d has no %q, 演示 or case number:\n%s", i+1, foot, page)
		}
	}
	if text := squeeze(strings.Join(pages, "")); strings.Count(text, "请求判令被告") != 31 || !strings.Contains(text, "诉讼参与人签名：") {
		t.Errorf("words are missing:\n%s", text)
	}
	if keep := os.Getenv("TINGJI_KEEP_PDF"); keep != "" {
		pdf, err := os.ReadFile(filepath.Join(dir, "r.pdf"))
		if err == nil {
			err = os.WriteFile(keep, pdf, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata/golden", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; -update writes it anew\n%s", file, got)
	}
}
