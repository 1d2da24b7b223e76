package file_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tingji/capture"
	"tingji/capture/file"
)

// FuzzFLAC plays arbitrary bytes as a FLAC file: they are played, or refused in
// one line.
func FuzzFLAC(f *testing.F) {
	seeds, err := filepath.Glob("../../testdata/backcompat/audio.v1/flac*.value")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		st, err := file.NewPlayer(0).FLAC("x.flac", b).Open(t.Context(), 0)
		if err == nil {
			defer st.Close()
			buf := make([]int16, 4096)
			// A frame of a few bytes can stand for 65,535 equal samples.
			for i := 0; err == nil && i < 1000; i++ {
				_, _, err = st.Read(t.Context(), buf)
			}
		}
		var refused *capture.SourceError
		if err != nil && !errors.Is(err, io.EOF) && (!errors.As(err, &refused) || strings.Contains(err.Error(), "\n")) {
			t.Fatalf("got %q", err)
		}
	})
}
