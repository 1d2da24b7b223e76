//go:build !unix

package postgrestest

import (
	"errors"
	"syscall"
)

type account struct{}

func unprivileged() (account, error)       { return account{}, errors.New("tried on Unix only") }
func (account) own(string) error           { return nil }
func (account) attr() *syscall.SysProcAttr { return nil }
