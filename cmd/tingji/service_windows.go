package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"
)

// serviceName is the service's name, and that of its source in the event log.
const serviceName = "tingji-capture"

// asService runs the daemon under the service manager, if that has started us.
func asService(ctx context.Context, run func(context.Context) error) (is bool, err error) {
	if is, err = svc.IsWindowsService(); err != nil || !is {
		return false, err
	}
	s := &service{ctx: ctx, run: run}
	if err := svc.Run(serviceName, s); err != nil {
		return true, fmt.Errorf("service %s: %w", serviceName, err)
	}
	return true, s.err
}

// service answers the service manager while the daemon runs.
type service struct {
	ctx context.Context // of the process; Execute is given none
	run func(context.Context) error
	err error
}

// Execute implements [svc.Handler].
func (s *service) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	running := svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	status <- running
	for {
		select {
		case s.err = <-done:
			status <- svc.Status{State: svc.StopPending}
			if s.err != nil {
				return true, exitFailure // the manager starts it again
			}
			return false, 0
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				status <- r.CurrentStatus
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending, WaitHint: 30_000}
				cancel()
				s.err = <-done
				return false, 0
			}
		}
	}
}

// serviceLog is where the log of a service goes: the event log, which the system
// rotates.
func serviceLog() (io.Writer, bool) {
	if is, err := svc.IsWindowsService(); err != nil || !is {
		return nil, false
	}
	l, err := eventlog.Open(serviceName)
	if err != nil {
		return nil, false
	}
	return eventWriter{l}, true
}

type eventWriter struct{ log *eventlog.Log }

// Write takes one record of a text log.
func (w eventWriter) Write(b []byte) (int, error) {
	tell := w.log.Info
	switch {
	case bytes.Contains(b, []byte("level=ERROR")):
		tell = w.log.Error
	case bytes.Contains(b, []byte("level=WARN")):
		tell = w.log.Warning
	}
	return len(b), tell(1, string(b))
}

// installService has the service manager start the daemon with the machine, and
// again whenever it fails.
func installService(args []string) (err error) {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("install service: %w", err)
	}
	if program, err = filepath.Abs(program); err != nil {
		return fmt.Errorf("install service: %w", err)
	}
	m, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("install service: %w; run it as administrator", err)
	}
	defer func() { err = errors.Join(err, m.Disconnect()) }()
	s, err := m.CreateService(serviceName, program, mgr.Config{
		DisplayName: "Tingji 庭记", Description: "记录本法庭的庭审 (records this courtroom's hearings)",
		StartType: mgr.StartAutomatic, ServiceStartName: `NT AUTHORITY\LocalService`,
	}, args...)
	if err != nil {
		return fmt.Errorf("install service %s: %w", serviceName, err)
	}
	defer s.Close()
	again := []mgr.RecoveryAction{{Type: mgr.ServiceRestart, Delay: time.Second}}
	err = errors.Join(s.SetRecoveryActions(again, 0), s.SetRecoveryActionsOnNonCrashFailures(true))
	if e := eventlog.InstallAsEventCreate(serviceName, eventlog.Error|eventlog.Warning|eventlog.Info); e != nil && !errors.Is(e, windows.ERROR_ALREADY_EXISTS) {
		err = errors.Join(err, e)
	}
	if err != nil {
		return fmt.Errorf("install service %s: %w", serviceName, err)
	}
	return s.Start()
}

// uninstallService takes it out again. What was recorded stays.
func uninstallService() error {
	m, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("uninstall service: %w; run it as administrator", err)
	}
	s, err := m.OpenService(serviceName)
	if err != nil {
		return errors.Join(fmt.Errorf("uninstall service %s: %w", serviceName, err), m.Disconnect())
	}
	_, _ = s.Control(svc.Stop) // it may not run
	return errors.Join(s.Delete(), s.Close(), eventlog.Remove(serviceName), m.Disconnect())
}
