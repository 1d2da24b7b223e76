package transcript_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/digitorus/timestamp"

	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/tsa/tsatest"
)

// direct asks an authority without a network, which has no place in a bubble.
type direct struct {
	*tsatest.Authority
	asked atomic.Int32
}

func (d *direct) Stamp(_ context.Context, integrity string) ([]byte, error) {
	d.asked.Add(1)
	sum, err := hex.DecodeString(integrity)
	if err != nil {
		return nil, err
	}
	query, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum, Certificates: true}).Marshal()
	if err != nil {
		return nil, err
	}
	return d.Reply(query)
}

func stampAlarm(d *transcript.Docket) *capture.Alarm {
	for _, h := range d.Health() {
		for _, a := range h.Alarms {
			if a.Code == "timestamp-missing" {
				return &a
			}
		}
	}
	return nil
}

// A record is signed while the authority is away: it is signed all the same,
// the proof says what is missing, and when the authority is back it comes.
func TestStampComesLater(t *testing.T) {
	authority := tsatest.New(t)
	synctest.Test(t, func(t *testing.T) {
		c := heardDay(t, false)
		stamper := &direct{Authority: authority}
		transcript.WithStamper(stamper)(c.Docket)
		authority.Away.Store(true)
		stop := run(t, c.Docket, newFakeLog())
		defer stop()
		c.hearing = c.mustSign()
		synctest.Wait()
		proof := func() *transcript.Proof {
			t.Helper()
			p, err := c.Proof(t.Context(), c.hearing.ID)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if p := proof(); p.Stamp != nil || !p.Unstamped {
			t.Errorf("proof %+v", p.Stamp)
		}
		if a := stampAlarm(c.Docket); a == nil || !strings.Contains(a.Text, "1 份") {
			t.Errorf("alarm %+v", a)
		}
		bare := folderOf(t, proof())
		if v, err := transcript.Verify(t.Context(), bare, authority.CA); err != nil || v.Stamp != nil {
			t.Errorf("without a time-stamp: %+v, %v", v, err)
		}
		time.Sleep(time.Hour)
		if asked := stamper.asked.Load(); asked < 4 || asked > 10 {
			t.Errorf("asked %d times in an hour", asked)
		}
		authority.Away.Store(false)
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		asked := stamper.asked.Load()
		if p := proof(); p.Stamp == nil || p.Unstamped || p.Stamp.Authority != "O=Time of a test" || p.Integrity != c.hearing.Signing.Integrity {
			t.Errorf("proof %+v", p.Stamp)
		}
		if a := stampAlarm(c.Docket); a != nil {
			t.Errorf("alarm %+v", a)
		}
		time.Sleep(2 * time.Hour)
		if stamper.asked.Load() != asked {
			t.Error("asked again for what is there")
		}
		folder := folderOf(t, proof())
		for path, f := range bare {
			if path != "integrity.txt" && !bytes.Equal(f.Data, folder[path].Data) {
				t.Errorf("%s changed with the time-stamp", path)
			}
		}
		stampedFolder(t, authority, folder)
	})
}

// stampedFolder is verified by this program and by openssl, and tampered with.
func stampedFolder(t *testing.T, authority *tsatest.Authority, folder fstest.MapFS) {
	v, err := transcript.Verify(t.Context(), folder, authority.CA)
	if err != nil || v.Stamp == nil {
		t.Fatalf("%+v, %v", v, err)
	}
	dir := t.TempDir()
	for _, path := range []string{"timestamp.tsr", "manifest.sha256"} {
		if err := os.WriteFile(filepath.Join(dir, path), folder[path].Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := authority.Verify(filepath.Join(dir, "timestamp.tsr"), filepath.Join(dir, "manifest.sha256")); err != nil {
		t.Error(err)
	}
	wrong := func(what, want string) {
		t.Helper()
		_, err := transcript.Verify(t.Context(), folder, nil)
		var wrong *transcript.MismatchError
		if !errors.As(err, &wrong) || wrong.File != want {
			t.Errorf("%s: %v", what, err)
		}
	}
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 500 {
		path := []string{"timestamp.tsr", "integrity.txt"}[i%2]
		data := folder[path].Data
		at := random.IntN(len(data))
		was := data[at]
		data[at] ^= byte(1 + random.IntN(255))
		wrong(path, path)
		data[at] = was
	}
	for _, path := range slices.Sorted(maps.Keys(folder)) {
		f := folder[path]
		delete(folder, path)
		wrong(path+" gone", path)
		folder[path] = f
	}
	// That of another record, listed as it should be.
	stamp, seal := folder["timestamp.tsr"], folder["integrity.txt"]
	other, err := (&direct{Authority: authority}).Stamp(t.Context(), strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(seal.Data), "\n")
	folder["timestamp.tsr"] = &fstest.MapFile{Data: other}
	folder["integrity.txt"] = &fstest.MapFile{Data: []byte(first + "\n" + transcript.StampLine(other))}
	wrong("another record's", "timestamp.tsr")
	folder["integrity.txt"] = &fstest.MapFile{Data: []byte(first + "\n")}
	wrong("one that is not listed", "timestamp.tsr")
	folder["timestamp.tsr"], folder["integrity.txt"] = stamp, seal
	if _, err := transcript.Verify(t.Context(), folder, nil); err != nil {
		t.Error(err)
	}
}

func FuzzReadStamp(f *testing.F) {
	f.Add([]byte("\x30\x05\x30\x03\x02\x01\x02"))
	f.Add([]byte("\x30\x80\x30\x03\x02\x01\x00\x30\x80\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := transcript.ReadStamp(data, strings.Repeat("ab", 32), nil); err == nil && s.At.IsZero() {
			t.Errorf("a time-stamp without a time: %+v", s)
		}
	})
}
