package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tingji/store"
	"tingji/store/audio"
)

// oldStore is the data folder of a program whose schema was the given one.
func oldStore(t *testing.T, schema int) (dir string, content []byte) {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("../../testdata/backcompat/store/schema-%d.db", schema))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, backupDB), content, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, content
}

func unchanged(t *testing.T, dir string, want []byte) {
	t.Helper()
	if has, err := os.ReadFile(filepath.Join(dir, backupDB)); err != nil || !bytes.Equal(has, want) {
		t.Errorf("the database was changed (%v)", err)
	}
}

// TestReadersLeaveAnOlderStore: a new program that only looks, beside a record
// server of the version before, must not bring the store up to date: the old server
// could not be started again.
func TestReadersLeaveAnOlderStore(t *testing.T) {
	dir, content := oldStore(t, store.SchemaVersion-1)
	for _, args := range [][]string{
		{"store", "check", "--no-audio"}, {"store", "backup", filepath.Join(t.TempDir(), "b")}, {"store", "audit"},
		{"search", "现在"}, {"quality"}, {"export", "1"},
	} {
		_, stderr, code := tingji(t, nil, append(args, "--data", dir)...)
		if code != exitFailure || !strings.Contains(stderr, "of an older tingji") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit %d: %s", args, code, stderr)
		}
		unchanged(t, dir, content)
	}
	stdout, _, code := tingji(t, nil, "doctor", "--data", dir)
	if code != exitOK || !strings.Contains(stdout, "note  store   open") || !strings.Contains(stdout, "of an older tingji") {
		t.Errorf("doctor: exit %d\n%s", code, stdout)
	}
	unchanged(t, dir, content)
}

// TestBackupStaysWhatItWas: a backup that was looked at can still be restored, also
// one of an older version; its folder may be one that nobody can write to.
func TestBackupStaysWhatItWas(t *testing.T) {
	old := func(t *testing.T) string {
		dir, _ := oldStore(t, 5)
		sum, err := hashFile(t.Context(), dir, backupDB)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(backup{V: 1, Database: sum, Files: []audio.Copied{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, backupFile), text, 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	of := func(args ...string) func(*testing.T) string {
		return func(t *testing.T) string {
			dir := filepath.Join(t.TempDir(), "b")
			storeRun(t, 0, append([]string{"backup", "--data", keptFolder(t), dir}, args...)...)
			return dir
		}
	}
	for name, made := range map[string]func(*testing.T) string{"older": old, "without sound": of("--no-audio"), "with sound": of()} {
		t.Run(name, func(t *testing.T) {
			dir := made(t)
			content, err := os.ReadFile(filepath.Join(dir, backupDB))
			if err != nil {
				t.Fatal(err)
			}
			storeRun(t, 0, "check", "--no-audio", "--data", dir)
			if _, stderr, code := tingji(t, nil, "search", "二十万元", "--data", dir); code != exitOK {
				t.Errorf("search: exit %d: %s", code, stderr)
			}
			unchanged(t, dir, content)
			for _, left := range []string{"-wal", "-shm"} {
				if _, err := os.Stat(filepath.Join(dir, backupDB+left)); err == nil {
					t.Errorf("a file was left beside the backup: %s", left)
				}
			}
			restored := filepath.Join(t.TempDir(), "r")
			storeRun(t, 0, "restore", "--data", restored, dir)
			unchanged(t, restored, content)
		})
	}
}
