package capture

import "time"

// Rate is the sample rate of all audio inside the pipeline, in Hz. Sources of
// other rates are resampled where they enter it.
const Rate = 16000

// SampleIndex counts samples of one channel since its epoch opened, at [Rate].
// It is the only measure of position inside the pipeline; milliseconds appear
// at the edges (JSON, pages).
type SampleIndex int64

// Milliseconds rounds down to whole milliseconds.
func (i SampleIndex) Milliseconds() int64 { return int64(i) * 1000 / Rate }

// Duration is the time that i samples last; exact, as a sample is 62.5 µs.
func (i SampleIndex) Duration() time.Duration {
	return time.Duration(i) * (time.Second / Rate)
}

// SamplesIn is the number of whole samples in d.
func SamplesIn(d time.Duration) SampleIndex {
	return SampleIndex(d / (time.Second / Rate))
}
