package web_test

import (
	"archive/zip"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/store"
	"tingji/store/postgres"
	"tingji/store/postgres/postgrestest"
	"tingji/transcript"
	"tingji/transcript/web"
)

// held is a closed and complete hearing of two seats with their sound, which is
// no demonstration.
func (c *court) held() (capture.Hearing, []transcript.Line) {
	c.t.Helper()
	ctx := c.t.Context()
	h, err := c.docket.Create(ctx, transcript.NewHearing{
		CaseNo: "（2026）内0000民初1号", Cause: "民间借贷纠纷", Courtroom: "court-3",
		Seats: []capture.Seat{{Channel: "judge", Role: "审判长", Speaker: "沈知远"}, {Channel: "plaintiff", Role: "原告", Speaker: "周启明"}},
	})
	if err == nil {
		h, err = c.docket.Open(ctx, h.ID)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	var sound store.AudioBatch
	for _, channel := range []string{"judge", "plaintiff"} {
		c.say(h, channel, 0, time.Second, asr.Final, "我是"+channel+"。")
		path := filepath.Join("2026", h.ID, channel, "1-1.wav")
		sound.Channels = append(sound.Channels, store.AudioChannel{Hearing: h.ID, Channel: channel, Epoch: 1, Seq: 4, Samples: capture.Rate, Ended: true, StoredAt: *h.OpenedAt})
		sound.Files = append(sound.Files, store.AudioFile{Hearing: h.ID, Channel: channel, Epoch: 1, Part: 1, File: filepath.ToSlash(path), Samples: capture.Rate, StartedAt: *h.OpenedAt, FirstSeq: 1, LastSeq: 4})
		if err := os.MkdirAll(filepath.Join(c.dir, filepath.Dir(path)), 0o755); err != nil {
			c.t.Fatal(err)
		}
		// More than what is confirmed: the rest is not part of the record.
		if err := os.WriteFile(filepath.Join(c.dir, path), []byte(strings.Repeat(channel, 44+3*capture.Rate)), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := c.store.StoreAudio(ctx, sound); err != nil {
		c.t.Fatal(err)
	}
	lines := c.lines(h, 2)
	if _, err = c.docket.Pause(ctx, h.ID, "休庭"); err == nil { // a hearing that closes in a break is complete with the sound before
		h, err = c.docket.Close(ctx, h.ID, "")
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return h, lines
}

// The end of a hearing, on both databases: corrections, signature, proof.
func TestSigning(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testSigning(t, openCourt(t)) })
	t.Run("postgres", func(t *testing.T) {
		server := postgrestest.Start(t)
		s, err := postgres.Open(t.Context(), server.Database(t), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		testSigning(t, openCourtOn(t, s, t.TempDir(), &segmentLog{}, "127.0.0.1:0"))
	})
}

const signers = `"signers":[{"role":"审判长","name":"沈知远"},{"role":"书记员","name":"陆小满"}]`

func testSigning(t *testing.T, c *court) {
	h, lines := c.held()
	path := "/api/v1/hearings/" + h.ID
	resp, body := c.do("POST", path+"/corrections", `{"by":{"role":"原告","name":"周启明"},"line":"`+lines[1].ID+`","says":"我是原告。","note":"听错了"}`)
	if resp.StatusCode != http.StatusCreated || resp.Header.Get("Location") != path+"/corrections/1" {
		t.Fatalf("request: %d %s", resp.StatusCode, body)
	}
	if resp, body := c.do("GET", path+"/corrections/1", ""); resp.StatusCode != 200 || decode[transcript.Correction](t, body).Says != "我是原告。" {
		t.Errorf("request: %d %s", resp.StatusCode, body)
	}
	resp, body = c.do("POST", path+"/sign", `{`+signers+`}`)
	p := problemOf(t, resp, body, http.StatusConflict, "open-doubts")
	if doubts, _ := p["doubts"].([]any); len(doubts) != 1 || doubts[0].(map[string]any)["correction"] != "1" {
		t.Errorf("doubts: %s", body)
	}
	if resp, body := c.do("GET", path+"/doubts", ""); resp.StatusCode != 200 || !strings.Contains(body, `"complete":true`) || !strings.Contains(body, `"correction":"1"`) {
		t.Errorf("doubts: %d %s", resp.StatusCode, body)
	}
	resp, body = c.do("POST", path+"/explanations", `{"from_ms":0,"to_ms":500,"text":"没有中断"}`)
	problemOf(t, resp, body, http.StatusUnprocessableEntity, "invalid-field")
	resp, body = c.do("POST", path+"/readings", `{"by":{"role":"原告","name":"周启明"},"manner":"read","remark":"有一处要补正"}`)
	if h := decode[capture.Hearing](t, body); resp.StatusCode != 200 || len(h.Readings) != 1 || h.Readings[0].Remark == "" {
		t.Errorf("reading: %d %s", resp.StatusCode, body)
	}
	resp, body = c.do("POST", path+"/corrections/1/decide", `{"outcome":"refused"}`)
	if p := problemOf(t, resp, body, http.StatusUnprocessableEntity, "invalid-field"); p["field"] != "reason" {
		t.Errorf("field %v", p["field"])
	}
	resp, body = c.do("POST", path+"/corrections/1/decide", `{"outcome":"accepted","revision":7}`)
	problemOf(t, resp, body, http.StatusConflict, "revision-conflict")
	resp, body = c.do("POST", path+"/corrections/1/decide", `{"outcome":"accepted","reason":"录音核实"}`)
	if d := decode[transcript.Correction](t, body).Decision; resp.StatusCode != 200 || d == nil || d.Text != "我是原告。" || d.Revision != 2 {
		t.Fatalf("decided: %d %s", resp.StatusCode, body)
	}
	resp, body = c.do("POST", path+"/corrections/1/decide", `{"outcome":"accepted"}`)
	problemOf(t, resp, body, http.StatusConflict, "correction-decided")
	if _, body := c.do("GET", path+"/corrections", ""); len(decode[struct{ Corrections []transcript.Correction }](t, body).Corrections) != 1 {
		t.Errorf("requests: %s", body)
	}
	if _, body := c.do("GET", path+"/lines/"+lines[1].ID, ""); decode[transcript.Line](t, body).Text != "我是原告。" {
		t.Errorf("the line: %s", body)
	}

	resp, body = c.do("POST", path+"/sign", `{`+signers+`,"reason":"原告已离庭"}`)
	signed := decode[capture.Hearing](t, body)
	if resp.StatusCode != 200 || signed.Status != capture.Signed || signed.Signing == nil || len(signed.Signing.Unsigned) != 1 || signed.Signing.Unsigned[0].Name != "周启明" {
		t.Fatalf("signed: %d %s", resp.StatusCode, body)
	}
	value := signed.Signing.Integrity
	for _, write := range []struct{ method, path, body string }{
		{"POST", "/sign", `{` + signers + `}`},
		{"POST", "/open", ""},
		{"POST", "/lines", `{"text":"补记"}`},
		{"PUT", "/lines/" + lines[0].ID, `{"text":"改"}`},
		{"POST", "/corrections", `{"by":{"role":"原告","name":"周启明"},"line":"` + lines[1].ID + `","says":"改"}`},
		{"POST", "/corrections/1/decide", `{"outcome":"accepted"}`},
	} {
		resp, body := c.do(write.method, path+write.path, write.body, "If-Match", "1")
		problemOf(t, resp, body, http.StatusLocked, "record-signed")
	}
	for format, want := range map[string]string{"txt": "完整性校验值（SHA-256）：" + value, "json": `"integrity": "` + value + `"`} {
		if resp, body := c.do("GET", path+"/record."+format, ""); resp.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("record.%s has no %q: %s", format, want, body)
		}
	}
	if _, body := c.do("GET", path+"/record.txt", ""); !strings.Contains(body, "1．原告周启明请求将00:00:00处原告“我是plaintiff。”补正为“我是原告。”。说明：听错了。处理：准予补正，现记为“我是原告。”。理由：录音核实。") {
		t.Errorf("no correction in %s", body)
	}

	_, body = c.do("GET", path+"/proof", "")
	proof := decode[struct{ Integrity, Manifest, Folder string }](t, body)
	if proof.Integrity != value || !strings.Contains(proof.Manifest, "  audio/judge-1-1.wav\n") {
		t.Errorf("proof: %s", body)
	}
	resp, body = c.do("GET", proof.Folder, "")
	if resp.StatusCode != 200 || !strings.HasSuffix(resp.Header.Get("Content-Disposition"), ".zip") {
		t.Fatalf("zip: %d %v", resp.StatusCode, resp.Header)
	}
	z, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := fs.Sub(z, h.ID)
	if err != nil {
		t.Fatal(err)
	}
	v, err := transcript.Verify(t.Context(), folder, nil)
	if err != nil || v.Integrity != value || v.AudioFiles != 2 || v.Sound != 2*time.Second || v.Corrections != 1 {
		t.Errorf("the folder: %+v, %v", v, err)
	}
	resp, body = c.do("GET", path+"/proof?format=tar", "")
	problemOf(t, resp, body, http.StatusBadRequest, "malformed")

	// The archive's sound is changed: whoever asks for the folder gets none.
	sound := filepath.Join(c.dir, "2026", h.ID, "judge", "1-1.wav")
	data, err := os.ReadFile(sound)
	if err != nil {
		t.Fatal(err)
	}
	data[1000] ^= 1
	if err := os.WriteFile(sound, data, 0o644); err != nil {
		t.Fatal(err)
	}
	resp, err = http.Get(c.url + proof.Folder)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("a folder with changed sound was sent whole")
	}
}

func TestSigningRefused(t *testing.T) {
	c := openCourt(t)
	open := c.hearing("court-3")
	path := "/api/v1/hearings/" + open.ID
	resp, body := c.do("POST", path+"/sign", `{`+signers+`}`)
	problemOf(t, resp, body, http.StatusConflict, "wrong-state")
	resp, body = c.do("GET", path+"/proof", "")
	problemOf(t, resp, body, http.StatusConflict, "wrong-state")
	if _, err := c.docket.Close(t.Context(), open.ID, ""); err != nil {
		t.Fatal(err)
	}
	resp, body = c.do("GET", path+"/proof", "")
	problemOf(t, resp, body, http.StatusConflict, "incomplete")
	resp, body = c.do("POST", path+"/sign", `{`+signers+`}`)
	problemOf(t, resp, body, http.StatusConflict, "demo-record")

	h, lines := c.held()
	path = "/api/v1/hearings/" + h.ID
	for name, test := range map[string]struct {
		path, body string
		status     int
		code       string
		field      string
	}{
		"nobody signs":     {"/sign", `{}`, 422, "invalid-field", "signers"},
		"unknown role":     {"/sign", `{"signers":[{"role":"路人","name":"甲"}]}`, 422, "invalid-field", "signers[0].role"},
		"no name":          {"/sign", `{"signers":[{"role":"审判长","name":""}]}`, 422, "invalid-field", "signers[0].name"},
		"twice":            {"/sign", `{"signers":[{"role":"审判长","name":"甲"},{"role":"审判长","name":"甲"}]}`, 422, "invalid-field", "signers[1].name"},
		"unknown field":    {"/sign", `{"signer":[]}`, 400, "malformed", "signer"},
		"no body":          {"/sign", ``, 415, "unsupported-media-type", ""},
		"no line":          {"/corrections", `{"by":{"role":"原告","name":"周启明"},"says":"甲"}`, 422, "invalid-field", "line"},
		"unknown line":     {"/corrections", `{"by":{"role":"原告","name":"周启明"},"line":"none","says":"甲"}`, 404, "not-found", ""},
		"nothing said":     {"/corrections", `{"by":{"role":"原告","name":"周启明"},"line":"` + lines[0].ID + `"}`, 422, "invalid-field", "says"},
		"control in says":  {"/corrections", `{"by":{"role":"原告","name":"周启明"},"line":"` + lines[0].ID + `","says":"\u0007"}`, 422, "invalid-field", "says"},
		"unknown request":  {"/corrections/1/decide", `{"outcome":"accepted"}`, 404, "not-found", ""},
		"unknown request2": {"/corrections/x/decide", `{"outcome":"accepted"}`, 404, "not-found", ""},
		"unknown outcome":  {"/corrections/1/decide", `{"outcome":"ok"}`, 422, "invalid-field", "outcome"},
	} {
		t.Run(name, func(t *testing.T) {
			c := *c
			c.t = t
			resp, body := c.do("POST", path+test.path, test.body)
			if p := problemOf(t, resp, body, test.status, test.code); test.field != "" && p["field"] != test.field {
				t.Errorf("field %v, want %s", p["field"], test.field)
			}
		})
	}
	for _, missing := range []string{"/corrections/1", "/corrections/none"} {
		resp, body := c.do("GET", path+missing, "")
		problemOf(t, resp, body, http.StatusNotFound, "not-found")
	}
	for _, missing := range []string{"/corrections", "/proof"} {
		resp, body := c.do("GET", "/api/v1/hearings/none"+missing, "")
		problemOf(t, resp, body, http.StatusNotFound, "not-found")
	}
}

// A format for which something has to be installed says so.
func TestFormatThatIsNotInstalled(t *testing.T) {
	c := openCourt(t, func(cfg *web.Config) {
		cfg.Records["pdf"] = web.RecordFormat{ContentType: "application/pdf", Write: func(context.Context, io.Writer, transcript.Record) error {
			return &transcript.UnavailableError{Text: "请安装 LibreOffice", TextEN: "install LibreOffice"}
		}}
	})
	h := c.hearing("court-3")
	resp, body := c.do("GET", "/api/v1/hearings/"+h.ID+"/record.pdf", "")
	if p := problemOf(t, resp, body, http.StatusNotImplemented, "not-installed"); p["detail"] != "请安装 LibreOffice" {
		t.Errorf("detail %v", p["detail"])
	}
}

// What was signed and is damaged is never shown as if it were whole.
func TestDamagedRecordIsRefused(t *testing.T) {
	c := openCourt(t)
	h, _ := c.held()
	path := "/api/v1/hearings/" + h.ID
	if resp, body := c.do("POST", path+"/sign", `{`+signers+`}`); resp.StatusCode != 200 {
		t.Fatalf("sign: %d %s", resp.StatusCode, body)
	}
	// Past the program: the triggers of the database are taken away first.
	if err := c.tamper(`DROP TRIGGER sealed_files_keep`, `DROP TRIGGER lines_sealed`,
		`UPDATE lines SET text = '我是别人。' WHERE channel = 'judge'`); err != nil {
		t.Fatal(err)
	}
	_, body := c.do("GET", path+"/record.json", "")
	if r := decode[struct{ Lines []json.RawMessage }](t, body); len(r.Lines) != 2 || strings.Contains(body, "别人") {
		t.Errorf("the record is not the one that was signed: %s", body)
	}
	resp, body := c.do("GET", path+"/proof", "")
	problemOf(t, resp, body, http.StatusInternalServerError, "proof-broken")
	if err := c.tamper(`UPDATE sealed_files SET data = (SELECT data FROM sealed_files WHERE path = 'hearing.json') WHERE path = 'record.json'`); err != nil {
		t.Fatal(err)
	}
	resp, body = c.do("GET", path+"/record.txt", "")
	if p := problemOf(t, resp, body, http.StatusInternalServerError, "proof-broken"); !strings.Contains(p["detail"].(string), "record.json") {
		t.Errorf("detail %v", p["detail"])
	}
}

// tamper changes the database behind the program's back.
func (c *court) tamper(queries ...string) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.dir, "record.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	for _, q := range queries {
		if _, err := db.ExecContext(c.t.Context(), q); err != nil {
			return err
		}
	}
	return nil
}

// interrupted is a closed hearing of one seat that was deaf for four seconds.
func (c *court) interrupted() capture.Hearing {
	c.t.Helper()
	ctx := c.t.Context()
	h, err := c.docket.Create(ctx, transcript.NewHearing{CaseNo: "（2026）内0000民初2号", Courtroom: "court-3",
		Seats: []capture.Seat{{Channel: "judge", Role: "审判长", Speaker: "沈知远"}}})
	if err != nil {
		c.t.Fatal(err)
	}
	// It was held a while ago: nothing is on its way any more.
	opened := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
	h, _, err = c.store.UpdateHearing(ctx, h.ID, func(h *capture.Hearing) error {
		closed := opened.Add(20 * time.Second)
		h.Status, h.OpenedAt, h.ClosedAt = capture.Closed, &opened, &closed
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.say(h, "judge", 0, 3*time.Second, asr.Final, "现在开庭。")
	var sound store.AudioBatch
	for i, at := range []time.Duration{0, 12 * time.Second} {
		epoch := uint64(i + 1)
		sound.Channels = append(sound.Channels[:0], store.AudioChannel{Hearing: h.ID, Channel: "judge", Epoch: epoch, Seq: uint64(32 * (i + 1)), Samples: 8 * capture.Rate, Ended: true, StoredAt: opened})
		sound.Files = append(sound.Files, store.AudioFile{Hearing: h.ID, Channel: "judge", Epoch: epoch, Part: 1, File: fmt.Sprintf("x/%d.wav", i), Samples: 8 * capture.Rate,
			StartedAt: opened.Add(at), FirstSeq: uint64(32*i + 1), LastSeq: uint64(32 * (i + 1))})
	}
	if err := c.store.StoreAudio(ctx, sound); err != nil {
		c.t.Fatal(err)
	}
	c.lines(h, 1)
	return h
}
