package transcript

import (
	"bufio"
	"encoding/json"
	"io"

	"tingji/capture"
)

// demoNotice stands on top of what the demonstration engine has made.
const demoNotice = "【演示】由示例识别引擎生成，不作为任何案件的依据"

// DemoNotice is what every page of this record has to say; empty for a real one.
func (r *Record) DemoNotice() string {
	if r.Hearing.Demo {
		return demoNotice
	}
	return ""
}

// writeText writes the court's form of DOMAIN.md; of a recording without a
// case, only the lines.
func (r *Record) writeText(w io.Writer) error {
	b := bufio.NewWriter(w)
	line := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p) // the first error stays until Flush
		}
		b.WriteByte('\n')
	}
	court := r.Hearing.CaseNo != ""
	if court {
		if r.Hearing.Demo {
			line(demoNotice)
		}
		if r.Court != "" {
			line(r.Court)
		}
		line(r.Title())
		for _, f := range r.Head() {
			line(f.Name, "：", f.Value)
		}
		line()
	}
	for _, t := range r.Turns() {
		if t.Label == "" {
			line(t.Shown)
			continue
		}
		line(t.Label, "：", t.Shown)
	}
	if court {
		if end := r.EndLines(); len(end) > 0 {
			line()
			for _, c := range end {
				line(c)
			}
		}
		if signatures := r.Signatures(); len(signatures) > 0 {
			line()
			line(Closing)
			for _, s := range signatures {
				line(s, "：")
			}
		}
		for _, f := range r.SigningFields() {
			line(f.Name, "：", f.Value)
		}
	}
	return b.Flush()
}

// recordJSON is the form of docs/FORMATS.md, section "Record JSON". Fields are
// added, never renamed.
type recordJSON struct {
	V int `json:"v"`
	*Record
}

func (r *Record) writeJSON(w io.Writer) error {
	whole := *r // with lists where there is nothing, as readers expect
	h := &whole.Hearing
	if h.Participants == nil {
		h.Participants = []capture.Participant{}
	}
	if h.Seats == nil {
		h.Seats = []capture.Seat{}
	}
	if h.Hotwords == nil {
		h.Hotwords = []string{}
	}
	if h.Breaks == nil {
		h.Breaks = []capture.Break{}
	}
	if whole.Lines == nil {
		whole.Lines = []Line{}
	}
	if whole.Corrections == nil {
		whole.Corrections = []Correction{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(recordJSON{V: 1, Record: &whole})
}
