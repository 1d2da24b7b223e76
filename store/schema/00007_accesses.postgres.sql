-- Who looked at what, or did what: appended, chained, never changed, whoever
-- holds the connection.

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
CREATE FUNCTION accesses_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'accesses are append-only';
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER accesses_keep BEFORE UPDATE OR DELETE ON accesses
    FOR EACH ROW EXECUTE FUNCTION accesses_refuse();
CREATE TRIGGER accesses_stay BEFORE TRUNCATE ON accesses
    FOR EACH STATEMENT EXECUTE FUNCTION accesses_refuse();
