// Package benchtest measures what the worker adds to an engine's errors: it makes
// hearings of the sample hearing's voices, with their reference, has a worker hear
// them with the demonstration engine, which errs only where it is told to, and
// counts.
//
//	go test ./asr/benchtest                                      # small
//	go test ./asr/benchtest -run Corpus -minutes 200 -v          # the table of docs/ASR.md
//	go test ./asr/benchtest -run Overlaps -overlaps 120 -seed 5000 -v # people who speak at once
//
// It is test code: nothing of it is part of the program.
package benchtest
