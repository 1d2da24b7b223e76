//go:build unix

package pdf

import (
	"os/exec"
	"syscall"
)

// prepare gives the program a group of its own: what answers to the name of
// soffice is a script that starts the program that works.
func prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
