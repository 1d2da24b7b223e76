// Package docx writes a record as a Word document: the court's form on A4, with
// the head, one paragraph a turn, places for signatures and page numbers.
//
// The document is a template of XML parts (template/) into which the record's
// words are put, escaped; what the parts say of paper, fonts and borders can be
// changed without touching the code. It must never put a word into the record
// that is not there, and never produce a file that Word or WPS has to repair.
package docx
