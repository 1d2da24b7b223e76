package transcript

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tingji/capture"
)

// PhaseState is what the clerk has decided about a proposal.
type PhaseState string

const (
	PhaseProposed  PhaseState = "proposed" // nothing yet
	PhaseConfirmed PhaseState = "confirmed"
	PhaseRefused   PhaseState = "refused" // no phase begins with this line
)

// HearingPhase is the beginning of a phase, proposed or decided.
type HearingPhase struct {
	Phase   Phase      `json:"phase"`
	Line    string     `json:"line"` // id
	StartMS int64      `json:"start_ms"`
	State   PhaseState `json:"state"`
	// Formula and Said are those of the proposal; empty where the clerk found
	// the beginning without one.
	Formula string     `json:"formula"`
	Said    string     `json:"said"`
	Author  string     `json:"author"`       // who decided
	At      *time.Time `json:"at,omitempty"` // when
}

// HearingPhases are the proposals of [ProposePhases] and what the clerk decided
// about them and beside them, in the order of speech.
func HearingPhases(lines []Line, h *capture.Hearing) []HearingPhase {
	marks := map[string]capture.PhaseMark{}
	for _, m := range h.Phases {
		marks[m.Line] = m
	}
	proposals := map[string]PhaseProposal{}
	for _, p := range ProposePhases(lines, h) {
		proposals[p.Line] = p
	}
	list := []HearingPhase{}
	for _, l := range lines {
		p, proposed := proposals[l.ID]
		m, marked := marks[l.ID]
		if !proposed && (!marked || m.Phase == "") {
			continue
		}
		one := HearingPhase{Phase: p.Phase, Line: l.ID, StartMS: l.StartMS, State: PhaseProposed, Formula: p.Formula, Said: p.Said}
		if marked {
			one.State, one.Author, one.At = PhaseRefused, m.Author, &m.At
			if m.Phase != "" {
				one.State, one.Phase = PhaseConfirmed, Phase(m.Phase)
			}
		}
		list = append(list, one)
	}
	return list
}

// Phases are the phases of a hearing as far as it has come. ErrNotFound.
func (d *Docket) Phases(ctx context.Context, hearing string) ([]HearingPhase, error) {
	h, err := d.store.Hearing(ctx, hearing)
	if err != nil {
		return nil, fmt.Errorf("phases of hearing %s: %w", hearing, err)
	}
	lines, _, err := d.store.Lines(ctx, hearing, 0)
	if err != nil {
		return nil, fmt.Errorf("phases of hearing %s: read lines: %w", hearing, err)
	}
	return HearingPhases(lines, &h), nil
}

// maxPhaseMarks bounds the marks of one hearing: they travel with its state.
const maxPhaseMarks = 200

// MarkPhase writes down that a phase begins with a line, or with "" that none
// does. The last decision about a line holds; the same one again changes nothing.
//
// *FieldError, *StateError (not opened yet, or signed), ErrNotFound.
func (d *Docket) MarkPhase(ctx context.Context, hearing, line string, phase Phase, author string) (capture.Hearing, error) {
	author, err := requiredText("author", "记录人", "author", author, maxName)
	if err != nil {
		return capture.Hearing{}, err
	}
	if phase != "" && !slices.Contains(Phases(), phase) {
		var known []string
		for _, p := range Phases() {
			known = append(known, string(p))
		}
		return capture.Hearing{}, &FieldError{"phase",
			fmt.Sprintf("没有“%s”这个阶段；可用：%s", phase, strings.Join(known, "、")),
			fmt.Sprintf("there is no phase %q; known: %s", phase, strings.Join(known, ", "))}
	}
	h, err := d.store.Hearing(ctx, hearing)
	if err != nil {
		return capture.Hearing{}, fmt.Errorf("mark a phase of hearing %s: %w", hearing, err)
	}
	if _, err := d.store.Line(ctx, hearing, line); err != nil {
		return capture.Hearing{}, fmt.Errorf("mark a phase at %s/%s: %w", hearing, line, err)
	}
	at := slices.IndexFunc(h.Phases, func(m capture.PhaseMark) bool { return m.Line == line })
	if h.Status != capture.Signed && at >= 0 && h.Phases[at].Phase == string(phase) {
		return h, nil
	}
	if at < 0 && len(h.Phases) >= maxPhaseMarks {
		return capture.Hearing{}, &FieldError{"phase",
			fmt.Sprintf("最多 %d 处", maxPhaseMarks), fmt.Sprintf("at most %d places", maxPhaseMarks)}
	}
	return d.transition(ctx, hearing, "mark a phase of", func(h *capture.Hearing, now time.Time) {
		mark := capture.PhaseMark{Line: line, Phase: string(phase), Author: author, At: now}
		h.Phases = slices.DeleteFunc(slices.Clone(h.Phases), func(m capture.PhaseMark) bool { return m.Line == line })
		h.Phases = append(h.Phases, mark)
	}, capture.Open, capture.Paused, capture.Closed)
}
