-- What was taken out of a seat's text: cross-talk, and what the engine most likely made
-- up. One file for both databases.

-- +goose Up
CREATE TABLE asides (
    hearing    TEXT   NOT NULL REFERENCES hearings (id),
    id         TEXT   NOT NULL, -- utterance~n
    channel    TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    source     TEXT   NOT NULL, -- the seat that has it louder, or the reason
    text       TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    line       TEXT   NOT NULL, -- that it was brought back as; empty: it was not
    PRIMARY KEY (hearing, id)
);
