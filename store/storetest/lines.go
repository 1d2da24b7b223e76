package storetest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

func testRevise(t *testing.T, b *bench) {
	b.hearing("h1")
	b.steps("h1", "judge", 2)
	when := day.Add(time.Hour + 123456789*time.Nanosecond)
	l, err := b.Revise(b.ctx, "h1", "judge-1-0", 1, transcript.Revision{
		Text: "现在开庭。", Role: "审判员", Speaker: "王某", Author: "书记员", At: when})
	b.ok(err)
	if l.Revision != 2 || l.Change != 4 || l.Text != "现在开庭。" || l.Words[0].Text != "第0句。" {
		t.Errorf("revised to %+v", l)
	}
	stored, err := b.Line(b.ctx, "h1", "judge-1-0")
	b.ok(err)
	if !reflect.DeepEqual(stored, l) {
		t.Errorf("stored %+v, returned %+v", stored, l)
	}
	r := b.chain("h1", "judge-1-0", 2)
	if r[0].Text != "第0句。" || r[0].Author != "engine:e" || r[0].Previous != "" || !r[1].At.Equal(when.Truncate(time.Microsecond)) {
		t.Errorf("revisions %+v", r)
	}
	if lines, last := b.lines("h1", 3); ids(lines, lineID) != "judge-1-0" || last != 4 {
		t.Errorf("changed after 3: %q, last %d", ids(lines, lineID), last)
	}

	for _, stale := range []int{0, 1, 3} {
		_, err = b.Revise(b.ctx, "h1", "judge-1-0", stale, transcript.Revision{Text: "别的。"})
		if conflict := mustBeA[*transcript.ConflictError](t, err); !reflect.DeepEqual(conflict.Current, l) {
			t.Errorf("conflict with %+v, want %+v", conflict.Current, l)
		}
	}
	_, err = b.Revise(b.ctx, "h1", "judge-1-0", 2, transcript.Revision{Text: strings.Repeat("a", 1<<20)})
	mustBeA[*transcript.FieldError](t, err)
	for _, id := range [][2]string{{"h1", "none"}, {"none", "judge-1-0"}} {
		_, err = b.Revise(b.ctx, id[0], id[1], 1, transcript.Revision{Text: "x"})
		mustBe(t, err, transcript.ErrNotFound)
		_, err = b.Revisions(b.ctx, id[0], id[1])
		mustBe(t, err, transcript.ErrNotFound)
	}
	b.chain("h1", "judge-1-0", 2)
	if _, last := b.lines("h1", 0); last != 4 {
		t.Errorf("refused revisions raised the change to %d", last)
	}
}

// Of several clerks who revise the same revision, one succeeds.
func testRevisersRace(t *testing.T, b *bench) {
	b.hearing("h1")
	b.steps("h1", "judge", 1)
	const n, rounds = 8, 5
	for round := 1; round <= rounds; round++ {
		won := 0
		for _, err := range race(n, func(i int) error {
			_, err := b.Revise(b.ctx, "h1", "judge-1-0", round, transcript.Revision{Text: fmt.Sprint(i), Author: "书记员"})
			return err
		}) {
			if err == nil {
				won++
				continue
			}
			mustBeA[*transcript.ConflictError](t, err)
		}
		if won != 1 {
			t.Fatalf("%d of %d revisions won", won, n)
		}
	}
	b.chain("h1", "judge-1-0", rounds+1)
}

func testHandLines(t *testing.T, b *bench) {
	b.hearing("h1")
	b.steps("h1", "judge", 1)
	hand := transcript.Line{Hearing: "h1", ID: "ignored", Role: "书记员", Text: "（当庭出示证据一）", StartMS: 500, EndMS: 500,
		StartedAt: day.Add(500 * time.Millisecond), Author: "书记员"}
	l, err := b.AddLine(b.ctx, hand)
	b.ok(err)
	if l.ID != "hand-1" || l.Revision != 1 || l.Change != 3 || l.Origin != transcript.Hand || l.Words == nil {
		t.Errorf("added %+v", l)
	}
	b.chain("h1", "hand-1", 1)
	got := make([]transcript.Line, 10)
	for _, err := range race(len(got), func(i int) (err error) { got[i], err = b.AddLine(b.ctx, hand); return err }) {
		b.ok(err)
	}
	seen := map[string]bool{}
	for _, l := range got {
		seen[l.ID] = true
	}
	if len(seen) != len(got) || !seen["hand-11"] {
		t.Errorf("ids %v", seen)
	}
	hand.Text = "\x00"
	_, err = b.AddLine(b.ctx, hand)
	mustBeA[*transcript.FieldError](t, err)
	_, err = b.AddLine(b.ctx, transcript.Line{Hearing: "none", Text: "x"})
	mustBe(t, err, transcript.ErrNotFound)
	if _, last := b.lines("h1", 0); last != 13 {
		t.Errorf("last change %d, want 13", last)
	}
}

func testSigned(t *testing.T, b *bench) {
	b.hearing("h1")
	b.steps("h1", "judge", 1)
	b.setStatus("h1", capture.Signed)
	before, last := b.lines("h1", 0)
	_, err := b.Revise(b.ctx, "h1", "judge-1-0", 1, transcript.Revision{Text: "改。"})
	if e := mustBeA[*transcript.StateError](t, err); e.Status != capture.Signed || e.Action != "revise" {
		t.Errorf("error %+v", e)
	}
	_, err = b.AddLine(b.ctx, transcript.Line{Hearing: "h1", Text: "加。"})
	mustBeA[*transcript.StateError](t, err)
	if after, now := b.lines("h1", 0); now != last || !reflect.DeepEqual(after, before) {
		t.Error("a signed record changed")
	}
}

func testReopen(t *testing.T, b *bench) {
	b.hearing("h1")
	b.steps("h1", "judge", 3)
	_, err := b.Revise(b.ctx, "h1", "judge-1-0", 1, transcript.Revision{Text: "改。", Author: "书记员"})
	b.ok(err)
	before, last := b.lines("h1", 0)
	b.ok(b.Close())
	b.Store = mustOpen(t, b.open)
	after, now := b.lines("h1", 0)
	if now != last || !reflect.DeepEqual(after, before) {
		t.Errorf("after reopening %+v, before %+v", after, before)
	}
	b.offset(3)
	seg, line := step("h1", "judge", 3, 4, "继续。")
	b.apply(3, seg, line)
	b.ok(b.Ping(b.ctx))
}
