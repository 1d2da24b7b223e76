// Package search finds lines by what was said, by how it sounded, and by the
// numbers in it. It is pure logic: the query language ([Parse]), the truth of
// what a query matches ([Matcher]), and an inverted index in bytes ([Builder],
// [Block]) that a database only has to keep. Package store keeps it.
//
// The package promises that whatever the Matcher says of a line, the index
// finds: [Plan] names a superset of the lines, the Matcher decides on the text.
// Offsets are in runes of the original text.
//
// It must never touch a database, and never decide who may see a line.
package search
