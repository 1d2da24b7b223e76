package main

/*
#cgo LDFLAGS: -lespeak-ng
#include <espeak-ng/speak_lib.h>
#include <stdlib.h>
#include <string.h>

enum { max_samples = 22050 * 40 };
static short audio[max_samples];
static int samples, overflow;

static int on_audio(short *wav, int n, espeak_EVENT *ev) {
	if (wav == NULL) return 0;
	if (samples + n > max_samples) { overflow = 1; return 1; }
	memcpy(audio + samples, wav, n * sizeof *wav);
	samples += n;
	return 0;
}

static int synth_open(void) {
	int rate = espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, NULL, 0);
	espeak_SetSynthCallback(on_audio);
	return rate;
}

static int synth_say(const char *text) {
	samples = overflow = 0;
	if (espeak_Synth(text, strlen(text) + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8, NULL, NULL) != EE_OK) return -1;
	if (espeak_Synchronize() != EE_OK || overflow) return -1;
	return samples;
}
static short *synth_audio(void) { return audio; }
*/
import "C"

import (
	"fmt"
	"math"
	"unsafe"
)

const rate = 16000 // of everything after the synthesiser

// trainVoices are variants of espeak-ng's cmn-latn-pinyin; devVoices are kept
// apart, to choose settings on voices that were not trained. Whispering,
// creaking and robots are left out.
var (
	trainVoices = []string{
		"m1", "m2", "m3", "m4", "m6", "m7", "m8", "f1", "f2", "f3", "f5", "klatt", "klatt3", "klatt4", "klatt6",
		"adam", "Alex", "Alicia", "Andy", "Annie", "antonio", "belinda", "benjamin", "boris", "caleb", "Denis", "Diogo", "ed", "edward",
		"Gene", "gustave", "Henrique", "Hugo", "iven", "iven3", "Jacky", "Lee", "linda", "marcelo", "Marco", "Mario", "max", "michel",
		"miguel", "mike", "Mr", "Nguyen", "pablo", "paul", "pedro", "rob", "robert", "sandro", "shelby", "steph", "steph3", "travis", "victor", "zac", "kaukovalta",
	}
	devVoices = []string{"m5", "f4", "klatt2", "Andrea", "david", "john", "quincy", "steph2"}
)

// voice is how an utterance is spoken.
type voice struct {
	variant              string
	speed, pitch, range_ int // words a minute; 0 to 100
}

// synth speaks with espeak-ng, which keeps its state in globals: there is one
// in a process, for one goroutine.
type synth struct {
	rate int
	down [][]float64 // a filter for each phase of the resampler
}

func newSynth() (*synth, error) {
	native := int(C.synth_open())
	if native <= 0 {
		return nil, fmt.Errorf("open espeak-ng: error %d", native)
	}
	return &synth{rate: native, down: phases(native, rate)}, nil
}

// say speaks numbered pinyin.
func (s *synth) say(v voice, text string) ([]float64, error) {
	name := C.CString("cmn-latn-pinyin+" + v.variant)
	defer C.free(unsafe.Pointer(name))
	if rc := C.espeak_SetVoiceByName(name); rc != C.EE_OK {
		return nil, fmt.Errorf("voice %s: error %d", v.variant, rc)
	}
	C.espeak_SetParameter(C.espeakRATE, C.int(v.speed), 0)
	C.espeak_SetParameter(C.espeakPITCH, C.int(v.pitch), 0)
	C.espeak_SetParameter(C.espeakRANGE, C.int(v.range_), 0)
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	n := int(C.synth_say(c))
	if n <= 0 {
		return nil, fmt.Errorf("speak %q with %s: failed", text, v.variant)
	}
	native := make([]float64, n)
	for i, x := range unsafe.Slice((*int16)(unsafe.Pointer(C.synth_audio())), n) {
		native[i] = float64(x) / 32768
	}
	return resample(native, s.down, s.rate, rate), nil
}

// zeros is the length of the resampler's filter to each side, in samples of the
// slower rate.
const zeros = 24

func phases(from, to int) [][]float64 {
	g := gcd(from, to)
	cut := 0.92 * math.Min(1, float64(to)/float64(from))
	half := int(zeros/cut) + 1
	out := make([][]float64, to/g)
	for p := range out {
		frac := float64(p) * float64(from) / float64(to)
		frac -= math.Floor(frac)
		h := make([]float64, 2*half+1)
		for k := range h {
			d := frac - float64(k-half)
			if math.Abs(d) < float64(half) {
				h[k] = cut * sinc(cut*d) * (0.5 + 0.5*math.Cos(math.Pi*d/float64(half)))
			}
		}
		out[p] = h
	}
	return out
}

func resample(x []float64, filters [][]float64, from, to int) []float64 {
	half := len(filters[0]) / 2
	y := make([]float64, len(x)*to/from)
	for i := range y {
		h := filters[i%len(filters)]
		c := i * from / to
		for k := max(0, c-half); k <= min(len(x)-1, c+half); k++ {
			y[i] += x[k] * h[k-c+half]
		}
	}
	return y
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
