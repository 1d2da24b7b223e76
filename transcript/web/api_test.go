package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/web"
)

const newHearing = `{"case_no":"(2026)内0000民初1号","cause":"民间借贷纠纷","courtroom":"court-3",
	"participants":[{"role":"原告","name":"周启明"},{"role":"被告","name":"何文柏"}],"hotwords":["借条"]}`

// problemOf checks that an answer is a problem document of a status and a code.
func problemOf(t *testing.T, resp *http.Response, body string, status int, code string) map[string]any {
	t.Helper()
	if resp.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", resp.StatusCode, status, body)
	}
	if kind := resp.Header.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("Content-Type %q: %s", kind, body)
	}
	p := decode[map[string]any](t, body)
	if p["code"] != code || p["status"] != float64(status) {
		t.Errorf("code %v and status %v, want %s and %d", p["code"], p["status"], code, status)
	}
	for _, member := range []string{"type", "title", "detail", "instance"} {
		if s, _ := p[member].(string); s == "" {
			t.Errorf("no %s in %s", member, body)
		}
	}
	return p
}

func TestHearingFromCreationToClose(t *testing.T) {
	c := openCourt(t)
	resp, body := c.do("POST", "/api/v1/hearings", newHearing)
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("create: %d %s", resp.StatusCode, body)
	}
	h := decode[map[string]any](t, body)
	if h["case_no"] != "（2026）内0000民初1号" || h["status"] != "scheduled" || h["courtroom_name"] != "第三审判庭" || h["court"] != "云川县人民法院" {
		t.Errorf("created %s", body)
	}
	path := resp.Header.Get("Location")
	if path != "/api/v1/hearings/"+h["id"].(string) {
		t.Fatalf("Location %q", path)
	}
	steps := []struct{ action, body, status string }{
		{"open", "", "open"},
		{"pause", `{"reason":"合议庭评议"}`, "paused"},
		{"resume", `{}`, "open"},
		{"close", `{"reason":"审理终结"}`, "closed"},
	}
	for _, s := range steps {
		resp, body := c.do("POST", path+"/"+s.action, s.body)
		if got := decode[map[string]any](t, body); resp.StatusCode != http.StatusOK || got["status"] != s.status {
			t.Fatalf("%s: %d %s", s.action, resp.StatusCode, body)
		}
	}
	resp, body = c.do("POST", path+"/open", "")
	problemOf(t, resp, body, http.StatusConflict, "wrong-state")

	resp, body = c.do("GET", path, "")
	got := decode[struct {
		capture.Hearing
		Progress *transcript.Progress
		Now      time.Time
	}](t, body)
	if got.Status != capture.Closed || len(got.Breaks) != 1 || got.Breaks[0].Reason != "合议庭评议" || got.Progress == nil || got.Now.IsZero() {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, body := c.do("GET", path+"/ledger", ""); resp.StatusCode != http.StatusOK || !strings.Contains(body, `"length_ms"`) {
		t.Errorf("ledger: %d %s", resp.StatusCode, body)
	}
}

func TestListIsFiltered(t *testing.T) {
	c := openCourt(t)
	first, second := c.hearing("court-3"), c.hearing("court-5")
	if _, err := c.docket.Close(t.Context(), first.ID, ""); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"":                           {second.ID, first.ID},
		"?status=open,paused":        {second.ID},
		"?status=closed":             {first.ID},
		"?courtroom=court-3":         {first.ID},
		"?case_no=0000民初":            {second.ID, first.ID},
		"?case_no=9999":              {},
		"?limit=1":                   {second.ID},
		"?before=" + second.ID:       {first.ID},
		"?status=signed&courtroom=x": {},
	} {
		_, body := c.do("GET", "/api/v1/hearings"+query, "")
		ids := []string{}
		for _, h := range decode[struct{ Hearings []capture.Hearing }](t, body).Hearings {
			ids = append(ids, h.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: %v, want %v", query, ids, want)
		}
	}
	for _, query := range []string{"?status=opened", "?limit=0", "?limit=1001", "?limit=ten", "?stauts=open", "?limit=1&limit=2", "?status=%zz"} {
		resp, body := c.do("GET", "/api/v1/hearings"+query, "")
		problemOf(t, resp, body, http.StatusBadRequest, "malformed")
	}
}

func TestLinesAreReadAndCorrected(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	path := "/api/v1/hearings/" + h.ID + "/lines"
	id := c.say(h, "judge", 1200*time.Millisecond, 2300*time.Millisecond, asr.Final, "现在开停。")
	c.lines(h, 1)

	type page struct {
		Lines       []transcript.Line
		LastEventID int64 `json:"last_event_id"`
	}
	_, body := c.do("GET", path, "")
	all := decode[page](t, body)
	if len(all.Lines) != 1 || all.Lines[0].Text != "现在开停。" || all.Lines[0].Role != "审判长" || len(all.Lines[0].Words) != 1 || all.LastEventID == 0 {
		t.Fatalf("lines: %s", body)
	}
	if _, body := c.do("GET", path+"?words=false", ""); len(decode[page](t, body).Lines[0].Words) != 0 || !strings.Contains(body, `"words":[]`) {
		t.Errorf("without words: %s", body)
	}
	if _, body := c.do("GET", fmt.Sprintf("%s?after=%d", path, all.LastEventID), ""); len(decode[page](t, body).Lines) != 0 {
		t.Errorf("after the last: %s", body)
	}
	resp, body := c.do("GET", path+"/"+id, "")
	if resp.Header.Get("ETag") != `"1"` || decode[transcript.Line](t, body).ID != id {
		t.Errorf("line: ETag %q, %s", resp.Header.Get("ETag"), body)
	}

	fix := `{"text":"现在开庭。"}`
	for name, test := range map[string]struct {
		match  []string
		status int
		code   string
	}{
		"none":  {nil, 428, "precondition-required"},
		"word":  {[]string{"If-Match", "one"}, 400, "malformed"},
		"star":  {[]string{"If-Match", "*"}, 400, "malformed"},
		"weak":  {[]string{"If-Match", `W/"1"`}, 400, "malformed"},
		"zero":  {[]string{"If-Match", "0"}, 400, "malformed"},
		"minus": {[]string{"If-Match", "-1"}, 400, "malformed"},
		"list":  {[]string{"If-Match", `"1", "2"`}, 400, "malformed"},
		"half":  {[]string{"If-Match", `"1`}, 400, "malformed"},
		"huge":  {[]string{"If-Match", "99999999999999999999"}, 400, "malformed"},
	} {
		resp, body := c.do("PUT", path+"/"+id, fix, test.match...)
		if p := problemOf(t, resp, body, test.status, test.code); p["field"] != "If-Match" {
			t.Errorf("%s: field %v", name, p["field"])
		}
	}
	resp, body = c.do("PUT", path+"/"+id, fix, "If-Match", `"1"`)
	line := decode[transcript.Line](t, body)
	if resp.StatusCode != 200 || resp.Header.Get("ETag") != `"2"` || line.Text != "现在开庭。" || line.Revision != 2 || line.Author != "书记员" {
		t.Fatalf("correction: %d %s", resp.StatusCode, body)
	}
	resp, body = c.do("PUT", path+"/"+id, `{"text":"现在休庭。"}`, "If-Match", "1")
	p := problemOf(t, resp, body, http.StatusConflict, "revision-conflict")
	if current, _ := p["current"].(map[string]any); current["text"] != "现在开庭。" || current["revision"] != 2.0 {
		t.Errorf("the conflict shows %v", p["current"])
	}
	if resp, body := c.do("PUT", path+"/"+id, `{"role":"审判员","speaker":"沈知远"}`, "If-Match", "2"); resp.StatusCode != 200 {
		t.Errorf("bare revision: %s", body)
	}
	_, body = c.do("GET", path+"/"+id+"/revisions", "")
	revisions := decode[struct{ Revisions []transcript.Revision }](t, body).Revisions
	if len(revisions) != 3 || revisions[0].Text != "现在开停。" || revisions[1].Previous != revisions[0].Hash || revisions[2].Role != "审判员" {
		t.Errorf("revisions: %s", body)
	}

	resp, body = c.do("POST", path, `{"text":"（当庭出示证据一）","role":"","start_ms":5000}`)
	hand := decode[transcript.Line](t, body)
	if resp.StatusCode != http.StatusCreated || hand.Origin != transcript.Hand || hand.StartMS != 5000 || resp.Header.Get("Location") != path+"/"+hand.ID {
		t.Errorf("by hand: %d %s", resp.StatusCode, body)
	}
	for _, missing := range []string{path + "/nobody", path + "/nobody/revisions", "/api/v1/hearings/none/lines", "/api/v1/hearings/none",
		"/api/v1/hearings/none/ledger", "/api/v1/hearings/none/audio", "/api/v1/hearings/none/events", "/api/v1/hearings/none/record.txt", "/api/v1/nothing", "/nothing"} {
		resp, body := c.do("GET", missing, "")
		problemOf(t, resp, body, http.StatusNotFound, "not-found")
	}
	resp, body = c.do("PUT", path+"/nobody", fix, "If-Match", "1")
	problemOf(t, resp, body, http.StatusNotFound, "not-found")
}

func TestBadBodiesAreRefused(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	create, lines, pause := "/api/v1/hearings", "/api/v1/hearings/"+h.ID+"/lines", "/api/v1/hearings/"+h.ID+"/pause"
	for name, test := range map[string]struct {
		path, body string
		status     int
		code       string
		field      string // "" where none is to blame
		says       string // a part of the detail
	}{
		"no body":            {create, "", 415, "unsupported-media-type", "", "application/json"},
		"not json":           {create, "case_no=1", 400, "malformed", "", "对象"},
		"a list":             {create, "[]", 400, "malformed", "", "对象"},
		"null":               {create, "null", 400, "malformed", "", "对象"},
		"cut off":            {create, `{"case_no":"`, 400, "malformed", "", "JSON"},
		"trailing garbage":   {create, newHearing + "x", 400, "malformed", "", "JSON"},
		"two objects":        {create, newHearing + newHearing, 400, "malformed", "", "JSON"},
		"the same twice":     {lines, `{"text":"一","text":"二"}`, 400, "malformed", "", "JSON"},
		"unknown field":      {create, `{"caseno":"1"}`, 400, "malformed", "caseno", "case_no"},
		"unknown deep field": {create, `{"participants":[{"role":"原告","nmae":"周启明"}]}`, 400, "malformed", "participants[0].nmae", "name"},
		"far from any":       {create, `{"xyzzy":"1"}`, 400, "malformed", "xyzzy", "不认识"},
		"wrong type":         {create, `{"case_no":1}`, 400, "malformed", "case_no", "字符串"},
		"wrong time":         {create, `{"scheduled_at":"tomorrow"}`, 400, "malformed", "scheduled_at", "时间"},
		"fraction":           {lines, `{"text":"一","start_ms":1.5}`, 400, "malformed", "start_ms", "整数"},
		"no case number":     {create, `{"courtroom":"court-3"}`, 422, "invalid-field", "case_no", ""},
		"bad case number":    {create, `{"case_no":"（2026）内0000民初号","courtroom":"court-3","cause":"x"}`, 422, "invalid-field", "case_no", ""},
		"unknown role":       {create, `{"case_no":"（2026）内0000民初1号","cause":"x","courtroom":"c","participants":[{"role":"原吿","name":"某"}]}`, 422, "invalid-field", "participants[0].role", "原告"},
		"broken UTF-8":       {lines, "{\"text\":\"\xff\"}", 400, "malformed", "", "JSON"},
		"lone surrogate":     {lines, `{"text":"\ud800"}`, 400, "malformed", "", "JSON"},
		"control character":  {lines, `{"text":"一\u0007"}`, 422, "invalid-field", "text", "U+0007"},
		"line break":         {lines, `{"text":"一\n二"}`, 422, "invalid-field", "text", "U+000A"},
		"bidi override":      {lines, `{"text":"一\u202e二"}`, 422, "invalid-field", "text", "U+202E"},
		"bidi isolate":       {lines, `{"text":"一","speaker":"\u2066"}`, 422, "invalid-field", "speaker", "U+2066"},
		"bidi in a list":     {create, `{"case_no":"（2026）内0000民初1号","cause":"x","courtroom":"c","hotwords":["一","\u200f"]}`, 422, "invalid-field", "hotwords[1]", "U+200F"},
		"bidi in a name":     {create, `{"case_no":"（2026）内0000民初1号","cause":"x","courtroom":"court\u202e-3"}`, 422, "invalid-field", "courtroom", "U+202E"},
		"empty text":         {lines, `{"text":"  "}`, 422, "invalid-field", "text", ""},
		"100,000 characters": {lines, `{"text":"` + strings.Repeat("字", 100_000) + `"}`, 422, "invalid-field", "text", ""},
		"over a MiB":         {lines, `{"text":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too-large", "", "1 MiB"},
		"pause for nothing":  {pause, `{"reason":" "}`, 422, "invalid-field", "reason", ""},
		"pause, no body":     {pause, "", 422, "invalid-field", "reason", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := *c
			c.t = t
			resp, body := c.do("POST", test.path, test.body)
			p := problemOf(t, resp, body, test.status, test.code)
			if field, _ := p["field"].(string); field != test.field {
				t.Errorf("field %q, want %q: %s", field, test.field, body)
			}
			if !strings.Contains(p["detail"].(string), test.says) {
				t.Errorf("detail %q does not say %q", p["detail"], test.says)
			}
		})
	}
	resp, body := c.do("POST", create, newHearing, "Content-Type", "text/plain")
	problemOf(t, resp, body, http.StatusUnsupportedMediaType, "unsupported-media-type")
	if resp, body := c.do("POST", create, strings.Replace(newHearing, "court-3", "court-5", 1), "Content-Type", "application/json; charset=utf-8"); resp.StatusCode != 201 {
		t.Errorf("with a charset: %d %s", resp.StatusCode, body)
	}
}

func TestProblemsSpeakTheReadersLanguage(t *testing.T) {
	c := openCourt(t)
	for accept, want := range map[string]string{
		"": "没有找到", "zh": "没有找到", "zh-TW,en;q=0.5": "没有找到", "fr": "没有找到", "???": "没有找到",
		"en": "Not found", "en-GB,zh;q=0.8": "Not found", "zh;q=0.3, en;q=0.9": "Not found",
	} {
		resp, body := c.do("GET", "/api/v1/hearings/none", "", "Accept-Language", accept)
		if p := problemOf(t, resp, body, 404, "not-found"); p["title"] != want {
			t.Errorf("%q: %v, want %s", accept, p["title"], want)
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	c := openCourt(t)
	for path, allow := range map[string]string{
		"/api/v1/hearings":               "GET, HEAD, POST",
		"/api/v1/hearings/x":             "GET, HEAD",
		"/api/v1/hearings/x/open":        "POST",
		"/api/v1/hearings/x/lines/y":     "GET, HEAD, PUT",
		"/api/v1/hearings/x/record.docx": "GET, HEAD",
		"/healthz":                       "GET, HEAD",
	} {
		resp, body := c.do("DELETE", path, "")
		problemOf(t, resp, body, http.StatusMethodNotAllowed, "method-not-allowed")
		if got := resp.Header.Get("Allow"); got != allow {
			t.Errorf("%s: Allow %q, want %q", path, got, allow)
		}
	}
	if resp, body := c.do("HEAD", "/api/v1/health", ""); resp.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: %d %q", resp.StatusCode, body)
	}
}

func TestWhatIsNotBuiltSaysSo(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	for path, method := range map[string]string{
		"/api/v1/hearings/" + h.ID + "/record.pdf":  "GET",
		"/api/v1/hearings/" + h.ID + "/record.docx": "GET", // this server was given no such format
	} {
		resp, body := c.do(method, path, "")
		problemOf(t, resp, body, http.StatusNotImplemented, "not-built")
	}
}

func TestRecordIsAFile(t *testing.T) {
	c := openCourt(t)
	h := c.hearing("court-3")
	c.say(h, "judge", time.Second, 2*time.Second, asr.Final, "现在开庭。")
	c.lines(h, 1)
	resp, body := c.do("GET", "/api/v1/hearings/"+h.ID+"/record.txt", "")
	if resp.StatusCode != 200 || !strings.Contains(body, "审判长：现在开庭。") {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	_, parameters, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
	if err != nil {
		t.Fatal(err)
	}
	if name := parameters["filename"]; !strings.HasPrefix(name, "庭审笔录_（2026）内0000民初1号_") || !strings.HasSuffix(name, ".txt") {
		t.Errorf("file name %q of %q", name, resp.Header.Get("Content-Disposition"))
	}
	if plain := resp.Header.Get("Content-Disposition"); !strings.Contains(plain, `filename="record-`+h.ID+`.txt"`) {
		t.Errorf("no plain name in %q", plain)
	}
}

func TestAudioOfAStretch(t *testing.T) {
	c := openCourt(t)
	h, err := c.docket.Create(t.Context(), transcript.NewHearing{CaseNo: "（2026）内0000民初1号", Cause: "x", Courtroom: "court-3"})
	if err != nil {
		t.Fatal(err)
	}
	path := "/api/v1/hearings/" + h.ID + "/audio"
	resp, body := c.do("GET", path, "")
	problemOf(t, resp, body, 404, "not-found") // not opened: there is none
	if _, err := c.docket.Open(t.Context(), h.ID); err != nil {
		t.Fatal(err)
	}
	// A second of sound has to exist before it can be asked for.
	for {
		if resp, _ := c.do("GET", path+"?from=60&to=100", ""); resp.StatusCode == 200 {
			break
		}
	}
	resp, body = c.do("GET", path+"?channel=judge&from=20&to=50", "")
	if resp.Header.Get("Content-Type") != "audio/wav" || resp.Header.Get("Accept-Ranges") != "bytes" || len(body) != 44+30*32 {
		t.Fatalf("%d, %v, %d bytes", resp.StatusCode, resp.Header, len(body))
	}
	if body[44] != 20 {
		t.Errorf("begins at %d ms", body[44])
	}
	resp, part := c.do("GET", path+"?channel=judge&from=20&to=50", "", "Range", "bytes=76-107")
	if resp.StatusCode != http.StatusPartialContent || part != body[76:108] || resp.Header.Get("Content-Range") != "bytes 76-107/"+strconv.Itoa(len(body)) {
		t.Errorf("range: %d %v %d bytes", resp.StatusCode, resp.Header, len(part))
	}
	resp, part = c.do("GET", path+"?channel=judge&from=20&to=50", "", "Range", "bytes=99999-")
	problemOf(t, resp, part, 416, "no-such-range")
	if length := resp.Header.Get("Content-Range"); length != "bytes */"+strconv.Itoa(len(body)) {
		t.Errorf("says %q of the length", length)
	}
	for _, query := range []string{"?from=-1", "?from=x", "?from=50&to=50", "?from=50&to=20", "?from=999999999", "?chanel=judge"} {
		resp, body := c.do("GET", path+query, "")
		problemOf(t, resp, body, 400, "malformed")
	}
	resp, body = c.do("GET", path+"?channel=nobody&from=0&to=10", "")
	problemOf(t, resp, body, 404, "not-found")
	// Of a hearing that is over there is so much and no more.
	if h, err = c.docket.Close(t.Context(), h.ID, ""); err != nil {
		t.Fatal(err)
	}
	whole := 44 + 32*int(h.ClosedAt.Sub(*h.OpenedAt).Milliseconds())
	for _, query := range []string{"", "?to=9223372036854775807"} {
		if _, body := c.do("GET", path+query, ""); len(body) != whole {
			t.Errorf("%s: %d bytes, want %d", query, len(body), whole)
		}
	}
}

func TestHealthShowsPartsAndAlarms(t *testing.T) {
	ready := errors.New("broker unreachable: 127.0.0.1:9092")
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Ready = func(context.Context) error { return ready }
	})
	h := c.hearing("court-3")
	c.alive(h, capture.Alarm{Code: "disk-full", Since: time.Now(), Text: "磁盘已满", TextEN: "disk full"})
	_, body := c.do("GET", "/api/v1/health", "")
	v := decode[struct {
		Status, Court, Version string
		Components             []capture.Health
		Alarms                 []map[string]any
	}](t, body)
	if v.Status != "alarm" || v.Court != "云川县人民法院" || v.Version != "test" || len(v.Alarms) == 0 {
		t.Errorf("health: %s", body)
	}
	if i := slices.IndexFunc(v.Alarms, func(a map[string]any) bool { return a["code"] == "disk-full" }); i < 0 || v.Alarms[i]["component"] != "capture" || v.Alarms[i]["courtroom"] != "court-3" {
		t.Errorf("alarms: %v", v.Alarms)
	}
	if strings.Contains(body, `"disk_free":0`) {
		t.Errorf("a part that has no disk says that it is full: %s", body)
	}
	if resp, body := c.do("GET", "/healthz", ""); resp.StatusCode != 200 || body != "ok\n" {
		t.Errorf("healthz: %d %q", resp.StatusCode, body)
	}
	if resp, body := c.do("GET", "/readyz", ""); resp.StatusCode != 503 || !strings.Contains(body, "127.0.0.1:9092") {
		t.Errorf("readyz: %d %q", resp.StatusCode, body)
	}
	ready = nil
	if resp, _ := c.do("GET", "/readyz", ""); resp.StatusCode != 200 {
		t.Errorf("readyz: %d", resp.StatusCode)
	}
	resp, body := c.do("GET", "/metrics", "")
	if resp.StatusCode != 200 || !strings.Contains(body, `tingji_http_answers_total{method="GET",route="/healthz",status="200"} 1`) {
		t.Errorf("metrics: %d %s", resp.StatusCode, body)
	}
	if strings.Contains(body, h.ID) {
		t.Error("metrics name a hearing")
	}
}

func TestPageIsServedWithItsHash(t *testing.T) {
	c := openCourt(t)
	for _, path := range []string{"/", "/hearings/20261123-093012-k3x9"} {
		resp, body := c.do("GET", path, "")
		if resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-cache" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Fatalf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
		if strings.Contains(body, "<style") || strings.Contains(body, "onload=") || strings.Contains(body, "http://") || strings.Contains(body, "https://") {
			t.Errorf("inline or foreign content in %s", body)
		}
		for _, ext := range []string{"js", "css", "svg"} {
			_, rest, _ := strings.Cut(body, `"/assets/`)
			for !strings.HasPrefix(rest[strings.Index(rest, "."):], "."+ext+`"`) {
				var ok bool
				if _, rest, ok = strings.Cut(rest, `"/assets/`); !ok {
					t.Fatalf("no .%s in %s", ext, body)
				}
			}
			name, _, _ := strings.Cut(rest, `"`)
			resp, content := c.do("GET", "/assets/"+name, "")
			if resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") || content == "" {
				t.Errorf("%s: %d %v", name, resp.StatusCode, resp.Header)
			}
		}
	}
	resp, body := c.do("GET", "/assets/main-OLD.js", "")
	problemOf(t, resp, body, 404, "not-found")
}

// Both tables of the interface's words have the same keys, none is empty, and
// those that the page's markup names are there (the compiler sees the others).
func TestWordsInBothLanguages(t *testing.T) {
	tables := map[string]map[string]string{"zh": {}, "en": {}}
	for lang, table := range tables {
		if err := json.Unmarshal(readUI(t, lang+".json"), &table); err != nil {
			t.Fatal(err)
		}
	}
	if len(tables["zh"]) == 0 {
		t.Fatal("no words")
	}
	for lang, other := range map[string]string{"zh": "en", "en": "zh"} {
		for key, words := range tables[lang] {
			if words == "" || tables[other][key] == "" {
				t.Errorf("%s: %q is missing or empty in one of the languages", lang, key)
			}
		}
	}
	sources, err := filepath.Glob("ui/*.ts")
	if err != nil || len(sources) == 0 {
		t.Fatal(err, sources)
	}
	named := 0
	for _, source := range sources {
		for _, m := range regexp.MustCompile(`data-t(?:-\w+)?="([a-z0-9.]+)"`).FindAllSubmatch(readUI(t, filepath.Base(source)), -1) {
			named++
			if tables["zh"][string(m[1])] == "" {
				t.Errorf("%s names the words %q, which are not there", source, m[1])
			}
		}
	}
	if named == 0 {
		t.Error("no markup names any words")
	}
}
