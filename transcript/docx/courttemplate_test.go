package docx_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/docx"
)

// sample is the built-in form as a template, with its document changed.
func sample(t *testing.T, change func(document string) string) []byte {
	t.Helper()
	var b, changed bytes.Buffer
	if err := docx.WriteSample(&b); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(&changed)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == "word/document.xml" {
			data = []byte(change(string(data)))
		}
		part, err := w.Create(f.Name)
		if err == nil {
			_, err = part.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return changed.Bytes()
}

func asItIs(s string) string { return s }

func fill(t *testing.T, template []byte, r transcript.Record) map[string]string {
	t.Helper()
	tpl, err := docx.ReadTemplate(template)
	if err != nil {
		t.Fatal(err)
	}
	return parts(t, func(w io.Writer) error { return tpl.Write(w, r) })
}

func signedRecord() transcript.Record {
	r := record()
	r.Hearing.Demo = false
	r.Hearing.Status = capture.Signed
	r.Hearing.Readings = []capture.Reading{{Participant: capture.Participant{Role: "原告", Name: "李𬭚"}, Manner: capture.ReadAlone, At: *r.Hearing.ClosedAt}}
	r.Hearing.Explanations = []capture.Explanation{{FromMS: 4000, ToMS: 6000, Text: "话筒线松动"}}
	r.Hearing.Signing = &capture.Signing{At: r.Hearing.ClosedAt.Add(time.Minute), Integrity: strings.Repeat("ab", 32),
		Signers: []capture.Participant{{Role: "审判长", Name: "王法官"}}}
	return r
}

// The court's form with the fields of the built-in one says the same as it.
func TestTemplate(t *testing.T) {
	for name, r := range map[string]transcript.Record{"demo": record(), "signed": signedRecord()} {
		got := fill(t, sample(t, asItIs), r)
		text := strings.Join(words(t, "document", got["word/document.xml"]), "\n")
		for _, want := range words(t, "document", write(t, r)["word/document.xml"]) {
			if want = strings.TrimSpace(want); !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
		if strings.Contains(text, "{{正文") || strings.Contains(text, "{{案号") {
			t.Errorf("%s: a field is left:\n%s", name, text)
		}
		if strings.HasPrefix(text, "【演示】") != (name == "demo") {
			t.Errorf("%s begins with %.60s", name, text)
		}
		if head := strings.Join(words(t, "header", got["word/header1.xml"]), ""); !strings.Contains(head, "某某区人民法院　（2026）内0000民初1号") {
			t.Errorf("%s: header %q", name, head)
		}
		if name == "signed" {
			r.Style.Publication = true
			text := strings.Join(words(t, "document", fill(t, sample(t, asItIs), r)["word/document.xml"]), "\n")
			if strings.Contains(text, "校验值") || strings.Contains(text, "审判人员签名") || strings.Contains(text, "签名人") {
				t.Errorf("published:\n%s", text)
			}
		}
	}
}

// What an editor makes of a field, and what stands beside it.
func TestTemplateRuns(t *testing.T) {
	cut := `<w:p w:rsidR="00A1"><w:r><w:rPr><w:b/></w:rPr><w:t>第三庭&#34;{</w:t></w:r><w:r><w:t>{案</w:t></w:r><w:proofErr w:type="x"/><w:r><w:t xml:space="preserve">由}</w:t></w:r><w:r><w:t>}，{{公开}} &amp; {{书记员}}。</w:t></w:r></w:p>`
	cut = strings.ReplaceAll(cut, "{{公开}}", "{{是否公开审理}}")
	got := fill(t, sample(t, func(s string) string { return strings.Replace(s, "<w:body>", "<w:body>"+cut, 1) }), signedRecord())["word/document.xml"]
	if paragraph := words(t, "document", got)[0]; paragraph != `第三庭"民间借贷纠纷，公开 & 。` {
		t.Errorf("%q", paragraph)
	}
	if !strings.Contains(got, "<w:b/></w:rPr><w:t xml:space=\"preserve\">第三庭&#34;民间借贷纠纷</w:t>") {
		t.Error("the field is not where it begins")
	}
}

func TestTemplateRefused(t *testing.T) {
	without := func(field string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, "{{"+field+"}}", "") }
	}
	for name, test := range map[string]struct {
		file  []byte
		field string
	}{
		"no file":   {nil, ""},
		"no zip":    {[]byte("模板"), ""},
		"case":      {sample(t, without("案号")), "案号"},
		"text":      {sample(t, without("正文")), "正文"},
		"end":       {sample(t, without("附记")), "附记"},
		"places":    {sample(t, without("签名处")), "签名处"},
		"signing":   {sample(t, without("签名信息")), "签名信息"},
		"unknown":   {sample(t, func(s string) string { return strings.ReplaceAll(s, "{{案由}}", "{{案油}}") }), "案油"},
		"not alone": {sample(t, func(s string) string { return strings.ReplaceAll(s, "{{正文}}", "笔录：{{正文}}") }), "正文"},
		"open":      {sample(t, func(s string) string { return strings.ReplaceAll(s, "{{案由}}", "{{案由") }), "案由"},
		"broken":    {sample(t, func(s string) string { return s[:len(s)/2] }), ""},
	} {
		_, err := docx.ReadTemplate(test.file)
		var wrong *docx.TemplateError
		if !errors.As(err, &wrong) || wrong.Field != test.field || wrong.Text == "" || !strings.Contains(wrong.TextEN, test.field) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if fields := docx.Fields(); !slices.Contains(fields, "到庭诉讼参与人") || len(fields) != 17 {
		t.Errorf("fields %v", fields)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add(`<w:p><w:r><w:t>{{案号}}</w:t></w:r></w:p>`)
	f.Add(`<w:p><w:p><w:r><w:t>{{</w:t><w:t>案号}}</w:t></w:r></w:p></w:p>`)
	f.Fuzz(func(t *testing.T, more string) {
		tpl, err := docx.ReadTemplate(sample(t, func(s string) string { return strings.Replace(s, "<w:body>", "<w:body>"+more, 1) }))
		if err != nil {
			return
		}
		got := parts(t, func(w io.Writer) error { return tpl.Write(w, signedRecord()) })
		words(t, "document", got["word/document.xml"]) // well-formed
	})
}
