package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tingji/testdata/hearing"
)

type benchCmd struct {
	JSON   bool          `help:"Print one JSON object on standard output."`
	Only   []string      `placeholder:"PART,…" help:"Measure these parts only: hearing, catchup, load, capture, send, search, page, growth, memory, beside."`
	Within time.Duration `default:"15m" placeholder:"TIME" help:"What is not measured by then is left out, and said."`
	Pace   float64       `default:"1" placeholder:"X" help:"Play the sample hearing X times as fast; latencies mean something at 1 only."`
	Load   time.Duration `default:"20s" placeholder:"TIME" help:"How long many seats are heard at once; 0: not at all."`
	Seats  int           `default:"72" placeholder:"N" help:"How many seats are heard at once, eight in a courtroom."`
	Device string        `placeholder:"DEVICE" help:"What the courtroom's daemon hears: the first eight channels of this device, such as portaudio:ALSA/court (see .ci/microphones), and not recordings."`
	Lines  int           `default:"1000000" placeholder:"N" help:"How many lines are searched; beside bleve and PostgreSQL a tenth of them."`
}

// benchPart measures some figures.
type benchPart struct {
	name string
	what string // for progress
	keys string // for help
	run  func(c benchCmd, ctx context.Context, a *app, ref *hearing.Hearing, f figures) error
}

// benchParts in their order: the memory of the first is told before others have
// used any.
var benchParts = []benchPart{
	{
		"hearing", "the sample hearing at real pace, four minutes",
		`  added_char_errors       characters wrong in the record; the engine made none
  doubled_lines           lines that are there twice
  wrong_seat_rate         share of lines at another's seat
  word_time_error_p95_ms  how far a word's time is off
  partial_p95_ms          end of a sentence's first word → first partial text, as a page gets it
  final_p95_ms            end of an utterance's last word → final line, as a page gets it
  samples_lost, samples_doubled   of the archive, compared sample by sample
  rss_mb                  the most memory that broker, store, worker, capture of five seats and
                          server took together, 36 MB of decoded sound among it`,
		func(c benchCmd, ctx context.Context, a *app, ref *hearing.Hearing, f figures) error {
			if err := benchHearing(ctx, a, ref, c.Pace, f); err != nil {
				return err
			}
			if rss, ok := residentMB(self, "VmHWM"); ok {
				f["rss_mb"] = rss
			}
			return nil
		},
	},
	{
		"catchup", "the sample hearing as fast as it goes",
		`  catchup_x_realtime      five channels that are caught up with, each so many times real time`,
		func(_ benchCmd, ctx context.Context, a *app, ref *hearing.Hearing, f figures) error {
			return benchCatchUp(ctx, a, ref, f)
		},
	},
	{
		"load", "many seats at once",
		`  cpu_72_channels         share of all cores with 72 seats (--seats) at real pace, everything in
                          one process; the engine answers without a thought
  rss_72_channels_mb      memory at the end of that`,
		func(c benchCmd, ctx context.Context, a *app, ref *hearing.Hearing, f figures) error {
			if c.Load <= 0 || c.Seats <= 0 {
				return nil
			}
			return benchLoad(ctx, a, ref, c.Seats, c.Load, f)
		},
	},
	{
		"capture", "the courtroom's daemon, a process of its own, beside ffmpeg; a minute and a half",
		`  capture_cpu_vs_ffmpeg   CPU of tingji capture with eight seats of 48 kHz at real pace, broker
                          elsewhere, over that of one ffmpeg which resamples and writes the same
  capture_cpu_of_a_core   share of one core that it takes
  capture_rss_mb          memory of that daemon, and what of it are not pages of the program
  capture_own_mb          and of libraries`,
		func(c benchCmd, ctx context.Context, a *app, ref *hearing.Hearing, f figures) error {
			return benchCapture(ctx, a, ref, c.Device, f)
		},
	},
	{
		"send", "sending beside kafka-go's own writer",
		`  send_vs_plain_producer  time of a batch of eight chunks, acknowledged, over that of kafka-go's
                          Writer with the same promise, by turns on the same broker`,
		func(_ benchCmd, ctx context.Context, a *app, _ *hearing.Hearing, f figures) error {
			return benchSend(ctx, a, f)
		},
	},
	{
		"search", "search over a made-up corpus",
		`  search_p95_ms           by characters: one, two and more, with and without filters, both orders
  search_pinyin_p95_ms    by sound
  search_lines            over so many lines (--lines; the goals of 20 and 50 ms are for 10000000,
                          which take some minutes and 2 GB)`,
		func(c benchCmd, ctx context.Context, a *app, _ *hearing.Hearing, f figures) error {
			return benchSearch(ctx, c.Lines, f)
		},
	},
	{
		"page", "a hearing of eight hours in a browser",
		`  page_open_ms            request for the page → the frame that shows 10,000 lines, median of five
  key_to_frame_p95_ms     key in a line of 10,000 → the frame that shows it, at 60 frames a second: a key
                          waits up to 16.7 ms for its frame, 15.8 of them at p95
  key_to_frame_empty_p95_ms   the same in a page that is nothing but a field
  key_work_p95_ms         key in a line of 10,000 → its frame is ready, with the browser's frame limit
                          taken off: the work alone, no waiting
  key_work_empty_p95_ms   the same in a page that is nothing but a field: the browser's own work;
                          what the first is longer, our page adds`,
		func(_ benchCmd, ctx context.Context, a *app, _ *hearing.Hearing, f figures) error {
			return goTest(ctx, f, "transcript/web", "^(TestLongHearingOpens|TestKeyToFrame)$", "page_open_ms key_to_frame_p95_ms key_to_frame_empty_p95_ms key_work_p95_ms key_work_empty_p95_ms")
		},
	},
	{
		"growth", "eight hours on a simulated clock; two minutes",
		`  lag_growth              p95 from the end of an utterance to its final, in the last ten minutes of
                          eight hours over the first ten; the worker alone, on a simulated clock,
                          with an engine of 200 ms`,
		func(_ benchCmd, ctx context.Context, a *app, _ *hearing.Hearing, f figures) error {
			return goTest(ctx, f, "asr", "^TestEightHours$", "lag_growth")
		},
	},
	{
		"memory", "eight hours at forty times real time; a quarter of an hour",
		`  memory_growth           what one hearing of four seats holds in memory after eight hours, over that after
                          one; everything in one process, after the garbage collector. Alone: --only memory`,
		func(c benchCmd, ctx context.Context, a *app, ref *hearing.Hearing, f figures) error {
			if !slices.Contains(c.Only, "memory") {
				return noMeans("it takes as long as all others together: --only memory --within 30m")
			}
			return benchMemory(ctx, a, ref, f)
		},
	},
	{
		"beside", "search beside bleve and PostgreSQL; some minutes",
		`  search_vs_bleve         p95 of our search over that of bleve (CJK analyser), the same corpus
                          and queries of two characters and more
  search_vs_postgres      the same over PostgreSQL's pg_trgm`,
		func(c benchCmd, ctx context.Context, a *app, _ *hearing.Hearing, f figures) error {
			return goTest(ctx, f, "testdata/beside", "^TestBeside$", "search_vs_bleve search_vs_postgres", "-lines", fmt.Sprint(max(c.Lines/10, 1000)))
		},
	},
}

func partNames() (names []string) {
	for _, p := range benchParts {
		names = append(names, p.name)
	}
	return names
}

func (benchCmd) Help() string {
	var b strings.Builder
	b.WriteString("Plays the sample hearing through the whole pipeline in a temporary folder, with the demonstration engine, which answers at once and without a mistake: " +
		"what is late or wrong, the pipeline did. Then the other parts. All together take about a quarter of an hour on two cores; what takes longer than --within is left out. Standard output holds the figures alone; " +
		"what is under way, and why a figure was not measured, is said on standard error. A figure that was not measured is absent, never zero. " +
		"beside, growth and page run Go tests of the source tree, in which this has to be started; page needs chromium, beside PostgreSQL.\n\n" +
		"Times are of this machine and whatever else it does. Ratios (…_vs_…) are ours over theirs: below 1, ours takes less.\n")
	for _, p := range benchParts {
		fmt.Fprintf(&b, "\n%s:\n\n%s\n", p.name, indent(p.keys))
	}
	b.WriteString("\nExamples:\n  tingji bench --json\n  tingji bench --only search --lines 10000000")
	return b.String()
}

// indent sets a block off, so that help leaves its lines alone.
func indent(block string) string { return "  " + strings.ReplaceAll(block, "\n", "\n  ") }

func (benchCmd) once() {}

// figures are the results of a bench by their documented keys.
type figures map[string]float64

// noMeans says that something cannot be measured here, and what is missing.
type noMeans string

func (e noMeans) Error() string { return string(e) }

func (c benchCmd) Run(ctx context.Context, a *app) error {
	for _, name := range c.Only {
		if !slices.Contains(partNames(), name) {
			return misuse("--only %s: one of %s", name, strings.Join(partNames(), ", "))
		}
	}
	if c.Lines < 1 {
		return misuse("--lines %d: at least 1", c.Lines)
	}
	ref, err := hearing.Load()
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	f := figures{}
	var failed []string
	for _, p := range benchParts {
		if len(c.Only) > 0 && !slices.Contains(c.Only, p.name) {
			continue
		}
		fmt.Fprintf(a.stderr, "bench: %s: %s\n", p.name, p.what)
		var err error
		if within.Err() == nil {
			err = p.run(c, within, a, ref, f)
		}
		if ctx.Err() != nil {
			return errors.New("interrupted; nothing was measured")
		}
		var missing noMeans
		switch {
		case within.Err() != nil:
			fmt.Fprintf(a.stderr, "bench: %s: not measured: %v were not enough (--within)\n", p.name, c.Within)
		case errors.As(err, &missing):
			fmt.Fprintf(a.stderr, "bench: %s: not measured: %v\n", p.name, err)
		case err != nil:
			fmt.Fprintf(a.stderr, "bench: %s: %v\n", p.name, err)
			failed = append(failed, p.name)
		}
	}
	if err := f.print(a, c.JSON); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("these parts failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

func (f figures) print(a *app, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.stdout).Encode(f)
	}
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if _, err := fmt.Fprintf(a.stdout, "%-24s %.6g\n", key, f[key]); err != nil {
			return err
		}
	}
	return nil
}
