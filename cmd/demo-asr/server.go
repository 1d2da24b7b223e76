package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"tingji/asr"
	"tingji/asr/demo/transcription"
)

const (
	engineName = asr.Demonstration
	modelName  = "demo-synthetic"
	rate       = 16000 // of all sound here, in Hz
)

// server is the HTTP side. Safe for several goroutines.
type server struct {
	recognizer *recognizer
	log        *slog.Logger
}

func (s *server) handler() http.Handler {
	return transcription.Handler(engineName, modelName, s.transcribe)
}

func (s *server) transcribe(w http.ResponseWriter, r *http.Request) {
	req, refused := transcription.Read(w, r)
	if refused == nil && req.Rate != rate {
		refused = transcription.Invalid("file: WAV of %d Hz: this engine takes %d Hz", req.Rate, rate)
	}
	if refused != nil {
		refused.Write(w)
		return
	}
	began := time.Now()
	words, err := s.recognizer.Recognize(r.Context(), req.PCM, req.Prompt)
	switch {
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the client has left
	case errors.Is(err, errForeign):
		(&transcription.Refusal{Status: http.StatusUnprocessableEntity, Code: "unknown_voice", Message: engineName +
			"只听得懂合成的普通话，不转写真人说话；请配置真正的语音识别引擎 (the demonstration engine knows synthetic Mandarin only and refuses people's speech; configure a real engine)"}).Write(w)
		return
	case err != nil:
		s.log.Error("transcription", "err", err)
		(&transcription.Refusal{Status: http.StatusInternalServerError, Code: "server_error", Message: err.Error()}).Write(w)
		return
	}
	s.log.Debug("transcription", "samples", len(req.PCM), "words", len(words), "took", time.Since(began))
	contentType, body := answer(words).Render(req)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.Write(body) // a client that has left is no error of ours
}
