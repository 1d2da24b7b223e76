package transcript

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// hashTag opens the hashed bytes: a change of the form is a new tag, so that
// two forms can never give the same bytes.
const hashTag = "tingji revision 1"

// HashRevision is the hash of a revision of a line of a hearing, in lower-case
// hex. It covers r.Previous and so everything before it; r.Hash is not part of
// it. Times count to the microsecond, the precision in which they are stored.
// docs/FORMATS.md has the bytes, with a test vector.
func HashRevision(hearing string, r Revision) string {
	return hashFields(
		hashTag,
		hearing,
		r.Line,
		strconv.Itoa(r.Revision),
		r.Text,
		r.Role,
		r.Speaker,
		r.Author,
		hashTime(r.At),
		r.Previous,
	)
}

// hashFields is the SHA-256, in lower-case hex, of texts, each behind its length
// in eight bytes, the highest first.
func hashFields(fields ...string) string {
	h := sha256.New()
	for _, field := range fields {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		h.Write(length[:])
		h.Write([]byte(field))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hashTime writes a time as it is hashed: to the microsecond, in which times are
// stored.
func hashTime(t time.Time) string {
	return t.UTC().Truncate(time.Microsecond).Format("2006-01-02T15:04:05.000000Z")
}

// ChainError names the first revision of a line that does not fit the one
// before it, or its own hash.
type ChainError struct {
	Hearing  string
	Line     string
	Revision int
	Reason   string
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("hearing %s line %s revision %d: %s", e.Hearing, e.Line, e.Revision, e.Reason)
}

// VerifyRevisions checks the hash chain of a line: all its revisions, oldest
// first. It returns a *ChainError for the first that was changed, is missing,
// or stands in a wrong place.
func VerifyRevisions(hearing string, revisions []Revision) error {
	previous := ""
	for i, r := range revisions {
		fault := func(reason string) error {
			return &ChainError{Hearing: hearing, Line: r.Line, Revision: r.Revision, Reason: reason}
		}
		switch {
		case r.Line != revisions[0].Line:
			return fault("belongs to another line than " + revisions[0].Line)
		case r.Revision != i+1:
			return fault(fmt.Sprintf("stands where revision %d belongs", i+1))
		case r.Previous != previous:
			return fault("does not follow the revision before it")
		case r.Hash != HashRevision(hearing, r):
			return fault("was changed: the hash does not fit its content")
		}
		previous = r.Hash
	}
	return nil
}
