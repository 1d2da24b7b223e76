package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tingji/capture"
	"tingji/capture/portaudio"
	"tingji/store/kafka"
)

type captureDevicesCmd struct{}

func (captureDevicesCmd) once() {}

func (captureDevicesCmd) Help() string {
	return "Prints every device that sound can be taken from, as a seat's source in the configuration names it.\n\nExample:\n  tingji capture devices"
}

func (captureDevicesCmd) Run(a *app) error {
	devices, err := portaudio.New(0, a.log).Devices()
	if err != nil {
		return err
	}
	if len(devices) == 0 {
		return errors.New("there is no input device; check that a sound card is connected and that this user may use it (group audio)")
	}
	for _, d := range devices {
		fmt.Fprintf(a.stdout, "portaudio:%s/%s#1\t%d channels, %d Hz\n", d.HostAPI, d.Name, d.Channels, d.Rate)
	}
	for _, name := range portaudio.Monitors() {
		fmt.Fprintf(a.stdout, "exec:parec -d %s --format=s16le --rate=%d --channels=1 --latency-msec=50\twhat this PC plays\n", name, capture.Rate)
	}
	return nil
}

// seatSound is a seat and what is heard there.
type seatSound struct {
	channel, role string
	capture.Sound
}

// hear listens to the seats of this PC's courtroom: through the daemon if it
// runs, as devices can seldom be opened twice, else by itself. look gives what
// was heard since it was last called.
func (a *app) hear(ctx context.Context) (look func() ([]seatSound, error), stop func(), err error) {
	if _, err := a.daemonReport(ctx); err == nil {
		return func() ([]seatSound, error) {
			r, err := a.daemonReport(ctx)
			var list []seatSound
			for _, s := range r.Seats {
				list = append(list, seatSound{s.Channel, s.Role, capture.Sound{LevelDBFS: s.LevelDBFS, Clipped: s.Clipped, Err: alarmOf(r, s.Channel)}})
			}
			return list, err
		}, func() {}, nil
	}
	_, sources, err := a.newSources().own(a.config)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	listeners := make([]*capture.Listener, len(sources))
	for i, s := range sources {
		listeners[i] = capture.NewListener(s, 0, slog.New(slog.DiscardHandler))
		running.Go(func() { listeners[i].Run(ctx) })
	}
	return func() ([]seatSound, error) {
		list := make([]seatSound, len(sources))
		for i, s := range sources {
			list[i] = seatSound{s.Channel, s.Role, listeners[i].Sound()}
		}
		return list, nil
	}, func() { cancel(); running.Wait() }, nil
}

// alarmOf is what the daemon has to say against a seat.
func alarmOf(r capture.Report, channel string) error {
	for _, alarm := range r.Alarms {
		if alarm.Channel == channel {
			return errors.New(alarm.TextEN)
		}
	}
	return nil
}

func (a *app) daemonReport(ctx context.Context) (r capture.Report, err error) {
	if a.config.Capture.Listen == "" {
		return r, errors.New("capture.listen is empty")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.config.Capture.Listen+"/report", nil)
	if err != nil {
		return r, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return r, err
	}
	defer res.Body.Close()
	err = json.NewDecoder(res.Body).Decode(&r)
	if err == nil && (r.Courtroom == "" || a.config.Capture.Courtroom != "" && r.Courtroom != a.config.Capture.Courtroom) {
		err = fmt.Errorf("what answers on %s is not this courtroom's daemon", a.config.Capture.Listen)
	}
	return r, err
}

type captureMeterCmd struct {
	For time.Duration `placeholder:"TIME" help:"End after so long; without it, at Ctrl-C."`
}

func (captureMeterCmd) once() {}

func (captureMeterCmd) Help() string {
	return "Prints the level of every seat, a line each, every second. A voice at a microphone is between -40 and -10 dB.\n\n" +
		"Example:\n  tingji capture meter --config /etc/tingji.toml --for 10s"
}

func (c captureMeterCmd) Run(ctx context.Context, a *app) error {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For+500*time.Millisecond)
		defer cancel()
	}
	look, stop, err := a.hear(ctx)
	if err != nil {
		return err
	}
	defer stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		seats, err := look()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, s := range seats {
			fmt.Fprintln(a.stdout, meterLine(s))
		}
	}
}

// meterLine draws a seat's level: a mark for every 2 dB above -80.
func meterLine(s seatSound) string {
	if s.Err != nil {
		return fmt.Sprintf("%-12s  ----  %s (%s)", s.channel, oneLine(s.Err), s.role)
	}
	bar := strings.Repeat("#", max(0, min(40, int(s.LevelDBFS+80)/2)))
	return fmt.Sprintf("%-12s %5.0f dB |%-40s| %s", s.channel, s.LevelDBFS, bar, s.role)
}

type captureCheckCmd struct {
	For time.Duration `default:"5s" help:"How long to listen to the seats: somebody should speak at each."`
}

func (captureCheckCmd) once() {}

func (captureCheckCmd) Help() string {
	return "Looks at all that a hearing needs: every seat hears something, the disk has room, the clock is right, broker and record server answer. Says what to mend; exit code 1 if anything has to be.\n\n" +
		"Example:\n  tingji capture check --config /etc/tingji.toml --courtroom 3"
}

func (c captureCheckCmd) Run(ctx context.Context, a *app) error {
	failed := 0
	tell := func(name, found string, err error) {
		if err != nil {
			failed++
			say(a.stdout, "FAIL", name, oneLine(err))
			return
		}
		say(a.stdout, "ok", name, found)
	}
	found, err := checkFolder(ctx, a)
	tell("folder", found, err)
	if err == nil {
		found, err = a.checkRoom(a.config.Data)
		tell("disk", found, err)
	}
	spool := filepath.Join(a.config.Data, "capture", "spool")
	if err := capture.CheckSpool(spool, a.config.Capture.Courtroom); err != nil && a.config.Capture.Courtroom != "" {
		tell("spool", "", err)
	}
	if dir := a.config.Capture.Archive; dir != "" {
		found, err = answersSoon(ctx, dir, func() (string, error) { return checkArchive(dir) })
		tell("archive", found, err)
		if err == nil {
			found, err = answersSoon(ctx, dir, func() (string, error) { return a.checkRoom(dir) })
			tell("disk of archive", found, err)
		}
	}
	// What the daemon has to say against the PC as a whole; its seats come below.
	if r, err := a.daemonReport(ctx); err != nil {
		if a.config.Capture.Listen != "" {
			tell("daemon", "", fmt.Errorf("none runs for courtroom %s on %s, and no hearing is recorded: start it (systemctl start tingji-capture)", a.config.Capture.Courtroom, a.config.Capture.Listen))
		}
	} else {
		tell("daemon", "runs on "+a.config.Capture.Listen, nil)
		for _, alarm := range r.Alarms {
			if alarm.Channel == "" {
				tell("daemon", "", errors.New(alarm.Code+": "+alarm.TextEN))
			}
		}
	}
	found, err = checkBroker(ctx, a)
	tell("broker", found, err)
	if err == nil {
		found, err = checkServer(ctx, a)
		tell("server", found, err)
	} else {
		tell("server", "", errors.New("cannot be asked without the broker"))
	}
	found, err = checkClock(time.Now())
	tell("clock", found, err)
	look, stop, err := a.hear(ctx)
	if err != nil {
		tell("seats", "", err)
		return fmt.Errorf("%d of these do not work", failed)
	}
	defer stop()
	if _, err := look(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(c.For):
	}
	seats, err := look()
	if err != nil {
		return err
	}
	for _, s := range seats {
		tell("seat", fmt.Sprintf("%s (%s): %.0f dB", s.channel, s.role, s.LevelDBFS), checkSound(s))
	}
	if failed > 0 {
		return fmt.Errorf("%d of these do not work", failed)
	}
	return nil
}

// checkSound says what to mend of a seat.
func checkSound(s seatSound) error {
	switch {
	case s.Err != nil:
		return fmt.Errorf("%s (%s): %w", s.channel, s.role, s.Err)
	case s.Waiting:
		return fmt.Errorf("%s (%s): nothing has come from its source yet; check that it is connected, or listen longer (--for)", s.channel, s.role)
	case s.LevelDBFS <= -119:
		return fmt.Errorf("%s (%s): digital silence: the microphone is muted, unplugged or without power; check its switch and cable", s.channel, s.role)
	case s.Clipped:
		return fmt.Errorf("%s (%s): too loud and distorted; lower the gain", s.channel, s.role)
	}
	return nil
}

// checkRoom says for how long all seats can be recorded to a folder's disk, where
// nothing is let go.
func (a *app) checkRoom(dir string) (string, error) {
	free, err := capture.DiskFree(dir)
	if err != nil {
		return "", fmt.Errorf("%s: %s", dir, cause(err))
	}
	room, _ := courtrooms(a.config.Courtrooms).find(a.config.Capture.Courtroom)
	each := int64(0)
	for _, s := range room.Seats {
		rate := capture.Rate
		if strings.HasPrefix(s.Source, "portaudio:") {
			rate = cmp.Or(a.config.Capture.Rate, cardRate)
		}
		each += capture.BytesPerSecond(rate)
	}
	if each == 0 { // which is told of below
		return fmt.Sprintf("%s has %d MB", dir, free>>20), nil
	}
	left := time.Duration(free/each) * time.Second
	found := fmt.Sprintf("%s has %d MB, for about %.1f hours of all seats", dir, free>>20, left.Hours())
	if left < capture.DiskWarning {
		return "", fmt.Errorf("%s, where there should be %.0f: free space, or move old folders of archive/ to the court's storage", found, capture.DiskWarning.Hours())
	}
	return found, nil
}

// answersSoon looks at a folder whose drive may hang, as a network drive does: then it
// is not waited for.
func answersSoon(ctx context.Context, dir string, look func() (string, error)) (string, error) {
	type answer struct {
		found string
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		found, err := look()
		done <- answer{found, err}
	}()
	select {
	case a := <-done:
		return a.found, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(checkPatience):
		return "", fmt.Errorf("%s does not answer: check the disk or network drive, or choose another folder (capture.archive)", dir)
	}
}

// checkArchive looks at the folder of the PC's own copy, where it has one of its own.
func checkArchive(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("%s cannot be used: %s; check the disk or network drive, or choose another folder (capture.archive)", dir, cause(err))
	}
	f, err := os.CreateTemp(dir, ".check-*")
	if err != nil {
		return "", fmt.Errorf("%s cannot be written to: %s; check the disk or network drive (capture.archive)", dir, cause(err))
	}
	return dir + " can be written to", errors.Join(f.Close(), os.Remove(f.Name()))
}

func checkClock(now time.Time) (string, error) {
	if now.Year() < 2020 {
		return "", fmt.Errorf("this machine believes it is %s: set its clock, and have it kept right by NTP", now.Format("2006-01-02 15:04"))
	}
	return now.Format("2006-01-02 15:04:05 MST"), nil
}

// clockOff is how far this machine's clock may be from the server's.
const clockOff = 2 * time.Second

// checkServer waits for a record server's sign of life, which also tells its time.
func checkServer(ctx context.Context, a *app) (string, error) {
	client, err := kafka.New(a.kafkaConfig(), a.log)
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	found := make(chan time.Duration, 1)
	var live atomic.Bool // what was said before is history
	table := client.Table(kafka.TopicStatus, func(r kafka.Record) {
		var h capture.Health
		if live.Load() && r.Value != nil && decode(r.Value, &h) == nil && h.Component == "serve" && !h.Stopped {
			select {
			case found <- time.Since(h.At):
			default:
			}
		}
	})
	var reading sync.WaitGroup
	reading.Go(func() { _ = table.Run(ctx) }) // how it ends is told below
	reading.Go(func() { live.Store(table.Wait(ctx) == nil) })
	defer func() { cancel(); reading.Wait() }()
	select {
	case off := <-found:
		if off > clockOff || off < -clockOff {
			return "", fmt.Errorf("answers, but its clock and this machine's are %s apart: have both kept right by NTP", off.Abs().Round(time.Millisecond))
		}
		return "answers; its clock is right", nil
	case <-ctx.Done():
		return "", fmt.Errorf("no sign of life for %s: check that tingji serve runs", checkPatience)
	}
}
