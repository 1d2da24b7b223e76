-- What parties asked to be corrected, and signed records. Both are appended and
-- never change, whoever holds the file.

-- +goose Up
CREATE TABLE corrections (
    hearing TEXT   NOT NULL REFERENCES hearings (id),
    number  BIGINT NOT NULL, -- 1, 2, … in the order of the requests
    request TEXT   NOT NULL, -- JSON, without the decision
    PRIMARY KEY (hearing, number)
);
CREATE TABLE decisions (
    hearing  TEXT   NOT NULL,
    number   BIGINT NOT NULL,
    decision TEXT   NOT NULL, -- JSON
    PRIMARY KEY (hearing, number),
    FOREIGN KEY (hearing, number) REFERENCES corrections (hearing, number)
);
-- The files of a signed record, but the sound, as their bytes were.
CREATE TABLE sealed_files (
    hearing TEXT NOT NULL REFERENCES hearings (id),
    path    TEXT NOT NULL,
    data    BLOB NOT NULL, -- gzip
    PRIMARY KEY (hearing, path)
);

-- +goose StatementBegin
CREATE TRIGGER corrections_keep BEFORE UPDATE ON corrections
BEGIN
    SELECT RAISE(ABORT, 'corrections are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER corrections_stay BEFORE DELETE ON corrections
BEGIN
    SELECT RAISE(ABORT, 'corrections are append-only');
END;
-- +goose StatementEnd
-- INSERT OR REPLACE would delete the old row without asking corrections_stay.
-- +goose StatementBegin
CREATE TRIGGER corrections_once BEFORE INSERT ON corrections
WHEN EXISTS (SELECT 1 FROM corrections WHERE hearing = NEW.hearing AND number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'corrections are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER decisions_keep BEFORE UPDATE ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER decisions_stay BEFORE DELETE ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions are append-only');
END;
-- +goose StatementEnd
-- INSERT OR REPLACE would delete the old row without asking decisions_stay.
-- +goose StatementBegin
CREATE TRIGGER decisions_once BEFORE INSERT ON decisions
WHEN EXISTS (SELECT 1 FROM decisions WHERE hearing = NEW.hearing AND number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'decisions are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sealed_files_keep BEFORE UPDATE ON sealed_files
BEGIN
    SELECT RAISE(ABORT, 'sealed_files are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sealed_files_stay BEFORE DELETE ON sealed_files
BEGIN
    SELECT RAISE(ABORT, 'sealed_files are append-only');
END;
-- +goose StatementEnd
-- INSERT OR REPLACE would delete the old row without asking sealed_files_stay.
-- +goose StatementBegin
CREATE TRIGGER sealed_files_once BEFORE INSERT ON sealed_files
WHEN EXISTS (SELECT 1 FROM sealed_files WHERE hearing = NEW.hearing AND path = NEW.path)
BEGIN
    SELECT RAISE(ABORT, 'sealed_files are append-only');
END;
-- +goose StatementEnd

-- A line of a signed record stays as it was signed.
-- +goose StatementBegin
CREATE TRIGGER lines_sealed BEFORE UPDATE ON lines
WHEN EXISTS (SELECT 1 FROM sealed_files WHERE hearing = OLD.hearing)
BEGIN
    SELECT RAISE(ABORT, 'the record is signed: its lines are append-only');
END;
-- +goose StatementEnd
