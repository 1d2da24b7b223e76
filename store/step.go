package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// errStays ends a transaction of ApplyStep that must leave nothing behind.
var errStays = errors.New("step does not apply")

// ApplyStep implements transcript.LineStore.
//
// A step for a hearing that is not stored gives transcript.ErrNotFound, a text
// that cannot be kept a *transcript.FieldError; both write nothing, not even
// at, and are permanent. A step into a signed hearing is not applied. Where a
// line of this id is there already it stays as it is: the position moves, and
// the line returned is nil.
func (s *Store) ApplyStep(ctx context.Context, at transcript.Source, seg asr.Segment, line *transcript.Line) (bool, *transcript.Line, error) {
	if seg.Before == nil || seg.After == nil {
		return false, nil, fmt.Errorf("apply %s: %w", seg.ID, &transcript.FieldError{
			Field: "before", Text: "缺少位置（before、after）", TextEN: "has no position (before, after)"})
	}
	var stored *transcript.Line
	if line != nil {
		l := *line
		if err := checkLine(&l); err != nil {
			return false, nil, fmt.Errorf("apply %s: %w", seg.ID, err)
		}
		stored = &l
	}
	err := s.change(ctx, func(tx *sql.Tx) error {
		if err := setOffset(ctx, tx, at); err != nil {
			return err
		}
		if err := movePosition(ctx, tx, seg); err != nil {
			return err
		}
		if err := insertAsides(ctx, tx, seg); err != nil {
			return err
		}
		if stored == nil {
			// No event, but the hearing must not be signed meanwhile.
			return refuseSigned(tx.QueryRowContext(ctx,
				`UPDATE hearings SET changes = changes WHERE id = $1 RETURNING status`, seg.Hearing))
		}
		change, status, err := nextChange(ctx, tx, seg.Hearing)
		if err != nil {
			return err
		}
		if capture.Status(status) == capture.Signed {
			return errStays
		}
		stored.Hearing, stored.Change = seg.Hearing, change
		added, err := insertLine(ctx, tx, stored, now())
		if !added {
			stored = nil
		}
		return err
	})
	if errors.Is(err, errStays) {
		return false, nil, s.skipStep(ctx, at, seg)
	}
	if err != nil {
		return false, nil, fmt.Errorf("apply %s: %w", seg.ID, err)
	}
	return true, stored, nil
}

// movePosition is the fence: it moves a channel's position from seg.Before to
// seg.After, and gives errStays where the position is another.
func movePosition(ctx context.Context, tx *sql.Tx, seg asr.Segment) error {
	if seg.Before.Same(asr.Position{}) {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO channels (hearing, channel, epoch, sample, seq, log_offset, ended)
			SELECT id, $2, 0, 0, 0, 0, 0 FROM hearings WHERE id = $1
			ON CONFLICT (hearing, channel) DO NOTHING`, seg.Hearing, seg.Channel)
		if err != nil {
			return err
		}
	}
	var state any
	if len(seg.State) > 0 {
		state = string(seg.State)
	}
	to := *seg.After
	res, err := tx.ExecContext(ctx, `
		UPDATE channels SET epoch = $5, sample = $6, seq = $7, log_offset = $8, ended = $9, state = $10
		WHERE hearing = $1 AND channel = $2 AND epoch = $3 AND sample = $4`,
		seg.Hearing, seg.Channel, int64(seg.Before.Epoch), int64(seg.Before.Sample),
		int64(to.Epoch), int64(to.Sample), int64(to.Seq), to.Offset, toInt(to.Ended), state)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errStays
}

func refuseSigned(row *sql.Row) error {
	var status string
	if err := row.Scan(&status); err != nil {
		return err
	}
	if capture.Status(status) == capture.Signed {
		return errStays
	}
	return nil
}

// skipStep notes that a step that does not apply was read.
func (s *Store) skipStep(ctx context.Context, at transcript.Source, seg asr.Segment) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if _, err := hearingIn(ctx, tx, seg.Hearing); err != nil {
			return err
		}
		return setOffset(ctx, tx, at)
	})
	if err != nil {
		return fmt.Errorf("skip %s: %w", seg.ID, err)
	}
	return nil
}

// setOffset may also move an offset back: a log that was lost and made anew
// begins at 0 again.
func setOffset(ctx context.Context, tx *sql.Tx, at transcript.Source) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO offsets (topic, part, next) VALUES ($1, $2, $3)
		ON CONFLICT (topic, part) DO UPDATE SET next = excluded.next`,
		at.Topic, int64(at.Partition), at.Offset+1)
	return err
}

// Offset implements transcript.OffsetStore.
func (s *Store) Offset(ctx context.Context, topic string, partition int) (int64, error) {
	var next int64
	err := s.read.QueryRowContext(ctx,
		`SELECT next FROM offsets WHERE topic = $1 AND part = $2`, topic, int64(partition)).Scan(&next)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read offset of %s/%d: %w", topic, partition, err)
	}
	return next, nil
}

// ChannelStates implements transcript.LineStore.
func (s *Store) ChannelStates(ctx context.Context) ([]asr.ChannelState, error) {
	list, err := s.channelStates(ctx, `hearing IN (
		SELECT hearing FROM channels WHERE ended = 0
		UNION
		SELECT id FROM hearings WHERE status IN ('scheduled', 'open', 'paused'))`)
	if err != nil {
		return nil, fmt.Errorf("list channel states: %w", err)
	}
	return list, nil
}

// Positions implements transcript.LineStore.
func (s *Store) Positions(ctx context.Context, hearing string) ([]asr.ChannelState, error) {
	list, err := s.channelStates(ctx, "hearing = $1", hearing)
	if err != nil {
		return nil, fmt.Errorf("read positions of %s: %w", hearing, err)
	}
	return list, nil
}

func (s *Store) channelStates(ctx context.Context, where string, args ...any) ([]asr.ChannelState, error) {
	list, err := collect(ctx, s.read, func(rows *sql.Rows) (c asr.ChannelState, err error) {
		var (
			epoch, sample, seq, ended int64
			state                     sql.NullString
		)
		err = rows.Scan(&c.Hearing, &c.Channel, &epoch, &sample, &seq, &c.Position.Offset, &ended, &state)
		c.Position.Epoch, c.Position.Sample = uint64(epoch), capture.SampleIndex(sample)
		c.Position.Seq, c.Position.Ended = uint64(seq), ended != 0
		if state.Valid {
			c.State = json.RawMessage(state.String)
		}
		return c, err
	}, `SELECT hearing, channel, epoch, sample, seq, log_offset, ended, state FROM channels WHERE `+where, args...)
	slices.SortFunc(list, func(a, b asr.ChannelState) int {
		return cmp.Or(cmp.Compare(a.Hearing, b.Hearing), cmp.Compare(a.Channel, b.Channel))
	})
	return list, err
}
