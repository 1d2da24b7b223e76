package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"tingji/capture"
	"tingji/store/search"
	"tingji/transcript"
)

// Fault is something in the database that is not as it was written.
type Fault struct {
	Where string // a table, a hearing, a line, a block of the index
	What  string
}

// Checked is what Check has looked through.
type Checked struct {
	Hearings  int
	Lines     int
	Revisions int
	Summed    int // hearings whose sum was compared; the others changed just now
	Accesses  int
	Blocks    int
	Faults    int
}

// maxFaults bounds how many faults are named.
const maxFaults = 100

// Check reads the whole database: its own structure, every revision against
// the one before it and its line, every hearing against the sum that was taken
// when it was quiet, the chain of accesses, and the search index against the lines. It names what does
// not fit and goes on. It may run beside a server.
//
// An error means that it could not check, or that so much is wrong that there
// is no point in naming more.
func (s *Store) Check(ctx context.Context, found func(Fault)) (Checked, error) {
	c := checker{store: s, ctx: ctx, found: found}
	for _, step := range []func() error{c.structure, c.hearings, c.accesses, c.index} {
		if err := step(); err != nil {
			return c.Checked, fmt.Errorf("check the store: %w", err)
		}
	}
	return c.Checked, nil
}

var errTooMany = fmt.Errorf("more than %d faults: there is no end to it", maxFaults)

type checker struct {
	Checked
	store *Store
	ctx   context.Context
	found func(Fault)
}

// fault reports; the error ends the check.
func (c *checker) fault(where, format string, args ...any) error {
	if c.Faults++; c.Faults > maxFaults {
		return errTooMany
	}
	c.found(Fault{where, fmt.Sprintf(format, args...)})
	return nil
}

// unreadable makes a fault of what the database itself cannot read.
func (c *checker) unreadable(where string, err error) error {
	if err == nil || errors.Is(err, errTooMany) || c.ctx.Err() != nil {
		return err
	}
	return c.fault(where, "cannot be read: %v", err)
}

// structure asks the database whether its own pages and indexes fit together.
// PostgreSQL has checksums of its own, where they are switched on, and says so
// when a page is read.
func (c *checker) structure() error {
	if c.store.dialect != SQLite {
		return nil
	}
	list, err := collect(c.ctx, c.store.read, func(rows *sql.Rows) (said string, err error) { return said, rows.Scan(&said) },
		fmt.Sprintf(`PRAGMA integrity_check(%d)`, maxFaults))
	if err := c.unreadable("database", err); err != nil {
		return err
	}
	for _, said := range list {
		if said != "ok" {
			if err := c.fault("database", "%s", said); err != nil {
				return err
			}
		}
	}
	err = eachRow(c.ctx, c.store.read, 4, func(row []any) error {
		return c.fault(fmt.Sprint(row[0]), "row %v belongs to nothing in %v", row[1], row[2])
	}, `PRAGMA foreign_key_check`)
	return c.unreadable("database", err)
}

func (c *checker) hearings() error {
	ids, err := collect(c.ctx, c.store.read, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) },
		`SELECT id FROM hearings ORDER BY created_at`)
	if err != nil {
		return c.unreadable("hearings", err)
	}
	for _, id := range ids {
		err := c.store.view(c.ctx, func(tx *sql.Tx) error { return c.hearing(tx, id) })
		if err := c.unreadable("hearing "+id, err); err != nil {
			return err
		}
	}
	return nil
}

// hearing checks one hearing as it is at one instant.
func (c *checker) hearing(tx *sql.Tx, id string) error {
	c.Hearings++
	before := c.Faults
	var (
		h                                capture.Hearing
		version, createdAt, changes      int64
		status, courtroom, caseNo, state string
	)
	err := tx.QueryRowContext(c.ctx, `SELECT version, status, courtroom, case_no, created_at, changes, state FROM hearings WHERE id = $1`, id).
		Scan(&version, &status, &courtroom, &caseNo, &createdAt, &changes, &state)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(state), &h); err != nil {
		return c.fault("hearing "+id, "its state cannot be read: %v", err)
	}
	if h.ID != id || h.Version != version || string(h.Status) != status || h.Courtroom != courtroom || h.CaseNo != caseNo || toMicro(h.CreatedAt) != createdAt {
		if err := c.fault("hearing "+id, "its columns do not fit its state"); err != nil {
			return err
		}
	}
	lines, err := collect(c.ctx, tx, func(rows *sql.Rows) (transcript.Line, error) { return scanLine(rows) }, `SELECT `+lineColumns+` FROM lines WHERE hearing = $1`, id)
	if err != nil {
		return err
	}
	chains := map[string][]transcript.Revision{}
	revisions, err := collect(c.ctx, tx, scanRevision, `SELECT `+revisionColumns+` FROM revisions WHERE hearing = $1 ORDER BY line, revision`, id)
	if err != nil {
		return err
	}
	for _, r := range revisions {
		chains[r.Line] = append(chains[r.Line], r)
	}
	c.Lines, c.Revisions = c.Lines+len(lines), c.Revisions+len(revisions)
	for _, l := range lines {
		if err := c.line(&l, chains[l.ID], changes); err != nil {
			return err
		}
		delete(chains, l.ID)
	}
	for line := range chains {
		if err := c.fault("hearing "+id+" line "+line, "has revisions and is not there"); err != nil {
			return err
		}
	}
	for _, f := range []struct{ what, query string }{
		{"a request for correction", `SELECT request FROM corrections WHERE hearing = $1`},
		{"a decision on a correction", `SELECT decision FROM decisions WHERE hearing = $1`},
	} {
		err := eachRow(c.ctx, tx, 1, func(row []any) error {
			if text, ok := row[0].(string); !ok || !json.Valid([]byte(text)) {
				return c.fault("hearing "+id, "%s cannot be read", f.what)
			}
			return nil
		}, f.query, id)
		if err != nil {
			return err
		}
	}
	err = eachRow(c.ctx, tx, 2, func(row []any) error {
		data, _ := row[1].([]byte)
		if _, err := unpack(data); err != nil {
			return c.fault(fmt.Sprintf("hearing %s signed file %v", id, row[0]), "cannot be unpacked: %v", err)
		}
		return nil
	}, `SELECT path, data FROM sealed_files WHERE hearing = $1`, id)
	if err != nil {
		return err
	}
	return c.sum(tx, id, changes, c.Faults > before)
}

func (c *checker) line(l *transcript.Line, chain []transcript.Revision, changes int64) error {
	where := "hearing " + l.Hearing + " line " + l.ID
	if len(chain) == 0 {
		return c.fault(where, "has no revisions")
	}
	var broken *transcript.ChainError
	if err := transcript.VerifyRevisions(l.Hearing, chain); errors.As(err, &broken) {
		return c.fault(fmt.Sprintf("%s revision %d", where, broken.Revision), "%s", broken.Reason)
	}
	last := chain[len(chain)-1]
	if l.Revision != last.Revision || l.Text != last.Text || l.Role != last.Role || l.Speaker != last.Speaker || l.Author != last.Author || l.Hash != last.Hash {
		return c.fault(where, "is not what its last revision says")
	}
	if l.Change < 1 || l.Change > changes {
		return c.fault(where, "its change %d is not among the hearing's %d", l.Change, changes)
	}
	return nil
}

// sum compares a hearing with the sum that was taken of the same state. Where
// another fault has named the place, it has nothing to add.
func (c *checker) sum(tx *sql.Tx, id string, changes int64, named bool) error {
	var at int64
	var want string
	err := tx.QueryRowContext(c.ctx, `SELECT changes, sum FROM sums WHERE hearing = $1`, id).Scan(&at, &want)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (at != changes || len(want) < len(sumForm) || want[:len(sumForm)] != sumForm) {
		return nil
	}
	if err != nil {
		return err
	}
	has, err := hearingSum(c.ctx, tx, id)
	if err != nil {
		return err
	}
	c.Summed++
	if has != want && !named {
		return c.fault("hearing "+id, "was changed: its rows do not fit the sum taken of them")
	}
	return nil
}

// accesses follows the chain of who looked at what.
func (c *checker) accesses() error {
	var before transcript.Access
	err := eachAccess(c.ctx, c.store.read, func(a transcript.Access) error {
		c.Accesses++
		err := transcript.FollowsAccess(before, a)
		before = a
		if err != nil {
			return c.fault(fmt.Sprintf("access %d", a.Number), "%v", err)
		}
		return nil
	}, `number > 0`)
	return c.unreadable("accesses", err)
}

// index holds the blocks to themselves, and to the lines of the hearings that
// count in them.
func (c *checker) index() error {
	blocks, err := blocksIn(c.ctx, c.store.read)
	if err != nil {
		return c.unreadable("search index", err)
	}
	for _, b := range blocks {
		err := c.store.view(c.ctx, func(tx *sql.Tx) error { return c.block(tx, b) })
		if err := c.unreadable(fmt.Sprintf("search index block %d", b.block), err); err != nil {
			return err
		}
	}
	return nil
}

// block makes a block anew from its own lines: bytes that differ were changed.
func (c *checker) block(tx *sql.Tx, info blockInfo) error {
	where := fmt.Sprintf("search index block %d", info.block)
	stays := 0
	if err := tx.QueryRowContext(c.ctx, `SELECT count(*) FROM search_blocks WHERE block = $1`, info.block).Scan(&stays); err != nil || stays == 0 {
		return err // merged meanwhile
	}
	c.Blocks++
	rows := &blockRows{ctx: c.ctx, q: tx, block: info.block}
	describes, err := rows.read(search.RowDirectory)
	if err != nil {
		return err
	}
	block, err := search.ReadContents(describes)
	if err != nil {
		return c.fault(where, "%v", err)
	}
	counts := map[string]bool{}
	_, err = collect(c.ctx, tx, func(rows *sql.Rows) (none struct{}, err error) {
		var id string
		if err = rows.Scan(&id); err == nil {
			counts[id] = true
		}
		return none, err
	}, `SELECT hearing FROM search_hearings WHERE block = $1 AND hearing NOT IN (SELECT hearing FROM search_dirty)`, info.block)
	if err != nil {
		return err
	}
	// Made in parts, as a block can be larger than what a Builder holds.
	var parts []search.Source
	builder := search.NewBuilder()
	end := func() error {
		anew, err := builder.Rows(func() {})
		if err != nil {
			return err
		}
		contents, err := search.ReadContents(anew[search.RowDirectory])
		parts = append(parts, search.Source{Contents: contents, Row: func(n int) ([]byte, error) { return anew[n], nil }})
		builder = search.NewBuilder()
		return err
	}
	for _, i := range block.Stored() {
		h, _, count := block.Hearing(i)
		lines, err := linesOf(block, rows, i, count)
		if errors.Is(err, search.ErrBlock) {
			return c.fault(where+" hearing "+h.ID, "%v", err)
		}
		if err != nil {
			return err
		}
		if n := builder.Lines(); n > 0 && n+count > search.MaxBuilt {
			if err := end(); err != nil {
				return err
			}
		}
		builder.Add(*h, lines)
		if !counts[h.ID] {
			continue
		}
		delete(counts, h.ID)
		now, _, err := searchLines(c.ctx, tx, h.ID, 0)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(lines, sortLines(now), search.Line.Same) {
			if err := c.fault(where+" hearing "+h.ID, "does not hold the lines of the hearing"); err != nil {
				return err
			}
		}
	}
	for id := range counts {
		if err := c.fault(where, "hearing %s should be in it and is not", id); err != nil {
			return err
		}
	}
	if err := end(); err != nil {
		return err
	}
	anew, err := search.NewMerger(parts)
	if err != nil {
		return c.fault(where, "%v", err)
	}
	anew.AsWritten(block)
	errChanged := errors.New("changed")
	made := 0
	err = anew.Rows(func(row int, data []byte) error {
		made++
		is, err := rows.read(row)
		if err != nil && !errors.Is(err, search.ErrBlock) {
			return err
		}
		if err != nil || !bytes.Equal(is, data) && !(row == search.RowDirectory && block.Same(data)) {
			return errors.Join(errChanged, c.fault(fmt.Sprintf("%s row %d", where, row), "was changed: its lines make other bytes"))
		}
		return nil
	}, func() {})
	if errors.Is(err, errTooMany) {
		return errTooMany
	}
	if err != nil {
		if errors.Is(err, errChanged) {
			return nil
		}
		return err
	}
	if _, err := rows.read(made); !errors.Is(err, search.ErrBlock) {
		if err == nil {
			err = c.fault(where, "has more than the %d rows that its lines make", made)
		}
		return err
	}
	return nil
}

// linesOf reads the lines of a hearing from the rows of a block.
func linesOf(b *search.Contents, rows *blockRows, i, count int) ([]search.Line, error) {
	lines := []search.Line{}
	for len(lines) < count {
		row, first := b.PieceRow(i, len(lines))
		if first != len(lines) {
			return nil, search.ErrBlock
		}
		data, err := rows.read(row)
		if err != nil {
			return nil, err
		}
		p, err := search.ReadPiece(data)
		if err != nil {
			return nil, err
		}
		for n := range p.Len() {
			l, err := p.Line(n)
			if err != nil {
				return nil, err
			}
			lines = append(lines, l)
		}
	}
	if len(lines) != count {
		return nil, search.ErrBlock
	}
	return lines, nil
}

// Reindex throws the search index away: it is made anew from the lines by
// whoever keeps it, the newest hearings first, while searches go on.
func (s *Store) Reindex(ctx context.Context) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{`DELETE FROM search_hearings`, `DELETE FROM search_moved`, `DELETE FROM search_blocks`,
			`DELETE FROM search_dirty`, `INSERT INTO search_dirty SELECT id FROM hearings`} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = s.sweep(ctx)
	}
	if err != nil {
		return fmt.Errorf("throw the search index away: %w", err)
	}
	return nil
}
