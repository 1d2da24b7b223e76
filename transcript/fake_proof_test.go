package transcript_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

func (s *fakeStore) HearingRevisions(ctx context.Context, hearing string) (list []transcript.Revision, err error) {
	err = s.call(ctx, "HearingRevisions", func() error {
		for key, revisions := range s.revisions {
			if strings.HasPrefix(key, hearing+"/") {
				list = append(list, revisions...)
			}
		}
		slices.SortFunc(list, func(a, b transcript.Revision) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Revision, b.Revision))
		})
		return nil
	})
	return list, err
}

func (s *fakeStore) Seal(ctx context.Context, id string, ifChange int64, files []transcript.SealedFile, change func(*capture.Hearing) error) (h capture.Hearing, event int64, err error) {
	err = s.call(ctx, "Seal", func() error {
		if h, err = s.read(id); err != nil {
			return err
		}
		if s.changes[id] != ifChange {
			return transcript.ErrChanged
		}
		if err := change(&h); err != nil {
			return err
		}
		h.Version++
		s.changes[id]++
		event = s.changes[id]
		s.sealed[id] = files
		return s.write(h)
	})
	return h, event, err
}

func (s *fakeStore) Sealed(ctx context.Context, hearing string) (files []transcript.SealedFile, err error) {
	err = s.call(ctx, "Sealed", func() error { files = s.sealed[hearing]; return nil })
	return files, err
}

func (s *fakeStore) AddCorrection(ctx context.Context, c transcript.Correction) (transcript.Correction, int64, error) {
	err := s.call(ctx, "AddCorrection", func() error {
		c.ID = strconv.Itoa(len(s.corrections[c.Hearing]) + 1)
		s.corrections[c.Hearing] = append(s.corrections[c.Hearing], c)
		s.changes[c.Hearing]++
		return nil
	})
	return c, s.changes[c.Hearing], err
}

func (s *fakeStore) DecideCorrection(ctx context.Context, hearing, id string, dec transcript.Decision, ifRevision int, r *transcript.Revision) (c transcript.Correction, line *transcript.Line, event int64, err error) {
	err = s.call(ctx, "DecideCorrection", func() error {
		i := slices.IndexFunc(s.corrections[hearing], func(c transcript.Correction) bool { return c.ID == id })
		if i < 0 {
			return transcript.ErrNotFound
		}
		if r != nil {
			l := s.lines[hearing][s.corrections[hearing][i].Line]
			if l.Revision != ifRevision {
				return &transcript.ConflictError{Current: l}
			}
			l.Revision++
			l.Text, l.Role, l.Speaker, l.Author = r.Text, r.Role, r.Speaker, r.Author
			s.put(&l, r.At)
			line = &l
		}
		s.changes[hearing]++
		event = s.changes[hearing]
		s.corrections[hearing][i].Decision = &dec
		c = s.corrections[hearing][i]
		return nil
	})
	return c, line, event, err
}

func (s *fakeStore) Corrections(ctx context.Context, hearing string) (list []transcript.Correction, err error) {
	err = s.call(ctx, "Corrections", func() error { list = slices.Clone(s.corrections[hearing]); return nil })
	return list, err
}

func (s *fakeStore) Correction(ctx context.Context, hearing, id string) (c transcript.Correction, err error) {
	err = s.call(ctx, "Correction", func() error {
		i := slices.IndexFunc(s.corrections[hearing], func(c transcript.Correction) bool { return c.ID == id })
		if i < 0 {
			return fmt.Errorf("correction %s/%s: %w", hearing, id, transcript.ErrNotFound)
		}
		c = s.corrections[hearing][i]
		return nil
	})
	return c, err
}

// fakeSound has the parts that it is given; byte n of a part is n·step.
type fakeSound struct {
	parts []transcript.AudioPart
	step  byte
}

func (s *fakeSound) AudioParts(context.Context, string) ([]transcript.AudioPart, error) {
	return slices.Clone(s.parts), nil
}

func (s *fakeSound) WritePart(_ context.Context, _ string, p transcript.AudioPart, w io.Writer) error {
	data := make([]byte, 44+2*p.Samples)
	for i := range data {
		data[i] = byte(i) * s.step
	}
	_, err := w.Write(data)
	return err
}

func (s *fakeStore) Unstamped(ctx context.Context, since time.Time) (list []capture.Hearing, err error) {
	err = s.call(ctx, "Unstamped", func() error {
		for id, files := range s.sealed {
			h, err := s.read(id)
			if err != nil {
				return err
			}
			if !h.Signing.At.Before(since) && !slices.ContainsFunc(files, isStamp) {
				list = append(list, h)
			}
		}
		return nil
	})
	return list, err
}

func (s *fakeStore) KeepStamp(ctx context.Context, hearing string, stamp []byte) error {
	return s.call(ctx, "KeepStamp", func() error {
		s.sealed[hearing] = append(s.sealed[hearing], transcript.SealedFile{Path: "timestamp.tsr", Data: stamp})
		return nil
	})
}

func isStamp(f transcript.SealedFile) bool { return f.Path == "timestamp.tsr" }
