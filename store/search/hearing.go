package search

import (
	"cmp"
	"strings"

	"tingji/capture"
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

// Same reports whether two lines are one, as the index keeps them.
func (l Line) Same(o Line) bool {
	l.ready, o.ready = nil, nil
	return l == o
}

// Prepare makes lines that are searched again and again faster to decide, at the
// cost of 200 bytes or so each. Text must not change afterwards.
func Prepare(lines []Line) {
	for i := range lines {
		if lines[i].ready == nil {
			lines[i].ready = &text{runes: fold(lines[i].Text)}
			lines[i].ready.scan()
		}
	}
}

// Phases are the parts of a hearing, in their order.
const (
	phaseOpening   = "开庭"
	phaseInquiry   = "法庭调查"
	phaseDebate    = "法庭辩论"
	phaseFinal     = "最后陈述"
	phaseMediation = "调解"
	phaseRecess    = "休庭"
	phaseSentence  = "宣判"
	phaseClosing   = "闭庭"
)

// Phases gives the lines of a hearing the phase in which they were spoken, as
// far as the bench opened it with the usual words. It is a proposal: nobody has
// confirmed it.
func Phases(lines []Line) {
	now := ""
	for i := range lines {
		if onBench(lines[i].Role) {
			if opened := opens(lines[i].Text); opened != "" {
				now = opened
			}
		}
		lines[i].Phase = now
	}
}

func opens(text string) string {
	for _, f := range []struct{ phase, words string }{
		{phaseClosing, "现在闭庭 宣布闭庭"},
		{phaseRecess, "现在休庭 宣布休庭 暂时休庭"},
		{phaseSentence, "现在宣判 进行宣判 宣告判决"},
		{phaseMediation, "进行调解 主持调解 组织调解"},
		{phaseFinal, "进行最后陈述 最后陈述意见 作最后陈述"},
		{phaseDebate, "进行法庭辩论 进入法庭辩论 开始法庭辩论"},
		{phaseInquiry, "进行法庭调查 进入法庭调查 开始法庭调查"},
		{phaseOpening, "现在开庭 宣布开庭"},
	} {
		for words := range strings.FieldsSeq(f.words) {
			if strings.Contains(text, words) {
				return f.phase
			}
		}
	}
	return ""
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
