// Package asr turns audio chunks into text with times: it finds speech, asks
// an engine for the words, and publishes what it heard together with how far
// it has come.
//
// A worker keeps no truth of its own. It starts a channel from the position
// and state that the record server holds, and every final travels with the
// position before and after it, so that the server can apply both or neither.
// The same audio gives the same utterances, at any pace, from any restart.
//
// It must never drop speech silently: what an engine refuses is published as
// such, and what no engine can decode yet waits.
package asr
