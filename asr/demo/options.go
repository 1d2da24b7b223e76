package demo

import "time"

// Options make the engine slower, worse and broken, on purpose. The zero value
// is an engine without fault.
type Options struct {
	Delay    time.Duration // before each answer
	Parallel int           // requests answered at once, the others wait; 0: no limit

	// WordErrorRate is the share of words, 0 to 1, in which one character is
	// wrong. Which ones depends on their place in the recording alone. Their
	// confidence is below 0.6, that of others above 0.9.
	WordErrorRate float64

	// Of every n transcriptions the n-th ...; 0: none. Where several fall due,
	// the first in this list happens.
	HangEvery      int // is not answered until the client leaves or the server stops
	RateLimitEvery int // is refused: 429, Retry-After: 1
	FailEvery      int // fails: 500
	TruncateEvery  int // is cut in the middle of its body

	Status401 bool // the key is always wrong
	HTML      bool // a login page answers in the engine's place: 200 text/html

	NestedWords bool // words inside segments, with punctuation, as whisper.cpp has them; else at the top level, as OpenAI
	NoWords     bool // text only, whatever was asked: an engine without times

	// HearBleed makes a microphone hear its neighbour where its own seat is
	// silent, as a real engine would: what the worker has to take out again.
	HearBleed bool
}
