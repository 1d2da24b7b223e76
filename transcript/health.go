package transcript

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tingji/capture"
)

// silentAfter is how long a part may say nothing before it is taken for dead;
// it speaks every second.
const silentAfter = 3 * time.Second

// parts is the latest that every part of the system said of itself, by this
// process's clock: those of the courtrooms may differ. The zero value is ready;
// safe for several goroutines.
type parts struct {
	mu    sync.Mutex
	known map[partKey]*part
}

type partKey struct{ component, instance string }

type part struct {
	health capture.Health
	first  time.Time // when it first spoke
	last   time.Time
	silent bool // and its subscribers know
}

// heard notes what a part says.
func (p *parts) heard(h capture.Health, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := partKey{h.Component, h.Instance}
	known, ok := p.known[key]
	if !ok {
		// A part that started again has a new instance; what it replaces is
		// not missing. Two parts that run side by side have overlapping lives.
		for k, old := range p.known {
			if k.component == h.Component && old.health.Courtroom == h.Courtroom &&
				(old.health.Stopped || now.Sub(old.last) > silentAfter) {
				delete(p.known, k)
			}
		}
		if p.known == nil {
			p.known = map[partKey]*part{}
		}
		known = &part{first: now}
		p.known[key] = known
	}
	known.health, known.last, known.silent = h, now, false
}

// fellSilent returns the parts that have fallen silent since the last call.
func (p *parts) fellSilent(now time.Time, room func(string) string) []capture.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	var fallen []capture.Health
	for _, known := range p.known {
		if !known.silent && known.dead(now) {
			known.silent = true
			fallen = append(fallen, known.now(now, room))
		}
	}
	return fallen
}

// list has all parts, the dead ones with an alarm.
func (p *parts) list(now time.Time, room func(string) string) []capture.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]capture.Health, 0, len(p.known)+1)
	for _, known := range p.known {
		list = append(list, known.now(now, room))
	}
	return list
}

func (p *part) dead(now time.Time) bool {
	return !p.health.Stopped && now.Sub(p.last) > silentAfter
}

// now is the health as it is to be shown; the slices of a dead part are copied.
func (p *part) now(now time.Time, room func(string) string) capture.Health {
	h := p.health
	if !p.dead(now) {
		return h
	}
	name, nameEN, todo, todoEN := "程序", "The program", "请检查它所在的电脑。", "check its computer."
	switch h.Component {
	case "capture":
		name, nameEN = "录音程序", "The recorder"
		todo = "这个法庭可能没有在录音：请检查法庭电脑的电源、网络和录音程序。"
		todoEN = "this courtroom may not be recording: check the courtroom PC, its network and the recorder."
	case "asr":
		name, nameEN = "语音识别程序", "The recognition worker"
		todo = "录音不受影响，文字会推迟出现：请检查识别服务器。"
		todoEN = "recording is not affected, text will be late: check the recognition server."
	case "serve":
		name, nameEN = "记录服务器", "The record server"
		todo = "请检查服务器。"
		todoEN = "check the server."
	}
	where, whereEN := h.Instance, h.Instance
	if h.Courtroom != "" {
		where = room(h.Courtroom) + "，" + where
		whereEN = h.Courtroom + ", " + whereEN
	}
	h.Alarms = append(slices.Clone(h.Alarms), capture.Alarm{
		Code: "silent", Since: stamp(p.last),
		Text:   fmt.Sprintf("%s（%s）没有回应。%s", name, where, todo),
		TextEN: fmt.Sprintf("%s (%s) does not answer: %s", nameEN, whereEN, todoEN),
	})
	// Levels of a dead part are no news, and must not look like life.
	h.Seats = slices.Clone(h.Seats)
	for i := range h.Seats {
		h.Seats[i].LevelDBFS, h.Seats[i].Recording = -120, false
	}
	return h
}

// ReportHealth tells the docket's subscribers how a part of the system is. The
// docket keeps h: the caller does not change its slices afterwards.
func (d *Docket) ReportHealth(h capture.Health) {
	if h.Alarms == nil {
		h.Alarms = []capture.Alarm{}
	}
	d.ReportByHand(h.ByHand)
	h.ByHand = nil // hearings have their own events
	d.parts.heard(h, time.Now())
	d.tellHealth(h)
}

// Health is the latest of every part that is known, the dead ones with an
// alarm saying so, and of the docket itself, by component and instance.
func (d *Docket) Health() []capture.Health {
	list := append(d.parts.list(time.Now(), d.roomName), d.ownHealth())
	slices.SortFunc(list, func(a, b capture.Health) int {
		return cmp.Or(cmp.Compare(a.Component, b.Component), cmp.Compare(a.Instance, b.Instance))
	})
	return list
}

// ownHealth is what the docket has to say of itself.
func (d *Docket) ownHealth() capture.Health {
	return capture.Health{
		Component: "serve", Instance: "docket", At: stamp(time.Now()), Alarms: d.alarms.list(),
	}
}

// tellHealth hands one part's health to those whom it concerns.
func (d *Docket) tellHealth(h capture.Health) {
	d.feeds.publish("", Event{Kind: HealthChanged, Health: &h})
}

// watch tells the subscribers of parts that fall silent, and each second how the
// docket is.
func (d *Docket) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second / 2)
	defer tick.Stop()
	var aside asideReport
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, h := range d.parts.fellSilent(time.Now(), d.roomName) {
			d.log.Warn("a part has fallen silent", "component", h.Component,
				"instance", h.Instance, "courtroom", h.Courtroom)
			d.tellHealth(h)
		}
		if n%2 == 0 {
			aside.run(d, time.Now())
			d.tellHealth(d.ownHealth())
		}
	}
}
