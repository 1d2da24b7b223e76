//go:build cgo

package portaudio

import pa "github.com/gordonklaus/portaudio"

// OnlyTakes makes a device one that has no rate but one, in Hz, as a cheap microphone.
func (s *System) OnlyTakes(device string, rate int) {
	takes := s.takes
	s.takes = func(p pa.StreamParameters, buf ...any) error {
		if p.Input.Device.Name == device && p.SampleRate != float64(rate) {
			return pa.InvalidSampleRate
		}
		return takes(p, buf...)
	}
}
