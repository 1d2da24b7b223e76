package capture

import (
	"fmt"
	"time"
)

// ChunkSamples is the usual length of a chunk: 100 ms. The last chunk of an
// epoch is shorter; none is longer than [MaxChunkSamples]. The end of an utterance
// is known when the chunk arrives that holds the last of its end silence, so a
// line waits for a chunk's length at most: 250 ms, as it once was, cost 150 ms of
// every line and nothing else that could be measured (docs/CAPTURE.md).
const (
	ChunkSamples    = Rate / 10
	MaxChunkSamples = Rate * 5
)

// FormerChunkSamples is the length of the chunks of those epochs whose spool or
// archive does not say how long they are.
const FormerChunkSamples = Rate / 4

// Codec says how a chunk's samples are written in a message.
type Codec string

const (
	PCM  Codec = "pcm_s16le" // 16-bit little-endian samples
	FLAC Codec = "flac"      // one FLAC stream, lossless
)

// End says why a chunk is the last of its epoch. Readers use it to finish an
// utterance without waiting for silence that will never come.
type End string

const (
	NotEnd   End = ""
	EndPause End = "pause" // a lawful break (休庭) begins
	EndClose End = "close" // the hearing is closed
	EndFile  End = "eof"   // a recording was played to its end
)

// Chunk is a run of consecutive samples of one channel.
//
// Seq starts at 1 for the first chunk of a channel in a hearing and rises by
// one with every chunk, across epochs: a missing number is missing audio.
// Within an epoch, First of a chunk is First + len(Samples) of the one before.
type Chunk struct {
	Hearing    string
	Channel    string
	Epoch      uint64      // rises whenever the sample count restarts; at least 1
	Seq        uint64      // at least 1
	First      SampleIndex // of Samples[0], since the epoch opened
	CapturedAt time.Time   // wall clock at Samples[0], drift-corrected; microseconds
	End        End
	// Lost, when not zero, says that nobody has the sound of the numbers from
	// Lost up to this one any more: readers that wait for them go on here.
	Lost    uint64
	Samples []int16 // at Rate, mono; 1 to MaxChunkSamples, or none if End or Lost is set

	// archived is how many samples the chunk has that only the archive keeps, as
	// the spool had no room; Samples is empty then. It never leaves the package.
	archived int
}

// Follows says whether the chunk is what comes after chunk seq of its channel.
func (c Chunk) Follows(seq uint64) bool {
	return c.Seq == seq+1 || c.Lost != 0 && c.Lost <= seq+1 && c.Seq > seq
}

// Next is the index of the sample that follows the chunk.
func (c Chunk) Next() SampleIndex { return c.First + SampleIndex(len(c.Samples)+c.archived) }

// Key is the message key of a channel in every topic: hearing/channel.
func Key(hearing, channel string) string { return hearing + "/" + channel }

// String identifies the chunk in errors and logs; it never shows its content.
func (c Chunk) String() string {
	return fmt.Sprintf("%s/%s epoch %d seq %d", c.Hearing, c.Channel, c.Epoch, c.Seq)
}

// Receipt is the value of receipts.v1: the record server holds this channel's
// audio, on disk, up to and including Seq. Want, when not zero, asks the
// courtroom to send again from that number, because the log lost it.
type Receipt struct {
	Hearing string    `json:"hearing"`
	Channel string    `json:"channel"`
	Epoch   uint64    `json:"epoch"`
	Seq     uint64    `json:"seq"`
	Want    uint64    `json:"want,omitempty"`
	At      time.Time `json:"at"`
}
