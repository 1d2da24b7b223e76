package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/store/sqlite"
	"tingji/transcript"
)

func TestQualityCommand(t *testing.T) {
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "tingji.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 5, 6, 1, 0, 0, 0, time.UTC)
	closed := at.Add(time.Hour)
	h := capture.Hearing{ID: "h1", Version: 1, Status: capture.Closed, CaseNo: "（2026）内0000民初1号", Courtroom: "3", CreatedAt: at, OpenedAt: &at, ClosedAt: &closed}
	if err := db.CreateHearing(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	line := &transcript.Line{ID: "judge-1-0", Hearing: "h1", Channel: "judge", Role: "审判长", Text: "现在开亭。", StartedAt: at,
		Origin: transcript.Speech, Engine: "gpu1", Model: "large", Author: "engine:gpu1"}
	if applied, _, err := db.ApplyStep(t.Context(), transcript.Source{Topic: "segments.v1"}, asr.Segment{
		V: 1, Hearing: "h1", Channel: "judge", Epoch: 1, Utterance: line.ID, Stage: asr.Final, Text: line.Text,
		Before: &asr.Position{}, After: &asr.Position{Epoch: 1, Sample: 16000, Seq: 4}, StartedAt: at,
	}, line); err != nil || !applied {
		t.Fatal(applied, err)
	}
	if _, err := db.Revise(t.Context(), "h1", line.ID, 1, transcript.Revision{Text: "现在开庭。", Role: line.Role, Author: "李书记员"}); err != nil {
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
		{[]string{"--from", "2026-05-06", "--to", "2026-05-06"}, 0, "2026-05-06 to 2026-05-06: 1 hearings, 60 minutes"},
		{[]string{"--from", "2026-05-06", "--to", "2026-05-06"}, 0, "engine gpu1 large  25.0 %"},
		{[]string{"--from", "2020-01-01", "--to", "2020-05-06"}, 0, "0 hearings"},
		{[]string{"--from", "May"}, 2, "--from: a day such as"},
		{[]string{"--from", "2026-05-07", "--to", "2026-05-06"}, 2, "--from: later"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"quality", "--data", dir}, tt.args...), nil, nil, &stdout, &stderr)
		out := stdout.String()
		if tt.code != 0 {
			out = stderr.String()
		}
		if code != tt.code || !strings.Contains(out, tt.want) {
			t.Errorf("%q: exit %d, %s%s", tt.args, code, &stdout, &stderr)
		}
	}
	var stdout, stderr bytes.Buffer
	var q transcript.Quality
	if code := run([]string{"quality", "--data", dir, "--json", "--from", "2026-05-01", "--to", "2026-05-31"}, nil, nil, &stdout, &stderr); code != 0 {
		t.Fatal(&stderr)
	}
	if err := json.Unmarshal(stdout.Bytes(), &q); err != nil || q.Total.Errors != 1 || q.Effort != nil || strings.Contains(stdout.String(), "书记员") {
		t.Errorf("%s: %v", &stdout, err)
	}
}
