package transcript

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tingji/capture"
)

// ReadRequest is who has read the record, and how he found it.
type ReadRequest struct {
	By     capture.Participant `json:"by"`
	Manner capture.Manner      `json:"manner"`
	Remark string              `json:"remark"` // empty: nothing is wrong
}

// MarkRead writes down that a person has read the record of a hearing, or heard
// it read; the last reading of a person holds.
//
// *FieldError, *StateError (not closed, or signed), ErrNotFound.
func (d *Docket) MarkRead(ctx context.Context, id string, q ReadRequest, author string) (capture.Hearing, error) {
	author, err := requiredText("author", "记录人", "author", author, maxName)
	if err != nil {
		return capture.Hearing{}, err
	}
	h, err := d.store.Hearing(ctx, id)
	if err != nil {
		return capture.Hearing{}, fmt.Errorf("mark a reading of hearing %s: %w", id, err)
	}
	if q.By, err = cleanPerson("by", q.By, &h); err != nil {
		return capture.Hearing{}, err
	}
	if q.Manner != capture.ReadAlone && q.Manner != capture.ReadAloud {
		return capture.Hearing{}, &FieldError{"manner", "应为 read（自行阅读）或 aloud（向其宣读）", "read or aloud"}
	}
	if q.Remark, err = cleanText("remark", q.Remark, maxReason); err != nil {
		return capture.Hearing{}, err
	}
	lines, _, err := d.store.Lines(ctx, id, 0)
	if err != nil {
		return capture.Hearing{}, fmt.Errorf("mark a reading of hearing %s: %w", id, err)
	}
	var change int64
	for _, l := range lines {
		change = max(change, l.Change)
	}
	return d.transition(ctx, id, "mark a reading of", func(h *capture.Hearing, now time.Time) {
		h.Readings = slices.DeleteFunc(slices.Clone(h.Readings), func(r capture.Reading) bool { return r.Participant == q.By })
		h.Readings = append(h.Readings, capture.Reading{Participant: q.By, Manner: q.Manner, Remark: q.Remark, Change: change, Author: author, At: now})
	}, capture.Closed)
}
