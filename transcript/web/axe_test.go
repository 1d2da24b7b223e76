package web_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tingji/asr"
)

// axeVersion is the release of axe-core by which the pages are looked at. It is
// not part of this repository: npm fetches it into .cache once.
const axeVersion = "4.11.0"

// axe is the script of axe-core; the test is skipped where it cannot be had.
func axe(t *testing.T) string {
	t.Helper()
	cache := filepath.Join("..", "..", ".cache", "axe-core-"+axeVersion+".js")
	if script, err := os.ReadFile(cache); err == nil {
		return string(script)
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("no npm here: the pages are not looked at by axe-core (apt-get install npm)")
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", "axe-core@"+axeVersion)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot fetch axe-core %s: %v %s", axeVersion, err, out)
	}
	script, err := packed(filepath.Join(dir, "axe-core-"+axeVersion+".tgz"), "package/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if os.MkdirAll(filepath.Dir(cache), 0o755) == nil {
		_ = os.WriteFile(cache, script, 0o644) // else it is fetched again
	}
	return string(script)
}

func packed(archive, name string) ([]byte, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("%s in %s: %w", name, archive, err)
		}
		if h.Name == name {
			return io.ReadAll(r)
		}
	}
}

// TestAccessible holds every page to WCAG 2.2 A and AA, as far as axe-core can
// tell, in both colour schemes, during a hearing and after, with dialogs open.
func TestAccessible(t *testing.T) {
	script := axe(t)
	ctx := openBrowser(t)
	c := openCourt(t)
	h := c.hearing("court-3")
	c.perform(h)
	doubted := c.unsure(h, "judge", 80*time.Second, "现在", "修庭?", "。")
	c.lines(h, len(dialogue)+1)
	looked := 0
	look := func(what string) {
		t.Helper()
		looked++
		for _, scheme := range []string{"light", "dark"} {
			prefer(t, ctx, scheme)
			if !js[bool](t, ctx, `typeof axe !== "undefined"`) {
				js[float64](t, ctx, script+"; 0")
			}
			js[string](t, ctx, `window.axed = "", axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}, resultTypes: ["violations"]})
				.then(r => window.axed = JSON.stringify(r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html.slice(0, 160) + " (" + n.any.concat(n.all).map(c => c.message).join("; ").slice(0, 200) + ")").join(" | "))), e => window.axed = JSON.stringify([String(e)])), ""`)
			until(t, ctx, `window.axed !== ""`)
			found := js[string](t, ctx, `window.axed`)
			var violations []string
			if err := json.Unmarshal([]byte(found), &violations); err != nil {
				t.Fatal(err)
			}
			for _, v := range violations {
				t.Errorf("%s, %s: %s", what, scheme, v)
			}
		}
	}
	hearing := c.url + "/hearings/" + h.ID

	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, shows(len(dialogue)+1))
	c.alive(h)
	c.say(h, "plaintiff", 84*time.Second, 86*time.Second, asr.Partial, "他每次都说马上就还")
	look("the hearing under way")
	press(t, ctx, kb.F3)
	until(t, ctx, editing(doubted))
	look("a line being edited")
	press(t, ctx, kb.Escape)
	for _, key := range []string{"help F1", "replace Ctrl+h", "revisions Ctrl+y", "asides Ctrl+u", "phrases Ctrl+k", "correction Ctrl+e", "review Ctrl+s"} {
		name, keys, _ := strings.Cut(key, " ")
		if key, ctrl := strings.CutPrefix(keys, "Ctrl+"); ctrl {
			hold(t, ctx, chromedp.ModifierCtrl, key)
		} else {
			press(t, ctx, kb.F1)
		}
		until(t, ctx, `!!document.querySelector("dialog[open]")`)
		look("dialog " + name)
		js[bool](t, ctx, `(document.querySelector("dialog[open]").close(), true)`)
		until(t, ctx, `!document.querySelector("dialog[open]")`)
	}
	for path, ready := range map[string]string{
		"/new":                           `!!document.querySelector("form")`,
		"/start":                         `!!document.querySelector("pre")`,
		"/screen/court-3":                shows(len(dialogue)),
		searchAddress("借款"):              `!!document.querySelector("#found")`,
		"/hearings":                      `!!document.querySelector("main a")`,
		"/screen/court-5":                `!!document.querySelector("main")`,
		"/hearings/20200101-000000-none": `document.body.innerText.length > 40`,
	} {
		visit(t, ctx, c.url+path, 1366, 768)
		until(t, ctx, ready)
		look(path)
	}
	if _, err := c.docket.Close(t.Context(), h.ID, ""); err != nil {
		t.Fatal(err)
	}
	visit(t, ctx, hearing, 1366, 768)
	until(t, ctx, shows(len(dialogue)))
	look("after the hearing")
	visit(t, ctx, hearing, 360, 740)
	until(t, ctx, shows(len(dialogue)))
	look("on a phone")
	visit(t, ctx, hearing, 1366, 768) // on a phone, the words about the server cover a part of the contents
	until(t, ctx, shows(len(dialogue)))
	c.stop()
	until(t, ctx, `!!document.querySelector("tj-banner .lost")`)
	look("the server gone")
	if looked < 15 {
		t.Errorf("only %d pages and dialogs were looked at", looked)
	}
}
