// Package transcript assembles what the workers heard into the lines of a
// hearing, keeps every revision a person makes, and writes the record.
//
// [Docket] is its heart: all hearings, their state, their lines, and a live
// feed of what changes. It promises that
//
//   - a final is stored together with the position it carries its channel to,
//     once, however often the log delivers it (assembler.go);
//   - what is stored is told to every subscriber once and in order, and
//     published until the broker has it (feed.go, outbox.go);
//   - every millisecond of a hearing has its place in the ledger (ledger.go);
//   - every revision carries the hash of the one before it (hash.go);
//   - what a party asks to be corrected is kept, and what became of it
//     (correction.go);
//   - a record is signed only when it is whole and its doubts are settled or
//     overruled, and is from then on what it was (sign.go); a folder proves
//     it without this program's database (proof.go, verify.go);
//   - what fails is tried again, and said in words for the people who can mend
//     it (alarm.go, health.go).
//
// A machine never changes a final line, a late hypothesis never changes a
// human's words, a revision is appended and never overwritten, and a signed
// record stays as it was signed. No clerk ever waits for the broker, and no
// slow page for another.
//
// How a record shows its lines, in figures (written.go), with marks
// (punctuate.go), joined into turns (style.go), is computed where it is asked
// for and leads back to what was said; phases are proposed from what the bench
// says (phase.go) and decided by the clerk (phase_mark.go).
//
// The package knows no database and no network: it asks for them through
// small interfaces; store and cmd provide them.
package transcript
