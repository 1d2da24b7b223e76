package asr

import "testing"

// TestTwoElsewhere: a microphone that hears a short answer in the midst of another's
// sentence, both spoken elsewhere, has nothing of its own, though neither of the two is
// what it hears; and what its own seat says afterwards stays.
func TestTwoElsewhere(t *testing.T) {
	all, lent := 0, 0
	for n := range 8 {
		sentence, answer, own := spoken("judge", n+1), spoken("plaintiff", n%5+1), spoken("defendant", n%5+1)
		from := 600 + 90*n // of the sentence, in ms
		answer = answer[550*16 : 850*16]
		after := len(sentence) / 16
		length := float64(len(sentence)+len(own)) / 16000
		mine := mixture(length, 1).noise(-52).add(sentence, 4, -12).add(answer, from+9, -12).add(own, after, 0).pcm()
		theirs := mixture(length, 2).noise(-52).add(sentence, 0, 0).add(answer, from+5, -12).add(own, after+4, -12).pcm()
		others := mixture(length, 3).noise(-52).add(sentence, 5, -12).add(answer, from, 0).add(own, after+9, -12).pcm()
		b := hears(mine, theirs, others)
		for f, whose := range b.frames {
			switch ms := f * 10; {
			case !b.audible[f]:
			case ms >= from+30 && ms < from+280: // both speak
				all++
				if whose != 0 {
					lent++
				}
			case ms > after+400 && whose != 0:
				t.Errorf("sentence %d, %d ms: the seat's own words are given away", n, ms)
			}
		}
	}
	t.Logf("of %d frames of two voices %d are theirs", all, lent)
	if all < 150 || lent*100 < all*90 {
		t.Errorf("of %d frames of two voices only %d are theirs", all, lent)
	}
}
