package storetest

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

func testStep(t *testing.T, b *bench) {
	b.hearing("h1")
	b.offset(0)
	seg, line := step("h1", "judge", 0, 2, "现在开庭。")
	stored := b.apply(7, seg, line)
	if stored.Revision != 1 || stored.Change != 2 || stored.Hash == "" {
		t.Errorf("stored as revision %d, change %d, hash %q", stored.Revision, stored.Change, stored.Hash)
	}
	if line.Revision != 0 {
		t.Error("the caller's line was changed")
	}
	got, err := b.Line(b.ctx, "h1", line.ID)
	b.ok(err)
	if !reflect.DeepEqual(got, *stored) {
		t.Errorf("read %+v, stored %+v", got, *stored)
	}
	want := *line
	want.Revision, want.Change, want.Hash = 1, 2, stored.Hash
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
	b.chain("h1", line.ID, 1)
	b.offset(8)

	silence, _ := step("h1", "judge", 2, 5, "")
	silence.Stage = asr.Silence
	if stored := b.apply(8, silence, nil); stored != nil {
		t.Errorf("a silence left the line %+v", stored)
	}
	b.offset(9)
	states, err := b.ChannelStates(b.ctx)
	b.ok(err)
	if want := []asr.ChannelState{{Hearing: "h1", Channel: "judge", Position: *silence.After, State: silence.State}}; !reflect.DeepEqual(states, want) {
		t.Errorf("states %+v, want %+v", states, want)
	}
	positions, err := b.Positions(b.ctx, "h1")
	b.ok(err)
	if !reflect.DeepEqual(positions, states) {
		t.Errorf("positions %+v, want %+v", positions, states)
	}
	if none, err := b.Positions(b.ctx, "none"); err != nil || len(none) != 0 {
		t.Errorf("positions of no hearing: %+v, %v", none, err)
	}
	if lines, last := b.lines("h1", 0); len(lines) != 1 || last != 2 {
		t.Errorf("%d lines, last change %d", len(lines), last)
	}
}

func testStepRepeated(t *testing.T, b *bench) {
	b.hearing("h1")
	b.steps("h1", "judge", 3)
	before, last := b.lines("h1", 0)
	for offset, c := range []struct {
		name     string
		from, to int64
		text     string
	}{
		{"the same again", 2, 3, "第2句。"},
		{"the same with other words", 2, 3, "别的话。"},
		{"an older one", 0, 1, "第0句。"},
		{"a stale worker's", 1, 4, "第1句到第4句。"},
		{"one from the future", 5, 6, "第5句。"},
	} {
		seg, line := step("h1", "judge", c.from, c.to, c.text)
		applied, stored, err := b.ApplyStep(b.ctx, at(int64(10+offset)), seg, line)
		b.ok(err)
		if applied || stored != nil {
			t.Errorf("%s: was applied", c.name)
		}
		b.offset(int64(11 + offset))
	}
	if after, now := b.lines("h1", 0); now != last || !reflect.DeepEqual(after, before) {
		t.Errorf("lines changed from %+v to %+v", before, after)
	}
	// Only epoch and sample make a position; the rest is a hint.
	seg, line := step("h1", "judge", 3, 4, "第3句。")
	seg.Before.Seq, seg.Before.Offset = 99, 99
	b.apply(20, seg, line)
}

func testStepOverLine(t *testing.T, b *bench) {
	b.hearing("h1")
	b.steps("h1", "judge", 1)
	was, err := b.Revise(b.ctx, "h1", "judge-1-0", 1, transcript.Revision{Text: "书记员的话。", Author: "书记员"})
	b.ok(err)
	seg, line := step("h1", "judge", 1, 2, "机器的话。")
	line.ID = "judge-1-0" // no worker should do this
	if stored := b.apply(5, seg, line); stored != nil {
		t.Errorf("stored %+v over a line", stored)
	}
	is, err := b.Line(b.ctx, "h1", "judge-1-0")
	b.ok(err)
	if !reflect.DeepEqual(is, was) {
		t.Errorf("a machine changed the line to %+v", is)
	}
	b.chain("h1", "judge-1-0", 2)
}

func testStepSigned(t *testing.T, b *bench) {
	b.hearing("h1")
	b.steps("h1", "judge", 1)
	b.setStatus("h1", capture.Signed)
	_, last := b.lines("h1", 0)
	seg, line := step("h1", "judge", 1, 2, "迟到的话。")
	for i, l := range []*transcript.Line{line, nil} {
		applied, stored, err := b.ApplyStep(b.ctx, at(int64(5+i)), seg, l)
		b.ok(err)
		if applied || stored != nil {
			t.Error("a late final entered a signed record")
		}
		b.offset(int64(6 + i))
	}
	if lines, now := b.lines("h1", 0); len(lines) != 1 || now != last {
		t.Errorf("%d lines, last change %d, was %d", len(lines), now, last)
	}
}

func testStepRefused(t *testing.T, b *bench) {
	b.hearing("h1")
	for name, spoil := range map[string]func(*asr.Segment, *transcript.Line){
		"1 MB":        func(_ *asr.Segment, l *transcript.Line) { l.Text = strings.Repeat("话", 1<<20/3) },
		"not UTF-8":   func(_ *asr.Segment, l *transcript.Line) { l.Text = "\xff" },
		"NUL":         func(_ *asr.Segment, l *transcript.Line) { l.Text = "a\x00b" },
		"NUL in role": func(_ *asr.Segment, l *transcript.Line) { l.Role = "\x00" },
		"no position": func(s *asr.Segment, _ *transcript.Line) { s.Before = nil },
		"no end":      func(s *asr.Segment, _ *transcript.Line) { s.After = nil },
	} {
		seg, line := step("h1", "judge", 0, 1, "好。")
		spoil(&seg, line)
		_, _, err := b.ApplyStep(b.ctx, at(5), seg, line)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		mustBeA[*transcript.FieldError](t, err)
	}
	b.offset(0)
	if states, err := b.ChannelStates(b.ctx); err != nil || len(states) != 0 {
		t.Errorf("refused steps left %+v, %v", states, err)
	}
}

func testStepUnknownHearing(t *testing.T, b *bench) {
	for _, from := range []int64{0, 1} {
		seg, line := step("none", "judge", from, from+1, "好。")
		for _, l := range []*transcript.Line{line, nil} {
			_, _, err := b.ApplyStep(b.ctx, at(5), seg, l)
			mustBe(t, err, transcript.ErrNotFound)
		}
	}
	b.offset(0)
}

// Two servers that both believe to be the only one read the same segments:
// each step is applied by one of them, once.
func testZombiesRace(t *testing.T, b *bench) {
	b.hearing("h1")
	const n = 40
	var applied [2][n]bool
	stores := []*bench{b, {Store: mustOpen(t, b.open), t: t, ctx: b.ctx}}
	for _, err := range race(2, func(z int) error {
		for i := range int64(n) {
			for _, channel := range []string{"judge", "clerk"} {
				seg, line := step("h1", channel, i, i+1, fmt.Sprintf("第%d句。", i))
				ok, _, err := stores[z].ApplyStep(b.ctx, at(i), seg, line)
				if err != nil {
					return err
				}
				if channel == "judge" {
					applied[z][i] = ok
				}
			}
		}
		return nil
	}) {
		b.ok(err)
	}
	for i := range n {
		if applied[0][i] == applied[1][i] {
			t.Errorf("step %d: applied by the first %v, by the second %v", i, applied[0][i], applied[1][i])
		}
	}
	lines, last := b.lines("h1", 0)
	seen := map[int64]bool{}
	for _, l := range lines {
		seen[l.Change] = true
		b.chain("h1", l.ID, 1)
	}
	if len(lines) != 2*n || len(seen) != 2*n || last != 2*n+1 {
		t.Errorf("%d lines with %d change ids, last %d", len(lines), len(seen), last)
	}
}

func testChannelStates(t *testing.T, b *bench) {
	end := func(hearing, channel string, ended bool) {
		seg, line := step(hearing, channel, 0, 1, "好。")
		seg.After.Ended = ended
		b.apply(0, seg, line)
	}
	for _, id := range []string{"open", "ended", "pending", "done", "signed"} {
		b.hearing(id)
	}
	end("open", "judge", true) // of an open hearing: there may come more
	end("ended", "judge", true)
	end("ended", "clerk", true)
	end("pending", "judge", true)
	end("pending", "clerk", false)
	end("done", "judge", true)
	end("signed", "judge", true)
	for _, id := range []string{"ended", "pending", "done"} {
		b.setStatus(id, capture.Closed)
	}
	b.setStatus("signed", capture.Signed)
	states, err := b.ChannelStates(b.ctx)
	b.ok(err)
	if got, want := ids(states, func(s asr.ChannelState) string { return capture.Key(s.Hearing, s.Channel) }),
		"open/judge pending/clerk pending/judge"; got != want {
		t.Errorf("channels %q, want %q", got, want)
	}
	done, err := b.Positions(b.ctx, "done")
	b.ok(err)
	if len(done) != 1 || !done[0].Position.Ended {
		t.Errorf("positions of a finished hearing: %+v", done)
	}
}

func testLinesOrder(t *testing.T, b *bench) {
	b.hearing("h1")
	b.hearing("h2")
	for i, c := range []struct {
		channel string
		from    int64
	}{{"judge", 0}, {"原告", 0}, {"Clerk", 0}, {"judge", 4}, {"原告", 2}} {
		seg, line := step("h1", c.channel, c.from, c.from+2, "话。")
		if c.from > 0 {
			skip, _ := step("h1", c.channel, 2, c.from, "")
			if c.from > 2 {
				b.apply(int64(i), skip, nil)
			}
		}
		b.apply(int64(i), seg, line)
	}
	b.steps("h2", "judge", 1)
	lines, last := b.lines("h1", 0)
	if got, want := ids(lines, lineID), "Clerk-1-0 judge-1-0 原告-1-0 原告-1-32000 judge-1-64000"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
	if last != 6 {
		t.Errorf("last change %d, want 6", last)
	}
	lines, _ = b.lines("h1", 4)
	if got, want := ids(lines, lineID), "原告-1-32000 judge-1-64000"; got != want {
		t.Errorf("after 4: %q, want %q", got, want)
	}
	if lines, _ = b.lines("h1", last); lines == nil || len(lines) != 0 {
		t.Errorf("after the last: %#v", lines)
	}
	_, _, err := b.Lines(b.ctx, "none", 0)
	mustBe(t, err, transcript.ErrNotFound)
	_, err = b.Line(b.ctx, "h2", "原告-1-0")
	mustBe(t, err, transcript.ErrNotFound)
}

// While lines are being written, a reader that goes on from the last id it was
// given sees each line once.
func testLinesSnapshot(t *testing.T, b *bench) {
	b.hearing("h1")
	const channels, n = 4, 50
	var writers sync.WaitGroup
	for c := range channels {
		writers.Go(func() {
			for i := range int64(n) {
				seg, line := step("h1", fmt.Sprint("seat", c), i, i+1, "话。")
				if _, _, err := b.ApplyStep(b.ctx, at(i), seg, line); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan bool)
	go func() { writers.Wait(); close(done) }()
	seen := map[string]bool{}
	var last int64
	for written := false; !written; {
		select {
		case <-done:
			written = true // and once more
		default:
		}
		lines, now := b.lines("h1", last)
		for _, l := range lines {
			if seen[l.ID] || l.Change <= last || l.Change > now {
				t.Errorf("line %s of change %d came between %d and %d", l.ID, l.Change, last, now)
			}
			seen[l.ID] = true
		}
		last = now
	}
	if len(seen) != channels*n || last != channels*n+1 {
		t.Errorf("%d lines came up to change %d, want %d", len(seen), last, channels*n)
	}
}

func testUnicode(t *testing.T, b *bench) {
	b.hearing("h1")
	for i, text := range []string{
		"", "𬭚、𠮷、㐂", "“引号”'\"`$1 ? :a @b %_\\", "🧑‍⚖️ e\u0301 é", "\u202e\ufeff\u2028", "行\n行\r\n\t", strings.Repeat("话", 20000),
	} {
		seg, line := step("h1", "judge", int64(i), int64(i+1), text)
		line.Speaker = "张𠮷"
		b.apply(int64(i), seg, line)
		got, err := b.Line(b.ctx, "h1", line.ID)
		b.ok(err)
		if got.Text != text || got.Words[0].Text != text || got.Speaker != "张𠮷" {
			t.Errorf("stored %q, read %q", text, got.Text)
		}
		b.chain("h1", line.ID, 1)
	}
}
