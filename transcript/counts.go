package transcript

import (
	"fmt"
	"sync/atomic"
	"time"

	"tingji/capture"
)

// Counts are what a docket has done since it was made; they only grow.
type Counts struct {
	Applied  uint64 // finals and silences that the store took
	Repeated uint64 // those that it had already, or that came from a stale worker
	SetAside uint64 // messages that could not be used
}

// Counts is safe to call at any time.
func (d *Docket) Counts() Counts {
	return Counts{
		Applied:  d.counts.applied.Load(),
		Repeated: d.counts.repeated.Load(),
		SetAside: d.counts.setAside.Load(),
	}
}

type counts struct {
	applied, repeated, setAside atomic.Uint64
	lastAside                   atomic.Pointer[asideNote]
}

// asideNote is the latest message that was set aside.
type asideNote struct {
	reason string
	err    error
	at     Source
}

// asideShown is how long people are told that messages were set aside.
const asideShown = time.Minute

// asideReport tells of messages that were set aside since it last ran.
type asideReport struct {
	told uint64
	last time.Time
}

func (r *asideReport) run(d *Docket, now time.Time) {
	n := d.counts.setAside.Load()
	changed := false
	switch {
	case n > r.told:
		note := d.counts.lastAside.Load()
		d.log.Warn("segments set aside", "count", n-r.told, "reason", note.reason, "err", note.err,
			"partition", note.at.Partition, "offset", note.at.Offset)
		r.told, r.last = n, now
		changed = d.alarms.raise("aside", capture.Alarm{
			Code:   alarmAside,
			Since:  stamp(now),
			Text:   fmt.Sprintf("有 %d 条识别结果无法使用，已另存备查（%s）。请技术人员检查识别程序的版本和配置。", n, note.reason),
			TextEN: fmt.Sprintf("%d recognition results could not be used and are kept aside (%s). Have the version and the configuration of the recognition workers checked.", n, note.reason),
		})
	case now.Sub(r.last) > asideShown:
		changed = d.alarms.clear(alarmAside, "aside")
	}
	if changed {
		d.tellHealth(d.ownHealth())
	}
}
