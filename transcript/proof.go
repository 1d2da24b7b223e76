package transcript

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tingji/capture"
)

// The files of a proof; docs/FORMATS.md, "Proof", has them to the byte.
const (
	audioFile       = "audio.json"
	correctionsFile = "corrections.jsonl"
	hearingFile     = "hearing.json"
	recordFile      = "record.json"
	revisionsFile   = "revisions.jsonl"
	manifestFile    = "manifest.sha256"
	integrityFile   = "integrity.txt"
	stampFile       = "timestamp.tsr"
	audioFolder     = "audio/"
)

// AudioPart is a run of a channel's samples, one WAV file of a proof.
type AudioPart struct {
	Path      string              `json:"path"` // audio/judge-1-1.wav
	Channel   string              `json:"channel"`
	Epoch     uint64              `json:"epoch"`
	Part      int                 `json:"part"`
	First     capture.SampleIndex `json:"first_sample"` // of the epoch
	Samples   capture.SampleIndex `json:"samples"`
	StartedAt time.Time           `json:"started_at"` // wall clock at First
}

func (p *AudioPart) setPath() {
	p.Path = fmt.Sprintf("%s%s-%d-%d.wav", audioFolder, p.Channel, p.Epoch, p.Part)
}

// bytes is the size of a part's WAV file: a head of 44 bytes, 16-bit samples.
func (p *AudioPart) bytes() int64 { return 44 + 2*int64(p.Samples) }

// audioIndex is audio.json.
type audioIndex struct {
	V     int         `json:"v"`
	Files []AudioPart `json:"files"`
}

// Sound is the archive of the hearings' sound. Safe for several goroutines.
type Sound interface {
	// AudioParts are the confirmed parts of a hearing by channel, epoch and
	// number, without empty ones; paths are not set.
	AudioParts(ctx context.Context, hearing string) ([]AudioPart, error)
	// WritePart writes the first p.Samples samples of a part as a WAV file.
	WritePart(ctx context.Context, hearing string, p AudioPart, w io.Writer) error
}

// WithSound lets a docket sign records and prove them.
func WithSound(s Sound) Option { return func(d *Docket) { d.sound = s } }

// SealedFile is a file of a signed record, as its bytes were when it was signed.
type SealedFile struct {
	Path string
	Data []byte
}

// ProofStore keeps what a proof is made of. Safe for several goroutines.
type ProofStore interface {
	// HearingRevisions are the revisions of all lines of a hearing, by line,
	// oldest first.
	HearingRevisions(ctx context.Context, hearing string) ([]Revision, error)
	// Seal is UpdateHearing that also keeps files, for ever. ErrChanged where the
	// hearing's newest change is not ifChange.
	Seal(ctx context.Context, id string, ifChange int64, files []SealedFile, change func(*capture.Hearing) error) (capture.Hearing, int64, error)
	// Sealed are the files of a signed hearing; none where it is not signed.
	Sealed(ctx context.Context, hearing string) ([]SealedFile, error)
}

// Proof is a hearing's record as files that prove it, without this program or
// any other: the manifest has the SHA-256 of each file, and the integrity check
// value is that of the manifest.
type Proof struct {
	Hearing   capture.Hearing
	Integrity string // 64 hex digits
	Files     []ProofFile
	Manifest  []byte
	// Stamp is what a time-stamp authority said of Integrity; nil where there is
	// none. With Unstamped, one is still to come.
	Stamp     *Stamp
	Unstamped bool

	stamp  []byte // its response, as it came
	change int64  // of the hearing, when it was read
	sound  Sound
}

// ProofFile is a file of a proof.
type ProofFile struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`

	data []byte
	part *AudioPart // nil: data
}

// MismatchError names the first file of a proof that does not fit.
type MismatchError struct {
	File   string
	Reason string
}

func (e *MismatchError) Error() string { return e.File + ": " + e.Reason }

// Proof is that of a signed record, as it was signed, or of a closed and
// complete hearing, as it is now. *StateError (not closed), ErrIncomplete;
// *MismatchError where what is stored is not what was signed; ErrNotFound.
func (d *Docket) Proof(ctx context.Context, id string) (*Proof, error) {
	h, err := d.store.Hearing(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("prove hearing %s: %w", id, err)
	}
	var p *Proof
	switch {
	case h.Status == capture.Signed && h.Signing != nil:
		p, err = d.unseal(ctx, h)
	case h.Status == capture.Closed:
		p, err = d.freeze(ctx, h, func(*Record) error { return nil })
	default:
		return nil, &StateError{Hearing: id, Status: h.Status, Action: "prove"}
	}
	if err != nil {
		return nil, fmt.Errorf("prove hearing %s: %w", id, err)
	}
	return p, nil
}

// freeze makes the proof of a closed hearing, which is to be in state h. check
// sees the record before the sound is read, and may complete h.Signing.
func (d *Docket) freeze(ctx context.Context, h capture.Hearing, check func(*Record) error) (*Proof, error) {
	if d.sound == nil {
		return nil, errors.New("no archive of the sound is at hand")
	}
	// One at a time: each reads gigabytes.
	select {
	case d.freezing <- struct{}{}:
		defer func() { <-d.freezing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r, change, err := d.record(ctx, h)
	if err != nil {
		return nil, err
	}
	if !r.Complete {
		return nil, ErrIncomplete
	}
	if err := check(&r); err != nil {
		return nil, err
	}
	revisions, err := d.store.HearingRevisions(ctx, h.ID)
	if err != nil {
		return nil, err
	}
	if _, now, err := d.store.Lines(ctx, h.ID, change); err != nil || now != change {
		return nil, cmp.Or(err, ErrChanged)
	}
	r.WrittenAt = lastChange(&r, revisions)
	if err := checkRevisions(&r, revisions); err != nil {
		return nil, err
	}
	parts, err := d.sound.AudioParts(ctx, h.ID)
	if err != nil {
		return nil, err
	}
	for i := range parts {
		parts[i].setPath()
		parts[i].StartedAt = stamp(parts[i].StartedAt)
	}
	p := &Proof{Hearing: r.Hearing, change: change, sound: d.sound}
	if err := p.addDocuments(&r, revisions, parts); err != nil {
		return nil, err
	}
	for _, part := range parts {
		hash := sha256.New()
		if err := d.sound.WritePart(ctx, h.ID, part, hash); err != nil {
			return nil, fmt.Errorf("read %s: %w", part.Path, err)
		}
		p.Files = append(p.Files, ProofFile{Path: part.Path, Bytes: part.bytes(), SHA256: hex.EncodeToString(hash.Sum(nil)), part: &part})
	}
	p.Manifest = manifest(p.Files)
	p.Integrity = hashOf(p.Manifest)
	return p, nil
}

// lastChange is when a record was signed, or else when something in it changed
// last: its proof is the same whenever it is made.
func lastChange(r *Record, revisions []Revision) time.Time {
	if r.Hearing.Signing != nil {
		return r.Hearing.Signing.At
	}
	last := *r.Hearing.ClosedAt
	later := func(at time.Time) {
		if at.After(last) {
			last = at
		}
	}
	for _, rev := range revisions {
		later(rev.At)
	}
	for _, c := range r.Corrections {
		if later(c.At); c.Decision != nil {
			later(c.Decision.At)
		}
	}
	return last
}

// addDocuments adds all files but the sound.
func (p *Proof) addDocuments(r *Record, revisions []Revision, parts []AudioPart) error {
	var record bytes.Buffer
	if err := r.writeJSON(&record); err != nil {
		return err
	}
	if parts == nil {
		parts = []AudioPart{}
	}
	var err error
	add := func(path string, data []byte, failed error) {
		err = errors.Join(err, failed)
		p.Files = append(p.Files, ProofFile{Path: path, Bytes: int64(len(data)), SHA256: hashOf(data), data: data})
	}
	add(recordFile, record.Bytes(), nil)
	data, failed := jsonLines(audioIndex{V: 1, Files: parts})
	add(audioFile, data, failed)
	data, failed = jsonLines(p.Hearing)
	add(hearingFile, data, failed)
	data, failed = jsonLines(revisions...)
	add(revisionsFile, data, failed)
	data, failed = jsonLines(r.Corrections...)
	add(correctionsFile, data, failed)
	return err
}

// sealed are the files that a signed record keeps: all but the sound.
func (p *Proof) sealed() []SealedFile {
	files := []SealedFile{{manifestFile, p.Manifest}}
	for _, f := range p.Files {
		if f.part == nil {
			files = append(files, SealedFile{f.Path, f.data})
		}
	}
	return files
}

// unseal returns the proof of a signed hearing, after holding what was kept to
// the integrity check value, and the lines as they stand in the store to what
// was kept.
func (d *Docket) unseal(ctx context.Context, h capture.Hearing) (*Proof, error) {
	if d.sound == nil {
		return nil, errors.New("no archive of the sound is at hand")
	}
	r, files, err := d.sealedRecord(ctx, h)
	if err != nil {
		return nil, err
	}
	p := &Proof{Hearing: h, Integrity: h.Signing.Integrity, Manifest: files[manifestFile], sound: d.sound}
	var index audioIndex
	if err := json.Unmarshal(files[audioFile], &index); err != nil {
		return nil, &MismatchError{audioFile, err.Error()}
	}
	listed, err := parseManifest(p.Manifest)
	if err != nil {
		return nil, err
	}
	for _, f := range listed {
		if data, ok := files[f.Path]; ok {
			f.data, f.Bytes = data, int64(len(data))
		} else {
			i := slices.IndexFunc(index.Files, func(a AudioPart) bool { return a.Path == f.Path })
			if i < 0 {
				return nil, &MismatchError{f.Path, "was signed, and is not kept"}
			}
			f.part, f.Bytes = &index.Files[i], index.Files[i].bytes()
		}
		p.Files = append(p.Files, f)
	}
	if p.stamp = files[stampFile]; p.stamp != nil {
		s, err := ReadStamp(p.stamp, p.Integrity, nil)
		if err != nil {
			return nil, &MismatchError{stampFile, err.Error()}
		}
		p.Stamp = &s
	}
	p.Unstamped = p.stamp == nil && d.stamper != nil && time.Since(h.Signing.At) < stampFor
	lines, _, err := d.store.Lines(ctx, h.ID, 0)
	if err != nil {
		return nil, err
	}
	if err := sameLines(r.Lines, lines); err != nil {
		return nil, err
	}
	return p, nil
}

// sealedRecord is the record of a signed hearing as it was signed. It is
// returned only where it fits the integrity check value.
func (d *Docket) sealedRecord(ctx context.Context, h capture.Hearing) (Record, map[string][]byte, error) {
	list, err := d.store.Sealed(ctx, h.ID)
	if err != nil {
		return Record{}, nil, err
	}
	files := map[string][]byte{}
	for _, f := range list {
		files[f.Path] = f.Data
	}
	if hashOf(files[manifestFile]) != h.Signing.Integrity {
		return Record{}, nil, &MismatchError{manifestFile, "is not what was signed"}
	}
	listed, err := parseManifest(files[manifestFile])
	if err != nil {
		return Record{}, nil, err
	}
	for _, f := range listed {
		if !strings.HasPrefix(f.Path, audioFolder) && hashOf(files[f.Path]) != f.SHA256 {
			return Record{}, nil, &MismatchError{f.Path, "is not what was signed"}
		}
	}
	var r struct {
		V int `json:"v"`
		Record
	}
	if err := json.Unmarshal(files[recordFile], &r); err != nil {
		return Record{}, nil, &MismatchError{recordFile, err.Error()}
	}
	r.Hearing.Signing = h.Signing // with its integrity value, which the files cannot hold
	return r.Record, files, nil
}

// Write writes all files of the proof, the integrity value last. create opens a
// file for its writing, by its path with forward slashes. *MismatchError where
// the sound is not what was signed.
func (p *Proof) Write(ctx context.Context, create func(path string) (io.WriteCloser, error)) error {
	write := func(path string, content func(io.Writer) error) error {
		w, err := create(path)
		if err != nil {
			return err
		}
		if err := errors.Join(content(w), w.Close()); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		return nil
	}
	for _, f := range p.Files {
		if err := write(f.Path, func(w io.Writer) error { return p.writeFile(ctx, f, w) }); err != nil {
			return err
		}
	}
	if err := write(manifestFile, func(w io.Writer) error { _, err := w.Write(p.Manifest); return err }); err != nil {
		return err
	}
	seal := integrityLine(p.Integrity)
	if p.stamp != nil {
		if err := write(stampFile, func(w io.Writer) error { _, err := w.Write(p.stamp); return err }); err != nil {
			return err
		}
		seal += stampLine(p.stamp)
	}
	return write(integrityFile, func(w io.Writer) error { _, err := io.WriteString(w, seal); return err })
}

func (p *Proof) writeFile(ctx context.Context, f ProofFile, w io.Writer) error {
	if f.part == nil {
		_, err := w.Write(f.data)
		return err
	}
	hash := sha256.New()
	if err := p.sound.WritePart(ctx, p.Hearing.ID, *f.part, io.MultiWriter(w, hash)); err != nil {
		return err
	}
	if hex.EncodeToString(hash.Sum(nil)) != f.SHA256 {
		return &MismatchError{f.Path, "the archive's sound is not what it was"}
	}
	return nil
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// manifest sorts files and lists them as sha256sum does.
func manifest(files []ProofFile) []byte {
	slices.SortFunc(files, func(a, b ProofFile) int { return strings.Compare(a.Path, b.Path) })
	var b bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&b, "%s  %s\n", f.SHA256, f.Path)
	}
	return b.Bytes()
}

func integrityLine(value string) string { return value + "  " + manifestFile + "\n" }

// parseManifest reads a manifest; sizes are not in it.
func parseManifest(data []byte) ([]ProofFile, error) {
	var files []ProofFile
	for line := range strings.Lines(string(data)) {
		hash, path, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || !isHash(hash) || path == "" {
			return nil, &MismatchError{manifestFile, "line " + strconv.Itoa(len(files)+1) + " is not a SHA-256 and a path"}
		}
		files = append(files, ProofFile{Path: path, SHA256: hash})
	}
	return files, nil
}

// isHash says whether s is 64 lower-case hex digits.
func isHash(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

// jsonLines writes one object a line.
func jsonLines[T any](list ...T) ([]byte, error) {
	b := bytes.NewBuffer([]byte{}) // an empty file is one: not nil
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for _, v := range list {
		if err := e.Encode(v); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}
