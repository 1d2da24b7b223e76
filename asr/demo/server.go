package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tingji/asr"
)

const (
	// Engine is what pages and segments call this engine.
	Engine = asr.Demonstration
	// Model is the only model it has.
	Model = "demo-reference"

	maxClip   = 25 << 20 // bytes, as with OpenAI
	maxField  = 64 << 10 // bytes of any other form field
	maxFields = 64
	// minClip is the shortest clip that is looked at, as with OpenAI.
	minClip = 100 * time.Millisecond
)

// Server is the engine. As an [http.Handler] it can be mounted anywhere; with
// Listen and Run it serves on loopback. It is safe for use by several
// goroutines.
type Server struct {
	opts    Options
	log     *slog.Logger
	index   *index
	sources []source
	mux     *http.ServeMux
	slots   chan struct{} // nil: no limit
	count   atomic.Int64  // transcriptions asked for
	ln      net.Listener
}

// New indexes the recordings; about 1 ms for a minute of sound.
func New(recordings []Recording, opts Options, log *slog.Logger) *Server {
	s := &Server{opts: opts, log: log, index: newIndex(recordings), mux: http.NewServeMux()}
	for _, r := range recordings {
		s.sources = append(s.sources, place(r, recordings, opts, log))
	}
	if opts.Parallel > 0 {
		s.slots = make(chan struct{}, opts.Parallel)
	}
	s.mux.HandleFunc("POST /v1/audio/transcriptions", s.transcribe)
	s.mux.HandleFunc("GET /v1/models", s.models)
	s.mux.HandleFunc("GET /health", s.health)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "not_found", "no such address: "+r.Method+" "+r.URL.Path)
	})
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Listen opens a loopback address such as 127.0.0.1:0 and gives the base URL
// for clients, which ends in /v1. Run must follow.
func (s *Server) Listen(ctx context.Context, addr string) (baseURL string, err error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("demo engine listen %s: %w", addr, err)
	}
	if a, ok := ln.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		ln.Close()
		return "", fmt.Errorf("demo engine listen %s: not a loopback address", addr)
	}
	s.ln = ln
	return "http://" + ln.Addr().String() + "/v1", nil
}

// Run serves what Listen opened until ctx is done; requests that are still
// waiting then are cut off.
func (s *Server) Run(ctx context.Context) error {
	if s.ln == nil {
		return errors.New("demo engine run: not listening")
	}
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(s.ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("demo engine serve %s: %w", s.ln.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if srv.Shutdown(grace) != nil {
		srv.Close() // a client that does not read
	}
	<-served
	return nil
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"object": "list",
		"data":   []any{map[string]any{"id": Model, "object": "model", "created": 0, "owned_by": Engine}},
	})
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "engine": Engine, "model": Model, "recordings": len(s.sources)})
}

// request is a transcription that was asked for.
type request struct {
	pcm           []int16
	rate          int
	format        string
	granularities []string
}

func (s *Server) transcribe(w http.ResponseWriter, r *http.Request) {
	// The body is read before anything else: a client that still sends would
	// take an early answer for a broken connection.
	req, refusal := read(w, r)
	if s.opts.Status401 {
		refuse(w, http.StatusUnauthorized, "invalid_api_key", "the demonstration engine was told to refuse every key")
		return
	}
	if refusal != nil {
		refuse(w, refusal.status, refusal.code, refusal.message)
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
		s.answer(w, req, due(s.opts.TruncateEvery))
	}
}

func (s *Server) answer(w http.ResponseWriter, req *request, cut bool) {
	words, known := s.hear(req.pcm, req.rate)
	s.log.Debug("transcription", "samples", len(req.pcm), "known", known, "words", len(words))
	if !known {
		refuse(w, http.StatusUnprocessableEntity, "unknown_recording",
			Engine+"只认识自带的录音，这段声音不在其中 (the demonstration engine knows only its own recordings; this clip is from none of them)")
		return
	}
	contentType, body := s.render(req, words)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	if cut {
		w.Write(body[:len(body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(body)
}

// refusal is an answer that is no transcription.
type refusal struct {
	status        int
	code, message string
}

func invalid(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_request", fmt.Sprintf(format, args...)}
}

// read takes the form apart, with a bound on each part of it. The fields model,
// language, prompt and temperature are taken and change nothing.
func read(w http.ResponseWriter, r *http.Request) (*request, *refusal) {
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, "file_too_large", fmt.Sprintf("a clip has at most %d bytes", maxClip)}
	r.Body = http.MaxBytesReader(w, r.Body, maxClip+maxFields*maxField)
	form, err := r.MultipartReader()
	if err != nil {
		return nil, invalid("not a form: %v", err)
	}
	req := &request{format: "json"}
	var file []byte
	for n := 0; ; n++ {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && n == maxFields {
			return nil, invalid("more than %d form fields", maxFields)
		}
		limit := maxField
		if err == nil && part.FormName() == "file" {
			limit = maxClip
		}
		var value []byte
		if err == nil {
			value, err = readPart(part, limit)
		}
		var over *http.MaxBytesError
		switch {
		case errors.As(err, &over), errors.Is(err, errTooLong) && limit == maxClip:
			return nil, tooLarge
		case err != nil:
			return nil, invalid("read form: %v", err)
		}
		switch part.FormName() {
		case "file":
			file = value
		case "response_format":
			req.format = string(value)
		case "timestamp_granularities[]", "timestamp_granularities":
			req.granularities = append(req.granularities, string(value))
		}
	}
	if file == nil {
		return nil, invalid("the form has no field file")
	}
	if !slices.Contains([]string{"json", "text", "verbose_json"}, req.format) {
		return nil, invalid("response_format %q: this engine answers in json, text or verbose_json", req.format)
	}
	for _, g := range req.granularities {
		if g != "word" && g != "segment" {
			return nil, invalid("timestamp_granularities %q: word or segment", g)
		}
	}
	if req.pcm, req.rate, err = parseWAV(file); err != nil {
		return nil, invalid("file: %v", err)
	}
	if time.Duration(len(req.pcm))*time.Second < minClip*time.Duration(req.rate) {
		return nil, &refusal{http.StatusBadRequest, "audio_too_short", fmt.Sprintf("a clip lasts at least %v", minClip)}
	}
	return req, nil
}

var errTooLong = errors.New("too long")

func readPart(part *multipart.Part, limit int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(part, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(b) > limit {
		return nil, fmt.Errorf("field %s: %w", strings.ToValidUTF8(part.FormName(), "?"), errTooLong)
	}
	return b, nil
}
