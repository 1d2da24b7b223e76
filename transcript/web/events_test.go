package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tingji/asr"
	"tingji/transcript"
	"tingji/transcript/web"
)

// event is one server-sent event as a browser would read it.
type event struct{ id, name, data string }

// eventSchemas are what the document says the events carry.
var eventSchemas = map[string]string{"hearing": "Hearing", "line": "Line", "partial": "Partial", "health": "Component"}

// listener reads a stream of events.
type listener struct {
	t      *testing.T
	body   io.ReadCloser
	lines  *bufio.Scanner
	header http.Header
}

// listen opens a stream; lastID is sent as Last-Event-ID where it is not "".
func (c *court) listen(path, lastID string) *listener {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", c.url+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 {
		b, _ := io.ReadAll(resp.Body)
		c.t.Fatalf("listen %s: %d %s", path, resp.StatusCode, b)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)
	return &listener{t: c.t, body: resp.Body, lines: lines, header: resp.Header}
}

// read returns the next event; false at the end of the stream.
func (l *listener) read() (event, bool) {
	var e event
	for l.lines.Scan() {
		switch line := l.lines.Text(); {
		case line == "" && e.name != "":
			if schema := eventSchemas[e.name]; schema != "" {
				fits(l.t, schema, e.data)
			} else if e.name != "tick" {
				l.t.Errorf("event %q is not described", e.name)
			}
			return e, true
		case strings.HasPrefix(line, "id: "):
			e.id = line[4:]
		case strings.HasPrefix(line, "event: "):
			e.name = line[7:]
		case strings.HasPrefix(line, "data: "):
			e.data += line[6:]
		}
	}
	return e, false
}

// next is the next event of a name; others are passed over.
func (l *listener) next(name string) event {
	l.t.Helper()
	for {
		e, ok := l.read()
		if !ok {
			l.t.Fatalf("the stream ended before an event %q: %v", name, l.lines.Err())
		}
		if e.name == name {
			return e
		}
	}
}

func TestStreamCarriesTheHearing(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	stream := c.listen("/api/v1/hearings/"+h.ID+"/events", "")
	if got := stream.header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	if resp, body := c.do("HEAD", "/api/v1/hearings/"+h.ID+"/events", ""); resp.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: %d %q", resp.StatusCode, body)
	}
	if e, _ := stream.read(); e.name != "tick" || e.id != "" {
		t.Errorf("the first event is %+v: a page should know at once that it is receiving", e)
	}
	if e := stream.next("hearing"); e.id == "" || !strings.Contains(e.data, `"courtroom_name":"第三审判庭"`) {
		t.Errorf("hearing: %+v", e)
	}
	stream.next("tick") // live now
	id := c.say(h, "judge", time.Second, 2*time.Second, asr.Partial, "现在")
	if e := stream.next("partial"); e.id != "" || !strings.Contains(e.data, id) {
		t.Errorf("partial: %+v", e)
	}
	c.say(h, "judge", time.Second, 2500*time.Millisecond, asr.Final, "现在开庭。")
	line := stream.next("line")
	if got := decode[transcript.Line](t, line.data); got.ID != id || line.id != strconv.FormatInt(got.Change, 10) {
		t.Errorf("line: %+v", line)
	}
	c.alive(h)
	if e := stream.next("health"); e.id != "" {
		t.Errorf("health: %+v", e)
	}
	if _, err := c.docket.Pause(t.Context(), h.ID, "合议庭评议"); err != nil {
		t.Fatal(err)
	}
	if e := stream.next("hearing"); !strings.Contains(e.data, `"status":"paused"`) {
		t.Errorf("hearing: %+v", e)
	}
}

// A reader who comes back again and again, each time with the last id it saw,
// has every line once.
func TestStreamIsTakenUpAgain(t *testing.T) {
	const sentences, each = 60, 7
	c := openCourt(t)
	h := c.hearing("court-3")
	go func() {
		for i := range sentences {
			at := time.Duration(i) * time.Second
			c.say(h, "judge", at, at+900*time.Millisecond, asr.Final, fmt.Sprintf("第%d句。", i))
		}
	}()
	var texts []string
	last := "0"
	for len(texts) < sentences {
		stream := c.listen("/api/v1/hearings/"+h.ID+"/events", last)
		for range each {
			e := stream.next("line")
			texts = append(texts, decode[transcript.Line](t, e.data).Text)
			last = e.id
			if len(texts) == sentences {
				break
			}
		}
		stream.body.Close()
	}
	for i, text := range texts {
		if want := fmt.Sprintf("第%d句。", i); text != want {
			t.Fatalf("line %d is %q, want %q: %v", i, text, want, texts)
		}
	}
	// ?after= says the same to a reader without headers; the header goes first.
	if e := c.listen("/api/v1/hearings/"+h.ID+"/events?after="+last, "").next("tick"); e.id != "" {
		t.Errorf("tick with an id: %+v", e)
	}
	stream := c.listen("/api/v1/hearings/"+h.ID+"/events?after=999999", "0")
	if e := stream.next("line"); !strings.Contains(e.data, "第0句。") {
		t.Errorf("Last-Event-ID was not preferred: %+v", e)
	}
	for _, bad := range []string{"?after=-1", "?after=x", "?since=1"} {
		resp, body := c.do("GET", "/api/v1/hearings/"+h.ID+"/events"+bad, "")
		problemOf(t, resp, body, 400, "malformed")
	}
	resp, body := c.do("GET", "/api/v1/hearings/"+h.ID+"/events", "", "Last-Event-ID", "x")
	problemOf(t, resp, body, 400, "malformed")
}

// A server that ends ends its streams in order, though the docket goes on, and
// leaves nothing behind.
func TestStreamsEndWithTheServer(t *testing.T) {
	running := goleak.IgnoreCurrent()
	c := openCourt(t)
	h := c.hearing("court-3")
	second, err := web.New(web.Config{Docket: c.docket, Rooms: rooms{}, Audio: tone, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- second.Run(ctx, l) }()
	there := *c
	there.url = "http://" + l.Addr().String()
	streams := []*listener{there.listen("/api/v1/events", "")}
	for range 20 {
		streams = append(streams, there.listen("/api/v1/hearings/"+h.ID+"/events", ""))
	}
	for _, s := range streams {
		s.next("tick")
	}
	end()
	for i, s := range streams {
		for {
			if _, ok := s.read(); !ok {
				break
			}
		}
		if err := s.lines.Err(); err != nil {
			t.Errorf("stream %d was cut: %v", i, err)
		}
		s.body.Close()
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	c.stop()
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, running)
}

// A reader who takes nothing is dropped: his stream ends, and the lines of
// everybody else go on.
func TestStalledReaderIsDropped(t *testing.T) {
	t.Parallel()
	c := openCourt(t)
	h := c.hearing("court-3")
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /api/v1/hearings/%s/events HTTP/1.1\r\nHost: localhost\r\n\r\n", h.ID)
	other := c.listen("/api/v1/hearings/"+h.ID+"/events", "")
	other.next("tick")

	// More than the sockets between the two can hold.
	long := strings.Repeat("字", 3000)
	const sentences = 1500
	var heard []string
	for i := range sentences {
		at := time.Duration(i) * time.Second
		c.say(h, "judge", at, at+900*time.Millisecond, asr.Partial, strconv.Itoa(i)+long)
		heard = append(heard, other.next("partial").data[:40])
	}
	if slices.Contains(heard, "") || len(heard) != sentences {
		t.Errorf("the other reader has %d of %d", len(heard), sentences)
	}
	deadline := time.Now().Add(30 * time.Second)
	for c.gauge("tingji_http_streams") != 1 {
		if time.Now().After(deadline) {
			t.Fatalf("%v streams are open, want that of the other reader alone", c.gauge("tingji_http_streams"))
		}
		other.next("tick")
	}
}

// The stream of a hearing ends when its reader may no longer see it.
func TestStreamOfASealedHearingEnds(t *testing.T) {
	var sealed atomic.Bool
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Gate = func(_ *http.Request, _, hearing string) error {
			if hearing != "" && sealed.Load() {
				return transcript.ErrNotFound
			}
			return nil
		}
	})
	h := c.hearing("court-3")
	l := c.listen("/api/v1/hearings/"+h.ID+"/events", "0")
	l.next("hearing")
	sealed.Store(true)
	if _, err := c.docket.Pause(t.Context(), h.ID, "不公开质证"); err != nil {
		t.Fatal(err)
	}
	c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "青石路十八号。")
	for e, ok := l.read(); ok; e, ok = l.read() {
		if e.name == "line" || e.name == "hearing" {
			t.Fatalf("told %s %s", e.name, e.data)
		}
	}
}
