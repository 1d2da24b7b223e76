package demo

import (
	"math/rand/v2"
	"testing"
)

// The index of five seats over an hour each.
func BenchmarkNewIndex(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	pcm := make([]int16, 3600*rate)
	for i := range pcm {
		pcm[i] = int16(r.Uint32())
	}
	recordings := make([]Recording, 5)
	for i := range recordings {
		recordings[i] = Recording{Rate: rate, PCM: pcm[i*100:]}
	}
	b.ReportAllocs()
	var x *index
	for b.Loop() {
		x = newIndex(recordings)
	}
	b.ReportMetric(float64(len(x.entries)*16+len(x.filter)*8)/1e6, "MB")
}
