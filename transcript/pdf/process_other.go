//go:build !unix

package pdf

import "os/exec"

// prepare has nothing to do here: only the program itself is ended.
func prepare(*exec.Cmd) {}
