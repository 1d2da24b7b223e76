package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

const lineColumns = `hearing, id, channel, role, speaker, text, start_ms, end_ms, started_at, words, origin,
	engine, model, language, estimated, rejected, revision, author, hash, change`

func checkLine(l *transcript.Line) error {
	return errors.Join(
		checkText("text", l.Text, MaxText),
		checkText("id", l.ID, maxName),
		checkText("channel", l.Channel, maxName),
		checkText("role", l.Role, maxName),
		checkText("speaker", l.Speaker, maxName),
		checkText("author", l.Author, maxName),
		checkText("engine", l.Engine, maxName),
		checkText("model", l.Model, maxName),
		checkText("language", l.Language, maxName),
		checkText("rejected", l.Rejected, maxName),
	)
}

// insertLine stores l as revision 1 and completes it, or reports that its id
// is taken.
func insertLine(ctx context.Context, tx *sql.Tx, l *transcript.Line, at time.Time) (added bool, err error) {
	if l.Words == nil {
		l.Words = []transcript.Word{}
	}
	words, err := json.Marshal(l.Words)
	if err != nil {
		return false, err
	}
	l.StartedAt = l.StartedAt.UTC().Truncate(time.Microsecond)
	l.Revision = 1
	r := transcript.Revision{Line: l.ID, Revision: 1, Text: l.Text, Role: l.Role, Speaker: l.Speaker, Author: l.Author, At: at}
	r.Hash = transcript.HashRevision(l.Hearing, r)
	l.Hash = r.Hash
	res, err := tx.ExecContext(ctx, `
		INSERT INTO lines (`+lineColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		ON CONFLICT (hearing, id) DO NOTHING`,
		l.Hearing, l.ID, l.Channel, l.Role, l.Speaker, l.Text, l.StartMS, l.EndMS, toMicro(l.StartedAt), string(words),
		string(l.Origin), l.Engine, l.Model, l.Language, toInt(l.Estimated), l.Rejected,
		int64(l.Revision), l.Author, l.Hash, l.Change)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	return true, insertRevision(ctx, tx, l.Hearing, r)
}

func insertRevision(ctx context.Context, tx *sql.Tx, hearing string, r transcript.Revision) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO revisions (hearing, line, revision, text, role, speaker, author, at, previous, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		hearing, r.Line, int64(r.Revision), r.Text, r.Role, r.Speaker, r.Author, toMicro(r.At), r.Previous, r.Hash)
	return err
}

// Revise implements transcript.LineStore. Of r, Text, Role, Speaker, Author and
// At are used; a zero At is now. A text that cannot be kept gives a
// *transcript.FieldError.
func (s *Store) Revise(ctx context.Context, hearing, line string, ifRevision int, r transcript.Revision) (transcript.Line, error) {
	fail := func(err error) (transcript.Line, error) {
		return transcript.Line{}, fmt.Errorf("revise line %s/%s: %w", hearing, line, err)
	}
	err := errors.Join(checkText("text", r.Text, MaxText), checkText("role", r.Role, maxName),
		checkText("speaker", r.Speaker, maxName), checkText("author", r.Author, maxName))
	if err != nil {
		return fail(err)
	}
	var l transcript.Line
	err = s.change(ctx, func(tx *sql.Tx) error {
		l, err = reviseIn(ctx, tx, hearing, line, ifRevision, r)
		return err
	})
	if err != nil {
		return fail(err)
	}
	return l, nil
}

// reviseIn appends a revision as the hearing's next change.
func reviseIn(ctx context.Context, tx *sql.Tx, hearing, line string, ifRevision int, r transcript.Revision) (l transcript.Line, err error) {
	change, status, err := nextChange(ctx, tx, hearing)
	if err != nil {
		return l, err
	}
	if l, err = lineIn(ctx, tx, hearing, line); err != nil {
		return l, err
	}
	if st := capture.Status(status); st == capture.Signed {
		return l, &transcript.StateError{Hearing: hearing, Status: st, Action: "revise"}
	}
	if l.Revision != ifRevision {
		return l, &transcript.ConflictError{Current: l}
	}
	r.Line, r.Revision, r.Previous = line, l.Revision+1, l.Hash
	if r.At.IsZero() {
		r.At = time.Now()
	}
	r.At = r.At.UTC().Truncate(time.Microsecond)
	r.Hash = transcript.HashRevision(hearing, r)
	if err := insertRevision(ctx, tx, hearing, r); err != nil {
		return l, err
	}
	l.Text, l.Role, l.Speaker, l.Author = r.Text, r.Role, r.Speaker, r.Author
	l.Revision, l.Hash, l.Change = r.Revision, r.Hash, change
	_, err = tx.ExecContext(ctx, `
		UPDATE lines SET text = $3, role = $4, speaker = $5, author = $6, revision = $7, hash = $8, change = $9
		WHERE hearing = $1 AND id = $2`,
		hearing, line, l.Text, l.Role, l.Speaker, l.Author, int64(l.Revision), l.Hash, l.Change)
	return l, err
}

// AddLine implements transcript.LineStore: the n-th line by hand of a hearing
// is hand-n. *transcript.StateError once the hearing is signed.
func (s *Store) AddLine(ctx context.Context, l transcript.Line) (transcript.Line, error) {
	l.Origin = transcript.Hand
	err := checkLine(&l)
	if err == nil {
		err = s.change(ctx, func(tx *sql.Tx) error { return addLine(ctx, tx, &l) })
	}
	if err != nil {
		return transcript.Line{}, fmt.Errorf("add a line to %s: %w", l.Hearing, err)
	}
	return l, nil
}

func addLine(ctx context.Context, tx *sql.Tx, l *transcript.Line) error {
	var status, n = "", int64(0)
	err := tx.QueryRowContext(ctx, `
		UPDATE hearings SET changes = changes + 1, hand_lines = hand_lines + 1 WHERE id = $1
		RETURNING changes, hand_lines, status`, l.Hearing).Scan(&l.Change, &n, &status)
	if errors.Is(err, sql.ErrNoRows) {
		return transcript.ErrNotFound
	}
	if err != nil {
		return err
	}
	if st := capture.Status(status); st == capture.Signed {
		return &transcript.StateError{Hearing: l.Hearing, Status: st, Action: "revise"}
	}
	l.ID = "hand-" + strconv.FormatInt(n, 10)
	added, err := insertLine(ctx, tx, l, now())
	if err == nil && !added {
		err = fmt.Errorf("line %s is there already", l.ID)
	}
	return err
}

// Lines implements transcript.LineStore: lines and last are of one instant.
// ErrNotFound for a hearing that is not stored.
func (s *Store) Lines(ctx context.Context, hearing string, after int64) ([]transcript.Line, int64, error) {
	var (
		lines []transcript.Line
		last  int64
	)
	err := s.view(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT changes FROM hearings WHERE id = $1`, hearing).Scan(&last)
		if errors.Is(err, sql.ErrNoRows) {
			return transcript.ErrNotFound
		}
		if err != nil {
			return err
		}
		lines, err = collect(ctx, tx, func(rows *sql.Rows) (transcript.Line, error) { return scanLine(rows) },
			`SELECT `+lineColumns+` FROM lines WHERE hearing = $1 AND change > $2`, hearing, after)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read lines of %s: %w", hearing, err)
	}
	// Sorted here and not there: the databases order text differently.
	slices.SortFunc(lines, func(a, b transcript.Line) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.ID, b.ID))
	})
	return lines, last, nil
}

// Line implements transcript.LineStore.
func (s *Store) Line(ctx context.Context, hearing, line string) (transcript.Line, error) {
	l, err := lineIn(ctx, s.read, hearing, line)
	if err != nil {
		return transcript.Line{}, fmt.Errorf("read line %s/%s: %w", hearing, line, err)
	}
	return l, nil
}

func lineIn(ctx context.Context, q querier, hearing, line string) (transcript.Line, error) {
	l, err := scanLine(q.QueryRowContext(ctx,
		`SELECT `+lineColumns+` FROM lines WHERE hearing = $1 AND id = $2`, hearing, line))
	if errors.Is(err, sql.ErrNoRows) {
		err = transcript.ErrNotFound
	}
	return l, err
}

func scanLine(row interface{ Scan(...any) error }) (l transcript.Line, err error) {
	var startedAt, estimated int64
	err = row.Scan(&l.Hearing, &l.ID, &l.Channel, &l.Role, &l.Speaker, &l.Text, &l.StartMS, &l.EndMS, &startedAt,
		jsonText{&l.Words}, &l.Origin, &l.Engine, &l.Model, &l.Language, &estimated, &l.Rejected,
		&l.Revision, &l.Author, &l.Hash, &l.Change)
	l.StartedAt, l.Estimated = fromMicro(startedAt), estimated != 0
	return l, err
}

// Revisions implements transcript.LineStore. ErrNotFound for an unknown line.
func (s *Store) Revisions(ctx context.Context, hearing, line string) ([]transcript.Revision, error) {
	list, err := collect(ctx, s.read, scanRevision, `
		SELECT `+revisionColumns+` FROM revisions
		WHERE hearing = $1 AND line = $2 ORDER BY revision`, hearing, line)
	if err == nil && len(list) == 0 { // every line has its first
		err = transcript.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read revisions of %s/%s: %w", hearing, line, err)
	}
	return list, nil
}

// HearingRevisions implements transcript.ProofStore; none for a hearing without
// lines.
func (s *Store) HearingRevisions(ctx context.Context, hearing string) ([]transcript.Revision, error) {
	list, err := collect(ctx, s.read, scanRevision, `
		SELECT `+revisionColumns+` FROM revisions WHERE hearing = $1`, hearing)
	if err != nil {
		return nil, fmt.Errorf("read revisions of %s: %w", hearing, err)
	}
	slices.SortFunc(list, func(a, b transcript.Revision) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Revision, b.Revision))
	})
	return list, nil
}

const revisionColumns = `line, revision, text, role, speaker, author, at, previous, hash`

func scanRevision(rows *sql.Rows) (r transcript.Revision, err error) {
	var at int64
	err = rows.Scan(&r.Line, &r.Revision, &r.Text, &r.Role, &r.Speaker, &r.Author, &at, &r.Previous, &r.Hash)
	r.At = fromMicro(at)
	return r, err
}
