package transcript

import (
	"context"
	"fmt"
	"math"
	"time"

	"tingji/capture"
)

// Release lets the parties' screen show a hearing up to a line and no further;
// with "", everything as it is spoken. ErrNotFound, *StateError (over).
func (d *Docket) Release(ctx context.Context, id, line string) (capture.Hearing, error) {
	var to *capture.Screen
	if line != "" {
		l, err := d.store.Line(ctx, id, line)
		if err != nil {
			return capture.Hearing{}, fmt.Errorf("release hearing %s to line %s: %w", id, line, err)
		}
		_, newest, err := d.store.Lines(ctx, id, math.MaxInt64) // none: only where the hearing is
		if err != nil {
			return capture.Hearing{}, fmt.Errorf("release hearing %s to line %s: %w", id, line, err)
		}
		to = &capture.Screen{UpToMS: l.StartMS, Change: newest}
	}
	return d.transition(ctx, id, "release", func(h *capture.Hearing, _ time.Time) { h.Screen = to }, capture.Open, capture.Paused, capture.Closed)
}
