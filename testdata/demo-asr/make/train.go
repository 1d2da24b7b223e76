package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"tingji/cmd/demo-asr/lexicon"

	"golang.org/x/sync/errgroup"
)

// features are what sphinx_fe is told, and what the decoder must be told in the
// same words: the tool does not read all of a model's feat.params.
var features = []string{
	"-samprate", "16000", "-lowerf", "130", "-upperf", "6800", "-nfilt", "25", "-ncep", "13", "-transform", "dct", "-lifter", "22",
	"-remove_noise", "yes", "-remove_silence", "no",
}

// utterance is a sentence as it is said and written down.
type utterance struct {
	voice      voice
	pinyin     string // for the synthesiser
	transcript string // words, <sil> at commas
	text       string
}

// utter says a sentence in one of the voices, with a pause here and there.
func (m *maker) utter(sentence []token, voices []string, r *rand.Rand) (utterance, error) {
	u := utterance{
		voice: voice{variant: voices[r.IntN(len(voices))], speed: 140 + r.IntN(110), pitch: 25 + r.IntN(50), range_: 30 + r.IntN(45)},
		text:  spoken(sentence),
	}
	var say, wrote strings.Builder
	for i, t := range sentence {
		s, err := m.reader.Read(t.say)
		if err != nil {
			return u, err
		}
		say.WriteString(strings.Join(s, ""))
		wrote.WriteString(t.say)
		if i == len(sentence)-1 {
			break
		}
		if i > 0 && r.IntN(14) == 0 {
			say.WriteByte(',')
			wrote.WriteString(" <sil>")
		}
		say.WriteByte(' ')
		wrote.WriteByte(' ')
	}
	u.pinyin = say.String() + pick(r, ".", ".", ".", "?")
	u.transcript = wrote.String()
	return u, nil
}

// speech says the training sentences: half drawn from the patterns, half rows
// of words, for the neighbourhoods of sounds that patterns lack.
func (m *maker) speech() error {
	r := rand.New(rand.NewPCG(3, 4))
	var all []utterance
	for i := range trainSentences {
		var sentence []token
		var err error
		if i%2 == 0 {
			for len(sentence) < 3 { // short ones are many: said often enough below
				if sentence, err = m.draw(r); err != nil {
					return err
				}
				if r.IntN(12) == 0 && len(sentence) > 0 {
					break
				}
			}
		} else {
			sentence = m.drawer.anyWords(r, 4+r.IntN(6))
		}
		u, err := m.utter(sentence, trainVoices, r)
		if err != nil {
			return err
		}
		all = append(all, u)
	}
	if err := m.say("train", all, r); err != nil {
		return err
	}
	return m.writeTrainingLists(all)
}

// dev says sentences of the same patterns with other voices.
func (m *maker) dev() error {
	r := rand.New(rand.NewPCG(5, 6))
	var all []utterance
	var text strings.Builder
	lines, err := os.ReadFile(filepath.Join(m.source, "dev.txt"))
	if err != nil {
		return err
	}
	script := strings.Fields(string(lines))
	for _, sentence := range script { // names are in no lexicon; they are spoken all the same
		for _, c := range sentence {
			m.vocabulary.add(string(c))
		}
	}
	for i := range devSentences {
		sentence := []token{}
		words, err := m.vocabulary.cut(script[i%len(script)])
		if err != nil {
			return err
		}
		for _, w := range words {
			sentence = append(sentence, token{w, w})
		}
		u, err := m.utter(sentence, devVoices, r)
		if err != nil {
			return err
		}
		all = append(all, u)
		fmt.Fprintf(&text, "dev%04d %s %s\n", i, u.voice.variant, u.text)
	}
	if err := m.say("dev", all, r); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.work, "dev.txt"), []byte(text.String()), 0o644)
}

// say writes wav/NAME0000.raw and so on, 16-bit little endian.
func (m *maker) say(name string, all []utterance, r *rand.Rand) error {
	s, err := newSynth()
	if err != nil {
		return err
	}
	dir := filepath.Join(m.work, "wav")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(parallel + 1)
	for i, u := range all {
		pcm, err := s.say(u.voice, u.pinyin)
		if err != nil {
			return err
		}
		in, seed := drawRoom(r), r.Uint64()
		g.Go(func() error {
			var b bytes.Buffer
			binary.Write(&b, binary.LittleEndian, in.record(pcm, rand.New(rand.NewPCG(seed, 7))))
			return os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s%04d.raw", name, i)), b.Bytes(), 0o644)
		})
		progress(name+" speech", i+1, len(all))
	}
	return g.Wait()
}

// writeTrainingLists writes what sphinxtrain wants to know.
func (m *maker) writeTrainingLists(all []utterance) error {
	etc := filepath.Join(m.work, "etc")
	if err := os.MkdirAll(etc, 0o755); err != nil {
		return err
	}
	var ids, wrote, dict, phones strings.Builder
	sounds := map[string]string{}
	for i, u := range all {
		fmt.Fprintf(&ids, "train%04d\n", i)
		fmt.Fprintf(&wrote, "<s> %s </s> (train%04d)\n", u.transcript, i)
		for w := range strings.FieldsSeq(u.transcript) {
			if w == "<sil>" {
				continue
			}
			s, err := m.reader.Read(w)
			if err != nil {
				return err
			}
			if sounds[w], err = lexicon.Pronounce(s); err != nil {
				return err
			}
		}
	}
	for _, w := range slices.Sorted(maps.Keys(sounds)) {
		fmt.Fprintf(&dict, "%s %s\n", w, sounds[w])
	}
	for _, p := range lexicon.Phones() {
		if strings.Contains(" "+strings.Join(slices.Collect(maps.Values(sounds)), " ")+" ", " "+p+" ") || p == lexicon.Silence {
			fmt.Fprintln(&phones, p)
		}
	}
	for name, text := range map[string]string{
		"court_train.fileids": ids.String(), "court_train.transcription": wrote.String(), "court.dic": dict.String(), "court.phone": phones.String(),
		"court.filler": "<s> SIL\n</s> SIL\n<sil> SIL\n",
	} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// settings of sphinxtrain that differ from its sample configuration.
var settings = map[string]string{
	"CFG_WAVFILE_TYPE": "'raw'", "CFG_HMM_TYPE": "'.cont.'", "CFG_FINAL_NUM_DENSITIES": "8", "CFG_N_TIED_STATES": "1000",
	"CFG_CMN": "'batch'", "CFG_MAX_ITERATIONS": "5", "CFG_QUEUE_TYPE": "'Queue::POSIX'", "CFG_NPART": "2",
}

// train runs sphinxtrain's stages one by one: its own front end does not find
// its files on Debian, and its scripts want "." in Perl's path.
func (m *maker) train() error {
	found, err := filepath.Glob("/usr/lib/*/sphinxtrain/etc/sphinx_train.cfg")
	if err != nil || len(found) == 0 {
		return fmt.Errorf("sphinxtrain is not installed")
	}
	home := filepath.Dir(filepath.Dir(found[0]))
	work := absolute(m.work)
	args := append(slices.Clone(features), "-c", "etc/court_train.fileids", "-di", "wav", "-do", "feat", "-ei", "raw", "-eo", "mfc", "-raw", "yes", "-input_endian", "little")
	if err := command(work, "sphinx_fe", args...); err != nil {
		return err
	}
	config, err := os.ReadFile(found[0])
	if err != nil {
		return err
	}
	text := strings.NewReplacer("___DB_NAME___", "court", "___BASE_DIR___", work, "___SPHINXTRAIN_DIR___", home, "___SPHINXTRAIN_BIN_DIR___", "/usr/lib/sphinxtrain").Replace(string(config))
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		name := strings.TrimPrefix(strings.TrimSpace(strings.SplitN(line, "=", 2)[0]), "$")
		// Inside the branch of a model type a setting is indented and must win.
		if value, ok := settings[name]; ok && strings.Contains(line, "=") {
			line = "$" + name + " = " + value + ";"
		}
		lines = append(lines, line)
	}
	if err := os.WriteFile(filepath.Join(work, "etc", "sphinx_train.cfg"), []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		return err
	}
	params := strings.Join(features, " ") + " -feat 1s_c_d_dd -svspec 0-38 -agc none -cmn batch -varnorm no\n"
	if err := os.WriteFile(filepath.Join(work, "etc", "feat.params"), []byte(strings.ReplaceAll(params, " -", "\n-")), 0o644); err != nil {
		return err
	}
	// Its scripts make folders one level deep only, and read success from logs.
	if err := os.MkdirAll(filepath.Join(work, "logdir"), 0o755); err != nil {
		return err
	}
	stages := []string{"20.ci_hmm/slave_convg.pl", "30.cd_hmm_untied/slave_convg.pl", "40.buildtrees/slave.treebuilder.pl", "45.prunetree/slave.state-tying.pl", "50.cd_hmm_tied/slave_convg.pl"}
	for i, stage := range stages {
		if err := command(work, filepath.Join(home, "scripts", stage)); err != nil {
			return err
		}
		progress("training", i+1, len(stages))
	}
	return m.pack()
}

// pack takes from sphinxtrain's results what the decoder needs.
func (m *maker) pack() error {
	work, out := absolute(m.work), absolute(m.out)
	trained := filepath.Join(work, "model_parameters", "court.cd_cont_"+settings["CFG_N_TIED_STATES"])
	for _, name := range []string{"means", "variances", "mixture_weights", "transition_matrices"} {
		if err := copyFile(filepath.Join(out, name), filepath.Join(trained, name)); err != nil {
			return err
		}
	}
	for to, from := range map[string]string{"feat.params": "feat.params", "noisedict": "court.filler"} {
		if err := copyFile(filepath.Join(out, to), filepath.Join(work, "etc", from)); err != nil {
			return err
		}
	}
	// In binary form it is a tenth as large.
	return command(work, "pocketsphinx_mdef_convert", "-bin", filepath.Join(trained, "mdef"), filepath.Join(out, "mdef"))
}

// command runs a tool in a folder; what it printed is shown when it fails.
func command(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PERL_USE_UNSAFE_INC=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, out[max(0, len(out)-3000):])
	}
	return nil
}
