package corpus

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Load writes a hearing into a database of the store's schema, past the store
// and a hundred times as fast: in one transaction, its hashes left out. Lines
// whose Text is not their Heard get a second revision.
func Load(ctx context.Context, db *sql.DB, h *Hearing) error {
	conn, err := db.Conn(ctx)
	if err == nil {
		defer conn.Close()
		err = load(ctx, conn, h)
	}
	if err != nil {
		return fmt.Errorf("load hearing %s: %w", h.ID, err)
	}
	return nil
}

// rows are what a hearing makes rows of.
type rows struct {
	table   string
	columns []string
	rows    [][]any
}

func load(ctx context.Context, conn *sql.Conn, h *Hearing) error {
	state, err := json.Marshal(h.Hearing)
	if err != nil {
		return err
	}
	hearing := rows{"hearings", strings.Fields("id version status courtroom case_no created_at changes hand_lines state"), [][]any{{
		h.ID, int64(1), string(h.Status), h.Courtroom, h.CaseNo, h.CreatedAt.UnixMicro(), int64(1 + len(h.Lines)), int64(0), string(state)}}}
	lines := rows{"lines", strings.Fields("hearing id channel role speaker text start_ms end_ms started_at words origin " +
		"engine model language estimated rejected revision author hash change"), nil}
	revisions := rows{"revisions", strings.Fields("hearing line revision text role speaker author at previous hash"), nil}
	for i, l := range h.Lines {
		at := h.OpenedAt.UnixMicro() + l.StartMS*1000
		revision := int64(1)
		revisions.rows = append(revisions.rows, []any{h.ID, l.ID, int64(1), l.Heard, l.Role, l.Speaker, "engine:corpus", at, "", ""})
		if l.Text != l.Heard {
			revision = 2
			revisions.rows = append(revisions.rows, []any{h.ID, l.ID, int64(2), l.Text, l.Role, l.Speaker, "clerk", at, "", ""})
		}
		lines.rows = append(lines.rows, []any{h.ID, l.ID, l.Channel, l.Role, l.Speaker, l.Text, l.StartMS, l.EndMS, at, "[]", "speech",
			"corpus", "", "zh", int64(0), "", revision, "clerk", "", int64(2 + i)})
	}
	all := []rows{hearing, lines, revisions}
	postgres := false
	err = conn.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if postgres = ok; ok {
			return copyIn(ctx, c.Conn(), all)
		}
		return nil
	})
	if err != nil || postgres {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, r := range all {
		if err := insert(ctx, tx, r); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func copyIn(ctx context.Context, conn *pgx.Conn, all []rows) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	for _, r := range all {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{r.table}, r.columns, pgx.CopyFromRows(r.rows)); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

// insert writes rows into SQLite, eight with a statement. The places of values
// have no names: the driver would look for each among all.
func insert(ctx context.Context, tx *sql.Tx, r rows) error {
	const atOnce = 8
	one := "(" + strings.Repeat("?,", len(r.columns)-1) + "?)"
	statement := func(n int) string {
		return `INSERT INTO ` + r.table + ` (` + strings.Join(r.columns, ",") + `) VALUES ` + strings.Repeat(one+",", n-1) + one
	}
	if len(r.rows) == 0 {
		return nil
	}
	many, err := tx.PrepareContext(ctx, statement(atOnce))
	if err != nil {
		return err
	}
	defer many.Close()
	for some := range slices.Chunk(r.rows, atOnce) {
		args := slices.Concat(some...)
		if len(some) == atOnce {
			_, err = many.ExecContext(ctx, args...)
		} else {
			_, err = tx.ExecContext(ctx, statement(len(some)), args...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
