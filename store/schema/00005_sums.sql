-- What tells a changed byte: sums over what nothing else proves. One file for
-- both databases.

-- +goose Up
-- SHA-256 of the confirmed samples, hex; empty: written before there was one.
ALTER TABLE audio_files ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';

-- Over all rows of a hearing, taken while it is quiet; docs/FORMATS.md.
CREATE TABLE sums (
    hearing TEXT   NOT NULL PRIMARY KEY REFERENCES hearings (id),
    changes BIGINT NOT NULL, -- of the hearing when the sum was taken
    sum     TEXT   NOT NULL
);

-- Phases are found otherwise than before: the index is made anew.
INSERT INTO search_dirty SELECT id FROM hearings WHERE id NOT IN (SELECT hearing FROM search_dirty);
