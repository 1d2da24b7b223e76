package postgres

import (
	"database/sql"
	"testing"

	"tingji/store"
	"tingji/store/postgres/postgrestest"
	"tingji/store/storetest"
)

func TestSearch(t *testing.T) {
	server := postgrestest.Start(t)
	storetest.RunSearch(t, func(t *testing.T) (storetest.Opener, func() *sql.DB) {
		url := server.Database(t)
		return func() (*store.Store, error) { return Open(t.Context(), url, quiet) },
			func() *sql.DB {
				db, err := sql.Open("pgx", url)
				if err != nil {
					t.Fatal(err)
				}
				return db
			}
	})
}
