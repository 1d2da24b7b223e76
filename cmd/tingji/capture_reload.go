package main

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"sync"
	"syscall"

	"tingji/capture"
)

type captureReloadCmd struct{}

func (captureReloadCmd) once() {}

func (captureReloadCmd) Help() string {
	return "The daemon reads its configuration again: seats that are new are recorded from now on, those that are gone no more, and one whose source is another goes on with that; " +
		"all others without a seam. What is wrong is refused as a whole. Other settings than seats count after a restart.\n\n" +
		"Example:\n  tingji capture reload --config /etc/tingji.toml"
}

func (captureReloadCmd) Run(ctx context.Context, a *app) error {
	return a.demand(ctx, "reload", nil)
}

// reloader gives a running daemon the seats of the configuration as it is now. It is
// safe for use by several goroutines.
type reloader struct {
	app     *app
	sources *seatSources
	daemon  *capture.Daemon

	mu sync.Mutex // one at a time
}

// reload says in one line what has changed; after an error, nothing has.
func (r *reloader) reload(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	config, err := r.app.again()
	if err != nil {
		return "", err
	}
	running := r.app.config
	if config.Capture.Courtroom != running.Capture.Courtroom {
		return "", misuse("this daemon records courtroom %q, the configuration says %q: start it again", running.Capture.Courtroom, config.Capture.Courtroom)
	}
	_, seats, err := r.sources.own(config)
	if err != nil {
		return "", err
	}
	for _, s := range seats {
		if bad, is := s.Source.(badSource); is {
			return "", usageError{bad}
		}
	}
	changed, err := r.daemon.Reseat(ctx, seats)
	if err != nil {
		return "", err
	}
	said := changed.String()
	config.Courtrooms, running.Courtrooms = nil, nil
	if !reflect.DeepEqual(config, running) {
		said += "; other settings count after a restart"
	}
	return said, nil
}

// onSignal reloads at every SIGHUP until ctx ends.
func (r *reloader) onSignal(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
		if said, err := r.reload(ctx); err != nil {
			r.app.log.Error("configuration is refused, seats stay as they are", "err", oneLine(err))
		} else {
			r.app.log.Info("configuration was read again", "seats", said)
		}
	}
}
