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
	"tingji/testdata/hearing"
)

// TestTwoPCsOfOneCourtroom: two PCs are configured for the same courtroom, and the
// hearing is opened for both at once. One of them records, the other says why it does
// not; when the first ends, the second goes on in an epoch of its own. The server's
// archive has no file with sound of both, and what each PC has archived.
func TestTwoPCsOfOneCourtroom(t *testing.T) {
	t.Parallel() // it waits for half of its time
	broker := embeddedBroker(t)
	brokers := strings.Join(broker.Addrs(), ",")
	const room = "[capture]\ncourtroom = \"3\"\n[[courtroom]]\nid = \"3\"\nname = \"第三审判庭\"\n[[courtroom.seat]]\nchannel = \"judge\"\nrole = \"审判长\"\n"
	dir := t.TempDir()
	server := start(t, "serve", "--config", writeConfig(t, room), "--kafka", brokers, "--data", filepath.Join(dir, "server"), "--listen", "127.0.0.1:0")
	pcs := map[string]*pc{}
	for i, letter := range []string{"A", "B"} { // every sample of a PC is 0x0101, or 0x0202
		recording := filepath.Join(dir, letter+".wav")
		wav(t, recording, hearing.Recording{PCM: []int16{int16(0x0101 * (i + 1))}}, 60*capture.Rate)
		source := "file:" + recording
		control := freePort(t)
		pcs[letter] = startPC(t, writeConfig(t, room+fmt.Sprintf("source = %q\n", source)), control,
			[]string{"TINGJI_CAPTURE_LISTEN=" + control, "TINGJI_KAFKA=" + brokers, "TINGJI_DATA=" + filepath.Join(dir, letter)})
	}
	wait := func(what string, ok func() bool) {
		t.Helper()
		if !eventually(20*time.Second, ok) {
			t.Fatalf("never: %s; %+v; %+v", what, pcs["A"].report(), pcs["B"].report())
		}
	}
	said := func(letter string) (codes []string) {
		for _, a := range pcs[letter].report().Alarms {
			codes = append(codes, a.Code)
		}
		return codes
	}
	const twice = "courtroom-twice"
	wait("both know of each other", func() bool { return slices.Contains(said("A"), twice) && slices.Contains(said("B"), twice) })

	var h capture.Hearing
	server.post("/api/v1/hearings", json.RawMessage(`{"case_no":"（2026）内0000民初8号","cause":"买卖合同纠纷","courtroom":"3","participants":[]}`), http.StatusCreated, &h)
	path := "/api/v1/hearings/" + h.ID
	server.post(path+"/open", json.RawMessage(`{}`), http.StatusOK, &h)
	sent := func(letter string) capture.SampleIndex {
		if seats := pcs[letter].report().Seats; len(seats) == 1 && seats[0].Hearing == h.ID {
			return seats[0].Samples
		}
		return 0
	}
	first, second := "A", "B"
	wait("one of them records", func() bool {
		if sent("B") > 0 {
			first, second = "B", "A"
		}
		return sent(first) > 3*capture.Rate
	})
	if n := sent(second); n > 0 || !slices.Contains(said(second), twice) {
		t.Errorf("both record: the second %d samples, and says %q", n, said(second))
	}
	pcs[first].stop()
	wait("the second goes on", func() bool { return sent(second) > 2*capture.Rate })
	wait("the second is alone", func() bool { return !slices.Contains(said(second), twice) })
	server.post(path+"/close", json.RawMessage(`{}`), http.StatusOK, &h)

	files := func(folder string) (found []string) {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(path string, _ os.DirEntry, err error) error {
			if filepath.Ext(path) == ".wav" {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	// heard counts the samples of each PC in a folder, and that no file has both.
	heard := func(folder string) map[string]int {
		t.Helper()
		all := map[string]int{}
		for _, path := range files(folder) {
			wav, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sound := string(wav[min(44, len(wav)):])
			a, b := strings.Count(sound, "\x01\x01"), strings.Count(sound, "\x02\x02")
			if a > 0 && b > 0 {
				t.Errorf("%s has %d samples of A and %d of B", path, a, b)
			}
			all["A"], all["B"] = all["A"]+a, all["B"]+b
		}
		return all
	}
	// What the first had not sent when it was stopped, chunks of a tenth of a second,
	// waits in its spool.
	const unsent = capture.Rate / 2
	var archived, got map[string]int
	if !eventually(20*time.Second, func() bool {
		archived = map[string]int{first: heard(first)[first], second: heard(second)[second]}
		got = heard("server")
		return t.Failed() || got[first] >= archived[first]-unsent && got[second] == archived[second]
	}) || got[first] > archived[first] {
		t.Errorf("the PCs have archived %v samples, the server %v", archived, got)
	}
}
