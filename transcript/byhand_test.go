package transcript_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// onPC is a hearing as the PC of 三庭 has opened it by hand, now.
func onPC() capture.Hearing {
	h, _ := capture.LocalHearing(time.Now().UTC().Format("20060102-150405.000") + "-pc-三庭")
	h.ByHand = 1
	h.Seats = []capture.Seat{{Channel: "judge", Role: "审判长"}, {Channel: "stand", Role: "证人"}}
	return h
}

// A hearing that was opened on a PC is one of the court's, whatever comes first:
// what was said in it, the PC's word, an old word, or the news that it is over.
func TestHearingByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, log := newFakeStore(), newFakeLog()
		d := transcript.NewDocket(store, fakeRooms{}, quiet)
		stop := run(t, d, log)
		h := onPC()
		worker := newSpeaker(h.ID, "judge", *h.OpenedAt)
		log.send(worker.final(0, time.Second, "现在开庭。"))
		synctest.Wait()
		if lines, _, err := d.Lines(t.Context(), h.ID, 0); err != nil || len(lines) != 1 || lines[0].Role != "审判长" || len(log.aside) > 0 {
			t.Fatalf("said before the PC told of its hearing: %+v, %v, set aside %q", lines, err, log.aside)
		}
		is := func(status capture.Status, breaks int) {
			t.Helper()
			synctest.Wait()
			got, err := d.Hearing(t.Context(), h.ID)
			if err != nil || got.Status != status || len(got.Breaks) != breaks || got.ByHand != h.ByHand || got.CaseNo != "" || got.Public ||
				len(got.Seats) != 2 || !got.OpenedAt.Equal(*h.OpenedAt) || log.published()[h.ID] != string(status) {
				t.Fatalf("want %s, got %+v, %v; published as %q", status, got, err, log.published()[h.ID])
			}
		}
		tell := func(h capture.Hearing) {
			d.ReportHealth(capture.Health{Component: "capture", Instance: "pc", Courtroom: "三庭", ByHand: []capture.Hearing{h}})
		}
		store.faults(func(call string) error {
			if call == "UpdateHearing" {
				return errDisk
			}
			return nil
		}, nil)
		tell(h)
		time.Sleep(time.Minute)
		store.faults(nil, nil)
		time.Sleep(10 * time.Second)
		is(capture.Open, 0)

		first, from := h, time.Now().UTC()
		h.Status, h.ByHand, h.Breaks = capture.Paused, 2, []capture.Break{{From: from}}
		tell(h)
		is(capture.Paused, 1)
		tell(first)
		is(capture.Paused, 1)
		if _, err := d.Resume(t.Context(), h.ID); err != nil {
			t.Fatal(err)
		}
		is(capture.Open, 1)
		ended := from.Add(time.Hour)
		h.Status, h.ByHand, h.ClosedAt, h.CloseReason = capture.Closed, 5, &ended, "说完了"
		d.ReportByHand([]capture.Hearing{h})
		is(capture.Closed, 1)
		if got, _ := d.Hearing(t.Context(), h.ID); got.Breaks[0].To == nil || got.Breaks[0].Reason == "" || got.CloseReason != "说完了" || !got.ClosedAt.Equal(ended) {
			t.Errorf("closed as %+v", got)
		}

		// One whose PC was switched off before the server ran again.
		late := onPC()
		late.ID = strings.Replace(late.ID, "三庭", "五庭", 1)
		late.Courtroom, late.Status, late.ClosedAt = "五庭", capture.Closed, &ended
		// And what no PC says.
		broken := onPC()
		broken.ID, broken.Status = "x-pc-三庭", "eternal"
		d.ReportByHand([]capture.Hearing{late, broken})
		synctest.Wait()
		if got, err := d.Hearing(t.Context(), late.ID); err != nil || got.Status != capture.Closed {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := d.Hearing(t.Context(), broken.ID); !errors.Is(err, transcript.ErrNotFound) {
			t.Errorf("a hearing of no status: %v", err)
		}
		stop()
	})
}

// What is said in such a hearing before the PC has told who sits where is those
// persons' all the same: the PC may have seats that the server's configuration lacks.
func TestSeatsByHandComeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, log := newFakeStore(), newFakeLog()
		d := transcript.NewDocket(store, fakeRooms{}, quiet)
		defer run(t, d, log)()
		h := onPC()
		judge, stand := newSpeaker(h.ID, "judge", *h.OpenedAt), newSpeaker(h.ID, "stand", *h.OpenedAt)
		log.send(judge.final(0, time.Second, "现在开庭。"), stand.final(2*time.Second, 3*time.Second, "我看见了。"))
		synctest.Wait()
		failed := false
		store.faults(func(call string) error {
			if call == "Revise" && !failed {
				failed = true
				return errDisk
			}
			return nil
		}, nil)
		d.ReportByHand([]capture.Hearing{h})
		time.Sleep(time.Minute)
		lines, _, err := d.Lines(t.Context(), h.ID, 0)
		if err != nil || len(lines) != 2 || lines[0].Role != "审判长" || lines[0].Revision != 1 || lines[1].Role != "证人" || !failed {
			t.Errorf("lines %+v, %v", lines, err)
		}
	})
}

// What was done by hand on a PC to a hearing of the server's reaches it.
func TestPausedByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := opened(t, newFakeStore())
		stop := run(t, d, newFakeLog())
		from := time.Now().UTC()
		told := h
		told.Status, told.ByHand, told.Breaks, told.Hotwords = capture.Paused, 1, []capture.Break{{From: from, Reason: "休庭"}}, []string{}
		d.ReportByHand([]capture.Hearing{told})
		synctest.Wait()
		if got, err := d.Hearing(t.Context(), h.ID); err != nil || got.Status != capture.Paused || got.CaseNo != h.CaseNo || !got.Breaks[0].From.Equal(from) {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := d.Close(t.Context(), h.ID, ""); err != nil {
			t.Fatal(err)
		}
		told.Status, told.ByHand = capture.Open, 2
		d.ReportByHand([]capture.Hearing{told})
		synctest.Wait()
		if got, _ := d.Hearing(t.Context(), h.ID); got.Status != capture.Closed {
			t.Errorf("the PC has opened again what the clerk has closed: %+v", got)
		}
		stop()
	})
}

// A hearing opened on a PC is bound to its case, takes over what was announced
// for it, and its lines have the names of those who sat there. What nobody has
// looked at stays in doubt.
func TestBind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, log := newFakeStore(), newFakeLog()
		d := transcript.NewDocket(store, fakeRooms{}, quiet)
		stop := run(t, d, log)
		n := newHearing()
		n.Participants = []capture.Participant{{Role: "原告", Name: "周启明"}}
		n.Hotwords = []string{"青石路"}
		no := false
		n.Public = &no
		n.Seats = []capture.Seat{{Channel: "judge", Role: "审判长", Speaker: "沈知远"}}
		announced, err := d.Create(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		tomorrow := time.Now().Add(48 * time.Hour)
		n.ScheduledAt = &tomorrow
		later, err := d.Create(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		h := onPC()
		d.ReportByHand([]capture.Hearing{h})
		synctest.Wait()
		judge, stand := newSpeaker(h.ID, "judge", *h.OpenedAt), newSpeaker(h.ID, "stand", *h.OpenedAt)
		unsure := judge.final(0, time.Second, "现在开庭。")
		unsure.Segment.Words = []asr.Word{{Text: "现在开庭。", Confidence: 0.2}}
		log.send(unsure, judge.final(time.Second, 2*time.Second, "请坐。"), stand.final(2*time.Second, 3*time.Second, "我看见了。"))
		synctest.Wait()
		lines, _, _ := d.Lines(t.Context(), h.ID, 0)
		if len(lines) != 3 {
			t.Fatalf("%+v", lines)
		}
		other, person := "人民陪审员", "赵庭"
		if _, err := d.Revise(t.Context(), h.ID, lines[1].ID, 1, transcript.Edit{Role: &other, Speaker: &person}, "书记员"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Close(t.Context(), h.ID, ""); err != nil {
			t.Fatal(err)
		}
		signers := transcript.SignRequest{Signers: []capture.Participant{{Role: "审判长", Name: "沈知远"}}}
		if _, err := d.Sign(t.Context(), h.ID, signers, "书记员"); !errors.Is(err, transcript.ErrNoCase) {
			t.Errorf("signed without a case: %v", err)
		}
		if _, err := d.Bind(t.Context(), announced.ID, transcript.Binding{CaseNo: n.CaseNo}, "书记员"); !errors.Is(err, transcript.ErrHasCase) {
			t.Errorf("an announced hearing: %v", err)
		}
		var field *transcript.FieldError
		if _, err := d.Bind(t.Context(), h.ID, transcript.Binding{CaseNo: "七号"}, "书记员"); !errors.As(err, &field) || field.Field != "case_no" {
			t.Errorf("no case number: %v", err)
		}
		if _, err := d.Bind(t.Context(), h.ID, transcript.Binding{CaseNo: n.CaseNo, Announcement: h.ID}, "书记员"); !errors.As(err, &field) || field.Field != "announcement" {
			t.Errorf("no announcement: %v", err)
		}
		cause := "买卖合同纠纷"
		bound, err := d.Bind(t.Context(), h.ID, transcript.Binding{CaseNo: n.CaseNo, Cause: &cause}, "书记员")
		if err != nil {
			t.Fatal(err)
		}
		if bound.CaseNo != announced.CaseNo || bound.Cause != cause || bound.Public || len(bound.Participants) != 1 || !slices.Equal(bound.Hotwords, n.Hotwords) ||
			len(bound.Seats) != 2 || bound.Seats[0].Speaker != "沈知远" || bound.Seats[1].Channel != "stand" || bound.Status != capture.Closed {
			t.Errorf("bound as %+v", bound)
		}
		if got, _ := d.Hearing(t.Context(), announced.ID); got.Status != capture.Closed || got.TakenOverBy != h.ID {
			t.Errorf("the announcement is %+v", got)
		}
		if got, _ := d.Hearing(t.Context(), later.ID); got.Status != capture.Scheduled {
			t.Errorf("another day's hearing is %+v", got)
		}
		lines, _, _ = d.Lines(t.Context(), h.ID, 0)
		for i, want := range []string{"审判长沈知远 2", "人民陪审员赵庭 2", "证人 1"} {
			if got := lines[i].Role + lines[i].Speaker + " " + string(rune('0'+lines[i].Revision)); got != want {
				t.Errorf("line %d is of %s, want %s", i, got, want)
			}
		}
		if doubts, _, err := d.Doubts(t.Context(), h.ID); err != nil || !slices.ContainsFunc(doubts, func(x transcript.Doubt) bool { return x.Line == lines[0].ID }) {
			t.Errorf("a line that nobody has looked at: %+v, %v", doubts, err)
		}
		// It is put right.
		again, err := d.Bind(t.Context(), h.ID, transcript.Binding{CaseNo: "（2026）内0000民初2号"}, "书记员")
		if err != nil || again.CaseNo == bound.CaseNo || again.Cause != cause || again.Seats[0].Speaker != "沈知远" || again.Public {
			t.Errorf("bound again as %+v, %v", again, err)
		}
		stop()
	})
}
