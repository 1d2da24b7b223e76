package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tingji/capture"
	"tingji/store/kafka"
	"tingji/testdata/hearing"
)

const (
	cardRate    = 48000            // of sound cards, in Hz
	captureWarm = 15 * time.Second // the listeners' memory is full, buffers have found their size
	captureSpan = 30 * time.Second
	cardSound   = 90 * time.Second // what a seat plays
)

// benchCapture measures a courtroom's daemon as courts run it, a process of its own
// with eight seats, beside one ffmpeg that does the same work: reads eight sounds of
// 48 kHz at real pace, resamples them, and writes eight files. The record server and
// its broker are in this process and not in the figure.
//
// Where device names one, as a source does but for its channel, the seats are
// its first eight channels, and nothing is compared.
func benchCapture(ctx context.Context, a *app, ref *hearing.Hearing, device string, f figures) error {
	if _, ok := cpuTime(self); !ok {
		return noMeans("this system does not say what a process uses (/proc)")
	}
	dir, err := os.MkdirTemp("", "tingji-bench-")
	if err != nil {
		return fmt.Errorf("temporary folder: %s", cause(err))
	}
	defer os.RemoveAll(dir)
	program, err := programOnDisk(ctx, dir)
	if err != nil {
		return err
	}
	b := *a
	b.config.Data, b.config.DB, b.config.Kafka.Listen = filepath.Join(dir, "server"), "", "127.0.0.1:0"
	room := CourtroomConfig{ID: "1", Name: "1"}
	var config strings.Builder
	fmt.Fprintf(&config, "[capture]\ncourtroom = \"1\"\nrate = %d\n[[courtroom]]\nid = \"1\"\n", cardRate)
	var sounds []string
	for i, pcm := range seatSounds(ref, roomSeats) {
		source := fmt.Sprint(device, "#", i+1)
		if device == "" {
			path := filepath.Join(dir, fmt.Sprint(i, ".wav"))
			if err := writeCardSound(path, pcm, ref.Rate); err != nil {
				return err
			}
			sounds = append(sounds, path)
			source = "file:" + path
		}
		seat := SeatConfig{Channel: fmt.Sprint("seat", i+1), Role: "证人", Source: source}
		room.Seats = append(room.Seats, seat)
		fmt.Fprintf(&config, "[[courtroom.seat]]\nchannel = %q\nrole = %q\nsource = %q\n", seat.Channel, seat.Role, seat.Source)
	}
	b.config.Courtrooms = []CourtroomConfig{room}
	file := filepath.Join(dir, "tingji.toml")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		return err
	}

	s := newStack(b.log)
	defer s.Stop()
	broker, log, err := b.startBroker(ctx, s)
	if err != nil {
		return err
	}
	server, err := b.startRecord(ctx, s, log)
	if err != nil {
		return err
	}
	if err := openSampleIn(ctx, server.docket, ref, room.ID); err != nil {
		return err
	}
	var said strings.Builder
	daemon := exec.CommandContext(ctx, program, "capture", "--config", file, "--data", filepath.Join(dir, "pc"), "--kafka", strings.Join(broker.Addrs(), ","))
	daemon.Env = append(os.Environ(), "TINGJI_CAPTURE_LISTEN=")
	daemon.Stderr = &said
	daemon.Cancel = func() error { return daemon.Process.Signal(os.Interrupt) }
	daemon.WaitDelay = stopPatience
	if err := daemon.Start(); err != nil {
		return err
	}
	cpu, rss, own, err := watchDaemon(ctx, strconv.Itoa(daemon.Process.Pid))
	_, sent, offsetErr := log.client.Offsets(ctx, kafka.TopicAudio, log.rooms.Of(room.ID))
	daemon.Process.Signal(os.Interrupt)
	if ended := daemon.Wait(); ended != nil && ctx.Err() == nil {
		err = errors.Join(err, fmt.Errorf("tingji capture: %w: %s", ended, said.String()))
	}
	if err := errors.Join(err, offsetErr); err != nil {
		return err
	}
	// Of captureWarm some is the start.
	if least := int64(roomSeats * int(captureSpan.Seconds()) * capture.Rate / capture.ChunkSamples); sent < least {
		return fmt.Errorf("tingji capture sent %d chunks, where %d and more were due: %s", sent, least, said.String())
	}
	f["capture_rss_mb"], f["capture_own_mb"] = rss, own
	f["capture_cpu_of_a_core"] = cpu.Seconds() / captureSpan.Seconds()
	if device != "" {
		return nil
	}
	theirs, err := ffmpegCPU(ctx, dir, sounds)
	if err != nil {
		return err
	}
	f["capture_cpu_vs_ffmpeg"] = cpu.Seconds() / theirs.Seconds()
	return nil
}

// programOnDisk is a copy of this program of which the system has nothing in memory, as
// after a PC was started. Of a file that was just written Linux 6.18 may hold pieces of
// 2 MB, which count as the memory of a process as soon as it has read a byte of one.
func programOnDisk(ctx context.Context, dir string) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, "tingji")
	for _, args := range [][]string{{"if=" + program, "bs=1M", "conv=fsync"}, {"oflag=nocache", "conv=notrunc", "count=0"}} {
		if out, err := exec.CommandContext(ctx, "dd", append(args, "of="+to, "status=none")...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("dd: %w: %s", err, out)
		}
	}
	return to, os.Chmod(to, 0o700)
}

// watchDaemon is what a process uses of the processor in captureSpan, and its
// memory at the end of that: all of it, and what are not pages of files.
func watchDaemon(ctx context.Context, pid string) (cpu time.Duration, rssMB, ownMB float64, err error) {
	if err := pauseFor(ctx, captureWarm); err != nil {
		return 0, 0, 0, err
	}
	before, ok := cpuTime(pid)
	if err := pauseFor(ctx, captureSpan); err != nil {
		return 0, 0, 0, err
	}
	after, ok2 := cpuTime(pid)
	rss, ok3 := residentMB(pid, "VmRSS")
	own, ok4 := residentMB(pid, "RssAnon")
	if !ok || !ok2 || !ok3 || !ok4 {
		return 0, 0, 0, errors.New("tingji capture ended by itself")
	}
	return after - before, rss, own, nil
}

// ffmpegCPU is what ffmpeg uses for captureSpan of the same sounds.
func ffmpegCPU(ctx context.Context, dir string, sounds []string) (time.Duration, error) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		return 0, noMeans("capture_cpu_vs_ffmpeg: there is no ffmpeg here (apt-get install ffmpeg)")
	}
	args := []string{"-nostdin", "-loglevel", "error"}
	for _, path := range sounds {
		args = append(args, "-re", "-t", fmt.Sprint(captureSpan.Seconds()), "-i", path)
	}
	for i := range sounds {
		args = append(args, "-map", fmt.Sprint(i), "-ar", fmt.Sprint(16000), filepath.Join(dir, fmt.Sprint("ffmpeg", i, ".wav")))
	}
	cmd := exec.CommandContext(ctx, program, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// writeCardSound writes the beginning of a recording as a sound card would give it:
// each sample as often as its rate goes into that of the card.
func writeCardSound(path string, pcm []int16, rate int) error {
	times := cardRate / rate
	pcm = pcm[:min(len(pcm), int(cardSound.Seconds())*rate)]
	le := binary.LittleEndian
	size := uint32(2 * times * len(pcm))
	b := append(make([]byte, 0, 44+int(size)), "RIFF"...)
	b = le.AppendUint32(b, 36+size)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(le.AppendUint16(b, 1), 1)
	b = le.AppendUint32(le.AppendUint32(b, cardRate), 2*cardRate)
	b = le.AppendUint16(le.AppendUint16(b, 2), 16)
	b = le.AppendUint32(append(b, "data"...), size)
	for _, s := range pcm {
		for range times {
			b = le.AppendUint16(b, uint16(s))
		}
	}
	return os.WriteFile(path, b, 0o600)
}
