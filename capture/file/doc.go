// Package file plays recordings as if they were microphones: WAV and FLAC by
// itself, everything else through ffmpeg where that is installed.
//
// Recordings of one room share a [Player]: whatever the pace, all its seats are
// at the same place of the hearing. The same file gives the same samples, from
// any place, at any pace.
//
// It must never believe what a file says of its own size, and never play the
// part of a damaged file that it can read as if it were the whole.
package file
