package docx

import (
	"archive/zip"
	"embed"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// MIME is the media type of what Write writes.
const MIME = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

//go:embed template
var parts embed.FS

// files are the parts of the package in the order in which they are written:
// readers expect the list of types first.
func files() []struct{ name, part string } {
	return []struct{ name, part string }{
		{"[Content_Types].xml", "types.xml"},
		{"_rels/.rels", "package-rels.xml"},
		{"docProps/core.xml", "core.xml"},
		{"word/document.xml", "document.xml"},
		{"word/_rels/document.xml.rels", "document-rels.xml"},
		{"word/styles.xml", "styles.xml"},
		{"word/fontTable.xml", "fonts.xml"},
		{"word/settings.xml", "settings.xml"},
		{"word/header1.xml", "header.xml"},
		{"word/footer1.xml", "footer.xml"},
	}
}

// page is what the parts are filled with.
type page struct {
	*transcript.Record
	Turns         []transcript.Turn
	Head          []transcript.Field
	EndLines      []string
	Signatures    []string // none without a case
	SigningFields []transcript.Field
	Closing       string
	Title         string
	HeadLine      string // of every page, under the notice of a demonstration
}

// Write writes r as a DOCX. The same record gives the same bytes.
func Write(w io.Writer, r transcript.Record) error {
	if err := write(w, r); err != nil {
		return fmt.Errorf("write docx record of hearing %s: %w", r.Hearing.ID, err)
	}
	return nil
}

// WriteSample writes the built-in form with the fields of a [Template] in their
// places, for a court to make its own of.
func WriteSample(w io.Writer) error {
	field := func(name string) string { return "{{" + name + "}}" }
	r := transcript.Record{Court: field("法院"), Hearing: sampleHearing()}
	p := page{Record: &r, Head: r.Head(), Title: field("标题"), HeadLine: field("法院") + "　" + field("案号"),
		Turns:    []transcript.Turn{{Shown: field(fieldText)}},
		EndLines: []string{field(fieldEnd)}, Closing: field(fieldSignatures),
		SigningFields: []transcript.Field{{Name: field(fieldSigning)}}}
	for i := range p.Head {
		p.Head[i].Value = field(p.Head[i].Name)
	}
	if err := writePage(w, p); err != nil {
		return fmt.Errorf("write the sample template: %w", err)
	}
	return nil
}

// sampleHearing has a case, as a record does.
func sampleHearing() capture.Hearing { return capture.Hearing{CaseNo: "{{案号}}"} }

func write(w io.Writer, r transcript.Record) error {
	p := page{Record: &r, Turns: r.Turns(), Head: r.Head(), EndLines: r.EndLines(), SigningFields: r.SigningFields(),
		Signatures: r.Signatures(), Title: r.Title(), HeadLine: strings.TrimSpace(r.Court + "　" + r.Hearing.CaseNo)}
	if p.Signatures != nil {
		p.Closing = transcript.Closing
	}
	return writePage(w, p)
}

func writePage(w io.Writer, p page) error {
	t, err := template.New("docx").Funcs(template.FuncMap{"x": escape, "w3c": w3cTime}).ParseFS(parts, "template/*.xml")
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, f := range files() {
		part, err := z.CreateHeader(&zip.FileHeader{
			Name: f.name, Method: zip.Deflate, Modified: p.WrittenAt.UTC().Truncate(2 * time.Second),
		})
		if err != nil {
			return err
		}
		if err := t.ExecuteTemplate(part, f.part, p); err != nil {
			return fmt.Errorf("part %s: %w", f.name, err)
		}
	}
	return z.Close()
}

// escape makes s fit for the text of an XML element: characters that XML does
// not allow are left out, as Word refuses a file with one of them.
func escape(s string) (string, error) {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < 0x20 || r == 0xfffe || r == 0xffff:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	var b strings.Builder
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}

func w3cTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
