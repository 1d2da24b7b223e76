package web

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"tingji/transcript"
)

const (
	// tickEvery is how often a stream says that it lives. A page that has heard
	// nothing for two and a half of them says so.
	tickEvery = time.Second
	// stallTimeout ends the stream of a reader who takes nothing: the page
	// comes back with its last id, and until then holds no memory here.
	stallTimeout = 10 * time.Second
)

// getEvents streams a hearing's changes (server-sent events). The reader names
// the last id it has seen, in Last-Event-ID or ?after=, and misses nothing.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "after", "form", "amounts")
	after := q.number("after", 0, 0, math.MaxInt64)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n < 0 {
			q.refuse("Last-Event-ID", text{"Last-Event-ID 应为整数。", "Last-Event-ID should be an integer."})
		}
		after = n
	}
	style := q.style()
	if q.err != nil {
		return q.err
	}
	feed, err := s.Docket.Subscribe(r.Context(), r.PathValue("id"), after)
	if err != nil {
		return err
	}
	defer feed.Close()
	h, err := s.Docket.Hearing(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.stream(w, r, feed, lineStyle{style, writtenFor(style, &h)})
}

// getAllEvents streams the states of all hearings and the health of all parts.
// Its events have no id: whoever comes back asks for the list.
func (s *Server) getAllEvents(w http.ResponseWriter, r *http.Request) error {
	if q := queryOf(r); q.err != nil {
		return q.err
	}
	feed, err := s.Docket.Subscribe(r.Context(), "", 0)
	if err != nil {
		return err
	}
	defer feed.Close()
	return s.stream(w, r, feed, lineStyle{})
}

// stream sends a feed's events until the feed, the reader or the server ends.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, feed *transcript.Feed, style lineStyle) error {
	s.metrics.streams.Inc()
	defer s.metrics.streams.Dec()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would keep lines back
	if r.Method == http.MethodHead {
		return nil // a stream without a body would never end
	}
	out := &eventWriter{w: w, ctl: http.NewResponseController(w), page: s.page.script, style: style}
	out.buf.WriteString("retry: 1000\n\n")
	if err := s.pump(r, out, feed); err != nil {
		s.Log.Debug("stream ended", "path", r.URL.Path, "err", err)
	}
	return nil // the answer has begun: there is no other to give
}

func (s *Server) pump(r *http.Request, out *eventWriter, feed *transcript.Feed) error {
	if err := out.tick(); err != nil {
		return err
	}
	tick := time.NewTicker(s.tickEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return r.Context().Err()
		case <-s.stopping:
			return nil
		case <-tick.C:
			err = out.tick()
		case e, ok := <-feed.Events:
			if !ok {
				return nil // it fell behind: the reader comes back
			}
			err = s.send(r, out, e)
		}
		if err != nil {
			return err
		}
	}
}

// errHidden ends the stream of a hearing that its reader may no longer see: what
// follows is not for him either.
var errHidden = errors.New("the hearing may no longer be seen")

// send writes an event of a feed, if the gate lets this reader see it.
func (s *Server) send(r *http.Request, out *eventWriter, e transcript.Event) error {
	var data any
	switch e.Kind {
	case transcript.HearingChanged:
		if !s.visible(r, "events.read", e.Hearing.ID) {
			if e.ID == 0 {
				return nil // one hearing among all
			}
			return errHidden
		}
		out.style.written = writtenFor(out.style.asked, e.Hearing) // its names and terms stay as they are spelt
		data = s.view(*e.Hearing)
	case transcript.LineChanged:
		data = viewLine(*e.Line, out.style.written)
	case transcript.PartialHeard:
		data = e.Partial
	case transcript.HealthChanged:
		data = e.Health
	default:
		return fmt.Errorf("event of unknown kind %q", e.Kind)
	}
	return out.event(e.ID, e.Kind, data)
}

// eventWriter writes server-sent events and gives up on a reader who stalls.
type eventWriter struct {
	w     http.ResponseWriter
	ctl   *http.ResponseController
	buf   bytes.Buffer
	page  string // of every tick
	style lineStyle
}

// lineStyle is how a stream shows its lines: as it is asked for, and as it is for
// the hearing as that stands now.
type lineStyle struct {
	asked   transcript.Style
	written *transcript.WrittenForm
}

func (o *eventWriter) tick() error {
	return o.event(0, "tick", struct {
		Now time.Time `json:"now"`
		// Page names the page that this server hands out: an older one in a tab
		// that was left open says so.
		Page string `json:"page"`
	}{now(), o.page})
}

// event writes one event and sends it; id 0 is that of a passing one.
func (o *eventWriter) event(id int64, kind transcript.EventKind, data any) error {
	body, err := encode(data) // JSON has no line breaks: it fits one data field
	if err != nil {
		return fmt.Errorf("encode event %s: %w", kind, err)
	}
	if id != 0 {
		fmt.Fprintf(&o.buf, "id: %d\n", id)
	}
	fmt.Fprintf(&o.buf, "event: %s\ndata: %s\n\n", kind, body)
	// A recorder in a test has no deadlines, and needs none.
	_ = o.ctl.SetWriteDeadline(time.Now().Add(stallTimeout))
	if _, err := o.buf.WriteTo(o.w); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return o.ctl.Flush()
}
