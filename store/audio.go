package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// AudioChannel is how far the archive has stored one channel.
type AudioChannel struct {
	Hearing  string
	Channel  string
	Epoch    uint64              // the newest
	Seq      uint64              // the newest chunk stored without a gap before it; 0: none yet
	Samples  capture.SampleIndex // index of the epoch's next sample
	Ended    bool                // its last chunk had an End
	Missing  uint64              // first chunk that was expected and is not here; 0: none
	StoredAt time.Time
}

// AudioFile is a WAV file of the archive: a run of consecutive samples of one
// epoch. What the file holds behind Samples is not confirmed and not audio.
type AudioFile struct {
	Hearing   string
	Channel   string
	Epoch     uint64
	Part      int    // from 1 within the epoch
	File      string // below the archive's folder, with forward slashes
	First     capture.SampleIndex
	Samples   capture.SampleIndex
	StartedAt time.Time // wall clock at First
	FirstSeq  uint64
	LastSeq   uint64
	SHA256    string // of the confirmed samples, hex; empty: of an older program
}

// AudioBatch is what the archive has made durable since the batch before.
type AudioBatch struct {
	Channels []AudioChannel
	Files    []AudioFile
	Offsets  []transcript.Source // the last message of each partition that is dealt with
}

// StoreAudio notes a batch in one transaction: all of it or nothing.
func (s *Store) StoreAudio(ctx context.Context, b AudioBatch) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for _, c := range b.Channels {
			_, err := tx.ExecContext(ctx, `
				INSERT INTO audio_channels (hearing, channel, epoch, seq, samples, ended, missing, stored_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
				ON CONFLICT (hearing, channel) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,
					samples = excluded.samples, ended = excluded.ended, missing = excluded.missing, stored_at = excluded.stored_at`,
				c.Hearing, c.Channel, int64(c.Epoch), int64(c.Seq), int64(c.Samples), toInt(c.Ended), int64(c.Missing), toMicro(c.StoredAt))
			if err != nil {
				return err
			}
		}
		for _, f := range b.Files {
			_, err := tx.ExecContext(ctx, `
				INSERT INTO audio_files (hearing, channel, epoch, part, file, first_sample, samples, started_at, first_seq, last_seq, sha256)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
				ON CONFLICT (hearing, channel, epoch, part) DO UPDATE SET
					samples = excluded.samples, last_seq = excluded.last_seq, sha256 = excluded.sha256`,
				f.Hearing, f.Channel, int64(f.Epoch), int64(f.Part), f.File, int64(f.First), int64(f.Samples),
				toMicro(f.StartedAt), int64(f.FirstSeq), int64(f.LastSeq), f.SHA256)
			if err != nil {
				return err
			}
		}
		for _, at := range b.Offsets {
			if err := setOffset(ctx, tx, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store audio of %d channels: %w", len(b.Channels), err)
	}
	return nil
}

const channelColumns = `hearing, channel, epoch, seq, samples, ended, missing, stored_at`

func scanChannel(row interface{ Scan(...any) error }) (AudioChannel, error) {
	var (
		c                                             AudioChannel
		epoch, seq, samples, ended, missing, storedAt int64
	)
	err := row.Scan(&c.Hearing, &c.Channel, &epoch, &seq, &samples, &ended, &missing, &storedAt)
	c.Epoch, c.Seq, c.Samples = uint64(epoch), uint64(seq), capture.SampleIndex(samples)
	c.Ended, c.Missing, c.StoredAt = ended != 0, uint64(missing), fromMicro(storedAt)
	return c, err
}

const fileColumns = `hearing, channel, epoch, part, file, first_sample, samples, started_at, first_seq, last_seq, sha256`

func scanFile(row interface{ Scan(...any) error }) (AudioFile, error) {
	var (
		f                                                   AudioFile
		epoch, first, samples, startedAt, firstSeq, lastSeq int64
	)
	err := row.Scan(&f.Hearing, &f.Channel, &epoch, &f.Part, &f.File, &first, &samples, &startedAt, &firstSeq, &lastSeq, &f.SHA256)
	f.Epoch, f.First, f.Samples = uint64(epoch), capture.SampleIndex(first), capture.SampleIndex(samples)
	f.StartedAt, f.FirstSeq, f.LastSeq = fromMicro(startedAt), uint64(firstSeq), uint64(lastSeq)
	return f, err
}

// AudioChannel returns a channel with the newest file of its newest epoch; the
// file's Part is 0 where that has none yet. ErrNotFound for a channel without
// audio.
func (s *Store) AudioChannel(ctx context.Context, hearing, channel string) (AudioChannel, AudioFile, error) {
	var (
		c AudioChannel
		f AudioFile
	)
	err := s.view(ctx, func(tx *sql.Tx) (err error) {
		c, err = scanChannel(tx.QueryRowContext(ctx,
			`SELECT `+channelColumns+` FROM audio_channels WHERE hearing = $1 AND channel = $2`, hearing, channel))
		if errors.Is(err, sql.ErrNoRows) {
			return transcript.ErrNotFound
		}
		if err != nil {
			return err
		}
		f, err = scanFile(tx.QueryRowContext(ctx, `
			SELECT `+fileColumns+` FROM audio_files WHERE hearing = $1 AND channel = $2 AND epoch = $3
			ORDER BY part DESC LIMIT 1`, hearing, channel, int64(c.Epoch)))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return AudioChannel{}, AudioFile{}, fmt.Errorf("read audio channel %s/%s: %w", hearing, channel, err)
	}
	return c, f, nil
}

// RecentAudioChannels are the channels stored at or after since, and those
// that have not ended or miss a chunk, however old.
func (s *Store) RecentAudioChannels(ctx context.Context, since time.Time) ([]AudioChannel, error) {
	list, err := collect(ctx, s.read, func(rows *sql.Rows) (AudioChannel, error) { return scanChannel(rows) },
		`SELECT `+channelColumns+` FROM audio_channels WHERE stored_at >= $1 OR ended = 0 OR missing > 0
		ORDER BY hearing, channel`, toMicro(since))
	if err != nil {
		return nil, fmt.Errorf("list audio channels: %w", err)
	}
	return list, nil
}

// EachAudioFile calls f for every file of the archive, hearing by
// hearing.
func (s *Store) EachAudioFile(ctx context.Context, f func(AudioFile) error) error {
	hearings, err := collect(ctx, s.read, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) },
		`SELECT DISTINCT hearing FROM audio_files ORDER BY hearing`)
	if err != nil {
		return fmt.Errorf("list audio files: %w", err)
	}
	for _, hearing := range hearings {
		files, err := s.AudioFiles(ctx, hearing)
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := f(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// AudioFiles are the files of a hearing, by channel, epoch and part; none for
// a hearing without audio.
func (s *Store) AudioFiles(ctx context.Context, hearing string) ([]AudioFile, error) {
	list, err := collect(ctx, s.read, func(rows *sql.Rows) (AudioFile, error) { return scanFile(rows) },
		`SELECT `+fileColumns+` FROM audio_files WHERE hearing = $1`, hearing)
	if err != nil {
		return nil, fmt.Errorf("list audio files of %s: %w", hearing, err)
	}
	slices.SortFunc(list, func(a, b AudioFile) int {
		return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Part, b.Part))
	})
	return list, nil
}

// AudioStates implements transcript.AudioStore.
func (s *Store) AudioStates(ctx context.Context, hearing string) ([]transcript.AudioState, error) {
	list, err := collect(ctx, s.read, func(rows *sql.Rows) (transcript.AudioState, error) {
		c, err := scanChannel(rows)
		return transcript.AudioState{
			Hearing: c.Hearing, Channel: c.Channel, Epoch: c.Epoch, Seq: c.Seq, Samples: c.Samples,
			Ended: c.Ended, Missing: c.Missing, StoredAt: c.StoredAt.UnixMilli(),
		}, err
	}, `SELECT `+channelColumns+` FROM audio_channels WHERE hearing = $1`, hearing)
	if err != nil {
		return nil, fmt.Errorf("read audio states of %s: %w", hearing, err)
	}
	slices.SortFunc(list, func(a, b transcript.AudioState) int { return cmp.Compare(a.Channel, b.Channel) })
	return list, nil
}

// AudioSpans implements transcript.AudioStore: by channel, then in the order
// of epochs. Files that follow one another without a seam are one span.
func (s *Store) AudioSpans(ctx context.Context, hearing string) ([]transcript.AudioSpan, error) {
	files, err := s.AudioFiles(ctx, hearing)
	if err != nil {
		return nil, err
	}
	spans := []transcript.AudioSpan{}
	for _, f := range files {
		if f.Samples == 0 {
			continue
		}
		if n := len(spans); n > 0 {
			last := &spans[n-1]
			if last.Channel == f.Channel && last.Epoch == f.Epoch && last.First+last.Samples == f.First &&
				!Drifted(fromMicro(last.At), f.First-last.First, f.StartedAt) {
				last.Samples += f.Samples
				continue
			}
		}
		spans = append(spans, transcript.AudioSpan{
			Channel: f.Channel, Epoch: f.Epoch, First: f.First, Samples: f.Samples, At: toMicro(f.StartedAt)})
	}
	return spans, nil
}

// maxDrift is how far a sound card's clock may run away from the wall clock
// before audio is placed anew. A jump of this size in the sound is hardly
// heard; in a line's place it would not be noticed.
const maxDrift = 20 * time.Millisecond

// Drifted reports whether audio that the wall clock puts at at is elsewhere
// than the sample count says: n samples after start.
func Drifted(start time.Time, n capture.SampleIndex, at time.Time) bool {
	return at.Sub(start.Add(n.Duration())).Abs() > maxDrift
}
