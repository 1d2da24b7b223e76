package web

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// contentPolicy lets a page load what this server hands out and nothing else:
// no inline script or style, no other host, no frame around it.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard is what every request passes before it reaches a route: headers that
// bind the browser, the check of the host it thinks it speaks to, the refusal
// of changes that another site's page sends, and the net under panics.
func (s *Server) guard(next *http.ServeMux) http.Handler {
	origin := http.NewCrossOriginProtection()
	squeezed := squeeze(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &answer{ResponseWriter: w}
		began := time.Now()
		defer func() {
			if p := recover(); p != nil {
				s.recovered(out, r, p)
			}
			s.metrics.answered(r.Pattern, r.Method, out.status, time.Since(began))
		}()
		bind(out.Header())
		if !hostAllowed(r, s.Hosts) {
			s.fail(out, r, &apiError{code: hostRefused, detail: text{
				fmt.Sprintf("本服务不以 %q 这个名称对外；请在配置中登记后再用。", r.Host),
				fmt.Sprintf("this server is not known as %q; add the name to its configuration.", r.Host)}})
			return
		}
		if err := origin.Check(r); err != nil {
			s.fail(out, r, &apiError{code: forbidden, cause: err, detail: text{
				"来自其他网站的修改请求已被拒绝。", "a change sent by another site's page is refused."}})
			return
		}
		squeezed.ServeHTTP(out, r)
	})
}

func bind(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// What was said in court stays out of the caches of shared machines; the
	// page's own files say otherwise.
	h.Set("Cache-Control", "no-store")
}

// hostAllowed holds off DNS rebinding: a page of another site, whose name was
// turned to our address, still sends that name as Host. Loopback names, the
// very address the connection arrived at, and the configured names pass.
func hostAllowed(r *http.Request, hosts []string) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if ip.IsLoopback() {
		return true
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	return err == nil && at.Addr().Unmap() == ip.Unmap()
}

// recovered turns a panic into an answer with an id by which the log has the
// cause. A stream that had begun is cut instead.
func (s *Server) recovered(w *answer, r *http.Request, p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.metrics.panics.Inc()
	id := errorID()
	s.Log.Error("panic in a handler", "id", id, "method", r.Method, "path", r.URL.Path,
		"panic", p, "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	s.writeProblem(w, r, internalProblem(id))
}

// errorID is what a person quotes to the operator, who finds it in the log.
func errorID() string { return strings.ToLower(rand.Text()[:8]) }

// answer remembers the status that was sent; 0 while nothing was.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Flush sends what was written, for those who look for [http.Flusher] alone.
func (a *answer) Flush() {
	_ = http.NewResponseController(a.ResponseWriter).Flush() // the next Write says what is wrong
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
