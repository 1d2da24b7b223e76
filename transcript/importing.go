package transcript

import (
	"context"
	"errors"
	"fmt"

	"tingji/capture"
)

// Import announces the hearings of a file: all of them or, where anything is
// wrong with one, none. A hearing that is announced already, with the same case
// number, courtroom and time, is left as it is, so that a file can be taken
// again. With check nothing is announced; the hearings are what would be.
//
// room gives the id of a courtroom by its id or name. *ImportError.
func (d *Docket) Import(ctx context.Context, list []ImportedHearing, room func(string) string, check bool) (made, there []capture.Hearing, err error) {
	made, there = []capture.Hearing{}, []capture.Hearing{}
	var wrong []ImportProblem
	var fresh []NewHearing
	for _, one := range list {
		n := one.NewHearing
		n.Courtroom = room(n.Courtroom)
		h, err := d.announce(n)
		var field *FieldError
		switch {
		case errors.As(err, &field):
			wrong = append(wrong, ImportProblem{Row: one.Row, Field: columnOf(field.Field), Text: field.Text, TextEN: field.TextEN})
			continue
		case err != nil:
			return nil, nil, fmt.Errorf("import row %d: %w", one.Row, err)
		}
		before, err := d.announced(ctx, &h)
		if err != nil {
			return nil, nil, fmt.Errorf("import row %d: %w", one.Row, err)
		}
		if before != nil {
			there = append(there, *before)
			continue
		}
		fresh = append(fresh, n)
		if check {
			h.Status = capture.Scheduled
			made = append(made, h)
		}
	}
	if wrong != nil {
		return nil, nil, &ImportError{wrong}
	}
	if check {
		return made, there, nil
	}
	for _, n := range fresh {
		h, err := d.Create(ctx, n)
		if err != nil {
			return made, there, err
		}
		made = append(made, h)
	}
	return made, there, nil
}

// announced is the hearing that is the same as h, if there is one.
func (d *Docket) announced(ctx context.Context, h *capture.Hearing) (*capture.Hearing, error) {
	list, err := d.store.Hearings(ctx, HearingFilter{CaseNo: h.CaseNo, Courtroom: h.Courtroom, Limit: 100})
	if err != nil {
		return nil, err
	}
	for _, old := range list {
		same := old.ScheduledAt == nil && h.ScheduledAt == nil && old.Status == capture.Scheduled ||
			old.ScheduledAt != nil && h.ScheduledAt != nil && old.ScheduledAt.Equal(*h.ScheduledAt)
		if same && old.CaseNo == h.CaseNo {
			return &old, nil
		}
	}
	return nil, nil
}
