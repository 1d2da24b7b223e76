package transcript

import (
	"cmp"
	"context"
	"fmt"
	"maps"
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

// heard notes what a part says, and returns the parts that it replaces, as they
// are to be told: stopped, and nothing to worry about.
func (p *parts) heard(h capture.Health, now time.Time) (replaced []capture.Health) {
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
				replaced = append(replaced, capture.Health{Component: k.component, Instance: k.instance,
					Courtroom: h.Courtroom, At: old.health.At, Alarms: []capture.Alarm{}, Stopped: true})
			}
		}
		if p.known == nil {
			p.known = map[partKey]*part{}
		}
		known = &part{first: now}
		p.known[key] = known
	}
	known.health, known.last, known.silent = h, now, false
	return replaced
}

// twin names another PC that records the same courtroom at the same time as one:
// one of them has another courtroom's configuration. Empty: there is none, as after
// a restart, where only the newer one lives.
func (p *parts) twin(h *capture.Health, now time.Time) string {
	if h.Component != "capture" || h.Courtroom == "" || h.Stopped {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.known[partKey{h.Component, h.Instance}]
	for k, other := range p.known {
		if other != own && k.component == h.Component && other.health.Courtroom == h.Courtroom &&
			own != nil && now.Sub(own.first) > silentAfter && now.Sub(other.first) > silentAfter &&
			!other.health.Stopped && !other.dead(now) {
			return k.instance
		}
	}
	return ""
}

// absent are the courtrooms, of those whose PCs are to be heard, of which nobody says
// anything: nothing is known of their recorder, or that it has ended in order. One that
// fell silent, or has said why it does not start, speaks for itself.
func (p *parts) absent(expected []string, since, now time.Time, room func(string) string) []capture.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []capture.Health
	for _, id := range expected {
		ended := since
		never, here := true, false
		for k, known := range p.known {
			if k.component != "capture" || known.health.Courtroom != id {
				continue
			}
			never = false
			if here = here || !known.health.Stopped || len(known.health.Alarms) > 0; known.last.After(ended) {
				ended = known.last
			}
		}
		if wait := silentAfter; here || now.Sub(ended) <= wait || never && now.Sub(ended) <= startGrace {
			continue
		}
		a := capture.Alarm{Code: "silent", Since: stamp(ended),
			Text: fmt.Sprintf("%s的录音程序没有运行：服务器启动以来没有收到这个法庭的任何信号，开庭也录不到声音。请打开法庭电脑，检查网络和录音程序；在该电脑上运行 tingji capture check 会说明原因。", room(id)),
			TextEN: fmt.Sprintf("The recorder of courtroom %s does not run: nothing was heard of it since the server started, and a hearing there would not be recorded. "+
				"Switch the courtroom's PC on, check its network and the recorder; tingji capture check on that PC says why.", id)}
		if !never {
			at := ended.In(beijing).Format("15:04:05")
			a.Text = fmt.Sprintf("%s的录音程序已于 %s 停止，这个法庭没有在录音。请在法庭电脑上重新启动录音程序；启动不了时，在该电脑上运行 tingji capture check 会说明原因。", room(id), at)
			a.TextEN = fmt.Sprintf("The recorder of courtroom %s was stopped at %s: this courtroom is not recorded. Start it again on the courtroom's PC; if it does not start, tingji capture check on that PC says why.", id, at)
		}
		list = append(list, capture.Health{Component: "capture", Instance: "none", Courtroom: id, At: stamp(now), Alarms: []capture.Alarm{a}})
	}
	return list
}

// startGrace is how long a courtroom that was never heard may take after the server
// has started, which has to find the broker first.
const startGrace = 6 * time.Second

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
	now := time.Now()
	for _, old := range d.parts.heard(h, now) {
		d.tellHealth(old) // pages forget it, and its alarms
	}
	d.tellHealth(d.withTwin(h, now))
}

// withTwin adds what only the server can know of a courtroom's recorder.
func (d *Docket) withTwin(h capture.Health, now time.Time) capture.Health {
	other := d.parts.twin(&h, now)
	const code = "courtroom-twice"
	if other == "" || slices.ContainsFunc(h.Alarms, func(a capture.Alarm) bool { return a.Code == code }) {
		return h // or it knows by itself
	}
	h.Alarms = append(slices.Clone(h.Alarms), capture.Alarm{
		Code: code, Since: stamp(now),
		Text:   fmt.Sprintf("有两台电脑都在录%s（%s、%s）：其中一台用了别的法庭的配置。请改正它的 capture.courtroom，然后重新启动录音程序。", d.roomName(h.Courtroom), h.Instance, other),
		TextEN: fmt.Sprintf("Two PCs record courtroom %s (%s, %s): one of them has another courtroom's configuration. Correct its capture.courtroom, and start its recorder again.", h.Courtroom, h.Instance, other),
	})
	return h
}

// Health is the latest of every part that is known, the dead ones with an
// alarm saying so, and of the docket itself, by component and instance.
func (d *Docket) Health() []capture.Health {
	now := time.Now()
	list := append(d.parts.list(now, d.roomName), d.ownHealth())
	for i := range list {
		list[i] = d.withTwin(list[i], now)
	}
	list = append(list, d.parts.absent(d.heardFrom, d.began, now, d.roomName)...)
	slices.SortFunc(list, func(a, b capture.Health) int {
		return cmp.Or(cmp.Compare(a.Component, b.Component), cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Courtroom, b.Courtroom))
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
	gone := map[string]bool{} // courtrooms that nothing is heard of
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
		d.tellAbsent(gone, time.Now())
		if n%2 == 0 {
			aside.run(d, time.Now())
			d.tellHealth(d.ownHealth())
		}
	}
}

// tellAbsent tells of the courtrooms that nothing is heard of, and of those that are
// heard again. said are those that were told of.
func (d *Docket) tellAbsent(said map[string]bool, now time.Time) {
	was := maps.Clone(said)
	for _, h := range d.parts.absent(d.heardFrom, d.began, now, d.roomName) {
		delete(was, h.Courtroom)
		if !said[h.Courtroom] {
			said[h.Courtroom] = true
			d.log.Warn("nothing is heard of a courtroom's recorder", "courtroom", h.Courtroom, "since", h.Alarms[0].Since)
		}
		d.tellHealth(h)
	}
	for id := range was {
		delete(said, id)
		d.tellHealth(capture.Health{Component: "capture", Instance: "none", Courtroom: id, At: stamp(now), Alarms: []capture.Alarm{}, Stopped: true})
	}
}
