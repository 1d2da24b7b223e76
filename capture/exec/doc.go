// Package exec takes a seat's sound from the output of a program: ffmpeg or
// GStreamer reading a conference bridge, a network microphone, a loopback.
//
// The program writes 16-bit little-endian samples, mono, 16 kHz, at real pace,
// to its standard output. Each start of it is an epoch of its own. It must
// never outlive the stream that it was started for.
package exec
