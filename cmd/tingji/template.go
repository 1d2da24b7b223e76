package main

import (
	"bytes"
	"context"

	"tingji/transcript/docx"
)

type templateCmd struct {
	Output string `short:"o" placeholder:"FILE" help:"Write to a file, whole or not at all; else to standard output."`
	Check  string `placeholder:"FILE" help:"Only say whether a template can be used."`
}

func (templateCmd) once() {}

func (templateCmd) Help() string {
	return "Writes the built-in form of the record as a DOCX with fields, for a court to make its own of in Word, WPS or LibreOffice;\n" +
		"record_template in the configuration then names it. docs/RECORD.md lists the fields.\n\n" +
		"Example:\n  tingji template -o 笔录模板.docx\n  tingji template --check 笔录模板.docx"
}

func (c templateCmd) Run(_ context.Context, a *app) error {
	if c.Check != "" {
		a.config.RecordTemplate = c.Check
		_, err := a.recordFormats()
		return err
	}
	var out bytes.Buffer
	if err := docx.WriteSample(&out); err != nil {
		return err
	}
	return deliver(a.stdout, c.Output, out.Bytes())
}
