// Package capture records a courtroom: it turns every microphone and every
// remote party into numbered chunks of PCM that cannot be lost.
//
// Sound goes source → WAV archive → spool → log. A chunk gets its number and
// its checksum before anything is sent, and leaves the spool only when the
// record server has confirmed (receipts.v1) that it is stored there.
//
// The package also owns the nouns that everything downstream speaks of:
// [Hearing], [Seat], [Chunk], [SampleIndex].
//
// It must never drop, repeat or reorder a sample, close up a gap, or wait for
// the network before a sample is safe on the disk.
package capture
