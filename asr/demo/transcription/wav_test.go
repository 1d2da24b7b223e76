package transcription

import (
	"encoding/binary"
	"testing"
)

// wav wraps samples as 16 kHz mono.
func wav(pcm []int16) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data")
	b = le.AppendUint32(b, uint32(2*len(pcm)))
	for _, x := range pcm {
		b = le.AppendUint16(b, uint16(x))
	}
	le.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func FuzzParseWAV(f *testing.F) {
	f.Add(wav([]int16{1, 2, 3}))
	f.Add(wav(nil))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \xff\xff\xff\xff"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVELIST\x03\x00\x00\x00abc\x00data\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pcm, rate, err := ParseWAV(b)
		if err == nil && (rate < 1 || 2*len(pcm) > len(b)-44) {
			t.Errorf("%d samples at %d Hz from %d bytes", len(pcm), rate, len(b))
		}
		if err != nil && pcm != nil {
			t.Error("samples and an error")
		}
	})
}
