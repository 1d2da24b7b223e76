// Package storetest is the contract of a record's store, as tests that run
// against every database.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/store"
	"tingji/transcript"
)

// Opener opens one and the same store with each call. The stores it returns
// may be open at the same time; the test closes them.
type Opener func() (*store.Store, error)

// Run runs the contract. fresh prepares a new, empty store for a test.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *bench)
	}{
		{"Hearings", testHearings},
		{"HearingFilter", testFilter},
		{"HearingFilterByTime", testFilterByTime},
		{"UpdateFails", testUpdateFails},
		{"UpdatesRace", testUpdatesRace},
		{"Step", testStep},
		{"StepRepeated", testStepRepeated},
		{"StepOverLine", testStepOverLine},
		{"StepSigned", testStepSigned},
		{"StepRefused", testStepRefused},
		{"StepUnknownHearing", testStepUnknownHearing},
		{"ZombiesRace", testZombiesRace},
		{"ChannelStates", testChannelStates},
		{"LinesOrder", testLinesOrder},
		{"LinesSnapshot", testLinesSnapshot},
		{"Unicode", testUnicode},
		{"Revise", testRevise},
		{"RevisersRace", testRevisersRace},
		{"HandLines", testHandLines},
		{"Asides", testAsides},
		{"Accesses", testAccesses},
		{"Signed", testSigned},
		{"Corrections", testCorrections},
		{"DecidersRace", testDecidersRace},
		{"Seal", testSeal},
		{"Stamp", testStamp},
		{"Reopen", testReopen},
		{"Quality", testQuality},
		{"Audio", testAudio},
		{"AudioSpans", testAudioSpans},
	} {
		t.Run(c.name, func(t *testing.T) {
			open := fresh(t)
			c.test(t, &bench{t: t, ctx: t.Context(), open: open, Store: mustOpen(t, open)})
		})
	}
}

func mustOpen(t *testing.T, open Opener) *store.Store {
	t.Helper()
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// bench is a store on which a test works.
type bench struct {
	*store.Store
	t    *testing.T
	ctx  context.Context
	open Opener
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

var day = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// hearing makes and stores an open hearing.
func (b *bench) hearing(id string) capture.Hearing {
	b.t.Helper()
	h := capture.Hearing{
		ID: id, Version: 1, Status: capture.Open, CaseNo: "（2026）内0000民初1号", Cause: "民间借贷纠纷",
		Courtroom: "r1", Public: true, CreatedAt: day, OpenedAt: &day,
		Seats: []capture.Seat{{Channel: "judge", Role: "审判长"}},
	}
	b.ok(b.CreateHearing(b.ctx, h))
	return h
}

func (b *bench) setStatus(id string, s capture.Status) {
	b.t.Helper()
	_, _, err := b.UpdateHearing(b.ctx, id, func(h *capture.Hearing) error { h.Status = s; return nil })
	b.ok(err)
}

const second = capture.SampleIndex(capture.Rate)

// step is the final of a channel from one second to another.
func step(hearing, channel string, from, to int64, text string) (asr.Segment, *transcript.Line) {
	before := asr.Position{Epoch: 1, Sample: capture.SampleIndex(from) * second, Seq: uint64(from * 4)}
	if from == 0 {
		before = asr.Position{}
	}
	first := capture.SampleIndex(from) * second
	seg := asr.Segment{
		V: 1, Hearing: hearing, Channel: channel, Epoch: 1, Utterance: asr.UtteranceID(channel, 1, first),
		Stage: asr.Final, First: first, Last: capture.SampleIndex(to)*second - 1,
		StartedAt: day.Add(time.Duration(from) * time.Second), Text: text, Engine: "e", Model: "m", Language: "zh",
		Before: &before,
		After:  &asr.Position{Epoch: 1, Sample: capture.SampleIndex(to) * second, Seq: uint64(to * 4), Offset: to},
		State:  []byte(fmt.Sprintf(`{"noise":%d}`, to)),
	}
	seg.ID = hearing + "/" + seg.Utterance
	line := &transcript.Line{
		ID: seg.Utterance, Hearing: hearing, Channel: channel, Role: "审判长", Text: text,
		StartMS: from * 1000, EndMS: to * 1000, StartedAt: seg.StartedAt,
		Words:  []transcript.Word{{Text: text, StartMS: from * 1000, EndMS: to * 1000, Confidence: 0.5}},
		Origin: transcript.Speech, Engine: "e", Model: "m", Language: "zh", Author: "engine:e",
	}
	return seg, line
}

func at(offset int64) transcript.Source {
	return transcript.Source{Topic: "segments.v1", Partition: 3, Offset: offset}
}

func (b *bench) apply(offset int64, seg asr.Segment, line *transcript.Line) *transcript.Line {
	b.t.Helper()
	applied, stored, err := b.ApplyStep(b.ctx, at(offset), seg, line)
	b.ok(err)
	if !applied {
		b.t.Fatalf("step %s was not applied", seg.Utterance)
	}
	return stored
}

// steps applies n steps of a second each to a channel.
func (b *bench) steps(hearing, channel string, n int64) {
	b.t.Helper()
	for i := range n {
		seg, line := step(hearing, channel, i, i+1, fmt.Sprintf("第%d句。", i))
		b.apply(i, seg, line)
	}
}

func (b *bench) offset(want int64) {
	b.t.Helper()
	got, err := b.Offset(b.ctx, "segments.v1", 3)
	b.ok(err)
	if got != want {
		b.t.Errorf("offset %d, want %d", got, want)
	}
}

func (b *bench) lines(hearing string, after int64) ([]transcript.Line, int64) {
	b.t.Helper()
	lines, last, err := b.Lines(b.ctx, hearing, after)
	b.ok(err)
	return lines, last
}

// chain checks the revisions of a line against one another and the line.
func (b *bench) chain(hearing, line string, length int) []transcript.Revision {
	b.t.Helper()
	revisions, err := b.Revisions(b.ctx, hearing, line)
	b.ok(err)
	b.ok(transcript.VerifyRevisions(hearing, revisions))
	if len(revisions) != length {
		b.t.Fatalf("line %s has %d revisions, want %d", line, len(revisions), length)
	}
	l, err := b.Line(b.ctx, hearing, line)
	b.ok(err)
	if last := revisions[length-1]; l.Text != last.Text || l.Role != last.Role || l.Speaker != last.Speaker ||
		l.Author != last.Author || l.Hash != last.Hash || l.Revision != last.Revision {
		b.t.Fatalf("line %+v is not its last revision %+v", l, last)
	}
	return revisions
}

func ids[T any](list []T, id func(T) string) string {
	var s []string
	for _, v := range list {
		s = append(s, id(v))
	}
	return strings.Join(s, " ")
}

func lineID(l transcript.Line) string { return l.ID }

func hearingID(h capture.Hearing) string { return h.ID }

// race runs f n times at once and returns the errors.
func race(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errs
}

func mustBe(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func mustBeA[E error](t *testing.T, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a %T", err, e)
	}
	return e
}
