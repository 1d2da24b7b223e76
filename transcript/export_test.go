package transcript

import (
	"context"
	"testing/fstest"
)

// Reseal makes manifest and integrity value anew, as a forger would.
func Reseal(folder fstest.MapFS) {
	delete(folder, manifestFile)
	delete(folder, integrityFile)
	files, err := hashFolder(context.Background(), folder)
	if err != nil {
		panic(err)
	}
	list := manifest(files)
	folder[manifestFile] = &fstest.MapFile{Data: list}
	folder[integrityFile] = &fstest.MapFile{Data: []byte(integrityLine(hashOf(list)))}
}

// StampLine is what integrity.txt says of a time-stamp.
var StampLine = stampLine
