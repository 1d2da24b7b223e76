package transcript_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// TestSeatComesLater: a courtroom's PC has got a seat in the middle of a hearing. What
// was said there before the hearing had it is not lost; when the clerk adds the seat,
// all of it is that person's, and the ledger has no fault.
func TestSeatComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, log := newFakeStore(), newFakeLog()
		d, h := opened(t, store)
		defer run(t, d, log)()
		ctx := t.Context()
		time.Sleep(time.Minute)
		judge, guest := newSpeaker(h.ID, "judge", *h.OpenedAt), newSpeaker(h.ID, "guest", *h.OpenedAt)
		log.send(judge.final(0, time.Second, "现在开庭。"), guest.final(20*time.Second, 22*time.Second, "我是翻译。"),
			guest.final(24*time.Second, 26*time.Second, "可以开始。"))
		store.spans[h.ID] = []transcript.AudioSpan{
			{Channel: "judge", Epoch: 1, Samples: capture.SamplesIn(time.Minute), At: h.OpenedAt.UnixMicro()},
			{Channel: "guest", Epoch: 1, First: capture.SamplesIn(20 * time.Second), Samples: capture.SamplesIn(40 * time.Second), At: h.OpenedAt.Add(20 * time.Second).UnixMicro()},
		}
		synctest.Wait()
		said := func() (all string) {
			t.Helper()
			synctest.Wait()
			lines, _, err := d.Lines(ctx, h.ID, 0)
			if err != nil || len(log.aside) > 0 {
				t.Fatalf("%v; set aside %q", err, log.aside)
			}
			for _, l := range lines {
				all += fmt.Sprintf("%s/%s/%d ", l.Role, l.Speaker, l.Revision)
			}
			return strings.TrimSpace(all)
		}
		if got := said(); got != "审判长//1 guest//1 guest//1" {
			t.Fatalf("before the hearing has the seat: %s", got)
		}
		// A person has put one line right: that stays.
		lines, _, _ := d.Lines(ctx, h.ID, 0)
		role, speaker := "鉴定人", "赵一"
		if _, err := d.Revise(ctx, h.ID, lines[2].ID, 1, transcript.Edit{Role: &role, Speaker: &speaker}, "书记员"); err != nil {
			t.Fatal(err)
		}

		seat := func(s transcript.Seating) (capture.Hearing, error) { return d.Seat(ctx, h.ID, s, "书记员") }
		var field *transcript.FieldError
		for name, s := range map[string]transcript.Seating{
			"channel": {Channel: "nowhere", Role: "证人"}, "role": {Channel: "guest", Role: "路人"}, "from_ms": {Channel: "judge", Role: "审判长", FromMS: new(int64(-1))},
		} {
			if _, err := seat(s); !errors.As(err, &field) || field.Field != name {
				t.Errorf("%+v: %v", s, err)
			}
		}
		d.ReportHealth(capture.Health{Component: "capture", Instance: "pc", Courtroom: "三庭", Seats: []capture.SeatHealth{{Channel: "balcony", Hearing: h.ID}}})
		added, err := seat(transcript.Seating{Channel: "guest", Role: "翻译人员", Speaker: "李四"})
		if err != nil || len(added.Seats) != 5 || added.Seats[4] != (capture.Seat{Channel: "guest", Role: "翻译人员", Speaker: "李四"}) {
			t.Fatalf("added: %+v, %v", added.Seats, err)
		}
		log.send(guest.final(50*time.Second, 52*time.Second, "翻译完了。"))
		if got := said(); got != "审判长//1 翻译人员/李四/2 鉴定人/赵一/2 翻译人员/李四/1" {
			t.Errorf("after: %s", got)
		}
		if lines, _, _ := d.Lines(ctx, h.ID, 0); lines[1].Author != "席位变更·书记员" {
			t.Errorf("the line's revision is by %q", lines[1].Author)
		}
		ledger, err := d.Ledger(ctx, h.ID)
		if err != nil || ledger.TotalMS[transcript.KindFault] != 0 || ledger.LengthMS != 60_000 {
			t.Errorf("ledger %+v, %v", ledger, err)
		}
		// Nothing was heard there yet: the PC says that there is one.
		if h, err := seat(transcript.Seating{Channel: "balcony", Role: "法警"}); err != nil || len(h.Seats) != 6 {
			t.Errorf("a seat that was not heard: %+v, %v", h.Seats, err)
		}

		// Another person sits down: from then on, and not before.
		h, err = seat(transcript.Seating{Channel: "guest", Role: "鉴定人", Speaker: "钱五"})
		if err != nil || len(h.Seats) != 7 || h.Seats[5].Speaker != "钱五" || !h.Seats[5].From.Equal(time.Now()) || h.Seats[6].Channel != "balcony" {
			t.Fatalf("reassigned: %+v, %v", h.Seats, err)
		}
		log.send(guest.final(61*time.Second, 62*time.Second, "鉴定意见如下。"))
		if got := said(); got != "审判长//1 翻译人员/李四/2 鉴定人/赵一/2 翻译人员/李四/1 鉴定人/钱五/1" {
			t.Errorf("reassigned: %s", got)
		}
		// It was an hour's mistake: who sat there at the opening is put right.
		if h, err = seat(transcript.Seating{Channel: "guest", Role: "翻译人员", Speaker: "李思", FromMS: new(int64(0))}); err != nil || len(h.Seats) != 7 {
			t.Fatalf("put right: %+v, %v", h.Seats, err)
		}
		if got := said(); got != "审判长//1 翻译人员/李思/3 鉴定人/赵一/2 翻译人员/李思/2 鉴定人/钱五/1" {
			t.Errorf("put right: %s", got)
		}

		if _, err := d.Close(ctx, h.ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := seat(transcript.Seating{Channel: "guest", Role: "翻译人员"}); !errors.As(err, &field) || field.Field != "from_ms" {
			t.Errorf("from now on, of a hearing that is closed: %v", err)
		}
		if h, err = seat(transcript.Seating{Channel: "guest", Role: "翻译人员", Speaker: "李四", FromMS: new(int64(0))}); err != nil || h.Status != capture.Closed {
			t.Errorf("put right after the closing: %v", err)
		}
		planned, err := d.Create(ctx, newHearing())
		if err != nil {
			t.Fatal(err)
		}
		var state *transcript.StateError
		if _, err := d.Seat(ctx, planned.ID, transcript.Seating{Channel: "judge", Role: "审判长"}, "书记员"); !errors.As(err, &state) {
			t.Errorf("a hearing that is not open: %v", err)
		}
	})
}

// A line is stored while somebody else takes its seat: it is the new holder's, be it
// stored before the seat's lines were looked through or after.
func TestSeatTakenWhileLineIsStored(t *testing.T) {
	for name, fails := range map[string]bool{"the store is slow": false, "the store fails at first": true} {
		t.Run(name, func(t *testing.T) {
			store := &seatingStore{fakeStore: newFakeStore(), under: make(chan struct{}), seated: make(chan struct{}), fails: fails}
			d := transcript.NewDocket(store, fakeRooms{}, quiet)
			h, err := d.Create(t.Context(), newHearing())
			if err == nil {
				h, err = d.Open(t.Context(), h.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
			log := newFakeLog()
			defer run(t, d, log)()
			from := int64(0)
			go func() {
				defer close(store.seated)
				<-store.under
				_, err = d.Seat(t.Context(), h.ID, transcript.Seating{Channel: "judge", Role: "证人", Speaker: "王五", FromMS: &from}, "书记员")
			}()
			log.send(newSpeaker(h.ID, "judge", *h.OpenedAt).final(0, time.Second, "我看见了。"))
			<-store.seated
			if err != nil {
				t.Fatal(err)
			}
			var lines []transcript.Line
			for range 500 {
				if lines, _, err = d.Lines(t.Context(), h.ID, 0); err != nil || len(lines) > 0 {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			if err != nil || len(lines) != 1 || lines[0].Role != "证人" || lines[0].Speaker != "王五" {
				t.Errorf("lines %+v, %v", lines, err)
			}
		})
	}
}

// seatingStore takes its time for the first step, or fails it.
type seatingStore struct {
	*fakeStore
	once          sync.Once
	under, seated chan struct{}
	fails         bool
}

func (s *seatingStore) ApplyStep(ctx context.Context, at transcript.Source, seg asr.Segment, line *transcript.Line) (applied bool, stored *transcript.Line, err error) {
	s.once.Do(func() {
		close(s.under)
		if s.fails {
			err = errors.New("disk full")
			return
		}
		select {
		case <-s.seated:
		case <-time.After(200 * time.Millisecond):
		}
	})
	if err != nil {
		return false, nil, err
	}
	return s.fakeStore.ApplyStep(ctx, at, seg, line)
}
