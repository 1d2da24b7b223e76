// Package pdf turns the DOCX of a record into a PDF, through LibreOffice: the
// fonts are embedded, the form is PDF/A-2b, for archives.
//
// LibreOffice is not part of this program. Where it, or a Chinese font, is
// missing the package says what to install, and never writes a PDF with boxes
// in place of characters. It runs one conversion at a time, each in a folder
// and with a profile of its own that are gone afterwards, and never longer than
// its bound.
package pdf
