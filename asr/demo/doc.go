// Package demo is the demonstration engine (示例识别引擎): a loopback server
// that speaks the OpenAI transcription protocol and knows only the recordings
// whose reference it was given.
//
// It recognises nothing. It finds, sample by sample, which span of which
// recording a clip is, and answers with the words inside that span. So it is
// also the project's measuring instrument: whatever is wrong in a transcript
// made with it, the pipeline did.
//
// It promises:
//   - a word is in the answer when its midpoint lies in the clip and the clip
//     holds the recording's own sound about it: sound that was lost, zeroed or
//     replaced on the way takes its words along;
//   - adjacent clips that cut between words give texts that join to the text of
//     both: nothing is trimmed or balanced;
//   - the same clip gives the same words, whatever was asked before, errors by
//     [Options.WordErrorRate] included;
//   - a clip it does not know is refused (422), a known one in which nobody
//     speaks is answered with empty text;
//   - every answer names it.
//
// It must never guess, and never listen beyond loopback.
package demo
