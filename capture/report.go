package capture

import (
	"fmt"
	"os"
	"sync"
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
		n += BytesPerSecond(rate)
	}
	return n
}

// BytesPerSecond is what a seat takes of the disk whose device gives a rate in Hz,
// archive and spool together.
func BytesPerSecond(rate int) int64 { return 2*int64(rate) + 2*Rate }

// DiskWarning is for how long a recording there should always be room.
const DiskWarning = 8 * time.Hour

// DiskFree is how many bytes may still be written to a folder's disk. It does not
// return while a drive hangs.
func DiskFree(dir string) (int64, error) { return freeBytes(dir) }

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

// disk is the room on a folder's drive. It is asked for in a goroutine of its own, as
// a drive may hang.
type disk struct {
	mu     sync.Mutex
	free   int64 // bytes; less than 0: not known
	asked  time.Time
	asking bool
}

// diskPatience is how long the sign of life waits for a drive to say how much room
// it has; a healthy one takes microseconds.
const diskPatience = 100 * time.Millisecond

// look asks, and gives the last answer; it is -1 where nobody knows, and since is set
// where the drive does not answer.
func (k *disk) look(ask func() (int64, error)) (free int64, since time.Time) {
	k.mu.Lock()
	asking := k.asking
	if !asking {
		k.asking, k.asked = true, time.Now()
	}
	k.mu.Unlock()
	if !asking {
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			n, err := ask()
			if err != nil {
				n = -1
			}
			k.mu.Lock()
			defer k.mu.Unlock()
			k.free, k.asking = n, false
		}()
		patience := time.NewTimer(diskPatience)
		defer patience.Stop()
		select {
		case <-answered:
		case <-patience.C:
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.asking && time.Since(k.asked) >= archiveHangs {
		return -1, k.asked
	}
	if k.asked.IsZero() {
		return -1, time.Time{}
	}
	return k.free, time.Time{}
}

// watchDisk warns long before the disk is full; free is 0 where nobody knows. The
// archive stops when its drive has room for no more than reserve, which the spool needs,
// and goes on when there is more than twice that: what the spool has reaches the server,
// and makes room again.
func (d *Daemon) watchDisk(seats []*seat, archive *Archive, reserve int64) (free int64) {
	free, since := d.spoolDisk.look(func() (int64, error) { return d.free(d.cfg.Dir) })
	if !since.IsZero() && d.alarms.raise(Alarm{
		Code:   alarmSpool,
		Text:   fmt.Sprintf("法庭 %s：录音暂存盘自 %s 起没有响应；请立即检查磁盘", d.cfg.Courtroom, since.Local().Format("15:04:05")),
		TextEN: fmt.Sprintf("Courtroom %s: the disk of the spool has not answered since %s; check it at once", d.cfg.Courtroom, since.Local().Format("15:04:05")),
	}) {
		d.log.Error("the disk of the spool does not answer", "courtroom", d.cfg.Courtroom, "since", since)
	}
	n, _ := d.archDisk.look(func() (n int64, err error) {
		err = archive.under(func() (err error) {
			if d.noArchive.Load() != nil { // perhaps it can be opened now
				if err = os.MkdirAll(d.cfg.ArchiveDir, 0o755); err != nil {
					d.noArchive.Store(&err)
					return err
				}
				d.noArchive.Store(nil)
			}
			n, err = d.free(d.cfg.ArchiveDir)
			return err
		})
		return n, err
	})
	switch {
	case n < 0:
	case n < reserve && !archive.stopped.Swap(true):
		d.log.Error("disk is nearly full: the archive stops, the spool goes on", "courtroom", d.cfg.Courtroom, "free", n)
	case n > 2*reserve && archive.stopped.Swap(false):
		d.log.Info("disk has room again: the archive goes on", "courtroom", d.cfg.Courtroom, "free", n)
	}
	if n >= 0 && (free < 0 || n < free) {
		free = n
	}
	left := time.Duration(0)
	if len(seats) > 0 && free >= 0 {
		left = time.Duration(free/bytesPerSecond(seats)) * time.Second
	}
	if free < 0 || len(seats) == 0 || left > DiskWarning {
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

// watchArchive tells of an archive that does not answer, or could not be opened.
func (d *Daemon) watchArchive(archive *Archive) {
	since, hangs := archive.hangs()
	failed := d.noArchive.Load()
	switch {
	case archive.stopped.Load():
		d.alarms.raise(Alarm{
			Code:   alarmArchive,
			Text:   fmt.Sprintf("法庭 %s：磁盘已满，本机录音存档停止写入，剩余空间留给暂存区；服务器收到的录音不受影响，断网时只够录几分钟。请立即清理磁盘", d.cfg.Courtroom),
			TextEN: fmt.Sprintf("Courtroom %s: the disk is full; the local archive has stopped and leaves what room there is to the spool. What reaches the server is safe; without the server there is room for minutes. Free space at once", d.cfg.Courtroom),
		})
	case hangs:
		at := since.Local().Format("15:04:05")
		if d.alarms.raise(Alarm{
			Code:   alarmArchive,
			Text:   fmt.Sprintf("法庭 %s：本机录音存档所在的磁盘自 %s 起没有响应；暂存区照常录音。请检查磁盘或网络盘", d.cfg.Courtroom, at),
			TextEN: fmt.Sprintf("Courtroom %s: the drive of the local archive has not answered since %s; the spool goes on recording. Check the disk or network drive", d.cfg.Courtroom, at),
		}) {
			d.log.Error("the drive of the archive does not answer", "courtroom", d.cfg.Courtroom, "since", since)
		}
	case failed != nil:
		d.alarms.raise(Alarm{
			Code:   alarmArchive,
			Text:   fmt.Sprintf("法庭 %s：本机录音存档文件夹无法使用（%v）；请检查磁盘或网络盘", d.cfg.Courtroom, *failed),
			TextEN: fmt.Sprintf("Courtroom %s: the folder of the local archive cannot be used (%v); check the disk or network drive", d.cfg.Courtroom, *failed),
		})
	default:
		if d.alarms.clear(alarmArchive, "") {
			d.log.Info("the archive answers again", "courtroom", d.cfg.Courtroom)
		}
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
