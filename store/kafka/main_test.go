package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childEnv makes the test binary an embedded broker in the named folder, which
// TestKill kills.
const childEnv = "TINGJI_TEST_KAFKA_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		e, err := StartEmbedded(context.Background(), EmbeddedConfig{
			Dir: dir, Addr: os.Getenv(childEnv + "_ADDR"), CapBytes: 64 << 20, CompactBytes: 2_000,
			Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(e.Addrs()[0])
		os.Stdin.Read(make([]byte, 1)) // until the parent goes, if it does not kill us
		e.Close()
		return
	}
	goleak.VerifyTestMain(m)
}
