package audio

import (
	"context"
	"fmt"
	"iter"
	"os"
	"time"

	"tingji/capture"
	"tingji/store"
)

// Chunks reads the audio of a hearing back as the chunks it came in, for a log
// that has forgotten them: those whose number is above after (by channel; 0 is
// all of a channel), of the named channels, in the order in which they were
// captured. It ends with the first error. It reads what was stored when it
// began.
//
// Chunks are of one length but for the last of an epoch, so the bounds are those
// that the courtroom sent; where a part's length says otherwise its samples are
// spread over its numbers. Numbers without sound are told as lost. Which reason ended
// an epoch is not kept: the last chunk of a channel that has ended says close.
func (a *Archive) Chunks(ctx context.Context, hearing string, after map[string]uint64) iter.Seq2[capture.Chunk, error] {
	return func(yield func(capture.Chunk, error) bool) {
		err := a.eachChunk(ctx, hearing, after, func(c capture.Chunk) bool { return yield(c, nil) })
		if err != nil {
			yield(capture.Chunk{}, fmt.Errorf("read back audio of %s: %w", hearing, err))
		}
	}
}

// playback is where one channel stands.
type playback struct {
	files []store.AudioFile // the first is being read
	seq   uint64            // of the next chunk
	given uint64            // of the one before it
	last  uint64            // number that ends the channel; 0: it has not ended
}

func (a *Archive) eachChunk(ctx context.Context, hearing string, after map[string]uint64, yield func(capture.Chunk) bool) error {
	root, err := os.OpenRoot(a.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	channels, err := a.playbacks(ctx, hearing, after)
	if err != nil {
		return err
	}
	var open openFile
	defer open.close()
	for {
		var next *playback
		for _, p := range channels {
			if len(p.files) > 0 && (next == nil || p.at().Before(next.at())) {
				next = p
			}
		}
		if next == nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := next.chunk(root, &open)
		if err != nil {
			return err
		}
		if !yield(c) {
			return nil
		}
	}
}

// playbacks finds the files that are to be read, by channel.
func (a *Archive) playbacks(ctx context.Context, hearing string, after map[string]uint64) (map[string]*playback, error) {
	files, err := a.db.AudioFiles(ctx, hearing)
	if err != nil {
		return nil, err
	}
	states, err := a.db.AudioStates(ctx, hearing)
	if err != nil {
		return nil, err
	}
	channels := map[string]*playback{}
	for _, f := range files {
		seq, wanted := after[f.Channel]
		if !wanted || f.LastSeq <= seq || f.Samples == 0 {
			continue
		}
		p := channels[f.Channel]
		if p == nil {
			p = &playback{seq: max(f.FirstSeq, seq+1), given: seq}
			channels[f.Channel] = p
		}
		p.files = append(p.files, f)
	}
	for _, s := range states {
		if p := channels[s.Channel]; p != nil && s.Ended {
			p.last = s.Seq
		}
	}
	return channels, nil
}

// bounds of the next chunk within its file, in samples.
func (p *playback) bounds() (from, to capture.SampleIndex) {
	f := p.files[0]
	i, n := capture.SampleIndex(p.seq-f.FirstSeq), capture.SampleIndex(f.LastSeq-f.FirstSeq+1)
	for _, whole := range []capture.SampleIndex{capture.ChunkSamples, capture.FormerChunkSamples} {
		if f.Samples > (n-1)*whole && f.Samples <= n*whole {
			return i * whole, min(f.Samples, (i+1)*whole)
		}
	}
	return i * f.Samples / n, (i + 1) * f.Samples / n
}

// chunk reads the next chunk and moves on.
func (p *playback) chunk(root *os.Root, open *openFile) (capture.Chunk, error) {
	f := p.files[0]
	from, to := p.bounds()
	c := capture.Chunk{
		Hearing: f.Hearing, Channel: f.Channel, Epoch: f.Epoch, Seq: p.seq, First: f.First + from,
		CapturedAt: f.StartedAt.Add(from.Duration()), Samples: make([]int16, to-from),
	}
	if p.seq > p.given+1 { // no sound has these numbers, and nobody is to wait for it
		c.Lost = p.given + 1
	}
	p.given = p.seq
	if p.seq == p.last {
		c.End = capture.EndClose
	}
	if err := open.read(root, f.File, from, c.Samples); err != nil {
		return c, err
	}
	p.seq++
	if p.seq > f.LastSeq {
		p.files = p.files[1:]
		if len(p.files) > 0 {
			p.seq = max(p.seq, p.files[0].FirstSeq)
		}
	}
	return c, nil
}

func (p *playback) at() time.Time {
	from, _ := p.bounds()
	return p.files[0].StartedAt.Add(from.Duration())
}

// openFile keeps the files that are read in turn, a few at a time.
type openFile struct {
	files map[string]*os.File
	buf   []byte
}

func (o *openFile) read(root *os.Root, name string, first capture.SampleIndex, to []int16) error {
	f := o.files[name]
	if f == nil {
		if len(o.files) >= maxOpen {
			o.close()
		}
		var err error
		if f, err = root.Open(name); err != nil {
			return err
		}
		if o.files == nil {
			o.files = map[string]*os.File{}
		}
		o.files[name] = f
	}
	var err error
	if o.buf, err = readSamples(f, first, to, o.buf); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (o *openFile) close() {
	for name, f := range o.files {
		f.Close() // read only: there is nothing to lose
		delete(o.files, name)
	}
}
