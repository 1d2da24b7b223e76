package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"tingji/asr/demo"
	"tingji/capture"
	"tingji/testdata/hearing"
	"tingji/transcript"
)

// benchHearing plays the sample hearing and measures what arrives on a page,
// and what is in the record at the end.
func benchHearing(ctx context.Context, a *app, ref *hearing.Hearing, pace float64, f figures) error {
	var late lateness
	return runSample(ctx, a, ref, pace, false, late.follow, func(ctx context.Context, server *server, dir string, h capture.Hearing) error {
		lines, _, err := server.docket.Lines(ctx, h.ID, 0)
		if err != nil {
			return err
		}
		judge(ref, lines, f)
		if pace == 1 {
			late.figures(ref, f)
		}
		return countSamples(ctx, server, dir, h, ref, f)
	})
}

// benchCatchUp plays the sample hearing as fast as the pipeline takes it.
func benchCatchUp(ctx context.Context, a *app, ref *hearing.Hearing, f figures) error {
	began := time.Now()
	return runSample(ctx, a, ref, 0, true, nil, func(context.Context, *server, string, capture.Hearing) error {
		f["catchup_x_realtime"] = float64(ref.Samples) / float64(ref.Rate) / time.Since(began).Seconds()
		return nil
	})
}

// runSample holds the sample hearing in a temporary folder. watch, if any, is
// given the hearing's events as a page gets them; finished is called when all
// of it is recognised.
func runSample(ctx context.Context, a *app, ref *hearing.Hearing, pace float64, finalsOnly bool,
	watch func(capture.Hearing, transcript.Event), finished func(ctx context.Context, server *server, dir string, h capture.Hearing) error,
) error {
	dir, err := os.MkdirTemp("", "tingji-bench-")
	if err != nil {
		return fmt.Errorf("temporary folder: %s", cause(err))
	}
	defer os.RemoveAll(dir)
	b := *a
	b.config.Data, b.config.DB, b.config.Kafka.Listen = dir, "", "127.0.0.1:0"
	b.config.ASR.URL, b.config.Capture.Pace = "", pace
	b.config.Courtrooms = []CourtroomConfig{sampleCourtroom(ref)}
	s := newStack(b.log)
	defer s.Stop()
	_, log, err := b.startBroker(ctx, s)
	if err != nil {
		return err
	}
	server, err := b.startRecord(ctx, s, log)
	if err != nil {
		return err
	}
	if b.config.ASR.URL, err = b.startDemo(ctx, s, ref); err != nil {
		return err
	}
	engine, err := b.engine(demo.Engine)
	if err != nil {
		return err
	}
	b.startWorker(s, log, engine, workerMode{finalsOnly: finalsOnly})
	h, _, err := openSample(ctx, server.docket, ref, false)
	if err != nil {
		return err
	}
	if watch != nil {
		s.Go("watch", func(ctx context.Context) error {
			feed, err := server.docket.Subscribe(ctx, h.ID, 0)
			if err != nil {
				return err
			}
			defer feed.Close()
			for e := range feed.Events {
				watch(h, e)
			}
			return nil
		})
	}
	seats, err := b.newSources().seats(sampleCourtroom(ref), ref)
	if err != nil {
		return err
	}
	if err := b.startCapture(s, log, sampleRoom, seats, func(id string) {
		if _, err := server.docket.Close(context.WithoutCancel(ctx), id, ""); err != nil {
			s.fail(fmt.Errorf("close: %w", err))
		}
	}); err != nil {
		return err
	}
	s.Go("end", func(ctx context.Context) error {
		if err := b.untilComplete(ctx, server, h.ID); err != nil {
			return err
		}
		if err := finished(ctx, server, dir, h); err != nil {
			return err
		}
		return errFinished
	})
	if err := s.Wait(ctx); !errors.Is(err, errFinished) {
		return err
	}
	return nil
}

// judge compares a transcript with the reference.
func judge(ref *hearing.Hearing, lines []transcript.Line, f figures) {
	type place struct{ channel, text string }
	var wanted, got = map[string]*strings.Builder{}, map[string]*strings.Builder{}
	for _, r := range ref.Recordings {
		wanted[r.Channel], got[r.Channel] = new(strings.Builder), new(strings.Builder)
	}
	said := map[place]int{}
	seatOf := map[string]string{}
	for _, s := range ref.Sentences {
		wanted[s.Channel].WriteString(s.Text)
		said[place{s.Channel, s.Text}]++
		seatOf[s.Text] = s.Channel
	}
	doubled, wrong := 0, 0
	for _, l := range lines {
		if b := got[l.Channel]; b != nil {
			b.WriteString(l.Text)
		}
		switch left, known := said[place{l.Channel, l.Text}]; {
		case known && left == 0:
			doubled++
		case known:
			said[place{l.Channel, l.Text}]--
		case seatOf[l.Text] != "":
			wrong++
		}
	}
	errors := 0
	for channel, want := range wanted {
		errors += levenshtein.ComputeDistance(want.String(), got[channel].String())
	}
	f["added_char_errors"] = float64(errors)
	f["doubled_lines"] = float64(doubled)
	f["wrong_seat_rate"] = float64(wrong) / float64(max(1, len(lines)))

	// The recordings begin a moment after the hearing is opened.
	var zero int64
	if len(lines) > 0 && len(lines[0].Words) > 0 {
		zero = lines[0].Words[0].StartMS - ref.Sentences[0].Words[0].StartMS
	}
	var off []float64
	for _, l := range lines {
		i := slices.IndexFunc(ref.Sentences, func(s hearing.Sentence) bool {
			return s.Channel == l.Channel && s.Text == l.Text && s.StartMS < l.EndMS && l.StartMS < s.EndMS
		})
		if i < 0 || len(l.Words) != len(ref.Sentences[i].Words) {
			continue
		}
		for j, w := range l.Words {
			off = append(off, math.Abs(float64(w.StartMS-zero-ref.Sentences[i].Words[j].StartMS)))
		}
	}
	if len(off) > 0 {
		f["word_time_error_p95_ms"] = percentile(off, 95)
	}
}

// lateness is when lines and partials arrived, after what they say was said.
type lateness struct {
	finals   []float64                // ms after the last word's end
	partials map[string]time.Duration // utterance → first partial, since the opening
	starts   map[string]partialAt
}

type partialAt struct {
	channel string
	startMS int64
}

func (l *lateness) follow(h capture.Hearing, e transcript.Event) {
	since := time.Since(*h.OpenedAt)
	switch {
	case e.Line != nil && e.Line.Revision == 1 && len(e.Line.Words) > 0:
		end := e.Line.Words[len(e.Line.Words)-1].EndMS
		l.finals = append(l.finals, float64(since.Milliseconds()-end))
	case e.Partial != nil && e.Partial.Text != "":
		if l.partials == nil {
			l.partials, l.starts = map[string]time.Duration{}, map[string]partialAt{}
		}
		if _, known := l.partials[e.Partial.ID]; !known {
			l.partials[e.Partial.ID] = since
			l.starts[e.Partial.ID] = partialAt{e.Partial.Channel, e.Partial.StartMS}
		}
	}
}

// figures are the percentiles. A partial is as late as it comes after the end
// of the sentence's first word; the engine's time, about a millisecond, is in
// them.
func (l *lateness) figures(ref *hearing.Hearing, f figures) {
	if len(l.finals) > 0 {
		f["final_p95_ms"] = percentile(l.finals, 95)
	}
	var late []float64
	for id, at := range l.partials {
		start := l.starts[id]
		for _, s := range ref.Sentences {
			if s.Channel == start.channel && s.EndMS > start.startMS {
				late = append(late, float64(at.Milliseconds()-s.Words[0].EndMS))
				break
			}
		}
	}
	if len(late) > 0 {
		f["partial_p95_ms"] = percentile(late, 95)
	}
}

// countSamples compares the archive with what was played, sample by sample.
func countSamples(ctx context.Context, server *server, dir string, h capture.Hearing, ref *hearing.Hearing, f figures) error {
	lost, doubled := 0, 0
	states, err := server.store.AudioStates(ctx, h.ID)
	if err != nil {
		return err
	}
	stored := map[string]int{}
	for _, s := range states {
		stored[s.Channel] = int(s.Samples)
	}
	for _, r := range ref.Recordings {
		doubled += max(0, stored[r.Channel]-len(r.PCM))
		same, err := sameSamples(ctx, server, dir, h, r)
		if err != nil {
			return fmt.Errorf("read archive of %s: %w", r.Channel, err)
		}
		lost += len(r.PCM) - same
	}
	f["samples_lost"], f["samples_doubled"] = float64(lost), float64(doubled)
	return nil
}

// sameSamples is how many samples of a recording the archive holds at their
// place.
func sameSamples(ctx context.Context, server *server, dir string, h capture.Hearing, r hearing.Recording) (int, error) {
	files, err := server.store.AudioFiles(ctx, h.ID)
	if err != nil {
		return 0, err
	}
	same := 0
	for _, f := range files {
		if f.Channel != r.Channel {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, "audio", f.File))
		if err != nil {
			return 0, err
		}
		data = data[len(data)-2*int(f.Samples):] // behind the header
		for i := range int(f.Samples) {
			at := int(f.First) + i
			if at < len(r.PCM) && int16(binary.LittleEndian.Uint16(data[2*i:])) == r.PCM[at] {
				same++
			}
		}
	}
	return same, nil
}

func percentile(values []float64, p int) float64 {
	slices.SortFunc(values, cmp.Compare)
	return values[min(len(values)-1, len(values)*p/100)]
}
