package capture

import (
	"context"
	"errors"
	"time"
)

// ErrGap is returned once by [Stream.Read] when samples were lost and nobody
// knows how many: what is read next does not follow what was read before. The
// stream goes on.
var ErrGap = errors.New("samples were lost")

// Source is where a seat's sound comes from: a microphone, a program, a
// recording. It is for use by one goroutine.
type Source interface {
	// Open begins to deliver. from is where to begin in a source that is
	// [Resumable]; for others it is 0. Errors that no second try can mend are a
	// *SourceError with Permanent set.
	Open(ctx context.Context, from SampleIndex) (Stream, error)
	// Resumable says that the source delivers the same samples again when it is
	// opened at the same place: a recording. It is read at the pace at which it
	// can be stored; any other source is live and waits for nobody.
	Resumable() bool
}

// Stream is an open source. Read is for use by one goroutine. One that can tell
// what hardware or which source of a sound server it is connected to has a method
// Place() string as well, which says that at any time without waiting; "" is not
// known. A place that changes is an alarm. One whose samples are not of [Rate] has a
// method Rate() int: that of the samples that Read gave last, in Hz, one that
// [NewResampler] takes. The archive keeps them as they are.
type Stream interface {
	// Read waits for sound and puts up to len(buf) samples, mono, into
	// buf. n is at least 1 unless err is set. arrived is when the last of
	// them was heard, with a monotonic reading; a recording that is played need not
	// say. err is io.EOF at the end of a recording, or why the stream has died; no
	// samples come with it.
	Read(ctx context.Context, buf []int16) (n int, arrived time.Time, err error)
	// Close lets the device go. It is idempotent and may be called while Read
	// waits.
	Close() error
}

// rateOf is the rate of what a stream gave last, in Hz.
func rateOf(s Stream) int {
	if own, ok := s.(interface{ Rate() int }); ok {
		return own.Rate()
	}
	return Rate
}

// lengthOf is how long n samples of a rate last.
func lengthOf(n, rate int) time.Duration {
	return time.Duration(n) * time.Second / time.Duration(rate)
}

// SourceError says, for people, why a source cannot be heard.
type SourceError struct {
	Text      string // Chinese: what, where, what to do; one line
	TextEN    string
	Permanent bool  // no second try can mend it
	Err       error // the cause, if there is another
}

func (e *SourceError) Error() string { return e.TextEN }

func (e *SourceError) Unwrap() error { return e.Err }

// StartError says, for people, why a daemon cannot start.
type StartError struct {
	Text   string // Chinese: what, where, what to do; one line
	TextEN string
}

func (e *StartError) Error() string { return e.TextEN }
