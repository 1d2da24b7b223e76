package capture

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestHung: a seat that stands still is a reason to start again only where no
// alarm says why it does.
func TestHung(t *testing.T) {
	at := time.Now()
	for name, test := range map[string]struct {
		step      SampleIndex // of the seat, a second
		recording bool
		alarms    []Alarm
		want      string
	}{
		"goes on":           {Rate, true, nil, ""},
		"stands still":      {0, true, nil, "judge"},
		"between hearings":  {0, false, nil, ""},
		"broken microphone": {0, true, []Alarm{{Code: alarmSource, Channel: "judge"}}, ""},
		"full disk":         {0, true, []Alarm{{Code: alarmDisk}}, ""},
		"another's trouble": {0, true, []Alarm{{Code: alarmSilent, Channel: "clerk"}}, "judge"},
	} {
		t.Run(name, func(t *testing.T) {
			var p progress
			got, samples := "", SampleIndex(0)
			for i := range 15 {
				samples += test.step
				got = p.hung(Health{At: at.Add(time.Duration(i) * time.Second), Alarms: test.alarms,
					Seats: []SeatHealth{{Channel: "judge", Recording: test.recording, Samples: samples}}})
				if i < 9 && got != "" {
					t.Fatalf("after %d s: %q", i, got)
				}
			}
			if got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestDiskLow: the warning comes hours ahead, by what the seats take, says how
// many, and goes when there is room again. The lesser of two disks counts.
func TestDiskLow(t *testing.T) {
	var said strings.Builder
	d, err := NewDaemon(Config{Courtroom: "3", Dir: "pc", ArchiveDir: "nas", Seats: []SeatSource{
		{Channel: "judge", Role: "审判长", Source: silentSource{}}, {Channel: "clerk", Role: "书记员", Source: silentSource{}},
	}}, Links{}, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	seats := d.seatList()
	hour := bytesPerSecond(seats) * 3600
	var free int64
	d.free = func(dir string) (int64, error) {
		if dir == "pc" {
			return 1000 * hour, nil
		}
		return free, nil
	}
	for _, step := range []struct {
		hours int64
		says  string
	}{{9, ""}, {7, "约 7.0 小时"}, {1, "约 1.0 小时"}, {20, ""}} {
		free = step.hours * hour
		if got := d.watchDisk(seats, newArchive("nas", "3", d.log), 1<<20); got != free {
			t.Errorf("%d bytes are free, not %d", free, got)
		}
		list := d.alarms.list()
		if step.says == "" && len(list) > 0 || step.says != "" && (len(list) != 1 || list[0].Code != alarmDiskLow || !strings.Contains(list[0].Text, step.says)) {
			t.Errorf("with room for %d hours: %+v", step.hours, list)
		}
	}
	if n := strings.Count(said.String(), "disk is nearly full"); n != 1 {
		t.Errorf("the log says it %d times:\n%s", n, &said)
	}
}

// silentSource is a microphone that nobody opens.
type silentSource struct{ Source }

func (silentSource) Resumable() bool { return false }
