package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"tingji/store"
	"tingji/store/kafka"
	"tingji/transcript/pdf"
)

type doctorCmd struct {
	joints
	doctorASR
}

func (doctorCmd) once() {}

func (doctorCmd) Help() string {
	return "Looks at every joint as it is configured and says what to mend. Exit code 1 if anything does not work.\n\n" +
		"Examples:\n  tingji doctor --config /etc/tingji.toml\n  tingji doctor asr --asr-url http://127.0.0.1:8000/v1 --clip hearing.wav --text 现在开庭"
}

// checkPatience bounds each check: somebody is waiting.
const checkPatience = 10 * time.Second

func (c doctorCmd) Run(ctx context.Context, a *app) error {
	if c.What == "asr" {
		return c.run(ctx, a)
	}
	failed := 0
	for _, check := range []struct {
		name string
		look func(context.Context, *app) (string, error)
	}{
		{"folder", checkFolder}, {"disk", checkDisk}, {"store", checkStore}, {"broker", checkBroker}, {"engine", checkEngine}, {"seats", checkSeats}, {"form", checkForm}, {"ffmpeg", checkFFmpeg},
	} {
		ctx, cancel := context.WithTimeout(ctx, checkPatience)
		found, err := check.look(ctx, a)
		cancel()
		var note noteError
		switch {
		case errors.As(err, &note):
			say(a.stdout, "note", check.name, oneLine(err))
		case err != nil:
			failed++
			say(a.stdout, "FAIL", check.name, oneLine(err))
		default:
			say(a.stdout, "ok", check.name, found)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of these do not work", failed)
	}
	return nil
}

func say(w io.Writer, verdict, name, text string) {
	fmt.Fprintf(w, "%-4s  %-7s %s\n", verdict, name, text)
}

// noteError is something to know that need not be mended.
type noteError struct{ error }

func checkFolder(_ context.Context, a *app) (string, error) {
	dir := a.config.Data
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("%s: %s; choose another with --data", dir, cause(err))
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return "", fmt.Errorf("%s cannot be written to: %s", dir, cause(err))
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := f.Sync(); err != nil {
		return "", fmt.Errorf("%s: fsync: %s", dir, cause(err))
	}
	return dir + " can be written to", nil
}

func checkStore(ctx context.Context, a *app) (string, error) {
	if file, ok := a.sqliteFile(); ok {
		if _, err := os.Stat(file); err != nil {
			return "", noteError{fmt.Errorf("%s is not there yet, the first start makes it", file)}
		}
	}
	db, err := a.existingStore(ctx)
	if older := (*store.SchemaError)(nil); errors.As(err, &older) {
		return "", noteError{err}
	} else if err != nil {
		return "", err
	}
	defer db.Close()
	return "answers", db.Ping(ctx)
}

func checkBroker(ctx context.Context, a *app) (string, error) {
	brokers := a.config.Kafka.Brokers
	if len(brokers) == 0 {
		return "", noteError{errors.New("none is configured: tingji up runs one in its process; capture, asr and serve need kafka.brokers")}
	}
	client, err := kafka.New(a.kafkaConfig(), a.log)
	if err != nil {
		return "", err
	}
	defer client.Close()
	where := strings.Join(brokers, ", ") + " answers"
	if err := client.Ping(ctx); err != nil {
		return "", err
	}
	missing, err := client.Check(ctx, kafka.Topics(a.config.Kafka.Partitions)...)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s, and cannot be used: %w", where, err)
	case len(missing) > 0:
		names := make([]string, len(missing))
		for i, t := range missing {
			names[i] = t.Name
		}
		said := "the record server makes them when it starts"
		if user := a.config.Kafka.User; user != "" {
			said = "user " + user + " may not see them (docs/DEPLOY.md), or the record server has not made them yet"
		}
		return "", noteError{fmt.Errorf("%s, without the topics %s: %s", where, strings.Join(names, ", "), said)}
	}
	return where + "; its topics are in order", nil
}

func checkEngine(ctx context.Context, a *app) (string, error) {
	if a.config.ASR.URL == "" {
		return "", noteError{errors.New("none is configured: only the sample hearing is recognised; everything is recorded all the same (asr.url)")}
	}
	engines := a.config.ASR.Engines
	if len(engines) == 0 {
		engine, err := a.engine("")
		if err != nil {
			return "", err
		}
		defer engine.Close()
		return a.config.ASR.URL + " answers", engine.Check(ctx)
	}
	var failed []error
	for _, e := range engines {
		engine, err := a.oneEngine(e)
		if err == nil {
			err = engine.Check(ctx)
			engine.Close()
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	return fmt.Sprintf("all %d answer", len(engines)), errors.Join(failed...)
}

func checkSeats(ctx context.Context, a *app) (string, error) {
	id := a.config.Capture.Courtroom
	if id == "" {
		return "", noteError{errors.New("capture.courtroom is not set: this machine records no courtroom")}
	}
	room, _ := courtrooms(a.config.Courtrooms).find(id)
	seats, err := a.newSources().seats(room, nil)
	if err != nil {
		return "", err
	}
	for _, seat := range seats {
		stream, err := seat.Source.Open(ctx, 0)
		if err != nil {
			return "", fmt.Errorf("seat %s: %w", seat.Channel, err)
		}
		_, _, err = stream.Read(ctx, make([]int16, 320))
		stream.Close()
		if err != nil && err != io.EOF {
			return "", fmt.Errorf("seat %s: %w", seat.Channel, err)
		}
	}
	return fmt.Sprintf("courtroom %s: %d seats deliver sound", id, len(seats)), nil
}

// checkForm looks at what records are written with.
func checkForm(ctx context.Context, a *app) (string, error) {
	if _, err := a.recordFormats(); err != nil {
		return "", err
	}
	if err := pdf.Installed(ctx); err != nil {
		return "", noteError{err}
	}
	return cmp.Or(a.config.RecordTemplate, "the built-in one") + ", as DOCX and PDF", nil
}

func checkFFmpeg(context.Context, *app) (string, error) {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return "", noteError{errors.New("not installed: recordings are read as WAV and FLAC only")}
	}
	return path, nil
}
