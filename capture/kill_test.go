package capture_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tingji/capture"
	"tingji/capture/file"
)

const (
	killEnv  = "TINGJI_TEST_CAPTURE_DIR"
	killPace = 50
)

// long asks for the tests at their full size: 200 kills, outages of an hour.
// They take minutes, and write gigabytes to the disk one sync at a time.
func long() bool { return os.Getenv("TINGJI_TEST_LONG") != "" }

// kills is how often the daemon is killed, and how long the hearing is for that.
func kills() (n int, seconds float64) {
	if long() {
		return 200, 1000
	}
	return 30, 150
}

// killSound is noise that tells its own place, made fast enough for a process that
// lives for a moment.
func killSound(seat uint32, seconds float64) []int16 {
	pcm := make([]int16, int(seconds*capture.Rate))
	for i := range pcm {
		x := (uint32(i) + seat<<28) * 2654435761
		x = (x ^ x>>15) * 2246822519
		pcm[i] = int16(x >> 16)
	}
	return pcm
}

func killSeats() []string { return []string{"judge", "clerk", "plaintiff"} }

// killHelper is the process that TestKill kills: a daemon on the folder that
// the environment names, whose broker is a file there. It exits by itself when
// the hearing has been played and sent.
func killHelper() func() {
	dir := os.Getenv(killEnv)
	if dir == "" {
		return nil
	}
	return func() {
		if err := runKillHelper(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func runKillHelper(dir string) error {
	broker, err := openFileBroker(filepath.Join(dir, "broker"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f := newFakeServer()
	f.receipts = broker.receipts
	f.tell(hearing("h1", 1, capture.Open))
	p := file.NewPlayer(killPace)
	_, seconds := kills()
	cfg := capture.Config{Courtroom: room, Dir: filepath.Join(dir, "capture"), OnEnd: func(string) {
		// All is durable; wait until it is sent, then end.
		for broker.ended() < len(killSeats()) {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}}
	for i, channel := range killSeats() {
		cfg.Seats = append(cfg.Seats, capture.SeatSource{Channel: channel, Role: "证人", Source: p.PCM(killSound(uint32(i), seconds))})
	}
	d, err := capture.NewDaemon(cfg, capture.Links{Hearings: f, Receipts: f, Log: broker.link(f), Health: f}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return d.Run(ctx)
}

// fileBroker appends messages to a file before it acknowledges them, and knows
// when it starts what it holds.
type fileBroker struct {
	mu       sync.Mutex
	f        *os.File
	receipts []capture.Receipt
	ends     map[string]bool
	server   *fakeServer
	busy     sync.Once // told that chunks are sent
}

func openFileBroker(path string) (*fileBroker, error) {
	chunks, whole, err := readFileBroker(path)
	if err != nil {
		return nil, err
	}
	// What a killed writer left unfinished was not acknowledged.
	if err := os.Truncate(path, whole); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	b := &fileBroker{ends: map[string]bool{}}
	for _, c := range chunks {
		b.take(c)
	}
	b.f, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return b, err
}

// readFileBroker reads the whole messages of a broker's file, and says where
// they end.
func readFileBroker(path string) (chunks []capture.Chunk, whole int64, err error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, 0, err
	}
	for {
		rest := data[whole:]
		if len(rest) < 4 || len(rest) < 4+int(binary.LittleEndian.Uint32(rest)) {
			return chunks, whole, nil
		}
		n := 4 + int(binary.LittleEndian.Uint32(rest))
		var m capture.Message
		// Every message is a stream of its own: its writer may have died since.
		if err := gob.NewDecoder(bytes.NewReader(rest[4:n])).Decode(&m); err != nil {
			return nil, 0, fmt.Errorf("broker file: %w", err)
		}
		c, err := capture.ParseChunk(m)
		if err != nil {
			return nil, 0, err
		}
		chunks = append(chunks, c)
		whole += int64(n)
	}
}

func (b *fileBroker) take(c capture.Chunk) {
	b.receipts = append(b.receipts, capture.Receipt{Hearing: c.Hearing, Channel: c.Channel, Epoch: c.Epoch, Seq: c.Seq, At: time.Now()})
	if c.End == capture.EndFile {
		b.ends[c.Channel] = true
	}
}

func (b *fileBroker) ended() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ends)
}

func (b *fileBroker) link(f *fakeServer) *fileBroker { b.server = f; return b }

func (b *fileBroker) Send(_ context.Context, _ string, messages []capture.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy.Do(func() { fmt.Println("busy") })
	for _, m := range messages {
		c, err := capture.ParseChunk(m)
		if err != nil {
			return err
		}
		if _, err := b.f.Write(frame(m)); err != nil {
			return err
		}
		b.take(c)
	}
	receipts := b.receipts
	b.server.set(func() { b.server.receipts = receipts })
	return nil
}

func frame(m capture.Message) []byte {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(m); err != nil {
		panic(err)
	}
	return append(binary.LittleEndian.AppendUint32(nil, uint32(b.Len())), b.Bytes()...)
}

// TestKill kills the daemon at random instants under load and starts it again
// until the hearing has been played: every sample has reached the log, in
// order, and what came twice came the same.
func TestKill(t *testing.T) {
	kills, seconds := kills()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	killed := 0
	for {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killEnv+"="+dir)
		var said bytes.Buffer
		cmd.Stderr = &said
		tells, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if killed%4 > 0 && killed < kills { // one in four dies while it starts
			_, _ = tells.Read(make([]byte, 8)) // it fails when the process has ended
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		if killed < kills {
			select {
			case err := <-done:
				if err != nil {
					t.Fatalf("daemon: %v: %s", err, said.String())
				}
				t.Fatalf("the hearing was over after %d kills: it is too short for this machine", killed)
			case <-time.After(time.Duration(r.IntN(120)) * time.Millisecond):
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				<-done
				killed++
			}
			continue
		}
		if err := <-done; err != nil {
			t.Fatalf("daemon: %v: %s", err, said.String())
		}
		break
	}
	chunks, _, err := readFileBroker(filepath.Join(dir, "broker"))
	if err != nil {
		t.Fatal(err)
	}
	again := map[string]bool{}
	repeated := 0
	for i, channel := range killSeats() {
		var of []capture.Chunk
		for _, c := range chunks {
			if c.Channel == channel {
				of = append(of, c)
				if key := c.String(); again[key] {
					repeated++
				} else {
					again[key] = true
				}
			}
		}
		if len(of) == 0 || of[len(of)-1].Epoch != 1 {
			t.Fatalf("%s: %d chunks, not one epoch", channel, len(of))
		}
		whole(t, of, killSound(uint32(i), seconds))
	}
	t.Logf("%d kills, %d chunks, %d of them twice", killed, len(chunks), repeated)
	archived(t, filepath.Join(dir, "capture", "archive", "h1"))
}

// archived checks that the archive holds what was played.
func archived(t *testing.T, dir string) {
	t.Helper()
	_, seconds := kills()
	for i, channel := range killSeats() {
		paths, err := filepath.Glob(filepath.Join(dir, "*_"+channel+"_e001_p*.wav"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("archive of %s: %v, %v", channel, paths, err)
		}
		want, got := killSound(uint32(i), seconds), 0
		for _, path := range paths { // in the order of their parts, which join
			st, err := file.NewPlayer(0).File(path, 0).Open(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			buf := make([]int16, 4096)
			for {
				n, _, err := st.Read(t.Context(), buf)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				for j := range n {
					if got+j >= len(want) || buf[j] != want[got+j] {
						t.Fatalf("%s differs at sample %d", path, got+j)
					}
				}
				got += n
			}
		}
		if got != len(want) {
			t.Errorf("archive of %s holds %d samples of %d", channel, got, len(want))
		}
	}
}
