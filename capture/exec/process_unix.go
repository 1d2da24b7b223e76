//go:build unix

package exec

import (
	"os/exec"
	"syscall"
)

// prepare gives the program a group of its own, so that what it has started
// ends with it.
func prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
