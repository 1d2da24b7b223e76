package storetest

import (
	"errors"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// testAsides: what a step took out is kept with it, once, and comes back as one line.
func testAsides(t *testing.T, b *bench) {
	b.hearing("h1")
	seg, _ := step("h1", "judge", 0, 1, "")
	seg.Crosstalk = []asr.Crosstalk{{From: "plaintiff", GainDB: -12, Start: 100, End: 900, Text: "好的。"}}
	seg.Doubtful = []asr.Doubt{{Reason: asr.Loop, Start: 900, End: 1000, Text: "谢谢谢谢"}}
	b.apply(1, seg, nil)
	_, _, err := b.ApplyStep(b.ctx, at(2), seg, nil) // again
	b.ok(err)
	list, err := b.Asides(b.ctx, "h1")
	b.ok(err)
	if len(list) != 2 || list[0].Text != "好的。" || list[0].Source != "plaintiff" || list[1].Kind != transcript.AsideDoubtful ||
		list[1].StartedAt.Sub(list[0].StartedAt) != 800*time.Millisecond || list[0].EndedAt.Sub(list[0].StartedAt) != 800*time.Millisecond {
		t.Fatalf("%+v", list)
	}
	_, line := step("h1", "judge", 0, 1, "好的。")
	first, added, err := b.BringBack(b.ctx, list[0].ID, *line)
	b.ok(err)
	again, twice, err := b.BringBack(b.ctx, list[0].ID, *line)
	b.ok(err)
	if !added || twice || first.ID != "hand-1" || again.ID != first.ID {
		t.Errorf("%v %s, then %v %s", added, first.ID, twice, again.ID)
	}
	b.chain("h1", "hand-1", 1)
	if _, _, err := b.BringBack(b.ctx, "none", *line); !errors.Is(err, transcript.ErrNotFound) {
		t.Errorf("an unknown one: %v", err)
	}
	b.setStatus("h1", capture.Signed)
	_, _, err = b.BringBack(b.ctx, list[1].ID, *line)
	mustBeA[*transcript.StateError](t, err)
	if lines, _ := b.lines("h1", 0); len(lines) != 1 {
		t.Errorf("%d lines", len(lines))
	}
}
