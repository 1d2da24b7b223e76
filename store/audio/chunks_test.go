package audio

import (
	"cmp"
	"reflect"
	"slices"
	"testing"

	"tingji/capture"
	"tingji/store"
)

// TestChunksComeBack: what the courtroom sent comes back from the files as it
// was: numbers, places, samples, over parts, epochs and seats, in order.
func TestChunksComeBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		sent := append(chunks("h1", "judge", 90), chunks("h1", "clerk", 50)...)
		tail := chunk("h1", "judge", 1, 91, 90) // a pause cut it short
		tail.Samples = tail.Samples[:1234]
		sent = append(sent, tail)
		for i := range 5 {
			sent = append(sent, chunk("h1", "judge", 2, uint64(92+i), i))
		}
		sent[len(sent)-1].End = capture.EndClose
		order := func(a, b capture.Chunk) int {
			return cmp.Or(a.CapturedAt.Compare(b.CapturedAt), cmp.Compare(a.Channel, b.Channel))
		}
		slices.SortStableFunc(sent, order)
		b.log.add(0, sent...)
		b.settle()

		for _, after := range []map[string]uint64{
			{"judge": 0, "clerk": 0}, {"judge": 39, "clerk": 40}, {"judge": 91}, {"clerk": 50}, {},
		} {
			want := slices.DeleteFunc(slices.Clone(sent), func(c capture.Chunk) bool {
				seq, wanted := after[c.Channel]
				return !wanted || c.Seq <= seq
			})
			var got []capture.Chunk
			for c, err := range b.archive.Chunks(t.Context(), "h1", after) {
				if err != nil {
					t.Fatal(err)
				}
				c.CapturedAt = c.CapturedAt.UTC()
				got = append(got, c)
			}
			if !slices.IsSortedFunc(got, func(a, b capture.Chunk) int { return a.CapturedAt.Compare(b.CapturedAt) }) {
				t.Errorf("after %v: not in the order of capture", after)
			}
			slices.SortStableFunc(got, order)
			if !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
				t.Errorf("after %v: got %d chunks, want %d", after, len(got), len(want))
				for i := range min(len(got), len(want)) {
					if !reflect.DeepEqual(got[i], want[i]) {
						t.Fatalf("first at %v %d %s, want %v %d %s (%d, %d samples)", got[i], got[i].First, got[i].CapturedAt, want[i], want[i].First, want[i].CapturedAt, len(got[i].Samples), len(want[i].Samples))
					}
				}
			}
		}
	})
}

// TestChunksFollow: numbers that no file has, as of a break that began while the
// microphone was away, or of sound that is lost, come back as such: who reads the
// chunks would wait for them for ever.
func TestChunksFollow(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		sent := chunks("h1", "judge", 3)
		pause := chunk("h1", "judge", 1, 4, 3)
		pause.Samples, pause.End = nil, capture.EndPause
		lost := chunk("h1", "judge", 2, 8, 3)
		lost.Lost = 6 // and 7
		sent = append(sent, pause, chunk("h1", "judge", 2, 5, 0), lost, chunk("h1", "judge", 2, 9, 4))
		b.log.add(0, sent...)
		b.settle()
		b.receipt("judge", 2, 9, 0)
		for after := range uint64(9) {
			at, n := after, 0
			for c, err := range b.archive.Chunks(t.Context(), "h1", map[string]uint64{"judge": after}) {
				if err != nil {
					t.Fatal(err)
				}
				if !c.Follows(at) {
					t.Errorf("after %d: chunk %d, lost from %d, does not follow %d", after, c.Seq, c.Lost, at)
				}
				at, n = c.Seq, n+1
			}
			if at != 9 || n == 0 {
				t.Errorf("after %d: %d chunks, the last is %d", after, n, at)
			}
		}
	})
}

// TestBounds: a file says by its length which of both lengths its chunks had.
func TestBounds(t *testing.T) {
	for _, whole := range []capture.SampleIndex{capture.ChunkSamples, capture.FormerChunkSamples} {
		for _, n := range []uint64{1, 2, 3, 600} {
			for _, last := range []capture.SampleIndex{1, whole / 2, whole} {
				p := &playback{files: []store.AudioFile{{FirstSeq: 7, LastSeq: 6 + n, Samples: capture.SampleIndex(n-1)*whole + last}}}
				at := capture.SampleIndex(0)
				for p.seq = 7; p.seq < 7+n; p.seq++ {
					want := whole
					if p.seq == 6+n {
						want = last
					}
					if from, to := p.bounds(); from != at || to != at+want {
						t.Fatalf("%d chunks of %d, the last of %d: number %d is %d to %d, want %d to %d", n, whole, last, p.seq-6, from, to, at, at+want)
					}
					at += want
				}
			}
		}
	}
}
