// Command demo-asr is the demonstration recogniser (示例识别引擎): a loopback
// server that speaks the OpenAI transcription protocol and decodes with
// PocketSphinx and a small model of Mandarin as espeak-ng speaks it.
//
// Whoever tries Tingji without an ASR server sees a real decoder at work on the
// sample hearing: partial results, word times, confidences, errors to correct,
// and hotwords that count. `tingji up` starts it as a child.
//
// It promises:
//   - the same clip with the same prompt gives the same words, whatever was
//     asked before;
//   - words of the prompt may be said although no lexicon knows them;
//   - speech that does not sound like its model's is refused (422): on a
//     person's voice it would write confident nonsense;
//   - memory does not grow with the number of requests.
//
// It must never listen beyond loopback, and nobody's speech may be judged by it.
package main
