package transcript

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"tingji/capture"
)

// recallFor is how long the log keeps what was said in a hearing (segments.v1): one
// that is over for longer cannot be had from it.
const recallFor = 30 * 24 * time.Hour

// recall takes in the hearings of which the log knows a newer state than the store:
// those that were announced, opened or closed after the backup that the store was
// restored from. What was said in them stands on the log behind the store's offsets
// and finds its hearing then; a PC would take no older state of its hearing for an
// answer. It returns false only when ctx ended.
func (d *Docket) recall(ctx context.Context, pub Publisher) bool {
	var logged []capture.Hearing
	if !d.persist(ctx, brokerFailing, "recall", func() (err error) {
		logged, err = pub.Published(ctx)
		return err
	}) {
		return false
	}
	var back []string
	for _, told := range logged {
		if overSince(told) > recallFor {
			continue
		}
		taken := false
		if !d.persist(ctx, storeFailing, "recall", func() (err error) {
			taken, err = d.recallOne(ctx, told)
			return err
		}) {
			return false
		}
		if taken {
			back = append(back, told.ID)
		}
	}
	if len(back) == 0 {
		return true
	}
	d.log.Warn("the store is older than the log, as after a restore: hearings were taken in from the log; what clerks changed or signed in them since the backup is not there",
		"count", len(back), "hearings", strings.Join(back, " "))
	d.alarms.raise("recall", restored(back))
	return true
}

// recallOne takes in one hearing, where the log knows it better.
func (d *Docket) recallOne(ctx context.Context, told capture.Hearing) (taken bool, err error) {
	d.opening.Lock()
	defer d.opening.Unlock()
	old, err := d.store.Hearing(ctx, told.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		h := recalled(told)
		if !reflect.DeepEqual(h, told) {
			h.Version++ // else it is what everybody knows
		}
		if err := d.store.CreateHearing(ctx, h); err != nil {
			return false, fmt.Errorf("recall hearing %s: %w", h.ID, err)
		}
		d.changed(h, 0)
		return true, nil
	case err != nil:
		return false, fmt.Errorf("recall hearing %s: %w", told.ID, err)
	case old.Version >= told.Version || old.Status == capture.Signed:
		return false, nil
	}
	_, err = d.transition(ctx, told.ID, "recall", func(h *capture.Hearing, _ time.Time) { *h = recalled(told) },
		capture.Scheduled, capture.Open, capture.Paused, capture.Closed)
	return err == nil, err
}

// recalled is a hearing as far as the log can vouch for it. The clerk's corrections
// since the backup are lost: nobody has signed the record that is there now, or read
// it, and what the parties' screen may show is to be released again.
func recalled(h capture.Hearing) capture.Hearing {
	if h.Status == capture.Signed {
		h.Status, h.Signing = capture.Closed, nil
	}
	h.Readings = nil
	if h.Screen != nil {
		h.Screen = &capture.Screen{UpToMS: h.Screen.UpToMS}
	}
	return h
}

// overSince is for how long nothing has been said in a hearing, nor will be.
func overSince(h capture.Hearing) time.Duration {
	switch {
	case h.ClosedAt != nil:
		return time.Since(*h.ClosedAt)
	case h.Status == capture.Scheduled:
		return time.Since(HeldAt(h))
	}
	return 0
}

// restored tells the people of the court what they have to look through.
func restored(ids []string) capture.Alarm {
	named := strings.Join(ids[:min(3, len(ids))], "、")
	return capture.Alarm{
		Code:  alarmRestored,
		Since: stamp(time.Now()),
		Text: fmt.Sprintf("记录服务器的数据比消息服务器的旧（从备份恢复）：%d 场庭审（%s 等）已补回，录音和识别的文字会自动补上。备份之后书记员的改动和签名补不回来，请核对这些庭审的笔录。",
			len(ids), named),
		TextEN: fmt.Sprintf("The record server's data is older than the broker's, as after a restore: %d hearings (%s …) were taken in again, and their sound and recognised text follow by themselves. What clerks changed or signed since the backup does not: check the records of these hearings.",
			len(ids), strings.Join(ids[:min(3, len(ids))], ", ")),
	}
}
