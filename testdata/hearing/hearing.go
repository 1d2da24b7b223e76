package hearing

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mewkiz/flac"
	"golang.org/x/sync/errgroup"
)

//go:embed reference.json judge.flac clerk.flac plaintiff.flac defendant.flac witness.flac
var files embed.FS

// Hearing is the reference: what was said, by whom and when, and the
// recordings of it. Times are milliseconds since the first sample, which all
// recordings share.
type Hearing struct {
	Title        string        `json:"title"`
	CaseNo       string        `json:"case_no"`
	Cause        string        `json:"cause"`
	Courtroom    string        `json:"courtroom"`
	Public       bool          `json:"public"`
	Participants []Participant `json:"participants"`
	Hotwords     []string      `json:"hotwords"`
	Rate         int           `json:"rate"`    // of all recordings, in Hz
	Samples      int           `json:"samples"` // in each recording
	Recordings   []Recording   `json:"recordings"`
	Bleed        []Bleed       `json:"bleed"`
	Sentences    []Sentence    `json:"sentences"` // by start
}

// Participant is a person of the case.
type Participant struct {
	Role string `json:"role"`
	Name string `json:"name"`
}

// Recording is what one seat's microphone heard.
type Recording struct {
	Channel   string  `json:"channel"`
	Role      string  `json:"role"`
	Speaker   string  `json:"speaker"`
	File      string  `json:"file"`
	PCMSHA256 string  `json:"pcm_sha256"` // of the samples as s16le, hex
	PCM       []int16 `json:"-"`          // nil from [Reference]
}

// Bleed says that a microphone also hears the speech of another seat.
type Bleed struct {
	Channel string  `json:"channel"` // which hears
	From    string  `json:"from"`    // what it should not
	GainDB  float64 `json:"gain_db"`
	DelayMS int64   `json:"delay_ms"`
}

// Sentence is one utterance: no pause inside it reaches 300 ms, and 900 ms or
// more lie between two of the same seat. StartMS and EndMS enclose what can be
// heard of it.
type Sentence struct {
	Channel string `json:"channel"`
	Role    string `json:"role"`
	Phase   string `json:"phase"`
	Text    string `json:"text"` // the words and their punctuation, joined
	StartMS int64  `json:"start_ms"`
	EndMS   int64  `json:"end_ms"` // exclusive
	Words   []Word `json:"words"`
}

// Word ends where the next one begins, or where the clause does.
type Word struct {
	Text    string `json:"text"`
	Punct   string `json:"punct,omitempty"` // what follows it in the sentence
	StartMS int64  `json:"start_ms"`
	EndMS   int64  `json:"end_ms"` // exclusive
}

// Reference gives the text without the sound: Recordings have no PCM.
func Reference() (*Hearing, error) {
	data, err := files.ReadFile("reference.json")
	if err != nil {
		return nil, fmt.Errorf("read hearing: %w", err)
	}
	h := new(Hearing)
	if err := json.Unmarshal(data, h); err != nil {
		return nil, fmt.Errorf("read hearing reference.json: %w", err)
	}
	return h, nil
}

// Load gives the reference with every recording decoded and checked against
// its hash. Each call decodes anew (35 MB) and the caller owns the result.
func Load() (*Hearing, error) {
	h, err := Reference()
	if err != nil {
		return nil, err
	}
	var g errgroup.Group
	for i := range h.Recordings {
		g.Go(func() error { return h.Recordings[i].decode(h.Rate, h.Samples) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return h, nil
}

// FLAC gives the FLAC file of a recording as it is committed.
func (r *Recording) FLAC() ([]byte, error) {
	data, err := files.ReadFile(r.File)
	if err != nil {
		return nil, fmt.Errorf("read recording %s: %w", r.Channel, err)
	}
	return data, nil
}

func (r *Recording) decode(rate, samples int) error {
	data, err := r.FLAC()
	if err != nil {
		return err
	}
	s, err := flac.New(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("decode recording %s: %w", r.Channel, err)
	}
	if s.Info.NChannels != 1 || s.Info.BitsPerSample != 16 || int(s.Info.SampleRate) != rate {
		return fmt.Errorf("decode recording %s: %d channels, %d bits, %d Hz", r.Channel, s.Info.NChannels, s.Info.BitsPerSample, s.Info.SampleRate)
	}
	pcm := make([]int16, 0, samples)
	sum := sha256.New()
	var b []byte
	for {
		f, err := s.ParseNext()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("decode recording %s at sample %d: %w", r.Channel, len(pcm), err)
		}
		b = b[:0]
		for _, v := range f.Subframes[0].Samples {
			pcm = append(pcm, int16(v))
			b = append(b, byte(v), byte(v>>8))
		}
		sum.Write(b)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != r.PCMSHA256 || len(pcm) != samples {
		return fmt.Errorf("decode recording %s: %d samples with hash %s, reference says %d with %s", r.Channel, len(pcm), got, samples, r.PCMSHA256)
	}
	r.PCM = pcm
	return nil
}
