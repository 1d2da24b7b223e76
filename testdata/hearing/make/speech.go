package main

/*
#cgo LDFLAGS: -lespeak-ng
#include <espeak-ng/speak_lib.h>
#include <stdlib.h>
#include <string.h>

enum { max_samples = 22050 * 30, max_words = 256 };
short audio[max_samples];
int samples, overflow;
struct { int text, ms; } word[max_words];
int words;

static int on_audio(short *wav, int n, espeak_EVENT *ev) {
	for (; ev->type != espeakEVENT_LIST_TERMINATED; ev++) {
		// A stale event with text position 0 comes from the call before.
		if (ev->type != espeakEVENT_WORD || ev->text_position < 1) continue;
		if (words == max_words) { overflow = 1; return 1; }
		word[words].text = ev->text_position - 1;
		word[words++].ms = ev->audio_position;
	}
	if (wav == NULL) return 0;
	if (samples + n > max_samples) { overflow = 1; return 1; }
	memcpy(audio + samples, wav, n * sizeof *wav);
	samples += n;
	return 0;
}

static int open_synth(void) {
	int rate = espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, NULL, 0);
	espeak_SetSynthCallback(on_audio);
	return rate;
}

static int say(const char *text) {
	samples = words = overflow = 0;
	if (espeak_Synth(text, strlen(text) + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8, NULL, NULL) != EE_OK) return -1;
	if (espeak_Synchronize() != EE_OK || overflow) return -1;
	return 0;
}
*/
import "C"

import (
	"fmt"
	"math"
	"strings"
	"unsafe"

	"github.com/mozillazg/go-pinyin"
)

// synth speaks with espeak-ng, which keeps its state in globals: there is one
// synth in a process and it serves one goroutine.
type synth struct {
	rate     int               // of what espeak-ng gives, in Hz
	readings map[string]string // word → syllables with tones, joined
}

func newSynth(readings map[string]string) (*synth, error) {
	rate := int(C.open_synth())
	if rate <= 0 {
		return nil, fmt.Errorf("open espeak-ng: error %d", rate)
	}
	return &synth{rate: rate, readings: readings}, nil
}

// use turns to a seat's voice.
func (s *synth) use(st seat) error {
	name := C.CString("cmn-latn-pinyin+" + st.Voice)
	defer C.free(unsafe.Pointer(name))
	if rc := C.espeak_SetVoiceByName(name); rc != C.EE_OK {
		return fmt.Errorf("voice %s: error %d", st.Voice, rc)
	}
	for _, p := range []struct {
		name  C.espeak_PARAMETER
		value int
	}{{C.espeakPITCH, st.Pitch}, {C.espeakRANGE, st.Range}, {C.espeakRATE, st.Rate}} {
		if rc := C.espeak_SetParameter(p.name, C.int(p.value), 0); rc != C.EE_OK {
			return fmt.Errorf("voice %s: parameter %d: error %d", st.Voice, p.name, rc)
		}
	}
	return nil
}

// say speaks words as one clause, at rate 16 kHz, without the silence around
// it. starts are the first samples of each word. mark shapes the intonation.
func (s *synth) say(words []string, mark string) (pcm []float64, starts []int, err error) {
	var text strings.Builder
	at := make(map[int]int) // character → word
	for i, w := range words {
		if i > 0 {
			text.WriteByte(' ')
		}
		at[text.Len()] = i
		r, err := s.reading(w)
		if err != nil {
			return nil, nil, err
		}
		text.WriteString(r) // ASCII: bytes are characters
	}
	text.WriteString(mark)
	c := C.CString(text.String())
	defer C.free(unsafe.Pointer(c))
	if rc := C.say(c); rc != 0 {
		return nil, nil, fmt.Errorf("speak %q: failed", text.String())
	}

	starts = make([]int, len(words))
	seen := 0
	for _, w := range C.word[:C.words] {
		i, ok := at[int(w.text)]
		if !ok {
			return nil, nil, fmt.Errorf("speak %q: word event at character %d", text.String(), w.text)
		}
		starts[i] = int(w.ms) * rate / 1000
		seen++
	}
	if seen != len(words) {
		return nil, nil, fmt.Errorf("speak %q: %d word events for %d words", text.String(), seen, len(words))
	}
	native := make([]float64, C.samples)
	for i, v := range C.audio[:C.samples] {
		native[i] = float64(v) / 32768
	}
	return resample(native, s.rate, rate), starts, nil
}

// reading is a word in numbered pinyin.
func (s *synth) reading(word string) (string, error) {
	if r, ok := s.readings[word]; ok {
		return r, nil
	}
	args := pinyin.NewArgs()
	args.Style = pinyin.Tone3
	var b strings.Builder
	for _, r := range word {
		p := pinyin.SinglePinyin(r, args)
		if len(p) == 0 {
			return "", fmt.Errorf("word %s: no reading for %c", word, r)
		}
		b.WriteString(p[0])
		if c := p[0][len(p[0])-1]; c < '1' || c > '4' {
			b.WriteByte('5')
		}
	}
	return b.String(), nil
}

// resample converts between rates with a windowed sinc of 32 zero crossings
// each side, cut off at 0.92 of the lower Nyquist frequency.
func resample(x []float64, from, to int) []float64 {
	const zeros = 32
	cut := 0.92 * math.Min(1, float64(to)/float64(from)) // of the input's Nyquist frequency
	half := int(zeros / cut)
	y := make([]float64, len(x)*to/from)
	for i := range y {
		t := float64(i) * float64(from) / float64(to)
		c := int(t)
		for k := max(0, c-half); k <= min(len(x)-1, c+half); k++ {
			d := t - float64(k)
			if math.Abs(d) > float64(half) {
				continue
			}
			w := 0.5 + 0.5*math.Cos(math.Pi*d/float64(half))
			y[i] += x[k] * w * cut * sinc(cut*d)
		}
	}
	return y
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
