//go:build !race

package portaudio_test

const raceEnabled = false
