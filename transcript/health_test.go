package transcript_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// TestCourtroomsThatAreNotHeard: whatever way a courtroom's recorder is missing, its
// page says so within seconds, in both languages and with what to do; when it is
// back, nothing more is said.
func TestCourtroomsThatAreNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newFakeLog()
		d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet, transcript.WithPCs("三庭", "五庭"))
		defer run(t, d, log)()
		feed, err := d.Subscribe(t.Context(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		defer feed.Close()
		shown := map[string]capture.Health{} // as a page has it
		go func() {
			for e := range feed.Events {
				if e.Kind != transcript.HealthChanged {
					continue
				}
				key := e.Health.Component + e.Health.Instance + e.Health.Courtroom
				if shown[key] = *e.Health; e.Health.Stopped && len(e.Health.Alarms) == 0 {
					delete(shown, key)
				}
			}
		}()
		said := func(room string) (list []capture.Alarm) {
			t.Helper()
			synctest.Wait()
			for _, h := range shown {
				if h.Courtroom == room {
					list = append(list, h.Alarms...)
				}
			}
			n := 0
			for _, h := range d.Health() {
				if h.Courtroom == room {
					n += len(h.Alarms)
				}
			}
			if n != len(list) {
				t.Errorf("asked, there are %d alarms of %s; the page shows %+v", n, room, list)
			}
			return list
		}
		says := func(room, code string, words ...string) {
			t.Helper()
			list := said(room)
			if code == "" && len(list) == 0 {
				return
			}
			if len(list) != 1 || list[0].Code != code || list[0].TextEN == "" {
				t.Fatalf("%s at %v: %+v, want one %q", room, time.Now().Format("05"), list, code)
			}
			for _, w := range words {
				if !strings.Contains(list[0].Text+list[0].TextEN, w) {
					t.Errorf("%s: %q / %q does not say %q", room, list[0].Text, list[0].TextEN, w)
				}
			}
		}
		pulse := func(h capture.Health, seconds int) {
			for range seconds {
				time.Sleep(time.Second)
				h.At = time.Now()
				d.ReportHealth(h)
			}
		}
		pc := capture.Health{Component: "capture", Instance: "pc3-1", Courtroom: "三庭"}
		pulse(pc, 4)
		says("五庭", "") // it may still be on its way
		pulse(pc, 4)
		says("三庭", "")
		says("五庭", "silent", "没有运行", "请打开法庭电脑", "tingji capture check", "does not run")

		// It stops in order, as before an upgrade, and does not come back.
		d.ReportHealth(stopped(pc))
		time.Sleep(2 * time.Second)
		says("三庭", "")
		time.Sleep(2 * time.Second)
		says("三庭", "silent", "已于", "停止", "请在法庭电脑上重新启动", "was stopped")
		pc.Instance = "pc3-2"
		pulse(pc, 2)
		says("三庭", "")

		// It cannot start, and has said why: that is said, and nothing else.
		d.ReportHealth(stopped(pc))
		pulse(capture.Health{Component: "capture", Instance: "pc5-1", Courtroom: "五庭"}, 1)
		failed := capture.Health{Component: "capture", Instance: "pc3-3", Courtroom: "三庭", Stopped: true,
			Alarms: []capture.Alarm{{Code: "start-failed", Text: "暂存区属于另一个法庭", TextEN: "spool of another courtroom"}}}
		d.ReportHealth(failed)
		time.Sleep(10 * time.Second)
		says("三庭", "start-failed")
		pc.Instance = "pc3-4"
		pulse(pc, 1)

		// Two PCs say that they are the same courtroom; after a restart nobody says so.
		says("三庭", "")
		other := pc
		other.Instance = "pc5-7"
		for range 5 {
			pulse(pc, 1)
			d.ReportHealth(other)
		}
		if list := said("三庭"); len(list) != 2 || list[0].Code != "courtroom-twice" || list[1].Code != "courtroom-twice" ||
			!strings.Contains(list[0].Text, "pc5-7") || !strings.Contains(list[0].Text, "capture.courtroom") || !strings.Contains(list[0].TextEN, "pc3-4") {
			t.Errorf("two PCs: %+v", list)
		}
		d.ReportHealth(stopped(other))
		pulse(pc, 1)
		says("三庭", "")
	})
}

// stopped is the last word of a recorder that ends in order.
func stopped(h capture.Health) capture.Health {
	h.Stopped = true
	return h
}
