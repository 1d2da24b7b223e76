package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tingji/store"
	"tingji/store/storetest"
	"tingji/transcript"
)

// newFile makes a store with a line in it and returns its path.
func newFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "record.db")
	openClose(t, path)
	alter(t, path, storetest.OneRevision...)
	return path
}

func openClose(t *testing.T, path string) {
	t.Helper()
	s, err := Open(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// alter runs statements past the store; the last may fail.
func alter(t *testing.T, path string, queries ...string) (err error) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i, q := range queries {
		if _, err = db.ExecContext(context.Background(), q); err != nil && i < len(queries)-1 {
			t.Fatal(err)
		}
	}
	return err
}

func TestRevisionsStay(t *testing.T) {
	path := newFile(t)
	replace := `INSERT OR REPLACE INTO revisions (hearing, line, revision, text, role, speaker, author, at, previous, hash)
		VALUES ('h', 'l', 1, 'y', '', '', '', 0, '', '')`
	refused := func(q string) {
		t.Helper()
		if err := alter(t, path, q); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: error %v", q, err)
		}
	}
	for _, q := range append(storetest.Tampering, replace,
		`INSERT OR REPLACE INTO corrections (hearing, number, request) VALUES ('h', 1, '{"says":"y"}')`,
		`INSERT OR REPLACE INTO decisions (hearing, number, decision) VALUES ('h', 1, 'y')`) {
		refused(q)
	}
	if err := alter(t, path, storetest.Sealing); err != nil {
		t.Fatal(err)
	}
	for _, q := range append(storetest.SealedTampering,
		`INSERT OR REPLACE INTO sealed_files (hearing, path, data) VALUES ('h', 'record.json', 'y')`) {
		refused(q)
	}
}

func TestRefused(t *testing.T) {
	write := func(content []byte) func(*testing.T) string {
		return func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "record.db")
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	good, err := os.ReadFile(newFile(t))
	if err != nil {
		t.Fatal(err)
	}
	page := 4096
	for _, c := range []struct {
		name string
		make func(*testing.T) string
		want string
	}{
		{"text", write([]byte(strings.Repeat("no database at all\n", 500))), "is no database"},
		{"beginning overwritten", write(append(make([]byte, 100), good[100:]...)), "is no database"},
		{"cut in half", write(good[:len(good)/page/2*page]), "is damaged"},
		{"tables overwritten", write(append(bytes.Clone(good[:200]), bytes.Repeat([]byte{0xff}, page-200)...)), "is damaged"},
		{"folder", func(t *testing.T) string { return t.TempDir() }, "not a file"},
		{"no such folder", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none", "record.db") }, "does the folder exist"},
		{"another program's", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "record.db")
			alter(t, path, "CREATE TABLE customers (id INTEGER)", "SELECT 1")
			return path
		}, "another program"},
		{"another program's, empty", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "record.db")
			alter(t, path, "PRAGMA application_id = 7", "PRAGMA user_version = 1", "SELECT 1")
			return path
		}, "another program"},
		{"a newer program's", func(t *testing.T) string {
			path := newFile(t)
			alter(t, path, "INSERT INTO schema_version (version_id, is_applied) VALUES (999, 1)", "SELECT 1")
			return path
		}, "newer tingji (schema 999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.make(t)
			before, _ := os.ReadFile(path)
			s, err := Open(t.Context(), path, quiet)
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line that says %q and names the file", err, c.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a b.db", "庭记.db", "a?b=c&_pragma=journal_mode(OFF)#d%20.db", "file:x.db", "-x.db"} {
		path := filepath.Join(dir, name)
		openClose(t, path)
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: not made there: %v", name, err)
		}
	}
	t.Chdir(dir)
	openClose(t, "here.db")
	if _, err := os.Stat(filepath.Join(dir, "here.db")); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	db, err := pools(newFile(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Read.Close()
	defer db.Write.Close()
	for _, c := range []struct {
		pool          *sql.DB
		setting, want string
	}{
		{db.Write, "journal_mode", "wal"},
		{db.Write, "synchronous", "2"}, // FULL: a commit is on the disk
		{db.Write, "foreign_keys", "1"},
		{db.Write, "busy_timeout", "10000"},
		{db.Read, "journal_mode", "wal"},
		{db.Read, "query_only", "1"},
		{db.Read, "busy_timeout", "10000"},
	} {
		var got string
		if err := c.pool.QueryRowContext(t.Context(), "PRAGMA "+c.setting).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s is %s, want %s (%v)", c.setting, got, c.want, err)
		}
	}
}

// A reader that takes its time stops no writer, and sees one instant.
func TestReaderDoesNotBlock(t *testing.T) {
	path := newFile(t)
	s, err := Open(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	db, err := pools(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Write.Close()
	defer db.Read.Close()
	tx, err := db.Read.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	count := func() (n int) {
		if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM revisions").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	if _, err := s.Revise(t.Context(), "h", "l", 1, transcript.Revision{Text: "z"}); err != nil {
		t.Fatal(err)
	}
	if after := count(); after != before {
		t.Errorf("the reader saw %d revisions, then %d", before, after)
	}
}

// A file that a version of the past wrote opens for ever, and says what it said.
func TestBackcompat(t *testing.T) {
	for _, file := range oldFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "record.db")
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), path, quiet)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if strings.HasSuffix(file, "schema-1.db") {
				return // cut off before it was ever used
			}
			storetest.CheckSample(t, s)
			if _, err := s.Check(t.Context(), func(f store.Fault) { t.Error(f) }); err != nil {
				t.Error(err)
			}
		})
	}
}

// oldFiles are files of every schema version there was: the first never stood
// alone, but where a first start was killed.
func oldFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for version := 1; version <= store.SchemaVersion; version++ {
		file := fmt.Sprintf("../../testdata/backcompat/store/schema-%d.db", version)
		if _, err := os.Stat(file); err != nil {
			t.Fatalf("schema %d: %v", version, err)
		}
		files = append(files, file)
	}
	return files
}

// TestWriteBackcompat writes the file of today's schema version when it is
// asked to; a file that is there stays as it is.
func TestWriteBackcompat(t *testing.T) {
	if os.Getenv("TINGJI_WRITE_BACKCOMPAT") == "" {
		t.Skip("skipped: writes testdata, and only when TINGJI_WRITE_BACKCOMPAT is set")
	}
	path := filepath.Join("../../testdata/backcompat/store", sampleName())
	if _, err := os.Stat(path); err == nil {
		t.Fatalf("%s is there already", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	storetest.WriteSample(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
