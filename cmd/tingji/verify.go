package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

type verifyCmd struct {
	Folder    string `arg:"" placeholder:"DIR" help:"Folder that tingji export --format folder wrote, or the unpacked proof of a page."`
	Integrity string `placeholder:"HEX" help:"The integrity check value (完整性校验值) as it is printed in the record: the folder has to give this one."`
	TSACA     string `name:"tsa-ca" placeholder:"FILE" help:"Certificates (PEM) of the time-stamp authorities that are trusted: the folder's time-stamp has to lead to one of them."`
}

func (verifyCmd) once() {}

func (verifyCmd) Help() string {
	return "Checks every byte of a proof, its revisions and their chain, with nothing but the folder. Prints ok and the " +
		"integrity check value, which is to be the one printed in the signed record; or names the first thing that does not fit, and exits with 1. " +
		"A time-stamp (timestamp.tsr) has to be about that value and signed; whose certificate that is, is checked with --tsa-ca.\n\n" +
		"Example:\n  tingji verify 证明 --integrity 9f2c… --tsa-ca tsa-root.pem"
}

func (c verifyCmd) Run(ctx context.Context, a *app) error {
	info, err := os.Stat(c.Folder)
	switch {
	case err != nil:
		return misuse("verify %s: %s", c.Folder, cause(err))
	case !info.IsDir():
		return misuse("verify %s: not a folder; unpack a proof first", c.Folder)
	}
	authorities, err := c.authorities()
	if err != nil {
		return err
	}
	v, err := transcript.Verify(ctx, os.DirFS(c.Folder), authorities)
	if errors.Is(err, transcript.ErrNoProof) {
		return misuse("verify %s: %v", c.Folder, err)
	} else if err != nil {
		return fmt.Errorf("verify %s: %w", c.Folder, err)
	}
	if want := strings.ToLower(strings.Join(strings.Fields(c.Integrity), "")); want != "" && want != v.Integrity {
		return fmt.Errorf("verify %s: the folder is whole, but its integrity value is %s, not %s: it is the proof of something else", c.Folder, v.Integrity, want)
	}
	if v.Stamp == nil && authorities != nil {
		return fmt.Errorf("verify %s: the folder is whole, integrity value %s, but it has no time-stamp", c.Folder, v.Integrity)
	}
	_, err = fmt.Fprintf(a.stdout, "ok %s\nhearing %s %s, %s\n%d lines, %d revisions, %d corrections, %d audio files with %s of sound\n%s\n",
		v.Integrity, v.Hearing.ID, v.Hearing.CaseNo, signedWhen(v.Hearing), v.Lines, v.Revisions, v.Corrections, v.AudioFiles, v.Sound.Round(time.Second),
		stampedWhen(v.Stamp, authorities != nil))
	return err
}

// authorities are the certificates that --tsa-ca names; nil without it.
func (c verifyCmd) authorities() (*x509.CertPool, error) {
	if c.TSACA == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.TSACA)
	if err != nil {
		return nil, misuse("--tsa-ca %s: %s", c.TSACA, cause(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, misuse("--tsa-ca %s: no certificate in PEM form", c.TSACA)
	}
	return pool, nil
}

func stampedWhen(s *transcript.Stamp, checked bool) string {
	if s == nil {
		return "no time-stamp"
	}
	how := "its certificate was not checked: name the authority's with --tsa-ca"
	if checked {
		how = "its certificate leads to a trusted authority"
	}
	return fmt.Sprintf("time-stamp %s by %s, number %s; %s", s.At.Format(time.RFC3339), s.Authority, s.Serial, how)
}

func signedWhen(h capture.Hearing) string {
	switch {
	case h.Demo:
		return "a demonstration, not signed"
	case h.Signing == nil:
		return "not signed"
	}
	return "signed " + h.Signing.At.Format(time.RFC3339)
}

// proof writes the folder that verify takes: whole or not at all.
func (c exportCmd) proof(ctx context.Context, docket *transcript.Docket) error {
	if c.Output == "" {
		return misuse("--format folder: name the folder with -o DIR")
	}
	if entries, err := os.ReadDir(c.Output); err == nil && len(entries) > 0 {
		return misuse("-o %s: the folder is not empty", c.Output)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return misuse("-o %s: %s", c.Output, cause(err))
	}
	p, err := docket.Proof(ctx, c.Hearing)
	var state *transcript.StateError
	switch {
	case errors.Is(err, transcript.ErrNotFound):
		return misuse("there is no hearing %q in this store", c.Hearing)
	case errors.As(err, &state):
		return fmt.Errorf("hearing %s is %s: it can be proved once it is closed", c.Hearing, state.Status)
	case err != nil:
		return err
	}
	return wholeFolder(c.Output, func(dir string) error {
		return p.Write(ctx, func(path string) (io.WriteCloser, error) {
			path = filepath.Join(dir, filepath.FromSlash(path))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return nil, err
			}
			return os.Create(path)
		})
	})
}
