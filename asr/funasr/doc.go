// Package funasr asks a FunASR runtime server for the words of a clip, over
// WebSocket, in its two-pass mode: a streaming model answers while the sound
// arrives, and a larger one corrects each sentence at its end.
//
// The protocol is the one that FunASR publishes (runtime/docs/websocket_protocol.md
// in its repository): a JSON text message opens, PCM follows in binary messages, a
// JSON text message {"is_speaking": false} ends; the server answers with JSON text
// messages of mode 2pass-online and 2pass-offline.
//
// It promises what package openai does: every call ends by its deadline, errors
// are those of asr.Recognizer, what it returns is bounded and in order, or marked
// as estimated. Each clip has a connection of its own: a server keeps the sound
// of a connection, and a clip must not depend on the one before.
//
// It must never log or return what was said as part of an error.
package funasr
