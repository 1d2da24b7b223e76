package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// request is a request about the hearing's first line.
func request(hearing string) transcript.Correction {
	return transcript.Correction{
		Hearing: hearing, Line: "judge-1-0", Revision: 1, Role: "审判长", Text: "第0句。",
		By: capture.Participant{Role: "原告", Name: "李𬭚"}, Says: "第零句。", Note: "数字有误", Author: "书记员", At: day,
	}
}

func testCorrections(t *testing.T, b *bench) {
	b.hearing("h1")
	b.hearing("h2")
	b.steps("h1", "judge", 1)
	want := request("h1")
	c, change, err := b.AddCorrection(b.ctx, want)
	b.ok(err)
	want.ID = "1"
	if !reflect.DeepEqual(c, want) || change != 3 {
		t.Errorf("added %+v as change %d", c, change)
	}
	got := make([]string, 8)
	for _, err := range race(len(got), func(i int) error {
		c, _, err := b.AddCorrection(b.ctx, request("h1"))
		got[i] = c.ID
		return err
	}) {
		b.ok(err)
	}
	seen := map[string]bool{}
	for _, id := range got {
		seen[id] = true
	}
	if len(seen) != len(got) || !seen["2"] || !seen["9"] {
		t.Errorf("ids %q", got)
	}
	if c, _, err = b.AddCorrection(b.ctx, request("h2")); err != nil || c.ID != "1" {
		t.Errorf("another hearing's first is %q, %v", c.ID, err)
	}

	refused := transcript.Decision{Outcome: transcript.Refused, Reason: "与录音不符", Author: "审判长", At: day.Add(time.Minute)}
	c, line, change, err := b.DecideCorrection(b.ctx, "h1", "2", refused, 0, nil)
	b.ok(err)
	if line != nil || change != 12 || !reflect.DeepEqual(c.Decision, &refused) {
		t.Errorf("refused: %+v %+v, change %d", c, line, change)
	}
	accepted := transcript.Decision{Outcome: transcript.Accepted, Text: "第零句。", Revision: 2, Author: "审判长", At: day.Add(time.Minute)}
	revision := transcript.Revision{Text: "第零句。", Role: "审判长", Author: "审判长", At: accepted.At}
	c, line, change, err = b.DecideCorrection(b.ctx, "h1", "1", accepted, 1, &revision)
	b.ok(err)
	if line == nil || line.Text != "第零句。" || line.Change != 13 || change != 14 || !reflect.DeepEqual(c.Decision, &accepted) {
		t.Errorf("accepted: %+v %+v, change %d", c, line, change)
	}
	b.chain("h1", "judge-1-0", 2)

	list, err := b.Corrections(b.ctx, "h1")
	b.ok(err)
	if len(list) != 9 || !reflect.DeepEqual(list[0], c) || list[1].Decision.Outcome != transcript.Refused || list[8].ID != "9" || list[8].Decision != nil {
		t.Errorf("corrections %+v", list)
	}
	one, err := b.Correction(b.ctx, "h1", "1")
	if b.ok(err); !reflect.DeepEqual(one, c) {
		t.Errorf("correction %+v, want %+v", one, c)
	}

	// What is refused leaves nothing behind.
	_, last := b.lines("h1", 0)
	_, _, _, err = b.DecideCorrection(b.ctx, "h1", "2", accepted, 2, &revision)
	if decided := mustBeA[*transcript.DecidedError](t, err); decided.Current.ID != "2" {
		t.Errorf("decided twice: %+v", decided.Current)
	}
	_, _, _, err = b.DecideCorrection(b.ctx, "h1", "3", accepted, 1, &revision)
	mustBeA[*transcript.ConflictError](t, err)
	for _, id := range []string{"0", "10", "-1", "01", "x", ""} {
		_, _, _, err = b.DecideCorrection(b.ctx, "h1", id, refused, 0, nil)
		mustBe(t, err, transcript.ErrNotFound)
		_, err = b.Correction(b.ctx, "h1", id)
		mustBe(t, err, transcript.ErrNotFound)
	}
	_, _, err = b.AddCorrection(b.ctx, request("none"))
	mustBe(t, err, transcript.ErrNotFound)
	if _, now := b.lines("h1", 0); now != last {
		t.Errorf("refusals raised the change from %d to %d", last, now)
	}
	b.chain("h1", "judge-1-0", 2)
}

// Of several deciders one succeeds.
func testDecidersRace(t *testing.T, b *bench) {
	b.hearing("h1")
	b.steps("h1", "judge", 1)
	_, _, err := b.AddCorrection(b.ctx, request("h1"))
	b.ok(err)
	won := 0
	for _, err := range race(8, func(i int) error {
		dec := transcript.Decision{Outcome: transcript.Refused, Reason: fmt.Sprint(i), At: day}
		_, _, _, err := b.DecideCorrection(b.ctx, "h1", "1", dec, 0, nil)
		return err
	}) {
		if err == nil {
			won++
			continue
		}
		mustBeA[*transcript.DecidedError](t, err)
	}
	if won != 1 {
		t.Errorf("%d of 8 decisions won", won)
	}
}

func testSeal(t *testing.T, b *bench) {
	b.hearing("h1")
	b.steps("h1", "judge", 1)
	_, _, err := b.AddCorrection(b.ctx, request("h1"))
	b.ok(err)
	_, last := b.lines("h1", 0)
	files := []transcript.SealedFile{{Path: "corrections.jsonl", Data: []byte{}}, {Path: "record.json", Data: []byte("{\"庭\":0}\x00\xff")}}
	sign := func(h *capture.Hearing) error {
		h.Status, h.Signing = capture.Signed, &capture.Signing{At: day, Integrity: "abc", Signers: []capture.Participant{}, Unsigned: []capture.Participant{}}
		return nil
	}
	_, _, err = b.Seal(b.ctx, "h1", last-1, files, sign)
	mustBe(t, err, transcript.ErrChanged)
	refused := &transcript.StateError{Hearing: "h1"}
	if _, _, err = b.Seal(b.ctx, "h1", last, files, func(*capture.Hearing) error { return refused }); err != error(refused) {
		t.Errorf("error %v, want the one that change gave, as it is", err)
	}
	if none, err := b.Sealed(b.ctx, "h1"); err != nil || len(none) != 0 {
		t.Errorf("sealed before: %v %v", none, err)
	}
	h, change, err := b.Seal(b.ctx, "h1", last, files, sign)
	b.ok(err)
	if h.Status != capture.Signed || h.Version != 2 || change != last+1 {
		t.Errorf("sealed %+v as change %d", h, change)
	}
	got, err := b.Sealed(b.ctx, "h1")
	b.ok(err)
	if !reflect.DeepEqual(got, files) {
		t.Errorf("files %+v", got)
	}

	// Nothing changes a sealed record.
	before, last := b.lines("h1", 0)
	revisions, err := b.HearingRevisions(b.ctx, "h1")
	b.ok(err)
	seg, line := step("h1", "judge", 1, 2, "来晚了。")
	if applied, _, err := b.ApplyStep(b.ctx, at(9), seg, line); applied || err != nil {
		t.Errorf("a late final: %v %v", applied, err)
	}
	for name, err := range map[string]error{
		"seal": func() error { _, _, err := b.Seal(b.ctx, "h1", last, files, sign); return err }(),
		"update": func() error {
			_, _, err := b.UpdateHearing(b.ctx, "h1", func(*capture.Hearing) error { return nil })
			return err
		}(),
		"revise": func() error {
			_, err := b.Revise(b.ctx, "h1", "judge-1-0", 1, transcript.Revision{Text: "改。"})
			return err
		}(),
		"add":     func() error { _, err := b.AddLine(b.ctx, transcript.Line{Hearing: "h1", Text: "加。"}); return err }(),
		"request": func() error { _, _, err := b.AddCorrection(b.ctx, request("h1")); return err }(),
		"refuse": func() error {
			_, _, _, err := b.DecideCorrection(b.ctx, "h1", "1", transcript.Decision{Outcome: transcript.Refused, At: day}, 0, nil)
			return err
		}(),
		"accept": func() error {
			_, _, _, err := b.DecideCorrection(b.ctx, "h1", "1", transcript.Decision{Outcome: transcript.Accepted, At: day}, 1, &transcript.Revision{Text: "改。"})
			return err
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			if e := mustBeA[*transcript.StateError](t, err); e.Status != capture.Signed {
				t.Errorf("error %+v", e)
			}
		})
	}
	after, now := b.lines("h1", 0)
	again, err := b.HearingRevisions(b.ctx, "h1")
	b.ok(err)
	if now != last || !reflect.DeepEqual(after, before) || !reflect.DeepEqual(again, revisions) || len(again) != 1 {
		t.Error("a sealed record changed")
	}
}
