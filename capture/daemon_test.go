package capture_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tingji/capture"
	"tingji/capture/file"
)

func TestMain(m *testing.M) {
	if helper := killHelper(); helper != nil {
		helper()
		return
	}
	goleak.VerifyTestMain(m)
}

const room = "room1"

// perSecond is how many chunks a seat has in a second.
const perSecond = capture.Rate / capture.ChunkSamples

// fakeServer is broker and record server in memory: it takes what is sent,
// says which hearings there are, and gives receipts when told to.
type fakeServer struct {
	mu       sync.Mutex
	hearings []capture.Hearing
	receipts []capture.Receipt
	signs    []capture.Health // nil: there is no other daemon, and none is looked for
	changed  chan struct{}
	got      []capture.Chunk
	at       []time.Time   // when each of them came
	delay    time.Duration // of an answer
	health   []capture.Health
	away     bool // Send waits
	refuse   error
	confirm  bool // every chunk is receipted as it comes
	silent   bool // hearings and receipts are not loaded
}

func newFakeServer() *fakeServer { return &fakeServer{changed: make(chan struct{}), confirm: true} }

func (f *fakeServer) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeServer) FollowHearings(ctx context.Context, changed func(capture.Hearing), loaded func()) error {
	return follow(ctx, f, &f.hearings, changed, loaded)
}

func (f *fakeServer) FollowReceipts(ctx context.Context, changed func(capture.Receipt), loaded func()) error {
	return follow(ctx, f, &f.receipts, changed, loaded)
}

func (f *fakeServer) FollowSigns(ctx context.Context, heard func(capture.Health), loaded func()) error {
	return follow(ctx, f, &f.signs, heard, loaded)
}

func follow[T any](ctx context.Context, f *fakeServer, list *[]T, changed func(T), loaded func()) error {
	for at, told := 0, false; ; {
		f.mu.Lock()
		news, more, silent := slices.Clone((*list)[at:]), f.changed, f.silent
		f.mu.Unlock()
		if !silent {
			for _, n := range news {
				changed(n)
			}
			at += len(news)
			if !told {
				loaded()
				told = true
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-more:
		}
	}
}

func (f *fakeServer) Send(ctx context.Context, courtroom string, messages []capture.Message) error {
	for {
		f.mu.Lock()
		away, refuse, more, delay := f.away, f.refuse, f.changed, f.delay
		f.mu.Unlock()
		if delay > 0 {
			time.Sleep(delay)
		}
		if refuse != nil {
			return refuse
		}
		if !away {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-more:
		}
	}
	f.set(func() {
		for _, m := range messages {
			c, err := capture.ParseChunk(m)
			if err != nil || courtroom != room {
				panic(fmt.Sprint(courtroom, err))
			}
			f.got, f.at = append(f.got, c), append(f.at, time.Now())
			if f.confirm {
				f.receipts = append(f.receipts, capture.Receipt{Hearing: c.Hearing, Channel: c.Channel, Epoch: c.Epoch, Seq: c.Seq, At: time.Now()})
			}
		}
	})
	return nil
}

func (f *fakeServer) ReportHealth(_ context.Context, h capture.Health) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.health = append(f.health, h)
	return nil
}

// alarm waits for an alarm to stand, or to be gone.
func (f *fakeServer) alarm(t *testing.T, code string, stands bool) {
	t.Helper()
	f.until(t, fmt.Sprintf("alarm %s: %v", code, stands), func() bool {
		if len(f.health) == 0 {
			return false
		}
		last := f.health[len(f.health)-1]
		return slices.ContainsFunc(last.Alarms, func(a capture.Alarm) bool {
			return a.Code == code && a.Text != "" && a.TextEN != ""
		}) == stands
	})
}

// until waits for something to be true of the server.
func (f *fakeServer) until(t *testing.T, what string, true_ func() bool) {
	t.Helper()
	for range 3000 {
		f.mu.Lock()
		ok := true_()
		f.mu.Unlock()
		if ok {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}

// channel is what came of a channel, in order, repetitions included.
func (f *fakeServer) channel(name string) []capture.Chunk {
	f.mu.Lock()
	defer f.mu.Unlock()
	var of []capture.Chunk
	for _, c := range f.got {
		if c.Channel == name {
			of = append(of, c)
		}
	}
	return of
}

var opened = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)

func hearing(id string, version int64, status capture.Status) capture.Hearing {
	at := opened
	return capture.Hearing{ID: id, Version: version, Status: status, Courtroom: room, CaseNo: "（2026）内0000民初1号", OpenedAt: &at,
		Seats: []capture.Seat{{Channel: "judge", Role: "审判长"}, {Channel: "clerk", Role: "书记员"}}}
}

func (f *fakeServer) tell(h capture.Hearing) { f.set(func() { f.hearings = append(f.hearings, h) }) }

// noise is sound that tells its own place.
func noise(seed uint64, seconds float64) []int16 {
	r := rand.New(rand.NewPCG(seed, 7))
	pcm := make([]int16, int(seconds*capture.Rate))
	for i := range pcm {
		pcm[i] = int16(r.Uint32())
	}
	return pcm
}

// start runs a daemon until the returned function stops it.
func start(t *testing.T, cfg capture.Config, f *fakeServer) (stop func()) {
	t.Helper()
	_, stop = startDaemon(t, cfg, f, func(*capture.Daemon) {})
	return stop
}

// startDaemon is start, and gives the daemon away before and after it runs.
func startDaemon(t *testing.T, cfg capture.Config, f *fakeServer, before func(*capture.Daemon)) (d *capture.Daemon, stop func()) {
	t.Helper()
	cfg.Courtroom, cfg.Instance = room, "test"
	links := capture.Links{Hearings: f, Receipts: f, Log: f, Health: f}
	if f.signs != nil {
		links.Signs = f
	}
	d, err := capture.NewDaemon(cfg, links, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	before(d)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("daemon: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return d, stop
}

// whole checks that a channel's chunks are numbered without a gap and hold pcm.
// Repetitions must be the same.
func whole(t *testing.T, chunks []capture.Chunk, pcm []int16) {
	t.Helper()
	byseq := map[uint64]capture.Chunk{}
	for _, c := range chunks {
		if before, again := byseq[c.Seq]; again && !slices.Equal(before.Samples, c.Samples) {
			t.Fatalf("%v was sent with two contents", c)
		}
		byseq[c.Seq] = c
	}
	var all []int16
	var before capture.Chunk
	for seq := uint64(1); seq <= uint64(len(byseq)); seq++ {
		c, ok := byseq[seq]
		if !ok {
			t.Fatalf("chunk %d of %d is missing", seq, len(byseq))
		}
		if c.Epoch == before.Epoch && c.First != before.Next() || c.Epoch < before.Epoch {
			t.Fatalf("%v begins at %d, the one before ends at %d of epoch %d", c, c.First, before.Next(), before.Epoch)
		}
		if c.Epoch == before.Epoch && !c.CapturedAt.Equal(before.CapturedAt.Add(capture.SampleIndex(len(before.Samples)).Duration()).Truncate(time.Microsecond)) {
			t.Fatalf("%v was captured at %v, the one before at %v", c, c.CapturedAt, before.CapturedAt)
		}
		all = append(all, c.Samples...)
		before = c
	}
	if !slices.Equal(all, pcm) {
		at := 0
		for at < min(len(all), len(pcm)) && all[at] == pcm[at] {
			at++
		}
		t.Fatalf("%d samples came, %d were played; they differ from sample %d on", len(all), len(pcm), at)
	}
}

func TestDaemonPlaysRecordingsToTheirEnd(t *testing.T) {
	synctest.Test(t, daemonPlaysRecordingsToTheirEnd)
}

func daemonPlaysRecordingsToTheirEnd(t *testing.T) {
	f := newFakeServer()
	judge, clerk := noise(1, 5.3), noise(2, 5.3)
	p := file.NewPlayer(0)
	ended := make(chan string, 1)
	start(t, capture.Config{Dir: t.TempDir(), Codec: capture.FLAC, OnEnd: func(h string) { ended <- h }, Seats: []capture.SeatSource{
		{Channel: "judge", Role: "审判长", Source: p.PCM(judge)}, {Channel: "clerk", Role: "书记员", Source: p.PCM(clerk)},
	}}, f)
	f.tell(hearing("h0", 1, capture.Closed))
	f.tell(hearing("h1", 1, capture.Scheduled))
	f.tell(hearing("h1", 2, capture.Open))
	if got := <-ended; got != "h1" {
		t.Errorf("the end of %q was told", got)
	}
	f.until(t, "all chunks", func() bool { return len(f.got) == 2*53*perSecond/10 })
	whole(t, f.channel("judge"), judge)
	whole(t, f.channel("clerk"), clerk)
	for _, name := range []string{"judge", "clerk"} {
		of := f.channel(name)
		last := of[len(of)-1]
		if last.End != capture.EndFile || of[0].End != capture.NotEnd || last.Epoch != 1 {
			t.Errorf("%s ends with %q in epoch %d", name, last.End, last.Epoch)
		}
		if !of[0].CapturedAt.Equal(f.channel("judge")[0].CapturedAt) {
			t.Errorf("%s begins at another time than the judge", name)
		}
	}
	// Seats are at the same place of the recording, give or take a chunk or two.
	var at [2]capture.SampleIndex
	for _, c := range f.got {
		at[map[string]int{"judge": 0, "clerk": 1}[c.Channel]] = c.Next()
		if d := at[0] - at[1]; d > 4*capture.ChunkSamples || d < -4*capture.ChunkSamples {
			t.Fatalf("the seats are %d samples apart", d)
		}
	}
}

func TestDaemonPauseResumeClose(t *testing.T) {
	synctest.Test(t, daemonPauseResumeClose)
}

func daemonPauseResumeClose(t *testing.T) {
	f := newFakeServer()
	pcm := noise(1, 60)
	start(t, capture.Config{Dir: t.TempDir(), Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: file.NewPlayer(5).PCM(pcm)}}}, f)
	f.tell(hearing("h1", 1, capture.Open))
	f.until(t, "chunks", func() bool { return len(f.got) >= 3 })
	f.tell(hearing("h1", 2, capture.Paused))
	ends := func(why capture.End) func() bool {
		return func() bool { return len(f.got) > 0 && f.got[len(f.got)-1].End == why }
	}
	f.until(t, "the end of the first part", ends(capture.EndPause))
	n := len(f.channel("judge"))
	time.Sleep(300 * time.Millisecond) // a break: nothing may come
	if len(f.channel("judge")) != n {
		t.Error("a break was recorded")
	}
	f.tell(hearing("h1", 3, capture.Open))
	f.until(t, "chunks of the second part", func() bool { return len(f.got) >= n+3 })
	f.tell(hearing("h1", 4, capture.Closed))
	f.until(t, "the end", ends(capture.EndClose))
	f.tell(hearing("h1", 3, capture.Open)) // an old state that comes late
	closed := len(f.channel("judge"))
	time.Sleep(5 * time.Second)
	if len(f.channel("judge")) != closed {
		t.Error("an old state has opened a closed hearing again")
	}
	got := f.channel("judge")
	whole(t, got, pcm[:func() (n int) {
		for _, c := range got {
			n += len(c.Samples)
		}
		return n
	}()])
	if got[n].Epoch != 2 || got[n].First != 0 || got[n].CapturedAt.Before(got[n-1].CapturedAt) {
		t.Errorf("after the break goes on with %v at %v", got[n], got[n].CapturedAt)
	}
}

// TestDaemonBreakBeforeTheFirstSample ends a part that holds nothing: there is no
// chunk to carry its end.
func TestDaemonBreakBeforeTheFirstSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		start(t, capture.Config{Dir: t.TempDir(), Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: file.NewPlayer(0.01).PCM(noise(1, 5))}}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(time.Second)
		f.tell(hearing("h1", 2, capture.Paused))
		time.Sleep(time.Hour)
		again := time.Now()
		f.tell(hearing("h1", 3, capture.Open))
		f.until(t, "a chunk", func() bool { return len(f.got) > 0 })
		if c := f.channel("judge")[0]; c.CapturedAt.Before(again) {
			t.Errorf("what was heard after the break is dated %v before its end", again.Sub(c.CapturedAt))
		}
	})
}

// TestDaemonDoesNotSendAgainWhatItKnowsConfirmed starts again while nobody can
// say what the server holds.
func TestDaemonDoesNotSendAgainWhatItKnowsConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cfg := capture.Config{Dir: dir, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: file.NewPlayer(0).PCM(noise(1, 8))}}}
		f := newFakeServer()
		f.confirm = false
		stop := start(t, cfg, f)
		f.tell(hearing("h1", 1, capture.Open))
		f.until(t, "all chunks", func() bool { return len(f.got) == 8*perSecond })
		f.set(func() {
			f.receipts = append(f.receipts, capture.Receipt{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: 20, At: time.Now()})
		})
		time.Sleep(time.Second)
		stop()
		silent := newFakeServer()
		silent.silent = true
		start(t, cfg, silent)
		silent.until(t, "the rest", func() bool { return len(silent.got) == 8*perSecond-20 })
		if c := silent.channel("judge")[0]; c.Seq != 21 {
			t.Errorf("sends from %d on", c.Seq)
		}
	})
}

func TestDaemonGoesOnAfterStop(t *testing.T) {
	synctest.Test(t, daemonGoesOnAfterStop)
}

func daemonGoesOnAfterStop(t *testing.T) {
	dir := t.TempDir()
	pcm := noise(1, 20)
	f := newFakeServer()
	f.tell(hearing("h1", 1, capture.Open))
	for run := range 4 {
		ended := make(chan string, 1)
		stop := start(t, capture.Config{Dir: dir, OnEnd: func(h string) { ended <- h },
			Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: file.NewPlayer(20).PCM(pcm)}}}, f)
		if run == 3 {
			<-ended
			f.until(t, "everything", func() bool {
				return slices.ContainsFunc(f.got, func(c capture.Chunk) bool { return c.End == capture.EndFile })
			})
		} else {
			n := len(f.channel("judge"))
			f.until(t, "some chunks", func() bool { return len(f.got) >= n+7 })
		}
		stop()
	}
	got := f.channel("judge")
	whole(t, got, pcm)
	if got[len(got)-1].Epoch != 1 {
		t.Error("an interrupted recording does not stay one epoch")
	}
	if len(got) != 20*perSecond {
		t.Errorf("%d chunks came, %d would do: what was confirmed is sent again", len(got), 20*perSecond)
	}
	if h := f.health[len(f.health)-1]; !h.Stopped {
		t.Error("the last sign of life does not say that it is the last")
	}
}

func TestDaemonBrokerAway(t *testing.T) {
	synctest.Test(t, daemonBrokerAway)
}

func daemonBrokerAway(t *testing.T) {
	f := newFakeServer()
	f.away = true
	pcm := noise(1, 8)
	ended := make(chan string, 1)
	start(t, capture.Config{Dir: t.TempDir(), OnEnd: func(h string) { ended <- h },
		Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: file.NewPlayer(0).PCM(pcm)}}}, f)
	f.tell(hearing("h1", 1, capture.Open))
	<-ended // the recording does not wait for the network
	f.alarm(t, "broker-unreachable", true)
	f.set(func() { f.away = false })
	f.until(t, "all chunks", func() bool { return len(f.got) == 8*perSecond })
	whole(t, f.channel("judge"), pcm)
	f.alarm(t, "broker-unreachable", false)
	f.set(func() { f.refuse = errors.New("not authorised") })
	f.tell(hearing("h1", 2, capture.Closed))
	f.tell(hearing("h2", 1, capture.Open))
	f.alarm(t, "broker-unreachable", true)
}

func TestDaemonSpoolFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		f.away = true
		pcm := noise(1, 60) // 2 MB
		start(t, capture.Config{Dir: t.TempDir(), SpoolBytes: 1 << 20, Seats: []capture.SeatSource{
			{Channel: "judge", Role: "审判长", Source: file.NewPlayer(0).PCM(pcm)}}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		f.alarm(t, "spool-full", true)
		f.set(func() { f.away = false })
		f.until(t, "all chunks", func() bool { return len(f.got) == 60*perSecond })
		f.alarm(t, "spool-full", false)
		whole(t, f.channel("judge"), pcm)
	})
}

// TestDaemonSendsWhatTheBrokerHasForgotten acknowledges chunks and never confirms them.
func TestDaemonSendsWhatTheBrokerHasForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		f.confirm = false
		pcm := noise(1, 3)
		start(t, capture.Config{Dir: t.TempDir(), Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: file.NewPlayer(0).PCM(pcm)}}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(4 * time.Minute)
		if n := len(f.channel("judge")); n != 3*perSecond {
			t.Fatalf("%d chunks were sent", n)
		}
		f.set(func() { f.got, f.confirm = nil, true })
		time.Sleep(2 * time.Minute)
		whole(t, f.channel("judge"), pcm)
		time.Sleep(time.Hour)
		if n := len(f.channel("judge")); n != 3*perSecond {
			t.Errorf("%d chunks were sent in the end: what is confirmed is sent again", n)
		}
	})
}

func TestDaemonSendsAgainWhatIsWanted(t *testing.T) {
	synctest.Test(t, daemonSendsAgainWhatIsWanted)
}

func daemonSendsAgainWhatIsWanted(t *testing.T) {
	f := newFakeServer()
	f.confirm = false
	pcm := noise(1, 8)
	start(t, capture.Config{Dir: t.TempDir(), Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: file.NewPlayer(0).PCM(pcm)}}}, f)
	f.tell(hearing("h1", 1, capture.Open))
	f.until(t, "all chunks", func() bool { return len(f.got) == 8*perSecond })
	// The log has lost chunks 11 and later.
	f.set(func() {
		f.got = f.got[:10]
		f.receipts = append(f.receipts, capture.Receipt{Hearing: "h1", Channel: "judge", Epoch: 1, Seq: 10, Want: 11, At: time.Now()})
	})
	f.until(t, "the lost chunks", func() bool { return len(f.got) == 8*perSecond })
	whole(t, f.channel("judge"), pcm)
}

func TestDaemonGoesOnAboveTheServer(t *testing.T) {
	synctest.Test(t, daemonGoesOnAboveTheServer)
}

func daemonGoesOnAboveTheServer(t *testing.T) {
	f := newFakeServer()
	f.silent = true
	f.receipts = append(f.receipts, capture.Receipt{Hearing: "h1", Channel: "judge", Epoch: 2, Seq: 40, At: time.Now()})
	f.tell(hearing("h1", 1, capture.Open))
	start(t, capture.Config{Dir: t.TempDir(), Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: file.NewPlayer(0).PCM(noise(1, 1))}}}, f)
	time.Sleep(200 * time.Millisecond) // nothing may be numbered before the receipts are there
	if len(f.channel("judge")) != 0 {
		t.Fatal("numbers were given out before the server's were known")
	}
	f.set(func() { f.silent = false })
	f.until(t, "chunks", func() bool { return len(f.got) == perSecond })
	if c := f.channel("judge")[0]; c.Seq != 41 || c.Epoch != 3 {
		t.Errorf("begins with %v", c)
	}
}

// badSource never delivers.
type badSource struct{ err error }

func (s badSource) Open(context.Context, capture.SampleIndex) (capture.Stream, error) {
	return nil, s.err
}
func (s badSource) Resumable() bool { return false }

func TestDaemonOneSeatFails(t *testing.T) {
	synctest.Test(t, daemonOneSeatFails)
}

func daemonOneSeatFails(t *testing.T) {
	f := newFakeServer()
	pcm := noise(1, 3)
	p := file.NewPlayer(0)
	start(t, capture.Config{Dir: t.TempDir(), Seats: []capture.SeatSource{
		{Channel: "clerk", Role: "书记员", Source: badSource{&capture.SourceError{Text: "没有话筒", TextEN: "no microphone"}}},
		{Channel: "defendant", Role: "被告", Source: p.File("/nowhere/x.wav", 0)},
		{Channel: "judge", Role: "审判长", Source: p.PCM(pcm)},
	}}, f)
	f.tell(hearing("h1", 1, capture.Open))
	f.until(t, "the other seat", func() bool { return len(f.got) == 3*perSecond })
	whole(t, f.channel("judge"), pcm)
	f.alarm(t, "source-failed", true)
	var texts []string
	for _, a := range f.alarms() {
		texts = append(texts, a.Channel+": "+a.Text+" / "+a.TextEN)
	}
	slices.Sort(texts)
	if len(texts) != 2 || texts[0] != "clerk: 书记员（clerk）没有声音输入：没有话筒 / No sound from 书记员 (clerk): no microphone" {
		t.Errorf("alarms %q", texts)
	}
	f.tell(hearing("h1", 2, capture.Closed)) // the recording is over; the microphone is to be mended before the next hearing
	f.until(t, "the microphone alone", func() bool {
		a := f.health[len(f.health)-1].Alarms
		return len(a) > 0 && !slices.ContainsFunc(a, func(a capture.Alarm) bool {
			return a.Code == "source-failed" && (a.Channel != "clerk" || a.Hearing != "")
		})
	})
}

// fakeMicrophone delivers 20 ms blocks at real pace: a count of the samples
// since it was made, low bits first, so that a test sees what is missing.
type fakeMicrophone struct {
	mu     sync.Mutex
	at     int
	began  time.Time
	broken bool
	slips  time.Duration // samples that were lost in the driver
}

func (m *fakeMicrophone) Open(context.Context, capture.SampleIndex) (capture.Stream, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return nil, errors.New("no such device")
	}
	m.began, m.at = time.Now(), 0
	return m, nil
}
func (m *fakeMicrophone) Resumable() bool { return false }
func (m *fakeMicrophone) Close() error    { return nil }
func (m *fakeMicrophone) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *fakeMicrophone) Read(ctx context.Context, buf []int16) (int, time.Time, error) {
	m.mu.Lock()
	due := m.began.Add(capture.SampleIndex(m.at+len(buf)).Duration() + m.slips)
	broken := m.broken
	m.mu.Unlock()
	if broken {
		return 0, time.Time{}, errors.New("device is gone")
	}
	select {
	case <-ctx.Done():
		return 0, time.Time{}, ctx.Err()
	case <-time.After(time.Until(due)):
	}
	for i := range buf {
		buf[i] = int16(m.at + i)
	}
	m.at += len(buf)
	return len(buf), time.Now(), nil
}

func TestDaemonLiveSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeServer()
		m := &fakeMicrophone{}
		began := time.Now()
		stop := start(t, capture.Config{Dir: t.TempDir(), Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(10 * time.Second)
		m.set(func() { m.broken = true })
		time.Sleep(20 * time.Second)
		f.alarm(t, "source-failed", true)
		m.set(func() { m.broken = false })
		time.Sleep(30 * time.Second)
		f.alarm(t, "source-failed", false)
		m.set(func() { m.slips += time.Second }) // a driver loses a second
		time.Sleep(30 * time.Second)
		f.tell(hearing("h1", 2, capture.Closed))
		time.Sleep(time.Second)
		stop()

		got := f.channel("judge")
		epochs := map[uint64][]capture.Chunk{}
		for i, c := range got {
			if c.Seq != uint64(i+1) {
				t.Fatalf("%v comes as number %d", c, i+1)
			}
			epochs[c.Epoch] = append(epochs[c.Epoch], c)
		}
		if len(epochs) != 3 {
			t.Fatalf("%d epochs: expected a new one after the failure and after the loss", len(epochs))
		}
		for e, chunks := range epochs {
			at := capture.SampleIndex(0)
			for _, c := range chunks {
				if c.First != at {
					t.Fatalf("%v begins at %d, not %d", c, c.First, at)
				}
				at = c.Next()
			}
			length, span := at.Duration(), chunks[len(chunks)-1].CapturedAt.Sub(chunks[0].CapturedAt)
			t.Logf("epoch %d: %v from %v", e, length, chunks[0].CapturedAt.Sub(began))
			if d := length - span; d < 0 || d > time.Second {
				t.Errorf("epoch %d: %v of sound, %v between the first chunk and the last", e, length, span)
			}
		}
		if first := epochs[1][0].CapturedAt.Sub(began); first > time.Second || epochs[1][len(epochs[1])-1].Next().Duration() < 9*time.Second {
			t.Errorf("the first epoch begins after %v and holds %v", first, epochs[1][len(epochs[1])-1].Next().Duration())
		}
		if last := got[len(got)-1]; last.End != capture.EndClose {
			t.Errorf("ends with %q", last.End)
		}
		levels := 0
		for _, h := range f.health {
			if h.Seats[0].Recording && h.Seats[0].LevelDBFS > -100 {
				levels++
			}
		}
		if len(f.health) < 85 || levels < 60 {
			t.Errorf("%d signs of life in 91 s, %d with a level", len(f.health), levels)
		}
	})
}

func TestDaemonRemembersTheHearing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		m := &fakeMicrophone{}
		cfg := capture.Config{Dir: dir, Seats: []capture.SeatSource{{Channel: "judge", Role: "审判长", Source: m}}}
		f := newFakeServer()
		stop := start(t, cfg, f)
		f.tell(hearing("h1", 1, capture.Open))
		time.Sleep(5 * time.Second)
		stop()
		// The PC starts again while the server cannot be reached.
		away := newFakeServer()
		away.silent, away.away = true, true
		stop = start(t, cfg, away)
		time.Sleep(10 * time.Second)
		away.set(func() { away.away = false })
		time.Sleep(5 * time.Second)
		stop()
		got := away.channel("judge")
		if len(got) < 30 || got[len(got)-1].Epoch != 2 || got[len(got)-1].Seq < 60 {
			t.Errorf("%d chunks were recorded without the server", len(got))
		}
	})
}

func TestNewDaemonRefuses(t *testing.T) {
	for _, cfg := range []capture.Config{
		{Courtroom: ""},
		{Courtroom: "a/b"},
		{Courtroom: "a", Seats: []capture.SeatSource{{Channel: ""}}},
		{Courtroom: "a", Seats: []capture.SeatSource{{Channel: "x"}, {Channel: "x"}}},
		{Courtroom: "a", Codec: "mp3"},
	} {
		if _, err := capture.NewDaemon(cfg, capture.Links{}, slog.Default()); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}
