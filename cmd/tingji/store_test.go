package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store"
	"tingji/store/postgres"
	"tingji/store/postgres/postgrestest"
	"tingji/store/sqlite"
	"tingji/transcript"
)

// keptFolder is a data folder with two hearings, indexed and summed, and sound.
func keptFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "tingji.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	at := time.Date(2026, 5, 6, 1, 0, 0, 0, time.UTC)
	for _, id := range []string{"h1", "h2"} {
		h := capture.Hearing{ID: id, Version: 1, Status: capture.Closed, CaseNo: "（2026）内0000民初1号", Cause: "民间借贷纠纷", Courtroom: "r1", CreatedAt: at, OpenedAt: &at}
		if err := db.CreateHearing(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			l := transcript.Line{Hearing: id, Role: "原告", Speaker: "周启明", Text: fmt.Sprintf("第%d句，借了二十万元。", i), StartedAt: at, Author: "clerk",
				Words: []transcript.Word{{Text: "瓜熟蒂落", EndMS: 900, Confidence: 0.5}}}
			if l, err = db.AddLine(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			if i%7 == 0 {
				if _, err := db.Revise(t.Context(), id, l.ID, 1, transcript.Revision{Text: l.Text + "没有还。", Role: l.Role, Author: "clerk"}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, detail := range []string{"record.docx", "record.pdf"} {
		if err := db.AddAccess(t.Context(), transcript.Access{At: at, Reader: "判官 10.0.0.9", Action: "record.read", Hearing: "h1", Detail: detail}); err != nil {
			t.Fatal(err)
		}
	}
	samples := make([]byte, 2*8000)
	for i := range samples {
		samples[i] = byte(i * i)
	}
	file := "2026/h1/judge/1-1.wav"
	head := append([]byte("RIFF\xa4\x3e\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"), binary.LittleEndian.AppendUint32(nil, 16000)...)
	head = append(binary.LittleEndian.AppendUint32(head, 32000), "\x02\x00\x10\x00data\x80\x3e\x00\x00"...)
	if err := os.MkdirAll(filepath.Join(dir, "audio", filepath.Dir(file)), 0o755); err != nil {
		t.Fatal(err)
	}
	// Behind the confirmed samples stands what a crash has left.
	if err := os.WriteFile(filepath.Join(dir, "audio", file), append(append(head, samples...), "left behind"...), 0o644); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(samples)
	if err := db.StoreAudio(t.Context(), store.AudioBatch{Files: []store.AudioFile{{Hearing: "h1", Channel: "judge", Epoch: 1, Part: 1, File: file,
		Samples: 8000, StartedAt: at, FirstSeq: 1, LastSeq: 2, SHA256: hex.EncodeToString(sum[:])}}}); err != nil {
		t.Fatal(err)
	}
	if err := db.IndexNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The server takes the sums when it has indexed, at once where it only has to do that.
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- db.RunIndex(ctx, slog.New(slog.DiscardHandler)) }()
	for summed := 0; summed < 2; {
		c, err := db.Check(t.Context(), func(f store.Fault) { t.Fatal(f) })
		if err != nil {
			t.Fatal(err)
		}
		summed = c.Summed
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return dir
}

// storeRun runs tingji store and wants an exit code, with one line for people.
func storeRun(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(append([]string{"store"}, args...), nil, nil, &out, &errs)
	if code != want || want == 0 && errs.Len() > 0 || want != 0 && strings.Count(errs.String(), "\n") != 1 {
		t.Fatalf("store %q: exit %d, want %d\n%s%s", args, code, want, &out, &errs)
	}
	return out.String(), errs.String()
}

// Who looked at what is printed, chosen, and harmless on a terminal.
func TestStoreAudit(t *testing.T) {
	dir := keptFolder(t)
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "tingji.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = db.AddAccess(t.Context(), transcript.Access{At: time.Date(2026, 5, 8, 1, 0, 0, 0, time.UTC), Reader: "10.0.0.7", Action: "search", Detail: "q=\x1b[2J借条", Refused: true})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	all, _ := storeRun(t, 0, "audit", "--data", dir)
	if strings.Count(all, "\n") != 3 || !strings.Contains(all, "判官 10.0.0.9\trecord.read\th1\trecord.pdf\n") || !strings.HasSuffix(all, "10.0.0.7\tsearch (refused)\t\tq=\uFFFD[2J借条\n") {
		t.Errorf("%q", all)
	}
	for _, c := range []struct {
		args  string
		lines int
	}{{"--hearing h1", 2}, {"--reader 0.7", 1}, {"--from 2026-05-07", 1}, {"--to 2026-05-06", 2}, {"--to 2026-05-05", 0}, {"--hearing h2", 0}, {"--json --reader 0.7", 1}} {
		out, _ := storeRun(t, 0, append([]string{"audit", "--data", dir}, strings.Fields(c.args)...)...)
		if strings.Count(out, "\n") != c.lines {
			t.Errorf("%s: %q", c.args, out)
		}
	}
	storeRun(t, 2, "audit", "--data", dir, "--from", "May")
}

// A byte changed anywhere in what is kept is found, and its place named.
func TestStoreCheck(t *testing.T) {
	dir := keptFolder(t)
	out, _ := storeRun(t, 0, "check", "--data", dir)
	if !strings.HasPrefix(out, "ok\n2 hearings (2 held to their sum), 80 lines, 92 revisions, 2 accesses, 1 blocks") || !strings.Contains(out, "1 audio files with 1s of sound") && !strings.Contains(out, "1 audio files with 0s") {
		t.Errorf("%s", out)
	}
	db := filepath.Join(dir, "tingji.db")
	sound := filepath.Join(dir, "audio/2026/h1/judge/1-1.wav")
	for _, c := range []struct {
		name, file, of, to string
		want               string
	}{
		{"text of a line and its revision", db, "第11句，借了二十万元。", "第11句，借了三十万元。", "hearing h1 line hand-12"},
		{"words", db, "瓜熟蒂落", "瓜熟蒂洛", "hearing h1: was changed: its rows do not fit"},
		{"who read", db, "record.docx", "record.docz", "access 1: was changed"},
		{"cause of action", db, "民间借贷纠纷", "民间借债纠纷", "hearing h1: was changed"},
		{"text in the index", db, "\x2c\x7b\x31\x00", "\x2c\x7b\x32\x00", "search index block"},
		{"sound", sound, "\x00\x01\x04\x09", "\x00\x01\x05\x09", "audio file 2026/h1/judge/1-1.wav: was changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			was, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			now := bytes.ReplaceAll(was, []byte(c.of), []byte(c.to))
			if bytes.Equal(was, now) {
				t.Fatalf("%q is not in %s", c.of, c.file)
			}
			if err := os.WriteFile(c.file, now, 0o644); err != nil {
				t.Fatal(err)
			}
			out, _ := storeRun(t, 1, "check", "--data", dir)
			if !strings.Contains(out, c.want) {
				t.Errorf("%s\nwant %s", out, c.want)
			}
			if err := os.WriteFile(c.file, was, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
	storeRun(t, 0, "check", "--data", dir)

	// Any byte of a page that is used. What lies in the free room of a page is
	// nobody's: there a change is none.
	whole, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	rows := func(data []byte) string { return contentOf(t, data) }
	want := rows(whole)
	found, harmless := 0, 0
	for at := 200; at < len(whole); at += len(whole)/120 + 1 {
		changed := bytes.Clone(whole)
		changed[at] ^= 1 << (at % 8)
		if err := os.WriteFile(db, changed, 0o644); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		switch code := run([]string{"store", "check", "--data", dir}, nil, nil, &stdout, &stderr); {
		case code == 1:
			found++
		case code == 0 && rows(changed) == want:
			harmless++
		default:
			t.Errorf("byte %d changed: exit %d\n%s%s", at, code, &stdout, &stderr)
		}
	}
	t.Logf("%d changed bytes found, %d in free room", found, harmless)
	if found < 15 {
		t.Errorf("%d of 120 were found: the test tests little", found)
	}
	if err := os.WriteFile(db, whole, 0o644); err != nil {
		t.Fatal(err)
	}

	if err := os.Remove(sound); err != nil {
		t.Fatal(err)
	}
	if out, _ := storeRun(t, 1, "check", "--data", dir); !strings.Contains(out, "audio file 2026/h1/judge/1-1.wav: is gone") {
		t.Errorf("%s", out)
	}
	storeRun(t, 0, "check", "--data", dir, "--no-audio")
	storeRun(t, 2, "check", "--data", t.TempDir())
	storeRun(t, 2, "check", "--db", "mysql://x")
}

// contentOf is all that a database says: a text of its rows.
func contentOf(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var b strings.Builder
	for _, table := range []string{"hearings", "lines", "revisions", "audio_files", "search_rows", "search_blocks", "search_hearings"} {
		rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			return err.Error()
		}
		columns, _ := rows.Columns()
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(sql.RawBytes)
		}
		for rows.Next() {
			if err := rows.Scan(values...); err != nil {
				return err.Error()
			}
			for _, v := range values {
				fmt.Fprintf(&b, "%q,", *v.(*sql.RawBytes))
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err.Error()
		}
	}
	return b.String()
}

// A backup is taken while a hearing goes on, restores what it was, and refuses
// what was changed in it.
func TestStoreBackup(t *testing.T) {
	dir := keptFolder(t)
	copied := filepath.Join(t.TempDir(), "backup")

	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "tingji.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	spoken := make(chan int)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			if _, err := db.AddLine(context.WithoutCancel(ctx), transcript.Line{Hearing: "h2", Text: "现在继续", StartedAt: time.Now()}); err != nil {
				t.Error(err)
				break
			}
		}
		spoken <- n
	}()
	out, _ := storeRun(t, 0, "backup", "--data", dir, copied)
	stop()
	if n := <-spoken; n == 0 || !strings.Contains(out, "1 audio files") {
		t.Errorf("%d lines meanwhile; %s", n, out)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	storeRun(t, 0, "check", "--data", copied)
	storeRun(t, 2, "backup", "--data", dir, copied)
	storeRun(t, 2, "backup", "--data", filepath.Join(dir, "none"), copied+"2")

	again := filepath.Join(t.TempDir(), "again")
	storeRun(t, 2, "restore", "--data", dir, copied)
	storeRun(t, 2, "restore", "--data", again, dir)
	storeRun(t, 0, "restore", "--data", again, copied)
	storeRun(t, 0, "check", "--data", again)
	if info, err := os.Stat(filepath.Join(again, "audio/2026/h1/judge/1-1.wav")); err != nil || info.Size() != 44+16000 {
		t.Errorf("%+v %v", info, err)
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"search", "--data", again, "第11句"}, nil, nil, &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), "2 lines") {
		t.Errorf("%d %s%s", code, &stdout, &stderr)
	}

	bare := copied + "-bare"
	storeRun(t, 0, "backup", "--data", dir, "--no-audio", bare)
	if _, err := os.Stat(filepath.Join(bare, "audio")); err == nil {
		t.Error("there is sound")
	}
	storeRun(t, 0, "restore", "--data", again+"2", bare)

	for _, name := range []string{"tingji.db", "audio/2026/h1/judge/1-1.wav", "backup.json"} {
		path := filepath.Join(copied, name)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		now := bytes.Clone(was)
		now[len(now)/2] ^= 4
		if err := os.WriteFile(path, now, 0o644); err != nil {
			t.Fatal(err)
		}
		storeRun(t, 1, "restore", "--data", again+"3", copied)
		if _, err := os.Stat(again + "3"); err == nil {
			t.Error("something was restored")
		}
		if err := os.WriteFile(path, was, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, parent := range []string{filepath.Dir(copied), filepath.Dir(again)} {
		if left, _ := filepath.Glob(filepath.Join(parent, ".*-*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// A court that outgrows SQLite moves with one command, and back.
func TestStoreMove(t *testing.T) {
	server := postgrestest.Start(t)
	dir := keptFolder(t)
	url := server.Database(t)

	// Whatever ends it before its end leaves the other database empty.
	quiet := slog.New(slog.DiscardHandler)
	from, err := sqlite.Open(t.Context(), filepath.Join(dir, "tingji.db"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	to, err := postgres.Open(t.Context(), url, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = from.CopyTo(ctx, to, func(table string, _ int64) {
		if table == "revisions" {
			cancel()
		}
	})
	if err == nil {
		t.Error("it was not cut off")
	}
	// So does somebody who writes.
	_, err = from.CopyTo(t.Context(), to, func(table string, _ int64) {
		if table == "revisions" {
			if _, err := from.AddLine(t.Context(), transcript.Line{Hearing: "h2", Text: "现在继续", StartedAt: time.Now()}); err != nil {
				t.Error(err)
			}
		}
	})
	if !errors.Is(err, store.ErrWritten) {
		t.Errorf("while somebody wrote: %v", err)
	}
	if list, err := to.Hearings(t.Context(), transcript.HearingFilter{}); err != nil || len(list) > 0 {
		t.Errorf("%d hearings in the new database: %v", len(list), err)
	}
	if err := errors.Join(from.Close(), to.Close()); err != nil {
		t.Fatal(err)
	}

	out, _ := storeRun(t, 0, "move", "--data", dir, "--to", url)
	if !strings.Contains(out, "rows and sums are equal") {
		t.Errorf("%s", out)
	}
	if _, stderr := storeRun(t, 2, "move", "--data", dir, "--to", url); !strings.Contains(stderr, "already") {
		t.Errorf("%s", stderr)
	}
	out, _ = storeRun(t, 0, "check", "--data", dir, "--db", url)
	if !strings.HasPrefix(out, "ok\n2 hearings (1 held to their sum), 81 lines, 93 revisions") {
		t.Errorf("%s", out)
	}
	storeRun(t, 2, "move", "--data", dir, "--db", url, "--to", url)
	storeRun(t, 2, "move", "--data", dir, "--to", "sqlite:"+filepath.Join(dir, "tingji.db"))
	storeRun(t, 1, "move", "--data", dir, "--to", "postgres://tingji@127.0.0.1:1/x?connect_timeout=2")

	unlock, err := openFolder(dir, "serve")
	if err != nil {
		t.Fatal(err)
	}
	storeRun(t, 1, "move", "--data", dir, "--to", server.Database(t))
	if err := unlock(); err != nil {
		t.Fatal(err)
	}

	// From PostgreSQL a backup is a file of SQLite all the same.
	copied := filepath.Join(t.TempDir(), "backup")
	storeRun(t, 0, "backup", "--data", dir, "--db", url, copied)
	storeRun(t, 0, "check", "--data", copied)
	other := server.Database(t)
	storeRun(t, 0, "restore", "--data", filepath.Join(t.TempDir(), "new"), "--db", other, copied)
	storeRun(t, 2, "restore", "--data", filepath.Join(t.TempDir(), "new"), "--db", other, copied)
	storeRun(t, 0, "reindex", "--data", dir, "--db", other)
	storeRun(t, 0, "check", "--data", dir, "--db", other)
}
