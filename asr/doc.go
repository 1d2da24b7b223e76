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
//
// # How it works
//
// An [Endpointer] works in steps: an utterance with the silence before it, or 10 s of
// silence. A step follows from the place and the state where the one before
// ended, and from the audio; the endpointer itself starts each step that way, so a
// restart cannot make a difference. Steps tile a channel's audio.
//
// A [Worker] runs one goroutine for each partition, which owns its channels:
//
//	chunk ─ seq known ──────────► dropped
//	      ─ seq + 1 ────────────► endpointer ─► step ─► queue ─► engine ─► published, in order
//	      ─ later: a gap ───────► first of all read the log from its start, as the offset was
//	                              a hint; then halt this channel until the courtroom
//	                              has sent the chunk again, and read again what was left out
//
// Engine calls run beside it, a bounded number at a time, finals before
// partials; their answers come back to it. When the store's position (positions.v1) is
// one that the channel has published or will publish, that is a confirmation.
// When it is not, somebody else got there first, and the channel begins again
// from the store's position. So does one whose steps are not confirmed for a
// minute: the log may have lost them.
//
// One worker hears all seats of a room, and writes a voice at the seat that has
// it loudest. An utterance is compared with what the other seats heard during it
// ([Crosstalk]), while the engine decodes it; its words that are another seat's
// are kept beside its text. Each seat's [ear] follows the log as it is read, decided
// or not, and a position's offset is far enough back for all seats of the room:
// so a restart compares the same sounds. Seats are waited for by the log's own
// clock, until the room has been heard 3 s further; only where the whole
// room falls silent by a clock of ours (30 s).
//
// What changes with time alone (partials, alarms, retries) is in no final.
// One thing is not: a closed hearing whose courtroom died without an End chunk is
// ended after 30 s without audio, by its End; if its audio comes after all, it goes on there.
package asr
