package web

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"sync"
	"time"
	"unicode/utf8"

	"tingji/transcript"
)

// rereading is how long a reader looks at one thing before it counts again: a
// page asks many times for what its reader looks at once.
const rereading = 10 * time.Minute

// maxRemembered bounds what accessed remembers of it.
const maxRemembered = 10_000

// maxDetail bounds, in bytes, each text of an access that comes from outside.
const maxDetail = 512

// ownTrace says of an action that it shows nothing that was said, or leaves its
// own trace: a line's revision, a hearing.
func ownTrace(action string) bool {
	switch action {
	case "page", "probe", "metrics.read", "openapi.read", "health.read", "courtroom.list", "hearing.list", "quality.read",
		"line.add", "line.revise", "hearing.create":
		return true
	}
	return false
}

// accesses writes down who looked at what. It is safe for use by several
// goroutines.
type accesses struct {
	mu   sync.Mutex
	seen map[transcript.Access]time.Time // by reader, action, hearing, detail, refused alone
}

// accessed writes down that a request asked for an action, before it is
// answered. What cannot be written there is in the log: that a judge reads must
// not hang on a full disk.
func (s *Server) accessed(r *http.Request, action string, refused bool) {
	if s.Audit == nil || ownTrace(action) {
		return
	}
	a := transcript.Access{
		Reader:  reader(r),
		Action:  action,
		Hearing: cut(r.PathValue("id")),
		Detail:  accessDetail(r, action),
		Refused: refused,
	}
	looks := r.Method == http.MethodGet || r.Method == http.MethodHead
	if looks && !s.seen.first(a, time.Now()) {
		return
	}
	key := a
	a.At = time.Now()
	if err := s.Audit.AddAccess(r.Context(), a); err != nil {
		s.seen.forget(key)
		if r.Context().Err() == nil {
			s.Log.Error("an access is written down here alone", "reader", a.Reader, "action", a.Action,
				"hearing", a.Hearing, "detail", a.Detail, "refused", a.Refused, "err", err)
		}
	}
}

// accessDetail is what of a hearing an action is about.
func accessDetail(r *http.Request, action string) string {
	switch action {
	case "search", "audio.read":
		if q, err := url.QueryUnescape(r.URL.RawQuery); err == nil {
			return cut(q)
		}
		return cut(r.URL.RawQuery)
	case "record.read", "correction.read", "correction.decide", "phase.mark":
		return cut(path.Base(r.URL.Path))
	}
	return ""
}

// reader is the address that a request comes from. A proxy on this machine may
// say whom it serves, and under which name; nobody else is believed.
func reader(r *http.Request) string {
	at := r.RemoteAddr
	if host, _, err := net.SplitHostPort(at); err == nil {
		at = host
	}
	ip, err := netip.ParseAddr(at)
	if err != nil || !ip.IsLoopback() {
		return at
	}
	at = cut(cmp.Or(r.Header.Get("X-Real-IP"), at))
	if name := r.Header.Get("X-Remote-User"); name != "" {
		return cut(name) + " " + at
	}
	return at
}

// cut keeps the beginning of a text, in whole characters.
func cut(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	n := maxDetail
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// first says whether a was not seen within the last ten minutes, and remembers it.
func (l *accesses) first(a transcript.Access, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.seen[a]; ok && now.Sub(at) < rereading {
		return false
	}
	if len(l.seen) >= maxRemembered {
		for k, at := range l.seen {
			if now.Sub(at) >= rereading {
				delete(l.seen, k)
			}
		}
		if len(l.seen) >= maxRemembered {
			clear(l.seen) // some are written twice
		}
	}
	if l.seen == nil {
		l.seen = map[transcript.Access]time.Time{}
	}
	l.seen[a] = now
	return true
}

func (l *accesses) forget(a transcript.Access) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, a)
}
