-- The search index: made from hearings, lines and revisions, and from nothing
-- else. All of it can be deleted and made anew; docs/SEARCH.md.

-- +goose Up
-- Hearings that changed since they were indexed, if they ever were.
CREATE TABLE search_dirty (
    hearing TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE search_blocks (
    block     INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never used again
    ready     BIGINT NOT NULL, -- 0: being written
    lines     BIGINT NOT NULL,
    newest_at BIGINT NOT NULL, -- place of its newest and its oldest hearing: Unix milliseconds, id
    newest_id TEXT   NOT NULL,
    oldest_at BIGINT NOT NULL,
    oldest_id TEXT   NOT NULL
);

CREATE TABLE search_rows (
    id   INTEGER PRIMARY KEY, -- block << 24 | number of the row in the block
    data BLOB NOT NULL
);

CREATE TABLE search_hearings (
    hearing TEXT   NOT NULL PRIMARY KEY,
    block   BIGINT NOT NULL -- the one that counts
) WITHOUT ROWID;

-- Hearings that stand in a block and count no longer there.
CREATE TABLE search_moved (
    block   BIGINT NOT NULL,
    hearing TEXT   NOT NULL,
    PRIMARY KEY (block, hearing)
) WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER search_added AFTER INSERT ON hearings
BEGIN
    INSERT INTO search_dirty (hearing) SELECT NEW.id
    WHERE NOT EXISTS (SELECT 1 FROM search_dirty WHERE hearing = NEW.id);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER search_changed AFTER UPDATE OF changes ON hearings WHEN NEW.changes <> OLD.changes
BEGIN
    INSERT INTO search_dirty (hearing) SELECT NEW.id
    WHERE NOT EXISTS (SELECT 1 FROM search_dirty WHERE hearing = NEW.id);
END;
-- +goose StatementEnd
INSERT INTO search_dirty (hearing) SELECT id FROM hearings;
