package storetest

// OneRevision puts a line with one revision into an empty database, past the
// store.
var OneRevision = []string{
	`INSERT INTO hearings (id, version, status, courtroom, case_no, created_at, changes, hand_lines, state)
		VALUES ('h', 1, 'open', 'r', '', 0, 1, 0, '{}')`,
	`INSERT INTO lines (hearing, id, channel, role, speaker, text, start_ms, end_ms, started_at, words, origin,
		engine, model, language, estimated, rejected, revision, author, hash, change)
		VALUES ('h', 'l', '', '', '', 'x', 0, 0, 0, '[]', 'hand', '', '', '', 0, '', 1, '', '', 2)`,
	`INSERT INTO revisions (hearing, line, revision, text, role, speaker, author, at, previous, hash)
		VALUES ('h', 'l', 1, 'x', '', '', '', 0, '', '')`,
	`INSERT INTO corrections (hearing, number, request) VALUES ('h', 1, '{}')`,
	`INSERT INTO decisions (hearing, number, decision) VALUES ('h', 1, '{}')`,
	`INSERT INTO accesses (number, at, reader, action, hearing, detail, refused, previous, hash)
		VALUES (1, 0, 'r', 'a', 'h', '', 0, '', '')`,
}

// Sealing makes the record of OneRevision a signed one.
const Sealing = `INSERT INTO sealed_files (hearing, path, data) VALUES ('h', 'record.json', 'x')`

// SealedTampering are statements that every database refuses after OneRevision
// and Sealing.
var SealedTampering = []string{
	`UPDATE sealed_files SET data = 'y'`,
	`DELETE FROM sealed_files`,
	`UPDATE lines SET text = 'y'`,
}

// Tampering are statements that every database refuses after OneRevision.
var Tampering = []string{
	`UPDATE revisions SET text = 'y'`,
	`UPDATE revisions SET at = at`,
	`DELETE FROM revisions`,
	`DELETE FROM revisions WHERE line = 'l'`,
	`UPDATE corrections SET request = '{"says":"y"}'`,
	`DELETE FROM corrections`,
	`UPDATE decisions SET decision = '{}'`,
	`DELETE FROM decisions`,
	`UPDATE accesses SET reader = 'nobody'`,
	`DELETE FROM accesses`,
}
