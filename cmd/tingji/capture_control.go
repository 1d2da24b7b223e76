package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tingji/capture"
)

// controlHeader has to be in a request that changes something: a page in a
// browser on the same PC cannot send it without asking first.
const controlHeader = "X-Tingji-Control"

// serveDaemon answers on loopback until ctx ends. Where it cannot, recording
// goes on without it.
func (a *app) serveDaemon(ctx context.Context, d *capture.Daemon, seats *reloader) {
	if a.config.Capture.Listen == "" {
		return
	}
	listener, err := net.Listen("tcp", a.config.Capture.Listen)
	if err != nil {
		a.log.Warn("no control by hand and no metrics: set capture.listen to a free address", "err", err)
		return
	}
	server := &http.Server{Handler: daemonHandler(d, seats), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	a.log.Info("control by hand", "listen", listener.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		a.log.Warn("control by hand has ended", "err", err)
	}
}

func daemonHandler(d *capture.Daemon, seats *reloader) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		r := d.Report()
		if late := time.Since(r.At); late > 5*time.Second || r.Hung != "" {
			http.Error(w, fmt.Sprintf("stands still: last sign of life %s ago, seat %q", late.Round(time.Second), r.Hung), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /report", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(d.Report()) // the reader has gone away
	})
	mux.HandleFunc("POST /control/{command}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(controlHeader) == "" {
			http.Error(w, "use tingji capture "+r.PathValue("command"), http.StatusForbidden)
			return
		}
		if r.PathValue("command") == "reload" {
			said, err := seats.reload(r.Context())
			if err != nil {
				http.Error(w, oneLine(err), http.StatusConflict)
				return
			}
			fmt.Fprintln(w, said)
			return
		}
		h, err := d.Control(capture.Command(r.PathValue("command")), r.FormValue("reason"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		fmt.Fprintf(w, "%s %s\n", h.ID, h.Status)
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(daemonMetrics{d})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}

// daemonMetrics gives a daemon's report to Prometheus.
type daemonMetrics struct{ daemon *capture.Daemon }

// Describe is empty: what there is depends on the courtroom.
func (daemonMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (m daemonMetrics) Collect(to chan<- prometheus.Metric) {
	r := m.daemon.Report()
	put := func(kind prometheus.ValueType, name, help string, v float64, labels ...string) {
		var names, values []string
		for i := 0; i+1 < len(labels); i += 2 {
			names, values = append(names, labels[i]), append(values, labels[i+1])
		}
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("tingji_capture_"+name, help, names, nil), kind, v, values...)
	}
	put(prometheus.GaugeValue, "spool_bytes", "Bytes in the spool.", float64(r.Bytes))
	put(prometheus.GaugeValue, "spool_max_bytes", "Bytes that the spool may hold.", float64(r.MaxBytes))
	put(prometheus.GaugeValue, "unconfirmed_chunks", "Chunks that the record server has not confirmed.", float64(r.Chunks))
	put(prometheus.CounterValue, "spool_syncs_total", "Batches of chunks made durable.", float64(r.Syncs))
	put(prometheus.CounterValue, "chunks_filled_total", "Chunks that the spool had lost and the archive had.", float64(r.Filled))
	put(prometheus.CounterValue, "chunks_lost_total", "Chunks that nobody has any more.", float64(r.Lost))
	put(prometheus.GaugeValue, "disk_free_bytes", "Free on the disk of archive and spool.", float64(r.DiskFree))
	for _, s := range r.Seats {
		put(prometheus.GaugeValue, "seat_level_dbfs", "RMS of the last second; -120 is digital silence.", s.LevelDBFS, "channel", s.Channel)
		recording := 0.0
		if s.Recording {
			recording = 1
		}
		put(prometheus.GaugeValue, "seat_recording", "1 while sound is recorded.", recording, "channel", s.Channel)
		put(prometheus.GaugeValue, "seat_gap_samples", "Samples that are missing from this part of the hearing.", float64(s.Missing), "channel", s.Channel)
		put(prometheus.GaugeValue, "seat_samples", "Samples of the present epoch.", float64(s.Samples), "channel", s.Channel)
	}
	for _, alarm := range r.Alarms {
		put(prometheus.GaugeValue, "alarm", "1 while the alarm stands.", 1, "code", alarm.Code, "channel", alarm.Channel)
	}
}

// notifySystem tells systemd, where it has started us, that we run, and that we
// are alive only as long as every seat goes on.
func (a *app) notifySystem(ctx context.Context, d *capture.Daemon) {
	tell := func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			a.log.Warn("systemd cannot be told", "err", err)
		}
	}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every <= 0 {
		every = 10 * time.Second
	}
	ready := false
	tick := time.NewTicker(every / 4)
	defer tick.Stop()
	for {
		if r := d.Report(); r.Hung == "" && time.Since(r.At) < 5*time.Second {
			if !ready {
				ready = true
				tell(daemon.SdNotifyReady)
			}
			tell(daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			tell(daemon.SdNotifyStopping)
			return
		case <-tick.C:
		}
	}
}

// captureHand is what the commands given by hand have in common.
type captureHand struct {
	Reason string `placeholder:"TEXT" help:"Why; it is kept with the hearing."`
}

func (captureHand) once() {}

func (c captureHand) tell(ctx context.Context, a *app, command capture.Command) error {
	return a.demand(ctx, string(command), url.Values{"reason": {c.Reason}})
}

// demand has the daemon of this PC do something, and prints what it says.
func (a *app) demand(ctx context.Context, command string, form url.Values) error {
	at := "http://" + a.config.Capture.Listen + "/control/" + command
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set(controlHeader, "1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no tingji capture answers on %s: start it, or check capture.listen", a.config.Capture.Listen)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(said)))
	}
	_, err = a.stdout.Write(said)
	return err
}

type (
	captureInstallCmd   struct{}
	captureUninstallCmd struct{}
)

func (captureInstallCmd) once() {}

func (captureInstallCmd) Help() string {
	return "Run it as administrator. The service starts with the machine, and again whenever it fails; it writes to the event log.\n\n" +
		"Example:\n  tingji capture install --config C:\\tingji\\tingji.toml --data C:\\tingji\\data"
}

func (captureInstallCmd) Run(a *app, file configFile) error {
	if a.config.Capture.Courtroom == "" {
		return misuseNoCourtroom()
	}
	config, err := filepath.Abs(string(file))
	if err != nil {
		return fmt.Errorf("install service: %w", err)
	}
	data, err := filepath.Abs(a.config.Data)
	if err != nil {
		return fmt.Errorf("install service: %w", err)
	}
	return installService([]string{"capture", "--config", config, "--data", data})
}

func (captureUninstallCmd) once() {}

func (captureUninstallCmd) Help() string {
	return "Stops the service and takes it out; what was recorded stays.\n\nExample:\n  tingji capture uninstall"
}

func (captureUninstallCmd) Run() error { return uninstallService() }

type (
	captureOpenCmd   struct{ captureHand }
	capturePauseCmd  struct{ captureHand }
	captureResumeCmd struct{ captureHand }
	captureCloseCmd  struct{ captureHand }
)

func (captureOpenCmd) Help() string {
	return "Opens a hearing on this PC alone, when the server cannot be reached. It is recorded like any other and bound to its case later.\n\nExample:\n  tingji capture open --reason 服务器中断"
}

func (capturePauseCmd) Help() string {
	return "Begins a lawful break: nothing is recorded until it ends.\n\nExample:\n  tingji capture pause --reason 休庭"
}

func (captureResumeCmd) Help() string {
	return "Ends the break.\n\nExample:\n  tingji capture resume"
}

func (captureCloseCmd) Help() string {
	return "Closes the hearing.\n\nExample:\n  tingji capture close"
}

func (c captureOpenCmd) Run(ctx context.Context, a *app) error {
	return c.tell(ctx, a, capture.OpenHearing)
}

func (c capturePauseCmd) Run(ctx context.Context, a *app) error {
	return c.tell(ctx, a, capture.PauseHearing)
}

func (c captureResumeCmd) Run(ctx context.Context, a *app) error {
	return c.tell(ctx, a, capture.ResumeHearing)
}

func (c captureCloseCmd) Run(ctx context.Context, a *app) error {
	return c.tell(ctx, a, capture.CloseHearing)
}
