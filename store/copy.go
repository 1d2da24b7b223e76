package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ErrNotEmpty is returned where a store to copy into holds something already.
var ErrNotEmpty = errors.New("it holds hearings or sound already: name an empty one")

// ErrWritten is returned where somebody wrote into a store while it was copied.
var ErrWritten = errors.New("somebody wrote into it meanwhile: stop the record server first")

// CopiedTable is what was copied of a table; both stores give this sum.
type CopiedTable struct {
	Name string `json:"table"`
	RowSum
	Sum string `json:"sum"`
}

// CopyTo copies all of the record into another, empty store, of either
// database, in one transaction: whatever ends the copy before its end leaves
// the other one empty. Before it counts, every table is read again from there;
// rows and sums must be equal. The search index is not copied: it is made anew
// from the lines.
//
// ErrNotEmpty; ErrWritten. progress is told now and then which table it is at
// and how many rows of it are written.
func (s *Store) CopyTo(ctx context.Context, to *Store, progress func(table string, rows int64)) ([]CopiedTable, error) {
	var done []CopiedTable
	err := s.view(ctx, func(from *sql.Tx) error {
		before, err := s.writes(ctx)
		if err != nil {
			return err
		}
		return to.change(ctx, func(tx *sql.Tx) error {
			for _, t := range recordTables() {
				if err := refuseRows(ctx, tx, t); err != nil {
					return err
				}
			}
			for _, t := range recordTables() {
				one, err := copyTable(ctx, from, tx, to.dialect, t, progress)
				if err != nil {
					return fmt.Errorf("table %s: %w", t.name, err)
				}
				done = append(done, one)
			}
			after, err := s.writes(ctx)
			if err == nil && after != before {
				err = ErrWritten
			}
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("copy the store: %w", err)
	}
	return done, nil
}

// writes changes with what anybody commits.
func (s *Store) writes(ctx context.Context) (sum string, err error) {
	var hearings, changes, positions, audio, accesses int64
	err = s.read.QueryRowContext(ctx, `SELECT count(*), CAST(coalesce(sum(changes), 0) AS BIGINT),
		(SELECT CAST(coalesce(sum(sample + epoch), 0) AS BIGINT) FROM channels),
		(SELECT CAST(coalesce(sum(samples), 0) AS BIGINT) FROM audio_files),
		(SELECT count(*) FROM accesses) FROM hearings`).Scan(&hearings, &changes, &positions, &audio, &accesses)
	return fmt.Sprint(hearings, changes, positions, audio, accesses), err
}

func refuseRows(ctx context.Context, tx *sql.Tx, t table) error {
	var some int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM `+t.name+` LIMIT 1) AS s`).Scan(&some)
	if err == nil && some > 0 {
		err = ErrNotEmpty
	}
	return err
}

// rowsCopied are written with one statement.
const rowsCopied = 500

func copyTable(ctx context.Context, from, to *sql.Tx, d Dialect, t table, progress func(string, int64)) (CopiedTable, error) {
	var sent, arrived RowSum
	var buf []byte
	w, err := newRowWriter(ctx, to, d, t)
	if err != nil {
		return CopiedTable{}, err
	}
	defer w.close()
	columns := len(t.names())
	err = eachRow(ctx, from, columns, func(values []any) error {
		buf = sent.add(t.name, values, buf)
		if sent.Rows%10_000 == 0 {
			progress(t.name, sent.Rows)
		}
		return w.add(ctx, values)
	}, `SELECT `+t.columns+` FROM `+t.name)
	if err == nil {
		err = w.flush(ctx)
	}
	if err != nil {
		return CopiedTable{}, err
	}
	err = eachRow(ctx, to, columns, func(values []any) error {
		buf = arrived.add(t.name, values, buf)
		return nil
	}, `SELECT `+t.columns+` FROM `+t.name)
	if err != nil {
		return CopiedTable{}, fmt.Errorf("read again: %w", err)
	}
	if sent != arrived {
		return CopiedTable{}, fmt.Errorf("%d rows with the sum %s were written, %d with %s are there", sent.Rows, sent, arrived.Rows, arrived)
	}
	progress(t.name, sent.Rows)
	return CopiedTable{Name: t.name, RowSum: sent, Sum: sent.String()}, nil
}

// rowWriter writes rows of a table: one by one into SQLite, which waits for
// nobody; into PostgreSQL many with a statement, as an array for each column.
type rowWriter struct {
	dialect Dialect
	insert  *sql.Stmt
	arrays  []any // for PostgreSQL: []*string, []int64 or [][]byte
	rows    int
}

func newRowWriter(ctx context.Context, tx *sql.Tx, d Dialect, t table) (*rowWriter, error) {
	names := t.names()
	w := &rowWriter{dialect: d, arrays: make([]any, len(names))}
	query := `INSERT INTO ` + t.name + ` (` + t.columns + `) VALUES ` + d.places(1, len(names))
	if d == Postgres {
		types, err := collect(ctx, tx, func(rows *sql.Rows) (c [2]string, err error) { return c, rows.Scan(&c[0], &c[1]) },
			`SELECT column_name::text, data_type::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1`, t.name)
		if err != nil {
			return nil, err
		}
		of := map[string]string{}
		for _, c := range types {
			of[c[0]] = c[1]
		}
		var places []string
		for i, name := range names {
			places = append(places, fmt.Sprintf("CAST($%d AS %s[])", i+1, of[name]))
			switch of[name] {
			case "bigint":
				w.arrays[i] = []int64{}
			case "bytea":
				w.arrays[i] = [][]byte{}
			default:
				w.arrays[i] = []*string{}
			}
		}
		query = `INSERT INTO ` + t.name + ` (` + t.columns + `) SELECT * FROM unnest(` + strings.Join(places, ",") + `)`
	}
	var err error
	w.insert, err = tx.PrepareContext(ctx, query)
	return w, err
}

func (w *rowWriter) close() { w.insert.Close() }

func (w *rowWriter) add(ctx context.Context, values []any) error {
	if w.dialect == SQLite {
		_, err := w.insert.ExecContext(ctx, values...)
		return err
	}
	for i, v := range values {
		switch list := w.arrays[i].(type) {
		case []int64:
			n, ok := v.(int64)
			if !ok {
				return fmt.Errorf("a number was expected, not %v", v)
			}
			w.arrays[i] = append(list, n)
		case [][]byte:
			data, _ := v.([]byte)
			w.arrays[i] = append(list, append([]byte{}, data...))
		case []*string:
			var text *string
			if s, ok := v.(string); ok {
				text = &s
			} else if v != nil {
				return fmt.Errorf("text was expected, not %v", v)
			}
			w.arrays[i] = append(list, text)
		}
	}
	if w.rows++; w.rows == rowsCopied {
		return w.flush(ctx)
	}
	return nil
}

func (w *rowWriter) flush(ctx context.Context) error {
	if w.rows == 0 {
		return nil
	}
	_, err := w.insert.ExecContext(ctx, w.arrays...)
	for i, list := range w.arrays {
		switch list := list.(type) {
		case []int64:
			w.arrays[i] = list[:0]
		case [][]byte:
			w.arrays[i] = list[:0]
		case []*string:
			w.arrays[i] = list[:0]
		}
	}
	w.rows = 0
	return err
}
