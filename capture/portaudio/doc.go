// Package portaudio takes a seat's sound from a sound card, by the PortAudio
// library. It needs cgo; built without, it says so when a microphone is asked
// for.
//
// Samples come as the device gives them, at its rate. Overflows are reported, never closed up, and a
// device that delivers nothing is given up: blocking reads of a device that is
// gone can hang for ever. It must never take another device than the one that
// was named.
package portaudio

// Device is a device that sound can be taken from.
type Device struct {
	HostAPI  string // ALSA, WASAPI, Core Audio …
	Name     string // with the place on the bus, where that is known
	Channels int
	Rate     int // its own, in Hz
}
