package openai

import (
	"bytes"
	"encoding/binary"

	"tingji/capture"
)

const wavHeader = 44 // bytes before the samples

// wavFile is a clip as a 16-bit mono WAV file in memory. go-openai asks it for
// its name and type.
type wavFile struct{ *bytes.Reader }

func (wavFile) Name() string        { return "clip.wav" }
func (wavFile) ContentType() string { return "audio/wav" }

func newWAV(samples []int16) wavFile {
	size := 2 * len(samples)
	b := make([]byte, 0, wavHeader+size)
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, uint32(wavHeader-8+size))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16) // length of the format
	b = le.AppendUint16(b, 1)  // PCM
	b = le.AppendUint16(b, 1)  // channels
	b = le.AppendUint32(b, capture.Rate)
	b = le.AppendUint32(b, 2*capture.Rate) // bytes a second
	b = le.AppendUint16(b, 2)              // bytes a frame
	b = le.AppendUint16(b, 16)             // bits a sample
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(size))
	for _, s := range samples {
		b = le.AppendUint16(b, uint16(s))
	}
	return wavFile{bytes.NewReader(b)}
}
