package web_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tingji/asr"
	"tingji/capture"
)

// browserPatience bounds what a test waits for in the page. It is no measure:
// a machine under load may take most of it.
const browserPatience = 20 * time.Second

// openBrowser starts a headless browser with a fresh profile and one tab; the
// test is skipped where there is none.
func openBrowser(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no chromium on this machine: the page is not tested (apt-get install chromium)")
	}
	allocated, cancel := chromedp.NewExecAllocator(context.Background(), append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("mute-audio", true),
		chromedp.Flag("lang", "zh-CN"),
	}, flags...)...)
	t.Cleanup(cancel)
	ctx := openTab(t, allocated)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
	})
	return ctx
}

// openTab opens a tab of a browser, or the browser itself; it is there until the
// test ends, however short the time that is given to what is done in it first.
func openTab(t *testing.T, browser context.Context) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return ctx
}

// visit opens an address at a size of window.
func visit(t *testing.T, ctx context.Context, url string, width, height int64) {
	t.Helper()
	opening, cancel := context.WithTimeout(ctx, browserPatience)
	defer cancel()
	if err := chromedp.Do(opening, chromedp.EmulateViewport(width, height), chromedp.Navigate(url)); err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
}

// js evaluates an expression in the page.
func js[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits until an expression holds in the page. It is asked again and again from
// here: a page that gives way to another takes a poll of its own along, unanswered.
func until(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	for deadline := time.Now().Add(browserPatience); ; time.Sleep(10 * time.Millisecond) {
		asked, cancel := context.WithTimeout(ctx, 2*time.Second)
		holds, err := chromedp.Run(asked, chromedp.Evaluate[bool](`!!(`+expression+`)`))
		cancel()
		if holds {
			return
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			body, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
			t.Fatalf("waited for %s: %v; the page shows:\n%s", expression, err, body)
		}
	}
}

type turn struct{ channel, text string }

// dialogue is the beginning of a hearing.
var dialogue = []turn{
	{"clerk", "请全体人员肃静，现在宣布法庭纪律。"},
	{"clerk", "报告审判长，双方当事人均已到庭，证人苏晓岚通过视频等候作证。"},
	{"judge", "现在开庭。"},
	{"judge", "云川县人民法院今天依法公开审理原告周启明诉被告何文柏民间借贷纠纷一案，案号二零二六内零零零零民初一号。"},
	{"judge", "首先核对当事人身份，原告请回答。"},
	{"plaintiff", "我叫周启明，一九八二年五月六日出生，住云川县青石路十八号。"},
	{"judge", "被告请回答。"},
	{"defendant", "何文柏，一九七九年十一月二十三日出生，做建材生意。"},
	{"judge", "双方是否申请回避？"},
	{"plaintiff", "不申请。"},
	{"defendant", "不申请回避。"},
	{"judge", "现在进行法庭调查，由原告陈述诉讼请求和事实理由。"},
	{"plaintiff", "请求判令被告偿还借款本金二十万元，并支付逾期利息七千二百元。"},
	{"defendant", "借款属实，但是我已经还了六万元，现在只欠十四万元。"},
	{"judge", "传证人苏晓岚作证。"},
	{"witness", "那天在茶馆，我看见何文柏把一个纸袋交给周启明。"},
}

// perform has the dialogue spoken, a sentence every four seconds.
func (c *court) perform(h capture.Hearing) time.Duration {
	at := 1200 * time.Millisecond
	for _, l := range dialogue {
		c.say(h, l.channel, at, at+3*time.Second, asr.Final, l.text)
		at += 4 * time.Second
	}
	return at
}

func (c *court) alive(h capture.Hearing, alarms ...capture.Alarm) {
	part := capture.Health{Component: "capture", Instance: "pc-3", Courtroom: h.Courtroom, At: time.Now(), Alarms: alarms}
	for i, s := range (rooms{}).Seats("") {
		part.Seats = append(part.Seats, capture.SeatHealth{Hearing: h.ID, Channel: s.Channel, Role: s.Role,
			LevelDBFS: -58 + 9*float64(i), Recording: true, Samples: 16000})
	}
	c.docket.ReportHealth(part)
}

// TestPictures takes pictures of the page for people to look at.
func TestPictures(t *testing.T) {
	dir := os.Getenv("TINGJI_TEST_PICTURES")
	if dir == "" {
		t.Skip("takes pictures of the page where TINGJI_TEST_PICTURES names a folder for them")
	}
	c := openCourt(t)
	ctx := openBrowser(t)
	picture := func(name string) {
		t.Helper()
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `!!document.querySelector(".lobby h2")`)
	picture("empty")

	h := c.hearing("court-3")
	at := c.perform(h)
	c.lines(h, len(dialogue))
	for _, size := range []struct{ w, h int64 }{{1366, 768}, {1920, 1080}, {360, 740}} {
		visit(t, ctx, c.url+"/", size.w, size.h)
		until(t, ctx, fmt.Sprintf(`document.querySelectorAll(".line").length >= %d`, len(dialogue)))
		c.alive(h)
		until(t, ctx, `document.querySelectorAll('[data-state="live"]').length === 5`) // the stream is there
		c.say(h, "plaintiff", at, at+4*time.Second, asr.Partial, "他每次都说马上就还，可是我后来才听说他在外面")
		c.say(h, "judge", at+3*time.Second, at+4*time.Second, asr.Partial, "原告请注意，只陈述")
		until(t, ctx, `document.querySelectorAll(".line.partial").length === 2`)
		picture(fmt.Sprintf("hearing-%d", size.w))
	}
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `!!document.querySelector(".line")`)
	c.alive(h, capture.Alarm{Code: "disk-full", Since: time.Now(), Text: "第三审判庭电脑磁盘将满：还能录 20 分钟。请删除旧文件或更换磁盘。", TextEN: "The disk is nearly full."})
	until(t, ctx, `!!document.querySelector("tj-banner .alarm")`)
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`[data-act="pause"]`))); err != nil {
		t.Fatal(err)
	}
	picture("dialog")
	if _, err := c.docket.Pause(t.Context(), h.ID, "合议庭评议"); err != nil {
		t.Fatal(err)
	}
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `document.querySelectorAll(".mark").length === 2`)
	picture("paused")

	c.hearing("court-5")
	visit(t, ctx, c.url+"/", 1366, 768)
	until(t, ctx, `document.querySelectorAll(".lobby li").length === 2`)
	picture("rooms")
	visit(t, ctx, c.url+"/hearings/"+h.ID, 1366, 768)
	until(t, ctx, `!!document.querySelector(".line")`)
	c.stop()
	until(t, ctx, `!!document.querySelector("tj-banner .lost")`)
	picture("lost")
}

// prefer sets the colour scheme that the browser asks for.
func prefer(t *testing.T, ctx context.Context, scheme string) {
	t.Helper()
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// contrast names the visible texts whose contrast with what is painted behind
// them is below 4.5:1 (WCAG AA).
const contrast = `(() => {
	const part = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	const rgba = s => s.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
	const behind = el => {
		for (; el; el = el.parentElement) {
			const c = rgba(getComputedStyle(el).backgroundColor);
			if (c.length === 3 || c[3] > 0) return c;
		}
		return [255, 255, 255];
	};
	const poor = new Set();
	for (const el of document.querySelectorAll("body *")) {
		if (![...el.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !el.checkVisibility()) continue;
		const a = light(rgba(getComputedStyle(el).color)), b = light(behind(el));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) poor.add(el.tagName + "." + el.className + " " + ratio.toFixed(2));
	}
	return [...poor].join(", ");
})()`

// takePicture keeps a picture of the page for people to look at, where a folder
// for them is named.
func takePicture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("TINGJI_TEST_PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
