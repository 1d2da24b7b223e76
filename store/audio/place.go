package audio

import (
	"math"
	"time"

	"tingji/capture"
	"tingji/store"
)

// piece is a file's place on a hearing's clock, in samples since the hearing
// was opened; negative before.
type piece struct {
	at      capture.SampleIndex
	samples capture.SampleIndex
	file    string
}

func (p piece) end() capture.SampleIndex { return p.at + p.samples }

// place puts the files of one channel, ordered by epoch and part, on the clock
// of a hearing that was opened at opened.
//
// A file follows the one before it by its sample count, so that sound stays
// whole; where the wall clock says otherwise by more than a drift nobody hears,
// in a new epoch, and after a jump of the count, it follows the wall clock, as
// the lines do. Where clocks run so that two files overlap both are heard.
func place(files []store.AudioFile, opened time.Time) []piece {
	var (
		pieces []piece
		last   store.AudioFile
	)
	for _, f := range files {
		if f.Samples == 0 {
			continue
		}
		at := nearest(f.StartedAt.Sub(opened))
		if n := len(pieces); n > 0 {
			follows := f.Epoch == last.Epoch && f.First == last.First+last.Samples
			start := opened.Add(pieces[n-1].at.Duration())
			if follows && !store.Drifted(start, pieces[n-1].samples, f.StartedAt) {
				at = pieces[n-1].end()
			}
		}
		pieces = append(pieces, piece{at, f.Samples, f.File})
		last = f
	}
	return pieces
}

// nearest is the sample at d; the wall clock counts whole microseconds, and
// rounding down would open a seam of a sample.
func nearest(d time.Duration) capture.SampleIndex {
	return capture.SampleIndex(math.Round(float64(d) * capture.Rate / float64(time.Second)))
}
