package transcript_test

import (
	"errors"
	"fmt"
	"testing"

	"tingji/capture"
	"tingji/transcript"
)

func TestMarkPhaseRefuses(t *testing.T) {
	ctx := t.Context()
	d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
	h, err := d.Create(ctx, newHearing())
	if err != nil {
		t.Fatal(err)
	}
	mark := func(line string, phase transcript.Phase) error {
		_, err := d.MarkPhase(ctx, h.ID, line, phase, "书记员")
		return err
	}
	if err := mark("hand-1", transcript.PhaseInquiry); !errors.Is(err, transcript.ErrNotFound) {
		t.Errorf("no such line: %v", err)
	}
	if _, err := d.Open(ctx, h.ID); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range 201 {
		l, err := d.AddLine(ctx, h.ID, transcript.HandLine{Text: fmt.Sprint(i)}, "书记员")
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l.ID)
	}
	var field *transcript.FieldError
	if err := mark(lines[0], "茶歇"); !errors.As(err, &field) || field.Field != "phase" {
		t.Errorf("no such phase: %v", err)
	}
	if _, err := d.MarkPhase(ctx, h.ID, lines[0], transcript.PhaseInquiry, " "); !errors.As(err, &field) || field.Field != "author" {
		t.Errorf("nobody: %v", err)
	}
	if _, err := d.Phases(ctx, "none"); !errors.Is(err, transcript.ErrNotFound) {
		t.Errorf("no such hearing: %v", err)
	}
	for i, line := range lines {
		err := mark(line, transcript.PhaseInquiry)
		if full := i == len(lines)-1; full != errors.As(err, &field) || !full && err != nil {
			t.Fatalf("mark %d: %v", i+1, err)
		}
	}
	before, _ := d.Hearing(ctx, h.ID)
	if err := mark(lines[3], transcript.PhaseInquiry); err != nil {
		t.Errorf("again: %v", err)
	}
	if after, _ := d.Hearing(ctx, h.ID); after.Version != before.Version {
		t.Error("the same decision made a new version")
	}
	if err := mark(lines[3], transcript.PhaseDebate); err != nil {
		t.Errorf("changed while full: %v", err)
	}
	after, _ := d.Hearing(ctx, h.ID)
	if n := len(after.Phases); n != 200 || after.Phases[n-1] != (capture.PhaseMark{
		Line: lines[3], Phase: "法庭辩论", Author: "书记员", At: after.Phases[n-1].At}) || after.Phases[n-1].At.IsZero() {
		t.Errorf("%d marks, last %+v", n, after.Phases[n-1])
	}
}
