package web_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/page"

	"tingji/capture"
	"tingji/store/search/corpus"
	"tingji/store/sqlite"
)

// eightHours is how many lines a hearing of eight hours has.
const eightHours = 10_000

// TestLongHearingOpens has a browser open a hearing of eight hours: from the
// request for the page to the frame that shows all of it, in a window. How long it
// takes is logged, not judged: it is the machine's.
func TestLongHearingOpens(t *testing.T) {
	ctx := openBrowser(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "record.db")
	s, err := sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := longHearing()
	past, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if err := corpus.Load(t.Context(), past, &h); err != nil {
		t.Fatal(err)
	}
	past.Close()
	c := openCourtOn(t, s, dir, &segmentLog{}, "127.0.0.1:0")

	watch := fmt.Sprintf(`(() => {
		const look = () => {
			if (document.querySelectorAll(".line").length < %d) return requestAnimationFrame(look);
			requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = () => window.opened = performance.now(); c.port2.postMessage(0); });
		};
		look();
	})()`, eightHours)
	call(t, ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
	times := 1
	if os.Getenv("TINGJI_TEST_LONG") != "" { // tingji bench
		times = 5
	}
	var took []float64
	for range times {
		visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
		until(t, ctx, `window.opened > 0`)
		took = append(took, js[float64](t, ctx, `window.opened`))
		until(t, ctx, `(s => s.scrollHeight - s.scrollTop - s.clientHeight < 5)(document.querySelector(".scroller"))`)
	}
	slices.Sort(took)
	median := took[len(took)/2]
	t.Logf("a hearing of %d lines opens in %.0f ms (median of %d; %.0f to %.0f)", eightHours, median, times, took[0], took[times-1])
	t.Attr("page_open_ms", fmt.Sprint(median))
}

// longHearing is made of the lines of many.
func longHearing() corpus.Hearing {
	made := corpus.New(1)
	h := made.Next()
	h.Status, h.Breaks, h.Hotwords = capture.Open, []capture.Break{}, []string{}
	for len(h.Lines) < eightHours {
		next := made.Next()
		at := h.Lines[len(h.Lines)-1].EndMS + 1000
		for _, l := range next.Lines {
			if len(h.Lines) == eightHours {
				break
			}
			l.ID = fmt.Sprintf("x-%d", len(h.Lines))
			l.StartMS += at
			l.EndMS += at
			h.Lines = append(h.Lines, l)
		}
	}
	return h
}
