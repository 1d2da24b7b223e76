package web_test

import (
	"os"
	"testing"
	"time"

	"tingji/asr"
)

// TestAnHourOfLines has an hour of speech arrive on the clerk's desk, as fast as
// it will: a line every four seconds and four partials of each. What the page
// holds may grow with the lines of the record, and with nothing else: what goes
// through it, partials, levels and ticks, leaves nothing behind.
func TestAnHourOfLines(t *testing.T) {
	minutes := 12
	if os.Getenv("TINGJI_TEST_LONG") != "" {
		minutes = 60
	}
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	c.alive(h)
	until(t, ctx, connected)
	lines := 0
	hear := func(to int) {
		for ; lines < to*15; lines++ {
			at := time.Duration(lines+1) * 4 * time.Second
			l := dialogue[lines%len(dialogue)]
			letters := []rune(l.text)
			for i := range 4 {
				c.say(h, l.channel, at, at+time.Duration(i+1)*700*time.Millisecond, asr.Partial, string(letters[:len(letters)*(i+1)/5]))
			}
			c.say(h, l.channel, at, at+3*time.Second, asr.Final, l.text)
			c.alive(h)
		}
		until(t, ctx, shows(lines))
		until(t, ctx, `!document.querySelector(".line.partial")`)
	}
	first := minutes / 6
	hear(first)
	was := held(t, ctx)
	hear(minutes)
	is := held(t, ctx)
	more := float64(minutes-first) * 15
	t.Logf("JS heap after garbage collection: %.0f KB at minute %d, %.0f KB at minute %d: %.2f KB and %.1f nodes a line, %.0f listeners",
		was.heap, first, is.heap, minutes, (is.heap-was.heap)/more, (is.nodes-was.nodes)/more, is.listeners-was.listeners)
	if grown := is.heap - was.heap; grown > 2*more+400 { // code that became warm is some 100 KB
		t.Errorf("%.0f KB of heap for %.0f lines that arrived", grown, more)
	}
	if grown := is.nodes - was.nodes; grown > 8.5*more+400 { // a line is eight, its texts among them
		t.Errorf("%.0f nodes for %.0f lines that arrived", grown, more)
	}
	if is.listeners > was.listeners {
		t.Errorf("%.0f listeners more than before", is.listeners-was.listeners)
	}
}

// longOnly skips what takes too long for every run; make e2e has them run.
func longOnly(t *testing.T) {
	t.Helper()
	if os.Getenv("TINGJI_TEST_LONG") == "" {
		t.Skip("takes long: make e2e runs it, and so does TINGJI_TEST_LONG=1")
	}
}
