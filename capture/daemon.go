package capture

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Hearings says which hearings there are.
type Hearings interface {
	// FollowHearings hands over the latest state of every hearing that there
	// is, calls loaded once, and then hands over every change until ctx ends.
	// It outlives outages by itself. Calls come one at a time.
	FollowHearings(ctx context.Context, changed func(Hearing), loaded func()) error
}

// Receipts says what the record server has stored.
type Receipts interface {
	// FollowReceipts does for receipts what FollowHearings does for hearings.
	FollowReceipts(ctx context.Context, changed func(Receipt), loaded func()) error
}

// Reporter takes the sign of life. It is called every second and should not
// hold its caller for longer; ctx ends when the next one is due.
type Reporter interface {
	ReportHealth(ctx context.Context, h Health) error
}

// Config describes a courtroom's daemon.
type Config struct {
	Courtroom  string
	Instance   string // host and process, in its sign of life
	Dir        string // of spool and control state
	ArchiveDir string // "": archive, in Dir
	SpoolBytes int64  // see [SpoolConfig]
	Codec      Codec  // "": PCM
	// BacklogBytes is how much a second may be sent of hearings that are over; 0:
	// as fast as it goes. The hearing under way goes first, and is not held back.
	BacklogBytes int64
	Seats        []SeatSource
	// Preroll is how much of a live seat from before the opening belongs to a
	// hearing; 0: 10 s, less than 0: nothing.
	Preroll time.Duration
	// OnEnd is told, in its own goroutine's turn, when every seat of a hearing
	// was a recording and all have been played to their end or have failed: all
	// their chunks are durable then, though perhaps not sent. It may be told
	// again of the same hearing after a restart. It may be nil.
	OnEnd func(hearing string)
}

// Links are the daemon's ways out.
type Links struct {
	Hearings Hearings
	Receipts Receipts
	Log      Log
	Health   Reporter
	Signs    Signs // nil: there is no other PC
}

// Daemon records the hearings of one courtroom.
type Daemon struct {
	cfg    Config
	links  Links
	log    *slog.Logger
	alarms alarms
	writer writer
	twins  twins
	began  time.Time // of Run
	prints []uint64  // of the seat that is compared with others, once a second
	// reseats takes one list of seats at a time; who sends holds reseat1.
	reseats chan reseating
	reseat1 sync.Mutex

	keeping sync.Mutex // one writer of the file of byHand

	mu       sync.Mutex
	seats    []*seat            // replaced as a whole
	hearings map[string]Hearing // of this courtroom, not closed
	versions map[string]int64   // the newest of each hearing of this courtroom
	byHand   map[string]Hearing // changed by hand, which the server does not know yet
	receipts map[string]Receipt // newest by channel key; old ones are left out
	forgot   time.Time          // when the old ones were left out
	loaded   bool               // receipts
	informed bool               // hearings, from the server or, in its absence, from memory
	session  *session           // nil: nothing is recorded
	report   Report
	progress progress
	// noArchive is why its folder could not be opened; nil: it could.
	noArchive atomic.Pointer[error]
	spoolDisk disk
	archDisk  disk
	asleep    func() time.Duration            // see asleep; tests have another
	free      func(dir string) (int64, error) // see freeBytes; tests have another
	gate      func()                          // see Archive; only of tests
	quiet     time.Time                       // nothing from before belongs to the next hearing
	changed   chan struct{}                   // holds one token when hearings or loaded have changed
}

// rememberReceipts is how old a receipt may be to be remembered: longer than
// any hearing stays open.
const rememberReceipts = 120 * 24 * time.Hour

// NewDaemon checks the configuration. Run does the rest.
func NewDaemon(cfg Config, links Links, log *slog.Logger) (*Daemon, error) {
	if err := CheckName(cfg.Courtroom); err != nil {
		return nil, fmt.Errorf("courtroom: %w", err)
	}
	if err := checkSeats(cfg.Courtroom, cfg.Seats); err != nil {
		return nil, err
	}
	if cfg.Codec == "" {
		cfg.Codec = PCM
	}
	if cfg.Codec != PCM && cfg.Codec != FLAC {
		return nil, fmt.Errorf("courtroom %s: codec %q is neither %s nor %s", cfg.Courtroom, cfg.Codec, PCM, FLAC)
	}
	if cfg.ArchiveDir == "" {
		cfg.ArchiveDir = filepath.Join(cfg.Dir, "archive")
	}
	if cfg.Preroll == 0 {
		cfg.Preroll = standardPreroll
	}
	cfg.Preroll = max(0, cfg.Preroll)
	d := &Daemon{
		cfg: cfg, links: links, log: log,
		hearings: map[string]Hearing{}, versions: map[string]int64{}, byHand: map[string]Hearing{}, receipts: map[string]Receipt{}, changed: make(chan struct{}, 1),
		asleep: asleep, free: freeBytes, reseats: make(chan reseating),
	}
	for _, s := range cfg.Seats {
		d.seats = append(d.seats, d.newSeat(s))
	}
	return d, nil
}

const standardPreroll = 10 * time.Second

// Run records until ctx ends. Then it makes durable what it has heard, and
// returns; what was not sent yet is sent by the next Run. It fails at once when
// the spool cannot be opened.
func (d *Daemon) Run(ctx context.Context) (err error) {
	spool, err := OpenSpool(SpoolConfig{Dir: filepath.Join(d.cfg.Dir, "spool"), Courtroom: d.cfg.Courtroom, MaxBytes: d.cfg.SpoolBytes}, d.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	d.reportDamage(spool)
	d.began = time.Now()
	seats := d.seatList()
	for _, s := range seats {
		s.listen(ctx) // nothing that is said is to wait for the archive
	}
	archive := d.openArchive(ctx)
	d.numberTails(ctx, spool, archive)

	// What serves the recording ends after it.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var g errgroup.Group
	snd := newSender(spool, archive, d.links.Log, d.cfg.Codec, d.cfg.Courtroom, &d.alarms, d.log)
	snd.cap = d.cfg.BacklogBytes
	out := make(chan queued, queueChunks*max(64, len(seats))) // seats may be added
	w := &d.writer
	w.spool, w.in, w.alarms, w.log, w.courtroom = spool, out, &d.alarms, d.log, d.cfg.Courtroom
	w.seats.Store(int64(len(seats)))
	written := make(chan struct{})
	g.Go(func() error {
		defer close(written)
		w.run(ctx)
		return nil
	})
	g.Go(func() error {
		snd.run(serving)
		return nil
	})
	g.Go(func() error {
		d.follow(serving, "hearings", func(ctx context.Context) error {
			return d.links.Hearings.FollowHearings(ctx, d.hearing, d.inform)
		})
		return nil
	})
	g.Go(func() error {
		d.follow(serving, "receipts", func(ctx context.Context) error {
			return d.links.Receipts.FollowReceipts(ctx, func(r Receipt) { d.receipt(r, spool, snd) }, d.receiptsLoaded)
		})
		return nil
	})
	if d.links.Signs != nil {
		g.Go(func() error {
			d.follow(serving, "signs", func(ctx context.Context) error {
				return d.links.Signs.FollowSigns(ctx, d.sign, d.signsLoaded)
			})
			return nil
		})
	}
	g.Go(func() error {
		d.health(serving, spool, archive, snd)
		return nil
	})

	d.recallByHand()
	memory := time.AfterFunc(trustMemory, d.recall)
	d.control(ctx, spool, archive, out, snd)
	memory.Stop()
	for _, s := range d.seatList() {
		s.stop()
	}
	close(out)
	<-written
	stop()
	return g.Wait()
}

// openArchive closes what a crash has left in the archive. It does not wait for a
// drive that hangs: until that answers, what is to be archived waits in its queues.
func (d *Daemon) openArchive(ctx context.Context) *Archive {
	a := newArchive(d.cfg.ArchiveDir, d.cfg.Courtroom, d.log)
	a.gate = d.gate
	opened := make(chan struct{})
	go func() {
		defer close(opened)
		if err := a.open(); err != nil {
			// The spool alone is better than nothing.
			d.log.Error("archive cannot be opened", "courtroom", d.cfg.Courtroom, "err", err)
			d.noArchive.Store(&err)
		}
	}()
	select {
	case <-opened:
	case <-ctx.Done():
	case <-time.After(archivePatience):
	}
	return a
}

func (d *Daemon) reportDamage(spool *Spool) {
	damage, missing := spool.Damage()
	for _, bad := range damage {
		if !bad.Torn {
			d.alarms.raise(Alarm{Code: alarmSpoolDamaged,
				Text:   fmt.Sprintf("法庭 %s：暂存区文件有损坏，%d 处录音缺失，正从本机存档自动补齐；请检查磁盘", d.cfg.Courtroom, max(1, len(missing))),
				TextEN: fmt.Sprintf("Courtroom %s: the spool is damaged and lacks audio in %d places, which the local archive fills; check the disk", d.cfg.Courtroom, max(1, len(missing)))})
		}
	}
}

// follow keeps a feed running until ctx ends.
func (d *Daemon) follow(ctx context.Context, what string, feed func(context.Context) error) {
	for ctx.Err() == nil {
		err := feed(ctx)
		if ctx.Err() != nil {
			return
		}
		if d.alarms.raise(Alarm{Code: alarmControl, Channel: what,
			Text:   fmt.Sprintf("法庭 %s：收不到服务器的指令（%v）；请检查网络", d.cfg.Courtroom, err),
			TextEN: fmt.Sprintf("Courtroom %s: no word from the server (%v); check the network", d.cfg.Courtroom, err)}) {
			d.log.Warn("feed has ended and is followed again", "courtroom", d.cfg.Courtroom, "feed", what, "err", err)
		}
		pause(ctx, sendPause)
		d.alarms.clear(alarmControl, what)
	}
}

// hearing takes a hearing's state from the server. What was done by hand here
// stands until the server has taken it in, or has closed the hearing.
func (d *Daemon) hearing(h Hearing) {
	if h.Courtroom != d.cfg.Courtroom {
		return
	}
	d.mu.Lock()
	if d.versions[h.ID] > h.Version {
		d.mu.Unlock()
		return
	}
	d.versions[h.ID] = h.Version
	own, pending := d.byHand[h.ID]
	settled := pending && (h.ByHand >= own.ByHand || !h.underWay())
	if settled {
		delete(d.byHand, h.ID)
	} else if pending {
		h = own.over(h)
	}
	d.put(h)
	d.mu.Unlock()
	if settled {
		d.keepByHand()
	}
	d.wake()
}

// put notes what is under way; the caller holds mu.
func (d *Daemon) put(h Hearing) {
	if h.underWay() {
		d.hearings[h.ID] = h
	} else {
		delete(d.hearings, h.ID)
	}
}

func (h *Hearing) underWay() bool { return h.Status == Open || h.Status == Paused }

func (d *Daemon) receipt(r Receipt, spool *Spool, snd *sender) {
	old := func(r Receipt) bool { return time.Since(r.At) >= rememberReceipts }
	if !old(r) {
		d.mu.Lock()
		d.receipts[Key(r.Hearing, r.Channel)] = r
		if time.Since(d.forgot) > 24*time.Hour {
			maps.DeleteFunc(d.receipts, func(_ string, r Receipt) bool { return old(r) })
			d.forgot = time.Now()
		}
		d.mu.Unlock()
	}
	if _, ours := spool.Channel(r.Hearing, r.Channel); !ours {
		return
	}
	if err := spool.Confirm(r); err != nil {
		d.log.Error("spool cannot let go what is confirmed", "courtroom", d.cfg.Courtroom, "err", err)
	}
	snd.receipt(r)
}

func (d *Daemon) receiptsLoaded() {
	d.mu.Lock()
	d.loaded = true
	d.mu.Unlock()
	d.wake()
}

func (d *Daemon) wake() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// current is the hearing that the courtroom is in: the one opened last.
func (d *Daemon) current() (Hearing, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found Hearing
	ok := false
	for _, h := range d.hearings {
		if !ok || h.openedAt().After(found.openedAt()) || h.openedAt().Equal(found.openedAt()) && h.ID > found.ID {
			found, ok = h, true
		}
	}
	return found, ok
}

// watchHearings tells of a courtroom in which two hearings are under way: one was
// opened on this PC while the server had another, or has not been closed.
func (d *Daemon) watchHearings() {
	d.mu.Lock()
	list := slices.Collect(maps.Values(d.hearings))
	d.mu.Unlock()
	if len(list) < 2 {
		d.alarms.clear(alarmTwice, "")
		return
	}
	slices.SortFunc(list, func(a, b Hearing) int { return cmp.Or(a.openedAt().Compare(b.openedAt()), cmp.Compare(a.ID, b.ID)) })
	var at []string
	for _, h := range list {
		at = append(at, h.openedAt().Local().Format("15:04:05"))
	}
	now, before := at[len(at)-1], at[:len(at)-1]
	if d.alarms.raise(Alarm{
		Code:   alarmTwice,
		Text:   fmt.Sprintf("法庭 %s 有 %d 个没有闭庭的庭审，只录制 %s 开庭的那一个；请将 %s 开庭的闭庭", d.cfg.Courtroom, len(list), now, strings.Join(before, "、")),
		TextEN: fmt.Sprintf("Courtroom %s has %d hearings that are not closed and records only the one opened at %s; close the one opened at %s", d.cfg.Courtroom, len(list), now, strings.Join(before, ", ")),
	}) {
		d.log.Error("two hearings are open: only the newest is recorded, close the other", "courtroom", d.cfg.Courtroom, "hearing", list[len(list)-1].ID, "other", list[0].ID)
	}
}

func (h *Hearing) openedAt() time.Time {
	if h.OpenedAt == nil {
		return h.CreatedAt
	}
	return *h.OpenedAt
}

// control starts and ends sessions as the hearings demand, until ctx ends.
func (d *Daemon) control(ctx context.Context, spool *Spool, archive *Archive, out chan<- queued, snd *sender) {
	recorded := map[string]bool{} // hearings that this process has recorded already
	var wrote string              // what remember has written last
	for {
		h, ok := d.current()
		if s := d.recording(); s != nil {
			switch {
			case d.yields():
				d.end(s, NotEnd)
			case ok && h.ID == s.hearing.ID && h.Status == Open:
			case ok && h.ID == s.hearing.ID || d.known(s.hearing.ID):
				d.end(s, EndPause) // a break, or another hearing has begun before this one ended
			default:
				d.end(s, EndClose)
			}
		}
		if d.recording() == nil && ok && h.Status == Open && d.mayRecord(&h, spool) && d.mayBegin(h, spool) {
			s := newSession(d, h, spool, archive, out, !recorded[h.ID])
			if s.begin(ctx) {
				recorded[h.ID] = true
				d.setSession(s)
				snd.setLive(h.ID)
			} else if ctx.Err() == nil {
				time.AfterFunc(retryEpoch, d.wake)
			}
		}
		if s := d.recording(); s != nil && !s.join(ctx, d.mayNumber) && ctx.Err() == nil {
			time.AfterFunc(retryEpoch, d.wake)
		}
		if d.isInformed() {
			wrote = d.remember(h, ok, wrote)
		}
		select {
		case <-ctx.Done():
			if s := d.recording(); s != nil {
				s.wait()
			}
			return
		case change := <-d.reseats:
			d.takeSeats(ctx, change)
		case <-d.changed:
		}
	}
}

func (d *Daemon) recording() *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.session
}

func (d *Daemon) setSession(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session = s
}

func (d *Daemon) known(hearing string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.hearings[hearing]
	return ok
}

func (d *Daemon) end(s *session, why End) {
	s.end(why)
	d.setSession(nil)
	d.quiet = time.Now()
	for _, seat := range d.seatList() {
		for _, code := range []string{alarmSource, alarmArchive, alarmLost} {
			d.alarms.clear(code, seat.Channel)
		}
	}
	d.watchEmptySeats(&Hearing{})
	d.log.Info("recording has ended", "courtroom", d.cfg.Courtroom, "hearing", s.hearing.ID, "end", why)
}

// mayBegin says whether every channel's numbers are known: from the spool, or
// from the receipts of a server that has heard it before.
func (d *Daemon) mayBegin(h Hearing, spool *Spool) bool {
	return !slices.ContainsFunc(d.seatList(), func(s *seat) bool { return !d.mayNumber(h, spool, s.Channel) })
}

// mayNumber says it of one.
func (d *Daemon) mayNumber(h Hearing, spool *Spool, channel string) bool {
	d.mu.Lock()
	loaded := d.loaded
	d.mu.Unlock()
	_, known := spool.Channel(h.ID, channel)
	return loaded || known || h.Local() // nobody else has numbered what was opened here
}

func (d *Daemon) held(hearing, channel string) Receipt {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.receipts[Key(hearing, channel)]
}

// controlName is the file that remembers the hearing under way, so that a PC
// that starts again while the server is away goes on recording.
const controlName = "hearing.json"

// trustMemory is how long the server may take to say which hearings there are
// before what was remembered counts.
const trustMemory = 3 * time.Second

// inform notes that hearings are known.
func (d *Daemon) inform() {
	d.mu.Lock()
	d.informed = true
	d.mu.Unlock()
	d.wake()
}

func (d *Daemon) isInformed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.informed
}

func (d *Daemon) remember(h Hearing, ok bool, before string) string {
	b := []byte("null\n")
	if ok {
		var err error
		if b, err = json.Marshal(h); err != nil {
			d.log.Error("hearing cannot be remembered", "hearing", h.ID, "err", err)
			return before
		}
	}
	if string(b) == before {
		return before
	}
	if err := writeFileAtomic(filepath.Join(d.cfg.Dir, controlName), b); err != nil {
		d.log.Warn("hearing cannot be remembered", "hearing", h.ID, "err", err)
		return before
	}
	return string(b)
}

// recall takes the hearing that was under way from memory, if the server has
// not said anything yet.
func (d *Daemon) recall() {
	defer d.inform()
	if d.isInformed() {
		return
	}
	if h, ok := d.remembered(); ok && h.Courtroom == d.cfg.Courtroom {
		d.mu.Lock()
		defer d.mu.Unlock()
		if _, known := d.byHand[h.ID]; !known { // that has been recalled already
			d.put(h)
		}
	}
}

// remembered is the hearing that was under way when the last process ended.
func (d *Daemon) remembered() (Hearing, bool) {
	b, err := os.ReadFile(filepath.Join(d.cfg.Dir, controlName))
	if errors.Is(err, fs.ErrNotExist) {
		return Hearing{}, false
	}
	var h *Hearing
	if err == nil {
		err = json.Unmarshal(b, &h)
	}
	if err != nil {
		d.log.Warn("the hearing under way is not known until the server says", "courtroom", d.cfg.Courtroom, "err", err)
	}
	if err != nil || h == nil {
		return Hearing{}, false
	}
	return *h, true
}

// health reports every second until ctx ends, and once more that it has.
func (d *Daemon) health(ctx context.Context, spool *Spool, archive *Archive, snd *sender) {
	const every = time.Second
	report := func(ctx context.Context, stopped bool) {
		snd.watch()
		h := d.state(spool, archive)
		h.Stopped = stopped
		d.note(h, spool, snd)
		limited, cancel := context.WithTimeout(ctx, every)
		defer cancel()
		if err := d.links.Health.ReportHealth(limited, h); err != nil && ctx.Err() == nil {
			d.log.Debug("sign of life was not sent", "courtroom", d.cfg.Courtroom, "err", err)
		}
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			report(context.WithoutCancel(ctx), true)
			return
		case <-tick.C:
			report(ctx, false)
		}
	}
}

// oneArchive leaves out what seats have to say of an archive that none of them can
// use: of it there is one alarm.
func oneArchive(list []Alarm) []Alarm {
	if !slices.ContainsFunc(list, func(a Alarm) bool { return a.Code == alarmArchive && a.Channel == "" }) {
		return list
	}
	return slices.DeleteFunc(list, func(a Alarm) bool { return a.Code == alarmArchive && a.Channel != "" })
}

func (d *Daemon) state(spool *Spool, archive *Archive) Health {
	h := Health{
		Component: "capture", Instance: d.cfg.Instance, Courtroom: d.cfg.Courtroom,
		At: time.Now().UTC(),
	}
	s := d.recording()
	var waiting map[string]uint64
	if s != nil {
		waiting = spool.Waiting(s.hearing.ID)
	}
	seats := d.seatList()
	h.DiskFree = d.watchDisk(seats, archive, spool.reserve())
	d.watchClock(h.At)
	d.watchArchive(archive)
	d.watchHearings()
	d.watchTwins()
	d.reseat(s, seats)
	sounds := make([]Sound, len(seats))
	for i, seat := range seats {
		if seat.listener != nil {
			sounds[i] = seat.listener.Sound()
		}
	}
	d.watchMicrophones(s, seats, sounds)
	h.Alarms = oneArchive(d.alarms.list())
	h.ByHand = d.untold()
	for i, seat := range seats {
		sh := SeatHealth{Channel: seat.Channel, Role: seat.Role, LevelDBFS: silenceDBFS}
		if r := s.recorder(seat.Channel); r != nil {
			sh.Hearing, sh.Role, sh.SpoolSeqs = s.hearing.ID, r.holder().Role, waiting[seat.Channel]
			sh.LevelDBFS, sh.Recording, sh.Samples = r.meter.read(), r.live.Load(), SampleIndex(r.samples.Load())
			sh.Gaps, sh.Missing = r.gaps.Load(), r.missing.Load()
		}
		if seat.listener != nil {
			sh.LevelDBFS, sh.Clipped, sh.SilentMS = sounds[i].LevelDBFS, sounds[i].Clipped, sounds[i].Quiet.Milliseconds()
		}
		h.Seats = append(h.Seats, sh)
	}
	return h
}
