package transcript_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// alarmCodes are the docket's own alarms.
func alarmCodes(d *transcript.Docket) (codes []string) {
	for _, h := range d.Health() {
		for _, a := range h.Alarms {
			if a.Text == "" || a.TextEN == "" || a.Since.IsZero() {
				codes = append(codes, "incomplete "+a.Code)
				continue
			}
			codes = append(codes, a.Code)
		}
	}
	return codes
}

// The broker is away for an hour: nobody waits for it, the newest states reach
// it when it returns, and text follows.
func TestBrokerAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := opened(t, newFakeStore())
		log := newFakeLog()
		stop := run(t, d, log)
		synctest.Wait()
		if got := log.published()[h.ID]; got != "open" {
			t.Fatalf("published as %q", got)
		}
		log.lose(errors.New("connection refused"))
		log.send() // wakes the reader, which finds it gone
		began := time.Now()
		for range 60 {
			if _, err := d.Pause(t.Context(), h.ID, "休庭"); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Resume(t.Context(), h.ID); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Close(t.Context(), h.ID, ""); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the clerk waited %v for the broker", waited)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := alarmCodes(d); !slices.Equal(got, []string{"broker-unreachable"}) {
			t.Errorf("alarms %q", got)
		}
		before := len(log.hearings)
		log.lose(nil)
		worker := newSpeaker(h.ID, "judge", *h.OpenedAt)
		log.send(worker.final(0, time.Second, "现在开庭。"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		want := map[string]string{h.ID: "closed", h.ID + "/judge": "16000"}
		if got := log.published(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("published %v, want %v", got, want)
		}
		if n := len(log.hearings) - before; n > 2 {
			t.Errorf("%d states of one hearing published after the outage: the newest wins", n)
		}
		if got := alarmCodes(d); got != nil {
			t.Errorf("alarms %q after the outage", got)
		}
		stop()
	})
}

// A process that dies between storing and publishing leaves it to the next.
func TestPublishedAgainAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		d, h := opened(t, store)
		log := newFakeLog()
		worker := newSpeaker(h.ID, "judge", *h.OpenedAt)
		first := worker.final(0, time.Second, "现在开庭。").Segment
		if _, _, err := store.ApplyStep(t.Context(), transcript.Source{Topic: transcript.SegmentsTopic}, first, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Close(t.Context(), h.ID, ""); err != nil {
			t.Fatal(err)
		}
		stop := run(t, transcript.NewDocket(store, fakeRooms{}, quiet), log)
		synctest.Wait()
		stop()
		want := map[string]string{h.ID: "closed", h.ID + "/judge": "16000"}
		if got := log.published(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("published %v, want %v", got, want)
		}
	})
}

// The disk is full for a minute: nothing is skipped, a person is told.
func TestDiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		d, h := opened(t, store)
		p := openPage(t, d, h.ID)
		log := newFakeLog()
		stop := run(t, d, log)
		full := fmt.Errorf("write wal: %w", transcript.ErrDiskFull)
		store.faults(func(call string) error {
			if call == "ApplyStep" {
				return full
			}
			return nil
		}, nil)
		worker := newSpeaker(h.ID, "judge", *h.OpenedAt)
		for i := range time.Duration(5) {
			log.send(worker.final(i*time.Second, (i+1)*time.Second, fmt.Sprintf("第%d句。", i+1)))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := alarmCodes(d); !slices.Equal(got, []string{"disk-full"}) {
			t.Errorf("alarms %q", got)
		}
		// At first the disk takes it without saying so.
		store.faults(nil, func(call string) error {
			if call == "ApplyStep" {
				return errDisk
			}
			return nil
		})
		time.Sleep(10 * time.Second)
		store.faults(nil, nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		var texts []string
		for _, l := range p.shown() {
			texts = append(texts, l.Text)
		}
		if got := strings.Join(texts, ""); got != "第1句。第2句。第3句。第4句。第5句。" {
			t.Errorf("the page shows %s", got)
		}
		if got := log.published()[h.ID+"/judge"]; got != "80000" {
			t.Errorf("position %s published", got)
		}
		if got := alarmCodes(d); got != nil {
			t.Errorf("alarms %q after the outage", got)
		}
		// It is told and published although nothing follows it.
		store.faults(nil, func(call string) error {
			if call == "ApplyStep" {
				return errDisk
			}
			return nil
		})
		log.send(worker.final(5*time.Second, 6*time.Second, "第6句。"))
		synctest.Wait()
		store.faults(nil, nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := log.published()[h.ID+"/judge"]; got != "96000" || len(p.shown()) != 6 {
			t.Errorf("position %s published, %d lines shown", got, len(p.shown()))
		}
		stop()
		p.leave()
	})
}

// A hearing that is over keeps its peace: the log still delivers what was heard
// before its last final.
func TestPartialAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		d, h := opened(t, store)
		worker := newSpeaker(h.ID, "judge", *h.OpenedAt)
		partial := worker.partial(0, time.Second, "现在")
		final := worker.final(0, time.Second, "现在闭庭。")
		final.Segment.After.Ended = true
		log := newFakeLog()
		log.send(partial, final)
		stop := run(t, d, log)
		if _, err := d.Close(t.Context(), h.ID, ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		d = transcript.NewDocket(store, fakeRooms{}, quiet)
		p := openPage(t, d, h.ID)
		stop = run(t, d, log)
		log.send(partial)
		synctest.Wait()
		if n := p.partialCount(); n != 0 || len(p.shown()) != 1 {
			t.Errorf("%d partials, %d lines", n, len(p.shown()))
		}
		stop()
		p.leave()
	})
}

// What cannot be used is set aside with its reason, and the rest goes on.
func TestSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		d, h := opened(t, store)
		log := newFakeLog()
		worker := newSpeaker(h.ID, "judge", *h.OpenedAt)
		bad := func(change func(*asr.Segment)) transcript.SegmentMessage {
			m := newSpeaker(h.ID, "plaintiff", *h.OpenedAt).final(0, time.Second, "原告陈述。")
			change(&m.Segment)
			return m
		}
		log.send(
			transcript.SegmentMessage{Raw: []byte("{"), Err: errors.New("unexpected end of JSON input")},
			bad(func(s *asr.Segment) { s.Hearing = "20200101-000000-000000" }),
			bad(func(s *asr.Segment) { s.Hearing = "" }),
			bad(func(s *asr.Segment) { s.Channel = "a/b" }),
			bad(func(s *asr.Segment) { s.Before = nil }),
			bad(func(s *asr.Segment) { s.After = nil }),
			bad(func(s *asr.Segment) { s.Stage = "guess" }),
			bad(func(s *asr.Segment) { s.Utterance = "../../etc" }),
			bad(func(s *asr.Segment) { s.First, s.Last = 16000, 100 }),
			bad(func(s *asr.Segment) { s.StartedAt = time.Time{} }),
			worker.final(0, time.Second, "现在开庭。"),
		)
		stop := run(t, d, log)
		synctest.Wait()
		want := []string{"unreadable@0", "unknown-hearing@1"}
		for i := 2; i < 10; i++ {
			want = append(want, fmt.Sprintf("malformed@%d", i))
		}
		if !slices.Equal(log.aside, want) {
			t.Errorf("set aside %q\nwant      %q", log.aside, want)
		}
		if lines, _, _ := d.Lines(t.Context(), h.ID, 0); len(lines) != 1 || lines[0].Text != "现在开庭。" {
			t.Errorf("lines %+v", lines)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := alarmCodes(d); !slices.Equal(got, []string{"segments-set-aside"}) {
			t.Errorf("alarms %q", got)
		}
		log.send(log.messages[len(log.messages)-1])
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := alarmCodes(d); got != nil {
			t.Errorf("alarms %q after two minutes", got)
		}
		if got, want := d.Counts(), (transcript.Counts{Applied: 1, Repeated: 1, SetAside: 10}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		stop()
	})
}

// An engine that babbles does not stop its channel.
func TestBabble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := opened(t, newFakeStore())
		log := newFakeLog()
		worker := newSpeaker(h.ID, "judge", *h.OpenedAt)
		babble := worker.final(0, time.Second, strings.Repeat("字幕", 100_000))
		m := worker.final(time.Second, 2*time.Second, " 现在\u202e开\x00庭\n。 ")
		m.Segment.Words = []asr.Word{{Text: "现\x07在", Start: 900, End: 1500, Confidence: 0.5}, {Text: "开庭", Start: 1500, End: 99999}}
		log.send(babble, m)
		stop := run(t, d, log)
		synctest.Wait()
		stop()
		lines, _, err := d.Lines(t.Context(), h.ID, 0)
		if err != nil || len(lines) != 2 {
			t.Fatalf("%+v, %v", lines, err)
		}
		if lines[0].Text != "" || lines[0].Rejected == "" {
			t.Errorf("babble became %d bytes, rejected %q", len(lines[0].Text), lines[0].Rejected)
		}
		l := lines[1]
		if l.Text != "现在开庭 。" || l.Author != "engine:whisper" || l.Revision != 1 {
			t.Errorf("line %+v", l)
		}
		want := []transcript.Word{{Text: "现在", StartMS: 1000, EndMS: 1500, Confidence: 0.5}, {Text: "开庭", StartMS: 1500, EndMS: 2000}}
		if !slices.Equal(l.Words, want) {
			t.Errorf("words %+v, want %+v", l.Words, want)
		}
	})
}

// A line's times are those of the hearing's clock, whatever the epoch began at.
func TestLineTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := opened(t, newFakeStore())
		log := newFakeLog()
		late := newSpeaker(h.ID, "judge", h.OpenedAt.Add(90*time.Second+123456*time.Microsecond))
		early := newSpeaker(h.ID, "plaintiff", h.OpenedAt.Add(-5*time.Second)) // its clock is slow
		m := late.final(2*time.Second, 3500*time.Millisecond, "请坐。")
		m.Segment.Words = []asr.Word{{Text: "请", Start: 2000, End: 2500}, {Text: "坐", Start: 2500, End: 3500}}
		log.send(m, early.final(0, time.Second, "好。"))
		stop := run(t, d, log)
		synctest.Wait()
		stop()
		lines, _, err := d.Lines(t.Context(), h.ID, 0)
		if err != nil || len(lines) != 2 {
			t.Fatalf("%+v, %v", lines, err)
		}
		if l := lines[0]; l.StartMS != 0 || l.EndMS != 0 || !l.StartedAt.Equal(early.opened) {
			t.Errorf("before the opening: %+v", l)
		}
		l := lines[1]
		if l.StartMS != 92123 || l.EndMS != 93623 || !l.StartedAt.Equal(late.opened.Add(2*time.Second)) {
			t.Errorf("line %+v", l)
		}
		if l.Words[0].StartMS != 92123 || l.Words[1].StartMS != 92623 || l.Words[1].EndMS != 93623 {
			t.Errorf("words %+v", l.Words)
		}
	})
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := opened(t, newFakeStore())
		stop := run(t, d, newFakeLog())
		f, err := d.Subscribe(t.Context(), h.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		heard := make(chan struct{})
		var told []string // what a page of this courtroom is told, without the docket's own
		go func() {
			defer close(heard)
			for e := range f.Events {
				if e.Kind == transcript.HealthChanged && e.Health.Instance != "docket" {
					s := e.Health.Instance
					for _, a := range e.Health.Alarms {
						s += " " + a.Code
					}
					told = append(told, s)
				}
			}
		}()
		say := func(component, instance, room string, stopped bool) {
			d.ReportHealth(capture.Health{
				Component: component, Instance: instance, Courtroom: room, Stopped: stopped,
				Seats: []capture.SeatHealth{{Channel: "judge", LevelDBFS: -20, Recording: true}},
			})
		}
		say("capture", "pc3/1", "三庭", false)
		say("capture", "pc4/1", "四庭", false)
		say("asr", "gpu/7", "", false)
		say("asr", "gpu/8", "", true) // ended in order
		time.Sleep(2900 * time.Millisecond)
		synctest.Wait()
		if got := alarmCodes(d); got != nil {
			t.Errorf("alarms %q before 3 seconds", got)
		}
		say("asr", "gpu/7", "", false)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := alarmCodes(d); !slices.Equal(got, []string{"silent", "silent"}) {
			t.Errorf("alarms %q, want two silent recorders", got)
		}
		for _, h := range d.Health() {
			if h.Component != "capture" {
				continue
			}
			if a := h.Alarms[0]; h.Courtroom == "三庭" && !strings.Contains(a.Text, "第三审判庭") {
				t.Errorf("alarm %q does not say where", a.Text)
			}
			if s := h.Seats[0]; s.Recording || s.LevelDBFS != -120 {
				t.Errorf("a dead recorder looks alive: %+v", s)
			}
		}
		say("capture", "pc3/2", "三庭", false) // started again
		say("capture", "pc4/1", "四庭", false) // was only slow
		if got := alarmCodes(d); got != nil {
			t.Errorf("alarms %q after they came back", got)
		}
		synctest.Wait()
		f.Close()
		<-heard
		want := []string{"pc3/1", "gpu/7", "gpu/8", "gpu/7", "pc3/1 silent", "pc3/1", "pc3/2"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q\nwant %q", told, want)
		}
		stop()
	})
}
