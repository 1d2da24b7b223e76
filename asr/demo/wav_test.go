package demo

import (
	"testing"
)

func FuzzParseWAV(f *testing.F) {
	f.Add(wav([]int16{1, 2, 3}))
	f.Add(wav(nil))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \xff\xff\xff\xff"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVELIST\x03\x00\x00\x00abc\x00data\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pcm, rate, err := parseWAV(b)
		if err == nil && (rate < 1 || 2*len(pcm) > len(b)-44) {
			t.Errorf("%d samples at %d Hz from %d bytes", len(pcm), rate, len(b))
		}
		if err != nil && pcm != nil {
			t.Error("samples and an error")
		}
	})
}
