package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tingji/capture"
)

// TestHearingByHand: the server is away and a hearing is opened on the PC, goes
// through a restart of the PC and a break, and is closed. When the server runs,
// the hearing is there with its sound, is bound to its case and takes over what
// was announced; nothing of it is in dead.v1.
func TestHearingByHand(t *testing.T) {
	needShell(t)
	broker := embeddedBroker(t)
	config := writeConfig(t, "[capture]\ncourtroom = \"3\"\n[[courtroom]]\nid = \"3\"\nname = \"第三审判庭\"\n"+
		"[[courtroom.seat]]\nchannel = \"judge\"\nrole = \"审判长\"\nsource = \""+noiseSource+"\"\n")
	dir, control := t.TempDir(), freePort(t)
	environ := []string{"TINGJI_CAPTURE_LISTEN=" + control, "TINGJI_KAFKA=" + strings.Join(broker.Addrs(), ","), "TINGJI_DATA=" + filepath.Join(dir, "pc")}
	var pc *pc
	by := func(command, said string) {
		t.Helper()
		for i := 0; ; i++ {
			out, errs, code := tingji(t, environ, "capture", command, "--config", config)
			if code == exitOK && strings.Contains(out, said) {
				return
			}
			if i > 100 || !strings.Contains(errs, "no tingji capture answers") {
				t.Fatalf("%s: exit %d: %s%s", command, code, out, errs)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	recorded := func() {
		t.Helper()
		for range 400 {
			if r := pc.report(); len(r.Seats) > 0 && r.Seats[0].Samples > capture.Rate/2 {
				return
			}
			time.Sleep(25 * time.Millisecond)
		}
		t.Fatalf("nothing is recorded: %+v", pc.report())
	}
	pc = startPC(t, config, control, environ)
	by("open", "open")
	recorded()
	pc.stop()
	pc = startPC(t, config, control, environ)
	recorded()
	by("pause", "paused")
	by("close", "closed")
	pc.stop()

	// The PC is switched off and was so for long, as signs of life go; the server
	// comes: what it can know is there.
	time.Sleep(3500 * time.Millisecond)
	serve := func() *program {
		return start(t, "serve", "--config", config, "--kafka", strings.Join(broker.Addrs(), ","), "--data", filepath.Join(dir, "server"), "--listen", "127.0.0.1:0")
	}
	server := serve()
	var h heardHearing
	until := func(what string, ok func() bool) {
		t.Helper()
		for range 400 {
			var err error
			if h, err = server.only(); err == nil && ok() {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("%s: %+v", what, h)
	}
	until("adopted", func() bool { return h.Status == capture.Closed })
	if !strings.HasSuffix(h.ID, "-pc-3") || h.CaseNo != "" || len(h.Breaks) != 1 || h.Breaks[0].To == nil || h.Seats[0].Role != "审判长" {
		t.Errorf("adopted as %+v", h)
	}
	server.kill()
	server = serve()

	// A hearing under way is changed by hand, and the server takes that in.
	pc = startPC(t, config, control, environ)
	by("open", "open")
	second := ""
	for range 400 {
		var list struct{ Hearings []capture.Hearing }
		if err := server.get("/api/v1/hearings?status=open", &list); err == nil && len(list.Hearings) == 1 {
			second = list.Hearings[0].ID
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	by("close", "closed")
	for range 400 {
		var got heardHearing
		if server.get("/api/v1/hearings/"+second, &got) == nil && got.Status == capture.Closed && len(pc.report().ByHand) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if left := pc.report().ByHand; len(left) > 0 {
		t.Errorf("the PC still tells of %+v", left)
	}

	post := func(path, body string, want int) (answer map[string]any) {
		t.Helper()
		server.post(path, json.RawMessage(body), want, &answer)
		return answer
	}
	announced := post("/api/v1/hearings", `{"case_no":"（2026）内0000民初7号","cause":"买卖合同纠纷","courtroom":"3",
		"participants":[{"role":"原告","name":"周启明"}],"seats":[{"channel":"judge","role":"独任审判员","speaker":"沈知远"}]}`, http.StatusCreated)
	path := "/api/v1/hearings/" + h.ID
	refused := post(path+"/sign", `{"signers":[{"role":"审判长","name":"沈知远"}]}`, http.StatusConflict)
	if refused["code"] != "no-case" || !strings.Contains(fmt.Sprint(refused["detail"]), "还没有绑定案件") {
		t.Errorf("signed without a case: %v", refused)
	}
	bound := post(path+"/case", `{"case_no":"(2026)内0000民初7号"}`, http.StatusOK)
	if bound["case_no"] != "（2026）内0000民初7号" || bound["cause"] != "买卖合同纠纷" || !strings.Contains(fmt.Sprint(bound["seats"]), "沈知远") {
		t.Errorf("bound as %v", bound)
	}
	var taken capture.Hearing
	if err := server.get("/api/v1/hearings/"+announced["id"].(string), &taken); err != nil || taken.TakenOverBy != h.ID {
		t.Errorf("the announcement is %+v, %v", taken, err)
	}
	// All its sound is there.
	wavs, _ := filepath.Glob(filepath.Join(dir, "server/audio/*", h.ID, "judge/*.wav"))
	if len(wavs) < 2 {
		t.Errorf("sound on the server: %q", wavs)
	}
}
