package transcript_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

func TestCreateNormalises(t *testing.T) {
	d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
	n := newHearing()
	n.CaseNo = " (2026)内0000民初1号 "
	n.Participants = []capture.Participant{{Role: " 原告 ", Name: "　张三 "}, {Role: "原告二", Name: "张三"}}
	n.Hotwords = []string{"借条", " ", "借条", "利息"}
	h, err := d.Create(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	if h.CaseNo != "（2026）内0000民初1号" || !h.Public || h.Status != capture.Scheduled || h.Version != 1 {
		t.Errorf("hearing %+v", h)
	}
	if h.Participants[0] != (capture.Participant{Role: "原告", Name: "张三"}) {
		t.Errorf("participants %+v", h.Participants)
	}
	if !slices.Equal(h.Hotwords, []string{"借条", "利息"}) {
		t.Errorf("hotwords %q", h.Hotwords)
	}
	if len(h.Seats) != 4 || h.Seats[0].Role != "审判长" {
		t.Errorf("seats %+v: not those of the courtroom", h.Seats)
	}
	if !regexp.MustCompile(`^\d{8}-\d{6}-[0-9a-z]{6}$`).MatchString(h.ID) {
		t.Errorf("id %q", h.ID)
	}
	stored, err := d.Hearing(t.Context(), h.ID)
	if err != nil || stored.Breaks == nil || stored.CaseNo != h.CaseNo {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

func TestCreateRefuses(t *testing.T) {
	long := strings.Repeat("字", 201)
	for name, tc := range map[string]struct {
		change func(*transcript.NewHearing)
		field  string
	}{
		"no case number":     {func(n *transcript.NewHearing) { n.CaseNo = " " }, "case_no"},
		"wrong court":        {func(n *transcript.NewHearing) { n.CaseNo = "（2026）火0000民初1号" }, "case_no"},
		"invisible in case":  {func(n *transcript.NewHearing) { n.CaseNo = "（2026）内0000民初\u202e1号" }, "case_no"},
		"no courtroom":       {func(n *transcript.NewHearing) { n.Courtroom = "" }, "courtroom"},
		"unknown courtroom":  {func(n *transcript.NewHearing) { n.Courtroom = "九庭" }, "courtroom"},
		"slash in courtroom": {func(n *transcript.NewHearing) { n.Courtroom = "三/庭" }, "courtroom"},
		"long cause":         {func(n *transcript.NewHearing) { n.Cause = long }, "cause"},
		"bell in cause":      {func(n *transcript.NewHearing) { n.Cause = "民间\a借贷" }, "cause"},
		"bytes in cause":     {func(n *transcript.NewHearing) { n.Cause = "\xff\xfe" }, "cause"},
		"unknown role": {func(n *transcript.NewHearing) {
			n.Participants = []capture.Participant{{Role: "原告", Name: "甲"}, {Role: "元告", Name: "乙"}}
		}, "participants[1].role"},
		"no name": {func(n *transcript.NewHearing) {
			n.Participants = []capture.Participant{{Role: "原告"}}
		}, "participants[0].name"},
		"long name": {func(n *transcript.NewHearing) {
			n.Participants = []capture.Participant{{Role: "原告", Name: long}}
		}, "participants[0].name"},
		"bidi in name": {func(n *transcript.NewHearing) {
			n.Participants = []capture.Participant{{Role: "原告", Name: "张\u2066三"}}
		}, "participants[0].name"},
		"a participant twice": {func(n *transcript.NewHearing) {
			n.Participants = []capture.Participant{{Role: "原告", Name: "张三"}, {Role: "被告", Name: "李四"}, {Role: "原告", Name: " 张三"}}
		}, "participants[2].name"},
		"long hotword": {func(n *transcript.NewHearing) { n.Hotwords = []string{"利息", long} }, "hotwords[1]"},
		"many hotwords": {func(n *transcript.NewHearing) {
			for r := range rune(501) {
				n.Hotwords = append(n.Hotwords, string('一'+r))
			}
		}, "hotwords"},
		"no seats": {func(n *transcript.NewHearing) { n.Seats = []capture.Seat{} }, "seats"},
		"channel twice": {func(n *transcript.NewHearing) {
			n.Seats = []capture.Seat{{Channel: "a", Role: "原告"}, {Channel: "a", Role: "被告"}}
		}, "seats[1].channel"},
		"channel name": {func(n *transcript.NewHearing) { n.Seats = []capture.Seat{{Channel: "a b", Role: "原告"}} }, "seats[0].channel"},
		"seat role":    {func(n *transcript.NewHearing) { n.Seats = []capture.Seat{{Channel: "a", Role: "路人"}} }, "seats[0].role"},
	} {
		store := newFakeStore()
		n := newHearing()
		tc.change(&n)
		_, err := transcript.NewDocket(store, fakeRooms{}, quiet).Create(t.Context(), n)
		var field *transcript.FieldError
		if !errors.As(err, &field) {
			t.Errorf("%s: %v, want a FieldError", name, err)
			continue
		}
		if field.Field != tc.field || field.Text == "" || field.TextEN == "" || field.Text == field.TextEN {
			t.Errorf("%s: %+v, want field %s in both languages", name, field, tc.field)
		}
		if len(store.hearings) != 0 {
			t.Errorf("%s: stored nevertheless", name)
		}
	}
}

// A seat may change hands; recordings have no case and their own roles.
func TestCreateAccepts(t *testing.T) {
	d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
	n := newHearing()
	n.Seats = []capture.Seat{
		{Channel: "stand", Role: "证人", Speaker: "李四"},
		{Channel: "stand", Role: "鉴定人", Speaker: "王五", From: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	}
	if _, err := d.Create(t.Context(), n); err != nil {
		t.Error(err)
	}
	r := transcript.NewHearing{Recording: true, Courtroom: "recording", Seats: []capture.Seat{{Channel: "a", Role: "左声道"}}}
	if h, err := d.Create(t.Context(), r); err != nil || h.CaseNo != "" {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestHearingIDsSortByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
		var ids []string
		for range 50 {
			h, err := d.Create(t.Context(), newHearing())
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, h.ID)
			time.Sleep(37 * time.Millisecond)
		}
		if !slices.IsSorted(ids) {
			t.Errorf("ids do not sort by time: %q", ids)
		}
	})
}

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		d, h := opened(t, newFakeStore())
		at := *h.OpenedAt
		if h.Status != capture.Open || h.Version != 2 {
			t.Fatalf("opened: %+v", h)
		}
		time.Sleep(time.Minute)
		var field *transcript.FieldError
		if _, err := d.Pause(ctx, h.ID, " "); !errors.As(err, &field) || field.Field != "reason" {
			t.Errorf("pause without a reason: %v", err)
		}
		if _, err := d.Pause(ctx, h.ID, "合议"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := d.Resume(ctx, h.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := d.Pause(ctx, h.ID, "调解"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		h, err := d.Close(ctx, h.ID, "调解成功")
		if err != nil {
			t.Fatal(err)
		}
		after := func(d time.Duration) *time.Time { t := at.Add(d); return &t }
		want := []capture.Break{
			{From: at.Add(time.Minute), To: after(2 * time.Minute), Reason: "合议"},
			{From: at.Add(3 * time.Minute), To: after(4 * time.Minute), Reason: "调解"},
		}
		for i, b := range h.Breaks {
			if !b.From.Equal(want[i].From) || b.To == nil || !b.To.Equal(*want[i].To) || b.Reason != want[i].Reason {
				t.Errorf("break %d: %+v, want %+v", i, b, want[i])
			}
		}
		if len(h.Breaks) != 2 || h.Status != capture.Closed || !h.ClosedAt.Equal(at.Add(4*time.Minute)) || h.CloseReason != "调解成功" {
			t.Errorf("closed: %+v", h)
		}
	})
}

func TestStatusRefuses(t *testing.T) {
	ctx := t.Context()
	for _, tc := range []struct {
		from     capture.Status
		refused  string // of o pen, p ause, r esume, c lose
		accepted string
	}{
		{capture.Scheduled, "prc", "o"}, {capture.Open, "or", "pc"}, {capture.Paused, "op", "rc"},
		{capture.Closed, "oprc", ""}, {capture.Signed, "oprc", ""},
	} {
		try := func(what rune) error {
			store := newFakeStore()
			d := transcript.NewDocket(store, fakeRooms{}, quiet)
			h, err := d.Create(ctx, newHearing())
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = store.UpdateHearing(ctx, h.ID, func(h *capture.Hearing) error { h.Status = tc.from; return nil })
			if err != nil {
				t.Fatal(err)
			}
			switch what {
			case 'o':
				_, err = d.Open(ctx, h.ID)
			case 'p':
				_, err = d.Pause(ctx, h.ID, "休庭")
			case 'r':
				_, err = d.Resume(ctx, h.ID)
			case 'c':
				_, err = d.Close(ctx, h.ID, "")
			}
			return err
		}
		for _, what := range tc.accepted {
			if err := try(what); err != nil {
				t.Errorf("%s, %c: %v", tc.from, what, err)
			}
		}
		for _, what := range tc.refused {
			var state *transcript.StateError
			if err := try(what); !errors.As(err, &state) || state.Status != tc.from || state.Action == "" {
				t.Errorf("%s, %c: %v, want a StateError", tc.from, what, err)
			}
		}
	}
	d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
	if _, err := d.Open(ctx, "nobody"); !errors.Is(err, transcript.ErrNotFound) {
		t.Errorf("unknown hearing: %v", err)
	}
	if _, err := d.Close(ctx, "nobody", ""); !errors.Is(err, transcript.ErrNotFound) {
		t.Errorf("unknown hearing: %v", err)
	}
}

// slowStore gives others time to do the same.
type slowStore struct{ *fakeStore }

func (s slowStore) Hearings(ctx context.Context, f transcript.HearingFilter) ([]capture.Hearing, error) {
	list, err := s.fakeStore.Hearings(ctx, f)
	time.Sleep(5 * time.Millisecond)
	return list, err
}

// One hearing a courtroom, however many press the button at once.
func TestOpenOnePerCourtroom(t *testing.T) {
	ctx := t.Context()
	d := transcript.NewDocket(slowStore{newFakeStore()}, fakeRooms{}, quiet)
	var ids []string
	for range 8 {
		h, err := d.Create(ctx, newHearing())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, h.ID)
	}
	var wg sync.WaitGroup
	results := make([]error, len(ids))
	for i, id := range ids {
		wg.Go(func() { _, results[i] = d.Open(ctx, id) })
	}
	wg.Wait()
	winner := ""
	for i, err := range results {
		var busy *transcript.BusyError
		switch {
		case err == nil && winner == "":
			winner = ids[i]
		case !errors.As(err, &busy) || busy.Courtroom != "三庭":
			t.Errorf("open %d: %v, want one winner and BusyErrors", i, err)
		}
	}
	if _, err := d.Pause(ctx, winner, "休庭"); err != nil {
		t.Fatal(err)
	}
	other := ids[0]
	if other == winner {
		other = ids[1]
	}
	var busy *transcript.BusyError
	if _, err := d.Open(ctx, other); !errors.As(err, &busy) || busy.Hearing != winner {
		t.Errorf("beside a paused hearing: %v", err)
	}
	n := newHearing()
	n.Courtroom = "四庭"
	h, err := d.Create(ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(ctx, h.ID); err != nil {
		t.Errorf("another courtroom: %v", err)
	}
	if _, err := d.Close(ctx, winner, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(ctx, other); err != nil {
		t.Errorf("after the closing: %v", err)
	}
}
