-- One file for both databases. Times are Unix microseconds (UTC), sample counts
-- are at 16 kHz, state and words are JSON.

-- +goose Up
CREATE TABLE hearings (
    id         TEXT   NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    status     TEXT   NOT NULL,
    courtroom  TEXT   NOT NULL,
    case_no    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    changes    BIGINT NOT NULL, -- id of the newest change; rises by one, in the order of commits
    hand_lines BIGINT NOT NULL, -- lines written by hand so far: numbers their ids
    state      TEXT   NOT NULL  -- the whole hearing; the columns above repeat what is searched
);
CREATE INDEX hearings_by_age ON hearings (created_at, id);
CREATE INDEX hearings_by_status ON hearings (status, created_at);
CREATE INDEX hearings_by_courtroom ON hearings (courtroom, created_at);

CREATE TABLE lines (
    hearing    TEXT   NOT NULL REFERENCES hearings (id),
    id         TEXT   NOT NULL,
    channel    TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    speaker    TEXT   NOT NULL,
    text       TEXT   NOT NULL,
    start_ms   BIGINT NOT NULL, -- since the hearing was opened
    end_ms     BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    words      TEXT   NOT NULL,
    origin     TEXT   NOT NULL,
    engine     TEXT   NOT NULL,
    model      TEXT   NOT NULL,
    language   TEXT   NOT NULL,
    estimated  BIGINT NOT NULL, -- 1: word times are spread, not measured
    rejected   TEXT   NOT NULL,
    revision   BIGINT NOT NULL, -- the present one; role, speaker, text, author and hash are its
    author     TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    change     BIGINT NOT NULL, -- of the hearing, when this line changed last
    PRIMARY KEY (hearing, id)
);
CREATE INDEX lines_by_change ON lines (hearing, change);

CREATE TABLE revisions (
    hearing  TEXT   NOT NULL,
    line     TEXT   NOT NULL,
    revision BIGINT NOT NULL,
    text     TEXT   NOT NULL,
    role     TEXT   NOT NULL,
    speaker  TEXT   NOT NULL,
    author   TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    previous TEXT   NOT NULL, -- hash of the revision before, hex; empty for the first
    hash     TEXT   NOT NULL,
    PRIMARY KEY (hearing, line, revision),
    FOREIGN KEY (hearing, line) REFERENCES lines (hearing, id)
);

CREATE TABLE channels (
    hearing    TEXT   NOT NULL REFERENCES hearings (id),
    channel    TEXT   NOT NULL,
    epoch      BIGINT NOT NULL, -- with sample: where the channel is decided to
    sample     BIGINT NOT NULL,
    seq        BIGINT NOT NULL,
    log_offset BIGINT NOT NULL,
    ended      BIGINT NOT NULL,
    state      TEXT,            -- of the worker, opaque
    PRIMARY KEY (hearing, channel)
);
CREATE INDEX channels_unfinished ON channels (hearing) WHERE ended = 0;

CREATE TABLE offsets (
    topic TEXT   NOT NULL,
    part  BIGINT NOT NULL, -- partition
    next  BIGINT NOT NULL, -- offset after the last message that is stored
    PRIMARY KEY (topic, part)
);

-- Audio has no foreign key to a hearing: sound that arrives before the hearing
-- is known, or for one that nobody knows, is kept all the same.
CREATE TABLE audio_channels (
    hearing   TEXT   NOT NULL,
    channel   TEXT   NOT NULL,
    epoch     BIGINT NOT NULL, -- the newest
    seq       BIGINT NOT NULL, -- the newest chunk stored without a gap before it
    samples   BIGINT NOT NULL, -- index of the next sample of the epoch
    ended     BIGINT NOT NULL,
    missing   BIGINT NOT NULL, -- first chunk that was expected and is not here; 0: none
    stored_at BIGINT NOT NULL,
    PRIMARY KEY (hearing, channel)
);
CREATE INDEX audio_channels_by_time ON audio_channels (stored_at);

CREATE TABLE audio_files (
    hearing      TEXT   NOT NULL,
    channel      TEXT   NOT NULL,
    epoch        BIGINT NOT NULL,
    part         BIGINT NOT NULL, -- 1, 2, … within the epoch
    file         TEXT   NOT NULL, -- below the archive's folder, with forward slashes
    first_sample BIGINT NOT NULL, -- of the epoch
    samples      BIGINT NOT NULL, -- in the file; what lies behind them is not confirmed
    started_at   BIGINT NOT NULL, -- wall clock at first_sample
    first_seq    BIGINT NOT NULL,
    last_seq     BIGINT NOT NULL,
    PRIMARY KEY (hearing, channel, epoch, part)
);
