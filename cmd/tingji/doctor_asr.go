package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/agnivade/levenshtein"

	"tingji/asr"
	"tingji/asr/demo"
	"tingji/capture"
	"tingji/capture/file"
	"tingji/testdata/hearing"
)

// doctorASR is `tingji doctor asr`: a clip goes through the engine, and what
// comes back is looked at as the worker would use it.
type doctorASR struct {
	What string `arg:"" optional:"" default:"" enum:",asr" help:"asr: send a clip through the engine and look at the answer."`
	Clip string `type:"existingfile" placeholder:"FILE" help:"With asr: speech to send, at most 30 s are used; else a sentence of the sample hearing, which only the demonstration recogniser understands."`
	Text string `placeholder:"TEXT" help:"With asr: what is said in the clip."`
}

const (
	engineClip     = 30 * time.Second // of a longer recording
	enginePatience = 3 * time.Minute  // the first request may load a model
	// Above these an answer is not good enough to work with.
	mostWrong = 0.3 // share of characters
	mostTime  = 0.7 // of the clip's length: the rest is for partial results
	// shortClip is what "yes, I do" takes; longer clips are cut to it for a second
	// look at the speed.
	shortClip = 2 * time.Second
)

// clip is what is sent, and what is known of it.
type clip struct {
	samples []int16
	text    string // empty: not known
	prompt  string
	ours    bool // from the sample hearing
}

func (c doctorASR) run(ctx context.Context, a *app) error {
	ctx, cancel := context.WithTimeout(ctx, enginePatience)
	defer cancel()
	sent, err := c.clip(ctx, a)
	if err != nil {
		return err
	}
	s := newStack(a.log)
	defer s.Stop()
	known := a.config.ASR.URL == "" // the demonstration recogniser, which must understand our clip
	if known {
		if a.config.ASR.URL, err = a.startDecoder(ctx, s); err != nil {
			return fmt.Errorf("no engine is configured (asr.url), and the demonstration recogniser cannot be had: %w", err)
		}
		a.config.ASR.Model = decoderModel
		say(a.stdout, "note", "engine", "none is configured (asr.url): the demonstration recogniser is looked at, which understands synthetic voices only")
	}
	name := ""
	if known {
		name = demo.Engine
	}
	engine, err := a.engine(name)
	if err != nil {
		return err
	}
	defer engine.Close()
	if err := engine.Check(ctx); err != nil {
		say(a.stdout, "FAIL", "engine", oneLine(err))
		return errors.New("the engine does not answer")
	}
	say(a.stdout, "ok", "engine", a.config.ASR.URL+" answers")

	asked := asr.Clip{Samples: sent.samples, Prompt: sent.prompt, Final: true}
	if _, err := engine.Recognize(ctx, asked); err != nil { // it may load its model first
		say(a.stdout, "FAIL", "answer", advice(err))
		return errors.New("the engine does not transcribe")
	}
	began := time.Now()
	h, err := engine.Recognize(ctx, asked)
	took := time.Since(began)
	if err != nil {
		say(a.stdout, "FAIL", "answer", advice(err))
		return errors.New("the engine transcribes once and then no more")
	}
	brief := sent
	brief.samples = sent.samples[:min(len(sent.samples), int(shortClip.Seconds())*capture.Rate)]
	began = time.Now()
	_, briefErr := engine.Recognize(ctx, asr.Clip{Samples: brief.samples, Prompt: sent.prompt, Final: true})
	briefly := time.Since(began)
	quiet := make([]int16, 2*capture.Rate)
	for i := range quiet {
		quiet[i] = int16(i*7919%13 - 6) // a room in which nobody speaks
	}
	invented, silenceErr := engine.Recognize(ctx, asr.Clip{Samples: quiet, Final: true})

	failed := 0
	for _, f := range slices.Concat(lookAtText(h, sent, known, a.config.ASR.Language), lookAtTimes(h, sent),
		lookAtSpeed(took, sent), lookAtShortClips(briefly, brief, briefErr), lookAtSilence(invented, silenceErr)) {
		if f.verdict == "FAIL" {
			failed++
		}
		say(a.stdout, f.verdict, f.about, f.text)
	}
	if failed > 0 {
		return fmt.Errorf("%d of these do not work", failed)
	}
	return nil
}

// clip is the recording that was named, or a sentence of the sample hearing.
func (c doctorASR) clip(ctx context.Context, a *app) (clip, error) {
	if c.Clip != "" {
		samples, err := readClip(ctx, file.NewPlayer(0).File(c.Clip, 0))
		return clip{samples: samples, text: c.Text}, err
	}
	if c.Text != "" {
		return clip{}, misuse("--text says what is said in --clip, which is missing")
	}
	ref, err := hearing.Load()
	if err != nil {
		return clip{}, err
	}
	longest := slices.MaxFunc(ref.Sentences, func(a, b hearing.Sentence) int {
		return int((a.EndMS - a.StartMS) - (b.EndMS - b.StartMS))
	})
	out := clip{text: longest.Text, ours: true}
	for _, p := range ref.Participants {
		out.prompt += p.Name + "，"
	}
	out.prompt += strings.Join(ref.Hotwords, "，")
	const around = 200 // ms
	for _, r := range ref.Recordings {
		if r.Channel == longest.Channel {
			from, to := max(0, int(longest.StartMS)-around), int(longest.EndMS)+around
			out.samples = r.PCM[from*ref.Rate/1000 : min(len(r.PCM), to*ref.Rate/1000)]
		}
	}
	return out, nil
}

func readClip(ctx context.Context, from capture.Source) ([]int16, error) {
	stream, err := from.Open(ctx, 0)
	if err != nil {
		return nil, usageError{err}
	}
	defer stream.Close()
	var samples []int16
	buf := make([]int16, capture.Rate)
	for len(samples) < int(engineClip.Seconds())*capture.Rate {
		n, _, err := stream.Read(ctx, buf)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		samples = append(samples, buf[:n]...)
	}
	if len(samples) < capture.Rate/2 {
		return nil, misuse("the clip is shorter than half a second")
	}
	return samples, nil
}

// finding is a line of the doctor's.
type finding struct{ verdict, about, text string }

// lookAtText judges words and language; language is the configured one.
func lookAtText(h asr.Hypothesis, sent clip, known bool, language string) []finding {
	if strings.TrimSpace(h.Text) == "" {
		if sent.ours && !known {
			return []finding{{"note", "text", "none for a synthetic voice: give it a person's with --clip, and what is said with --text"}}
		}
		return []finding{{"FAIL", "text", "none: is the model one for this language, and is somebody speaking in the clip?"}}
	}
	out := []finding{{"ok", "text", h.Text}}
	han, latin := 0, 0
	for _, r := range h.Text {
		switch {
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.IsLetter(r):
			latin++
		}
	}
	switch {
	case latin > han && language == "zh":
		out = append(out, finding{"FAIL", "lang", fmt.Sprintf("the text is not Chinese (the engine says %q): is the model an English one (.en), or asr.language ignored?", h.Language)})
	case strings.ContainsAny(h.Text, "們這說還對為與嗎請應該審證據實"):
		out = append(out, finding{"note", "lang", "traditional characters: a prompt in simplified ones, or another model, changes that"})
	}
	if sent.text == "" {
		return append(out, finding{"note", "words", "right or wrong is not known: say with --text what is said in the clip"})
	}
	if sent.ours && !known {
		return append(out, finding{"note", "words", "not compared: recognisers trained on people do not understand this synthetic voice; give --clip and --text"})
	}
	want, got := letters(sent.text), letters(h.Text)
	wrong := float64(levenshtein.ComputeDistance(want, got)) / float64(max(1, len([]rune(want))))
	f := finding{"ok", "words", fmt.Sprintf("%.0f %% of the characters are wrong", 100*wrong)}
	if wrong > mostWrong {
		f.verdict = "FAIL"
		f.text += ": too many to correct by hand; another model?"
	}
	return append(out, f)
}

// letters is text as it is compared: without punctuation and blanks.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

func lookAtTimes(h asr.Hypothesis, sent clip) []finding {
	switch {
	case strings.TrimSpace(h.Text) == "":
		return nil
	case h.Estimated || len(h.Words) == 0:
		return []finding{{"note", "times", "the server gives no word times, or none that fit the clip: words are spread over each utterance, and a click on a word plays from nearby"}}
	}
	first, last := h.Words[0], h.Words[len(h.Words)-1]
	return []finding{{"ok", "times", fmt.Sprintf("%d words, the first at %v, the last ends at %v of %v", len(h.Words), first.Start, last.End, length(sent))}}
}

func length(c clip) time.Duration {
	return time.Duration(len(c.samples)) * time.Second / capture.Rate
}

func lookAtSpeed(took time.Duration, sent clip) []finding {
	share := took.Seconds() / length(sent).Seconds()
	f := finding{"ok", "speed", fmt.Sprintf("%v for %v of speech: %.2f of real time", took.Round(time.Millisecond), length(sent).Round(time.Millisecond), share)}
	if share > mostTime {
		f.verdict = "FAIL"
		f.text += "; a hearing will run away from it: a smaller model, a GPU, or more servers"
	}
	return []finding{f}
}

// lookAtShortClips finds engines that take as long for a word as for half a minute,
// as Whisper's do: most of what is said in a courtroom is short.
func lookAtShortClips(took time.Duration, sent clip, err error) []finding {
	if err != nil {
		return []finding{{"FAIL", "short", advice(err)}}
	}
	share := took.Seconds() / length(sent).Seconds()
	f := finding{"ok", "short", fmt.Sprintf("%v for %v of speech: %.2f of real time", took.Round(time.Millisecond), length(sent).Round(time.Millisecond), share)}
	switch {
	case share > 1:
		f.verdict = "FAIL"
		f.text += "; each clip costs as much, however short: a hearing of short answers will run away from it: a smaller model, a GPU, or more servers"
	case share > mostTime:
		f.verdict = "note"
		f.text += "; short answers take longer than they last: leave partial results to another server, or take a smaller model"
	}
	return []finding{f}
}

func lookAtSilence(h asr.Hypothesis, err error) []finding {
	var rejected *asr.RejectedError
	switch {
	case errors.As(err, &rejected):
		return []finding{{"ok", "silence", "refused"}}
	case err != nil:
		return []finding{{"FAIL", "silence", advice(err)}}
	case strings.TrimSpace(h.Text) != "":
		return []finding{{"note", "silence", fmt.Sprintf("the engine hears %q where nobody speaks; Tingji sends no silence, but such text may follow noise", h.Text)}}
	}
	return []finding{{"ok", "silence", "no text"}}
}

// advice says what an engine's refusal means for whoever set it up.
func advice(err error) string {
	var rejected *asr.RejectedError
	var retry *asr.RetryError
	switch {
	case errors.As(err, &rejected):
		return oneLine(err) + "; if it refuses other clips too: is asr.model the name that the server knows, and does it take 16 kHz WAV?"
	case errors.As(err, &retry):
		return oneLine(err) + "; it may still be loading its model, be too busy, or not speak OpenAI's transcription protocol"
	}
	return oneLine(err)
}
