package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tingji/transcript"
)

// MIME is the media type of what a Printer writes.
const MIME = "application/pdf"

// Timeout bounds a conversion, and the wait for the one before. A record of 300
// pages takes a quarter of a minute.
const Timeout = 2 * time.Minute

// filter asks for PDF/A-2b.
const filter = `pdf:writer_pdf_Export:{"SelectPdfVersion":{"type":"long","value":"2"}}`

// Printer writes records as PDF. Safe for several goroutines, of which one at a
// time prints: LibreOffice takes half a gigabyte.
type Printer struct {
	docx func(io.Writer, transcript.Record) error
	busy chan struct{}
}

// New makes a printer of the DOCX that docx writes.
func New(docx func(io.Writer, transcript.Record) error) *Printer {
	return &Printer{docx: docx, busy: make(chan struct{}, 1)}
}

// Write writes r as a PDF. *transcript.UnavailableError where the machine lacks
// what it takes; context.DeadlineExceeded after Timeout.
func (p *Printer) Write(ctx context.Context, w io.Writer, r transcript.Record) error {
	fail := func(err error) error {
		return fmt.Errorf("write pdf record of hearing %s: %w", r.Hearing.ID, err)
	}
	office, err := find(ctx)
	if err != nil {
		return fail(err)
	}
	var source bytes.Buffer
	if err := p.docx(&source, r); err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-ctx.Done():
		return fail(ctx.Err())
	}
	made, err := convert(ctx, office, source.Bytes())
	if err != nil {
		return fail(err)
	}
	_, err = w.Write(made)
	return err
}

// Installed says what this machine lacks for a PDF: nil, or a
// [transcript.UnavailableError].
func Installed(ctx context.Context) error {
	_, err := find(ctx)
	return err
}

// find returns the LibreOffice of this machine, if it has a Chinese font to
// print with.
func find(ctx context.Context) (string, error) {
	office := ""
	for _, name := range []string{"soffice", "libreoffice"} {
		if path, err := exec.LookPath(name); err == nil {
			office = path
			break
		}
	}
	if office == "" {
		return "", &transcript.UnavailableError{
			Text:   "生成 PDF 需要 LibreOffice：请在服务器上安装（Debian：apt-get install libreoffice-writer-nogui fonts-noto-cjk），或者下载 DOCX 自行转换。",
			TextEN: "a PDF takes LibreOffice: install it on the server (Debian: apt-get install libreoffice-writer-nogui fonts-noto-cjk), or download the DOCX and convert it yourself",
		}
	}
	// Only where fontconfig can be asked: elsewhere the system has the fonts.
	list, err := exec.LookPath("fc-list")
	if err != nil {
		return office, nil
	}
	fonts, err := exec.CommandContext(ctx, list, ":lang=zh-cn", "family").Output()
	if err == nil && len(bytes.TrimSpace(fonts)) == 0 {
		return "", &transcript.UnavailableError{
			Text:   "生成 PDF 需要中文字体：请在服务器上安装（Debian：apt-get install fonts-noto-cjk），或者下载 DOCX 自行转换。",
			TextEN: "a PDF takes a Chinese font: install one on the server (Debian: apt-get install fonts-noto-cjk), or download the DOCX and convert it yourself",
		}
	}
	return office, nil
}

// convert runs LibreOffice on a DOCX in a folder of its own.
func convert(ctx context.Context, office string, source []byte) (made []byte, err error) {
	dir, err := os.MkdirTemp("", "tingji-pdf-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.WriteFile(filepath.Join(dir, "record.docx"), source, 0o600); err != nil {
		return nil, err
	}
	fonts := filepath.Join(dir, "fonts.conf")
	if err := os.WriteFile(fonts, fontconfig(), 0o600); err != nil {
		return nil, err
	}
	// A profile of its own: the user's may be in use, and then nothing happens.
	profile := "file://" + filepath.ToSlash(filepath.Join(dir, "profile"))
	cmd := exec.CommandContext(ctx, office, "-env:UserInstallation="+profile,
		"--headless", "--norestore", "--nolockcheck", "--convert-to", filter, "--outdir", dir, filepath.Join(dir, "record.docx"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "FONTCONFIG_FILE="+fonts, "HOME="+dir) // no trace outside the folder
	cmd.WaitDelay = 5 * time.Second
	prepare(cmd)
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", office, err, strings.TrimSpace(said.String()))
	}
	made, err = os.ReadFile(filepath.Join(dir, "record.pdf"))
	if errors.Is(err, os.ErrNotExist) { // it exits with 0 nevertheless
		err = fmt.Errorf("%s made no PDF: %s", office, strings.TrimSpace(said.String()))
	}
	return made, err
}
