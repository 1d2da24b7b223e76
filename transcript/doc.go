// Package transcript assembles what the workers heard into the lines of a
// hearing, keeps every revision a person makes, and writes the record.
//
// [Docket] is its heart: all hearings, their state, their lines, and a live
// feed of what changes. A machine never changes a final line, a late
// hypothesis never changes a human's words, a revision is appended and never
// overwritten, and a closed record stays as it was signed.
//
// The package knows no database and no network: it asks for them through
// small interfaces; store and cmd provide them.
package transcript
