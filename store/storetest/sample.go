package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store"
	"tingji/transcript"
)

// WriteSample fills a store with a little of everything, for the store of a
// later version to read. CheckSample knows what it wrote: change both only by
// adding.
func WriteSample(t *testing.T, s *store.Store) {
	t.Helper()
	b := &bench{Store: s, t: t, ctx: t.Context()}
	b.hearing("20261123-010000-aaaa")
	b.steps("20261123-010000-aaaa", "judge", 3)
	_, err := b.Revise(b.ctx, "20261123-010000-aaaa", "judge-1-0", 1,
		transcript.Revision{Text: "现在开庭。", Role: "审判长", Speaker: "王某", Author: "书记员", At: day.Add(time.Minute)})
	b.ok(err)
	_, err = b.AddLine(b.ctx, transcript.Line{Hearing: "20261123-010000-aaaa", Role: "书记员", Text: "（出示证据一）",
		StartedAt: day.Add(time.Second), Author: "书记员"})
	b.ok(err)
	c := store.AudioChannel{Hearing: "20261123-010000-aaaa", Channel: "judge", Epoch: 1, Seq: 12, Samples: 3 * second, StoredAt: day}
	f := store.AudioFile{Hearing: c.Hearing, Channel: "judge", Epoch: 1, Part: 1, File: "2026/20261123-010000-aaaa/judge/1-1.wav",
		Samples: 3 * second, StartedAt: day, FirstSeq: 1, LastSeq: 12}
	b.ok(b.StoreAudio(b.ctx, store.AudioBatch{Channels: []store.AudioChannel{c}, Files: []store.AudioFile{f},
		Offsets: []transcript.Source{{Topic: "audio.v1", Partition: 3, Offset: 11}}}))
	h := b.hearing("20261123-020000-bbbb")
	b.setStatus(h.ID, capture.Signed)
	b.ok(b.AddAccess(b.ctx, transcript.Access{At: day, Reader: "10.0.0.1", Action: "record.read", Hearing: h.ID, Detail: "record.docx"}))
}

// CheckSample reads what WriteSample has written, with any version of the
// program since, and goes on writing.
func CheckSample(t *testing.T, s *store.Store) {
	t.Helper()
	b := &bench{Store: s, t: t, ctx: t.Context()}
	list, err := b.Hearings(b.ctx, transcript.HearingFilter{})
	b.ok(err)
	if got := ids(list, hearingID); got != "20261123-020000-bbbb 20261123-010000-aaaa" || list[0].Status != capture.Signed {
		t.Fatalf("hearings %q", got)
	}
	const id = "20261123-010000-aaaa"
	lines, last := b.lines(id, 0)
	if got, want := ids(lines, lineID), "judge-1-0 hand-1 judge-1-16000 judge-1-32000"; got != want || last != 6 {
		t.Fatalf("lines %q, last %d", got, last)
	}
	want := transcript.Line{
		ID: "judge-1-0", Hearing: id, Channel: "judge", Role: "审判长", Speaker: "王某", Text: "现在开庭。", EndMS: 1000, StartedAt: day,
		Words:  []transcript.Word{{Text: "第0句。", EndMS: 1000, Confidence: 0.5}},
		Origin: transcript.Speech, Engine: "e", Model: "m", Language: "zh", Revision: 2, Author: "书记员", Change: 5, Hash: lines[0].Hash,
	}
	if !reflect.DeepEqual(lines[0], want) {
		t.Errorf("line %+v, want %+v", lines[0], want)
	}
	b.chain(id, "judge-1-0", 2)
	b.chain(id, "hand-1", 1)
	b.offset(3)
	files, err := b.AudioFiles(b.ctx, id)
	b.ok(err)
	if len(files) != 1 || files[0].Samples != 3*second || !files[0].StartedAt.Equal(day) {
		t.Errorf("files %+v", files)
	}
	b.ok(b.AddAccess(b.ctx, transcript.Access{At: day, Reader: "10.0.0.2", Action: "audio.read", Hearing: id}))
	seg, line := step(id, "judge", 3, 4, "继续。")
	b.apply(3, seg, line)
	_, err = b.Revise(b.ctx, id, "judge-1-0", 2, transcript.Revision{Text: "现在开庭！", Author: "书记员"})
	b.ok(err)
	b.chain(id, "judge-1-0", 3)
}

// WriteForEver goes on where an earlier call was killed: step after step, every
// third of them with a revision, and reports each when it is confirmed. It ends
// when confirmed says so, or with an error.
func WriteForEver(ctx context.Context, s *store.Store, confirmed func(step int64) (more bool)) error {
	h := capture.Hearing{ID: "h1", Version: 1, Status: capture.Open, CreatedAt: day, OpenedAt: &day}
	if _, err := s.Hearing(ctx, h.ID); errors.Is(err, transcript.ErrNotFound) {
		if err := s.CreateHearing(ctx, h); err != nil {
			return err
		}
	}
	from, err := s.Offset(ctx, at(0).Topic, at(0).Partition)
	if err != nil {
		return err
	}
	for i := max(from-1, 0); ; i++ { // the last one may want its revision
		seg, line := step(h.ID, "judge", i, i+1, fmt.Sprintf("第%d句。", i))
		applied, _, err := s.ApplyStep(ctx, at(i), seg, line)
		if err != nil || applied != (i >= from) {
			return errors.Join(fmt.Errorf("step %d: applied %v", i, applied), err)
		}
		if i%3 == 0 {
			_, err := s.Revise(ctx, h.ID, line.ID, 1, transcript.Revision{Text: "改。", Author: "书记员"})
			if conflict := (*transcript.ConflictError)(nil); err != nil && (applied || !errors.As(err, &conflict)) {
				return err
			}
		}
		if !confirmed(i + 1) {
			return nil
		}
	}
}

// CheckWritten checks that what WriteForEver left is whole and holds at least
// the steps that were confirmed.
func CheckWritten(t *testing.T, s *store.Store, confirmed int64) {
	t.Helper()
	b := &bench{Store: s, t: t, ctx: t.Context()}
	steps, err := b.Offset(b.ctx, at(0).Topic, at(0).Partition)
	b.ok(err)
	if steps < confirmed {
		t.Fatalf("%d steps are stored, %d were confirmed", steps, confirmed)
	}
	if steps == 0 {
		return
	}
	lines, last := b.lines("h1", 0)
	if int64(len(lines)) != steps {
		t.Fatalf("%d lines of %d steps", len(lines), steps)
	}
	states, err := b.ChannelStates(b.ctx)
	b.ok(err)
	if len(states) != 1 || states[0].Position.Sample != capture.SampleIndex(steps)*second {
		t.Fatalf("position %+v after %d steps", states, steps)
	}
	seen := map[int64]bool{}
	for i, l := range lines {
		if l.StartMS != int64(i)*1000 || seen[l.Change] || l.Change > last {
			t.Fatalf("line %d is %+v", i, l)
		}
		seen[l.Change] = true
		if want := 2; i%3 == 0 && int64(i) < confirmed && l.Revision != want {
			t.Fatalf("line %d has revision %d, want %d", i, l.Revision, want)
		}
		b.chain("h1", l.ID, l.Revision)
	}
}
