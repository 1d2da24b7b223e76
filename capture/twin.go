package capture

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Signs hands over the signs of life of the court's parts.
type Signs interface {
	// FollowSigns does for signs of life what FollowHearings does for hearings.
	FollowSigns(ctx context.Context, heard func(Health), loaded func()) error
}

const (
	// twinWait is how long a daemon listens for another one of its courtroom before it
	// begins a hearing of which it has recorded nothing: each says every second that it is there.
	twinWait = 3 * time.Second
	// twinGone is how long the other has to be silent, and restartWithin how soon one has
	// to be back to go on at once: the latter is shorter, so that nobody steps in meanwhile.
	twinGone      = 8 * time.Second
	restartWithin = 5 * time.Second
)

// twins are the daemons of other PCs that are configured for the same courtroom. They
// would give the same numbers to different sound, of which the server keeps what comes
// first: so only one of them records.
type twins struct {
	mu     sync.Mutex
	since  time.Time // when signs of life began to be heard; zero: not yet
	known  map[string]twin
	yields bool // another one records
}

// twin is what another daemon said last.
type twin struct {
	at      time.Time // when it was heard
	records bool
}

// sign takes a sign of life. Those from before this daemon listened are old.
func (d *Daemon) sign(h Health) {
	if h.Component != "capture" || h.Courtroom != d.cfg.Courtroom || h.Instance == d.cfg.Instance {
		return
	}
	t := &d.twins
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since.IsZero() {
		return
	}
	if t.known == nil {
		t.known = map[string]twin{}
	}
	records := slices.ContainsFunc(h.Seats, func(s SeatHealth) bool { return s.Hearing != "" })
	t.known[h.Instance] = twin{time.Now(), records}
}

func (d *Daemon) signsLoaded() {
	d.twins.mu.Lock()
	d.twins.since = time.Now()
	d.twins.mu.Unlock()
	d.wake()
	time.AfterFunc(twinWait, d.wake)
}

// watchTwins is called every second. The one that records already goes on; of two that
// both do, or both do not, the one whose name comes first.
func (d *Daemon) watchTwins() {
	t, mine := &d.twins, d.recording() != nil
	t.mu.Lock()
	other, yields := "", false
	for name, twin := range t.known {
		if time.Since(twin.at) > twinGone {
			delete(t.known, name)
			continue
		}
		if first := twin.records && !mine || twin.records == mine && name < d.cfg.Instance; first || !yields {
			other, yields = name, first
		}
	}
	changed := t.yields != yields
	t.yields = yields
	t.mu.Unlock()
	if changed {
		d.wake()
	}
	if other == "" {
		d.alarms.clear(alarmTwin, "")
		return
	}
	zh, en := "本机继续录音", "This one goes on recording"
	if yields {
		zh, en = "本机不录音", "This one does not record"
	}
	if d.alarms.raise(Alarm{
		Code: alarmTwin,
		Text: fmt.Sprintf("法庭 %s：另一台电脑（%s）也配置为录这个法庭。%s：其中一台用了别的法庭的配置。请改正它的 capture.courtroom，然后重新启动录音程序。",
			d.cfg.Courtroom, other, zh),
		TextEN: fmt.Sprintf("Courtroom %s: another PC (%s) is configured to record it too. %s: one of them has another courtroom's configuration. Correct its capture.courtroom, and start its recorder again.",
			d.cfg.Courtroom, other, en),
	}) || changed {
		d.log.Warn("another PC is configured for this courtroom", "courtroom", d.cfg.Courtroom, "other", other, "this one records", !yields)
	}
}

func (d *Daemon) yields() bool {
	d.twins.mu.Lock()
	defer d.twins.mu.Unlock()
	return d.twins.yields
}

// mayRecord says whether no other PC records the hearing, as far as that can be known.
func (d *Daemon) mayRecord(h *Hearing, spool *Spool) bool {
	t := &d.twins
	t.mu.Lock()
	since, yields := t.since, t.yields
	t.mu.Unlock()
	switch {
	case d.links.Signs == nil:
		return true
	case yields:
		return false
	case since.IsZero() && (h.Local() || time.Since(d.began) >= trustMemory):
		return true // the log is away, and nobody can be asked
	case !since.IsZero() && time.Since(since) >= twinWait:
		return true
	default:
		return slices.ContainsFunc(d.seatList(), func(s *seat) bool {
			ch, ok := spool.Channel(h.ID, s.Channel)
			return ok && time.Since(ch.Touched) < restartWithin
		})
	}
}
