package storetest

import "os"

// Rounds is how often a test that has no end is repeated: more often where
// somebody asks for it by TINGJI_TEST_LONG=1.
func Rounds(usual, long int) int {
	if os.Getenv("TINGJI_TEST_LONG") == "1" {
		return long
	}
	return usual
}
