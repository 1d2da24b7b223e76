package transcript

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// A cue must last, or players show nothing: a note of the clerk has no length
// of its own.
const (
	shortestCue = 1    // ms
	noteCue     = 2000 // ms
	demoCue     = 5000 // ms
)

func cueTimes(t Turn) (start, end int64) {
	shortest := int64(shortestCue)
	if t.Origin == Hand {
		shortest = noteCue
	}
	start = max(t.StartMS, 0)
	return start, max(t.EndMS, start+shortest)
}

// cueTime writes hours to milliseconds; hours grow beyond 99 where needed.
func cueTime(ms int64, point byte) string {
	return fmt.Sprintf("%02d:%02d:%02d%c%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, point, ms%1000)
}

// writeSRT writes SubRip. It knows no escapes: what players would take for a
// tag or for a time line gets its full-width form.
func (r *Record) writeSRT(w io.Writer) error {
	b := bufio.NewWriter(w)
	plain := strings.NewReplacer("-->", "－－＞", "<", "＜", ">", "＞")
	n := 0
	cue := func(start, end int64, text string) {
		n++
		fmt.Fprintf(b, "%d\n%s --> %s\n%s\n\n", n, cueTime(start, ','), cueTime(end, ','), plain.Replace(text))
	}
	if r.Hearing.Demo && r.Hearing.CaseNo != "" {
		cue(0, demoCue, demoNotice) // it has no comments; players show both
	}
	for _, t := range r.singleTurns() {
		start, end := cueTimes(t)
		text := t.Shown
		if t.Label != "" {
			text = t.Label + "：" + text
		}
		cue(start, end, text)
	}
	return b.Flush()
}

// writeVTT writes WebVTT with the role as the voice of each cue.
func (r *Record) writeVTT(w io.Writer) error {
	b := bufio.NewWriter(w)
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	fmt.Fprint(b, "WEBVTT\n\n")
	if r.Hearing.Demo {
		fmt.Fprintf(b, "NOTE %s\n\n", demoNotice)
	}
	for i, t := range r.singleTurns() {
		start, end := cueTimes(t)
		text := escape.Replace(t.Shown)
		if t.Label != "" {
			text = "<v " + escape.Replace(t.Label) + ">" + text
		}
		fmt.Fprintf(b, "%d\n%s --> %s\n%s\n\n", i+1, cueTime(start, '.'), cueTime(end, '.'), text)
	}
	return b.Flush()
}
