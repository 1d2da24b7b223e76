package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"tingji/asr/demo/transcription"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, log); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "demo-asr:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done, printing the base URL for clients first.
func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer, log *slog.Logger) error {
	flags := flag.NewFlagSet("demo-asr", flag.ContinueOnError)
	addr := flags.String("listen", "127.0.0.1:0", "loopback address to serve on")
	child := flags.Bool("child", false, "end when standard input ends: when whoever started it dies")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: no such argument; see demo-asr --help", flags.Arg(0))
	}

	ln, err := transcription.Listen(ctx, *addr)
	if err != nil {
		return err
	}
	// A CPU is left to whoever asks.
	r, err := newRecognizer(max(1, runtime.GOMAXPROCS(0)-1))
	if err != nil {
		ln.Close()
		return err
	}
	defer r.Close()

	if *child {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go func() { // ends with the process, or with whoever holds the other end
			io.Copy(io.Discard, stdin)
			cancel()
		}()
	}
	fmt.Fprintln(stdout, transcription.BaseURL(ln))
	return transcription.Serve(ctx, ln, (&server{r, log}).handler(), log)
}
