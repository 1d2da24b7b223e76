package corpus

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Load writes hearings into a database of the store's schema, past the store
// and a hundred times as fast: a hearing in a transaction, its hashes left out.
// Lines whose Text is not their Heard get a second revision.
func Load(ctx context.Context, db *sql.DB, h *Hearing) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("load hearing %s: %w", h.ID, err)
	}
	defer tx.Rollback()
	state, err := json.Marshal(h.Hearing)
	if err == nil {
		_, err = tx.ExecContext(ctx, `
			INSERT INTO hearings (id, version, status, courtroom, case_no, created_at, changes, hand_lines, state)
			VALUES ($1, 1, $2, $3, $4, $5, $6, 0, $7)`,
			h.ID, string(h.Status), h.Courtroom, h.CaseNo, h.CreatedAt.UnixMicro(), int64(1+len(h.Lines)), string(state))
	}
	var lines, revisions [][]any
	for i, l := range h.Lines {
		at := h.OpenedAt.UnixMicro() + l.StartMS*1000
		revision := int64(1)
		revisions = append(revisions, []any{h.ID, l.ID, int64(1), l.Heard, l.Role, l.Speaker, "engine:corpus", at, "", ""})
		if l.Text != l.Heard {
			revision = 2
			revisions = append(revisions, []any{h.ID, l.ID, int64(2), l.Text, l.Role, l.Speaker, "clerk", at, "", ""})
		}
		lines = append(lines, []any{h.ID, l.ID, l.Channel, l.Role, l.Speaker, l.Text, l.StartMS, l.EndMS, at, "[]", "speech",
			"corpus", "", "zh", int64(0), "", revision, "clerk", "", int64(2 + i)})
	}
	if err == nil {
		err = insert(ctx, tx, `lines (hearing, id, channel, role, speaker, text, start_ms, end_ms, started_at, words, origin,
			engine, model, language, estimated, rejected, revision, author, hash, change)`, lines)
	}
	if err == nil {
		err = insert(ctx, tx, `revisions (hearing, line, revision, text, role, speaker, author, at, previous, hash)`, revisions)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("load hearing %s: %w", h.ID, err)
	}
	return nil
}

// insert writes rows, eight with a statement: SQLite looks for each parameter
// among all, PostgreSQL waits for each statement.
func insert(ctx context.Context, tx *sql.Tx, into string, rows [][]any) error {
	const atOnce = 8
	statement := func(n int) string {
		var b strings.Builder
		for i := range n * len(rows[0]) {
			switch {
			case i == 0:
				b.WriteByte('(')
			case i%len(rows[0]) == 0:
				b.WriteString("),(")
			default:
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "$%d", i+1)
		}
		return `INSERT INTO ` + into + ` VALUES ` + b.String() + ")"
	}
	if len(rows) == 0 {
		return nil
	}
	many, err := tx.PrepareContext(ctx, statement(atOnce))
	if err != nil {
		return err
	}
	defer many.Close()
	for some := range slices.Chunk(rows, atOnce) {
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
