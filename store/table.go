package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// table is one of those that hold the record. All others can be made anew.
type table struct {
	name    string
	columns string
	ofOne   bool // its rows belong to one hearing and count into that one's sum
}

// recordTables are in an order in which rows can be written.
func recordTables() []table {
	return []table{
		{"hearings", `id, version, status, courtroom, case_no, created_at, changes, hand_lines, state`, true},
		{"lines", lineColumns, true},
		{"revisions", `hearing, line, revision, text, role, speaker, author, at, previous, hash`, true},
		{"asides", asideColumns, false},
		{"corrections", `hearing, number, request`, true},
		{"decisions", `hearing, number, decision`, true},
		{"sealed_files", `hearing, path, data`, true},
		{"channels", `hearing, channel, epoch, sample, seq, log_offset, ended, state`, false},
		{"offsets", `topic, part, next`, false},
		{"audio_channels", channelColumns, false},
		{"audio_files", fileColumns, false},
		{"sums", `hearing, changes, sum`, false},
		{"accesses", accessColumns, false},
	}
}

func (t table) names() []string {
	return strings.FieldsFunc(t.columns, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
}

// ofHearing selects the rows of one hearing, $1.
func (t table) ofHearing() string {
	key := "hearing"
	if t.name == "hearings" {
		key = "id"
	}
	return `SELECT ` + t.columns + ` FROM ` + t.name + ` WHERE ` + key + ` = $1`
}

// RowSum is a sum over rows, in whatever order they come: their SHA-256 added
// up, each eight bytes by themselves. It tells accidents, not forgers; these
// are for the chain of revisions.
type RowSum struct {
	Rows  int64
	lanes [4]uint64
}

// add takes in a row: the name of its table and its values, each with its
// length; numbers in decimals, NULL with the length -1.
func (s *RowSum) add(table string, values []any, buf []byte) []byte {
	put := func(b string) {
		buf = binary.BigEndian.AppendUint64(buf, uint64(len(b)))
		buf = append(buf, b...)
	}
	buf = buf[:0]
	put(table)
	for _, v := range values {
		switch v := v.(type) {
		case string:
			put(v)
		case []byte:
			put(string(v))
		case nil:
			buf = binary.BigEndian.AppendUint64(buf, ^uint64(0))
		default:
			put(fmt.Sprint(v))
		}
	}
	sum := sha256.Sum256(buf)
	for i := range s.lanes {
		s.lanes[i] += binary.BigEndian.Uint64(sum[8*i:])
	}
	s.Rows++
	return buf
}

// String is the sum in hex.
func (s RowSum) String() string {
	var b []byte
	for _, lane := range s.lanes {
		b = binary.BigEndian.AppendUint64(b, lane)
	}
	return hex.EncodeToString(b)
}

// eachRow calls f with the values of each row: int64, string, []byte or nil,
// the same for both databases. They are f's until it returns.
func eachRow(ctx context.Context, q querier, columns int, f func([]any) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	values, into := make([]any, columns), make([]any, columns)
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := f(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// sumForm opens a hearing's sum and changes with what goes into it.
const sumForm = "1:"

// hearingSum is the sum over all rows of a hearing.
func hearingSum(ctx context.Context, q querier, hearing string) (string, error) {
	var sum RowSum
	var buf []byte
	for _, t := range recordTables() {
		if !t.ofOne {
			continue
		}
		err := eachRow(ctx, q, len(t.names()), func(values []any) error {
			buf = sum.add(t.name, values, buf)
			return nil
		}, t.ofHearing(), hearing)
		if err != nil {
			return "", fmt.Errorf("sum the %s of hearing %s: %w", t.name, hearing, err)
		}
	}
	return sumForm + sum.String(), nil
}

// sumHearings takes the sums of hearings that were indexed and have none of
// their present state,
// or one of an older form.
func (s *Store) sumHearings(ctx context.Context) error {
	for after := ""; ; {
		ids, err := collect(ctx, s.read, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) }, `
			SELECT h.id FROM hearings h LEFT JOIN sums s ON s.hearing = h.id
			WHERE h.id > $1 AND (s.hearing IS NULL OR s.changes <> h.changes OR s.sum NOT LIKE $2)
				AND NOT EXISTS (SELECT 1 FROM search_dirty d WHERE d.hearing = h.id)
			ORDER BY h.id LIMIT 100`, after, sumForm+"%")
		if err != nil {
			return fmt.Errorf("list hearings without a sum: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		for _, id := range ids {
			if err := s.sumHearing(ctx, id); err != nil {
				return err
			}
		}
		after = ids[len(ids)-1]
	}
}

func (s *Store) sumHearing(ctx context.Context, id string) error {
	var sum string
	var changes int64
	err := s.view(ctx, func(tx *sql.Tx) (err error) {
		if _, changes, err = searchHearing(ctx, tx, id); err == nil {
			sum, err = hearingSum(ctx, tx, id)
		}
		return err
	})
	if err == nil {
		_, err = s.write.ExecContext(ctx, `INSERT INTO sums (hearing, changes, sum) VALUES ($1, $2, $3)
			ON CONFLICT (hearing) DO UPDATE SET changes = excluded.changes, sum = excluded.sum`, id, changes, sum)
	}
	return err
}
