// Package openai asks any server that speaks the OpenAI transcription protocol
// for the words of a clip, through go-openai.
//
// It promises that every call ends by its deadline, that every error is one
// line which says what to do and tells the clip's fault (asr.RejectedError) from the
// configuration's (asr.UnavailableError) and from passing trouble
// (asr.RetryError), and that what it returns is clean: valid UTF-8, bounded,
// with times in order and inside the clip, or marked as estimated.
//
// go-openai reads word times only at the top level of an answer; whisper.cpp
// nests them in the segments. So go-openai builds and sends the request, a
// recorder beneath it keeps the answer as it came, and the package reads that.
//
// It must never log or return what was said as part of an error of its own, and
// never send a clip or a key to an address that was not configured: redirects
// are reported, not followed.
package openai
