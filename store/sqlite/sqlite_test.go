package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"tingji/store"
	"tingji/store/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimFile); path != "" {
		victim(path) // never returns
	}
	if path := os.Getenv(openedFile); path != "" {
		s, err := Open(context.Background(), path, quiet)
		if err != nil {
			panic(err)
		}
		s.Close()
		return
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.DiscardHandler)

func sampleName() string { return fmt.Sprintf("schema-%d.db", store.SchemaVersion) }

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		path := filepath.Join(t.TempDir(), "record.db")
		return func() (*store.Store, error) { return Open(t.Context(), path, quiet) }
	})
}
