package transcript_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// sound tells the store what audio a channel has and how far it is decided, in
// seconds on the hearing's clock, as one epoch for each pair.
type sound struct {
	channel string
	pairs   []float64 // from, to, from, to …
	ended   bool
	decided float64 // on the hearing's clock; -1: all, -2: more than is stored
}

func (s *fakeStore) hear(h capture.Hearing, sounds ...sound) {
	for _, x := range sounds {
		state := transcript.AudioState{Hearing: h.ID, Channel: x.channel, Ended: x.ended}
		var at asr.Position
		for i := 0; i < len(x.pairs); i += 2 {
			from, to := x.pairs[i], x.pairs[i+1]
			state.Epoch++
			state.Samples = capture.SampleIndex(math.Round((to - from) * capture.Rate))
			s.spans[h.ID] = append(s.spans[h.ID], transcript.AudioSpan{
				Channel: x.channel, Epoch: state.Epoch, Samples: state.Samples,
				At: h.OpenedAt.Add(time.Duration(from * float64(time.Second))).UnixMicro(),
			})
			switch {
			case x.decided < 0 || x.decided >= to:
				at = asr.Position{Epoch: state.Epoch, Sample: state.Samples, Ended: x.ended && i+2 == len(x.pairs)}
			case x.decided > from:
				at = asr.Position{Epoch: state.Epoch, Sample: capture.SampleIndex(math.Round((x.decided - from) * capture.Rate))}
			}
		}
		s.audio[h.ID] = append(s.audio[h.ID], state)
		if x.decided == -2 {
			at.Sample += capture.Rate
		}
		if at.Epoch > 0 {
			s.positions[capture.Key(h.ID, x.channel)] = asr.ChannelState{Hearing: h.ID, Channel: x.channel, Position: at}
		}
	}
}

// say stores a line of speech without moving a position.
func (s *fakeStore) say(h capture.Hearing, channel string, from, to float64) {
	l := transcript.Line{
		ID: fmt.Sprintf("%s-%v", channel, from), Hearing: h.ID, Channel: channel, Origin: transcript.Speech, Revision: 1,
		Text: "话", StartMS: int64(from * 1000), EndMS: int64(to * 1000),
		StartedAt: h.OpenedAt.Add(time.Duration(from * float64(time.Second))),
	}
	s.put(&l, l.StartedAt)
}

func entries(l transcript.Ledger) string {
	var b strings.Builder
	for _, e := range l.Entries {
		fmt.Fprintf(&b, "%v-%v %s", float64(e.FromMS)/1000, float64(e.ToMS)/1000, e.Kind)
		if len(e.Channels) > 0 {
			fmt.Fprintf(&b, " %s", strings.Join(e.Channels, "+"))
		}
		if e.Kind == transcript.KindBreak {
			fmt.Fprintf(&b, " %s", e.Reason)
		}
		b.WriteString("; ")
	}
	return strings.TrimSuffix(b.String(), "; ")
}

func TestLedger(t *testing.T) {
	type act = func(t *testing.T, d *transcript.Docket, h capture.Hearing)
	pass := func(seconds float64) { time.Sleep(time.Duration(seconds * float64(time.Second))) }
	pause := func(d *transcript.Docket, h capture.Hearing, t *testing.T) {
		if _, err := d.Pause(t.Context(), h.ID, "合议"); err != nil {
			t.Fatal(err)
		}
	}
	closing := func(d *transcript.Docket, h capture.Hearing, t *testing.T) {
		if _, err := d.Close(t.Context(), h.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		sounds []sound
		said   []sound
		act    act
		want   string
	}{
		"undisturbed": {
			sounds: []sound{{"judge", []float64{0.4, 59.7}, true, -1}, {"plaintiff", []float64{0.5, 59.6}, true, -1}},
			said:   []sound{{channel: "judge", pairs: []float64{1, 4, 9, 12}}, {channel: "plaintiff", pairs: []float64{3, 8}}},
			act:    func(t *testing.T, d *transcript.Docket, h capture.Hearing) { pass(60); closing(d, h, t) },
			want:   "0-1 silence; 1-3 text judge; 3-4 text judge+plaintiff; 4-8 text plaintiff; 8-9 silence; 9-12 text judge; 12-60 silence",
		},
		"a lawful break": {
			sounds: []sound{{"judge", []float64{0, 20, 40.5, 60}, true, -1}},
			said:   []sound{{channel: "judge", pairs: []float64{18, 21}}},
			act: func(t *testing.T, d *transcript.Docket, h capture.Hearing) {
				pass(20)
				pause(d, h, t)
				pass(20)
				if _, err := d.Resume(t.Context(), h.ID); err != nil {
					t.Fatal(err)
				}
				pass(20)
				closing(d, h, t)
			},
			want: "0-18 silence; 18-21 text judge; 21-40 break 合议; 40-60 silence",
		},
		"a break that lasts": {
			sounds: []sound{{"judge", []float64{0, 20}, true, -1}},
			act:    func(t *testing.T, d *transcript.Docket, h capture.Hearing) { pass(20); pause(d, h, t); pass(300) },
			want:   "0-20 silence; 20-320 break 合议",
		},
		"one microphone fails": {
			sounds: []sound{{"judge", []float64{0, 60}, true, -1}, {"plaintiff", []float64{0, 20, 35, 60}, true, -1}},
			said:   []sound{{channel: "judge", pairs: []float64{25, 30}}},
			act:    func(t *testing.T, d *transcript.Docket, h capture.Hearing) { pass(60); closing(d, h, t) },
			want:   "0-20 silence; 20-25 fault plaintiff; 25-30 text judge; 30-35 fault plaintiff; 35-60 silence",
		},
		"a microphone never returns": {
			sounds: []sound{{"judge", []float64{0, 60}, true, -1}, {"plaintiff", []float64{0, 20}, false, -1}},
			act:    func(t *testing.T, d *transcript.Docket, h capture.Hearing) { pass(60); closing(d, h, t); pass(60) },
			want:   "0-20 silence; 20-60 fault plaintiff",
		},
		"a witness comes late and leaves": {
			sounds: []sound{{"judge", []float64{0, 60}, true, -1}, {"witness", []float64{20, 40}, true, -1}},
			act:    func(t *testing.T, d *transcript.Docket, h capture.Hearing) { pass(60); closing(d, h, t) },
			want:   "0-60 silence",
		},
		"nothing was recorded": {
			act:  func(t *testing.T, d *transcript.Docket, h capture.Hearing) { pass(60); closing(d, h, t); pass(60) },
			want: "0-60 fault",
		},
		"the courtroom is cut off": {
			sounds: []sound{{"judge", []float64{0, 30}, false, -1}},
			act:    func(t *testing.T, d *transcript.Docket, h capture.Hearing) { pass(60) },
			want:   "0-30 silence; 30-50 fault judge; 50-60 pending judge",
		},
		"recognition is behind": {
			sounds: []sound{{"judge", []float64{0, 20, 20.01, 59.5}, false, 35}, {"plaintiff", []float64{0, 59.5}, false, 50}},
			said:   []sound{{channel: "judge", pairs: []float64{10, 12}}, {channel: "plaintiff", pairs: []float64{40, 42}}},
			act:    func(t *testing.T, d *transcript.Docket, h capture.Hearing) { pass(60) },
			want: "0-10 silence; 10-12 text judge; 12-35 silence; 35-40 pending judge; 40-42 text plaintiff; " +
				"42-50 pending judge; 50-60 pending judge+plaintiff",
		},
		"nobody recognises": {
			sounds: []sound{{"judge", []float64{0, 60}, true, 0}},
			act:    func(t *testing.T, d *transcript.Docket, h capture.Hearing) { pass(60); closing(d, h, t); pass(3600) },
			want:   "0-60 pending judge",
		},
		"a recording faster than it was made": {
			sounds: []sound{{"judge", []float64{0, 200}, true, -1}},
			said:   []sound{{channel: "judge", pairs: []float64{150, 160}}},
			act:    func(t *testing.T, d *transcript.Docket, h capture.Hearing) { pass(10); closing(d, h, t) },
			want:   "0-150 silence; 150-160 text judge; 160-200 silence",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newFakeStore()
				d, h := opened(t, store)
				store.hear(h, tc.sounds...)
				for _, s := range tc.said {
					for i := 0; i < len(s.pairs); i += 2 {
						store.say(h, s.channel, s.pairs[i], s.pairs[i+1])
					}
				}
				tc.act(t, d, h)
				l, err := d.Ledger(t.Context(), h.ID)
				if err != nil {
					t.Fatal(err)
				}
				if got := entries(l); got != tc.want {
					t.Errorf("got  %s\nwant %s", got, tc.want)
				}
				checkTiles(t, l)
			})
		})
	}
}

// checkTiles holds a ledger to its promise.
func checkTiles(t *testing.T, l transcript.Ledger) {
	t.Helper()
	at := int64(0)
	total := map[transcript.Kind]int64{}
	for i, e := range l.Entries {
		if e.FromMS != at || e.ToMS <= e.FromMS {
			t.Fatalf("entry %d is %d-%d after %d", i, e.FromMS, e.ToMS, at)
		}
		if (e.Kind == transcript.KindFault || e.Kind == transcript.KindBreak) && e.Reason == "" {
			t.Errorf("entry %d: a %s without a reason", i, e.Kind)
		}
		at = e.ToMS
		total[e.Kind] += e.ToMS - e.FromMS
	}
	if at != l.LengthMS {
		t.Fatalf("entries end at %d of %d", at, l.LengthMS)
	}
	for _, k := range []transcript.Kind{transcript.KindText, transcript.KindSilence, transcript.KindBreak, transcript.KindFault, transcript.KindPending} {
		if got, ok := l.TotalMS[k]; !ok || got != total[k] {
			t.Errorf("total %s %d (%v), entries have %d", k, got, ok, total[k])
		}
	}
}

// Any hearing at all: its ledger tiles its length, every line is in it as text,
// and nothing is called silence where no sound is stored.
func TestLedgerOfAnyHearing(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 5))
			second := func(most int) float64 { return float64(random.IntN(most*1000)) / 1000 }
			store := newFakeStore()
			d, h := opened(t, store)
			for range random.IntN(4) {
				time.Sleep(time.Duration(random.IntN(30_000_000)) * time.Microsecond)
				if _, err := d.Pause(t.Context(), h.ID, []string{"合议", "调解"}[random.IntN(2)]); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(random.IntN(30_000_000)) * time.Microsecond)
				if random.IntN(4) == 0 {
					break
				}
				if _, err := d.Resume(t.Context(), h.ID); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Duration(random.IntN(60_000)) * time.Millisecond)
			if random.IntN(2) == 0 {
				if _, err := d.Close(t.Context(), h.ID, ""); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(random.IntN(20_000)) * time.Millisecond)
			}
			for _, channel := range []string{"judge", "plaintiff", "spare"}[:random.IntN(4)] {
				s := sound{channel: channel, ended: random.IntN(2) == 0, decided: second(200) - 20}
				at := second(5) - 1 // the courtroom's clock may be behind
				for range random.IntN(5) {
					end := at + 0.001 + second(40)
					s.pairs = append(s.pairs, at, end)
					at = end + second(10) - 0.05
				}
				store.hear(h, s)
			}
			for range random.IntN(20) {
				from := second(120)
				store.say(h, []string{"judge", "plaintiff", "witness"}[random.IntN(3)], from, from+second(20))
			}
			l, err := d.Ledger(t.Context(), h.ID)
			if err != nil {
				t.Fatal(err)
			}
			checkTiles(t, l)
			covered := func(from, to int64, kind transcript.Kind) (ms int64) {
				for _, e := range l.Entries {
					if e.Kind == kind {
						ms += max(0, min(to, e.ToMS)-max(from, e.FromMS))
					}
				}
				return ms
			}
			lines, _, _ := d.Lines(t.Context(), h.ID, 0)
			for _, line := range lines {
				if got := covered(line.StartMS, line.EndMS, transcript.KindText); got != line.EndMS-line.StartMS {
					t.Fatalf("seed %d: line %d-%d has %d ms of text\n%s", seed, line.StartMS, line.EndMS, got, entries(l))
				}
			}
			if len(store.spans[h.ID]) == 0 && l.TotalMS[transcript.KindSilence] > 2000*int64(len(l.Entries)) {
				t.Fatalf("seed %d: silence without any sound\n%s", seed, entries(l))
			}
		})
	}
}

func TestLedgerBeforeTheOpening(t *testing.T) {
	d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
	h, err := d.Create(t.Context(), newHearing())
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Ledger(t.Context(), h.ID)
	if err != nil || l.LengthMS != 0 || l.Entries == nil {
		t.Errorf("%+v, %v", l, err)
	}
	checkTiles(t, l)
}

// Eight hours and ten thousand lines are no matter.
func BenchmarkLedger(b *testing.B) {
	store := newFakeStore()
	d := transcript.NewDocket(store, fakeRooms{}, quiet)
	h, err := d.Create(b.Context(), newHearing())
	if err != nil {
		b.Fatal(err)
	}
	if h, err = d.Open(b.Context(), h.ID); err != nil {
		b.Fatal(err)
	}
	for i := range 10_000 {
		store.say(h, []string{"judge", "plaintiff"}[i%2], float64(i)*2.88, float64(i)*2.88+4)
	}
	store.hear(h, sound{"judge", []float64{0, 28800}, false, 28000}, sound{"plaintiff", []float64{0, 28800}, false, 28000})
	for b.Loop() {
		if _, err := d.Ledger(b.Context(), h.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		progress := func(closed bool, wait time.Duration, sounds ...sound) transcript.Progress {
			store := newFakeStore()
			d, h := opened(t, store)
			store.hear(h, sounds...)
			if closed {
				if _, err := d.Close(t.Context(), h.ID, ""); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(wait)
			p, err := d.Progress(t.Context(), h.ID)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		p := progress(false, 0, sound{"judge", []float64{0, 10, 20, 25}, false, 22}, sound{"spare", []float64{0, 10}, true, -1})
		want := []transcript.ChannelProgress{
			{Channel: "judge", Role: "审判长", StoredMS: 15000, RecognisedMS: 12000},
			{Channel: "plaintiff", Role: "原告"}, {Channel: "defendant", Role: "被告"}, {Channel: "witness", Role: "证人"},
			{Channel: "spare", Role: "spare", StoredMS: 10000, RecognisedMS: 10000, Ended: true},
		}
		if !slices.Equal(p.Channels, want) || p.Complete {
			t.Errorf("progress %+v", p)
		}
		for name, tc := range map[string]struct {
			p    transcript.Progress
			want bool
		}{
			"open":                     {progress(false, time.Hour, sound{"judge", []float64{0, 10}, true, -1}), false},
			"closed and decided":       {progress(true, 0, sound{"judge", []float64{0, 10}, true, -1}), true},
			"closed, behind":           {progress(true, time.Hour, sound{"judge", []float64{0, 10}, true, 9}), false},
			"closed, not heard at all": {progress(true, time.Hour, sound{"judge", []float64{0, 10}, true, 0}), false},
			"closed, more to come":     {progress(true, time.Hour, sound{"judge", []float64{0, 10}, false, -1}), false},
			"closed, one seat behind": {progress(true, 0, sound{"judge", []float64{0, 10}, true, -1},
				sound{"plaintiff", []float64{0, 10}, true, 5}), false},
			"the archive is behind the worker": {progress(true, time.Hour, sound{"judge", []float64{0, 10}, true, -2}), false},
			"just closed, no sound yet":        {progress(true, time.Second), false},
			"closed without any sound":         {progress(true, time.Minute), true},
		} {
			if tc.p.Complete != tc.want {
				t.Errorf("%s: %+v", name, tc.p)
			}
		}
	})
}

// The end of a hearing that is closed during a break came before the break; a
// break that was over is not the end.
func TestProgressOfAHearingClosedInABreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, resumed := range []bool{false, true} {
			store := newFakeStore()
			d, h := opened(t, store)
			store.hear(h, sound{"judge", []float64{0, 10}, true, -1})
			key := capture.Key(h.ID, "judge")
			state := store.positions[key]
			state.Position.Ended = false // the chunk said pause
			store.positions[key] = state
			if _, err := d.Pause(t.Context(), h.ID, "调解"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if resumed {
				if _, err := d.Resume(t.Context(), h.ID); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute) // what was said in it is still in the courtroom
			}
			if _, err := d.Close(t.Context(), h.ID, ""); err != nil {
				t.Fatal(err)
			}
			p, err := d.Progress(t.Context(), h.ID)
			if err != nil || p.Complete == resumed {
				t.Errorf("resumed %v: %+v, %v", resumed, p, err)
			}
		}
	})
}
