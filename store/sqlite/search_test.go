package sqlite

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"tingji/store"
	"tingji/store/storetest"
)

func TestSearch(t *testing.T) {
	storetest.RunSearch(t, func(t *testing.T) (storetest.Opener, func() *sql.DB) {
		path := filepath.Join(t.TempDir(), "record.db")
		return func() (*store.Store, error) { return Open(t.Context(), path, quiet) },
			func() *sql.DB {
				db, err := pool(path, url.Values{"_pragma": {"busy_timeout(10000)", "synchronous(OFF)"}, "_txlock": {"immediate"}})
				if err != nil {
					t.Fatal(err)
				}
				return db
			}
	})
}
