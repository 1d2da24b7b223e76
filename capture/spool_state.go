package capture

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// SpoolChannel is what the spool knows of one channel of one hearing, whether
// its chunks are still there or gone.
type SpoolChannel struct {
	Epoch      uint64      `json:"epoch"`
	OpenedAt   time.Time   `json:"opened_at"`   // wall clock at sample 0 of the epoch
	SourceFrom SampleIndex `json:"source_from"` // of the epoch's sample 0 in a recording that is played
	Next       SampleIndex `json:"next_sample"` // of the epoch, after the last durable chunk
	Seq        uint64      `json:"seq"`         // of the last durable chunk; 0: none yet
	Confirmed  uint64      `json:"confirmed"`   // the record server holds all up to here
	End        End         `json:"end"`         // of the last durable chunk
	Touched    time.Time   `json:"touched"`

	Start uint64       `json:"start,omitempty"` // number of the epoch's first chunk; 0: not known
	Chunk SampleIndex  `json:"chunk,omitempty"` // length of the epoch's chunks; 0: FormerChunkSamples
	Past  []SpoolEpoch `json:"past,omitempty"`  // ended epochs, in their order
}

// SpoolEpoch is an epoch that has ended. An epoch's chunks are of one length,
// all but its last: so any number of the channel can be found in the
// archive, long after the spool has let the chunk go, or lost it.
type SpoolEpoch struct {
	Epoch    uint64      `json:"epoch"`
	Start    uint64      `json:"start"` // number of its first chunk
	Seq      uint64      `json:"seq"`   // of its last
	Next     SampleIndex `json:"next_sample"`
	OpenedAt time.Time   `json:"opened_at"`
	End      End         `json:"end,omitempty"`
	Chunk    SampleIndex `json:"chunk,omitempty"` // length of its chunks; 0: FormerChunkSamples
	Ended    time.Time   `json:"ended,omitzero"`  // wall clock behind its last sample
}

// keepEpochs bounds SpoolChannel.Past: more than a hearing has breaks.
const keepEpochs = 1000

// pass puts the present epoch with the past ones, if it has chunks.
func (c *SpoolChannel) pass() {
	if c.Start == 0 || c.Seq < c.Start {
		return
	}
	c.Past = append(c.Past[max(0, len(c.Past)-keepEpochs+1):], c.epoch())
}

func (c *SpoolChannel) epoch() SpoolEpoch {
	// The last chunk's own time knows of the drift since the opening.
	whole := chunkLength(c.Chunk)
	last := max(0, c.Next-1) / whole * whole
	return SpoolEpoch{c.Epoch, c.Start, c.Seq, c.Next, c.OpenedAt, c.End, c.Chunk, c.Touched.Add((c.Next - last).Duration())}
}

// chunkLength is how long an epoch's chunks are that says n of itself.
func chunkLength(n SampleIndex) SampleIndex {
	if n <= 0 || n > MaxChunkSamples {
		return FormerChunkSamples
	}
	return n
}

// ends is where an epoch ends, as far as is known.
func (c *SpoolChannel) ends(epoch uint64) SampleIndex {
	if epoch == c.Epoch {
		return c.Next
	}
	for _, e := range c.Past {
		if e.Epoch == epoch {
			return e.Next
		}
	}
	return -1
}

// place is the chunk of a number without its samples, and how many they were;
// ok is false where that is not known.
func (c *SpoolChannel) place(seq uint64) (chunk Chunk, samples int, ok bool) {
	e := c.epoch()
	for i := len(c.Past) - 1; i >= 0 && seq < e.Start; i-- {
		e = c.Past[i]
	}
	if e.Start == 0 || seq < e.Start || seq > e.Seq {
		return Chunk{}, 0, false
	}
	whole := chunkLength(e.Chunk)
	first := min(SampleIndex(seq-e.Start)*whole, e.Next)
	chunk = Chunk{Epoch: e.Epoch, Seq: seq, First: first, CapturedAt: e.OpenedAt.Add(first.Duration())}
	if seq == e.Seq {
		chunk.End = e.End
	}
	return chunk, int(min(whole, e.Next-first)), true
}

// Waiting is the number of chunks that the record server has not confirmed.
func (c SpoolChannel) Waiting() uint64 { return c.Seq - min(c.Confirmed, c.Seq) }

// spoolState is the file state.json. It says what the segments cannot: what
// stood in those that were deleted, and when an epoch without chunks began.
// Where a segment knows more, the segment is right.
type spoolState struct {
	V         int                      `json:"v"`
	Courtroom string                   `json:"courtroom"`
	Channels  map[string]*SpoolChannel `json:"channels"` // by key
}

const (
	stateName   = "state.json"
	ballastName = "ballast"
	// forgetAfter is when a finished channel leaves state.json: long after its
	// hearing can no longer go on.
	forgetAfter = 90 * 24 * time.Hour
)

// CheckSpool says why a daemon of a courtroom could not start on a spool: it is another
// courtroom's, or a newer program's. It changes nothing, and may look while one runs.
func CheckSpool(dir, courtroom string) error {
	var state spoolState
	b, err := os.ReadFile(filepath.Join(dir, stateName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read spool state: %w", err)
	}
	if json.Unmarshal(b, &state) != nil || state.V < 1 {
		return nil // a daemon makes it anew from the chunks
	}
	return state.fits(dir, courtroom)
}

// fits says whether a daemon of a courtroom can go on from the state.
func (s *spoolState) fits(dir, courtroom string) error {
	if s.V != 1 {
		return &StartError{
			Text:   fmt.Sprintf("暂存区 %s 是新版程序写的（版本 %d）；请升级本机的程序", dir, s.V),
			TextEN: fmt.Sprintf("spool %s has version %d, written by a newer program: update this one", dir, s.V),
		}
	}
	if s.Courtroom != courtroom {
		return &StartError{
			Text:   fmt.Sprintf("暂存区 %s 属于法庭“%s”，不属于“%s”；请换一个数据文件夹，或改正配置中的法庭编号", dir, s.Courtroom, courtroom),
			TextEN: fmt.Sprintf("spool %s belongs to courtroom %q, not to %q: choose another folder, or correct the courtroom's name", dir, s.Courtroom, courtroom),
		}
	}
	return nil
}

// loadSpoolState reads state.json; damaged says that there was one that could
// not be read and was put aside.
func loadSpoolState(dir, courtroom string) (state spoolState, damaged bool, err error) {
	fresh := spoolState{V: 1, Courtroom: courtroom, Channels: map[string]*SpoolChannel{}}
	path := filepath.Join(dir, stateName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, false, nil
	}
	if err != nil {
		return fresh, false, fmt.Errorf("read spool state: %w", err)
	}
	if err := json.Unmarshal(b, &state); err != nil || state.V < 1 {
		if err := os.Rename(path, path+".damaged"); err != nil {
			return fresh, false, fmt.Errorf("put aside damaged spool state: %w", err)
		}
		return fresh, true, nil
	}
	if err := state.fits(dir, courtroom); err != nil {
		return fresh, false, err
	}
	if state.Channels == nil {
		state.Channels = map[string]*SpoolChannel{}
	}
	for key, c := range state.Channels {
		if c == nil {
			delete(state.Channels, key)
		}
	}
	return state, false, nil
}

// save replaces state.json. On a full disk it gives up the ballast to make
// room: without a new state no segment can be deleted, and nothing else would
// ever free the disk.
func (st *spoolState) save(dir string, now time.Time) error {
	for key, c := range st.Channels {
		if c.Waiting() == 0 && now.Sub(c.Touched) > forgetAfter {
			delete(st.Channels, key)
		}
	}
	b, err := json.MarshalIndent(st, "", "\t")
	if err != nil {
		return fmt.Errorf("write spool state: %w", err)
	}
	path, ballast := filepath.Join(dir, stateName), filepath.Join(dir, ballastName)
	err = writeFileAtomic(path, b)
	if isFull(err) && os.Remove(ballast) == nil {
		return writeFileAtomic(path, b)
	}
	if err != nil {
		return fmt.Errorf("write spool state: %w", err)
	}
	keepBallast(dir)
	return nil
}

// keepBallast sets aside what a save on a full disk takes. As long as the disk is full
// there is none; that is no error.
func keepBallast(dir string) {
	path := filepath.Join(dir, ballastName)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if os.WriteFile(path, make([]byte, 64<<10), 0o600) != nil {
		os.Remove(path)
	}
}

// writeFileAtomic replaces a file so that after a crash at any instant either
// the old or the new content is there.
func writeFileAtomic(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}
