package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"tingji/asr/demo"
	"tingji/capture"
	"tingji/testdata/hearing"
)

type upCmd struct {
	joints
	Listen     *string  `placeholder:"ADDR" help:"Address of the page and the API; 127.0.0.1:8080 where nothing is configured."`
	Courtroom  *string  `placeholder:"ID" help:"Record this courtroom of the configuration; without one, the sample hearing is played."`
	Pace       *float64 `placeholder:"X" help:"Play recordings X times as fast; 1 is real time, 0 as fast as possible."`
	Again      bool     `help:"Hold the sample hearing anew if it has ended already."`
	DemoEngine string   `enum:"decoder,replay" default:"decoder" placeholder:"KIND" help:"What recognises the sample hearing: decoder, a real recogniser for synthetic voices, where demo-asr is installed; or replay, which knows the answers."`
}

func (upCmd) Help() string {
	return "Runs the whole pipeline in one process; nothing else is needed. Without a configured courtroom it plays the sample hearing, which the demonstration engine recognises. " +
		"Ctrl-C ends it in order, a second one at once; started again, it goes on where it was.\n\n" +
		"Examples:\n  tingji up\n  tingji up --config tingji.toml --asr-url http://127.0.0.1:8000/v1"
}

func (c upCmd) apply(config *Config) {
	c.joints.apply(config)
	set(&config.Listen, c.Listen)
	set(&config.Capture.Courtroom, c.Courtroom)
	set(&config.Capture.Pace, c.Pace)
}

func (c upCmd) Run(ctx context.Context, a *app) error {
	s := newStack(a.log)
	defer s.Stop()
	unlock, err := openFolder(a.config.Data, "up")
	if err != nil {
		return err
	}
	s.Close("data folder", unlock)
	// Said before anything is begun: a hearing that was opened would stay open.
	if err := capture.CheckSpool(filepath.Join(a.config.Data, "capture", "spool"), cmp.Or(a.config.Capture.Courtroom, sampleRoom)); err != nil {
		return err
	}

	// The sample hearing is decoded while the broker and the store open.
	sample := a.config.Capture.Courtroom == ""
	var ref *hearing.Hearing
	loaded := make(chan error, 1)
	if sample {
		reference, err := hearing.Reference()
		if err != nil {
			return err
		}
		a.config.Courtrooms = append(a.config.Courtrooms, sampleCourtroom(reference))
		go func() {
			var err error
			ref, err = hearing.Load()
			loaded <- err
		}()
	}

	broker, log, err := a.upLog(ctx, s)
	if err != nil {
		return err
	}
	server, err := a.startServer(ctx, s, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "tingji: pages at %s\n", server.url)
	if sample {
		if err := <-loaded; err != nil {
			return err
		}
	}
	recognising, err := a.upWorker(ctx, s, log, server, ref, c.DemoEngine == "decoder")
	if err != nil {
		return err
	}
	if broker != nil {
		t := &trimmer{
			broker: broker, log: log, server: server, backlog: newBacklog(log, server), recognising: recognising,
			full: int64(a.config.Kafka.CapMB) << 20 / 4 * 3,
		}
		s.Go("trimmer", func(ctx context.Context) error { return a.every(ctx, trimEvery, "trim", t.trim) })
	}
	if recognising {
		r := newRefiller(a, log, server)
		s.Go("refiller", func(ctx context.Context) error { return a.every(ctx, refillEvery, "refill", r.look) })
	}
	if err := c.record(ctx, a, s, log, server, ref); err != nil {
		return err
	}
	return s.Wait(ctx)
}

// upWorker starts the worker, with the demonstration engine where the sample
// hearing is played and no engine is configured. Without an engine everything
// is recorded and kept, and whoever is watching is told.
func (a *app) upWorker(ctx context.Context, s *stack, log *courtLog, server *server, ref *hearing.Hearing, decoder bool) (recognising bool, err error) {
	name := ""
	if a.config.ASR.URL == "" && ref == nil {
		a.log.Warn("no speech engine is configured: everything is recorded and kept, nothing is recognised; set asr.url, and what was recorded is recognised then")
		since := time.Now().UTC()
		s.Go("missing engine", func(ctx context.Context) error {
			return everySecond(ctx, func(now time.Time) {
				server.docket.ReportHealth(capture.Health{
					Component: "asr", Instance: "none", At: now,
					Alarms: []capture.Alarm{{
						Code: "engine-missing", Since: since,
						Text:   "没有配置语音识别引擎：录音照常保存，暂不转写；配置 asr.url 后会补转",
						TextEN: "No speech engine is configured: everything is recorded and kept, nothing is recognised; set asr.url and it will be",
					}},
				})
			})
		})
		return false, nil
	}
	if a.config.ASR.URL == "" {
		if decoder {
			url, err := a.startDecoder(ctx, s)
			if err != nil {
				fmt.Fprintf(a.stdout, "tingji: the sample hearing is not recognised but replayed: %v\n", err)
			}
			a.config.ASR.URL, a.config.ASR.Model = url, decoderModel
		}
		if a.config.ASR.URL == "" {
			if a.config.ASR.URL, err = a.startDemo(ctx, s, ref); err != nil {
				return false, err
			}
			a.config.ASR.Model = demo.Model
		}
		name = demo.Engine
	}
	engine, err := a.engine(name)
	if err != nil {
		return false, err
	}
	a.startWorker(s, log, engine, workerMode{})
	return true, nil
}

// startDemo runs the demonstration engine and returns its base URL.
func (a *app) startDemo(ctx context.Context, s *stack, ref *hearing.Hearing) (string, error) {
	engine := demoEngine(ref, demo.Options{HearBleed: true}, a.log)
	url, err := engine.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s.Go("demonstration engine", engine.Run)
	return url, nil
}

// record starts the capture of the configured courtroom, or of the sample
// hearing, which closes by itself at its end.
func (c upCmd) record(ctx context.Context, a *app, s *stack, log *courtLog, server *server, ref *hearing.Hearing) error {
	if ref == nil {
		room, _ := courtrooms(a.config.Courtrooms).find(a.config.Capture.Courtroom)
		seats, err := a.newSources().seats(room, nil)
		if err != nil {
			return err
		}
		return a.startCapture(s, log, room.ID, seats, nil)
	}
	h, open, err := openSample(ctx, server.docket, ref, c.Again)
	if err != nil {
		return fmt.Errorf("open the sample hearing: %w", err)
	}
	if !open {
		fmt.Fprintln(a.stdout, "tingji: the sample hearing has ended; tingji up --again holds it anew")
		return nil
	}
	fmt.Fprintf(a.stdout, "tingji: the sample hearing is open: %s/hearings/%s\n", server.url, h.ID)
	fmt.Fprintf(a.stdout, "tingji: your own microphones and engine: %s/start\n", server.url)
	seats, err := a.newSources().seats(sampleCourtroom(ref), ref)
	if err != nil {
		return err
	}
	return a.startCapture(s, log, sampleRoom, seats, func(id string) {
		if _, err := server.docket.Close(context.WithoutCancel(ctx), id, "示例录音播放完毕"); err != nil {
			a.log.Error("close the sample hearing", "hearing", id, "err", err)
		}
	})
}
