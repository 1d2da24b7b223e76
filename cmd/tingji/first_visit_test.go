package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// lookAtFrames is run in the page before anything else: it notes the frames in
// which there is nothing to read where the transcript will be. It looks when a frame has
// been made: before that a line that is new has no place yet, and its words count as hidden
// (content-visibility).
const lookAtFrames = `(() => {
	window.looked = 0;
	window.empty = 0;
	const made = new MessageChannel();
	made.port1.onmessage = () => {
		const el = document.querySelector(".scroller") ?? document.body;
		if (el) {
			window.looked++;
			if (!el.innerText.trim()) window.empty++;
		}
	};
	const frame = () => {
		made.port2.postMessage(0);
		requestAnimationFrame(frame);
	};
	requestAnimationFrame(frame);
})()`

// TestFirstVisit: what somebody sees who tries Tingji for the first time, in a
// browser and with the real recogniser: a page that is never empty, what it is, how
// to go on, and a name that is right once it has been put right. Pictures go to the
// folder TINGJI_TEST_PICTURES, if any.
func TestFirstVisit(t *testing.T) {
	if os.Getenv("TINGJI_TEST_LONG") == "" {
		t.Skip("takes most of a minute: make e2e runs it, and so does TINGJI_TEST_LONG=1")
	}
	recogniserInPath(t)
	tab := openTab(t)
	until := func(expression string) { t.Helper(); waitFor(t, tab, expression) }
	text := func(expression string) string {
		t.Helper()
		v, err := chromedp.Run(tab, chromedp.Evaluate[string](expression))
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		return v
	}
	picture := func(name string) {
		t.Helper()
		dir := os.Getenv("TINGJI_TEST_PICTURES")
		if dir == "" {
			return
		}
		png, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1366, 768), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: lookAtFrames})
		return err
	})); err != nil {
		t.Fatal(err)
	}
	visit := func(url string) {
		t.Helper()
		if err := chromedp.Do(tab, chromedp.Navigate(url)); err != nil {
			t.Fatal(err)
		}
	}

	p := start(t, "up", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--pace", "3")
	visit(p.url + "/")
	const announced = `[...document.querySelectorAll(".line:not(.partial)")].find(l => l.innerText.includes("双方当事人"))`
	until(`!!` + announced)
	if empty := text(`String(window.empty) + " of " + window.looked`); !strings.HasPrefix(empty, "0 of ") || empty == "0 of 0" {
		t.Errorf("%s frames have nothing to read", empty)
	}
	if badge := text(`document.querySelector("header .badge.demo").innerText`); !strings.Contains(badge, "演示") || !strings.Contains(badge, "示例识别引擎") {
		t.Errorf("the page says %q of itself", badge)
	}

	// The witness's name is misheard; it is put right as a clerk does it.
	const right = "苏晓岚"
	misheard := text(announced + `.querySelector("p").textContent.match(/证人(.+?)通过/)?.[1] ?? ""`)
	if misheard == "" || misheard == right {
		t.Fatalf("the name is heard as %q before anybody has said it", misheard)
	}
	text(`(() => {
		const el = ` + announced + `, lines = document.querySelector("tj-lines");
		lines.edit(lines.row(el.id.slice("line-".length)));
		const words = document.activeElement.firstChild, at = words.data.indexOf("` + misheard + `");
		getSelection().setBaseAndExtent(words, at, words, at + ` + "`" + misheard + "`" + `.length);
		return "";
	})()`)
	if err := chromedp.Do(tab,
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: right})
			return err
		}),
		chromedp.KeyEvent(kb.Enter)); err != nil {
		t.Fatal(err)
	}
	until(`document.querySelector(".teach:not([hidden])")?.innerText.includes("` + right + `")`)
	if offered := text(`document.querySelector(".teach .look").innerText`); !strings.Contains(offered, "加入词汇") {
		t.Errorf("nowhere else is it misheard, and the page offers %q", offered)
	}
	picture("first-lesson")
	if err := chromedp.Do(tab, chromedp.KeyEvent("b", chromedp.KeyModifiers(chromedp.ModifierCtrl))); err != nil {
		t.Fatal(err)
	}
	until(`!!document.querySelector("dialog[open] button.primary:not(:disabled):focus")`)
	if err := chromedp.Do(tab, chromedp.KeyEvent(kb.Enter)); err != nil {
		t.Fatal(err)
	}
	until(`!document.querySelector("dialog[open]")`)

	const called = `[...document.querySelectorAll(".line:not(.partial)")].find(l => /^传.*作证/.test(l.querySelector("p")?.textContent ?? ""))`
	until(`!!` + called)
	if words := text(called + `.querySelector("p").textContent`); !strings.Contains(words, right) {
		t.Errorf("%q: the name has been put right before", words)
	}
	picture("first-taught")

	// The way on.
	visit(text(`document.querySelector('tj-banner [data-key="demo"] a').href`))
	until(`document.querySelectorAll(".start pre").length >= 4`)
	picture("first-start")
	visit(p.url + "/screen/" + sampleRoom)
	until(`document.querySelector("header .badge.demo")?.innerText.includes("示例识别引擎")`)
	if text(`String(!!document.querySelector('tj-banner [data-key="demo"]'))`) != "false" {
		t.Error("the parties' screen is told how to set up an engine")
	}
	picture("first-screen")
}
