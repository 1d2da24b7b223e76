package audio

import (
	"cmp"
	"reflect"
	"slices"
	"testing"

	"tingji/capture"
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
