//go:build race

package portaudio_test

const raceEnabled = true
