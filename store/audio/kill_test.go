package audio

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store/sqlite"
	"tingji/transcript"
)

// victimDir names the folder in which a test process started by TestKill works.
const victimDir = "TINGJI_TEST_VICTIM_DIR"

// endlessLog has two channels in its partition, chunk by chunk in turn, and
// never ends. Offset o holds chunk o/2+1 of the first or the second.
type endlessLog struct{}

var endlessChannels = []string{"judge", "clerk"}

func (endlessLog) Partitions() int { return 1 }

func (endlessLog) ReadChunks(ctx context.Context, partition int, from int64, handle func(context.Context, []Message) error) error {
	for o := from; ; o++ {
		n := int(o / 2)
		m := Message{
			Source: transcript.Source{Topic: Topic, Partition: partition, Offset: o},
			Chunk:  chunk("h1", endlessChannels[o%2], 1, uint64(n+1), n),
		}
		if err := handle(ctx, []Message{m}); err != nil {
			return err
		}
		time.Sleep(time.Millisecond) // 125 × real time each: the check reads it all, every round
	}
}

func (endlessLog) SetAside(_ context.Context, m Message, reason string) error {
	return fmt.Errorf("%s: %w", reason, m.Err)
}

// printer prints receipts: one that was read was given.
type printer struct{}

func (printer) PublishReceipts(_ context.Context, list []capture.Receipt) error {
	for _, r := range list {
		fmt.Println(r.Channel, r.Seq)
	}
	return nil
}

func victim(dir string) {
	db, err := sqlite.Open(context.Background(), filepath.Join(dir, "record.db"), quiet)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	a := NewArchive(filepath.Join(dir, "audio"), db, quiet)
	a.partSize = 200 * chunkSamples
	a.Run(context.Background(), endlessLog{}, printer{})
}

// An archive whose process is killed at any instant goes on without a lost or
// doubled sample, and holds what it has confirmed.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	receipts := map[string]uint64{}
	for round := range 15 {
		writeAndKill(t, dir, receipts)
		db, err := sqlite.Open(t.Context(), filepath.Join(dir, "record.db"), quiet)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		states, err := db.AudioStates(t.Context(), "h1")
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]uint64{}
		for _, s := range states {
			got[s.Channel] = s.Seq
			if s.Missing != 0 || s.Samples != capture.SampleIndex(s.Seq)*chunkSamples {
				t.Errorf("round %d: state %+v", round, s)
			}
			if err := checkStored(db, filepath.Join(dir, "audio"), "h1", s.Channel, 1, s.Samples); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
		for channel, seq := range receipts {
			if got[channel] < seq {
				t.Errorf("round %d: %s has %d chunks, %d were confirmed", round, channel, got[channel], seq)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
	if receipts["judge"] == 0 || receipts["clerk"] == 0 {
		t.Errorf("nothing was ever confirmed: %v", receipts)
	}
	t.Logf("15 kills, confirmed %v", receipts)
}

func writeAndKill(t *testing.T, dir string, receipts map[string]uint64) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), victimDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Duration(50+rand.IntN(600))*time.Millisecond, func() { cmd.Process.Kill() })
	defer kill.Stop()
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // a torn line was never read by anybody
		}
		var (
			channel string
			seq     uint64
		)
		if _, err := fmt.Sscan(line, &channel, &seq); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		receipts[channel] = max(receipts[channel], seq)
	}
	cmd.Wait()
}
