//go:build !windows

package main

import (
	"context"
	"errors"
	"io"
)

// asService is for Windows; systemd runs the daemon like any program, and is told
// how it is by notifySystem.
func asService(context.Context, func(context.Context) error) (bool, error) { return false, nil }

func serviceLog() (io.Writer, bool) { return nil, false }

func noService() error {
	return errors.New("a Windows service can be installed on Windows only; here, install deploy/tingji-capture.service")
}

func installService([]string) error { return noService() }

func uninstallService() error { return noService() }
