package sqlite

import (
	"log/slog"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"tingji/store"
	"tingji/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		path := filepath.Join(t.TempDir(), "record.db")
		return func() (*store.Store, error) { return Open(t.Context(), path, slog.New(slog.DiscardHandler)) }
	})
}
