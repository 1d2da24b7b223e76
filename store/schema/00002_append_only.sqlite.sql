-- A revision is appended and never changes, whoever holds the file.

-- +goose Up
-- +goose StatementBegin
CREATE TRIGGER revisions_keep BEFORE UPDATE ON revisions
BEGIN
    SELECT RAISE(ABORT, 'revisions are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER revisions_stay BEFORE DELETE ON revisions
BEGIN
    SELECT RAISE(ABORT, 'revisions are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
-- INSERT OR REPLACE would delete the old row without asking revisions_stay.
CREATE TRIGGER revisions_once BEFORE INSERT ON revisions
WHEN EXISTS (
    SELECT 1 FROM revisions
    WHERE hearing = NEW.hearing AND line = NEW.line AND revision = NEW.revision
)
BEGIN
    SELECT RAISE(ABORT, 'revisions are append-only');
END;
-- +goose StatementEnd
