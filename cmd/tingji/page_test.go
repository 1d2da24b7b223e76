package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tingji/transcript"
)

// watch is run in the page: it notes when the page first says that it has lost
// the server.
const watch = `(() => {
	window.lostAt = 0;
	new MutationObserver(() => {
		if (!window.lostAt && document.querySelector("tj-banner .lost")) window.lostAt = Date.now();
	}).observe(document.body, {subtree: true, childList: true, attributes: true});
	return true;
})()`

// openTab starts a headless browser with one tab; the test is skipped where there
// is none.
func openTab(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine: the page is not tested (apt-get install chromium)")
	}
	allocated, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	t.Cleanup(cancel)
	tab, cancelTab := chromedp.NewContext(allocated)
	t.Cleanup(cancelTab)
	t.Cleanup(func() { chromedp.Cancel(tab) })
	return tab
}

// waitFor waits until an expression holds in the page. It is asked again and again from
// here: a page that gives way to another takes a poll of its own along, unanswered.
func waitFor(t *testing.T, tab context.Context, expression string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		asked, cancel := context.WithTimeout(tab, 2*time.Second)
		holds, err := chromedp.Run(asked, chromedp.Evaluate[bool](`!!(`+expression+`)`))
		cancel()
		if holds {
			return
		}
		if time.Now().After(deadline) || tab.Err() != nil {
			body, _ := chromedp.Run(tab, chromedp.Evaluate[string](`document.body.innerText`))
			t.Fatalf("waited for %s: %v; the page shows:\n%s", expression, err, body)
		}
	}
}

// TestPageOutlivesAKilledProgram: a browser watches the sample hearing. The
// program is killed with -9: the page says so within three seconds. The program
// comes back: the lines go on, and at the end each is there once.
func TestPageOutlivesAKilledProgram(t *testing.T) {
	tab := openTab(t)
	until := func(expression string) { t.Helper(); waitFor(t, tab, expression) }
	_, want := reference(t)
	dir, listen := t.TempDir(), freePort(t)

	p := start(t, sample20(dir, listen)...)
	if err := chromedp.Do(tab, chromedp.Navigate(p.url+"/")); err != nil {
		t.Fatal(err)
	}
	until(`document.querySelectorAll(".line:not(.partial)").length >= 8`)
	if _, err := chromedp.Run(tab, chromedp.Evaluate[bool](watch)); err != nil {
		t.Fatal(err)
	}
	p.kill()
	killed := time.Now()
	until(`window.lostAt > 0`)
	at, err := chromedp.Run(tab, chromedp.Evaluate[float64](`window.lostAt`))
	if err != nil {
		t.Fatal(err)
	}
	if late := time.UnixMilli(int64(at)).Sub(killed); late > 3*time.Second {
		t.Errorf("the page says that it has lost the server after %s: invariant 9 gives it 3 s", late)
	}

	p = start(t, sample20(dir, listen)...)
	until(`!document.querySelector("tj-banner .lost")`)
	p.untilComplete(3 * time.Minute)
	until(fmt.Sprintf(`document.querySelectorAll(".line:not(.partial)").length === %d`, len(want)))
	text, err := chromedp.Run(tab, chromedp.Evaluate[string](`[...document.querySelectorAll(".line > p")].map(e => e.textContent).join("\n")`))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range want {
		lines = append(lines, transcript.WrittenForm{}.Write(s.Text).Text)
	}
	if text != strings.Join(lines, "\n") {
		t.Errorf("the page shows\n%s\nwant\n%s", text, strings.Join(lines, "\n"))
	}
}
