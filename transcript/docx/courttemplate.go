package docx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"tingji/transcript"
)

// Bounds of a template: a court's is some ten kilobytes.
const (
	maxTemplate = 10 << 20 // bytes of the file
	maxPart     = 20 << 20 // bytes of one part, unpacked
)

// TemplateError says what is wrong with a court's template.
type TemplateError struct {
	Field  string // that is missing or unknown; empty: the file as a whole
	Text   string // Chinese
	TextEN string
}

func (e *TemplateError) Error() string { return e.TextEN }

// The fields of a template that become paragraphs, each alone in its own, whose
// format they have.
const (
	fieldText       = "正文"   // a paragraph a turn
	fieldEnd        = "附记"   // corrections, explanations of faults, who has read it
	fieldSignatures = "签名处"  // places for signatures; none in the copy that is published
	fieldSigning    = "签名信息" // who has signed, and the integrity check value
)

// neededFields are those without which a record would lack what the law asks for.
func neededFields() []string {
	return []string{"案号", fieldText, fieldEnd, fieldSignatures, fieldSigning}
}

// Fields are all that a template can have, written as {{案号}}.
func Fields() []string {
	fields := []string{"法院", "标题"}
	for _, f := range (&transcript.Record{Hearing: sampleHearing()}).Head() {
		fields = append(fields, f.Name)
	}
	return append(fields, fieldText, fieldEnd, fieldSignatures, fieldSigning)
}

// Template is a court's own form of the record. It does not change: safe for
// several goroutines.
type Template struct{ parts []templatePart }

type templatePart struct {
	name   string
	data   []byte
	filled bool // it may have fields
}

// ReadTemplate reads a DOCX with fields. *TemplateError names the field that is
// missing or unknown.
func ReadTemplate(file []byte) (*Template, error) {
	whole := func(zh, en string) error { return &TemplateError{Text: zh, TextEN: en} }
	if len(file) > maxTemplate {
		return nil, whole("模板超过 10 MiB", "the template is larger than 10 MiB")
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, whole("模板不是 DOCX 文件", "the template is no DOCX file: "+err.Error())
	}
	t := &Template{}
	var found []string
	main := false
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		data, err := unpack(f)
		if err != nil {
			return nil, whole("模板损坏："+f.Name, "the template is damaged: "+f.Name+": "+err.Error())
		}
		p := templatePart{name: f.Name, data: data, filled: fillable(f.Name)}
		if p.filled {
			if err := xml.Unmarshal(data, new(struct{})); err != nil {
				return nil, whole("模板损坏："+f.Name, "the template is damaged: "+f.Name+": "+err.Error())
			}
			main = main || p.name == "word/document.xml"
			for _, one := range paragraphs(data) {
				names, err := fieldsOf(textOf(data[one.from:one.to]))
				if err != nil {
					return nil, err
				}
				if p.name == "word/document.xml" { // in a header they would be of no use
					found = append(found, names...)
				} else if i := slices.IndexFunc(names, block); i >= 0 {
					return nil, &TemplateError{names[i], "字段 {{" + names[i] + "}} 只能放在正文区，不能放在页眉页脚", "field {{" + names[i] + "}} belongs into the text, not into header or footer"}
				}
			}
		}
		t.parts = append(t.parts, p)
	}
	if !main {
		return nil, whole("模板不是 DOCX 文件：没有 word/document.xml", "the template is no DOCX file: it has no word/document.xml")
	}
	for _, name := range neededFields() {
		if !slices.Contains(found, name) {
			return nil, &TemplateError{name, "模板缺少字段 {{" + name + "}}", "the template lacks the field {{" + name + "}}"}
		}
	}
	return t, nil
}

func unpack(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxPart+1))
	if err == nil && len(data) > maxPart {
		err = fmt.Errorf("larger than %d bytes", maxPart)
	}
	return data, err
}

func fillable(name string) bool {
	ok, _ := regexp.MatchString(`^word/(document|header\d*|footer\d*)\.xml$`, name)
	return ok
}

func block(name string) bool {
	return slices.Contains([]string{fieldText, fieldEnd, fieldSignatures, fieldSigning}, name)
}

// fieldsOf are the fields in the text of a paragraph.
func fieldsOf(text string) ([]string, error) {
	var names []string
	for rest := text; ; {
		_, behind, ok := strings.Cut(rest, "{{")
		if !ok {
			return names, nil
		}
		name, after, ok := strings.Cut(behind, "}}")
		if name = strings.TrimSpace(name); !ok || !slices.Contains(Fields(), name) {
			return nil, &TemplateError{name, fmt.Sprintf("模板中有不认识的字段 {{%s}}；可用：%s", name, strings.Join(Fields(), "、")),
				fmt.Sprintf("the template has an unknown field {{%s}}; known: %s", name, strings.Join(Fields(), ", "))}
		}
		if block(name) && strings.TrimSpace(text) != "{{"+name+"}}" {
			return nil, &TemplateError{name, "字段 {{" + name + "}} 须单独成段", "field {{" + name + "}} has to stand alone in its paragraph"}
		}
		names, rest = append(names, name), after
	}
}

// Write writes r in the court's form. A demonstration says that it is one,
// whatever the template has. The same record gives the same bytes.
func (t *Template) Write(w io.Writer, r transcript.Record) error {
	z := zip.NewWriter(w)
	for _, p := range t.parts {
		to, err := z.CreateHeader(&zip.FileHeader{Name: p.name, Method: zip.Deflate, Modified: r.WrittenAt.UTC().Truncate(2 * time.Second)})
		if err == nil {
			data := p.data
			if p.filled {
				data = fillPart(&p, &r)
			}
			_, err = to.Write(data)
		}
		if err != nil {
			return fmt.Errorf("write docx record of hearing %s: %s: %w", r.Hearing.ID, p.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write docx record of hearing %s: %w", r.Hearing.ID, err)
	}
	return nil
}

// a run of text of a filled paragraph.
type labelled struct{ label, text string }

func fillPart(p *templatePart, r *transcript.Record) []byte {
	values := map[string]string{"法院": r.Court, "标题": r.Title()}
	for _, f := range r.Head() {
		values[f.Name] = f.Value
	}
	blocks := map[string][]labelled{fieldText: nil, fieldEnd: nil, fieldSignatures: nil, fieldSigning: nil}
	if p.name == "word/document.xml" {
		for _, turn := range r.Turns() {
			one := labelled{text: turn.Shown}
			if turn.Label != "" {
				one.label = turn.Label + "："
			}
			blocks[fieldText] = append(blocks[fieldText], one)
		}
		for _, line := range r.EndLines() {
			blocks[fieldEnd] = append(blocks[fieldEnd], labelled{text: line})
		}
		if places := r.Signatures(); places != nil {
			blocks[fieldSignatures] = append(blocks[fieldSignatures], labelled{text: transcript.Closing})
			for _, s := range places {
				blocks[fieldSignatures] = append(blocks[fieldSignatures], labelled{text: s + "："})
			}
		}
		for _, f := range r.SigningFields() {
			blocks[fieldSigning] = append(blocks[fieldSigning], labelled{text: f.Name + "：" + f.Value})
		}
	}
	var out bytes.Buffer
	at := 0
	notice := r.DemoNotice()
	if strings.HasPrefix(p.name, "word/footer") {
		notice = "" // it is in the head of every page, and on top of the text
	}
	for _, one := range paragraphs(p.data) {
		out.Write(p.data[at:one.from])
		at = one.to
		paragraph := p.data[one.from:one.to]
		if notice != "" {
			out.Write(repeated(nil, labelled{text: notice}))
			notice = ""
		}
		text := textOf(paragraph)
		name := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "{{"), "}}"))
		if lines, ok := blocks[name]; ok && strings.Contains(text, "{{") {
			for _, l := range lines {
				out.Write(repeated(paragraph, l))
			}
			if len(lines) == 0 {
				out.Write(repeated(paragraph, labelled{})) // a cell of a table needs a paragraph
			}
			continue
		}
		out.Write(replaced(paragraph, values))
	}
	out.Write(p.data[at:])
	return out.Bytes()
}

type span struct{ from, to int }

// paragraphs are the innermost paragraphs of a part, in order.
func paragraphs(data []byte) []span {
	var found []span
	at := 0
	for {
		end := bytes.Index(data[at:], []byte("</w:p>"))
		if end < 0 {
			return found
		}
		end += at + len("</w:p>")
		head := data[at:end]
		from := max(bytes.LastIndex(head, []byte("<w:p>")), bytes.LastIndex(head, []byte("<w:p ")))
		if from >= 0 {
			// <w:p/> has nothing in it; what stands behind its place is another's.
			found = append(found, span{at + from, end})
		}
		at = end
	}
}

// How OOXML writes what a field touches.
var (
	texts      = regexp.MustCompile(`<w:t(?:\s[^>]*)?>([^<]*)</w:t>`)
	properties = regexp.MustCompile(`(?s)^<w:p(?:\s[^>]*)?>\s*(<w:pPr>.*?</w:pPr>|<w:pPr/>)`)
	runFormat  = regexp.MustCompile(`(?s)<w:r(?:\s[^>]*)?>\s*(<w:rPr>.*?</w:rPr>)`)
)

func textOf(paragraph []byte) string {
	var b strings.Builder
	for _, m := range texts.FindAllSubmatch(paragraph, -1) {
		b.WriteString(html.UnescapeString(string(m[1])))
	}
	return b.String()
}

// repeated is a paragraph in the format of another, with a text of its own.
func repeated(paragraph []byte, l labelled) []byte {
	format := func(more string) string {
		if m := runFormat.FindSubmatch(paragraph); m != nil {
			return strings.Replace(string(m[1]), "<w:rPr>", "<w:rPr>"+more, 1)
		} else if more != "" {
			return "<w:rPr>" + more + "</w:rPr>"
		}
		return ""
	}
	var b bytes.Buffer
	b.WriteString("<w:p>")
	if m := properties.FindSubmatch(paragraph); m != nil {
		b.Write(m[1])
	}
	run := func(text, format string) {
		if s, err := escape(text); err == nil && s != "" {
			fmt.Fprintf(&b, `<w:r>%s<w:t xml:space="preserve">%s</w:t></w:r>`, format, s)
		}
	}
	bold := "<w:b/>"
	if strings.Contains(format(""), "<w:b/>") || strings.Contains(format(""), "<w:rFonts") {
		bold = "" // the order of properties is fixed: the template's own format stays
	}
	run(l.label, format(bold))
	run(l.text, format(""))
	b.WriteString("</w:p>")
	return b.Bytes()
}

// replaced fills the fields of a paragraph; a field that an editor has cut into
// several runs is written into the first of them.
func replaced(paragraph []byte, values map[string]string) []byte {
	places := texts.FindAllSubmatchIndex(paragraph, -1)
	var parts []string
	for _, m := range places {
		parts = append(parts, html.UnescapeString(string(paragraph[m[2]:m[3]])))
	}
	all := strings.Join(parts, "")
	if !strings.Contains(all, "{{") {
		return paragraph
	}
	filled := make([]strings.Builder, len(parts))
	part, within := 0, 0 // where the next byte of all stands
	step := func() {
		for part < len(parts) && within >= len(parts[part]) {
			part, within = part+1, 0
		}
	}
	for i := 0; i < len(all); {
		step()
		if strings.HasPrefix(all[i:], "{{") {
			if end := strings.Index(all[i:], "}}"); end >= 0 {
				filled[part].WriteString(values[strings.TrimSpace(all[i+2:i+end])])
				for n := end + 2; n > 0; n-- {
					step()
					within++
				}
				i += end + 2
				continue
			}
		}
		filled[part].WriteByte(all[i])
		within++
		i++
	}
	var out bytes.Buffer
	at := 0
	for k, m := range places {
		out.Write(paragraph[at:m[0]])
		s, err := escape(filled[k].String())
		if err != nil {
			s = "" // strings.Builder does not fail
		}
		fmt.Fprintf(&out, `<w:t xml:space="preserve">%s</w:t>`, s)
		at = m[1]
	}
	out.Write(paragraph[at:])
	return out.Bytes()
}
