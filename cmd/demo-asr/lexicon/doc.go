// Package lexicon says how Chinese words sound, in the phones of the
// demonstration recogniser's model: initials and finals without tones.
//
// The program that trains the model and the server that adds hotwords to it
// both ask it, so a name added later sounds as it would have in training.
package lexicon
