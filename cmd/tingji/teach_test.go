package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// recogniserAlone runs demo-asr as a server of its own, as a court would run its
// engine, and returns its base URL.
func recogniserAlone(t *testing.T) string {
	t.Helper()
	recogniserInPath(t)
	cmd := exec.Command(decoderProgram, "--child")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("it does not serve: %v", err)
	}
	return strings.TrimSpace(line)
}

// TestTaughtByCorrection: a court's own hearing, of which nobody has said who
// takes part. The clerk puts a party's name right once, and it is right the next
// time it is said; a name that nobody has put right stays wrong. What came of it
// is a demonstration although the hearing was opened as a real one.
func TestTaughtByCorrection(t *testing.T) {
	url := recogniserAlone(t)
	ref, _ := reference(t)
	const taught, untaught = "周启明", "何文柏"
	p := start(t, "up", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--pace", "12", "--config", courtroomOf(t, ref, "judge"), "--asr-url", url)
	var h capture.Hearing
	p.post("/api/v1/hearings", map[string]any{"case_no": ref.CaseNo, "cause": ref.Cause, "courtroom": "3"}, http.StatusCreated, &h)
	path := "/api/v1/hearings/" + h.ID
	p.post(path+"/open", struct{}{}, http.StatusOK, nil)

	find := func(words string) (line transcript.Line) {
		p.until(words+" is heard", func() bool {
			for _, l := range p.lines(h.ID) {
				if strings.Contains(l.Text, words) {
					line = l
					return true
				}
			}
			return false
		})
		return line
	}
	first := find("公开审理")
	if strings.Contains(first.Text, taught) || strings.Contains(first.Text, untaught) {
		t.Fatalf("%q: the name is right before anybody has said it", first.Text)
	}
	p.put(path+"/lines/"+first.ID, first.Revision, map[string]any{"text": "本院今天公开审理原告周启明诉被告民间借贷纠纷一案"})
	p.post(path+"/hotwords", map[string]any{"words": []string{taught}}, http.StatusOK, nil)

	again := find("判决生效")
	t.Logf("then %q", again.Text)
	if !strings.Contains(again.Text, taught) {
		t.Errorf("%q: %s has been taught", again.Text, taught)
	}
	if strings.Contains(again.Text, untaught) {
		t.Errorf("%q: %s has not been taught", again.Text, untaught)
	}

	p.until("all is stored", func() bool {
		got, err := p.only()
		return err == nil && len(got.Progress.Channels) == 1 && got.Progress.Channels[0].StoredMS == int64(ref.Samples)/16
	})
	p.post(path+"/close", struct{}{}, http.StatusOK, nil)
	p.untilComplete(time.Minute)
	var problem struct{ Code string }
	p.post(path+"/sign", map[string]any{"signers": []capture.Participant{{Role: "审判长", Name: "甲"}}, "overrule": "试"}, http.StatusConflict, &problem)
	if problem.Code != "demo-record" {
		t.Errorf("signing is refused with %q", problem.Code)
	}
	resp, err := http.Get(p.url + path + "/record.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || !bytes.Contains(text, []byte("【演示】由示例识别引擎生成")) {
		t.Errorf("the record is not marked as a demonstration: %v\n%s", err, text)
	}
}

// put revises a line as the page does.
func (p *program) put(path string, revision int, body any) {
	p.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPut, p.url+path, bytes.NewReader(data))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("If-Match", fmt.Sprintf("%q", fmt.Sprint(revision)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		p.t.Fatalf("PUT %s: %s: %s", path, resp.Status, answer)
	}
}
