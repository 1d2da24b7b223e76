package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tingji/transcript"
)

// Lines come in the order of speech, with their first and last texts where
// somebody has looked at them; a machine's revisions are nobody's edits.
func testQuality(t *testing.T, b *bench) {
	b.hearing("h1")
	b.hearing("h2")
	b.steps("h1", "judge", 3)
	b.steps("h2", "judge", 1)
	for i, text := range []string{"改一。", "改二。"} {
		_, err := b.Revise(b.ctx, "h1", "judge-1-16000", i+1, transcript.Revision{Text: text, Author: "书记员", At: day.Add(time.Hour)})
		b.ok(err)
	}
	seg, line := step("h1", "judge", 3, 4, "")
	line.Rejected, line.Text = "silence", ""
	b.apply(3, seg, line)
	_, err := b.AddLine(b.ctx, transcript.Line{Hearing: "h1", Text: "（出示）", StartedAt: day.Add(500 * time.Millisecond), Author: "书记员"})
	b.ok(err)

	lines, edits, err := b.LineOutcomes(b.ctx, "h1")
	b.ok(err)
	speech := transcript.LineOutcome{Channel: "judge", Engine: "e", Model: "m", Origin: transcript.Speech, Revision: 1}
	revised, rejected := speech, speech
	revised.Revision, revised.Heard, revised.Text = 3, "第1句。", "改二。"
	rejected.Rejected = true
	want := []transcript.LineOutcome{speech, {Origin: transcript.Hand, Revision: 1, Text: "（出示）"}, revised, speech, rejected}
	if !slices.Equal(lines, want) {
		t.Errorf("got  %+v\nwant %+v", lines, want)
	}
	if len(edits) != 3 || !slices.ContainsFunc(edits, func(at time.Time) bool { return at.Equal(day.Add(time.Hour)) }) {
		t.Errorf("edits at %v", edits)
	}
	lines, edits, err = b.LineOutcomes(b.ctx, "none")
	b.ok(err)
	if fmt.Sprint(lines, edits) != "[] []" {
		t.Errorf("of no hearing: %v %v", lines, edits)
	}
}
