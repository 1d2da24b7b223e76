package asr

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"tingji/capture"
)

// TestBadChunks: what stands in the log and is no chunk of ours is counted and set aside with its
// reason. Its channel waits for the number, and goes on when it comes, or when the courtroom
// says that nobody has it; the others go on at once.
func TestBadChunks(t *testing.T) {
	set := func(key, value string) func(*capture.Message) {
		return func(m *capture.Message) {
			for i := range m.Headers {
				if m.Headers[i].Key == key {
					m.Headers[i].Value = []byte(value)
				}
			}
		}
	}
	for name, tt := range map[string]struct {
		spoil  func(*capture.Message)
		reason capture.Reason
	}{
		"damaged":         {func(m *capture.Message) { m.Value = slices.Concat(m.Value[:9], []byte{^m.Value[9]}, m.Value[10:]) }, capture.BadChecksum},
		"of the future":   {set("v", "2"), capture.UnknownVersion},
		"foreign":         {func(m *capture.Message) { *m = capture.Message{Key: []byte("k"), Value: []byte(`{"a":1}`)} }, capture.MissingHeader},
		"at another rate": {set("rate", "48000"), capture.UnknownRate},
	} {
		t.Run(name, func(t *testing.T) {
			for _, again := range []bool{true, false} {
				chunks := courtroom(1, 2, 25)
				bad := slices.IndexFunc(chunks, func(c capture.Chunk) bool { return c.Channel == "seat0" && c.Seq == 30 })
				m, err := chunks[bad].Message(capture.PCM)
				if err != nil {
					t.Fatal(err)
				}
				tt.spoil(&m)
				_, refused := capture.ParseChunk(m)
				if refused == nil {
					t.Fatal("it is a chunk all the same")
				}
				before := slices.IndexFunc(chunks, func(c capture.Chunk) bool { return c.Channel == "seat0" && c.Seq == 29 })
				bubble(t, func(t *testing.T, l *fakeLog) {
					if again {
						l.send(chunks[:bad]...)
					} else { // and the one before never comes
						l.send(slices.Concat(chunks[:before], chunks[before+1:bad])...)
					}
					l.sendBad(refused)
					l.send(chunks[bad+1:]...)
					w, stop := start(t, l, scripted{})
					waitFor(t, "end of the other", time.Minute, func() bool { return l.done(1) })
					if n := w.Stats().Bad; n != 1 || len(l.dead) != 1 || !strings.HasSuffix(l.dead[0], " "+string(tt.reason)) {
						t.Errorf("%d bad, set aside %q, want %s", n, l.dead, tt.reason)
					}
					c := chunks[bad] // again, as it was
					if !again {
						c.Lost, c.Samples = c.Seq-1, nil
					}
					l.send(c)
					waitFor(t, "end", time.Hour, func() bool { return l.done(2) })
					stop()
					if again {
						check(t, l, chunks)
						return
					}
					steps := l.steps("h/seat0")
					if !slices.ContainsFunc(steps, func(s Segment) bool { return s.After.Sample == chunks[before].First }) {
						t.Error("no step ends where the sound is missing")
					}
				})
			}
		})
	}
}

// TestUnknownSeat: a seat that the hearing does not have is heard all the same, and holds nobody up.
func TestUnknownSeat(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		l.set(capture.Hearing{ID: "h", Status: capture.Open, Seats: []capture.Seat{{Channel: "seat0"}}})
		chunks := courtroom(3, 2, 25)
		l.send(chunks...)
		_, stop := start(t, l, scripted{})
		waitFor(t, "end", time.Minute, func() bool { return l.done(2) })
		stop()
		check(t, l, chunks)
	})
}

// TestClosedWhileAudioComes: what a courtroom still sends of a closed hearing is decided like the
// rest, whether it comes at once or an hour later.
func TestClosedWhileAudioComes(t *testing.T) {
	chunks := courtroom(2, 2, 25)
	want := undisturbed(t, chunks, 2)
	bubble(t, func(t *testing.T, l *fakeLog) {
		_, stop := start(t, l, scripted{})
		l.send(chunks[:len(chunks)/3]...)
		l.set(capture.Hearing{ID: "h", Status: capture.Closed})
		for _, c := range chunks[len(chunks)/3:] { // at its pace, not faster
			time.Sleep(chunkTime / 2)
			l.send(c)
		}
		waitFor(t, "end", time.Hour, func() bool { return l.done(2) })
		stop()
		same(t, l.record(), want)
	})
}

// TestOddAnswers: an answer in another language is text and says so; one with numbers that
// are none is marked, its speech kept.
func TestOddAnswers(t *testing.T) {
	word := func(confidence float64) []TimedWord {
		return []TimedWord{{Text: "no", End: time.Second / 2, Confidence: confidence}}
	}
	for name, tt := range map[string]struct {
		answer Hypothesis
		text   string
	}{
		"another language":       {Hypothesis{Engine: "e", Text: "no", Words: word(0.5), Language: "en"}, "no"},
		"confidence is NaN":      {Hypothesis{Engine: "e", Text: "no", Words: word(math.NaN())}, ""},
		"confidence is infinite": {Hypothesis{Engine: "e", Text: "no", Words: word(math.Inf(1))}, ""},
		"rated NaN": {Hypothesis{Engine: "e", Text: "no", Words: word(0.5),
			Parts: []Part{{Text: "no", End: time.Second, NoSpeech: math.NaN()}}}, ""},
		"before the clip": {Hypothesis{Engine: "e", Text: "no", Words: []TimedWord{{Text: "no", Start: -time.Second}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, l *fakeLog) {
				l.send(chunksOf("h", "a", 1, 1, newSound(1, -62).quiet(500).add(1000, -22).quiet(1000).samples, capture.EndFile)...)
				_, stop := start(t, l, scripted{answer: func(context.Context, Clip) (Hypothesis, error) { return tt.answer, nil }})
				waitFor(t, "end", time.Minute, func() bool { return l.done(1) })
				stop()
				s := l.steps("h/a")[0]
				if s.Stage != Final || s.Text != tt.text || (s.Rejected == "") != (tt.text != "") || s.Language != tt.answer.Language {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}
