//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store/kafka"
	"tingji/transcript"
)

// TestSeatJoinsAHearing adds a seat on the courtroom's PC while the server's hearing is
// open: it is recorded at once, and the server archives its sound before the hearing
// has the seat. The clerk adds it: the PC has the person, and the ledger no fault.
func TestSeatJoinsAHearing(t *testing.T) {
	needShell(t)
	broker := embeddedBroker(t)
	brokers := strings.Join(broker.Addrs(), ",")
	seat := func(channel, role, source string) string {
		return fmt.Sprintf("[[courtroom.seat]]\nchannel = %q\nrole = %q\nsource = %q\n", channel, role, source)
	}
	judge := "[capture]\ncourtroom = \"3\"\n[[courtroom]]\nid = \"3\"\nname = \"第三审判庭\"\n" + seat("judge", "审判长", noiseSource)
	serverConfig, pcConfig := writeConfig(t, judge), writeConfig(t, judge)
	dir, control := t.TempDir(), freePort(t)
	server := start(t, "serve", "--config", serverConfig, "--kafka", brokers, "--data", filepath.Join(dir, "server"), "--listen", "127.0.0.1:0")
	environ := []string{"TINGJI_CAPTURE_LISTEN=" + control, "TINGJI_KAFKA=" + brokers, "TINGJI_DATA=" + filepath.Join(dir, "pc")}
	pc := startPC(t, pcConfig, control, environ)

	var h capture.Hearing
	server.post("/api/v1/hearings", json.RawMessage(`{"case_no":"（2026）内0000民初7号","cause":"买卖合同纠纷","courtroom":"3","participants":[]}`), http.StatusCreated, &h)
	path := "/api/v1/hearings/" + h.ID
	server.post(path+"/open", json.RawMessage(`{}`), http.StatusOK, &h)
	of := func(channel string) (s capture.SeatHealth) {
		for _, s := range pc.report().Seats {
			if s.Channel == channel {
				return s
			}
		}
		return s
	}
	wait := func(what string, ok func() bool) {
		t.Helper()
		if !eventually(20*time.Second, ok) {
			t.Fatalf("never: %s; %+v", what, pc.report())
		}
	}
	wait("the judge is recorded", func() bool { return of("judge").Hearing == h.ID && of("judge").Samples > 0 })
	joined := time.Since(*h.OpenedAt)
	if err := os.WriteFile(pcConfig, []byte(judge+seat("guest", "原告", noiseSource+" guest")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := tingji(t, environ, "capture", "reload", "--config", pcConfig); code != exitOK {
		t.Fatalf("reload: exit %d: %s%s", code, out, errs)
	}
	channels := func() map[string]transcript.ChannelProgress {
		var now struct{ Progress transcript.Progress }
		if err := server.get(path, &now); err != nil {
			t.Fatal(err)
		}
		found := map[string]transcript.ChannelProgress{}
		for _, c := range now.Progress.Channels {
			found[c.Channel] = c
		}
		return found
	}
	wait("the server has its sound", func() bool { return channels()["guest"].StoredMS > 0 })
	if server.get(path, &h); len(h.Seats) != 1 {
		t.Fatalf("the hearing has the seat by itself: %+v", h.Seats)
	}
	server.post(path+"/seats", json.RawMessage(`{"channel":"ghost","role":"原告"}`), http.StatusUnprocessableEntity, nil)
	server.post(path+"/seats", json.RawMessage(`{"channel":"guest","role":"翻译人员","speaker":"李四"}`), http.StatusOK, &h)
	if len(h.Seats) != 2 || h.Seats[1].Speaker != "李四" || !h.Seats[1].From.IsZero() {
		t.Errorf("added as %+v", h.Seats)
	}
	wait("the PC knows who sits there", func() bool { return of("guest").Role == "翻译人员" && of("guest").Recording })
	server.post(path+"/close", json.RawMessage(`{}`), http.StatusOK, &h)
	wait("all of it is stored", func() bool {
		c := channels()
		return c["guest"].Missing == 0 && of("guest").Hearing == "" && len(pc.report().Health.Seats) == 2 && pc.report().Chunks == 0
	})
	var ledger transcript.Ledger
	if err := server.get(path+"/ledger", &ledger); err != nil || ledger.LengthMS == 0 {
		t.Errorf("ledger %+v, %v", ledger, err)
	}
	for _, e := range ledger.Entries { // a machine under load may hold the noise up later
		if e.Kind == transcript.KindFault && slices.Contains(e.Channels, "guest") && e.FromMS < joined.Milliseconds() {
			t.Errorf("the seat is missed before it was there: %+v", e)
		}
	}
	for _, channel := range []string{"judge", "guest"} {
		if wavs, _ := filepath.Glob(filepath.Join(dir, "server/audio/*", h.ID, channel, "*.wav")); len(wavs) == 0 {
			t.Errorf("the server has no sound of %s", channel)
		}
	}
	client, err := kafka.New(kafka.Config{Brokers: broker.Addrs(), Replication: 1}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if first, next, err := client.Offsets(t.Context(), kafka.TopicDead, 0); err != nil || next != first {
		t.Errorf("dead.v1 has %d records, %v", next-first, err)
	}
}
