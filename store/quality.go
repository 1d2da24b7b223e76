package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tingji/transcript"
)

var _ transcript.QualitySource = (*Store)(nil)

// LineOutcomes implements transcript.QualitySource; lines and revisions are of
// one instant. No author is read.
func (s *Store) LineOutcomes(ctx context.Context, hearing string) (lines []transcript.LineOutcome, edits []time.Time, err error) {
	err = s.view(ctx, func(tx *sql.Tx) error {
		lines, err = collect(ctx, tx, func(rows *sql.Rows) (l transcript.LineOutcome, err error) {
			var rejected string
			err = rows.Scan(&l.Channel, &l.Engine, &l.Model, &l.Origin, &rejected, &l.Revision, &l.Heard, &l.Text)
			l.Rejected = rejected != ""
			return l, err
		}, `
			SELECT l.channel, l.engine, l.model, l.origin, l.rejected, l.revision,
				COALESCE(r.text, ''), CASE WHEN l.revision > 1 OR l.origin = $2 THEN l.text ELSE '' END
			FROM lines l
			LEFT JOIN revisions r ON l.revision > 1 AND r.hearing = l.hearing AND r.line = l.id AND r.revision = 1
			WHERE l.hearing = $1
			ORDER BY l.started_at, l.id`, hearing, string(transcript.Hand))
		if err != nil {
			return err
		}
		edits, err = collect(ctx, tx, func(rows *sql.Rows) (time.Time, error) {
			var at int64
			err := rows.Scan(&at)
			return fromMicro(at), err
		}, `
			SELECT r.at FROM revisions r JOIN lines l ON l.hearing = r.hearing AND l.id = r.line
			WHERE r.hearing = $1 AND (r.revision > 1 OR l.origin = $2)`, hearing, string(transcript.Hand))
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the corrections of %s: %w", hearing, err)
	}
	return lines, edits, nil
}
