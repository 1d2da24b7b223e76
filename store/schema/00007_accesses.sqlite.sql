-- Who looked at what, or did what: appended, chained, never changed, whoever
-- holds the file.

-- +goose Up
CREATE TABLE accesses (
    number   BIGINT NOT NULL PRIMARY KEY, -- from 1, without a gap
    at       BIGINT NOT NULL,
    reader   TEXT   NOT NULL,
    action   TEXT   NOT NULL,
    hearing  TEXT   NOT NULL,             -- empty: none, or several
    detail   TEXT   NOT NULL,
    refused  BIGINT NOT NULL,
    previous TEXT   NOT NULL,
    hash     TEXT   NOT NULL
);
CREATE INDEX accesses_hearing ON accesses (hearing, number);
-- +goose StatementBegin
CREATE TRIGGER accesses_keep BEFORE UPDATE ON accesses
BEGIN
    SELECT RAISE(ABORT, 'accesses are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER accesses_stay BEFORE DELETE ON accesses
BEGIN
    SELECT RAISE(ABORT, 'accesses are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
-- INSERT OR REPLACE would delete the old row without asking accesses_stay.
CREATE TRIGGER accesses_once BEFORE INSERT ON accesses
WHEN EXISTS (SELECT 1 FROM accesses WHERE number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'accesses are append-only');
END;
-- +goose StatementEnd
