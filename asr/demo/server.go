package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"tingji/asr"
	"tingji/asr/demo/transcription"
)

const (
	// Engine is what pages and segments call this engine.
	Engine = asr.Demonstration
	// Model is the only model it has.
	Model = "demo-reference"
)

// Server is the engine. As an [http.Handler] it can be mounted anywhere; with
// Listen and Run it serves on loopback. It is safe for use by several
// goroutines.
type Server struct {
	opts    Options
	log     *slog.Logger
	index   *index
	sources []source
	handler http.Handler
	slots   chan struct{} // nil: no limit
	count   atomic.Int64  // transcriptions asked for
	ln      net.Listener
}

// New indexes the recordings; about 1 ms for a minute of sound.
func New(recordings []Recording, opts Options, log *slog.Logger) *Server {
	s := &Server{opts: opts, log: log, index: newIndex(recordings)}
	for _, r := range recordings {
		s.sources = append(s.sources, place(r, recordings, opts, log))
	}
	if opts.Parallel > 0 {
		s.slots = make(chan struct{}, opts.Parallel)
	}
	s.handler = transcription.Handler(Engine, Model, s.transcribe)
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Listen opens a loopback address such as 127.0.0.1:0 and gives the base URL
// for clients, which ends in /v1. Run must follow.
func (s *Server) Listen(ctx context.Context, addr string) (baseURL string, err error) {
	ln, err := transcription.Listen(ctx, addr)
	if err != nil {
		return "", fmt.Errorf("demo engine: %w", err)
	}
	s.ln = ln
	return transcription.BaseURL(ln), nil
}

// Run serves what Listen opened until ctx is done; requests that are still
// waiting then are cut off.
func (s *Server) Run(ctx context.Context) error {
	if s.ln == nil {
		return errors.New("demo engine run: not listening")
	}
	if err := transcription.Serve(ctx, s.ln, s, s.log); err != nil {
		return fmt.Errorf("demo engine: %w", err)
	}
	return nil
}

func (s *Server) transcribe(w http.ResponseWriter, r *http.Request) {
	// The body is read before anything else: a client that still sends would
	// take an early answer for a broken connection.
	req, refusal := transcription.Read(w, r)
	if s.opts.Status401 {
		refuse(w, http.StatusUnauthorized, "invalid_api_key", "the demonstration engine was told to refuse every key")
		return
	}
	if refusal != nil {
		refusal.Write(w)
		return
	}
	if s.slots != nil {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if s.opts.Delay > 0 {
		select {
		case <-time.After(s.opts.Delay):
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	n := s.count.Add(1)
	due := func(every int) bool { return every > 0 && n%int64(every) == 0 }
	switch {
	case due(s.opts.HangEvery):
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case due(s.opts.RateLimitEvery):
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "rate_limit_exceeded", "the demonstration engine was told to refuse this request")
	case due(s.opts.FailEvery):
		refuse(w, http.StatusInternalServerError, "server_error", "the demonstration engine was told to fail this request")
	case s.opts.HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!DOCTYPE html><title>Login</title><p>Please log in.</p>")
	default:
		s.tell(w, req, due(s.opts.TruncateEvery))
	}
}

func (s *Server) tell(w http.ResponseWriter, req *transcription.Request, cut bool) {
	words, known := s.hear(req.PCM, req.Rate)
	s.log.Debug("transcription", "samples", len(req.PCM), "known", known, "words", len(words))
	if !known {
		refuse(w, http.StatusUnprocessableEntity, "unknown_recording",
			Engine+"只认识自带的录音，这段声音不在其中 (the demonstration engine knows only its own recordings; this clip is from none of them)")
		return
	}
	contentType, body := s.answer(words, req.Rate).Render(req)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	if cut {
		w.Write(body[:len(body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(body)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	(&transcription.Refusal{Status: status, Code: code, Message: message}).Write(w)
}
