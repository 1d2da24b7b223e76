//go:build cgo && !linux

package portaudio

// Elsewhere a device's name is all there is to know of it.

func stableName(_, name string) string { return name }

func hardware(_, _ string) string { return "" }

func isHardware(string) bool { return true }

func recordings() map[string][]string { return nil }

func appeared(_, _ map[string][]string) string { return "" }

func connectedTo(string) string { return "" }

// Monitors is empty: Windows lists what it plays among its devices.
func Monitors() []string { return nil }
