package web

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// squeezed sends what is text in a third of its bytes, to whoever can read it
// so: a phone on a slow network waits for bytes. Whatever has no length yet, as
// streams of events, and sound go as they are. There is nothing secret in an
// answer that its length could give away: the reader sees all of it.
type squeezed struct {
	http.ResponseWriter
	able    bool // the reader is
	decided bool
	z       *gzip.Writer
}

// smallest is the length from which squeezing is worth the while: what fits
// into a packet arrives no sooner.
const smallest = 1400

var squeezers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one that there is
	return z
}}

func squeeze(w http.ResponseWriter, r *http.Request) *squeezed {
	return &squeezed{ResponseWriter: w, able: r.Method == http.MethodGet && takesGzip(r)}
}

// takesGzip reads Accept-Encoding.
func takesGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(one, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			weight, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(q), "q="), 64)
			return err != nil || weight > 0
		}
	}
	return false
}

func (s *squeezed) WriteHeader(status int) {
	if !s.decided && status >= 200 {
		s.decided = true
		h := s.Header()
		kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
		length, err := strconv.Atoi(h.Get("Content-Length"))
		switch {
		case kind != "application/json" && kind != "text/html" && kind != "text/plain":
		case h.Get("ETag") != "" || h.Get("Content-Encoding") != "": // the tag is of these very bytes
		case err != nil || length < smallest:
		default:
			h.Add("Vary", "Accept-Encoding")
			if s.able {
				h.Del("Content-Length")
				h.Set("Content-Encoding", "gzip")
				s.z = squeezers.Get().(*gzip.Writer)
				s.z.Reset(s.ResponseWriter)
			}
		}
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *squeezed) Write(b []byte) (int, error) {
	if !s.decided {
		s.WriteHeader(http.StatusOK)
	}
	if s.z != nil {
		return s.z.Write(b)
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *squeezed) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// end sends what is left.
func (s *squeezed) end() {
	if s.z != nil {
		_ = s.z.Close() // the reader may be gone
		s.z.Reset(nil)
		squeezers.Put(s.z)
		s.z = nil
	}
}

// packed is content squeezed as far as it goes, once.
func packed(content []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = z.Write(content) // into memory
	_ = z.Close()
	return b.Bytes()
}
