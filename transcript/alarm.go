package transcript

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tingji/capture"
)

// alarms are what the docket itself has to say, by code and by the part of it
// that says it: three partitions that cannot be stored are one alarm, which
// goes when the last of them is well. The zero value is ready; safe for several
// goroutines.
type alarms struct {
	mu     sync.Mutex
	raised map[alarmKey]capture.Alarm
}

type alarmKey struct{ code, part string }

// raise reports whether the alarm is new; it keeps the time of the first.
func (a *alarms) raise(part string, alarm capture.Alarm) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := alarmKey{alarm.Code, part}
	if old, ok := a.raised[key]; ok {
		alarm.Since = old.Since
		a.raised[key] = alarm
		return old.Text != alarm.Text
	}
	if a.raised == nil {
		a.raised = map[alarmKey]capture.Alarm{}
	}
	a.raised[key] = alarm
	return true
}

func (a *alarms) clear(code, part string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.raised[alarmKey{code, part}]
	delete(a.raised, alarmKey{code, part})
	return ok
}

// list has each code once, the oldest first; never nil.
func (a *alarms) list() []capture.Alarm {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []capture.Alarm{}
	for _, alarm := range a.raised {
		list = append(list, alarm)
	}
	slices.SortFunc(list, func(x, y capture.Alarm) int {
		return cmp.Or(cmp.Compare(x.Code, y.Code), x.Since.Compare(y.Since))
	})
	list = slices.CompactFunc(list, func(x, y capture.Alarm) bool { return x.Code == y.Code })
	slices.SortStableFunc(list, func(x, y capture.Alarm) int { return x.Since.Compare(y.Since) })
	return list
}

// Codes of the docket's own alarms.
const (
	alarmStore  = "store-failing"
	alarmDisk   = "disk-full"
	alarmBroker = "broker-unreachable"
	alarmAside  = "segments-set-aside"

	alarmRestored = "restored"
)

// storeFailing words a failure of the database for people; the log has its
// cause.
func storeFailing(err error) capture.Alarm {
	if errors.Is(err, ErrDiskFull) {
		return capture.Alarm{
			Code:   alarmDisk,
			Text:   "记录服务器的磁盘已满，新的文字暂时存不进去。录音不受影响；请清理磁盘，之后会自动补上。",
			TextEN: "The record server's disk is full: new text cannot be stored. Recording is not affected; free some space, and the text will follow by itself.",
		}
	}
	return capture.Alarm{
		Code:   alarmStore,
		Text:   "庭审记录暂时存不进数据库。录音不受影响，恢复后文字会自动补上；请技术人员检查数据库和磁盘。",
		TextEN: "The record cannot be stored in the database at the moment. Recording is not affected and the text will follow by itself; have the database and the disk checked.",
	}
}

func brokerFailing(error) capture.Alarm {
	return capture.Alarm{
		Code:   alarmBroker,
		Text:   "记录服务器与消息服务器（Kafka）失去联系，正在重连。法庭电脑照常录音，恢复后文字会自动补上；请检查网络和消息服务器。",
		TextEN: "The record server has lost the message broker (Kafka) and is reconnecting. The courtrooms go on recording and the text will follow by itself; check the network and the broker.",
	}
}

// Back-off between tries of what must not be skipped.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// persist runs f until it succeeds, and reports false when ctx ended first.
// While it fails, part raises the alarm that word makes of the error; the log
// gets one line at the beginning of the outage and one at its end.
func (d *Docket) persist(ctx context.Context, word func(error) capture.Alarm, part string, f func() error) bool {
	var codes []string
	wait := firstRetry
	began := time.Now()
	for {
		err := f()
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return false
		}
		alarm := word(err)
		alarm.Since = stamp(began)
		if !slices.Contains(codes, alarm.Code) {
			codes = append(codes, alarm.Code)
			d.log.Warn("will try until it works", "part", part, "alarm", alarm.Code, "err", err)
		}
		if d.alarms.raise(part, alarm) {
			d.tellHealth(d.ownHealth())
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
		wait = min(2*wait, lastRetry)
	}
	if len(codes) > 0 {
		for _, code := range codes {
			d.alarms.clear(code, part)
		}
		d.tellHealth(d.ownHealth())
		d.log.Info("works again", "part", part, "after", time.Since(began).Round(time.Millisecond))
	}
	return true
}
