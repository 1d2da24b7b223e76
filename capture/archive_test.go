package capture

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func openTestArchive(t *testing.T, dir string) *Archive {
	t.Helper()
	a, err := OpenArchive(dir, "room1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func archiveNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestArchive(t *testing.T) {
	dir := t.TempDir()
	hearing := Hearing{ID: "h1", CaseNo: "（2026）内0000民初1号"}
	seat := Seat{Channel: "judge", Role: "审判长"}
	track := openTestArchive(t, dir).Track(hearing, seat, 2, Rate)
	sound := testChunk(MaxChunkSamples).Samples // 5 s
	write := func(tr *Track, first, n SampleIndex) {
		t.Helper()
		if err := tr.Write(first, testOpened.Add(first.Duration()), seat.Role, sound[:n]); err != nil {
			t.Fatal(err)
		}
	}
	const n = SampleIndex(MaxChunkSamples)
	for at := SampleIndex(0); at < PartSamples+2*n; at += n {
		write(track, at, n)
	}
	const base = "room1_（2026）内0000民初1号_审判长_judge_e002_p00"
	want := []string{base + "1.json", base + "1.wav", base + "2.open.json", base + "2.wav"}
	if got := archiveNames(t, filepath.Join(dir, "h1")); !slices.Equal(got, want) {
		t.Fatalf("files %q, want %q", got, want)
	}
	one := filepath.Join(dir, "h1", base+"1")
	s, err := readSidecar(one + ".json")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(one + ".wav")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(file)
	if s.SHA256 != hex.EncodeToString(sum[:]) || s.Samples != int64(PartSamples) || s.First != 0 || len(s.Anchors) != 10 ||
		!s.Anchors[1].Wall.Equal(testOpened.Add(s.Anchors[1].Sample.Duration())) {
		t.Errorf("sidecar %+v", s)
	}

	// Killed here. The next process closes the file, and goes on in it from a
	// sample that it knows to be durable elsewhere.
	a := openTestArchive(t, dir)
	s, err = readSidecar(filepath.Join(dir, "h1", base+"2.json"))
	if err != nil || !s.Recovered || s.Samples != int64(2*n) || s.First != PartSamples {
		t.Errorf("after the crash: %+v, %v", s, err)
	}
	track = a.Track(hearing, seat, 2, Rate)
	if err := track.Resume(PartSamples + n); err != nil {
		t.Fatal(err)
	}
	write(track, PartSamples+n, 10)
	write(track, PartSamples+n+100, 10) // a gap: a new file, that says where it begins
	if err := track.Close(); err != nil {
		t.Fatal(err)
	}
	two, err := readSidecar(filepath.Join(dir, "h1", base+"2.json"))
	three, err3 := readSidecar(filepath.Join(dir, "h1", base+"3.json"))
	if err != nil || err3 != nil || two.Samples != int64(n+10) || three.First != PartSamples+n+100 || three.Samples != 10 {
		t.Errorf("after going on: %+v, %v; %+v, %v", two, err, three, err3)
	}
	if got := goAudio(t, filepath.Join(dir, "h1", base+"2.wav")); !slices.Equal(got[n:], sound[:10]) {
		t.Error("the file went on with something else")
	}

	// Going back further removes what will be recorded again.
	track = a.Track(hearing, seat, 2, Rate)
	if err := track.Resume(n); err != nil {
		t.Fatal(err)
	}
	if got := archiveNames(t, filepath.Join(dir, "h1")); !slices.Equal(got, []string{base + "1.open.json", base + "1.wav"}) {
		t.Errorf("going back leaves %q", got)
	}
	if err := track.Close(); err != nil {
		t.Fatal(err)
	}
	// Another epoch is not touched.
	other := a.Track(hearing, seat, 1, Rate)
	write(other, 0, 10)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if got := archiveNames(t, filepath.Join(dir, "h1")); len(got) != 4 {
		t.Errorf("two epochs: %q", got)
	}
}
