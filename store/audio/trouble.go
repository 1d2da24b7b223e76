package audio

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tingji/capture"
	"tingji/store"
)

// trouble keeps the alarms of the archive. Safe for several goroutines.
type trouble struct {
	mu      sync.Mutex
	fault   *capture.Alarm // nothing is archived
	gaps    []capture.Alarm
	damages map[string]capture.Alarm // by file; until the next start
}

// failed notes why a session ended.
func (t *trouble) failed(err error, dir string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var log *logError
	alarm := capture.Alarm{Since: now()}
	switch {
	case store.DiskFull(err):
		alarm.Code = "disk-full"
		alarm.Text = fmt.Sprintf("服务器磁盘已满，录音无法存档（目录 %s）。录音仍保存在法庭电脑上，没有丢失；请腾出空间，之后会自动补存。", dir)
		alarm.TextEN = fmt.Sprintf("The server's disk is full: audio cannot be archived (folder %s). It is kept in the courtrooms and nothing is lost; free some space, the rest follows by itself.", dir)
	case errors.As(err, &log):
		alarm.Code = "broker-unreachable"
		alarm.Text = "服务器读不到法庭传来的录音（消息服务无响应）。录音仍保存在法庭电脑上，没有丢失；请检查消息服务和网络。"
		alarm.TextEN = "The server cannot read the audio that the courtrooms send (the broker does not answer). It is kept in the courtrooms and nothing is lost; check the broker and the network."
	default:
		alarm.Code = "audio-archive-failing"
		alarm.Text = fmt.Sprintf("录音无法存档（目录 %s）：%v。录音仍保存在法庭电脑上，没有丢失；系统会不断重试。", dir, err)
		alarm.TextEN = fmt.Sprintf("Audio cannot be archived (folder %s): %v. It is kept in the courtrooms and nothing is lost; the server keeps trying.", dir, err)
	}
	if t.fault != nil && t.fault.Code == alarm.Code {
		alarm.Since = t.fault.Since
	}
	t.fault = &alarm
}

// stored ends any fault.
func (t *trouble) stored() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fault = nil
}

// working notes that a session has held for askEvery, and what it misses. What
// could not be stored is read again at once and fails within flushEvery: a
// session that holds has nothing left to store.
func (t *trouble) working(gaps []capture.Alarm) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gaps, t.fault = gaps, nil
}

func (t *trouble) damage(f store.AudioFile) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.damages == nil {
		t.damages = map[string]capture.Alarm{}
	}
	t.damages[f.File] = capture.Alarm{
		Code: "audio-file-damaged", Hearing: f.Hearing, Channel: f.Channel, Since: now(),
		Text:   fmt.Sprintf("录音文件 %s 损坏或被删除；之后的录音另存新文件。请从备份或法庭电脑的存档恢复该文件。", f.File),
		TextEN: fmt.Sprintf("The audio file %s is damaged or gone; what follows goes into a new file. Restore it from a backup, or from the courtroom's own archive.", f.File),
	}
}

func gapAlarm(c store.AudioChannel, since time.Time) capture.Alarm {
	return capture.Alarm{
		Code: "audio-gap", Hearing: c.Hearing, Channel: c.Channel, Since: since,
		Text:   fmt.Sprintf("席位 %s 的录音缺第 %d 段，已请法庭电脑补发；补发之前，其后的录音保存在法庭电脑上。", c.Channel, c.Missing),
		TextEN: fmt.Sprintf("Chunk %d of seat %s is missing; the courtroom has been asked for it. Until it comes, what follows is kept in the courtroom.", c.Missing, c.Channel),
	}
}

func (t *trouble) alarms() []capture.Alarm {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := slices.Clone(t.gaps)
	if t.fault != nil {
		list = append(list, *t.fault)
	}
	for _, file := range slices.Sorted(maps.Keys(t.damages)) {
		list = append(list, t.damages[file])
	}
	return list
}
