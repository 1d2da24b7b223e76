package lexicon

import "fmt"

// Hot is what the language model calls a name of the case at hand. No name is
// in the lexicon: the model has HotSlots words that stand where names stand,
// and a decoder gives them the sound of the hotwords it was asked to expect.
const (
	Hot      = "HOT"
	HotSlots = 24
)

// HotSlot is the word of slot i, from 0.
func HotSlot(i int) string { return fmt.Sprintf("%s%02d", Hot, i+1) }
