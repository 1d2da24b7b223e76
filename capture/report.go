package capture

import (
	"fmt"
	"os"
	"time"
)

// Report is what the daemon knows of itself, for the PC that it runs on.
type Report struct {
	Health
	Backlog
	Filled uint64 `json:"filled"` // chunks that the spool had lost and the archive had
	Lost   uint64 `json:"lost"`   // chunks that nobody has any more
	Hung   string `json:"hung"`   // a seat that should record and stands still without a reason; "" is well
}

// bytesPerSecond is what seats take of the disk, archive and spool together.
func bytesPerSecond(seats []*seat) (n int64) {
	for _, s := range seats {
		rate := Rate
		if s.listener != nil {
			rate = s.listener.ear.hears()
		}
		n += 2*int64(rate) + 2*Rate
	}
	return n
}

// diskWarning is for how many hours of recording there should always be room.
const diskWarning = 8 * time.Hour

// Report says how the daemon is. It is cheap, and as old as the last sign of
// life: a second.
func (d *Daemon) Report() Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.report
}

// note keeps what a sign of life says, and looks after what it does not.
func (d *Daemon) note(h Health, spool *Spool, snd *sender) {
	backlog := spool.Backlog()
	if backlog.Bytes < backlog.MaxBytes/10*9 {
		d.alarms.clear(alarmSpoolFull, "") // also where nothing is recorded any more
	}
	r := Report{Health: h, Backlog: backlog, Filled: snd.filled.Load(), Lost: snd.lost.Load()}
	d.mu.Lock()
	defer d.mu.Unlock()
	r.Hung = d.progress.hung(h)
	d.report = r
}

// watchDisk warns long before the disk is full; free is -1 where nobody knows.
func (d *Daemon) watchDisk(seats []*seat) (free int64) {
	free = -1
	for _, dir := range []string{d.cfg.Dir, d.cfg.ArchiveDir} {
		if n, err := d.free(dir); err == nil && (free < 0 || n < free) {
			free = n
		}
	}
	left := time.Duration(0)
	if len(seats) > 0 && free >= 0 {
		left = time.Duration(free/bytesPerSecond(seats)) * time.Second
	}
	if free < 0 || len(seats) == 0 || left > diskWarning {
		d.alarms.clear(alarmDiskLow, "")
		return max(0, free)
	}
	if d.alarms.raise(Alarm{
		Code:   alarmDiskLow,
		Text:   fmt.Sprintf("法庭 %s：磁盘剩余空间只够再录约 %.1f 小时（%d MB）；请清理磁盘或更换硬盘", d.cfg.Courtroom, left.Hours(), free>>20),
		TextEN: fmt.Sprintf("Courtroom %s: the disk has room for about %.1f hours of recording (%d MB); free space or change the disk", d.cfg.Courtroom, left.Hours(), free>>20),
	}) {
		d.log.Warn("disk is nearly full", "courtroom", d.cfg.Courtroom, "free", free, "hours", left.Hours())
	}
	return free
}

// progress finds seats that stand still.
type progress struct {
	samples map[string]SampleIndex
	moved   map[string]time.Time
}

// clockLeastYear: a PC that believes it is earlier has lost its clock.
const clockLeastYear = 2020

// watchClock tells of a clock that cannot be right. It stops nothing: what is
// recorded keeps its lengths, and the wrong dates show.
func (d *Daemon) watchClock(now time.Time) {
	if now.Year() >= clockLeastYear {
		d.alarms.clear(alarmClock, "")
		return
	}
	if d.alarms.raise(Alarm{
		Code:   alarmClock,
		Text:   fmt.Sprintf("法庭 %s：电脑时钟不对（%s）；请校准时间并启用网络对时", d.cfg.Courtroom, now.Format("2006-01-02 15:04")),
		TextEN: fmt.Sprintf("Courtroom %s: the PC believes it is %s; set its clock and have it kept right by NTP", d.cfg.Courtroom, now.Format("2006-01-02 15:04")),
	}) {
		d.log.Warn("the clock is wrong", "courtroom", d.cfg.Courtroom, "now", now)
	}
}

// watchArchive looks whether a folder that could not be opened can be now.
func (d *Daemon) watchArchive() {
	if d.noArchive && os.MkdirAll(d.cfg.ArchiveDir, 0o755) == nil {
		d.noArchive = false
		d.alarms.clear(alarmArchive, "")
	}
}

// hangs is how long a seat may stand still with no alarm that says why.
const hangs = 10 * time.Second

// hung names a seat that should record and has not for long, though no alarm
// says why: then only a restart helps. A broken microphone is no reason, as the
// other seats would pay for it.
func (p *progress) hung(h Health) (channel string) {
	if p.samples == nil {
		p.samples, p.moved = map[string]SampleIndex{}, map[string]time.Time{}
	}
	excused := map[string]bool{}
	for _, a := range h.Alarms {
		switch a.Code {
		case alarmSource, alarmSilent, alarmDisk, alarmSpool, alarmSpoolFull, alarmLost:
			excused[a.Channel] = true // "" excuses all: the disk, the spool
		}
	}
	for _, s := range h.Seats {
		before, known := p.samples[s.Channel]
		if !known || s.Samples != before || !s.Recording || excused[s.Channel] || excused[""] {
			p.samples[s.Channel], p.moved[s.Channel] = s.Samples, h.At
		}
		if h.At.Sub(p.moved[s.Channel]) > hangs {
			channel = s.Channel
		}
	}
	return channel
}
