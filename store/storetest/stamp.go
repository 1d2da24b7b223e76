package storetest

import (
	"bytes"
	"testing"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// A time-stamp comes after the signature, once.
func testStamp(t *testing.T, b *bench) {
	seal := func(id string, at time.Time) {
		t.Helper()
		b.hearing(id)
		_, last := b.lines(id, 0)
		_, _, err := b.Seal(b.ctx, id, last, []transcript.SealedFile{{Path: "record.json", Data: []byte("{}")}}, func(h *capture.Hearing) error {
			h.Status = capture.Signed
			h.Signing = &capture.Signing{At: at, Integrity: id, Signers: []capture.Participant{}, Unsigned: []capture.Participant{}}
			return nil
		})
		b.ok(err)
	}
	unstamped := func(want string) {
		t.Helper()
		list, err := b.Unstamped(b.ctx, day)
		b.ok(err)
		if got := ids(list, hearingID); got != want {
			t.Errorf("without a time-stamp: %q, want %q", got, want)
		}
	}
	seal("h1", day.Add(time.Hour))
	seal("h2", day.Add(2*time.Hour))
	seal("h3", day.Add(-time.Second))
	b.hearing("h4")
	unstamped("h2 h1")
	for _, stamp := range []string{"first", "second"} {
		b.ok(b.KeepStamp(b.ctx, "h2", []byte(stamp)))
	}
	unstamped("h1")
	files, err := b.Sealed(b.ctx, "h2")
	b.ok(err)
	if len(files) != 2 || files[1].Path != "timestamp.tsr" || !bytes.Equal(files[1].Data, []byte("first")) {
		t.Errorf("kept %+v", files)
	}
	mustBeA[*transcript.StateError](t, b.KeepStamp(b.ctx, "h4", []byte("x")))
	mustBe(t, b.KeepStamp(b.ctx, "none", []byte("x")), transcript.ErrNotFound)
	unstamped("h1")
}
