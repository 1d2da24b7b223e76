// Package hearing is a court hearing of under four minutes, spoken by
// a synthesiser, with everything that is said in it known to the millisecond.
// Tests, benchmarks and the demonstration run on it.
//
// It promises that each sentence is one utterance, that the order of sentences
// is unambiguous, and that the recordings are bit for bit those the reference
// was made with. It must never be used to say how well people are recognised.
package hearing
