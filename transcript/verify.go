package transcript

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"tingji/capture"
)

// ErrNoProof is returned for a folder in which nothing of a proof is found.
var ErrNoProof = errors.New("not the folder of a record's proof")

// Verdict is what Verify has proved.
type Verdict struct {
	Hearing     capture.Hearing
	Integrity   string // to be compared with the printed one
	Lines       int
	Revisions   int
	Corrections int
	AudioFiles  int
	Sound       time.Duration // of all channels together
	Stamp       *Stamp        // nil: without a time-stamp
}

// Bounds of what Verify reads into memory: far beyond any hearing.
const (
	maxManifest = 64 << 20
	maxDocument = 1 << 30
)

// Verify checks a folder that [Proof.Write] wrote, and needs nothing else:
// every file against the manifest, the manifest against the integrity value,
// every line against its revisions, each revision against the one before.
//
// A time-stamp is about the integrity value; its certificate is held to
// authorities, where they are not nil.
//
// *MismatchError names the first file that does not fit; ErrNoProof.
func Verify(ctx context.Context, folder fs.FS, authorities *x509.CertPool) (Verdict, error) {
	files, err := hashFolder(ctx, folder)
	if err != nil {
		return Verdict{}, err
	}
	said, err := readBounded(folder, manifestFile, maxManifest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Verdict{}, err
	}
	seal, err := readBounded(folder, integrityFile, 1<<10)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Verdict{}, err
	}
	if said == nil && seal == nil && !slices.ContainsFunc(files, func(f ProofFile) bool { return f.Path == recordFile || f.Path == hearingFile }) {
		return Verdict{}, ErrNoProof
	}
	response, err := readBounded(folder, stampFile, maxStamp)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Verdict{}, err
	}
	stamped := ""
	if i := bytes.IndexByte(seal, '\n') + 1; i > 0 {
		seal, stamped = seal[:i], string(seal[i:])
	}
	if err := checkHashes(files, said, seal); err != nil {
		return Verdict{}, err
	}
	v, err := checkContent(folder, files)
	v.Integrity = hashOf(said)
	if err == nil {
		v.Stamp, err = checkStamp(response, stamped, v.Integrity, authorities)
	}
	return v, err
}

// hashFolder hashes all files but the manifest and what is about it.
func hashFolder(ctx context.Context, folder fs.FS) ([]ProofFile, error) {
	var files []ProofFile
	err := fs.WalkDir(folder, ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() || path == manifestFile || path == integrityFile || path == stampFile:
			return nil
		case !e.Type().IsRegular():
			return &MismatchError{path, "is no plain file"}
		}
		f, err := folder.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		hash := sha256.New()
		n, err := io.Copy(hash, contextReader{ctx, f})
		files = append(files, ProofFile{Path: path, Bytes: n, SHA256: hex.EncodeToString(hash.Sum(nil))})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the folder: %w", err)
	}
	return files, nil
}

// contextReader lets a long file be left.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// readBounded reads a whole file of at most most bytes.
func readBounded(folder fs.FS, path string, most int64) ([]byte, error) {
	f, err := folder.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = &MismatchError{path, fmt.Sprintf("is larger than %d bytes", most)}
	}
	return data, err
}

// checkHashes compares three witnesses: the files, the manifest that lists
// them, and the integrity value of the manifest. Where one of them was changed,
// the other two agree and say which.
func checkHashes(files []ProofFile, said, seal []byte) error {
	actual := manifest(files)
	value := strings.TrimSuffix(string(seal), integrityLine("")) // whole where this is not its end: no value
	switch manifestFits, sealFits := bytes.Equal(actual, said), integrityLine(hashOf(actual)) == string(seal); {
	case manifestFits && sealFits:
		return nil
	case said == nil:
		return &MismatchError{manifestFile, "is missing"}
	case seal == nil:
		return &MismatchError{integrityFile, "is missing"}
	case manifestFits:
		return &MismatchError{integrityFile, "was changed: the files and the manifest give " + hashOf(actual)}
	case sealFits:
		return &MismatchError{manifestFile, "was changed: the files fit the integrity value, it does not"}
	case hashOf(said) != value:
		return &MismatchError{manifestFile, "does not fit the integrity value, nor do the files"}
	}
	listed, err := parseManifest(said)
	if err != nil {
		return err
	}
	return firstDifference(files, listed)
}

// firstDifference names the first file, in the order of their names, that was
// changed, is missing, or does not belong there.
func firstDifference(files, listed []ProofFile) error {
	has := map[string]string{}
	for _, f := range files {
		has[f.Path] = f.SHA256
	}
	for _, f := range listed {
		switch hash, ok := has[f.Path]; {
		case !ok:
			return &MismatchError{f.Path, "is missing"}
		case hash != f.SHA256:
			return &MismatchError{f.Path, "was changed: it is not the file that the manifest lists"}
		}
		delete(has, f.Path)
	}
	for _, f := range files {
		if _, extra := has[f.Path]; extra {
			return &MismatchError{f.Path, "does not belong to the proof"}
		}
	}
	return &MismatchError{manifestFile, "lists a file twice or in a wrong place"}
}

// checkContent holds the documents to one another. Who forges a file and all
// hashes above it still has to forge the chain of every revision, and the paper
// on which the integrity value is printed.
func checkContent(folder fs.FS, files []ProofFile) (Verdict, error) {
	var (
		v      Verdict
		record struct {
			V int `json:"v"`
			Record
		}
		index       audioIndex
		revisions   []Revision
		corrections []Correction
	)
	for _, document := range []struct {
		path string
		into func(*json.Decoder) error
	}{
		{hearingFile, func(d *json.Decoder) error { return d.Decode(&v.Hearing) }},
		{recordFile, func(d *json.Decoder) error { return d.Decode(&record) }},
		{audioFile, func(d *json.Decoder) error { return d.Decode(&index) }},
		{revisionsFile, func(d *json.Decoder) error { return decodeAll(d, &revisions) }},
		{correctionsFile, func(d *json.Decoder) error { return decodeAll(d, &corrections) }},
	} {
		data, err := readBounded(folder, document.path, maxDocument)
		if errors.Is(err, fs.ErrNotExist) {
			return v, &MismatchError{document.path, "is missing"}
		} else if err != nil {
			return v, err
		}
		if err := document.into(json.NewDecoder(bytes.NewReader(data))); err != nil {
			return v, &MismatchError{document.path, "cannot be read: " + err.Error()}
		}
	}
	if !sameJSON(record.Hearing, v.Hearing) {
		return v, &MismatchError{recordFile, "tells another state of the hearing than " + hearingFile}
	}
	if !sameJSON(record.Corrections, corrections) {
		return v, &MismatchError{correctionsFile, "tells other requests than " + recordFile}
	}
	if err := checkRevisions(&record.Record, revisions); err != nil {
		return v, err
	}
	v.Lines, v.Revisions, v.Corrections = len(record.Lines), len(revisions), len(corrections)
	return v, checkSound(&v, index, files)
}

func decodeAll[T any](d *json.Decoder, into *[]T) error {
	*into = []T{}
	for {
		var v T
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("line %d: %w", len(*into)+1, err)
		}
		*into = append(*into, v)
	}
}

func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// checkRevisions holds the lines of a record to their revisions: each chain is
// whole, and each line is the last of its own.
func checkRevisions(r *Record, revisions []Revision) error {
	chains := map[string][]Revision{}
	for _, rev := range revisions {
		chains[rev.Line] = append(chains[rev.Line], rev)
	}
	for _, l := range r.Lines {
		chain := chains[l.ID]
		delete(chains, l.ID)
		if len(chain) == 0 {
			return &MismatchError{revisionsFile, "line " + l.ID + " has no revision"}
		}
		if err := VerifyRevisions(r.Hearing.ID, chain); err != nil {
			return &MismatchError{revisionsFile, err.Error()}
		}
		last := chain[len(chain)-1]
		if l.Text != last.Text || l.Role != last.Role || l.Speaker != last.Speaker || l.Author != last.Author ||
			l.Hash != last.Hash || l.Revision != last.Revision || l.Hearing != r.Hearing.ID {
			return &MismatchError{recordFile, "line " + l.ID + " is not its last revision"}
		}
	}
	for _, rev := range revisions {
		if _, left := chains[rev.Line]; left {
			return &MismatchError{revisionsFile, "line " + rev.Line + " is not in the record"}
		}
	}
	return nil
}

// checkSound holds the sound's files to their index.
func checkSound(v *Verdict, index audioIndex, files []ProofFile) error {
	size := map[string]int64{}
	for _, f := range files {
		if strings.HasPrefix(f.Path, audioFolder) {
			size[f.Path] = f.Bytes
		}
	}
	for _, part := range index.Files {
		bytes, ok := size[part.Path]
		if !ok {
			return &MismatchError{part.Path, "is missing, or listed twice in " + audioFile}
		}
		if bytes != part.bytes() {
			return &MismatchError{part.Path, fmt.Sprintf("has %d bytes where its %d samples take %d", bytes, part.Samples, part.bytes())}
		}
		delete(size, part.Path)
		v.AudioFiles++
		v.Sound += part.Samples.Duration()
	}
	for _, f := range files {
		if _, left := size[f.Path]; left {
			return &MismatchError{f.Path, "is not listed in " + audioFile}
		}
	}
	return nil
}

// sameLines says whether the lines of a store are still those that were signed.
func sameLines(signed, stored []Line) error {
	for i, l := range stored {
		if i >= len(signed) || !sameLine(&l, &signed[i]) {
			return &MismatchError{"database", "line " + l.ID + " was changed after the record was signed"}
		}
	}
	if len(stored) < len(signed) {
		return &MismatchError{"database", "line " + signed[len(stored)].ID + " is gone since the record was signed"}
	}
	return nil
}

// sameLine compares what later versions will know as well.
func sameLine(a, b *Line) bool {
	return a.ID == b.ID && a.Channel == b.Channel && a.Role == b.Role && a.Speaker == b.Speaker && a.Text == b.Text &&
		a.StartMS == b.StartMS && a.EndMS == b.EndMS && a.StartedAt.Equal(b.StartedAt) && slices.Equal(a.Words, b.Words) &&
		a.Revision == b.Revision && a.Author == b.Author && a.Hash == b.Hash
}
