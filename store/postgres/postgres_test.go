package postgres

import (
	"context"
	"database/sql"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"tingji/store"
	"tingji/store/postgres/postgrestest"
	"tingji/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func TestPostgres(t *testing.T) {
	server := postgrestest.Start(t)

	t.Run("Contract", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Opener {
			url := server.Database(t)
			return func() (*store.Store, error) { return Open(t.Context(), url, quiet) }
		})
	})

	exec := func(t *testing.T, url string, queries ...string) (err error) {
		t.Helper()
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, q := range queries {
			if _, err = db.ExecContext(t.Context(), q); err != nil {
				return err
			}
		}
		return nil
	}
	open := func(t *testing.T, url string) {
		t.Helper()
		s, err := Open(t.Context(), url, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("RevisionsStay", func(t *testing.T) {
		url := server.Database(t)
		open(t, url)
		if err := exec(t, url, storetest.OneRevision...); err != nil {
			t.Fatal(err)
		}
		if err := exec(t, url, storetest.Sealing); err != nil {
			t.Fatal(err)
		}
		for _, q := range slices.Concat(storetest.Tampering, storetest.SealedTampering,
			[]string{"TRUNCATE revisions", "TRUNCATE corrections, decisions", "TRUNCATE sealed_files"}) {
			if err := exec(t, url, q); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: error %v", q, err)
			}
		}
	})

	t.Run("Refused", func(t *testing.T) {
		foreign, newer := server.Database(t), server.Database(t)
		if err := exec(t, foreign, "CREATE TABLE customers (id BIGINT)"); err != nil {
			t.Fatal(err)
		}
		open(t, newer)
		if err := exec(t, newer, "INSERT INTO schema_version (version_id, is_applied) VALUES (999, true)"); err != nil {
			t.Fatal(err)
		}
		absent := strings.Replace(newer, "/test", "/none", 1)
		for url, want := range map[string]string{
			foreign: "another program",
			newer:   "newer tingji (schema 999",
			absent:  "no such database",
			"postgres://tingji:secret@127.0.0.1:1/court?connect_timeout=5": "cannot be reached",
			"postgres://tingji:secret@host:port/court":                     "open PostgreSQL",
		} {
			_, err := Open(t.Context(), url, quiet)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want it to say %q", url, err, want)
			} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: error %q", url, err)
			}
		}
	})

	t.Run("StartedTogether", func(t *testing.T) {
		url := server.Database(t)
		done := make(chan error)
		for range 4 {
			go func() {
				s, err := Open(context.Background(), url, quiet)
				if err == nil {
					err = s.Close()
				}
				done <- err
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}
