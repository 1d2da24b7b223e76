package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes. What is wrong with a call or a configuration whatever the machine's
// state is misuse; what cannot be had here and now is a failure.
const (
	exitOK      = 0
	exitFailure = 1
	exitMisuse  = 2
	exitSecond  = 130 // a second Ctrl-C: ended at once
)

// cli is the command line. Flags that are given win over the environment and
// the configuration file.
type cli struct {
	ConfigFile string  `name:"config" short:"c" placeholder:"FILE" env:"TINGJI_CONFIG" help:"Configuration (TOML); deploy/tingji.toml is a commented sample."`
	Data       *string `placeholder:"DIR" help:"Folder for everything that is kept."`
	Verbose    bool    `short:"v" help:"Log more."`

	Up           upCmd           `cmd:"" help:"Everything in one process: broker, capture, worker, record server, page."`
	Capture      captureCmd      `cmd:"" help:"The daemon on a courtroom's PC."`
	ASR          asrCmd          `cmd:"" name:"asr" help:"A worker that recognises speech; run as many as you like."`
	Serve        serveCmd        `cmd:"" help:"The record server: store, audio archive, API and pages."`
	Transcribe   transcribeCmd   `cmd:"" help:"Print the transcript of recordings."`
	Retranscribe retranscribeCmd `cmd:"" help:"Decode a past hearing again, with another engine, and show where the words differ."`
	Export       exportCmd       `cmd:"" help:"Write the record of a hearing to a file."`
	Template     templateCmd     `cmd:"" help:"Write a template of the record for the court to make its own of, or check one."`
	Verify       verifyCmd       `cmd:"" help:"Prove an exported record: text, edits and sound, offline."`
	Import       importCmd       `cmd:"" help:"Announce hearings from a file of the case system, JSON or CSV."`
	Search       searchCmd       `cmd:"" help:"Find what was said, in all hearings."`
	Quality      qualityCmd      `cmd:"" help:"How far the engines' words were from the record, by room, seat and engine."`
	Store        storeCmd        `cmd:"" help:"Check, back up, restore and move what is kept."`
	Bench        benchCmd        `cmd:"" help:"Measure this machine with the sample hearing."`
	Doctor       doctorCmd       `cmd:"" help:"Check configuration, disk, broker, database and engine; say what to mend."`
	Version      versionCmd      `cmd:"" help:"Print the version."`
}

// joints are the flags that point the joints of the pipeline elsewhere.
type joints struct {
	Kafka  *string `placeholder:"HOST:PORT,…" help:"Kafka brokers; without them, a broker inside this process."`
	ASRURL *string `name:"asr-url" placeholder:"URL" help:"OpenAI-compatible speech server; base URL ending in /v1."`
	DB     *string `name:"db" placeholder:"URL" help:"sqlite:FILE or postgres://…; without it, SQLite in the data folder."`
}

func (j joints) apply(c *Config) {
	if j.Kafka != nil {
		c.Kafka.Brokers = splitList(*j.Kafka)
	}
	if j.ASRURL != nil {
		c.ASR.URL, c.ASR.Engines = *j.ASRURL, nil // this one and no other
	}
	set(&c.DB, j.DB)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// app is what a command runs with.
type app struct {
	config   Config
	again    func() (Config, error) // reads the configuration anew, as it was read at first
	log      *slog.Logger
	stdout   io.Writer
	stderr   io.Writer
	progress bool // standard error is a terminal
}

// configFile is the file that the configuration was read from; "" for none.
type configFile string

// settings lets a command's flags win over file and environment.
type settings interface{ apply(*Config) }

// onceCommand is a command that does one thing and ends: its log is for whoever
// asks for it with -v.
type onceCommand interface{ once() }

// run is main without the process: it returns the exit code.
func run(args, environ []string, _ io.Reader, stdout, stderr io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("tingji"),
		kong.Description("Tingji 庭记: the words of a court's hearings, as text with speaker and time, while they are spoken.\n\n"+
			"Example:\n  tingji up"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.UsageOnError(),
	)
	if err != nil {
		panic(err) // the struct above is wrong: a mistake in the program
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 {
		return exited // --help
	}
	if err != nil {
		return report(stderr, misuse("%v; see %s --help", err, called(err)))
	}

	read := func() (Config, []string, error) {
		config, warnings, err := LoadConfig(c.ConfigFile, environ)
		if err != nil {
			return config, nil, err
		}
		set(&config.Data, c.Data)
		for n := kctx.Selected(); n != nil; n = n.Parent { // flags of a group count for its commands
			if s, ok := n.Target.Addr().Interface().(settings); ok {
				s.apply(&config)
			}
		}
		return config, warnings, config.Check()
	}
	config, warnings, err := read()
	if err != nil {
		return report(stderr, err)
	}
	level := slog.LevelInfo
	if _, once := kctx.Selected().Target.Addr().Interface().(onceCommand); once {
		level = slog.LevelError // it says by itself what went wrong
	}
	if c.Verbose {
		level = slog.LevelDebug
	}
	a := &app{config: config, stdout: stdout, stderr: stderr}
	a.again = func() (Config, error) {
		config, _, err := read()
		return config, err
	}
	if f, ok := stderr.(*os.File); ok {
		info, err := f.Stat()
		a.progress = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	to := stderr
	if l, ok := serviceLog(); ok {
		to = l
	}
	a.log = slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: level}))
	for _, w := range warnings {
		a.log.Warn(w)
	}

	ctx, stop := signalContext()
	defer stop()
	kctx.BindTo(ctx, (*context.Context)(nil))
	kctx.Bind(a, configFile(c.ConfigFile))
	return report(stderr, kctx.Run())
}

// called is how a command line that cannot be read begins, as far as it names a
// command.
func called(err error) string {
	path := "tingji"
	var wrong *kong.ParseError
	if errors.As(err, &wrong) {
		for _, p := range wrong.Context.Path {
			if p.Command != nil {
				path += " " + p.Command.Name
			}
		}
	}
	return path
}

// report prints an error in one line and returns the exit code.
func report(stderr io.Writer, err error) int {
	var use usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &use):
		fmt.Fprintln(stderr, "tingji:", oneLine(err))
		return exitMisuse
	default:
		fmt.Fprintln(stderr, "tingji:", oneLine(err))
		return exitFailure
	}
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", " ")), " ")
}

// signalContext ends with the first SIGINT or SIGTERM; the second ends the
// process at once: all that matters is on disk before it is acknowledged.
func signalContext() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel()
		case <-done:
			return
		}
		select {
		case <-signals:
			os.Exit(exitSecond)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

type versionCmd struct{}

func (versionCmd) Help() string { return "Example:\n  tingji version" }

func (versionCmd) Run(a *app) error {
	_, err := fmt.Fprintln(a.stdout, "tingji", version())
	return err
}
