package search

import (
	"cmp"

	"tingji/capture"
	"tingji/transcript"
)

// Hearing is what the search knows of a hearing.
type Hearing struct {
	ID        string                `json:"id"`
	AtMS      int64                 `json:"at"` // Unix time of its opening; of its announcement before that
	CaseNo    string                `json:"case_no,omitempty"`
	Type      string                `json:"type,omitempty"` // of case, with the character of a special trial: 知民终
	Cause     string                `json:"cause,omitempty"`
	Courtroom string                `json:"courtroom"`
	Public    bool                  `json:"public"`
	Status    capture.Status        `json:"status"`
	Demo      bool                  `json:"demo,omitempty"`
	People    []capture.Participant `json:"people,omitempty"`
}

// NewHearing takes from a hearing what the search needs.
func NewHearing(h *capture.Hearing) Hearing {
	at := h.CreatedAt
	if h.OpenedAt != nil {
		at = *h.OpenedAt
	}
	kind := ""
	if no, err := capture.ParseCaseNo(h.CaseNo); err == nil {
		kind = no.Special + no.Type
	}
	return Hearing{
		ID: h.ID, AtMS: at.UnixMilli(), CaseNo: h.CaseNo, Type: kind, Cause: h.Cause, Courtroom: h.Courtroom,
		Public: h.Public, Status: h.Status, Demo: h.Demo, People: h.Participants,
	}
}

// Place orders hearings: the newest first, then by id, the greatest first.
type Place struct {
	AtMS int64  `json:"at"`
	ID   string `json:"id"`
}

// Line is a line as the search sees it. Lines of a hearing are in the order of
// the record: by start, then channel, then id.
type Line struct {
	ID      string
	Channel string
	Role    string
	Speaker string
	StartMS int64
	EndMS   int64
	Text    string // as it stands now
	Heard   string // as it was recognised, or first written
	Phase   string // set by Phases

	ready *text // of Text, set by Prepare
}

// Same reports whether two lines are one. Phases may be found otherwise by
// another version of the program.
func (l Line) Same(o Line) bool {
	l.ready, o.ready, l.Phase, o.Phase = nil, nil, "", ""
	return l == o
}

// Phases gives the lines of a hearing, which are in their order, the phase in
// which they were spoken: as the clerk decided, and where nobody has decided, as
// the bench's words propose. byHand are the ids of lines that somebody wrote.
func Phases(h *capture.Hearing, lines []Line, byHand map[string]bool) {
	spoken := make([]transcript.Line, len(lines))
	for i, l := range lines {
		spoken[i] = transcript.Line{ID: l.ID, Role: l.Role, Text: l.Text, StartMS: l.StartMS, Origin: transcript.Speech}
		if byHand[l.ID] {
			spoken[i].Origin = transcript.Hand
		}
	}
	begins := map[string]string{}
	for _, p := range transcript.HearingPhases(spoken, h) {
		if p.State != transcript.PhaseRefused {
			begins[p.Line] = string(p.Phase)
		}
	}
	now := ""
	for i := range lines {
		if phase, ok := begins[lines[i].ID]; ok {
			now = phase
		}
		lines[i].Phase = now
	}
}

func onBench(role string) bool {
	switch role {
	case "审判长", "审判员", "独任审判员", "人民陪审员":
		return true
	}
	return false
}

// Place is where the hearing stands among all.
func (h *Hearing) Place() Place { return Place{h.AtMS, h.ID} }

// Compare is negative where p comes before o in results.
func (p Place) Compare(o Place) int {
	return cmp.Or(cmp.Compare(o.AtMS, p.AtMS), cmp.Compare(o.ID, p.ID))
}
