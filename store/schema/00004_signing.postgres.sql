-- What parties asked to be corrected, and signed records. Both are appended and
-- never change, whoever holds the connection.

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
    hearing TEXT  NOT NULL REFERENCES hearings (id),
    path    TEXT  NOT NULL,
    data    BYTEA NOT NULL, -- gzip
    PRIMARY KEY (hearing, path)
);
ALTER TABLE sealed_files ALTER COLUMN data SET STORAGE EXTERNAL;

-- +goose StatementBegin
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are append-only', TG_TABLE_NAME;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER corrections_keep BEFORE UPDATE OR DELETE ON corrections FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER corrections_stay BEFORE TRUNCATE ON corrections FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER decisions_keep BEFORE UPDATE OR DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER decisions_stay BEFORE TRUNCATE ON decisions FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER sealed_files_keep BEFORE UPDATE OR DELETE ON sealed_files FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER sealed_files_stay BEFORE TRUNCATE ON sealed_files FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- A line of a signed record stays as it was signed.
-- +goose StatementBegin
CREATE FUNCTION line_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM sealed_files WHERE hearing = OLD.hearing) THEN
        RAISE EXCEPTION 'the record is signed: its lines are append-only';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER lines_sealed BEFORE UPDATE ON lines FOR EACH ROW EXECUTE FUNCTION line_sealed();
