package transcript

import (
	"context"
	"fmt"
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
		to = &capture.Screen{UpToMS: l.StartMS}
	}
	return d.transition(ctx, id, "release", func(h *capture.Hearing, _ time.Time) { h.Screen = to }, capture.Open, capture.Paused, capture.Closed)
}
