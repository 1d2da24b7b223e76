package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tingji/asr/demo"
	"tingji/capture"
	"tingji/capture/file"
	"tingji/testdata/hearing"
)

type transcribeCmd struct {
	Files    []string `arg:"" name:"file" help:"Recordings: WAV or FLAC; anything else through ffmpeg. Each file, or each channel of one, is a seat."`
	Roles    string   `placeholder:"ROLE,…" help:"Who sits where, in the order of the files and their channels: 审判长,原告."`
	Format   string   `default:"txt" placeholder:"FORMAT" help:"txt, json, srt, vtt, docx or pdf."`
	Output   string   `short:"o" placeholder:"FILE" help:"Write to a file, whole or not at all; else to standard output."`
	ASRURL   *string  `name:"asr-url" placeholder:"URL" help:"OpenAI-compatible speech server; base URL ending in /v1."`
	Model    *string  `placeholder:"NAME" help:"The model, as the server calls it."`
	Language *string  `placeholder:"CODE" help:"Language of the recordings: zh."`
}

func (transcribeCmd) once() {}

func (transcribeCmd) Help() string {
	return "Sends recordings through the same pipeline as a hearing, faster than real time, and prints the transcript.\n\n" +
		"Examples:\n  tingji transcribe a.wav b.wav --roles 审判长,原告 --asr-url http://127.0.0.1:8000/v1\n" +
		"  tingji transcribe testdata/hearing/judge.flac testdata/hearing/plaintiff.flac --roles 审判长,原告"
}

func (c transcribeCmd) apply(config *Config) {
	joints{ASRURL: c.ASRURL}.apply(config)
	set(&config.ASR.Model, c.Model)
	set(&config.ASR.Language, c.Language)
}

// engineGiveUp is after how long without any answer of the engine a
// transcription fails: somebody is waiting for it.
const engineGiveUp = 20 * time.Second

func (c transcribeCmd) Run(ctx context.Context, a *app) error {
	formats, err := a.recordFormats()
	if err != nil {
		return err
	}
	format, ok := formats[c.Format]
	if !ok {
		return misuse("--format %s: one of %s", c.Format, strings.Join(slices.Sorted(maps.Keys(formats)), ", "))
	}
	if err := checkOutput(c.Output); err != nil {
		return err
	}
	room, err := c.room(ctx)
	if err != nil {
		return err
	}
	ref, err := c.sampleOnly(ctx, a, room)
	if err != nil {
		return err
	}
	if a.config.ASR.URL == "" && ref == nil {
		return misuse("no speech engine is configured: set --asr-url to the base URL of an OpenAI-compatible speech server, ending in /v1; the demonstration engine knows the sample hearing alone")
	}
	dir, err := os.MkdirTemp("", "tingji-transcribe-")
	if err != nil {
		return fmt.Errorf("temporary folder: %s", cause(err))
	}
	defer os.RemoveAll(dir)

	var out bytes.Buffer
	var refused []string // why, a line each
	lines := 0
	if err := c.pipeline(ctx, a, dir, room, ref, func(ctx context.Context, s *server) error {
		record, err := s.docket.Record(ctx, transcribed)
		if err != nil {
			return err
		}
		lines = len(record.Lines)
		for _, l := range record.Lines {
			if l.Rejected != "" {
				refused = append(refused, l.Rejected)
			}
		}
		return format.Write(ctx, &out, record)
	}); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; nothing was written")
	}
	if lines == 0 {
		fmt.Fprintln(a.stderr, "tingji: no speech was found")
	}
	if len(refused) > 0 {
		fmt.Fprintf(a.stderr, "tingji: the engine refused %d of %d utterances, which are marked: %s\n", len(refused), lines, refused[0])
	}
	return deliver(a.stdout, c.Output, out.Bytes())
}

// transcribed is the id of the one hearing of a transcription.
const transcribed = "transcription"

// room makes a courtroom of the files: a seat for each, or for each channel.
func (c transcribeCmd) room(ctx context.Context) (CourtroomConfig, error) {
	room := CourtroomConfig{ID: transcribed}
	for _, path := range c.Files {
		info, err := file.Probe(ctx, path)
		if err != nil {
			return room, unreadable(err)
		}
		stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		for i := range info.Channels {
			seat := SeatConfig{Channel: strconv.Itoa(len(room.Seats) + 1), Role: stem, Source: fmt.Sprintf("file:%s#%d", path, i+1)}
			if info.Channels > 1 {
				seat.Role += "#" + strconv.Itoa(i+1)
			}
			room.Seats = append(room.Seats, seat)
		}
	}
	roles := splitList(strings.ReplaceAll(c.Roles, "，", ","))
	switch {
	case len(roles) == 0 && len(room.Seats) == 1:
		room.Seats[0].Role = "" // one voice needs no name
	case len(roles) == 0:
	case len(roles) != len(room.Seats):
		return room, misuse("--roles names %d, but the recordings have %d seats", len(roles), len(room.Seats))
	default:
		for i, role := range roles {
			if err := capture.CheckRole(role); err != nil {
				return room, misuse("--roles: %v", err)
			}
			room.Seats[i].Role = role
		}
	}
	return room, nil
}

// unreadable is what a person reads of a file that cannot be played.
func unreadable(err error) error {
	var source *capture.SourceError
	if errors.As(err, &source) {
		return usageError{errors.New(source.TextEN)}
	}
	return usageError{err}
}

// sampleOnly returns the sample hearing if an engine for it is needed and all
// files are recordings of it: those the demonstration engine knows.
func (c transcribeCmd) sampleOnly(ctx context.Context, a *app, room CourtroomConfig) (*hearing.Hearing, error) {
	if a.config.ASR.URL != "" {
		return nil, nil
	}
	ref, err := hearing.Reference()
	if err != nil {
		return nil, err
	}
	for _, seat := range room.Seats {
		sum, samples, err := fingerprint(ctx, a, seat.Source)
		if err != nil {
			return nil, unreadable(err)
		}
		if samples != ref.Samples || !slices.ContainsFunc(ref.Recordings, func(r hearing.Recording) bool { return r.PCMSHA256 == sum }) {
			return nil, nil
		}
	}
	return hearing.Load()
}

// fingerprint is the SHA-256 of a recording's samples as the pipeline hears
// them, and their number.
func fingerprint(ctx context.Context, a *app, name string) (sum string, samples int, err error) {
	source, err := (&seatSources{player: file.NewPlayer(0)}).source(name, nil)
	if err != nil {
		return "", 0, err
	}
	stream, err := source.Open(ctx, 0)
	if err != nil {
		return "", 0, err
	}
	defer stream.Close()
	hash := sha256.New()
	buf := make([]int16, 1<<14)
	for {
		n, _, err := stream.Read(ctx, buf)
		if err == io.EOF {
			return hex.EncodeToString(hash.Sum(nil)), samples, nil
		}
		if err != nil {
			return "", 0, err
		}
		samples += n
		binary.Write(hash, binary.LittleEndian, buf[:n])
	}
}

// pipeline runs the whole line on the room's recordings in a folder of its
// own, and calls finished when everything said in them is recognised.
func (c transcribeCmd) pipeline(ctx context.Context, a *app, dir string, room CourtroomConfig, ref *hearing.Hearing, finished func(context.Context, *server) error) error {
	a.config.Data, a.config.DB, a.config.Kafka.Listen = dir, "", "127.0.0.1:0"
	a.config.Courtrooms, a.config.Capture.Pace = []CourtroomConfig{room}, 0
	s := newStack(a.log)
	defer s.Stop()
	_, log, err := a.startBroker(ctx, s)
	if err != nil {
		return err
	}
	server, err := a.startRecord(ctx, s, log)
	if err != nil {
		return err
	}
	name := ""
	if a.config.ASR.URL == "" {
		if a.config.ASR.URL, err = a.startDemo(ctx, s, ref); err != nil {
			return err
		}
		name = demo.Engine
	}
	engine, err := a.engine(name)
	if err != nil {
		return err
	}
	if err := engine.Check(ctx); err != nil {
		return fmt.Errorf("nothing was transcribed: %w", err)
	}
	a.startWorker(s, log, engine, workerMode{giveUp: engineGiveUp, finalsOnly: true})

	now := time.Now().UTC().Truncate(time.Microsecond)
	h := capture.Hearing{
		ID: transcribed, Version: 1, Status: capture.Open, Courtroom: room.ID, CreatedAt: now, OpenedAt: &now,
		Seats: courtrooms(a.config.Courtrooms).Seats(room.ID), Demo: ref != nil,
		Participants: []capture.Participant{}, Hotwords: []string{}, Breaks: []capture.Break{},
	}
	if err := server.store.CreateHearing(ctx, h); err != nil {
		return err
	}
	if err := log.PublishHearing(ctx, h); err != nil {
		return err
	}
	seats, err := a.newSources().seats(room, nil)
	if err != nil {
		return err
	}
	for i := range seats {
		seats[i].Source = wholeSource{seats[i].Source, func(err error) { s.fail(unreadable(err)) }}
	}
	if err := a.startCapture(s, log, room.ID, seats, func(id string) {
		if _, err := server.docket.Close(context.WithoutCancel(ctx), id, ""); err != nil {
			s.fail(fmt.Errorf("close: %w", err))
		}
	}); err != nil {
		return err
	}
	s.Go("progress", func(ctx context.Context) error {
		if err := a.untilComplete(ctx, server, transcribed); err != nil {
			return err
		}
		if err := finished(ctx, server); err != nil {
			return err
		}
		return errFinished
	})
	if err := s.Wait(ctx); !errors.Is(err, errFinished) {
		return err
	}
	return nil
}

var errFinished = errors.New("finished")

// wholeSource is a recording that is transcribed as a whole or not at all: what a
// courtroom would go on after, with an alarm, ends a transcription.
type wholeSource struct {
	capture.Source
	damaged func(error)
}

func (w wholeSource) Open(ctx context.Context, from capture.SampleIndex) (capture.Stream, error) {
	stream, err := w.Source.Open(ctx, from)
	if err != nil {
		return nil, w.refuse(ctx, err)
	}
	return wholeStream{stream, w}, nil
}

// refuse keeps the error from the recorder, whose log would say it too.
func (w wholeSource) refuse(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		w.damaged(err)
		<-ctx.Done()
	}
	return ctx.Err()
}

type wholeStream struct {
	capture.Stream
	of wholeSource
}

func (s wholeStream) Read(ctx context.Context, buf []int16) (int, time.Time, error) {
	n, at, err := s.Stream.Read(ctx, buf)
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.of.refuse(ctx, err)
	}
	return n, at, err
}

// untilComplete waits until a hearing is wholly recognised, and shows how far it is
// where a person sits before it.
func (a *app) untilComplete(ctx context.Context, server *server, id string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		progress, err := server.docket.Progress(ctx, id)
		if err != nil {
			return err
		}
		if a.progress && n%5 == 0 {
			var stored, decided int64
			for _, c := range progress.Channels {
				stored, decided = max(stored, c.StoredMS), max(decided, c.RecognisedMS)
			}
			fmt.Fprintf(a.stderr, "\rrecognised %s of %s ", clock(decided), clock(stored))
		}
		if progress.Complete {
			if a.progress {
				fmt.Fprint(a.stderr, "\r\x1b[K")
			}
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// clock writes milliseconds as a person reads them: 1:02:03.
func clock(ms int64) string {
	return fmt.Sprintf("%d:%02d:%02d", ms/3_600_000, ms/60_000%60, ms/1000%60)
}

// checkOutput finds before the work what deliver would find after it.
func checkOutput(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return misuse("write %s: is a folder; name a file in it", path)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %s", path, cause(err))
	}
	return errors.Join(temp.Close(), os.Remove(temp.Name()))
}

// deliver writes to standard output, or to a file that is there whole or not
// at all.
func deliver(stdout io.Writer, path string, data []byte) error {
	if path == "" {
		_, err := stdout.Write(data)
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %s", path, cause(err))
	}
	defer os.Remove(temp.Name()) // does nothing once it is renamed
	if _, err = temp.Write(data); err == nil {
		err = temp.Chmod(0o644)
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %s", path, cause(err))
	}
	return nil
}
