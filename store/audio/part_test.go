package audio

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tingji/capture"
	"tingji/store"
	"tingji/transcript"
)

// A part is written as the confirmed samples of its file with a head of its own,
// whatever stands behind them and in the file's head.
func TestWritePart(t *testing.T) {
	court := newBench(t, t.TempDir())
	db, dir := court.db, court.dir
	a := NewArchive(dir, db, quiet)
	const confirmed = 1000
	content := make([]byte, headerSize+2*(confirmed+50))
	for i := range content {
		content[i] = byte(i * 7)
	}
	file := store.AudioFile{Hearing: "h", Channel: "judge", Epoch: 2, Part: 3, File: "2026/h/judge/2-3.wav", First: 16000, Samples: confirmed, StartedAt: opened, FirstSeq: 1, LastSeq: 4}
	empty := file
	empty.Part, empty.Samples, empty.File = 4, 0, "2026/h/judge/2-4.wav"
	if err := db.StoreAudio(t.Context(), store.AudioBatch{Files: []store.AudioFile{file, empty}}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, filepath.FromSlash(file.File))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	parts, err := a.AudioParts(t.Context(), "h")
	if err != nil {
		t.Fatal(err)
	}
	want := []transcript.AudioPart{{Channel: "judge", Epoch: 2, Part: 3, First: 16000, Samples: confirmed, StartedAt: opened}}
	if !slices.Equal(parts, want) {
		t.Fatalf("parts %+v, want %+v", parts, want)
	}
	var b bytes.Buffer
	if err := a.WritePart(t.Context(), "h", parts[0], &b); err != nil {
		t.Fatal(err)
	}
	head := wavHeader(confirmed)
	if !bytes.Equal(b.Bytes(), append(head[:], content[headerSize:headerSize+2*confirmed]...)) {
		t.Errorf("%d bytes, beginning with %x", b.Len(), b.Bytes()[:headerSize])
	}
	// As it was signed: samples that were confirmed later are not in it.
	b.Reset()
	if err := a.WritePart(t.Context(), "h", transcript.AudioPart{Channel: "judge", Epoch: 2, Part: 3, Samples: 10}, &b); err != nil || b.Len() != headerSize+20 {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}

	other := parts[0]
	other.Part = 9
	if err := a.WritePart(t.Context(), "h", other, &b); !errors.Is(err, transcript.ErrNotFound) {
		t.Errorf("an unknown part: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.WritePart(ctx, "h", parts[0], &b); !errors.Is(err, context.Canceled) {
		t.Errorf("left: %v", err)
	}
	var damaged *damageError
	if err := os.Truncate(path, headerSize+2*capture.Rate/100); err != nil {
		t.Fatal(err)
	}
	if err := a.WritePart(t.Context(), "h", parts[0], &b); !errors.As(err, &damaged) {
		t.Errorf("cut: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := a.WritePart(t.Context(), "h", parts[0], &b); !errors.As(err, &damaged) {
		t.Errorf("gone: %v", err)
	}
}

// Nobody is to sign sound that is not what the courtroom sent: its SHA-256 is known.
func TestWritePartChanged(t *testing.T) {
	court := newBench(t, t.TempDir())
	a := NewArchive(court.dir, court.db, quiet)
	content := make([]byte, headerSize+200)
	sum := sha256.Sum256(content[headerSize:])
	file := store.AudioFile{Hearing: "h", Channel: "judge", Epoch: 1, Part: 1, File: "2026/h/judge/1-1.wav", Samples: 100, StartedAt: opened, FirstSeq: 1, LastSeq: 1, SHA256: hex.EncodeToString(sum[:])}
	if err := court.db.StoreAudio(t.Context(), store.AudioBatch{Files: []store.AudioFile{file}}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(court.dir, filepath.FromSlash(file.File))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	part := transcript.AudioPart{Channel: "judge", Epoch: 1, Part: 1, Samples: 100}
	for _, changed := range []bool{false, true} {
		if changed {
			content[headerSize+50] ^= 1
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		var mismatch *transcript.MismatchError
		if err := a.WritePart(t.Context(), "h", part, io.Discard); errors.As(err, &mismatch) != changed {
			t.Errorf("changed %v: %v", changed, err)
		}
	}
}
