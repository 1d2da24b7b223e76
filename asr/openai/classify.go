package openai

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tingji/asr"
)

const (
	maxReason     = 300 // runes
	maxRetryAfter = 10 * time.Minute
)

// classify turns an exchange into nil or one of the errors of asr.Recognizer.
// sent is go-openai's error; it counts only when no request was made.
func (e *Engine) classify(r *recorder, sent error) error {
	a := r.answer
	switch {
	case errors.Is(r.err, errTooLarge):
		return e.rejected(fmt.Sprintf("answered more than %d MiB", maxBody>>20))
	case r.err != nil:
		return e.network(r.err)
	case a.status == 0:
		return e.retry(fmt.Sprintf("request not sent: %v", sent), 0)
	}
	says := a.message()
	if says == "" {
		says = http.StatusText(a.status)
	}
	says = fmt.Sprintf("HTTP %d: %s", a.status, says)
	switch s := a.status; {
	case s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable:
		return e.retry(says, retryAfter(a.header, time.Now()))
	case s == http.StatusNotImplemented:
		return e.unavailable(says + "; is asr.url the base URL of a transcription server?")
	case s >= 500, s == http.StatusRequestTimeout, s == http.StatusConflict, s == http.StatusTooEarly:
		return e.retry(says, 0)
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return e.unavailable(says + "; check asr.api_key")
	case s == http.StatusNotFound || s == http.StatusMethodNotAllowed:
		return e.unavailable(says + "; check asr.url (the base URL, ending in /v1) and asr.model")
	case s == http.StatusRequestEntityTooLarge, s == http.StatusUnsupportedMediaType:
		return e.rejected(says)
	case s == http.StatusBadRequest || s == http.StatusUnprocessableEntity:
		switch {
		case a.isHTML() || bytes.Contains(a.body, []byte("HTTPS server")):
			return e.unavailable(says + "; is asr.url right, http or https?")
		case a.blamesModel():
			return e.unavailable(says + "; check asr.model")
		}
		return e.rejected(says)
	case s >= 400:
		// Not the clip's fault as far as we know: it waits.
		return e.unavailable(says)
	case s >= 300:
		return e.unavailable(fmt.Sprintf("HTTP %d: redirects to %q; set asr.url to where it leads", s, oneLine(a.header.Get("Location"))))
	case a.isHTML():
		return e.unavailable("an HTML page answered: is asr.url the base URL ending in /v1?")
	}
	return nil
}

func (e *Engine) network(err error) error {
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.As(err, &certificate):
		return e.unavailable(fmt.Sprintf("certificate refused: %v", certificate.Err))
	case errors.Is(err, http.ErrSchemeMismatch):
		return e.unavailable("speaks no TLS: should asr.url begin with http:// ?")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return e.retry(fmt.Sprintf("no answer within %v", e.config.Timeout), 0)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return e.retry("the answer was cut short", 0)
	}
	var wrapped *url.Error // says method and URL, which the error has already
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return e.retry(fmt.Sprintf("cannot be reached: %v", err), 0)
}

// address names the engine in errors; never its key.
func (e *Engine) address() string { return "engine " + e.base.Redacted() }

func (e *Engine) retry(reason string, after time.Duration) error {
	return &asr.RetryError{Engine: e.address(), Reason: oneLine(reason), After: after}
}

func (e *Engine) unavailable(reason string) error {
	return &asr.UnavailableError{Engine: e.address(), Reason: oneLine(reason)}
}

func (e *Engine) rejected(reason string) error {
	return &asr.RejectedError{Engine: e.address(), Reason: oneLine(reason)}
}

// message is what the server says of itself in an error: {"error": {"message"}}
// (OpenAI), {"error": "…"} (whisper.cpp), {"detail": …} (FastAPI), or text.
func (a answer) message() string {
	if a.isHTML() {
		return http.StatusText(a.status) + " (an HTML page)"
	}
	var reply struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(a.body, &reply) != nil {
		return oneLine(string(a.body))
	}
	for _, raw := range []json.RawMessage{reply.Error, reply.Detail} {
		var object struct {
			Message string `json:"message"`
		}
		var text string
		switch {
		case json.Unmarshal(raw, &text) == nil && text != "":
			return oneLine(text)
		case json.Unmarshal(raw, &object) == nil && object.Message != "":
			return oneLine(object.Message)
		}
	}
	if reply.Message != "" {
		return oneLine(reply.Message)
	}
	return oneLine(string(a.body))
}

// blamesModel reports whether the server refuses the model rather than the clip.
func (a answer) blamesModel() bool {
	var reply struct {
		Error struct {
			Param, Code any
		} `json:"error"`
	}
	return json.Unmarshal(a.body, &reply) == nil &&
		(reply.Error.Param == "model" || reply.Error.Code == "model_not_found")
}

func (a answer) isHTML() bool {
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	start := bytes.ToLower(bytes.TrimSpace(a.body[:min(len(a.body), 512)]))
	return kind == "text/html" && !bytes.HasPrefix(start, []byte("{")) ||
		bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// retryAfter reads Retry-After: seconds or a date; at most maxRetryAfter.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	after := time.Duration(0)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
		after = time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	} else if date, err := http.ParseTime(value); err == nil {
		after = date.Sub(now)
	}
	return min(max(after, 0), maxRetryAfter)
}

// oneLine makes foreign words fit for a line of a log.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxReason {
		s = string(runes[:maxReason-1]) + "…"
	}
	return s
}
