// Package store keeps what lasts: hearings, their lines and every revision of
// them, how far each channel and each topic has come, and where the audio is.
//
// One implementation speaks to SQLite and to PostgreSQL through database/sql;
// store/sqlite and store/postgres open their database, tune it, and hand it to
// [Open]. The schema is in schema/, its description in docs/FORMATS.md.
//
// The package promises that what a call has returned survives kill -9 and a
// power cut, that a result and the position it belongs to are stored together
// or not at all, and that the changes of a hearing are numbered in the order in
// which they became visible. Readers never make a writer wait.
//
// It must never overwrite a revision, apply one step twice, or accept a change
// to a record that is signed.
package store
