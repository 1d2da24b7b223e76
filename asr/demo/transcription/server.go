package transcription

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Handler serves the addresses of an engine with one model; transcribe answers
// what is asked of it.
func Handler(engine, model string, transcribe http.HandlerFunc) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/audio/transcriptions", transcribe)
	card := map[string]any{"id": model, "object": "model", "created": 0, "owned_by": engine}
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{card}})
	})
	mux.HandleFunc("GET /v1/models/"+model, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, card) })
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "engine": engine, "model": model})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		(&Refusal{http.StatusNotFound, "not_found", "no such address: " + r.Method + " " + r.URL.Path}).Write(w)
	})
	return mux
}

// Listen opens a loopback address such as 127.0.0.1:0; any other is refused.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if a, ok := ln.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		ln.Close()
		return nil, fmt.Errorf("listen %s: not a loopback address", addr)
	}
	return ln, nil
}

// BaseURL is the address of a listener for clients.
func BaseURL(ln net.Listener) string { return "http://" + ln.Addr().String() + "/v1" }

// Serve answers on a listener until ctx is done; requests that are still waiting
// then are cut off. It closes the listener.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
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
