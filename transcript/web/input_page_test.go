package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// paste puts a text into the line under the clerk's hands, as the clipboard does.
const paste = `(text => {
	const d = new DataTransfer();
	d.setData("text/plain", text);
	return !document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: d, bubbles: true, cancelable: true}));
})(%s)`

// What does not fit into a line is refused with its bound, and what was there
// stays; what cannot be seen does not enter a line, pasted or typed.
func TestBadInputOfTheClerk(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	l := lines[3]
	begin(t, ctx, l.ID)
	if !js[bool](t, ctx, fmt.Sprintf(paste, `"字".repeat(100000)`)) {
		t.Error("the browser pasted it by itself")
	}
	until(t, ctx, `document.querySelector("tj-banner").textContent.includes("一行最多 10000 个字")`)
	if got := js[string](t, ctx, edited); got != seen(l) {
		t.Errorf("the line holds %d characters", len([]rune(got)))
	}
	js[bool](t, ctx, fmt.Sprintf(paste, `"甲\u202e乙\r\n丙\u0007\u2066丁\ufeff"`))
	until(t, ctx, edited+` === `+fmt.Sprintf("%q", seen(l)+"甲乙 丙 丁"))
	insert(t, ctx, "\u200f戊\u202d") // an input method can do it too
	press(t, ctx, kb.Enter)
	c.saved(h, l.ID, l.Text+"甲乙 丙 丁戊")
	until(t, ctx, `document.querySelector(".waits").hidden`)

	// The longest line that there can be.
	begin(t, ctx, lines[5].ID)
	js[bool](t, ctx, `(getSelection().selectAllChildren(document.activeElement), true)`)
	press(t, ctx, kb.Delete)
	js[bool](t, ctx, fmt.Sprintf(paste, `"𬭚".repeat(10000)`))
	press(t, ctx, kb.Enter)
	c.saved(h, lines[5].ID, strings.Repeat("𬭚", 10000))
}

// A tab that was left open says that there is a newer page; what was not sent is
// still there after it was loaded anew.
func TestOldTabAfterANewVersion(t *testing.T) {
	ctx := openBrowser(t)
	c := openCourt(t)
	h, lines := atDesk(t, ctx, c)
	target, err := url.Parse(c.url)
	if err != nil {
		t.Fatal(err)
	}
	// In front of it stands a version whose page had another hash.
	var old, deaf atomic.Bool
	old.Store(true)
	pass := httputil.NewSingleHostReverseProxy(target)
	pass.FlushInterval = -1
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && deaf.Load():
			panic(http.ErrAbortHandler)
		case r.URL.Path == "/hearings/"+h.ID && old.Load():
			resp, err := http.Get(c.url + r.URL.Path)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			page := new(strings.Builder)
			if err := resp.Write(page); err != nil {
				t.Error(err)
			}
			_, body, _ := strings.Cut(page.String(), "<!doctype")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<!doctype"+strings.ReplaceAll(body, "/assets/main-", "/assets/old-main-"))
		default:
			r.URL.Path = strings.ReplaceAll(r.URL.Path, "/assets/old-main-", "/assets/main-")
			pass.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		front.CloseClientConnections() // its stream would keep it waiting
		front.Close()
	})
	visit(t, ctx, front.URL+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, shows(len(dialogue))+` && document.querySelector("tj-banner [data-key=\"renewed\"]")?.textContent.includes("新版本")`)
	deaf.Store(true)
	begin(t, ctx, lines[3].ID)
	insert(t, ctx, "甲")
	press(t, ctx, kb.Enter)
	until(t, ctx, `!document.querySelector(".waits").hidden`)
	old.Store(false)
	click(t, ctx, "tj-banner [data-key=\"renewed\"] a")
	deaf.Store(false)
	c.saved(h, lines[3].ID, lines[3].Text+"甲")
	if err := chromedp.Do(ctx, chromedp.Navigate(front.URL+"/hearings/"+h.ID)); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, shows(len(dialogue)))
	if js[bool](t, ctx, `!!document.querySelector("tj-banner [data-key=\"renewed\"]")`) {
		t.Error("the new page takes itself for an old one")
	}
}
