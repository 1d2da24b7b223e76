package capture

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

// The codes of the alarms that a courtroom raises.
const (
	alarmSource       = "source-failed"
	alarmNoSource     = "seat-without-source"
	alarmDisk         = "disk-full"
	alarmDiskLow      = "disk-low"
	alarmSpoolFull    = "spool-full"
	alarmSpool        = "spool-failed"
	alarmSpoolDamaged = "spool-damaged"
	alarmArchive      = "archive-failed"
	alarmBroker       = "broker-unreachable"
	alarmLost         = "audio-lost"
	alarmMissing      = "audio-missing"
	alarmControl      = "control-failed"
	alarmSilent       = "microphone-silent"
	alarmClipped      = "microphone-clipped"
	alarmSame         = "microphones-identical"
	alarmReplaced     = "microphone-replaced"
	alarmClock        = "clock-wrong"
	alarmTwice        = "hearing-twice"
	alarmTwin         = "courtroom-twice"
)

// alarms are those that stand. It is safe for use by several goroutines.
type alarms struct {
	mu    sync.Mutex
	stand map[alarmPlace]Alarm
}

// alarmPlace is where there is one alarm at a time.
type alarmPlace struct{ code, channel string }

// raise sets an alarm; the time of the first one with its code and channel
// stays. It reports whether there was none before.
func (a *alarms) raise(alarm Alarm) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stand == nil {
		a.stand = map[alarmPlace]Alarm{}
	}
	at := alarmPlace{alarm.Code, alarm.Channel}
	before, stood := a.stand[at]
	if alarm.Since = time.Now().UTC(); stood {
		alarm.Since = before.Since
	}
	a.stand[at] = alarm
	return !stood
}

// clear reports whether the alarm stood.
func (a *alarms) clear(code, channel string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := alarmPlace{code, channel}
	_, stood := a.stand[at]
	delete(a.stand, at)
	return stood
}

// list gives the standing alarms in a stable order.
func (a *alarms) list() []Alarm {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make([]Alarm, 0, len(a.stand))
	for _, alarm := range a.stand {
		list = append(list, alarm)
	}
	slices.SortFunc(list, func(x, y Alarm) int {
		return cmp.Or(strings.Compare(x.Code, y.Code), strings.Compare(x.Channel, y.Channel))
	})
	return list
}
