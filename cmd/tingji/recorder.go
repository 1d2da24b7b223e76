package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/shlex"

	"tingji/capture"
	"tingji/capture/exec"
	"tingji/capture/file"
	"tingji/capture/portaudio"
	"tingji/store/kafka"
	"tingji/testdata/hearing"
)

// captureCmd is a group; alone, it runs the daemon.
type captureCmd struct {
	Kafka     *string `placeholder:"HOST:PORT,…" help:"Kafka brokers."`
	Courtroom *string `placeholder:"ID" help:"The courtroom of this PC: the id of one in the configuration."`

	Run     captureRunCmd     `cmd:"" default:"withargs" help:"Record the courtroom's hearings: the daemon. What tingji capture does by itself."`
	Devices captureDevicesCmd `cmd:"" help:"List the devices that sound can be taken from."`
	Meter   captureMeterCmd   `cmd:"" help:"Show the level of every seat."`
	Check   captureCheckCmd   `cmd:"" help:"Prove the whole chain before a hearing, and say what to mend."`
	Open    captureOpenCmd    `cmd:"" help:"Open a hearing by hand, while the server is away."`
	Pause   capturePauseCmd   `cmd:"" help:"Begin a lawful break by hand."`
	Resume  captureResumeCmd  `cmd:"" help:"End the break by hand."`
	Close   captureCloseCmd   `cmd:"" help:"Close the hearing by hand."`
	Reload  captureReloadCmd  `cmd:"" help:"Have the daemon read its seats from the configuration again, also during a hearing."`

	Install   captureInstallCmd   `cmd:"" help:"Windows: have the system run the daemon as a service, with the configuration given here."`
	Uninstall captureUninstallCmd `cmd:"" help:"Windows: take the service out again."`
}

func (captureCmd) Help() string {
	return "Records the hearings of one courtroom: every seat to a WAV archive and a spool on this PC, then to Kafka. Records on while the network is away.\n\n" +
		"Example:\n  tingji capture --config /etc/tingji.toml --courtroom 3 --kafka kafka1:9092\n  tingji capture check --config /etc/tingji.toml"
}

func (c captureCmd) apply(config *Config) {
	joints{Kafka: c.Kafka}.apply(config)
	set(&config.Capture.Courtroom, c.Courtroom)
}

type captureRunCmd struct{}

func (captureRunCmd) Help() string { return captureCmd{}.Help() }

func (c captureRunCmd) Run(ctx context.Context, a *app) error {
	run := func(ctx context.Context) error { return c.record(ctx, a) }
	if is, err := asService(ctx, run); is || err != nil {
		return err
	}
	return run(ctx)
}

// gcPercent is how much a courtroom's daemon may leave behind before it is collected,
// of what it holds. It makes little that is not used again, so that collecting it four times as
// often as usual costs next to nothing, and memory is what it holds. GOGC wins where it is set.
const gcPercent = 25

func (captureRunCmd) record(ctx context.Context, a *app) error {
	if a.config.Capture.Courtroom == "" {
		return misuseNoCourtroom()
	}
	if len(a.config.Kafka.Brokers) == 0 {
		return misuse("capture needs the broker of the court: set --kafka")
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	s := newStack(a.log)
	defer s.Stop()
	log, err := a.joinCourt(s, "capture")
	if err != nil {
		return err
	}
	err = a.recordRoom(ctx, s, log)
	if err != nil && ctx.Err() == nil {
		a.tellWhyNot(log, err)
	}
	return err
}

// recordRoom runs the daemon of this PC's courtroom until ctx ends.
func (a *app) recordRoom(ctx context.Context, s *stack, log *courtLog) error {
	from := a.newSources()
	room, sources, err := from.own(a.config)
	if err != nil {
		return err
	}
	daemon, err := a.newDaemon(log, room.ID, sources, nil)
	if err != nil {
		return err
	}
	s.Go("topics", func(ctx context.Context) error { return a.ensureAtLast(ctx, log) })
	s.Go("capture", daemon.Run)
	seats := &reloader{app: a, sources: from, daemon: daemon}
	s.Go("control", func(ctx context.Context) error { a.serveDaemon(ctx, daemon, seats); return nil })
	s.Go("reload", func(ctx context.Context) error { seats.onSignal(ctx); return nil })
	s.Go("watchdog", func(ctx context.Context) error { a.notifySystem(ctx, daemon); return nil })
	return s.Wait(ctx)
}

// tellWhyNot tells the record server why this PC's daemon does not run, as far as it
// can be reached: its page says so then, beside the courtroom.
func (a *app) tellWhyNot(log *courtLog, err error) {
	room := a.config.Capture.Courtroom
	why, whyEN := oneLine(err), oneLine(err)
	var known *capture.StartError
	if errors.As(err, &known) {
		why, whyEN = known.Text, known.TextEN
	}
	ctx, cancel := context.WithTimeout(context.Background(), tellPatience)
	defer cancel()
	now := time.Now().UTC()
	if err := log.PublishHealth(ctx, capture.Health{
		Component: "capture", Instance: instance(), Courtroom: room, At: now, Stopped: true,
		Alarms: []capture.Alarm{{
			Code: "start-failed", Since: now,
			Text:   fmt.Sprintf("%s的录音程序无法运行，没有在录音：%s；处理后请重新启动录音程序", courtrooms(a.config.Courtrooms).Name(room), why),
			TextEN: fmt.Sprintf("The recorder of courtroom %s cannot run, nothing is recorded: %s; then start it again", room, whyEN),
		}},
	}); err != nil {
		a.log.Debug("the record server was not told", "err", err)
	}
}

// tellPatience is how long a daemon that cannot run tries to say so.
const tellPatience = 3 * time.Second

// seatSources makes the sources of seats. What is made by one of them shares a
// clock, where it is a recording, and the library of sound cards.
type seatSources struct {
	player *file.Player
	system *portaudio.System
}

func (a *app) newSources() *seatSources {
	return &seatSources{file.NewPlayer(a.config.Capture.Pace), portaudio.New(a.config.Capture.Rate, a.log)}
}

// own are the seats of this PC's courtroom.
func (from *seatSources) own(config Config) (CourtroomConfig, []capture.SeatSource, error) {
	if config.Capture.Courtroom == "" {
		return CourtroomConfig{}, nil, misuseNoCourtroom()
	}
	room, _ := courtrooms(config.Courtrooms).find(config.Capture.Courtroom)
	sources, err := from.seats(room, nil)
	return room, sources, err
}

func misuseNoCourtroom() error {
	return misuse("capture needs to know its courtroom: set --courtroom, and its seats in the configuration (see deploy/tingji.toml)")
}

// seats makes the source of every seat of a room. ref holds the recordings
// that sample: names; nil where there are none.
func (from *seatSources) seats(room CourtroomConfig, ref *hearing.Hearing) ([]capture.SeatSource, error) {
	var seats []capture.SeatSource
	var bad error
	good := 0
	taken := map[string]string{}
	for _, s := range room.Seats {
		source, err := from.source(s.Source, ref)
		if other := taken[strings.TrimSuffix(s.Source, "#1")]; other != "" && source != nil {
			err = wrongSource{fmt.Sprintf("席位 %s 和 %s 用了同一个声音输入 %s", other, s.Channel, s.Source),
				fmt.Sprintf("seats %s and %s both hear %s", other, s.Channel, s.Source)}
		}
		taken[strings.TrimSuffix(s.Source, "#1")] = s.Channel
		if err != nil {
			// One seat that is written wrong must not keep the others from recording.
			source = badSource{room.ID, s.Channel, err}
		} else if source != nil {
			good++
		}
		bad = cmp.Or(bad, err)
		if source != nil {
			seats = append(seats, capture.SeatSource{Channel: s.Channel, Role: s.Role, Source: source, Spec: s.Source})
		}
	}
	if bad != nil && good == 0 {
		return nil, misuse("courtroom %s: %v", room.ID, bad)
	}
	if len(seats) == 0 {
		return nil, misuse("courtroom %s has no seat with a source: there is nothing to record; see deploy/tingji.toml", room.ID)
	}
	return seats, nil
}

// badSource is a seat whose source is written wrong. It is an alarm.
type badSource struct {
	room, channel string
	err           error
}

func (s badSource) Error() string {
	return fmt.Sprintf("courtroom %s, seat %s: %v", s.room, s.channel, s.err)
}

func (s badSource) Resumable() bool { return false }

func (s badSource) Open(context.Context, capture.SampleIndex) (capture.Stream, error) {
	why := s.err.Error()
	var known wrongSource
	if errors.As(s.err, &known) {
		why = known.text
	}
	return nil, &capture.SourceError{
		Text:   fmt.Sprintf("配置有误：%s；请改正配置后运行 tingji capture reload", why),
		TextEN: fmt.Sprintf("%v. Correct the configuration and run tingji capture reload", s),
	}
}

// wrongSource says, for people, how a source is written wrong.
type wrongSource struct{ text, textEN string }

func (e wrongSource) Error() string { return e.textEN }

// source reads kind:what as a seat's source names it.
func (from *seatSources) source(text string, ref *hearing.Hearing) (capture.Source, error) {
	kind, what, ok := strings.Cut(text, ":")
	switch {
	case text == "":
		return nil, nil // a seat that is recorded elsewhere
	case !ok || what == "":
		return nil, wrongSource{fmt.Sprintf("声音输入“%s”应写成 portaudio:…、file:… 或 exec:…", text),
			fmt.Sprintf("source %q: write portaudio:…, file:… or exec:…", text)}
	}
	switch kind {
	case "file":
		path, channel, err := cutChannel(what)
		if err != nil {
			return nil, err
		}
		return from.player.File(path, channel), nil
	case "portaudio":
		device, channel, err := cutChannel(what)
		if err != nil {
			return nil, err
		}
		hostAPI, name, ok := strings.Cut(device, "/")
		if !ok {
			hostAPI, name = "", device
		}
		return from.system.Source(hostAPI, name, channel), nil
	case "exec":
		args, err := shlex.Split(what)
		if err != nil || len(args) == 0 {
			return nil, wrongSource{fmt.Sprintf("声音输入“%s”不是一行命令；请检查引号", text), fmt.Sprintf("source %q: not a command line; check its quotes", text)}
		}
		return exec.New(args[0], args[1:]...), nil
	case "sample":
		if ref != nil {
			for _, r := range ref.Recordings {
				if r.Channel == what {
					return from.player.PCM(r.PCM), nil
				}
			}
		}
		return nil, fmt.Errorf("the sample hearing has no recording %q here", what)
	default:
		return nil, wrongSource{fmt.Sprintf("声音输入“%s”的种类“%s”不存在；可用：portaudio、file、exec", text, kind),
			fmt.Sprintf("source %q: kind %q is unknown%s", text, kind, didYouMean(kind, []string{"portaudio", "file", "exec"}))}
	}
}

// cutChannel reads name#channel; channels count from 1 for people, from 0
// inside. Without #, it is the first.
func cutChannel(s string) (name string, channel int, err error) {
	i := strings.LastIndexByte(s, '#')
	if i < 0 {
		return s, 0, nil
	}
	n, err := strconv.Atoi(s[i+1:])
	if err != nil || n < 1 {
		return "", 0, wrongSource{fmt.Sprintf("声音输入“%s”中 # 后面应是声道号，从 1 开始", s), fmt.Sprintf("source %q: the channel after # is a number from 1", s)}
	}
	return s[:i], n - 1, nil
}

// newDaemon makes the daemon of a courtroom.
func (a *app) newDaemon(log *courtLog, room string, seats []capture.SeatSource, onEnd func(hearing string)) (*capture.Daemon, error) {
	preroll := time.Duration(a.config.Capture.Preroll)
	if preroll == 0 {
		preroll = -1
	}
	var signs capture.Signs
	if len(a.config.Kafka.Brokers) > 0 { // else the log is in this process, and so is the only recorder
		signs = captureLog{log}
	}
	daemon, err := capture.NewDaemon(capture.Config{
		Courtroom: room, Instance: instance(), Dir: filepath.Join(a.config.Data, "capture"), ArchiveDir: a.config.Capture.Archive,
		SpoolBytes: int64(a.config.Capture.SpoolMB) << 20, Codec: capture.Codec(a.config.Capture.Codec),
		BacklogBytes: int64(a.config.Capture.Backlog) * 1e6 / 8,
		Seats:        seats, Preroll: preroll, OnEnd: onEnd,
	}, capture.Links{
		Hearings: captureLog{log}, Receipts: captureLog{log}, Log: captureLog{log}, Health: healthLog{log}, Signs: signs,
	}, a.log)
	if err != nil {
		return nil, usageError{err}
	}
	return daemon, nil
}

// startCapture runs the daemon of a courtroom.
func (a *app) startCapture(s *stack, log *courtLog, room string, seats []capture.SeatSource, onEnd func(hearing string)) error {
	daemon, err := a.newDaemon(log, room, seats, onEnd)
	if err != nil {
		return err
	}
	s.Go("capture", daemon.Run)
	return nil
}

// captureLog is the log as a courtroom's daemon uses it.
type captureLog struct{ *courtLog }

// Send implements [capture.Log].
func (l captureLog) Send(ctx context.Context, courtroom string, messages []capture.Message) error {
	if refused := l.refused.Load(); refused != nil {
		return *refused
	}
	records := make([]kafka.Record, len(messages))
	for i, m := range messages {
		records[i] = kafka.Record{Key: m.Key, Value: m.Value, Headers: m.Headers}
	}
	_, err := l.client.Produce(ctx, kafka.TopicAudio, l.rooms.Of(courtroom), records)
	return err
}

// FollowHearings implements [capture.Hearings].
func (l captureLog) FollowHearings(ctx context.Context, changed func(capture.Hearing), loaded func()) error {
	return follow(ctx, l.client, kafka.TopicHearings, changed, loaded)
}

// FollowReceipts implements [capture.Receipts].
func (l captureLog) FollowReceipts(ctx context.Context, changed func(capture.Receipt), loaded func()) error {
	return follow(ctx, l.client, kafka.TopicReceipts, changed, loaded)
}

// FollowSigns implements [capture.Signs].
func (l captureLog) FollowSigns(ctx context.Context, heard func(capture.Health), loaded func()) error {
	return follow(ctx, l.client, kafka.TopicStatus, heard, loaded)
}

// follow hands over the states of a compacted topic, calls loaded once, then
// hands over each change. What cannot be read was written by a newer version
// and is left to those who can.
func follow[T any](ctx context.Context, client *kafka.Client, topic string, changed func(T), loaded func()) error {
	table := client.Table(topic, func(r kafka.Record) {
		var state T
		if r.Value != nil && decode(r.Value, &state) == nil {
			changed(state)
		}
	})
	ctx, cancel := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if table.Wait(ctx) == nil {
			loaded()
		}
	})
	err := table.Run(ctx)
	cancel()
	waiting.Wait()
	return err
}
