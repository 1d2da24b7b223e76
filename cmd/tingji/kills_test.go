package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tingji/asr/demo"
	"tingji/capture"
	"tingji/store/kafka"
	"tingji/testdata/hearing"
	"tingji/transcript"
)

// partEnv makes the test binary a broker or an engine of TestKilledParts: what it
// is, its address and its folder.
const partEnv = "TINGJI_TEST_PART"

// playPart is what such a process does until it is killed.
func playPart(what string) error {
	kind, rest, _ := strings.Cut(what, " ")
	addr, dir, _ := strings.Cut(rest, " ")
	ctx := context.Background()
	log := slog.New(slog.DiscardHandler)
	if kind == "broker" {
		_, err := kafka.StartEmbedded(ctx, kafka.EmbeddedConfig{Dir: dir, Addr: addr, CapBytes: 2 << 30, Log: log})
		if err != nil {
			return err
		}
		select {}
	}
	ref, err := hearing.Load()
	if err != nil {
		return err
	}
	engine := demoEngine(ref, demo.Options{}, log)
	if _, err := engine.Listen(ctx, addr); err != nil {
		return err
	}
	return engine.Run(ctx)
}

// victim is a process that is killed and started again.
type victim struct {
	t    *testing.T
	name string
	make func() *exec.Cmd

	mu  sync.Mutex
	cmd *exec.Cmd
}

func (p *victim) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = p.make()
	p.cmd.Stdout, p.cmd.Stderr = io.Discard, io.Discard
	if err := p.cmd.Start(); err != nil {
		p.t.Error(err)
	}
}

func (p *victim) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && p.cmd.Process != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	}
}

// wav writes a recording n times over.
func wav(t *testing.T, path string, r hearing.Recording, n int) {
	t.Helper()
	var data bytes.Buffer
	for range n {
		binary.Write(&data, binary.LittleEndian, r.PCM)
	}
	var b bytes.Buffer
	const rate = uint32(capture.Rate)
	b.WriteString("RIFF")
	binary.Write(&b, binary.LittleEndian, uint32(36+data.Len()))
	b.WriteString("WAVEfmt ")
	binary.Write(&b, binary.LittleEndian, []uint32{16, 1 | 1<<16, rate, 2 * rate, 2 | 16<<16})
	b.WriteString("data")
	binary.Write(&b, binary.LittleEndian, uint32(data.Len()))
	b.Write(data.Bytes())
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKilledParts: nine courtrooms of four seats at ten times their pace, each
// place in a process of its own; a hundred times one of the workers, the broker, the
// record server or an engine is killed. The transcripts are the reference, to the character.
func TestKilledParts(t *testing.T) {
	if os.Getenv("TINGJI_TEST_LONG") == "" {
		t.Skip("set TINGJI_TEST_LONG=1: it takes minutes and writes gigabytes")
	}
	const rooms, workers, engines, kills, copies = 9, 3, 2, 100, 2
	ref, err := hearing.Load()
	if err != nil {
		t.Fatal(err)
	}
	seats := slices.DeleteFunc(slices.Clone(ref.Recordings), func(r hearing.Recording) bool { return r.Channel == "witness" })[:4]
	dir := t.TempDir()
	var want []said
	for range copies {
		for _, s := range ref.Sentences {
			if slices.ContainsFunc(seats, func(r hearing.Recording) bool { return r.Channel == s.Channel }) {
				want = append(want, said{s.Channel, s.Role, s.Text})
			}
		}
	}
	var config strings.Builder
	fmt.Fprintf(&config, "[kafka]\npartitions = 9\n[capture]\npace = 10.0\ncodec = \"flac\"\nspool_mb = 2000\n")
	broker := freePort(t)
	self := func(what string) func() *exec.Cmd {
		return func() *exec.Cmd {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), partEnv+"="+what)
			return cmd
		}
	}
	parts := []*victim{{t: t, name: "broker", make: self("broker " + broker + " " + filepath.Join(dir, "kafka"))}}
	for i := range engines {
		addr := freePort(t)
		fmt.Fprintf(&config, "[[asr.engine]]\nname = \"示例识别引擎\"\nurl = \"http://%s/v1\"\nparallel = 2\n", addr)
		parts = append(parts, &victim{t: t, name: fmt.Sprint("engine ", i+1), make: self("engine " + addr)})
	}
	for i := range rooms {
		fmt.Fprintf(&config, "[[courtroom]]\nid = \"%d\"\nname = \"第%d审判庭\"\npartition = %d\n", i+1, i+1, i)
		for _, r := range seats {
			path := filepath.Join(dir, r.Channel+".wav")
			if i == 0 {
				wav(t, path, r, copies)
			}
			fmt.Fprintf(&config, "[[courtroom.seat]]\nchannel = %q\nrole = %q\nsource = \"file:%s\"\n", r.Channel, r.Role, path)
		}
	}
	file := writeConfig(t, config.String())
	path := executable(t)
	run := func(name, data string, args ...string) *victim {
		args = append(args, "--config", file, "--kafka", broker, "--data", filepath.Join(dir, data))
		return &victim{t: t, name: name, make: func() *exec.Cmd { return exec.Command(path, args...) }}
	}
	listen := freePort(t)
	parts = append(parts, run("record server", "serve", "serve", "--listen", listen))
	for i := range workers {
		parts = append(parts, run(fmt.Sprint("worker ", i+1), fmt.Sprint("asr", i), "asr"))
	}
	mortal := len(parts)
	for i := range rooms {
		parts = append(parts, run("courtroom", fmt.Sprint("room", i), "capture", "--courtroom", fmt.Sprint(i+1)))
	}
	for _, p := range parts {
		p.start()
		defer p.kill()
	}

	server := &program{t: t, url: "http://" + listen}
	server.until("the record server is ready", func() bool {
		var list struct{ Hearings []capture.Hearing }
		return server.get("/api/v1/hearings", &list) == nil
	})
	ids := make([]string, rooms)
	for i := range ids {
		var h capture.Hearing
		server.post("/api/v1/hearings", map[string]any{"case_no": ref.CaseNo, "cause": ref.Cause, "courtroom": fmt.Sprint(i + 1)}, http.StatusCreated, &h)
		ids[i] = h.ID
		server.post("/api/v1/hearings/"+h.ID+"/open", struct{}{}, http.StatusOK, nil)
	}

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	counts := map[string]int{}
	began := time.Now()
	for range kills {
		time.Sleep(time.Duration(r.IntN(1500)) * time.Millisecond)
		p := parts[r.IntN(mortal)]
		p.kill()
		counts[p.name]++
		time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond)
		p.start()
	}
	t.Logf("%d kills in %v: %v", kills, time.Since(began).Round(time.Second), counts)

	length := int64(copies*ref.Samples) / 16
	each := func(done func(h heardHearing) bool) {
		t.Helper()
		for _, id := range ids {
			for end := time.Now().Add(15 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
				var h heardHearing
				err := server.get("/api/v1/hearings/"+id, &h)
				if err == nil && done(h) {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("%v %+v", err, h.Progress)
				}
			}
		}
	}
	unfinished := 0
	for _, id := range ids {
		var h heardHearing
		if server.get("/api/v1/hearings/"+id, &h); len(h.Progress.Channels) == 0 || h.Progress.Channels[0].RecognisedMS < length {
			unfinished++
		}
	}
	t.Logf("%d of %d hearings are not recognised to their end when the last kill is done", unfinished, rooms)
	each(func(h heardHearing) bool {
		return len(h.Progress.Channels) == len(seats) && !slices.ContainsFunc(h.Progress.Channels, func(c transcript.ChannelProgress) bool { return c.StoredMS < length })
	})
	for _, id := range ids {
		server.post("/api/v1/hearings/"+id+"/close", struct{}{}, http.StatusOK, nil)
	}
	each(func(h heardHearing) bool { return h.Progress.Complete })
	for i, id := range ids {
		lines := server.lines(id)
		t.Logf("courtroom %d: %d lines", i+1, len(lines))
		compare(t, lines, want)
	}
	t.Logf("complete after %v", time.Since(began).Round(time.Second))
}
