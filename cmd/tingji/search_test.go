package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store/sqlite"
	"tingji/transcript"
)

func TestSearchCommand(t *testing.T) {
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "tingji.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 5, 6, 1, 0, 0, 0, time.UTC)
	h := capture.Hearing{ID: "h1", Version: 1, Status: capture.Open, CaseNo: "（2026）内0000民初1号", Courtroom: "r1", CreatedAt: at, OpenedAt: &at}
	if err := db.CreateHearing(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	line := transcript.Line{Hearing: "h1", Role: "原告", Speaker: "周启明", Text: "借了二十万元，约定维约金。", StartMS: 61_000, StartedAt: at, Author: "clerk"}
	if _, err := db.AddLine(t.Context(), line); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string // of standard output, or error where the code is not 0
	}{
		{[]string{"20万", "约定"}, 0, "00:01:01  原告 周启明：借了【二十万】元，【约定】维约金。"},
		{[]string{"违约金"}, 0, "约定【维约金】"},
		{[]string{"--pinyin", "weiyuejin"}, 0, "1 lines"},
		{[]string{"不存在"}, 0, "0 lines"},
		{[]string{"借条 “"}, 2, "q: at character 4: the quotation does not end"},
		{nil, 2, "nothing to look for"},
		{[]string{"借", "--limit", "0"}, 2, "--limit"},
		{[]string{"借", "--db", "sqlite:" + filepath.Join(dir, "none", "x.db")}, 2, "none"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"search", "--data", dir}, tt.args...), nil, nil, &stdout, &stderr)
		out := stdout.String()
		if tt.code != 0 {
			out = stderr.String()
		}
		if code != tt.code || !strings.Contains(out, tt.want) {
			t.Errorf("%q: exit %d, %s%s", tt.args, code, &stdout, &stderr)
		}
	}
	var stdout, stderr bytes.Buffer
	var found transcript.SearchResult
	if code := run([]string{"search", "--data", dir, "--json", "维约金"}, nil, nil, &stdout, &stderr); code != 0 {
		t.Fatal(&stderr)
	}
	if err := json.Unmarshal(stdout.Bytes(), &found); err != nil || found.Count != 1 {
		t.Errorf("%s: %v", &stdout, err)
	}
}
