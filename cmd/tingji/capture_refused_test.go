package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tingji/store/kafka"
)

// TestCaptureOutlivesARefusal: the broker is there and refuses for good, here
// because the PC was configured with another number of partitions. The PC records
// all the same, sends nothing, and says why.
func TestCaptureOutlivesARefusal(t *testing.T) {
	needShell(t)
	broker := embeddedBroker(t)
	client, err := kafka.New(kafka.Config{Brokers: broker.Addrs(), Replication: 1}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Ensure(t.Context(), kafka.Topics(16)...); err != nil {
		t.Fatal(err)
	}
	config := writeConfig(t, "[kafka]\npartitions = 8\n[capture]\ncourtroom = \"3\"\n[[courtroom]]\nid = \"3\"\n"+
		"[[courtroom.seat]]\nchannel = \"judge\"\nrole = \"审判长\"\nsource = \""+noiseSource+"\"\n")
	dir, control := t.TempDir(), freePort(t)
	environ := []string{"TINGJI_CAPTURE_LISTEN=" + control, "TINGJI_KAFKA=" + strings.Join(broker.Addrs(), ","), "TINGJI_DATA=" + dir}
	daemon := startPC(t, config, control, environ)
	opened := false
	for range 400 {
		time.Sleep(50 * time.Millisecond)
		r := daemon.report()
		if r.Courtroom == "" {
			continue
		}
		if !opened {
			if _, errs, code := tingji(t, environ, "capture", "open", "--config", config); code != exitOK {
				t.Fatalf("open: exit %d: %s", code, errs)
			}
			opened = true
			continue
		}
		for _, a := range r.Alarms {
			if a.Code == "broker-unreachable" && strings.Contains(a.Text, "set kafka.partitions to 16") && r.Seats[0].Samples > 0 {
				if found, _ := filepath.Glob(filepath.Join(dir, "capture/archive/*/*.wav")); len(found) != 1 {
					t.Errorf("archive: %q", found)
				}
				return
			}
		}
	}
	t.Fatal("the daemon never says why nothing is sent")
}
