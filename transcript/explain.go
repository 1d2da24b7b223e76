package transcript

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tingji/capture"
)

// maxExplanation bounds an explanation, in characters.
const maxExplanation = 2000

// FaultExplanation is what somebody writes about a stretch without sound, which
// is one that the ledger calls a fault.
type FaultExplanation struct {
	FromMS int64  `json:"from_ms"`
	ToMS   int64  `json:"to_ms"`
	Text   string `json:"text"` // empty: the explanation is withdrawn
}

// ExplainFault keeps the written explanation of a fault (法释〔2017〕5号 Art 4);
// the last one of a stretch holds. An explained fault is no doubt any more, and
// the record shows the explanation at its end.
//
// *FieldError, *StateError (not opened yet, or signed), ErrNotFound.
func (d *Docket) ExplainFault(ctx context.Context, id string, q FaultExplanation, author string) (capture.Hearing, error) {
	author, err := requiredText("author", "记录人", "author", author, maxName)
	if err != nil {
		return capture.Hearing{}, err
	}
	q.Text = strings.Join(strings.Fields(q.Text), " ") // a paragraph of the record
	if q.Text, err = cleanText("text", q.Text, maxExplanation); err != nil {
		return capture.Hearing{}, err
	}
	ledger, err := d.Ledger(ctx, id)
	if err != nil {
		return capture.Hearing{}, fmt.Errorf("explain a fault of hearing %s: %w", id, err)
	}
	if q.Text != "" && !slices.ContainsFunc(ledger.Entries, func(e LedgerEntry) bool {
		return e.Kind == KindFault && q.FromMS <= e.FromMS && e.ToMS <= q.ToMS
	}) {
		return capture.Hearing{}, &FieldError{"from_ms", "这一段没有录音中断，不必说明", "there is no fault in this stretch"}
	}
	return d.transition(ctx, id, "explain a fault of", func(h *capture.Hearing, now time.Time) {
		h.Explanations = slices.DeleteFunc(slices.Clone(h.Explanations), func(e capture.Explanation) bool {
			return e.FromMS == q.FromMS || q.FromMS <= e.FromMS && e.ToMS <= q.ToMS
		})
		if q.Text != "" {
			h.Explanations = append(h.Explanations, capture.Explanation{FromMS: q.FromMS, ToMS: q.ToMS, Text: q.Text, Author: author, At: now})
		}
	}, capture.Open, capture.Paused, capture.Closed)
}

// explained is the explanation that covers a stretch.
func explained(h *capture.Hearing, fromMS, toMS int64) (capture.Explanation, bool) {
	for _, e := range h.Explanations {
		if e.FromMS <= fromMS && toMS <= e.ToMS {
			return e, true
		}
	}
	return capture.Explanation{}, false
}

// explain adds to each fault its explanation, or a draft of one. It is Chinese,
// as the document that it becomes.
func (d *Docket) explain(h *capture.Hearing, l *Ledger) {
	for i := range l.Entries {
		e := &l.Entries[i]
		if e.Kind != KindFault {
			continue
		}
		if x, ok := explained(h, e.FromMS, e.ToMS); ok {
			e.Explanation = x.Text
		} else {
			e.Draft = d.draft(h, e)
		}
	}
}

func (d *Docket) draft(h *capture.Hearing, e *LedgerEntry) string {
	from := h.OpenedAt.Add(time.Duration(e.FromMS) * time.Millisecond).In(beijing)
	var seats []string
	for _, channel := range e.Channels {
		name := channel
		if s, ok := h.SeatAt(channel, from); ok {
			name = s.Role
		}
		seats = append(seats, name+"席")
	}
	what := "所有席位"
	if len(seats) > 0 {
		what = strings.Join(seats, "、")
	}
	return fmt.Sprintf("%s%s一案于%s在%s开庭审理。庭审录音自%s%02d秒起约%d秒（庭审时间%s至%s）中断，%s没有录音。"+
		"中断原因：（请填写）。依照《最高人民法院关于人民法院庭审录音录像的若干规定》（法释〔2017〕5号）第四条的规定，作此书面说明，由审判长或者独任审判员签名。",
		h.CaseNo, h.Cause, fmt.Sprintf("%d年%d月%d日", from.Year(), int(from.Month()), from.Day()), d.roomName(h.Courtroom),
		courtTime(from, false), from.Second(), max(1, (e.ToMS-e.FromMS+500)/1000), elapsed(e.FromMS), elapsed(e.ToMS), what)
}
