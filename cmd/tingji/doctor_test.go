package main

import (
	"strings"
	"testing"

	"tingji/store/kafka"
)

// TestDoctorTopics: a broker that answers is not yet one that can be used.
func TestDoctorTopics(t *testing.T) {
	broker := embeddedBroker(t)
	environ := []string{"TINGJI_KAFKA=" + strings.Join(broker.Addrs(), ","), "TINGJI_DATA=" + t.TempDir()}
	doctor := func(code int, want string, more ...string) {
		t.Helper()
		stdout, _, got := tingji(t, append(environ, more...), "doctor")
		if got != code || !strings.Contains(stdout, want) {
			t.Errorf("%q: exit %d, want %d and %q\n%s", more, got, code, want, stdout)
		}
	}
	const makes = "answers, without the topics audio.v1, segments.v1, positions.v1, hearings.v1, receipts.v1, status.v1, dead.v1: the record server makes them"
	doctor(exitOK, makes)
	doctor(exitOK, makes) // looking made none

	client, err := kafka.New(kafka.Config{Brokers: broker.Addrs(), Replication: 1}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Ensure(t.Context(), kafka.Topics(16)...); err != nil {
		t.Fatal(err)
	}
	doctor(exitOK, "answers; its topics are in order")
	doctor(exitFailure, "set kafka.partitions to 16", "TINGJI_KAFKA_PARTITIONS=8")
	doctor(exitFailure, "FAIL  form    record_template nowhere.docx: no such file", "TINGJI_RECORD_TEMPLATE=nowhere.docx")
}
