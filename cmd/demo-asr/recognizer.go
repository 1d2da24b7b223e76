package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"

	"tingji/cmd/demo-asr/lexicon"
)

// The model is trained by testdata/demo-asr/make.
//
//go:embed model
var modelFiles embed.FS

// errForeign is returned for speech that does not sound like the model's.
var errForeign = errors.New("speech unlike that of the model")

const (
	// maskBelow is how far below a clip's level masked lays its noise, in dB.
	maskBelow = 25
	// maxIdle decoders wait for the next request, 25 MB each.
	maxIdle = 3
	// Quieter than this is no speech: a closed lexicon finds words in any noise.
	quietRMS   = 33 // of 32768: −60 dBFS
	quietFrame = rate / 50
	minLoud    = 5 // frames
)

// word of an answer; times are seconds since the start of the clip.
type word struct {
	text        string
	start, end  float64
	probability float64
}

// recognizer hands each request a decoder that expects its hotwords. Safe for
// several goroutines.
type recognizer struct {
	dir    string // the model, on disk
	dict   []byte
	known  map[string]bool // words of dict
	reader *lexicon.Reader
	slots  chan struct{} // bounds the decoders at work

	mu   sync.Mutex
	idle []idleDecoder // the longest idle first
}

type idleDecoder struct {
	key string
	*decoder
}

// newRecognizer unpacks the model into a temporary folder, which Close removes.
func newRecognizer(parallel int) (_ *recognizer, err error) {
	r := &recognizer{slots: make(chan struct{}, parallel)}
	if r.dir, err = os.MkdirTemp("", "tingji-demo-asr-"); err != nil {
		return nil, fmt.Errorf("unpack model: %w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(r.dir)
		}
	}()
	model, err := fs.Sub(modelFiles, "model")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(r.dir, model); err != nil {
		return nil, fmt.Errorf("unpack model: %w", err)
	}
	read := func(name string) (b []byte) {
		if err == nil {
			b, err = fs.ReadFile(model, name)
		}
		return b
	}
	r.dict = read("court.dic")
	r.known = lexiconWords(r.dict)
	readings := read("readings.txt")
	if err != nil {
		return nil, err
	}
	if r.reader, err = lexicon.NewReader(strings.NewReader(string(readings))); err != nil {
		return nil, err
	}
	d, err := r.open(nil)
	if err != nil {
		return nil, err
	}
	r.putBack(idleDecoder{"", d})
	return r, nil
}

// Close frees the decoders; none may be at work.
func (r *recognizer) Close() error {
	for _, d := range r.idle {
		d.Close()
	}
	r.idle = nil
	return os.RemoveAll(r.dir)
}

// Recognize gives the words in a clip: none when nobody speaks, errForeign when
// somebody does whom the model cannot know. It waits for a decoder as long as
// ctx lasts; decoding itself is not interrupted.
func (r *recognizer) Recognize(ctx context.Context, pcm []int16, prompt string) ([]word, error) {
	spans, err := r.hear(ctx, pcm, prompt)
	if err != nil {
		return nil, err
	}
	if likeness(spans) < leastLikeness {
		return nil, errForeign
	}
	var words []word
	for _, s := range spans {
		if s.word != "" {
			words = append(words, word{s.word, float64(s.first) / frameRate, float64(s.end) / frameRate, confidence(s.acoustic)})
		}
	}
	return words, nil
}

// hear decodes a clip, whoever speaks in it; nothing where nobody does.
func (r *recognizer) hear(ctx context.Context, pcm []int16, prompt string) ([]span, error) {
	if !audible(pcm) {
		return nil, nil
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	d, err := r.take(hotwords(prompt, r.known))
	if err != nil {
		return nil, err
	}
	spans, err := d.hear(masked(pcm))
	if err != nil {
		d.Close()
		return nil, err
	}
	r.putBack(d)
	return spans, nil
}

// confidence turns span.acoustic into the share of words that were right on the
// development script where it was the same.
func confidence(acoustic float64) float64 {
	const slope, middle = 0.6, -6.0
	return 1 / (1 + math.Exp(-slope*(acoustic-middle)))
}

// take gives an idle decoder that expects these words, or opens one.
func (r *recognizer) take(hot []string) (idleDecoder, error) {
	key := strings.Join(hot, " ")
	r.mu.Lock()
	for i := len(r.idle) - 1; i >= 0; i-- {
		if d := r.idle[i]; d.key == key {
			r.idle = append(r.idle[:i], r.idle[i+1:]...)
			r.mu.Unlock()
			return d, nil
		}
	}
	r.mu.Unlock()
	d, err := r.open(hot)
	return idleDecoder{key, d}, err
}

func (r *recognizer) putBack(d idleDecoder) {
	r.mu.Lock()
	r.idle = append(r.idle, d)
	var old *decoder
	if len(r.idle) > maxIdle {
		old = r.idle[0].decoder
		r.idle = append(r.idle[:0], r.idle[1:]...)
	}
	r.mu.Unlock()
	if old != nil {
		old.Close()
	}
}

func (r *recognizer) open(hot []string) (*decoder, error) {
	dict, slots := dictionary(r.dict, hot, r.reader)
	f, err := os.CreateTemp(r.dir, "dict-")
	if err != nil {
		return nil, fmt.Errorf("open decoder: %w", err)
	}
	defer os.Remove(f.Name()) // it is read once
	_, err = f.Write(dict)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("open decoder: %w", err)
	}
	return openDecoder(r.dir, f.Name(), slots)
}

// masked adds noise maskBelow dB below a clip's own level. What lies deeper, a
// telephone's empty bands or a digital silence, tells recordings apart and not
// words; all of the model's training has noise about there.
func masked(pcm []int16) []int16 {
	var sum float64
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	gain := math.Sqrt(sum/float64(len(pcm))) * math.Pow(10, -maskBelow/20)
	random := rand.New(rand.NewPCG(1, 2)) // the same for each clip: so are the answers
	out := make([]int16, len(pcm))
	for i, x := range pcm {
		out[i] = int16(max(math.MinInt16, min(math.MaxInt16, math.Round(float64(x)+gain*random.NormFloat64()))))
	}
	return out
}

// audible reports whether somebody may be speaking.
func audible(pcm []int16) bool {
	loud := 0
	for ; len(pcm) >= quietFrame; pcm = pcm[quietFrame:] {
		var sum float64
		for _, x := range pcm[:quietFrame] {
			sum += float64(x) * float64(x)
		}
		if sum > quietRMS*quietRMS*quietFrame {
			loud++
		}
	}
	return loud >= minLoud
}
