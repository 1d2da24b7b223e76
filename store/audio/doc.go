// Package audio is the server's archive of sound: the second copy that the law
// asks for. [Archive] reads chunks from the log, appends them to WAV files, and
// sends receipts; [Reader] plays any stretch of a hearing out of these files.
//
// A receipt is given only for what is on the disk and in the database; only
// then may the courtroom's spool let go. Within a channel chunks are stored in
// the order of their numbers, each once, and nothing behind a missing one.
//
// The package must never overwrite or cut a confirmed sample, close up a gap,
// or confirm what a power cut could take back.
package audio
