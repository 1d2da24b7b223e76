package main

/*
#cgo pkg-config: pocketsphinx
#include <pocketsphinx/pocketsphinx.h>
#include <sphinxbase/fe.h>
#include <sphinxbase/feat.h>
#include <sphinxbase/ckd_alloc.h>
#include <sphinxbase/err.h>
#include <malloc.h>
#include <stdlib.h>

static void prepare(void) {
	err_set_logfp(NULL);
#ifdef M_ARENA_MAX
	// Go calls from many threads: with a heap for each, decoders that come and go
	// leave holes in all of them, and memory grows for hours.
	mallopt(M_ARENA_MAX, 1);
#endif
}

static ps_decoder_t *decoder_open(int n, char **args) {
	cmd_ln_t *config = cmd_ln_parse_r(NULL, ps_args(), n, args, TRUE);
	ps_decoder_t *ps = config ? ps_init(config) : NULL;
	cmd_ln_free_r(config); // the decoder holds it, too
	return ps;
}

static void decoder_close(ps_decoder_t *ps) {
	ps_free(ps);
#ifdef __GLIBC__
	// It lay between others, and the next one may not fit into its holes.
	malloc_trim(0);
#endif
}

// cepstra_of gives what the front end hears; the caller frees it with
// ckd_free_2d.
static mfcc_t **cepstra_of(ps_decoder_t *ps, int16 const *pcm, size_t samples, int32 *frames) {
	fe_t *fe = ps_get_fe(ps);
	int32 room, last = 0;
	fe_start_stream(fe); // forgets the noise of the clip before
	fe_start_utt(fe);
	size_t left = samples;
	int16 const *at = pcm;
	if (fe_process_frames(fe, NULL, &left, NULL, &room, NULL) < 0) return NULL;
	mfcc_t **cep = (mfcc_t **)ckd_calloc_2d(room + 1, fe_get_output_size(fe), sizeof(mfcc_t));
	*frames = room;
	left = samples;
	if (fe_process_frames(fe, &at, &left, cep, frames, NULL) < 0 || fe_end_utt(fe, cep[*frames], &last) < 0) {
		ckd_free_2d(cep);
		return NULL;
	}
	*frames += last;
	return cep;
}

static int decode(ps_decoder_t *ps, mfcc_t **cep, int frames) {
	if (ps_start_stream(ps) < 0 || ps_start_utt(ps) < 0) return -1;
	int rc = ps_process_cep(ps, cep, frames, FALSE, TRUE);
	return ps_end_utt(ps) < 0 || rc < 0 ? -1 : 0;
}

static void seg_scores(ps_seg_t *seg, int32 *acoustic, int32 *language) {
	int32 lback;
	*acoustic = *language = 0;
	ps_seg_prob(seg, acoustic, language, &lback);
}

// Acoustic scores are kept in 1024 units of the logarithm.
static double seg_ln(ps_decoder_t *ps, int32 score) { return 1024.0 * logmath_log_to_ln(ps_get_logmath(ps), score); }
*/
import "C"

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unsafe"
)

// frameRate is in frames a second.
const frameRate = 100

// search are the decoder's settings, chosen on the development script: its own
// defaults prune too early for a lexicon full of near homophones.
var search = []string{
	"-lw", "8", "-bestpath", "no", "-beam", "1e-80", "-pbeam", "1e-80", "-wbeam", "1e-50", "-lpbeam", "1e-60", "-lponlybeam", "1e-50",
	"-fwdflatbeam", "1e-90", "-fwdflatwbeam", "1e-50",
}

// decoder is one of PocketSphinx's. It serves one goroutine at a time.
type decoder struct {
	ps    *C.ps_decoder_t
	slots map[string]string // hotword slots of the lexicon → words
}

// span is a word that was decoded, or a pause, which has none.
type span struct {
	word       string
	first, end int     // frames; end is exclusive
	acoustic   float64 // mean over its frames of ln p(frame | word) − ln p(frame | best state)
}

// openDecoder loads the model in dir with the lexicon dict.
func openDecoder(dir, dict string, slots map[string]string) (*decoder, error) {
	C.prepare()
	args := append([]string{"demo-asr", "-hmm", dir, "-lm", filepath.Join(dir, "court.lm.bin"), "-dict", dict}, search...)
	argv := make([]*C.char, len(args)+1)
	for i, a := range args {
		argv[i] = C.CString(a)
		defer C.free(unsafe.Pointer(argv[i]))
	}
	ps := C.decoder_open(C.int(len(args)), &argv[0])
	if ps == nil {
		return nil, fmt.Errorf("open decoder: PocketSphinx refuses the model in %s", dir)
	}
	return &decoder{ps: ps, slots: slots}, nil
}

func (d *decoder) Close() { C.decoder_close(d.ps) }

// hear gives the words and pauses in a clip.
func (d *decoder) hear(pcm []int16) ([]span, error) {
	var frames C.int32
	c := C.cepstra_of(d.ps, (*C.int16)(unsafe.Pointer(unsafe.SliceData(pcm))), C.size_t(len(pcm)), &frames)
	if c == nil || frames == 0 {
		return nil, errors.New("decode: the front end takes no sound")
	}
	defer C.ckd_free_2d(unsafe.Pointer(c))
	if C.decode(d.ps, c, C.int(frames)) < 0 {
		return nil, errors.New("decode: PocketSphinx failed")
	}
	var words []span
	for seg := C.ps_seg_iter(d.ps); seg != nil; seg = C.ps_seg_next(seg) {
		word, _, _ := strings.Cut(C.GoString(C.ps_seg_word(seg)), "(") // 还(2) is another reading of 还
		if strings.HasPrefix(word, "<") {
			word = "" // a pause
		}
		if hot, ok := d.slots[word]; ok {
			word = hot
		}
		var first, last C.int
		C.ps_seg_frames(seg, &first, &last)
		n := int(last) + 1 - int(first)
		var acoustic, language C.int32
		C.seg_scores(seg, &acoustic, &language)
		if word == "" {
			// It puts down to the language what no language model was asked for,
			// and takes it from the sound.
			acoustic += language
		}
		words = append(words, span{
			word: word, first: int(first), end: int(last) + 1,
			acoustic: float64(C.seg_ln(d.ps, acoustic)) / float64(max(1, n)),
		})
	}
	return words, nil
}
