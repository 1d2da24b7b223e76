package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tingji/capture"
	"tingji/transcript"
)

// shutdownGrace is how long Run waits for answers under way when it ends.
const shutdownGrace = 5 * time.Second

// writeTimeout bounds an answer; streams and recordings push it ahead with
// every write, so that it bounds their stalls.
const writeTimeout = time.Minute

// A Gate decides whether a request may do an action, named in the route table,
// on a hearing ("" where the request concerns none or several). nil lets it
// pass; transcript.ErrNotFound hides that the hearing exists; any other error
// is a refusal, and its text is for the log alone.
type Gate func(r *http.Request, action, hearing string) error

// OpenGate lets everybody do everything: there are no accounts yet, which is
// why the server is to listen on loopback only.
func OpenGate(*http.Request, string, string) error { return nil }

// An AudioOpener gives the sound of a hearing as a WAV file from fromMS to toMS
// on the hearing's clock, of one channel, or of all mixed where channel is "".
// The time is that of the newest sample. transcript.ErrNotFound.
type AudioOpener func(ctx context.Context, h capture.Hearing, channel string, fromMS, toMS int64) (io.ReadSeekCloser, time.Time, error)

// Courtrooms knows the rooms of the court.
type Courtrooms interface {
	transcript.Courtrooms
	IDs() []string // of the rooms, in the order in which pages show them
}

// RecordFormat writes a record in one file format. *transcript.UnavailableError
// where this machine lacks what it takes.
type RecordFormat struct {
	ContentType string
	Write       func(context.Context, io.Writer, transcript.Record) error
}

// Config is what a Server is made of. Docket, Rooms, Audio and Log are required.
type Config struct {
	Docket  *transcript.Docket
	Rooms   Courtrooms
	Court   string // its name: 云川县人民法院
	Version string
	Audio   AudioOpener
	Search  transcript.Searcher      // nil: searching is answered with 501
	Quality transcript.QualitySource // nil: asking for it is answered with 501
	// Records by file extension. One of DESIGN.md's that is missing here is
	// answered with 501.
	Records  map[string]RecordFormat
	Gate     Gate                        // nil: OpenGate
	Audit    transcript.AccessStore      // nil: who looks at what is not written down
	Ready    func(context.Context) error // nil: always; its error is shown to whoever asks
	Registry *prometheus.Registry        // nil: one of its own
	// Hosts are the names, besides loopback and the address it listens on, by
	// which browsers may call this server (see hostAllowed).
	Hosts []string
	Log   *slog.Logger

	tickEvery time.Duration // 0: tickEvery
}

// Server answers HTTP requests about the hearings of a docket. It is safe for
// use by several goroutines.
type Server struct {
	Config
	page    *page
	metrics *metrics
	handler http.Handler
	seen    accesses

	stopping chan struct{} // closed when streams have to end
	stopOnce sync.Once
}

// New bundles the page and makes a server. It fails when the page does not
// build.
func New(cfg Config) (*Server, error) {
	page, err := buildPage()
	if err != nil {
		return nil, fmt.Errorf("build the page: %w", err)
	}
	if cfg.Gate == nil {
		cfg.Gate = OpenGate
	}
	if cfg.Ready == nil {
		cfg.Ready = func(context.Context) error { return nil }
	}
	if cfg.Registry == nil {
		cfg.Registry = prometheus.NewRegistry()
	}
	if cfg.tickEvery == 0 {
		cfg.tickEvery = tickEvery
	}
	m, err := newMetrics(cfg.Registry)
	if err != nil {
		return nil, err
	}
	s := &Server{Config: cfg, page: page, metrics: m, stopping: make(chan struct{})}
	s.handler = s.guard(s.mux())
	return s, nil
}

// ServeHTTP answers one request. Streams end with the request's context, or
// when Run ends.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Run answers on l until ctx ends, then ends the streams, waits for the answers
// under way for a few seconds, and closes l.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	srv.RegisterOnShutdown(s.endStreams)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err := srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close() // who has not read the answer by now will ask again
	}
	<-served
	if err != nil {
		return fmt.Errorf("shut down %s: %w", l.Addr(), err)
	}
	return nil
}

func (s *Server) endStreams() { s.stopOnce.Do(func() { close(s.stopping) }) }

// author is who makes a change. There are no accounts yet: it is the clerk.
func author(*http.Request) string { return "书记员" }
