package capture

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What a killed process has left in the archive is sent with the time at which it was
// heard: with none, what is recognised in it has no place in the record, and is lost.
func TestTailHasItsTime(t *testing.T) {
	opened := time.Now().UTC().Truncate(time.Microsecond)
	h, seat := Hearing{ID: "h"}, Seat{Channel: "judge", Role: "审判长"}
	for _, c := range []struct {
		name string
		kill func(t *testing.T, track *Track)
	}{
		{"before the first samples were written", func(t *testing.T, track *Track) {
			// No samples can be written where a folder has their file's name.
			s := track.side
			s.Part, s.Role = 1, seat.Role
			if err := os.MkdirAll(track.name(s)+".wav", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := track.Write(0, opened, seat.Role, make([]int16, ChunkSamples)); err == nil {
				t.Fatal("written into a folder")
			}
			if err := os.Remove(track.name(s) + ".wav"); err != nil {
				t.Fatal(err)
			}
			if side, err := readSidecar(track.name(s) + ".open.json"); err != nil || len(side.Anchors) != 1 || !side.Anchors[0].Wall.Equal(opened) {
				t.Errorf("%+v, %v", side, err)
			}
			// A process that is killed a moment later has got so far.
			wav, err := OpenWAV(track.name(s)+".wav", Rate)
			if err == nil {
				err = wav.Append(make([]int16, 3*ChunkSamples))
			}
			if err == nil {
				err = wav.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
		}},
		{"by an earlier version, before the time was written", func(t *testing.T, track *Track) {
			if err := track.Write(0, opened, seat.Role, make([]int16, 3*ChunkSamples)); err != nil {
				t.Fatal(err)
			}
			track.side.Anchors = nil
			if err := track.side.write(track.base + ".open.json"); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spool, archive, log := spoolAndArchive(t)
			if err := spool.BeginEpochs("h", []EpochStart{{Channel: "judge", OpenedAt: opened}}); err != nil {
				t.Fatal(err)
			}
			c.kill(t, archive.Track(h, seat, 1, Rate))
			archive, err := OpenArchive(filepath.Dir(archive.Track(h, seat, 1, Rate).dir), "ct01", log)
			if err != nil {
				t.Fatal(err)
			}
			ch, _ := spool.Channel("h", "judge")
			chunks, err := archive.tail("h", "judge", ch, true)
			if err != nil || len(chunks) != 3 {
				t.Fatalf("%d chunks, %v", len(chunks), err)
			}
			for _, chunk := range chunks {
				if want := opened.Add(chunk.First.Duration()); !chunk.CapturedAt.Equal(want) {
					t.Errorf("sample %d was heard at %v, want %v", chunk.First, chunk.CapturedAt, want)
				}
			}
		})
	}
}
