package transcription

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	MaxClip   = 25 << 20 // bytes, as with OpenAI
	MaxField  = 64 << 10 // bytes of any other form field
	MaxFields = 64
	// minClip is the shortest clip that is looked at, as with OpenAI.
	minClip = 100 * time.Millisecond
)

// Request is a transcription that was asked for. The fields model, language and
// temperature are taken and change nothing.
type Request struct {
	PCM           []int16
	Rate          int // of PCM, in Hz
	Prompt        string
	Format        string // json, text or verbose_json
	Granularities []string
}

// Read takes the form of a request apart.
func Read(w http.ResponseWriter, r *http.Request) (*Request, *Refusal) {
	r.Body = http.MaxBytesReader(w, r.Body, MaxClip+MaxFields*MaxField)
	form, err := r.MultipartReader()
	if err != nil {
		return nil, Invalid("not a form: %v", err)
	}
	req := &Request{Format: "json"}
	var file []byte
	for n := 0; ; n++ {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && n == MaxFields {
			return nil, Invalid("more than %d form fields", MaxFields)
		}
		var value []byte
		if err == nil {
			value, err = readPart(part)
		}
		var over *http.MaxBytesError
		switch {
		case errors.As(err, &over), errors.Is(err, errTooLong) && part.FormName() == "file":
			return nil, &Refusal{http.StatusRequestEntityTooLarge, "file_too_large", fmt.Sprintf("a clip has at most %d bytes", MaxClip)}
		case err != nil:
			return nil, Invalid("read form: %v", err)
		}
		switch part.FormName() {
		case "file":
			file = value
		case "prompt":
			req.Prompt = string(value)
		case "response_format":
			req.Format = string(value)
		case "timestamp_granularities[]", "timestamp_granularities":
			req.Granularities = append(req.Granularities, string(value))
		}
	}
	if file == nil {
		return nil, Invalid("the form has no field file")
	}
	if !slices.Contains([]string{"json", "text", "verbose_json"}, req.Format) {
		return nil, Invalid("response_format %q: this engine answers in json, text or verbose_json", req.Format)
	}
	for _, g := range req.Granularities {
		if g != "word" && g != "segment" {
			return nil, Invalid("timestamp_granularities %q: word or segment", g)
		}
	}
	if req.PCM, req.Rate, err = ParseWAV(file); err != nil {
		return nil, Invalid("file: %v", err)
	}
	if time.Duration(len(req.PCM))*time.Second < minClip*time.Duration(req.Rate) {
		return nil, &Refusal{http.StatusBadRequest, "audio_too_short", fmt.Sprintf("a clip lasts at least %v", minClip)}
	}
	return req, nil
}

var errTooLong = errors.New("too long")

func readPart(part *multipart.Part) ([]byte, error) {
	limit := MaxField
	if part.FormName() == "file" {
		limit = MaxClip
	}
	b, err := io.ReadAll(io.LimitReader(part, int64(limit)+1))
	if err == nil && len(b) > limit {
		err = fmt.Errorf("field %s: %w", strings.ToValidUTF8(part.FormName(), "?"), errTooLong)
	}
	return b, err
}

// Refusal is an answer that is no transcription.
type Refusal struct {
	Status        int
	Code, Message string
}

// Invalid refuses a request that was made wrong.
func Invalid(format string, args ...any) *Refusal {
	return &Refusal{http.StatusBadRequest, "invalid_request", fmt.Sprintf(format, args...)}
}

// Write answers with the refusal as OpenAI shapes it.
func (f *Refusal) Write(w http.ResponseWriter) {
	kind := "invalid_request_error"
	if f.Status >= http.StatusInternalServerError {
		kind = "server_error"
	}
	writeJSON(w, f.Status, map[string]any{"error": map[string]any{"message": f.Message, "type": kind, "param": nil, "code": f.Code}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // a client that has left is no error of ours
}
