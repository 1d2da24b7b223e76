// Package web serves the hearings of a [transcript.Docket] to people and
// programs: the HTTP API under /api/v1 with its live event stream, the OpenAPI
// document that describes it, and the page on which a hearing is read while it
// is spoken.
//
// It promises that every answer, stream, recording and file passes one [Gate];
// that a page which receives nothing can tell within three seconds; and that a
// reader who comes back with the last event id misses nothing.
//
// It must never hold the truth of a hearing, wait for a slow reader, load
// anything from another host, or show text that the gate keeps back.
package web
