package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

func testHearings(t *testing.T, b *bench) {
	h := b.hearing("h1")
	if err := b.CreateHearing(b.ctx, h); err == nil {
		t.Error("the same hearing was created twice")
	}
	got, err := b.Hearing(b.ctx, "h1")
	b.ok(err)
	if !reflect.DeepEqual(got, h) {
		t.Errorf("stored %+v, want %+v", got, h)
	}
	_, err = b.Hearing(b.ctx, "none")
	mustBe(t, err, transcript.ErrNotFound)

	_, last := b.lines("h1", 0)
	got, change, err := b.UpdateHearing(b.ctx, "h1", func(h *capture.Hearing) error {
		h.Status = capture.Paused
		h.Breaks = append(h.Breaks, capture.Break{From: day, Reason: "休庭合议"})
		return nil
	})
	b.ok(err)
	if got.Version != 2 || change != last+1 {
		t.Errorf("version %d, change %d after change %d", got.Version, change, last)
	}
	again, err := b.Hearing(b.ctx, "h1")
	b.ok(err)
	if !reflect.DeepEqual(again, got) {
		t.Errorf("stored %+v, returned %+v", again, got)
	}
	got, _, err = b.UpdateHearing(b.ctx, "h1", func(h *capture.Hearing) error { h.Version = 7; return nil })
	b.ok(err)
	if got.Version != 8 {
		t.Errorf("version %d, of one that was raised to 7", got.Version)
	}
}

func testUpdateFails(t *testing.T, b *bench) {
	b.hearing("h1")
	refused := errors.New("refused")
	_, _, err := b.UpdateHearing(b.ctx, "h1", func(h *capture.Hearing) error { h.Status = capture.Closed; return refused })
	if err != refused {
		t.Errorf("error %v, want the one that change gave, as it is", err)
	}
	h, err := b.Hearing(b.ctx, "h1")
	b.ok(err)
	if _, last := b.lines("h1", 0); h.Version != 1 || h.Status != capture.Open || last != 1 {
		t.Errorf("a failed change left version %d, status %s, change %d", h.Version, h.Status, last)
	}
	_, _, err = b.UpdateHearing(b.ctx, "none", func(*capture.Hearing) error { return nil })
	mustBe(t, err, transcript.ErrNotFound)
}

func testUpdatesRace(t *testing.T, b *bench) {
	b.hearing("h1")
	const n = 20
	changes := make([]int64, n)
	for _, err := range race(n, func(i int) (err error) {
		_, changes[i], err = b.UpdateHearing(b.ctx, "h1", func(h *capture.Hearing) error {
			h.Hotwords = append(h.Hotwords, fmt.Sprint(i))
			return nil
		})
		return err
	}) {
		b.ok(err)
	}
	h, err := b.Hearing(b.ctx, "h1")
	b.ok(err)
	seen := map[int64]bool{}
	for _, c := range changes {
		seen[c] = true
	}
	if h.Version != n+1 || len(h.Hotwords) != n || len(seen) != n {
		t.Errorf("%d updates: version %d, %d words, %d change ids", n, h.Version, len(h.Hotwords), len(seen))
	}
}

func testFilter(t *testing.T, b *bench) {
	for i, h := range []capture.Hearing{
		{ID: "a", Status: capture.Closed, Courtroom: "r1", CaseNo: "（2026）内0000民初1号", CreatedAt: day},
		{ID: "b", Status: capture.Open, Courtroom: "r1", CaseNo: "（2026）内0000民初12号", CreatedAt: day.Add(time.Second)},
		{ID: "c", Status: capture.Open, Courtroom: "r2", CaseNo: "（2026）内0000刑初1号", CreatedAt: day.Add(2 * time.Second)},
		{ID: "e", Status: capture.Scheduled, Courtroom: "r2", CaseNo: "100%_\\", CreatedAt: day.Add(3 * time.Second)},
		{ID: "d", Status: capture.Paused, Courtroom: "r1", CaseNo: "", CreatedAt: day.Add(3 * time.Second)}, // of the same instant
	} {
		h.Version = int64(i)
		b.ok(b.CreateHearing(b.ctx, h))
	}
	for _, c := range []struct {
		filter transcript.HearingFilter
		want   string
	}{
		{transcript.HearingFilter{}, "e d c b a"},
		{transcript.HearingFilter{Limit: 2}, "e d"},
		{transcript.HearingFilter{Before: "e"}, "d c b a"},
		{transcript.HearingFilter{Before: "d", Limit: 1}, "c"},
		{transcript.HearingFilter{Before: "a"}, ""},
		{transcript.HearingFilter{Courtroom: "r1"}, "d b a"},
		{transcript.HearingFilter{Status: []capture.Status{capture.Open}}, "c b"},
		{transcript.HearingFilter{Status: []capture.Status{capture.Open, capture.Paused}, Courtroom: "r1"}, "d b"},
		{transcript.HearingFilter{CaseNo: "民初1"}, "b a"},
		{transcript.HearingFilter{CaseNo: "民初1号"}, "a"},
		{transcript.HearingFilter{CaseNo: "%"}, "e"},
		{transcript.HearingFilter{CaseNo: "_"}, "e"},
		{transcript.HearingFilter{CaseNo: `\`}, "e"},
		{transcript.HearingFilter{CaseNo: "'"}, ""},
		{transcript.HearingFilter{CaseNo: "民初", Before: "b", Courtroom: "r1", Status: []capture.Status{capture.Closed}}, "a"},
	} {
		list, err := b.Hearings(b.ctx, c.filter)
		b.ok(err)
		if got := ids(list, hearingID); got != c.want {
			t.Errorf("%+v: %q, want %q", c.filter, got, c.want)
		}
	}
}

// A hearing belongs to the time at which it was opened, or is to be.
func testFilterByTime(t *testing.T, b *bench) {
	next := day.Add(24 * time.Hour)
	later := next.Add(24 * time.Hour)
	for _, h := range []capture.Hearing{
		{ID: "announced", CreatedAt: day},
		{ID: "planned", CreatedAt: day.Add(time.Second), ScheduledAt: &next},
		{ID: "opened", CreatedAt: day.Add(2 * time.Second), ScheduledAt: &next, OpenedAt: &later},
	} {
		b.ok(b.CreateHearing(b.ctx, h))
	}
	for _, c := range []struct {
		filter transcript.HearingFilter
		want   string
	}{
		{transcript.HearingFilter{From: day, To: next}, "announced"},
		{transcript.HearingFilter{From: next, To: later}, "planned"},
		{transcript.HearingFilter{From: next}, "opened planned"},
		{transcript.HearingFilter{From: next, Limit: 1}, "opened"},
		{transcript.HearingFilter{From: next, Before: "opened"}, "planned"},
		{transcript.HearingFilter{To: day}, ""},
		{transcript.HearingFilter{From: day.Add(300 * 24 * time.Hour)}, ""},
	} {
		list, err := b.Hearings(b.ctx, c.filter)
		b.ok(err)
		if got := ids(list, hearingID); got != c.want {
			t.Errorf("%+v: %q, want %q", c.filter, got, c.want)
		}
	}
}
