package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"tingji/capture"
	"tingji/store"
	"tingji/transcript"
)

// MaxStretch bounds what one Reader plays.
const MaxStretch = 24 * time.Hour

const (
	blockSamples = 16 << 10 // read at once
	maxOpen      = 32       // files that a Reader keeps open
)

// Reader plays a stretch of a hearing as one WAV file, mono, 16 bit, 16 kHz.
// Its size is known from the beginning, so it serves http.ServeContent; seeking
// reads nothing. It shows what was confirmed when it was opened: a hearing that
// is going on is longer for the next one. It is used by one goroutine.
type Reader struct {
	root    *os.Root
	pieces  []piece // of all channels that are played; they may overlap
	from    capture.SampleIndex
	samples capture.SampleIndex
	modTime time.Time

	pos    int64
	header [headerSize]byte
	files  map[string]*os.File
	mix    []int32
	pcm    []int16
	raw    []byte
}

var _ io.ReadSeekCloser = (*Reader)(nil)

// OpenAudio opens the sound of a channel from fromMS up to, not including,
// toMS, both on the hearing's clock; toMS 0 is the end of what is stored. An
// empty channel is all of them, mixed. Where there is no audio, the reader
// plays silence. Close it.
//
// transcript.ErrNotFound: nothing is stored of this channel, or the hearing was
// never opened. *transcript.FieldError: the stretch is none, or longer than
// MaxStretch.
func (a *Archive) OpenAudio(ctx context.Context, h capture.Hearing, channel string, fromMS, toMS int64) (*Reader, error) {
	fail := func(err error) (*Reader, error) {
		return nil, fmt.Errorf("open audio %s/%s: %w", h.ID, channel, err)
	}
	if h.OpenedAt == nil {
		return fail(transcript.ErrNotFound)
	}
	files, err := a.db.AudioFiles(ctx, h.ID)
	if err != nil {
		return fail(err)
	}
	r := &Reader{files: map[string]*os.File{}}
	for len(files) > 0 {
		name := files[0].Channel
		n := slices.IndexFunc(files, func(f store.AudioFile) bool { return f.Channel != name })
		if n < 0 {
			n = len(files)
		}
		if channel == "" || channel == name {
			r.pieces = append(r.pieces, place(files[:n], *h.OpenedAt)...)
		}
		files = files[n:]
	}
	if len(r.pieces) == 0 {
		return fail(transcript.ErrNotFound)
	}
	if err := r.setStretch(fromMS, toMS); err != nil {
		return fail(err)
	}
	if r.modTime, err = a.changed(ctx, h.ID, channel); err != nil {
		return fail(err)
	}
	if r.root, err = os.OpenRoot(a.dir); err != nil {
		return fail(err)
	}
	if err := r.checkFiles(); err != nil {
		return fail(errors.Join(err, r.Close()))
	}
	return r, nil
}

func (r *Reader) setStretch(fromMS, toMS int64) error {
	const perMS = capture.Rate / 1000
	if fromMS < 0 || fromMS > math.MaxInt64/perMS {
		return &transcript.FieldError{Field: "from", Text: "不能小于 0", TextEN: "is not a time of the hearing"}
	}
	r.from = capture.SampleIndex(fromMS) * perMS
	end := capture.SampleIndex(0)
	for _, p := range r.pieces {
		end = max(end, p.end())
	}
	if toMS != 0 {
		if toMS <= fromMS || toMS > math.MaxInt64/perMS {
			return &transcript.FieldError{Field: "to", Text: "必须晚于 from", TextEN: "is not after from"}
		}
		end = capture.SampleIndex(toMS) * perMS
	}
	r.samples = max(end-r.from, 0)
	if r.samples > capture.SamplesIn(MaxStretch) {
		return &transcript.FieldError{Field: "to", Text: "一次最多 24 小时", TextEN: "at most 24 hours at once"}
	}
	r.header = wavHeader(r.samples)
	return nil
}

// changed is when audio was last added to a channel, or to any.
func (a *Archive) changed(ctx context.Context, hearing, channel string) (time.Time, error) {
	states, err := a.db.AudioStates(ctx, hearing)
	var newest int64
	for _, s := range states {
		if channel == "" || channel == s.Channel {
			newest = max(newest, s.StoredAt)
		}
	}
	return time.UnixMilli(newest).UTC(), err
}

// checkFiles finds missing and damaged files before the first byte is sent: in
// the middle of an answer there is no way to say so.
func (r *Reader) checkFiles() error {
	for _, p := range r.pieces {
		if p.end() <= r.from || p.at >= r.from+r.samples {
			continue
		}
		if err := checkFile(r.root, p.file, p.samples); err != nil {
			return err
		}
	}
	return nil
}

// Size is the length of the WAV file in bytes.
func (r *Reader) Size() int64 { return fileSize(r.samples) }

// ModTime is when the archive last added to what this reader plays from.
func (r *Reader) ModTime() time.Time { return r.modTime }

// Seek implements io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.Size()
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek to %d: before the beginning", offset)
	}
	r.pos = offset
	return offset, nil
}

// Read implements io.Reader.
func (r *Reader) Read(to []byte) (int, error) {
	switch {
	case len(to) == 0:
		return 0, nil
	case r.pos >= r.Size():
		return 0, io.EOF
	case r.pos < headerSize:
		n := copy(to, r.header[r.pos:])
		r.pos += int64(n)
		return n, nil
	}
	first := capture.SampleIndex((r.pos - headerSize) / bytesPerSample)
	skip := int((r.pos - headerSize) % bytesPerSample) // a range may begin between the bytes of a sample
	count := min(capture.SampleIndex((skip+len(to)+1)/bytesPerSample), blockSamples, r.samples-first)
	if err := r.fill(r.from+first, int(count)); err != nil {
		return 0, err
	}
	n := copy(to, r.raw[skip:])
	r.pos += int64(n)
	return n, nil
}

// fill puts count samples of the mix, from at on, into raw.
func (r *Reader) fill(at capture.SampleIndex, count int) error {
	r.mix = append(r.mix[:0], make([]int32, count)...)
	until := at + capture.SampleIndex(count)
	for _, p := range r.pieces { // a few hundred after a long day: no search is faster
		begin, end := max(at, p.at), min(until, p.end())
		if begin >= end {
			continue
		}
		if err := r.add(p.file, begin-p.at, r.mix[begin-at:end-at]); err != nil {
			return fmt.Errorf("play %s: %w", p.file, err)
		}
	}
	r.raw = r.raw[:0]
	for _, s := range r.mix {
		r.raw = binary.LittleEndian.AppendUint16(r.raw, uint16(int16(min(max(s, math.MinInt16), math.MaxInt16))))
	}
	return nil
}

// add adds samples of a file, from first on, to the mix.
func (r *Reader) add(name string, first capture.SampleIndex, to []int32) error {
	f, err := r.open(name)
	if err != nil {
		return err
	}
	if cap(r.pcm) < len(to) {
		r.pcm = make([]int16, len(to))
	}
	pcm := r.pcm[:len(to)]
	if r.raw, err = readSamples(f, first, pcm, r.raw); err != nil {
		return err
	}
	for i, s := range pcm {
		to[i] += int32(s)
	}
	return nil
}

func (r *Reader) open(name string) (*os.File, error) {
	if f, ok := r.files[name]; ok {
		return f, nil
	}
	if len(r.files) >= maxOpen {
		if err := r.closeFiles(); err != nil {
			return nil, err
		}
	}
	f, err := r.root.Open(name)
	if err == nil {
		r.files[name] = f
	}
	return f, err
}

func (r *Reader) closeFiles() error {
	var err error
	for name, f := range r.files {
		err = errors.Join(err, f.Close())
		delete(r.files, name)
	}
	return err
}

// Close lets go of all files. Idempotent.
func (r *Reader) Close() error {
	return errors.Join(r.closeFiles(), r.root.Close())
}
