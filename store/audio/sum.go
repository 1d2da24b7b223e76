package audio

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"

	"tingji/capture"
	"tingji/store"
)

// addSamples adds samples to a sum, as a file has them.
func addSamples(sum hash.Hash, samples []int16, buf []byte) []byte {
	buf = buf[:0]
	for _, s := range samples {
		buf = binary.LittleEndian.AppendUint16(buf, uint16(s))
	}
	sum.Write(buf)
	return buf
}

// sumFile is the sum over the confirmed samples of a file, which more can be
// added to. A *damageError where it is not the one that is stored.
func sumFile(root *os.Root, f store.AudioFile) (hash.Hash, error) {
	sum := sha256.New()
	if f.Samples == 0 {
		return sum, nil
	}
	if err := checkFile(root, f.File, f.Samples); err != nil {
		return nil, err
	}
	file, err := root.Open(f.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := io.Copy(sum, io.NewSectionReader(file, headerSize, int64(f.Samples)*bytesPerSample)); err != nil {
		return nil, err
	}
	if f.SHA256 != "" && hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return nil, &damageError{f.File, "was changed: its sound does not fit its SHA-256"}
	}
	return sum, nil
}

// Checked is what Check has read.
type Checked struct {
	Files    int
	Samples  capture.SampleIndex
	Unproved int // files of an older program, which stored no SHA-256
}

// Check reads every file that the database knows, as far as it is confirmed,
// and tells found what is gone, cut short or changed. It may run beside an
// archive that writes.
func (a *Archive) Check(ctx context.Context, found func(file, what string)) (c Checked, err error) {
	root, err := os.OpenRoot(a.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("check the audio archive: %w", err)
	}
	if err == nil {
		defer root.Close()
	}
	err = a.db.EachAudioFile(ctx, func(f store.AudioFile) error {
		if err := ctx.Err(); err != nil || f.Samples == 0 {
			return err
		}
		c.Files++
		c.Samples += f.Samples
		if f.SHA256 == "" {
			c.Unproved++
		}
		if root == nil {
			found(f.File, "is gone: there is no folder "+a.dir)
			return nil
		}
		_, err := sumFile(root, f)
		if d := (*damageError)(nil); errors.As(err, &d) {
			found(f.File, d.what)
		} else if err != nil {
			found(f.File, "cannot be read: "+err.Error())
		}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("check the audio archive: %w", err)
	}
	return c, nil
}

// Copied is a file of a copy of the archive.
type Copied struct {
	File   string `json:"file"` // below the folder of the copy
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // of the whole file
}

// CopyTo writes the confirmed sound of all files into the folder dir: each with
// a header of its own, as it is after a clean end. A file that is damaged ends
// the copy. It may run beside an archive that writes, with a database older
// than its files.
func (a *Archive) CopyTo(ctx context.Context, dir string, copied func(Copied)) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	to, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer to.Close()
	var from *os.Root
	err = a.db.EachAudioFile(ctx, func(f store.AudioFile) error {
		if f.Samples == 0 {
			return nil
		}
		if from == nil {
			var err error
			if from, err = os.OpenRoot(a.dir); err != nil {
				return err
			}
		}
		c, err := copyFile(ctx, from, to, f)
		if err == nil {
			copied(c)
		}
		return err
	})
	if from != nil {
		from.Close()
	}
	if err != nil {
		return fmt.Errorf("copy the audio archive: %w", err)
	}
	return nil
}

func copyFile(ctx context.Context, from, to *os.Root, f store.AudioFile) (c Copied, err error) {
	if err := checkFile(from, f.File, f.Samples); err != nil {
		return c, err
	}
	in, err := from.Open(f.File)
	if err != nil {
		return c, err
	}
	defer in.Close()
	if err := to.MkdirAll(path.Dir(f.File), 0o755); err != nil {
		return c, err
	}
	out, err := to.OpenFile(f.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return c, err
	}
	sound, whole := sha256.New(), sha256.New()
	head := wavHeader(f.Samples)
	w := io.MultiWriter(out, whole)
	_, err = w.Write(head[:])
	if err == nil {
		err = copySound(ctx, io.MultiWriter(w, sound), io.NewSectionReader(in, headerSize, int64(f.Samples)*bytesPerSample))
	}
	if err == nil && f.SHA256 != "" && hex.EncodeToString(sound.Sum(nil)) != f.SHA256 {
		err = &damageError{f.File, "was changed: its sound does not fit its SHA-256"}
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return c, err
	}
	return Copied{File: f.File, Bytes: fileSize(f.Samples), SHA256: hex.EncodeToString(whole.Sum(nil))}, nil
}
