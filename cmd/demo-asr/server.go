package main

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
	"time"
)

const (
	engineName = "示例识别引擎"
	modelName  = "demo-synthetic"

	maxClip   = 25 << 20 // bytes, as with OpenAI
	maxField  = 64 << 10 // bytes of any other form field
	maxFields = 64
	minClip   = rate / 10 // samples, as with OpenAI
)

// server is the HTTP side. Safe for several goroutines.
type server struct {
	recognizer *recognizer
	log        *slog.Logger
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/audio/transcriptions", s.transcribe)
	card := map[string]any{"id": modelName, "object": "model", "created": 0, "owned_by": engineName}
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{card}})
	})
	mux.HandleFunc("GET /v1/models/"+modelName, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, card) })
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "engine": engineName, "model": modelName})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &refusal{http.StatusNotFound, "not_found", "no such address: " + r.Method + " " + r.URL.Path})
	})
	return mux
}

// request is a transcription that was asked for. The fields model, language and
// temperature are taken and change nothing.
type request struct {
	pcm           []int16
	prompt        string
	format        string
	granularities []string
}

// refusal is an answer that is no transcription.
type refusal struct {
	status        int
	code, message string
}

func invalid(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_request", fmt.Sprintf(format, args...)}
}

func (s *server) transcribe(w http.ResponseWriter, r *http.Request) {
	req, refused := read(w, r)
	if refused != nil {
		refuse(w, refused)
		return
	}
	began := time.Now()
	words, err := s.recognizer.Recognize(r.Context(), req.pcm, req.prompt)
	switch {
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the client has left
	case errors.Is(err, errForeign):
		refuse(w, &refusal{http.StatusUnprocessableEntity, "unknown_voice",
			engineName + "只听得懂合成的普通话，不转写真人说话；请配置真正的语音识别引擎 (the demonstration engine knows synthetic Mandarin only and refuses people's speech; configure a real engine)"})
		return
	case err != nil:
		s.log.Error("transcription", "err", err)
		refuse(w, &refusal{http.StatusInternalServerError, "server_error", err.Error()})
		return
	}
	s.log.Debug("transcription", "samples", len(req.pcm), "words", len(words), "took", time.Since(began))
	contentType, body := render(req, words)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.Write(body) // a client that has left is no error of ours
}

// read takes the form apart, with a bound on each part of it.
func read(w http.ResponseWriter, r *http.Request) (*request, *refusal) {
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
		var value []byte
		if err == nil {
			value, err = readPart(part)
		}
		var over *http.MaxBytesError
		switch {
		case errors.As(err, &over), errors.Is(err, errTooLong) && part.FormName() == "file":
			return nil, &refusal{http.StatusRequestEntityTooLarge, "file_too_large", fmt.Sprintf("a clip has at most %d bytes", maxClip)}
		case err != nil:
			return nil, invalid("read form: %v", err)
		}
		switch part.FormName() {
		case "file":
			file = value
		case "prompt":
			req.prompt = string(value)
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
	if req.pcm, err = parseWAV(file); err != nil {
		return nil, invalid("file: %v", err)
	}
	if len(req.pcm) < minClip {
		return nil, &refusal{http.StatusBadRequest, "audio_too_short", "a clip lasts at least 0.1 s"}
	}
	return req, nil
}

var errTooLong = errors.New("too long")

func readPart(part *multipart.Part) ([]byte, error) {
	limit := maxField
	if part.FormName() == "file" {
		limit = maxClip
	}
	b, err := io.ReadAll(io.LimitReader(part, int64(limit)+1))
	if err == nil && len(b) > limit {
		err = fmt.Errorf("a form field: %w", errTooLong)
	}
	return b, err
}

// serve answers on a listener until ctx is done.
func (s *server) serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if srv.Shutdown(grace) != nil {
		srv.Close() // a client that does not read
	}
	<-served
	return nil
}
