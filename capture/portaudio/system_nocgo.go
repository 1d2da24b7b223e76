//go:build !cgo

package portaudio

import (
	"context"
	"log/slog"

	"tingji/capture"
)

// System stands for the PortAudio library, which this build lacks.
type System struct{}

// New makes a system whose every device is refused.
func New(int, *slog.Logger) *System { return &System{} }

func notBuilt() error {
	return &capture.SourceError{
		Text:      "本程序编译时未包含话筒支持（PortAudio 需要 cgo）；请使用带话筒支持的版本",
		TextEN:    "this program was built without microphones (PortAudio needs cgo); use a build that has them",
		Permanent: true,
	}
}

// Devices says that there is no PortAudio.
func (*System) Devices() ([]Device, error) { return nil, notBuilt() }

// Monitors is empty.
func Monitors() []string { return nil }

// Source makes a source that cannot be opened.
func (*System) Source(_, _ string, _ int) *Source { return &Source{} }

// Source implements [capture.Source].
type Source struct{}

// Resumable is false.
func (*Source) Resumable() bool { return false }

// Open says that there is no PortAudio.
func (*Source) Open(context.Context, capture.SampleIndex) (capture.Stream, error) {
	return nil, notBuilt()
}
