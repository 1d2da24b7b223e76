// Package transcription is the server's side of OpenAI's transcription protocol,
// as far as the demonstration engines speak it: a form is taken apart with a bound
// on each of its parts, words are written as an answer, and a server that listens
// beyond loopback is refused. What is heard in the sound is the engines' business.
package transcription
