package capture

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Archive is the first copy of a courtroom's sound: WAV files that people can
// find and play, each with a sidecar that says where it belongs. It is safe for
// use by several goroutines.
type Archive struct {
	dir       string
	courtroom string
	log       *slog.Logger
	opened    chan struct{} // closed when what a crash has left is closed: nothing is written before
	gate      func()        // passed by all that is done on the drive; nil but in tests

	stopped atomic.Bool // the drive's last room is the spool's

	mu     sync.Mutex
	queues map[string]*archiveQueue // by channel
	busy   map[uint64]time.Time     // what is under way on the drive, since when
	number uint64                   // of the last of them
}

// PartSamples is how long an archive file becomes: 10 minutes, 19 MB.
const PartSamples = SampleIndex(10 * 60 * Rate)

const (
	archiveSync    = SampleIndex(2 * Rate)  // how much sound a crash of the machine may cost the archive
	archiveAnchors = SampleIndex(60 * Rate) // how often the wall clock is written down
)

// Sidecar is the JSON file beside an archive file. While the file is written
// its name ends in .open.json, afterwards in .json.
type Sidecar struct {
	V         int         `json:"v"` // 1: of [Rate]; 2: of any, which a reader of 1 would misplace
	Courtroom string      `json:"courtroom"`
	Hearing   string      `json:"hearing"`
	CaseNo    string      `json:"case_no,omitempty"`
	Channel   string      `json:"channel"`
	Role      string      `json:"role"`
	Epoch     uint64      `json:"epoch"`
	Part      int         `json:"part"`         // from 1
	Rate      int         `json:"rate"`         // Hz: what the device gave. All samples here are of this rate
	First     SampleIndex `json:"first_sample"` // of the epoch
	Samples   int64       `json:"samples"`      // of this file; of a closed one
	Anchors   []Anchor    `json:"anchors"`
	// DriftPPM is how much slower the sound card ran than the PC's clock, in
	// millionths; absent in the first minute of an epoch, and of recordings.
	DriftPPM  *float64 `json:"drift_ppm,omitempty"`
	SHA256    string   `json:"sha256,omitempty"` // of the whole WAV file; of a closed one
	Recovered bool     `json:"recovered,omitempty"`
}

// Anchor ties a sample to the wall clock.
type Anchor struct {
	Sample SampleIndex `json:"sample"` // of the epoch
	Wall   time.Time   `json:"wall"`
}

// OpenArchive opens or makes an archive folder and closes what a crash has left
// open in it. With an error too it gives an archive, whose tracks try again.
func OpenArchive(dir, courtroom string, log *slog.Logger) (*Archive, error) {
	a := newArchive(dir, courtroom, log)
	return a, a.open()
}

func newArchive(dir, courtroom string, log *slog.Logger) *Archive {
	return &Archive{
		dir: dir, courtroom: courtroom, log: log, opened: make(chan struct{}),
		queues: map[string]*archiveQueue{}, busy: map[uint64]time.Time{},
	}
}

// open is called once. Until it returns, what is to be written waits.
func (a *Archive) open() error {
	defer close(a.opened)
	defer a.end(a.begin())
	if err := os.MkdirAll(a.dir, 0o755); err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(escapeGlob(a.dir), "*", "*.open.json"))
	if err != nil {
		return fmt.Errorf("open archive %s: %w", a.dir, err)
	}
	for _, path := range left {
		// One bad file must not keep a courtroom from recording.
		if err := recoverPart(strings.TrimSuffix(path, ".open.json")); err != nil {
			a.log.Warn("archive file cannot be closed after a crash", "courtroom", a.courtroom, "file", path, "err", err)
		}
	}
	return nil
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

func recoverPart(base string) error {
	s, err := readSidecar(base + ".open.json")
	if err != nil {
		return err
	}
	if err := RepairWAV(base+".wav", s.Rate); err != nil {
		return err
	}
	s.Recovered = true
	return closeSidecar(base, s)
}

func readSidecar(path string) (Sidecar, error) {
	var s Sidecar
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err == nil && s.V != 1 && s.V != 2 {
		err = fmt.Errorf("version %d", s.V)
	}
	if err == nil && (s.Rate < leastRate || s.Rate > mostRate) {
		err = fmt.Errorf("a rate of %d Hz", s.Rate)
	}
	if err != nil {
		return s, fmt.Errorf("read sidecar %s: %w", path, err)
	}
	return s, nil
}

func (s *Sidecar) write(path string) error {
	b, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	return writeFileAtomic(path, append(b, '\n'))
}

// closeSidecar writes what is now known for good.
func closeSidecar(base string, s Sidecar) error {
	f, err := os.Open(base + ".wav")
	if err != nil {
		return fmt.Errorf("close archive file: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return fmt.Errorf("close archive file %s: %w", base, err)
	}
	s.Samples = (n - wavHead) / 2
	s.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if err := s.write(base + ".json"); err != nil {
		return fmt.Errorf("close archive file %s: %w", base, err)
	}
	if err := os.Remove(base + ".open.json"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("close archive file %s: %w", base, err)
	}
	return nil
}

// Track is the archive of one channel in one epoch. It is for use by one
// goroutine. After an error it can be written on: with a new file, whose first
// sample shows what is missing.
type Track struct {
	archive *Archive
	dir     string
	side    Sidecar // of the present part, or what the next one has in common with it
	base    string  // of the present part's files
	wav     *WAVWriter
	synced  int64 // samples of the present part
}

// Track begins, or goes on with, the archive of an epoch, whose samples are of a
// rate in Hz.
func (a *Archive) Track(h Hearing, seat Seat, epoch uint64, rate int) *Track {
	v := 1
	if rate != Rate {
		v = 2
	}
	return &Track{archive: a, dir: filepath.Join(a.dir, h.ID), side: Sidecar{
		V: v, Courtroom: a.courtroom, Hearing: h.ID, CaseNo: h.CaseNo, Channel: seat.Channel, Role: seat.Role, Epoch: epoch, Rate: rate,
	}}
}

// own is a length in samples of the file's rate.
func (s *Sidecar) own(n SampleIndex) SampleIndex { return n * SampleIndex(s.Rate) / Rate }

// Resume goes back to a sample of the epoch: what an earlier process has
// archived from there on is written again. It is called before the first Write.
func (t *Track) Resume(at SampleIndex) error {
	parts, err := t.parts()
	if err != nil {
		return err
	}
	for base, s := range parts {
		t.side.Part = max(t.side.Part, s.Part)
		if s.First >= at && at > 0 || s.First > at {
			err = errors.Join(err, removePart(base))
			continue
		}
		if s.First+SampleIndex(s.Samples) < at {
			continue
		}
		s.Samples, s.SHA256 = 0, ""
		s.Anchors = slices.DeleteFunc(s.Anchors, func(a Anchor) bool { return a.Sample >= at })
		if err := t.open(base, s); err != nil {
			return err
		}
		if err := t.wav.Truncate(int64(at - s.First)); err != nil {
			return err
		}
		if err := os.Remove(base + ".json"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("reopen archive file: %w", err)
		}
	}
	return err
}

func removePart(base string) error {
	for _, suffix := range []string{".wav", ".json", ".open.json"} {
		if err := os.Remove(base + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove archive file that is recorded again: %w", err)
		}
	}
	return nil
}

// parts are the closed files of this epoch, by base name.
func (t *Track) parts() (map[string]Sidecar, error) {
	entries, err := os.ReadDir(t.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list archive: %w", err)
	}
	found := map[string]Sidecar{}
	for _, e := range entries {
		base, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || strings.HasSuffix(base, ".open") || !strings.Contains(base, t.suffix()) {
			continue
		}
		base = filepath.Join(t.dir, base)
		s, err := readSidecar(base + ".json")
		if err != nil {
			return nil, err
		}
		if s.Channel == t.side.Channel && s.Epoch == t.side.Epoch {
			found[base] = s
		}
	}
	return found, nil
}

func (t *Track) suffix() string { return fmt.Sprintf("_%s_e%03d_p", t.side.Channel, t.side.Epoch) }

// Write archives samples, of the track's rate, that begin at first and were heard from wall on, of who
// had the seat then: another holder gets another file.
func (t *Track) Write(first SampleIndex, wall time.Time, role string, samples []int16) error {
	if t.wav != nil {
		have := SampleIndex(t.wav.Samples())
		if first != t.side.First+have || have >= t.side.own(PartSamples) || role != t.side.Role {
			if err := t.Close(); err != nil {
				return err
			}
		}
	}
	if t.wav == nil {
		s := t.side
		s.Part++
		s.First, s.Role, s.Samples, s.SHA256, s.Recovered = first, role, 0, "", false
		s.Anchors = []Anchor{{first, wall.UTC().Truncate(time.Microsecond)}} // what a killed process leaves is never without its time
		if err := t.open(t.name(s), s); err != nil {
			return err
		}
	}
	if n := len(t.side.Anchors); n == 0 || first-t.side.Anchors[n-1].Sample >= t.side.own(archiveAnchors) {
		t.side.Anchors = append(t.side.Anchors, Anchor{first, wall.UTC().Truncate(time.Microsecond)})
		if err := t.side.write(t.base + ".open.json"); err != nil {
			return fmt.Errorf("write sidecar: %w", err)
		}
	}
	if err := t.wav.Append(samples); err != nil {
		return errors.Join(err, t.Close())
	}
	if t.wav.Samples()-t.synced >= int64(t.side.own(archiveSync)) {
		return t.Sync()
	}
	return nil
}

// Sync makes all that was written durable.
func (t *Track) Sync() error {
	if t.wav == nil || t.synced == t.wav.Samples() {
		return nil
	}
	if err := t.wav.Sync(); err != nil {
		return errors.Join(err, t.Close())
	}
	t.synced = t.wav.Samples()
	return nil
}

// durable is the sample of the epoch up to which a crash of the machine leaves the
// present part.
func (t *Track) durable() SampleIndex {
	if t.wav == nil {
		return 0
	}
	return t.side.First + SampleIndex(t.synced)
}

// drifts notes how much slower the sound card runs, in millionths.
func (t *Track) drifts(ppm float64) {
	if t.side.DriftPPM == nil {
		t.side.DriftPPM = new(float64)
	}
	*t.side.DriftPPM = ppm
}

// open begins or reopens the files of a part.
func (t *Track) open(base string, s Sidecar) error {
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return fmt.Errorf("open archive file: %w", err)
	}
	if err := s.write(base + ".open.json"); err != nil {
		return fmt.Errorf("open archive file: %w", err)
	}
	w, err := OpenWAV(base+".wav", s.Rate)
	if err != nil {
		return err
	}
	t.wav, t.base, t.side, t.synced = w, base, s, w.Samples()
	return nil
}

// name is readable, unique, and fit for every file system:
// courtroom_case_role_channel_e001_p001.
func (t *Track) name(s Sidecar) string {
	of := s.CaseNo
	if of == "" {
		of = s.Hearing
	}
	role := s.Role
	if role == "" {
		role = "无席位"
	}
	name := fmt.Sprintf("%s_%s_%s_%s_e%03d_p%03d", s.Courtroom, of, role, s.Channel, s.Epoch, s.Part)
	return filepath.Join(t.dir, strings.Map(func(r rune) rune {
		if r <= ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, name))
}

// Close ends the present file. A second Close does nothing.
func (t *Track) Close() error {
	if t.wav == nil {
		return nil
	}
	w := t.wav
	t.wav = nil
	if err := w.Close(); err != nil {
		return err
	}
	return closeSidecar(t.base, t.side)
}
