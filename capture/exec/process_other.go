//go:build !unix

package exec

import "os/exec"

// prepare has nothing to do here: only the program itself is ended.
func prepare(*exec.Cmd) {}
