package audio

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"tingji/store"
	"tingji/transcript"
)

var _ transcript.Sound = (*Archive)(nil)

// AudioParts implements transcript.Sound.
func (a *Archive) AudioParts(ctx context.Context, hearing string) ([]transcript.AudioPart, error) {
	files, err := a.db.AudioFiles(ctx, hearing)
	if err != nil {
		return nil, err
	}
	parts := []transcript.AudioPart{}
	for _, f := range files {
		if f.Samples > 0 {
			parts = append(parts, transcript.AudioPart{
				Channel: f.Channel, Epoch: f.Epoch, Part: f.Part, First: f.First, Samples: f.Samples, StartedAt: f.StartedAt})
		}
	}
	return parts, nil
}

// WritePart implements transcript.Sound. The head is written anew: that of the
// archive's file may tell of samples behind the confirmed ones. A
// *transcript.MismatchError where the sound is not what was confirmed.
func (a *Archive) WritePart(ctx context.Context, hearing string, p transcript.AudioPart, w io.Writer) error {
	files, err := a.db.AudioFiles(ctx, hearing)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(files, func(f store.AudioFile) bool {
		return f.Channel == p.Channel && f.Epoch == p.Epoch && f.Part == p.Part
	})
	if i < 0 {
		return fmt.Errorf("audio part %s/%s/%d-%d: %w", hearing, p.Channel, p.Epoch, p.Part, transcript.ErrNotFound)
	}
	root, err := os.OpenRoot(a.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := checkFile(root, files[i].File, p.Samples); err != nil {
		return err
	}
	f, err := root.Open(files[i].File)
	if err != nil {
		return err
	}
	defer f.Close()
	head := wavHeader(p.Samples)
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	sum := sha256.New()
	data := io.NewSectionReader(f, headerSize, int64(p.Samples)*bytesPerSample)
	if err := copySound(ctx, io.MultiWriter(w, sum), data); err != nil {
		return err
	}
	if stored := files[i]; stored.SHA256 != "" && stored.Samples == p.Samples && hex.EncodeToString(sum.Sum(nil)) != stored.SHA256 {
		return &transcript.MismatchError{File: stored.File, Reason: "its sound was changed since it was stored"}
	}
	return nil
}

// copySound copies until the end, or until ctx ends.
func copySound(ctx context.Context, w io.Writer, r io.Reader) error {
	buf := make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(r, buf)
		if _, failed := w.Write(buf[:n]); failed != nil {
			return failed
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}
