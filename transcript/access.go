package transcript

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// An Access is a look at what the court keeps, or an act on it: who, when, what.
// The corrections of lines are not among them, they are revisions.
type Access struct {
	Number   int64     `json:"number"` // from 1, without a gap; the store gives it
	At       time.Time `json:"at"`     // to the microsecond
	Reader   string    `json:"reader"` // the name that a proxy has asked for, if any, and the address
	Action   string    `json:"action"` // as the gate was asked: record.read
	Hearing  string    `json:"hearing,omitempty"`
	Detail   string    `json:"detail,omitempty"` // what of it: docx, the words looked for, the seat and span heard
	Refused  bool      `json:"refused,omitempty"`
	Previous string    `json:"previous"` // hash of the access before; empty for the first
	Hash     string    `json:"hash"`     // HashAccess
}

// AccessFilter chooses among accesses; its zero value takes all.
type AccessFilter struct {
	Hearing  string
	Reader   string // a part of it
	From, To time.Time
}

// AccessStore keeps accesses: appended, each with the hash of the one before, never
// changed.
type AccessStore interface {
	// AddAccess writes one down, with its number and hashes. When it returns nil the
	// access is on the disk.
	AddAccess(ctx context.Context, a Access) error
	// Accesses calls f with those that the filter takes, the oldest first, until f
	// fails.
	Accesses(ctx context.Context, filter AccessFilter, f func(Access) error) error
}

// HashAccess is the hash of an access, in lower-case hex, over all of it but
// a.Hash. docs/FORMATS.md has the bytes.
func HashAccess(a Access) string {
	return hashFields(
		"tingji access 1",
		strconv.FormatInt(a.Number, 10),
		hashTime(a.At),
		a.Reader,
		a.Action,
		a.Hearing,
		a.Detail,
		strconv.FormatBool(a.Refused),
		a.Previous,
	)
}

// FollowsAccess says what is wrong with an access that should come after another
// one; the zero Access comes before the first.
func FollowsAccess(before, a Access) error {
	switch {
	case a.Number != before.Number+1:
		return fmt.Errorf("stands where access %d belongs", before.Number+1)
	case a.Previous != before.Hash:
		return fmt.Errorf("does not follow the access before it")
	case a.Hash != HashAccess(a):
		return fmt.Errorf("was changed: the hash does not fit its content")
	}
	return nil
}
