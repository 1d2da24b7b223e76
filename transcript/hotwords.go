package transcript

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tingji/capture"
)

// AddHotwords adds words to the vocabulary of a hearing; the workers have them
// as soon as the log has the hearing's new state. What is known already changes
// nothing. *FieldError, *StateError (signed), ErrNotFound.
func (d *Docket) AddHotwords(ctx context.Context, id string, words []string) (capture.Hearing, error) {
	words, err := cleanHotwords(words)
	if err != nil {
		return capture.Hearing{}, err
	}
	if len(words) == 0 {
		return capture.Hearing{}, &FieldError{"words", "请填写要添加的词", "name the words to add"}
	}
	h, err := d.writable(ctx, id, "add hotwords")
	if err != nil {
		return capture.Hearing{}, err
	}
	fresh := func(h *capture.Hearing) []string {
		return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(h.Hotwords, w) })
	}
	added := fresh(&h)
	if len(added) == 0 {
		return h, nil
	}
	if n := len(h.Hotwords) + len(added); n > maxHotwords {
		return capture.Hearing{}, &FieldError{"words",
			fmt.Sprintf("加上已有的共 %d 个词，最多 %d 个", n, maxHotwords),
			fmt.Sprintf("%d words with those there are; at most %d", n, maxHotwords)}
	}
	return d.transition(ctx, id, "add hotwords", func(h *capture.Hearing, _ time.Time) {
		// A slice of its own: states that were handed out share the old one.
		h.Hotwords = slices.Concat(h.Hotwords, fresh(h))
	}, capture.Scheduled, capture.Open, capture.Paused, capture.Closed)
}
