package asr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"tingji/capture"
	"tingji/testdata/hearing"
)

// voices are the recordings of the sample hearing, and where each seat speaks.
var voices = sync.OnceValues(func() (map[string][]int16, []hearing.Sentence) {
	h, err := hearing.Load()
	if err != nil {
		panic(err)
	}
	pcm := map[string][]int16{}
	for _, r := range h.Recordings {
		pcm[r.Channel] = r.PCM
	}
	return pcm, h.Sentences
})

// spoken is the n-th sentence of a seat, as its own microphone has it, with half
// a second on either side.
func spoken(channel string, n int) []int16 {
	pcm, sentences := voices()
	for _, s := range sentences {
		if s.Channel != channel {
			continue
		}
		if n--; n < 0 {
			return pcm[channel][(s.StartMS-500)*16 : (s.EndMS+500)*16]
		}
	}
	panic("no such sentence")
}

// mix adds voices, each with its gain and delay, to a room's noise at −62 dBFS.
type mixed struct {
	x    []float64
	rand *rand.Rand
}

func mixture(seconds float64, seed uint64) *mixed {
	m := &mixed{x: make([]float64, int(seconds*capture.Rate)), rand: rand.New(rand.NewPCG(seed, 7))}
	return m.noise(-62)
}

func (m *mixed) noise(db float64) *mixed {
	slow := 0.0
	for i := range m.x {
		slow += 0.2 * (m.rand.NormFloat64() - slow)
		m.x[i] += math.Pow(10, db/20) * 32768 * (0.6*m.rand.NormFloat64() + 2.4*slow)
	}
	return m
}

func (m *mixed) add(voice []int16, atMS int, db float64) *mixed {
	g := math.Pow(10, db/20)
	for i, s := range voice {
		if j := atMS*16 + i; j >= 0 && j < len(m.x) {
			m.x[j] += g * float64(s)
		}
	}
	return m
}

// echo adds a voice as a microphone two metres away has it: the direct sound and
// a room that dies away in half a second.
func (m *mixed) echo(voice []int16, atMS int, db float64) *mixed { return m.room(voice, atMS, db, -12) }

// room is echo with reflections that begin so much below the direct sound: at -12 they are as
// loud as it in all, at -22 10 dB below.
func (m *mixed) room(voice []int16, atMS int, db, echo float64) *mixed {
	m.add(voice, atMS, db)
	for range 60 {
		ms := 5 + m.rand.IntN(200)
		m.add(voice, atMS+ms, db+echo-float64(ms)/12+3*m.rand.NormFloat64())
	}
	return m
}

func (m *mixed) pcm() []int16 {
	out := make([]int16, len(m.x))
	for i, v := range m.x {
		out[i] = int16(max(-32768, min(32767, math.Round(v))))
	}
	return out
}

// hears compares an utterance with other microphones that heard the same time.
func hears(own []int16, others ...[]int16) *borrowed { return compare(bands(own, others...)) }

func bands(own []int16, others ...[]int16) ([]int16, []seatBand) {
	pad := make([]int16, int(crosstalkLag.Seconds()*capture.Rate))
	var bands []seatBand
	for i, o := range others {
		all := slices.Concat(pad, o, pad, make([]int16, 8))
		bands = append(bands, seatBand{fmt.Sprint("other", i), new(bander).add(nil, 0, all)})
	}
	return new(bander).add(nil, 0, own), bands
}

func share(b *borrowed) float64 {
	audible, lent := 0, 0
	for f, ok := range b.audible {
		if ok {
			audible++
			if b.frames[f] != 0 {
				lent++
			}
		}
	}
	return float64(lent) / float64(max(audible, 1))
}

// TestBleed: one voice in two microphones is the louder one's, at every level,
// way and room; and never the other way round.
func TestBleed(t *testing.T) {
	for _, db := range []float64{-6, -12, -18, -24, -30} {
		for _, delay := range []int{4, -60} {
			for i, seat := range []string{"judge", "plaintiff", "defendant", "clerk"} {
				voice := spoken(seat, 1)
				length := float64(len(voice))/capture.Rate + 0.2
				loud := mixture(length, 1).add(voice, 100, 0).pcm()
				quiet := mixture(length, 2).add(voice, 100+delay, db).pcm()
				name := fmt.Sprintf("%s at %v dB, %d ms later", seat, db, delay)
				b := hears(quiet, loud)
				other, gain, _ := b.most(0, len(b.frames), false)
				if other != 1 || math.Abs(gain-db) > 2 || share(b) < 0.85 {
					t.Errorf("%s: other %d, %.1f dB, %.2f of it", name, other, gain, share(b))
				}
				if b := hears(loud, quiet); share(b) > 0 {
					t.Errorf("%s: the speaker's own seat loses %.2f", name, share(b))
				}
				if i < 2 && db >= -18 {
					echo := mixture(length, 3).echo(voice, 100+delay, db).pcm()
					if b := hears(echo, loud); share(b) < 0.6 {
						t.Errorf("%s, in a room with echo: %.2f of it", name, share(b))
					}
				}
			}
		}
	}
}

// TestEcho: in a room that sounds on for half a second a voice is still the louder
// microphone's, though it is not quite the same sound there, and nobody speaks over it.
func TestEcho(t *testing.T) {
	for _, tt := range []struct{ echo, db float64 }{{-12, -12}, {-22, -6}} {
		all, doubled := 0, 0
		for i := range 6 {
			seat := []string{"judge", "plaintiff"}[i%2]
			voice := spoken(seat, i/2)
			length := float64(len(voice))/capture.Rate + 0.2
			loud := mixture(length, 1).add(voice, 100, 0).pcm()
			b := hears(mixture(length, uint64(3+i)).room(voice, 104, tt.db, tt.echo).pcm(), loud)
			words, _ := saidWords(seat, i/2)
			for _, w := range words {
				all++
				if other, _, _ := b.most(int(w.Start+104)/10-1, int(w.End+104)/10+2, true); other == 0 {
					doubled++
				}
			}
		}
		t.Logf("bleed %v dB, echo %v dB: %d of %d words doubled", tt.db, tt.echo, doubled, all)
		if all < 20 || doubled > all/20 {
			t.Errorf("bleed %v dB, echo %v dB: %d of %d words doubled", tt.db, tt.echo, doubled, all)
		}
	}
}

// TestBandDoesNotFold: what lies above a band is not heard in it. It would move there in
// another way than the sound does, and make one voice two.
func TestBandDoesNotFold(t *testing.T) {
	level := func(hz float64) float64 {
		tone := make([]int16, capture.Rate)
		for i := range tone {
			tone[i] = int16(10000 * math.Sin(2*math.Pi*hz*float64(i)/capture.Rate))
		}
		return 10 * math.Log10(float64(energy(new(bander).add(nil, 0, tone)[bandRate/10:])+1))
	}
	kept := level(1000)
	for _, hz := range []float64{2200, 2500, 3000, 3800, 5000, 7000} {
		if l := level(hz); l > kept-35 {
			t.Errorf("%v Hz is only %.0f dB lower than 1000 Hz", hz, kept-l)
		}
	}
}

// TestOwnVoiceElsewhere: where a microphone hears another seat only between its own
// seat's words, and that seat's microphone hears those, the lag is that of what is heard here.
func TestOwnVoiceElsewhere(t *testing.T) {
	for _, db := range []float64{-6, -12, -24} {
		all, lent, given := 0, 0, 0
		for n := range 4 {
			sentence, answer := spoken("plaintiff", n), spoken("judge", n+2)
			answer = answer[600*16 : 900*16]
			at := len(sentence)/16 - 350 // right after the last word
			length := float64(len(sentence))/capture.Rate + 0.3
			mine := mixture(length, 1).add(sentence, 0, 0).add(answer, at+9, db).pcm()
			theirs := mixture(length, 2).add(answer, at, 0).add(sentence, 9, db).pcm()
			b := hears(mine, theirs)
			for f, whose := range b.frames {
				switch ms := f * 10; {
				case !b.audible[f]:
				case ms > at+60 && ms < at+280:
					all++
					if whose != 0 {
						lent++
					}
				case ms < at-200 && whose != 0:
					given++
				}
			}
		}
		t.Logf("bleed %v dB: of %d frames of the answer %d are the other's; %d of the sentence", db, all, lent, given)
		if all < 30 || lent*10 < all*9 || given > 3 {
			t.Errorf("bleed %v dB: of %d frames of the answer %d are the other's; %d of the sentence", db, all, lent, given)
		}
	}
}

// TestThirdVoice: two microphones that hear somebody else equally loud have that sound in common,
// but at a lag that says nothing of where the one's own voice comes from: not even where it is a word,
// spoken over by a fourth, that is less like itself there.
func TestThirdVoice(t *testing.T) {
	all, lent := 0, 0
	for n := range 8 {
		word, other, third := spoken("judge", n)[450*16:750*16], spoken("plaintiff", n)[450*16:850*16], spoken("defendant", n)[450*16:750*16]
		seats := [][]int16{}
		for i, s := range []struct{ word, other, third, wordDB, otherDB, thirdDB int }{
			{9, 4, 9, -12, -12, -12}, {0, 13, 18, 0, -12, -12}, {13, 0, 4, -12, 0, -12},
		} {
			seats = append(seats, mixture(3.5, uint64(3*n+i)).noise(-52).add(word, 500+s.word, float64(s.wordDB)).
				add(other, 550+s.other, float64(s.otherDB)).add(third, 2500+s.third, float64(s.thirdDB)).pcm())
		}
		b := hears(seats[0], seats[1:]...)
		for f := 54; f < 84; f++ {
			if b.audible[f] {
				all++
				if b.frames[f] != 0 {
					lent++
				}
			}
		}
	}
	t.Logf("of %d frames %d are the others'", all, lent)
	if all < 150 || lent*10 < all*9 {
		t.Errorf("of %d frames %d are the others'", all, lent)
	}
}

// saidWords are the words of that sentence, from its first sample in spoken on.
func saidWords(channel string, n int) (words []Word, text string) {
	_, sentences := voices()
	for _, s := range sentences {
		if s.Channel == channel {
			if n--; n < 0 {
				for _, w := range s.Words {
					words = append(words, Word{Text: w.Text, Start: w.StartMS - s.StartMS + 500, End: w.EndMS - s.StartMS + 500})
				}
				return words, s.Text
			}
		}
	}
	panic("no such sentence")
}

// TestTwoAtOnce: nobody loses a word to whom he is speaking with, as long as the other is
// 12 dB less loud at his seat than he is, and few as long as the other is not louder there. Below that,
// which is a low voice beside a loud one, some stand only beside the line.
func TestTwoAtOnce(t *testing.T) {
	for _, db := range []float64{-6, -12, -18, -24, -30} {
		for _, quieter := range []float64{0, 6, 12} {
			lost, all := 0, 0
			for i := range 5 {
				a, b := spoken("plaintiff", i), spoken("defendant", i)
				length := float64(min(len(a), len(b)))/capture.Rate + 0.1
				mine := mixture(length, 1).add(a, 0, -quieter).add(b, 4, db).pcm()
				theirs := mixture(length, 2).add(b, 0, 0).add(a, 4, db-quieter).pcm()
				for _, seat := range []struct {
					name string
					b    *borrowed
				}{{"plaintiff", hears(mine, theirs)}, {"defendant", hears(theirs, mine)}} {
					words, _ := saidWords(seat.name, i)
					for _, w := range words {
						if w.End > int64(length*1000)-100 {
							break
						}
						all++
						if other, _, _ := seat.b.most(int(w.Start/10)-1, int(w.End/10)+2, true); other != 0 {
							lost++
						}
					}
				}
			}
			t.Logf("bleed %v dB, one of them %v dB quieter: %d of %d words lost", db, quieter, lost, all)
			over := -quieter - db // how much louder he is at his own seat than the other is there
			if all < 80 || over >= 12 && lost > 0 || over == 6 && lost > all/30 || over == 0 && lost > all/20 || lost > all/6 {
				t.Errorf("bleed %v dB, one of them %v dB quieter: %d of %d words lost", db, quieter, lost, all)
			}
		}
	}
}

// TestAnswerAfterBleed: a short answer, right after a voice that bleeds in, stays.
func TestAnswerAfterBleed(t *testing.T) {
	for _, db := range []float64{-6, -18, -30} {
		question, answer := spoken("judge", 1), spoken("plaintiff", 2)
		answer = answer[450*16 : 750*16] // 0.25 s of it
		q := len(question) / 16
		length := float64(q+800) / 1000
		mine := mixture(length, 1).add(question, 4, db).add(answer, q-200, 0).pcm()
		theirs := mixture(length, 2).add(question, 0, 0).add(answer, q-196, db).pcm()
		b := hears(mine, theirs)
		if other, _, _ := b.most((q-150)/10, (q+50)/10, true); other != 0 {
			t.Errorf("%v dB: the answer is taken away", db)
		}
		if other, _, _ := b.most(60, (q-550)/10, true); other != 1 && db != -30 {
			t.Errorf("%v dB: the question stays", db)
		}
	}
}

func TestShare(t *testing.T) {
	words := func(list ...string) (w []Word) {
		for i, s := range list {
			w = append(w, Word{Text: s, Start: 1000 + int64(i)*100, End: 1100 + int64(i)*100})
		}
		return w
	}
	b := &borrowed{frames: make([]uint8, 60), gain: make([]int16, 60), audible: make([]bool, 60), others: []string{"judge", "clerk"}}
	for f := range b.frames {
		b.audible[f] = true
		if f < 24 {
			b.frames[f], b.gain[f] = 1, -180
		}
		if f >= 40 {
			b.frames[f], b.gain[f] = 2, -95
		}
	}
	all := &borrowed{frames: slices.Repeat([]uint8{1}, 60), gain: slices.Repeat([]int16{-60}, 60), audible: b.audible, others: b.others}
	none := &borrowed{frames: make([]uint8, 60), gain: make([]int16, 60), audible: b.audible, others: b.others}
	for _, tt := range []struct {
		name string
		b    *borrowed
		s    Segment
		want string
	}{
		{"a part", b, Segment{Text: "他说，“是的”，对 吗？", Words: words("他", "说", "是", "的", "对", "吗")}, "是的”， judge -18 [1000 1200] 他说，“ clerk -9.5 [1400 1600] 对 吗？"},
		{"all", all, Segment{Text: "他说。", Words: words("他", "说")}, " judge -6 [1000 1200] 他说。"},
		{"nothing", none, Segment{Text: "他说。", Words: words("他", "说")}, "他说。"},
		{"no times, a part", b, Segment{Text: "他说。", Words: words("他", "说", "是"), Estimated: true}, " judge -18 [1000 1600] 他说。"},
		{"no times, nothing", none, Segment{Text: "他说。", Words: words("他"), Estimated: true}, "他说。"},
		{"no words at all", all, Segment{}, ""},
		{"refused", all, Segment{Rejected: "too short"}, " judge -6 [1000 1600] "},
		{"other words than text, a part", b, Segment{Text: "100元", Words: words("一", "百", "元")}, "100元"},
		{"other words than text, all", all, Segment{Text: "100元", Words: words("一", "百", "元")}, " judge -6 [1000 1300] 100元"},
	} {
		s := tt.s
		s.First, s.Last = 16000, 16000+600*16-1
		tt.b.share(&s)
		got := s.Text
		for _, c := range s.Crosstalk {
			got += fmt.Sprint(" ", c.From, " ", c.GainDB, " ", []int64{c.Start, c.End}, " ", c.Text)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if s.Rejected != "" && len(s.Crosstalk) > 0 {
			t.Errorf("%s: still refused", tt.name)
		}
	}
}

// TestEchoIsNoWord: where another's word only sounds on, less loud than what is heard here, it is no
// part of a word that somebody says now.
func TestEchoIsNoWord(t *testing.T) {
	b := &borrowed{frames: make([]uint8, 20), gain: make([]int16, 20), audible: slices.Repeat([]bool{true}, 20), others: []string{"judge"}}
	for f := range 15 { // his sound, of which five frames are its echo
		if b.frames[f] = 1; f < 10 {
			b.gain[f] = -120
		}
	}
	if other, _, known := b.most(0, 20, true); other != 0 || !known {
		t.Errorf("ten frames of another and five of somebody's own: of %d, known %v", other, known)
	}
	if other, _, known := b.most(10, 15, true); other != 0 || known {
		t.Errorf("echo alone: of %d, known %v", other, known)
	}
	if other, gain, _ := b.most(0, 14, true); other != 1 || gain != -12 {
		t.Errorf("another's word with its echo: of %d, %v dB", other, gain)
	}
}

// TestEar: what is read in pieces, twice, or again from before is heard as it was.
func TestEar(t *testing.T) {
	const quarter = capture.Rate / 4 // 1,000 samples of the band
	chunks := inChunks(quarter, "h", "a", 1, 1, talk(5, 20), capture.EndPause)
	began := chunks[0].CapturedAt
	whole := new(bander).add(nil, 0, talk(5, 20))
	var e ear
	for i, c := range chunks {
		e.take(c, int64(i))
		e.take(c, int64(i)) // repeated
	}
	check := func(what string, from, n int) {
		t.Helper()
		at := began.Add(time.Duration(from) * time.Second / bandRate)
		got := e.listen(at, n)
		if want := whole[from : from+n]; !slices.Equal(got[:], want) {
			t.Errorf("%s: other sound", what)
		}
	}
	check("all", 0, len(whole))
	check("a part", 4321, 20000)
	if !e.over() || !e.newest().Equal(chunks[len(chunks)-1].CapturedAt.Add(time.Duration(len(chunks[len(chunks)-1].Samples))*time.Second/capture.Rate)) {
		t.Error("not over, or not at its end")
	}
	if o, ok := e.offset(began.Add(260 * time.Millisecond)); !ok || o != 1 {
		t.Errorf("offset %d %v", o, ok)
	}
	e.take(inChunks(quarter, "h", "a", 2, 100, talk(6, 1), capture.NotEnd)[0], 100)
	for i, c := range chunks { // the courtroom sends again
		e.take(c, int64(200+i))
	}
	check("sent again", 0, len(whole))
	if n := e.newest(); !n.After(began.Add(30 * time.Minute)) {
		t.Errorf("set back to %v", n)
	}
	e = ear{heard: slices.Clone(e.heard[20:]), read: e.read}
	for i, c := range chunks[:40] { // the log is read again, from before what is remembered
		e.take(c, int64(i))
	}
	check("again", 0, 39*1000)
	if e.over() {
		t.Error("over in the middle")
	}
	var holes ear // a chunk that comes late
	for i, c := range chunks {
		if i != 30 {
			holes.take(c, int64(i))
		}
	}
	holes.take(chunks[30], 500)
	holes.take(chunks[5], 501)
	if got := holes.listen(began.Add(30*250*time.Millisecond), 1000); !slices.Equal(got[12:], whole[30*1000+12:31*1000]) {
		t.Error("what came late is not heard")
	}
	long := newSound(1, -62).quiet(60_000).samples
	for i, c := range inChunks(quarter, "h", "a", 3, 200, long, capture.NotEnd) {
		e.take(c, int64(1000+i))
	}
	held := 0
	for _, h := range e.heard {
		held += len(h.band)
	}
	if held < 45*bandRate || held > 46*bandRate {
		t.Errorf("holds %d samples", held)
	}
}

// BenchmarkCompare is an utterance with another seat's band, as an ear has it already.
func BenchmarkCompare(b *testing.B) {
	voice := spoken("judge", 1)
	length := float64(len(voice)) / capture.Rate
	own, others := bands(mixture(length, 2).add(voice, 4, -18).pcm(), mixture(length, 1).add(voice, 0, 0).pcm())
	b.ReportMetric(length, "s/op-of-sound")
	for b.Loop() {
		compare(own, others)
	}
}
