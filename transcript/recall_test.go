package transcript_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// TestRestoredStore: the store is as it was in the night; the hearing was opened in
// the morning. What was said in it, before and after the restore, is in its record, and
// its PC hears of a state that is newer than what it knows.
func TestRestoredStore(t *testing.T) {
	for night, raised := range map[string]int64{"not announced": 0, "announced": 1} {
		t.Run(night, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newFakeStore()
				d := transcript.NewDocket(store, fakeRooms{}, quiet)
				h, err := d.Create(t.Context(), newHearing())
				if err != nil {
					t.Fatal(err)
				}
				backup := newFakeStore()
				if night == "announced" {
					if err := backup.CreateHearing(t.Context(), h); err != nil {
						t.Fatal(err)
					}
				}
				log := newFakeLog()
				stop := run(t, d, log)
				for _, act := range []func() (capture.Hearing, error){
					func() (capture.Hearing, error) { return d.Open(t.Context(), h.ID) },
					func() (capture.Hearing, error) { return d.Pause(t.Context(), h.ID, "休庭") },
					func() (capture.Hearing, error) { return d.Resume(t.Context(), h.ID) },
				} {
					if h, err = act(); err != nil {
						t.Fatal(err)
					}
				}
				worker := newSpeaker(h.ID, "judge", *h.OpenedAt)
				log.send(worker.final(0, time.Second, "现在开庭。"))
				synctest.Wait()
				stop()

				d = transcript.NewDocket(backup, fakeRooms{}, quiet)
				stop = run(t, d, log)
				defer func() { stop() }()
				synctest.Wait()
				log.send(worker.final(2*time.Second, 3*time.Second, "请原告陈述。"))
				synctest.Wait()
				now, err := d.Hearing(t.Context(), h.ID)
				if err != nil || now.Status != capture.Open || now.Version != h.Version+raised || !now.OpenedAt.Equal(*h.OpenedAt) || len(now.Breaks) != 1 {
					t.Errorf("the hearing is %+v (%v), was %+v", now, err, h)
				}
				lines, _, err := d.Lines(t.Context(), h.ID, 0)
				if err != nil || len(lines) != 2 || lines[0].Text != "现在开庭。" || lines[1].Text != "请原告陈述。" || len(log.aside) > 0 {
					t.Errorf("lines %+v (%v), set aside %q", lines, err, log.aside)
				}
				if got := alarmCodes(d); !slices.Equal(got, []string{"restored"}) {
					t.Errorf("alarms %q", got)
				}
				if last := log.hearings[len(log.hearings)-1]; last.Version != now.Version {
					t.Errorf("published is version %d, the store has %d", last.Version, now.Version)
				}
				// A restart finds nothing to take in.
				stop()
				d = transcript.NewDocket(backup, fakeRooms{}, quiet)
				stop = run(t, d, log)
				synctest.Wait()
				if again, err := d.Hearing(t.Context(), h.ID); err != nil || again.Version != now.Version || alarmCodes(d) != nil {
					t.Errorf("after a restart: %+v (%v), alarms %q", again, err, alarmCodes(d))
				}
			})
		})
	}
}

// TestRecallVouchesForNothing: a signature whose corrections are lost is none, and a
// hearing that the log has forgotten the words of is not made again without them.
func TestRecallVouchesForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened, closed, long := time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour), time.Now().Add(-31*24*time.Hour)
		log := newFakeLog()
		log.hearings = []capture.Hearing{
			{ID: "signed", Version: 7, Status: capture.Signed, Courtroom: "3", OpenedAt: &opened, ClosedAt: &closed, CreatedAt: opened,
				Signing: &capture.Signing{At: closed}, Readings: []capture.Reading{{Change: 9}}, Screen: &capture.Screen{UpToMS: 5, Change: 9}},
			{ID: "long-over", Version: 4, Status: capture.Closed, Courtroom: "3", OpenedAt: &long, ClosedAt: &long, CreatedAt: long},
		}
		d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
		defer run(t, d, log)()
		synctest.Wait()
		h, err := d.Hearing(t.Context(), "signed")
		if err != nil || h.Status != capture.Closed || h.Signing != nil || h.Readings != nil || h.Screen.Change != 0 || h.Version != 8 {
			t.Errorf("%+v (%v)", h, err)
		}
		if _, err := d.Hearing(t.Context(), "long-over"); !errors.Is(err, transcript.ErrNotFound) {
			t.Errorf("a hearing of last month: %v", err)
		}
	})
}
