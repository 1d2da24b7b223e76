package web_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/store"
	"tingji/store/audio"
	"tingji/store/sqlite"
	"tingji/transcript"
	"tingji/transcript/web"
)

// court is a record server on a real docket and a real store, with a log in
// memory through which tests speak.
type court struct {
	t      *testing.T
	dir    string // of the sound, too
	store  *store.Store
	docket *transcript.Docket
	server *web.Server
	log    *segmentLog
	url    string // http://127.0.0.1:port
	stop   func() // ends everything, idempotent
}

// courtOption changes what a server is made of.
type courtOption func(*web.Config)

// openCourt starts a court on a fresh folder and a free port.
func openCourt(t *testing.T, options ...courtOption) *court {
	t.Helper()
	return openCourtIn(t, t.TempDir(), &segmentLog{}, "127.0.0.1:0", options...)
}

// openCourtIn starts a court where one may have been before.
func openCourtIn(t *testing.T, dir string, log *segmentLog, addr string, options ...courtOption) *court {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "record.db"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	return openCourtOn(t, store, dir, log, addr, options...)
}

// openCourtOn starts a court on a store, which it closes in the end.
func openCourtOn(t *testing.T, store *store.Store, dir string, log *segmentLog, addr string, options ...courtOption) *court {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	docket := transcript.NewDocket(store, rooms{}, quiet, transcript.WithSound(audio.NewArchive(dir, store, quiet)))
	cfg := web.Config{
		Docket: docket, Rooms: rooms{}, Court: "云川县人民法院", Version: "test", Log: quiet,
		Audio: tone, Search: store, Quality: store,
		Records: map[string]web.RecordFormat{
			"txt":  {ContentType: "text/plain; charset=utf-8", Write: writeRecord("txt")},
			"json": {ContentType: "application/json", Write: writeRecord("json")},
		},
	}
	for _, o := range options {
		o(&cfg)
	}
	server, err := web.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &court{t: t, dir: dir, store: store, docket: docket, server: server, log: log, url: "http://" + l.Addr().String()}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		if err := server.Run(ctx, l); err != nil {
			t.Error(err)
		}
	})
	work.Go(func() {
		if err := docket.Run(ctx, nowhere{}, c.log); err != nil {
			t.Error(err)
		}
	})
	c.stop = sync.OnceFunc(func() {
		cancel()
		work.Wait()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(c.stop)
	return c
}

// hearing announces a hearing in a courtroom and opens it.
func (c *court) hearing(courtroom string) capture.Hearing {
	c.t.Helper()
	h, err := c.docket.Create(c.t.Context(), transcript.NewHearing{
		CaseNo: "（2026）内0000民初1号", Cause: "民间借贷纠纷", Courtroom: courtroom, Demo: true,
		Participants: []capture.Participant{{Role: "原告", Name: "周启明"}, {Role: "被告", Name: "何文柏"}},
	})
	if err == nil {
		h, err = c.docket.Open(c.t.Context(), h.ID)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return h
}

// say has a seat speak from one time to another on the hearing's clock; stage
// is asr.Partial or asr.Final, and a final follows the one before at its seat.
func (c *court) say(h capture.Hearing, channel string, from, to time.Duration, stage asr.Stage, text string) string {
	first, next := capture.SamplesIn(from), capture.SamplesIn(to)
	seg := asr.Segment{
		V: 1, Hearing: h.ID, Channel: channel, Epoch: 1, Utterance: asr.UtteranceID(channel, 1, first),
		Stage: stage, First: first, Last: next - 1, StartedAt: h.OpenedAt.Add(from),
		Text: text, Engine: "whisper", Model: "large-v3", Language: "zh",
	}
	seg.ID = h.ID + "/" + seg.Utterance
	if stage == asr.Partial {
		seg.Stable = len([]rune(text)) / 2
	} else {
		seg.Words = []asr.Word{{Text: text, Start: from.Milliseconds(), End: to.Milliseconds(), Confidence: 0.9}}
	}
	c.log.append(seg)
	return seg.Utterance
}

// do sends a request; body is a string of JSON, or "" for none.
func (c *court) do(method, path, body string, header ...string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	conforms(c.t, method, path, resp, string(answer))
	return resp, string(answer)
}

// lines waits until the hearing has n lines.
func (c *court) lines(h capture.Hearing, n int) []transcript.Line {
	c.t.Helper()
	var feed *transcript.Feed
	defer func() { feed.Close() }()
	for heard := false; ; {
		if !heard { // at first, or it fell behind who reads all lines for each event
			var err error
			if feed, err = c.docket.Subscribe(c.t.Context(), h.ID, 0); err != nil {
				c.t.Fatal(err)
			}
		}
		lines, _, err := c.docket.Lines(c.t.Context(), h.ID, 0)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(lines) >= n {
			return lines
		}
		_, heard = <-feed.Events
	}
}

// rooms are the courtrooms of the tests.
type rooms struct{}

func (rooms) Name(courtroom string) string {
	if n, ok := map[string]string{"court-3": "第三审判庭", "court-5": "第五审判庭"}[courtroom]; ok {
		return n
	}
	return courtroom
}

func (rooms) IDs() []string { return []string{"court-3", "court-5"} }

func (rooms) Seats(string) []capture.Seat {
	return []capture.Seat{
		{Channel: "judge", Role: "审判长", Speaker: "沈知远"},
		{Channel: "clerk", Role: "书记员", Speaker: "陆小满"},
		{Channel: "plaintiff", Role: "原告", Speaker: "周启明"},
		{Channel: "defendant", Role: "被告", Speaker: "何文柏"},
		{Channel: "witness", Role: "证人", Speaker: "苏晓岚"},
	}
}

// nowhere publishes to nobody.
type nowhere struct{}

func (nowhere) PublishHearing(context.Context, capture.Hearing) error       { return nil }
func (nowhere) Published(context.Context) (list []capture.Hearing, _ error) { return list, nil }
func (nowhere) PublishPosition(context.Context, asr.ChannelState) error     { return nil }

// segmentLog is a log of one partition in memory.
type segmentLog struct {
	mu       sync.Mutex
	messages []transcript.SegmentMessage
	position map[string]asr.Position // by hearing/channel
	grown    chan struct{}
}

func (l *segmentLog) append(seg asr.Segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seg.Stage != asr.Partial {
		if l.position == nil {
			l.position = map[string]asr.Position{}
		}
		key := capture.Key(seg.Hearing, seg.Channel)
		was := l.position[key]
		is := asr.Position{Epoch: seg.Epoch, Sample: seg.Last + 1}
		seg.Before, seg.After = &was, &is
		l.position[key] = is
	}
	l.messages = append(l.messages, transcript.SegmentMessage{
		Source:  transcript.Source{Topic: transcript.SegmentsTopic, Offset: int64(len(l.messages))},
		Segment: seg,
	})
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}

func (l *segmentLog) Partitions() int { return 1 }

func (l *segmentLog) ReadSegments(ctx context.Context, _ int, from int64, handle func(context.Context, []transcript.SegmentMessage) error) error {
	at := int(from)
	for {
		l.mu.Lock()
		fresh := l.messages[min(at, len(l.messages)):]
		if len(fresh) == 0 && l.grown == nil {
			l.grown = make(chan struct{})
		}
		grown := l.grown
		l.mu.Unlock()
		if len(fresh) > 0 {
			if err := handle(ctx, fresh); err != nil {
				return err
			}
			at += len(fresh)
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *segmentLog) SetAside(_ context.Context, m transcript.SegmentMessage, reason string) error {
	panic(fmt.Sprintf("set aside as %s: %v", reason, m.Err))
}

// sound is a WAV file in memory.
type sound struct{ *strings.Reader }

func (sound) Close() error { return nil }

// tone is a recording in which every sample of a millisecond is its number, so
// that a test can tell where a stretch was cut.
func tone(_ context.Context, h capture.Hearing, channel string, fromMS, toMS int64) (io.ReadSeekCloser, time.Time, error) {
	if channel == "nobody" {
		return nil, time.Time{}, transcript.ErrNotFound
	}
	size := uint32(toMS-fromMS) * 32
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, 36+size)
	b = append(b, "WAVEfmt "...)
	for _, v := range []uint32{16, 1 | 1<<16, capture.Rate, capture.Rate * 2, 2 | 16<<16} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	for ms := fromMS; ms < toMS; ms++ {
		for range 16 {
			b = binary.LittleEndian.AppendUint16(b, uint16(ms))
		}
	}
	return sound{strings.NewReader(string(b))}, *h.OpenedAt, nil
}

func writeRecord(format string) func(context.Context, io.Writer, transcript.Record) error {
	return func(_ context.Context, w io.Writer, r transcript.Record) error { return r.Write(w, format) }
}

// decode reads JSON that a test expects to be there.
func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func readUI(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("ui", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// gauge is the value of a metric without labels.
func (c *court) gauge(name string) float64 {
	c.t.Helper()
	_, body := c.do("GET", "/metrics", "")
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				c.t.Fatal(err)
			}
			return v
		}
	}
	c.t.Fatalf("no metric %s", name)
	return 0
}
