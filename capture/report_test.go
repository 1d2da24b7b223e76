package capture

import (
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
