package capture

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Status is where a hearing stands. scheduled → open ⇄ paused → closed → signed.
type Status string

const (
	Scheduled Status = "scheduled"
	Open      Status = "open"
	Paused    Status = "paused" // a lawful break: nothing is recorded
	Closed    Status = "closed"
	Signed    Status = "signed" // the record is frozen
)

// Hearing is the value of hearings.v1 and of the HTTP API: the whole state of
// one hearing, replaced as a whole; Version rises by one with each change.
type Hearing struct {
	ID           string        `json:"id"`
	Version      int64         `json:"version"`
	Status       Status        `json:"status"`
	CaseNo       string        `json:"case_no"`
	Cause        string        `json:"cause"`
	Courtroom    string        `json:"courtroom"`
	Public       bool          `json:"public"`
	Participants []Participant `json:"participants"`
	Seats        []Seat        `json:"seats"`
	Hotwords     []string      `json:"hotwords"`
	// Demo marks a hearing that was recognised by the demonstration engine: it
	// is no evidence of anything and every page says so.
	Demo        bool       `json:"demo,omitempty"`
	ScheduledAt *time.Time `json:"scheduled_at,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	OpenedAt    *time.Time `json:"opened_at,omitempty"` // zero of the hearing's clock
	ClosedAt    *time.Time `json:"closed_at,omitempty"`
	// CloseReason is what the clerk wrote at the closing; it may be empty.
	CloseReason string  `json:"close_reason,omitempty"`
	Breaks      []Break `json:"breaks"`
	// ByHand counts the changes that were made by hand on the courtroom's PC and
	// are in this state: the PC tells the server of them until it has them all.
	ByHand int64 `json:"by_hand,omitempty"`
	// TakenOverBy is the hearing that this announcement has become: that one was
	// opened on the courtroom's PC, and was bound to the case later.
	TakenOverBy string `json:"taken_over_by,omitempty"`
	// Phases are the clerk's decisions about where phases begin, one a line.
	Phases []PhaseMark `json:"phases,omitempty"`
	// Explanations are the written ones of stretches without sound, Readings who
	// has read the record or heard it read.
	Explanations []Explanation `json:"explanations,omitempty"`
	Readings     []Reading     `json:"readings,omitempty"`
	// Screen is there while the parties' screen shows only what the clerk has
	// released; without it, everything as it is spoken.
	Screen *Screen `json:"screen,omitempty"`
	// Signing is there once the record is signed.
	Signing *Signing `json:"signing,omitempty"`
}

// Signing is how a record was signed (民事诉讼法 Art 150): by whom, by whom not,
// and over which open doubts.
type Signing struct {
	At       time.Time     `json:"at"`
	Author   string        `json:"author"` // who had it frozen
	Signers  []Participant `json:"signers"`
	Unsigned []Participant `json:"unsigned"`         // persons of the hearing who have not signed
	Reason   string        `json:"reason,omitempty"` // why they have not, where somebody said
	// Overrule is why it was signed with open doubts, Doubts how many there were.
	Overrule string `json:"overrule,omitempty"`
	Doubts   int    `json:"doubts,omitempty"`
	// Integrity is the record's integrity check value (完整性校验值), 64 hex
	// digits; docs/FORMATS.md, "Proof". The files it is made of cannot hold it.
	Integrity string `json:"integrity,omitempty"`
}

// Participant is a person of the case.
type Participant struct {
	Role string `json:"role"`
	Name string `json:"name"`
}

// Seat says who sits at a channel. A seat that changes hands (the witness
// stand) appears once for each holder; From is when the holder took it, zero
// for the holder at the opening.
type Seat struct {
	Channel string    `json:"channel"`
	Role    string    `json:"role"`
	Speaker string    `json:"speaker,omitempty"`
	From    time.Time `json:"from,omitzero"`
}

// Break is a lawful interruption of the recording (法释〔2017〕5号 Art 1, 3).
type Break struct {
	From   time.Time  `json:"from"`
	To     *time.Time `json:"to,omitempty"` // nil while it lasts
	Reason string     `json:"reason"`
}

// PhaseMark says that a phase of the hearing begins with a line of its record
// (法庭调查, 法庭辩论, …), or, with an empty Phase, that none does.
type PhaseMark struct {
	Line   string    `json:"line"`
	Phase  string    `json:"phase"`
	Author string    `json:"author"`
	At     time.Time `json:"at"`
}

// Screen is how far the parties' screen may show a hearing.
type Screen struct {
	UpToMS int64 `json:"up_to_ms"` // the beginning of the last line it shows
	// Change is the newest event when the clerk released it: what was recognised
	// later and belongs before that line is not released.
	Change int64 `json:"change"`
}

// Explanation is the written one of a fault of the recording (法释〔2017〕5号
// Art 4), of a stretch on the hearing's clock.
type Explanation struct {
	FromMS int64     `json:"from_ms"`
	ToMS   int64     `json:"to_ms"`
	Text   string    `json:"text"`
	Author string    `json:"author"`
	At     time.Time `json:"at"`
}

// Manner is how somebody came to know the record.
type Manner string

const (
	ReadAlone Manner = "read"  // by reading it
	ReadAloud Manner = "aloud" // it was read to him
)

// Reading says that a person has read the record, or heard it read, and how he
// found it (民事诉讼法 Art 150).
type Reading struct {
	Participant
	Manner Manner `json:"manner"`
	Remark string `json:"remark,omitempty"` // what he said of it; empty: nothing is wrong
	// Change is the hearing's newest change that he could read: lines that were
	// changed later he has not.
	Change int64     `json:"change"`
	Author string    `json:"author"`
	At     time.Time `json:"at"`
}

// SeatAt is the holder of a channel at a time, and whether there is one.
func (h *Hearing) SeatAt(channel string, at time.Time) (Seat, bool) {
	var found Seat
	ok := false
	for _, s := range h.Seats {
		if s.Channel == channel && !s.From.After(at) && (!ok || !s.From.Before(found.From)) {
			found, ok = s, true
		}
	}
	return found, ok
}

// CheckName says whether s can name a hearing, a channel or a courtroom: 1 to
// 64 bytes, valid UTF-8, without '/', spaces or control characters, as these
// names form message keys, URLs and file names.
func CheckName(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("name is empty")
	case len(s) > 64:
		return fmt.Errorf("name of %d bytes: at most 64", len(s))
	case !utf8.ValidString(s):
		return fmt.Errorf("name %q is not UTF-8", s)
	case s == "." || s == "..":
		return fmt.Errorf("name %q is reserved", s)
	}
	if i := strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) || r == 0x2028 || r == 0x2029 || (r >= 0x80 && r < 0xa0)
	}); i >= 0 {
		return fmt.Errorf("name %q: character %q is not allowed", s, []rune(s[i:])[0])
	}
	return nil
}
