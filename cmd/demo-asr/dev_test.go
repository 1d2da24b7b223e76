package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The settings of this engine are chosen on speech of their own, which
// testdata/demo-asr/make -step dev makes; the sample hearing is for judging.
var devFolder = flag.String("dev", "", "folder of the development speech: measure on it")

// devPrompt are the names in testdata/demo-asr/dev.txt.
const devPrompt = "高志明，林晓东，薛海燕，田雨，贺文斌，东河区，青山县，兴隆路"

func TestDevelopmentSpeech(t *testing.T) {
	if *devFolder == "" {
		t.Skip("no -dev folder: only for choosing settings; see testdata/demo-asr/README.md")
	}
	r := newTestRecognizer(t)
	script, err := os.ReadFile(filepath.Join(*devFolder, "dev.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var wrong, all int
	var fits []float64
	wrongOf, allOf := map[string]int{}, map[string]int{}
	right, seen := map[int]int{}, map[int]int{} // words by acoustic fit
	for line := range strings.Lines(string(script)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			t.Fatalf("dev.txt: %q", line)
		}
		id, voice, want := f[0], f[1], f[2]
		raw, err := os.ReadFile(filepath.Join(*devFolder, "wav", id+".raw"))
		if err != nil {
			t.Fatal(err)
		}
		pcm := make([]int16, len(raw)/2)
		binary.Read(bytes.NewReader(raw), binary.LittleEndian, pcm)
		spans, err := r.hear(t.Context(), pcm, devPrompt)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, s := range spans {
			if s.word == "" {
				continue
			}
			b.WriteString(s.word)
			bin := int(s.acoustic * 2)
			seen[bin]++
			if strings.Contains(want, s.word) {
				right[bin]++
			}
		}
		e := edits([]rune(want), []rune(b.String()))
		if e > 0 {
			t.Logf("%s %d\n\t%s\n\t%s", id, e, want, b.String())
		}
		wrong += e
		all += len([]rune(want))
		wrongOf[voice] += e
		allOf[voice] += len([]rune(want))
		like := likeness(spans)
		if like < leastLikeness {
			t.Logf("%s, %s: refused at %.2f", id, voice, like)
		}
		fits = append(fits, like)
	}
	slices.Sort(fits)
	for _, voice := range slices.Sorted(maps.Keys(allOf)) {
		t.Logf("%-8s %.1f %% of %d characters", voice, 100*float64(wrongOf[voice])/float64(allOf[voice]), allOf[voice])
	}
	t.Logf("CER %.1f %% of %d characters", 100*float64(wrong)/float64(all), all)
	at := func(share float64) float64 { return fits[int(share*float64(len(fits)-1))] }
	t.Logf("likeness: least %.2f, 1 %% %.2f, 2 %% %.2f, 5 %% %.2f, 10 %% %.2f, median %.2f", at(0), at(0.01), at(0.02), at(0.05), at(0.1), at(0.5))
	var b strings.Builder
	for _, bin := range slices.Sorted(maps.Keys(seen)) {
		fmt.Fprintf(&b, " %.1f:%d/%d", float64(bin)/2, right[bin], seen[bin])
	}
	t.Logf("words right by fit:%s", b.String())
}
