package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"tingji/store"
	"tingji/store/audio"
	"tingji/store/sqlite"
)

// backup describes the folder of a backup: backup.json. The folder is laid out
// as a data folder is, so that tingji store check reads it as it stands.
type backup struct {
	V        int            `json:"v"`
	Program  string         `json:"program"`
	At       time.Time      `json:"at"` // when the database was read
	Database audio.Copied   `json:"database"`
	Sound    bool           `json:"sound"` // the archive's files are here
	Files    []audio.Copied `json:"files"`
}

const (
	backupFile   = "backup.json"
	backupDB     = "tingji.db"
	backupFolder = "audio"
)

type storeBackupCmd struct {
	Folder  string `arg:"" placeholder:"DIR" help:"A new folder, or an empty one."`
	NoAudio bool   `help:"Leave the archive's sound out."`
}

func (storeBackupCmd) once() {}

func (storeBackupCmd) Help() string {
	return "Copies one instant of the database, then the sound that it knows, with a SHA-256 of each file in backup.json. Hearings go on meanwhile. " +
		"The folder is there whole or not at all.\n\nExample:\n  tingji store backup --data /srv/tingji /backup/2026-11-23"
}

func (c storeBackupCmd) Run(ctx context.Context, a *app) error {
	if err := emptyFolder(c.Folder); err != nil {
		return err
	}
	b := backup{V: 1, Program: version(), At: time.Now().UTC().Truncate(time.Second), Sound: !c.NoAudio, Files: []audio.Copied{}}
	err := wholeFolder(c.Folder, func(dir string) error {
		file := filepath.Join(dir, backupDB)
		if err := a.backUp(ctx, file); err != nil {
			return err
		}
		if !c.NoAudio {
			// The files grow, and never change where the copy's database knows them.
			snapshot, err := sqlite.Open(ctx, file, a.log)
			if err != nil {
				return err
			}
			archive := audio.NewArchive(filepath.Join(a.config.Data, "audio"), snapshot, a.log)
			err = archive.CopyTo(ctx, filepath.Join(dir, backupFolder), func(f audio.Copied) { b.Files = append(b.Files, f) })
			if err := errors.Join(err, snapshot.Close()); err != nil {
				return err
			}
		}
		var err error
		if b.Database, err = hashFile(ctx, dir, backupDB); err != nil {
			return err
		}
		text, err := json.MarshalIndent(b, "", " ")
		if err != nil {
			return err
		}
		return writeSynced(filepath.Join(dir, backupFile), strings.NewReader(string(text)+"\n"))
	})
	if err != nil {
		return interrupted(ctx, err)
	}
	return b.print(a, "backed up")
}

func (b backup) print(a *app, what string) error {
	bytes := b.Database.Bytes
	for _, f := range b.Files {
		bytes += f.Bytes
	}
	sound := fmt.Sprintf("%d audio files", len(b.Files))
	if !b.Sound {
		sound = "without sound"
	}
	_, err := fmt.Fprintf(a.stdout, "ok, %s: the database as it was at %s, %s, %d bytes\n", what, b.At.Format(time.RFC3339), sound, bytes)
	return err
}

type storeRestoreCmd struct {
	Folder string `arg:"" placeholder:"DIR" help:"Folder that tingji store backup wrote."`
}

func (storeRestoreCmd) once() {}

func (storeRestoreCmd) Help() string {
	return "Checks every file of a backup, then makes the data folder from it, whole or not at all. The data folder must be new or empty; so must " +
		"the database where --db names one. What the log (Kafka) still has since the backup is taken in by the record server when it starts.\n\n" +
		"Example:\n  tingji store restore --data /srv/tingji-new /backup/2026-11-23"
}

func (c storeRestoreCmd) Run(ctx context.Context, a *app) error {
	b, err := readBackup(ctx, c.Folder)
	if err != nil {
		return interrupted(ctx, err)
	}
	if err := emptyFolder(a.config.Data); err != nil {
		return err
	}
	file, isFile := a.sqliteFile()
	if a.config.DB != "" && isFile {
		if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
			return misuse("--db %s: the file is there already", a.config.DB)
		}
	}
	err = wholeFolder(a.config.Data, func(dir string) error {
		for _, f := range b.Files {
			if err := copyOut(ctx, filepath.Join(c.Folder, backupFolder), filepath.Join(dir, backupFolder), f); err != nil {
				return err
			}
		}
		if a.config.DB == "" {
			return copyOut(ctx, c.Folder, dir, b.Database)
		}
		if isFile {
			in, err := os.Open(filepath.Join(c.Folder, backupDB))
			if err != nil {
				return err
			}
			defer in.Close()
			return writeSynced(file, in)
		}
		return a.fill(ctx, filepath.Join(c.Folder, backupDB))
	})
	if err != nil {
		if errors.Is(err, store.ErrNotEmpty) {
			return misuse("--db: %v", err)
		}
		return interrupted(ctx, err)
	}
	return b.print(a, "restored")
}

// fill copies a file of SQLite into the configured database, from a copy of it:
// opening it would change it.
func (a *app) fill(ctx context.Context, file string) error {
	from, err := sqlite.OpenCopy(ctx, file, a.log)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer to.Close()
	_, err = from.CopyTo(ctx, to, a.progressRows())
	return err
}

// readBackup reads what a backup says of itself, and holds every file to it.
func readBackup(ctx context.Context, folder string) (b backup, err error) {
	text, err := os.ReadFile(filepath.Join(folder, backupFile))
	if err != nil {
		return b, misuse("%s is not the folder of a backup: %s: %s", folder, backupFile, cause(err))
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("%s: cannot be read: %w", filepath.Join(folder, backupFile), err)
	}
	if b.V != 1 {
		return b, fmt.Errorf("the backup %s has the form %d, this tingji knows 1: install the version that wrote it (%s) or a later one", folder, b.V, b.Program)
	}
	hold := func(dir string, want audio.Copied) error {
		if !filepath.IsLocal(filepath.FromSlash(want.File)) {
			return fmt.Errorf("backup %s: names a file outside of it: %q", folder, want.File)
		}
		has, err := hashFile(ctx, dir, want.File)
		if err == nil && has != want {
			err = fmt.Errorf("%s: was changed: it has %d bytes with the SHA-256 %s, the backup was %d with %s", filepath.Join(dir, want.File), has.Bytes, has.SHA256, want.Bytes, want.SHA256)
		}
		return err
	}
	if err := hold(folder, b.Database); err != nil {
		return b, err
	}
	for _, f := range b.Files {
		if err := hold(filepath.Join(folder, backupFolder), f); err != nil {
			return b, err
		}
	}
	return b, nil
}

// emptyFolder refuses a folder that holds something: it is somebody's.
func emptyFolder(dir string) error {
	switch entries, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return misuse("%s: %s", dir, cause(err))
	case len(entries) > 0:
		return misuse("%s: the folder is not empty", dir)
	}
	return nil
}

// wholeFolder fills a folder beside the one that is wanted, and renames it once
// all is there, on the disk: a power cut leaves the whole folder, or none.
func wholeFolder(dir string, fill func(dir string) error) error {
	target := filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("write %s: %s", dir, cause(err))
	}
	temp, err := os.MkdirTemp(filepath.Dir(target), "."+filepath.Base(target)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %s", dir, cause(err))
	}
	defer os.RemoveAll(temp) // does nothing once it is renamed
	if err := os.Chmod(temp, 0o755); err != nil {
		return fmt.Errorf("write %s: %s", dir, cause(err))
	}
	if err := fill(temp); err != nil {
		return err
	}
	if err := filepath.WalkDir(temp, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncPath(path, d)
	}); err != nil {
		return fmt.Errorf("write %s: %s", dir, cause(err))
	}
	_ = os.Remove(target) // an empty folder gives way; anything else fails the next step
	if err := os.Rename(temp, target); err != nil {
		return fmt.Errorf("write %s: %s", dir, cause(err))
	}
	parent := filepath.Dir(target)
	info, err := os.Stat(parent)
	if err == nil {
		err = syncPath(parent, fs.FileInfoToDirEntry(info))
	}
	if err != nil {
		return fmt.Errorf("write %s: %s", dir, cause(err))
	}
	return nil
}

// syncPath makes a file durable, or the names in a folder. Windows syncs what is
// open for writing, and no folders: its journal keeps the order of names.
func syncPath(path string, d fs.DirEntry) error {
	mode := os.O_RDONLY
	if runtime.GOOS == "windows" {
		if d.IsDir() {
			return nil
		}
		mode = os.O_RDWR
	}
	f, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func hashFile(ctx context.Context, dir, name string) (audio.Copied, error) {
	path := filepath.Join(dir, filepath.FromSlash(name))
	f, err := os.Open(path)
	if err != nil {
		return audio.Copied{}, fmt.Errorf("%s: %s", path, cause(err))
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, untilDone{ctx, f})
	if err != nil {
		return audio.Copied{}, fmt.Errorf("%s: %s", path, cause(err))
	}
	return audio.Copied{File: name, Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// untilDone lets the reading of a long file be interrupted.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

func copyOut(ctx context.Context, from, to string, f audio.Copied) error {
	in, err := os.Open(filepath.Join(from, filepath.FromSlash(f.File)))
	if err != nil {
		return err
	}
	defer in.Close()
	target := filepath.Join(to, filepath.FromSlash(f.File))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return writeSynced(target, untilDone{ctx, in})
}

// writeSynced writes a new file that is on the disk when it returns.
func writeSynced(path string, content io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// withoutPassword is an address that may be printed.
func withoutPassword(address string) string {
	if u, err := url.Parse(address); err == nil && u.User != nil {
		return u.Redacted()
	}
	return address
}
