-- A revision is appended and never changes, whoever holds the connection.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION revisions_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'revisions are append-only';
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER revisions_keep BEFORE UPDATE OR DELETE ON revisions
    FOR EACH ROW EXECUTE FUNCTION revisions_refuse();
CREATE TRIGGER revisions_stay BEFORE TRUNCATE ON revisions
    FOR EACH STATEMENT EXECUTE FUNCTION revisions_refuse();
