//go:build !unix

package audio

import "os"

// syncFolder does nothing: this system has no way to ask for it.
func syncFolder(*os.Root, string) error { return nil }
