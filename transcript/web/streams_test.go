package web_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/page"

	"tingji/asr"
)

// A browser has six connections for a server without encryption, and a page that has
// been left may be kept for "back" with all that it holds: one that is opened after
// many others must not wait for them. Nor does a page that nobody sees keep its own;
// when it is seen again, it has what was said meanwhile.
func TestPagesThatAreLeftLetGo(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	at := c.perform(h)
	c.lines(h, len(dialogue))
	// A minute unseen is a blink here.
	call(t, ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
			const timer = window.setTimeout;
			window.setTimeout = (f, ms) => timer(f, document.visibilityState === "hidden" && ms === 60000 ? 1 : ms);
			window.sources = [];
			window.EventSource = class extends EventSource { constructor(path) { super(path); window.sources.push(this); } };
			window.see = (state) => {
				Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
				document.dispatchEvent(new Event("visibilitychange"));
				return true;
			};`})
	shown := func(n int) string { return fmt.Sprintf(`document.querySelectorAll(".line").length === %d`, n) }
	const listens = `window.sources.some((s) => s.readyState === 1)`
	for range 8 { // left as soon as it is there
		visit(t, ctx, c.url+"/new", 1366, 768)
		until(t, ctx, `document.querySelectorAll("[name=template] option").length === 6`)
		visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
		until(t, ctx, shown(len(dialogue))+" && "+listens)
	}

	js[bool](t, ctx, `window.see("hidden")`)
	until(t, ctx, `window.sources.every((s) => s.readyState === 2)`)
	c.say(h, "judge", at, at+3e9, asr.Final, "没有人看的时候说的。")
	c.lines(h, len(dialogue)+1)
	js[bool](t, ctx, `window.see("visible")`)
	until(t, ctx, shown(len(dialogue)+1)+" && "+listens)
	if js[bool](t, ctx, `!!document.querySelector("tj-banner .lost")`) {
		t.Error("a page that rested says that it has lost the server")
	}

	c.say(h, "judge", at+4e9, at+7e9, asr.Final, "回来以后说的。")
	visit(t, ctx, c.url+"/search", 1366, 768)
	js[bool](t, ctx, `(history.back(), true)`)
	until(t, ctx, shown(len(dialogue)+2)+" && "+listens)
}
