package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tingji/capture"
	"tingji/store"
	"tingji/store/audio"
	"tingji/store/kafka"
	"tingji/store/postgres"
	"tingji/store/sqlite"
	"tingji/transcript"
	"tingji/transcript/docx"
	"tingji/transcript/pdf"
	"tingji/transcript/tsa"
	"tingji/transcript/web"
)

type serveCmd struct {
	joints
	Listen *string `placeholder:"ADDR" help:"Address of the page and the API."`
}

func (serveCmd) Help() string {
	return "Keeps the record: reads audio.v1 and segments.v1 from Kafka, stores sound and text, serves pages and API.\n\n" +
		"Example:\n  tingji serve --config /etc/tingji.toml --kafka kafka1:9092 --db postgres://tingji@db/tingji"
}

func (c serveCmd) apply(config *Config) {
	c.joints.apply(config)
	set(&config.Listen, c.Listen)
}

func (c serveCmd) Run(ctx context.Context, a *app) error {
	if len(a.config.Kafka.Brokers) == 0 {
		return misuse("serve needs a broker that courtrooms and workers reach too: set --kafka; tingji up runs one of its own")
	}
	s := newStack(a.log)
	defer s.Stop()
	log, err := a.joinCourt(s, "serve")
	if err != nil {
		return err
	}
	server, err := a.startServer(ctx, s, log)
	if err != nil {
		return err
	}
	s.Go("topics", func(ctx context.Context) error { return a.keepTopics(ctx, log, server.docket) })
	r := newRefiller(a, log, server)
	s.Go("refiller", func(ctx context.Context) error { return a.every(ctx, refillEvery, "refill", r.look) })
	fmt.Fprintf(a.stdout, "tingji: pages at %s\n", server.url)
	return s.Wait(ctx)
}

// server is the record server inside a process.
type server struct {
	docket  *transcript.Docket
	store   *store.Store
	archive *audio.Archive
	url     string // of the pages, if it has any
}

// openStore opens the database that db names, and brings it up to date: empty is
// SQLite in the folder.
func (a *app) openStore(ctx context.Context) (*store.Store, error) {
	if path, ok := a.sqliteFile(); ok {
		return sqlite.Open(ctx, path, a.log)
	}
	return a.onPostgres(func(db string) (*store.Store, error) { return postgres.Open(ctx, db, a.log) })
}

// existingStore opens a store that is there: a command that reads makes none, and
// changes none. One of an older version is the record server's to bring up to
// date, but for a backup: of that a copy is, as it has to stay what it was.
func (a *app) existingStore(ctx context.Context) (*store.Store, error) {
	if err := a.storeExists(); err != nil {
		return nil, err
	}
	path, ok := a.sqliteFile()
	if !ok {
		return a.onPostgres(func(db string) (*store.Store, error) { return postgres.Look(ctx, db) })
	}
	if !stillBackup(path) {
		return sqlite.Look(ctx, path)
	}
	s, err := sqlite.LookStill(ctx, path)
	if older := (*store.SchemaError)(nil); errors.As(err, &older) {
		return sqlite.OpenCopy(ctx, path, a.log)
	}
	return s, err
}

// stillBackup reports whether a file of SQLite is a backup's, and was not put to use
// since: then it has a log beside it.
func stillBackup(file string) bool {
	_, backup := os.Stat(filepath.Join(filepath.Dir(file), backupFile))
	_, log := os.Stat(file + "-wal")
	return backup == nil && log != nil
}

func (a *app) onPostgres(open func(db string) (*store.Store, error)) (*store.Store, error) {
	db := a.config.DB
	if !strings.HasPrefix(db, "postgres://") && !strings.HasPrefix(db, "postgresql://") {
		return nil, misuse("db = %q: write sqlite:FILE or postgres://user@host/database", db)
	}
	s, err := open(db)
	if wrong := (*pgconn.ParseConfigError)(nil); errors.As(err, &wrong) {
		err = usageError{err} // the address, and no server's state
	}
	return s, err
}

func (a *app) storeExists() error {
	if path, ok := a.sqliteFile(); ok {
		if _, err := os.Stat(path); err != nil {
			return misuse("there is no store %s: name the data folder with --data, or the database with --db", path)
		}
	}
	return nil
}

// sqliteFile is the file of a store on SQLite.
func (a *app) sqliteFile() (path string, ok bool) {
	if a.config.DB == "" {
		return filepath.Join(a.config.Data, "tingji.db"), true
	}
	return strings.CutPrefix(a.config.DB, "sqlite:")
}

// archive is that of the sound in the data folder.
func (a *app) archive(db *store.Store) *audio.Archive {
	return audio.NewArchive(filepath.Join(a.config.Data, "audio"), db, a.log)
}

func (a *app) docket(db *store.Store, archive *audio.Archive) *transcript.Docket {
	options := []transcript.Option{transcript.WithCourt(a.config.Court), transcript.WithSound(archive)}
	if heard := a.heardFrom(); len(heard) > 0 {
		options = append(options, transcript.WithPCs(heard...))
	}
	if a.config.TSA != "" {
		options = append(options, transcript.WithStamper(tsa.New(a.config.TSA)))
	}
	return transcript.NewDocket(db, courtrooms(a.config.Courtrooms), a.log, options...)
}

// heardFrom are the courtrooms whose PCs the server hears: those with a source. What
// runs everything in one process hears its own alone, unless there is a broker for
// others.
func (a *app) heardFrom() (ids []string) {
	for _, room := range a.config.Courtrooms {
		own := room.ID == a.config.Capture.Courtroom
		if (own || len(a.config.Kafka.Brokers) > 0) && slices.ContainsFunc(room.Seats, func(s SeatConfig) bool { return s.Source != "" }) {
			ids = append(ids, room.ID)
		}
	}
	return ids
}

// startRecord opens the store and runs what keeps the record, without pages.
func (a *app) startRecord(ctx context.Context, s *stack, log *courtLog) (*server, error) {
	db, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	s.Close("store", db.Close)
	archive := a.archive(db)
	docket := a.docket(db, archive)
	s.Go("archive", func(ctx context.Context) error { return archive.Run(ctx, archiveLog{log}, log) })
	s.Go("search index", func(ctx context.Context) error { return db.RunIndex(ctx, a.log) })
	s.Go("docket", func(ctx context.Context) error { return docket.Run(ctx, log, segmentLog{log}) })
	return &server{docket: docket, store: db, archive: archive}, nil
}

// startServer runs the record server. It opens store and port before it
// returns, so that what cannot be had is said at once.
func (a *app) startServer(ctx context.Context, s *stack, log *courtLog) (*server, error) {
	formats, err := a.recordFormats()
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, a.config.Listen)
	if err != nil {
		return nil, err
	}
	server, err := a.startRecord(ctx, s, log)
	if err != nil {
		listener.Close()
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	pages, err := web.New(web.Config{
		Docket: server.docket, Rooms: courtrooms(a.config.Courtrooms), Court: a.config.Court, Version: version(),
		Audio: func(ctx context.Context, h capture.Hearing, channel string, fromMS, toMS int64) (io.ReadSeekCloser, time.Time, error) {
			r, err := server.archive.OpenAudio(ctx, h, channel, fromMS, toMS)
			if err != nil {
				return nil, time.Time{}, err
			}
			return r, r.ModTime(), nil
		},
		Search:   server.store,
		Quality:  server.store,
		Audit:    server.store,
		Records:  formats,
		Ready:    func(ctx context.Context) error { return a.ready(ctx, server.store, log) },
		Registry: registry,
		Hosts:    a.config.Hosts,
		Log:      a.log,
	})
	if err != nil {
		listener.Close()
		return nil, err
	}

	s.Go("health", func(ctx context.Context) error { return followHealth(ctx, log, server.docket) })
	disk := diskWatch{app: a}
	s.Go("archive health", func(ctx context.Context) error {
		return everySecond(ctx, func(now time.Time) {
			h := capture.Health{Component: "serve", Instance: "archive", At: now, Alarms: server.archive.Alarms()}
			if !slices.ContainsFunc(h.Alarms, func(alarm capture.Alarm) bool { return alarm.Code == "disk-full" }) {
				h.Alarms = append(h.Alarms, disk.alarms(now)...)
			}
			server.docket.ReportHealth(h)
			// For tingji capture check, which has nobody else to ask.
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			if err := log.PublishHealth(ctx, h); err != nil {
				a.log.Debug("sign of life was not sent", "err", err)
			}
		})
	})
	s.Go("pages", func(ctx context.Context) error { return pages.Run(ctx, listener) })
	server.url = "http://" + listener.Addr().String()
	return server, nil
}

// recordFormats are the files in which a record can be had, DOCX and PDF in the
// court's own form where it has one.
func (a *app) recordFormats() (map[string]web.RecordFormat, error) {
	write := docx.Write
	if path := a.config.RecordTemplate; path != "" {
		file, err := os.ReadFile(path)
		if err != nil {
			return nil, misuse("record_template %s: %s", path, cause(err))
		}
		t, err := docx.ReadTemplate(file)
		if err != nil {
			return nil, misuse("record_template %s: %v", path, err)
		}
		write = func(w io.Writer, r transcript.Record) error {
			if r.Hearing.CaseNo == "" { // a transcript outside a case is no record
				return docx.Write(w, r)
			}
			return t.Write(w, r)
		}
	}
	formats := map[string]web.RecordFormat{
		"docx": {ContentType: docx.MIME, Write: func(_ context.Context, w io.Writer, r transcript.Record) error { return write(w, r) }},
		"pdf":  {ContentType: pdf.MIME, Write: pdf.New(write).Write},
	}
	for name, contentType := range map[string]string{
		"txt": "text/plain; charset=utf-8", "json": "application/json",
		"srt": "application/x-subrip; charset=utf-8", "vtt": "text/vtt; charset=utf-8",
	} {
		formats[name] = web.RecordFormat{
			ContentType: contentType,
			Write:       func(_ context.Context, w io.Writer, r transcript.Record) error { return r.Write(w, name) },
		}
	}
	return formats, nil
}

// ready says whether the server can do its work now.
func (a *app) ready(ctx context.Context, db *store.Store, log *courtLog) error {
	if err := db.Ping(ctx); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if since, err, out := log.client.Outage(); out {
		return fmt.Errorf("broker, since %s: %w", since.UTC().Format(time.RFC3339), err)
	}
	return nil
}

// followHealth tells the docket what the parts in other processes say.
func followHealth(ctx context.Context, log *courtLog, docket *transcript.Docket) error {
	return log.client.Table(kafka.TopicStatus, lifeSigns(docket)).Run(ctx)
}

func lifeSigns(docket *transcript.Docket) func(kafka.Record) {
	loaded := false
	return func(r kafka.Record) {
		var h capture.Health
		if decode(r.Value, &h) != nil {
			return
		}
		// What was said before this server began is history, not a life sign; but
		// a PC that is switched off has told there what was done on it by hand.
		if !loaded && time.Since(r.Time).Abs() > 3*time.Second {
			docket.ReportByHand(h.ByHand)
			return
		}
		loaded = true
		docket.ReportHealth(h)
	}
}

func everySecond(ctx context.Context, do func(now time.Time)) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		do(time.Now().UTC())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// listen opens a port, or says in one line why not.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %s; choose another address with --listen", addr, cause(err))
	}
	return l, nil
}
