package kafka

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// startChild starts an embedded broker in a process of its own.
func startChild(t *testing.T, dir, addr string) (string, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, childEnv+"_ADDR="+addr)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cmd.Wait()
		t.Fatalf("the broker did not start: %v", err)
	}
	return strings.TrimSpace(line), cmd
}

// What was acknowledged survives kill -9 at any instant, in the middle of a
// compaction too: the child compacts every 2 kB.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	addr, child := startChild(t, dir, "")
	defer func() { child.Process.Kill(); child.Wait() }()
	c, ctx := client(t, Config{Brokers: []string{addr}}, slog.New(slog.DiscardHandler))
	if err := c.Ensure(ctx, Topics(2)...); err != nil {
		t.Fatal(err)
	}
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	acked := make([]int, 3) // the last number that was acknowledged
	for w, to := range []struct {
		topic     string
		partition int
	}{{TopicAudio, 0}, {TopicAudio, 1}, {TopicReceipts, 0}} {
		wg.Go(func() {
			for i := 1; stop.Err() == nil; i++ {
				// Started before the end: to be finished. Its outcome counts.
				rec := Record{Key: []byte("key" + strconv.Itoa(i%7)), Value: fmt.Appendf(nil, "%d %0100d", i, i)}
				if _, err := c.Produce(ctx, to.topic, to.partition, []Record{rec}); err != nil {
					t.Errorf("%s/%d: %v", to.topic, to.partition, err)
					return
				}
				acked[w] = i
			}
		})
	}
	for range 8 {
		time.Sleep(rand.N(150 * time.Millisecond)) // any instant is as good
		child.Process.Kill()
		child.Wait()
		_, child = startChild(t, dir, addr)
	}
	cancel()
	wg.Wait()

	for p := range 2 {
		last := 0
		for _, n := range numbers(t, ctx, c, TopicAudio, p) {
			if n > last+1 {
				t.Fatalf("audio/%d: %d after %d", p, n, last)
			}
			last = max(last, n)
		}
		if last < acked[p] {
			t.Errorf("audio/%d ends at %d, acknowledged %d", p, last, acked[p])
		}
	}
	latest := make(map[int]int)
	for _, n := range numbers(t, ctx, c, TopicReceipts, 0) {
		latest[n%7] = n
	}
	for n := max(acked[2]-6, 1); n <= acked[2]; n++ {
		if latest[n%7] < n {
			t.Errorf("receipts: the last of key %d is %d, acknowledged %d", n%7, latest[n%7], n)
		}
	}
	t.Logf("acknowledged: %v", acked)
}

func numbers(t *testing.T, ctx context.Context, c *Client, topic string, partition int) (out []int) {
	t.Helper()
	first, next, err := c.Offsets(ctx, topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Reader(topic, partition, first)
	for r.Offset() < next {
		records, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range records {
			text, _, _ := strings.Cut(string(rec.Value), " ")
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("offset %d holds %q", rec.Offset, rec.Value)
			}
			out = append(out, n)
		}
	}
	return out
}
