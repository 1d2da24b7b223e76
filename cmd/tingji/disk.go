package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tingji/capture"
)

// serverLeft is for how long the record server's disk has room for the sound of all
// seats of all courtrooms at once, as the pipeline has it; known is false where no
// seat is configured, or the disk does not say.
func (a *app) serverLeft() (left time.Duration, free int64, known bool) {
	seats := 0
	for _, room := range a.config.Courtrooms {
		seats += len(room.Seats)
	}
	free, err := capture.DiskFree(a.config.Data)
	if err != nil || seats == 0 {
		return 0, free, false
	}
	return time.Duration(free/int64(seats*2*capture.Rate)) * time.Second, free, true
}

// diskLook is how often the record server looks at its disk.
const diskLook = 10 * time.Second

// diskWatch warns of the record server's disk while there is time to act. It is for
// one goroutine.
type diskWatch struct {
	app    *app
	looked time.Time
	alarm  *capture.Alarm
}

// alarms has the warning where one is due.
func (w *diskWatch) alarms(now time.Time) []capture.Alarm {
	if now.Sub(w.looked) >= diskLook {
		w.looked = now
		w.look(now)
	}
	if w.alarm == nil {
		return nil
	}
	return []capture.Alarm{*w.alarm}
}

func (w *diskWatch) look(now time.Time) {
	left, free, known := w.app.serverLeft()
	if !known || left >= capture.DiskWarning {
		w.alarm = nil
		return
	}
	since := now
	if w.alarm != nil {
		since = w.alarm.Since
	} else {
		w.app.log.Warn("disk is nearly full", "folder", w.app.config.Data, "free", free, "hours", left.Hours())
	}
	w.alarm = &capture.Alarm{
		Code: "disk-low", Since: since,
		Text: fmt.Sprintf("服务器磁盘剩余 %d MB（目录 %s），所有席位同时开庭只够约 %.1f 小时；请清理磁盘或更换硬盘。存满之后，录音仍保存在法庭电脑上。",
			free>>20, w.app.config.Data, left.Hours()),
		TextEN: fmt.Sprintf("The server's disk has %d MB left (folder %s), for about %.1f hours with every seat in use; free space or change the disk. Once it is full, audio is kept in the courtrooms.",
			free>>20, w.app.config.Data, left.Hours()),
	}
}

// checkDisk says for how long this machine's disk has room: a courtroom's PC for its
// seats, a record server for all.
func checkDisk(_ context.Context, a *app) (string, error) {
	if a.config.Capture.Courtroom != "" {
		return a.checkRoom(a.config.Data)
	}
	left, free, known := a.serverLeft()
	found := fmt.Sprintf("%s has %d MB", a.config.Data, free>>20)
	if known {
		found += fmt.Sprintf(", for about %.1f hours of all seats of all courtrooms", left.Hours())
		if left < capture.DiskWarning {
			return "", errors.New(found + fmt.Sprintf(", where there should be %.0f: free space or change the disk", capture.DiskWarning.Hours()))
		}
	}
	return found, nil
}
