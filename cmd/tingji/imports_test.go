package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// may says what each package of the project may import of the project: only
// what stands above it along the path of the audio. A folder below sees what its
// parent sees, its parents, and what is below itself, but never its siblings;
// cmd sees all. Tests, contract suites and benchmarks may look across.
var may = map[string][]string{
	"capture":    {},
	"asr":        {"capture"},
	"transcript": {"capture", "asr"},
	"store":      {"capture", "asr", "transcript"},
}

// TestImportDirection holds the imports to capture <- asr <- transcript <- store <- cmd.
func TestImportDirection(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(rel))
		top, _, _ := strings.Cut(folder, "/")
		allowed, bound := may[top]
		if !bound {
			return nil // cmd, testdata
		}
		files++
		if strings.HasSuffix(folder, "test") || strings.HasSuffix(folder, "bench") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imported, ours := strings.CutPrefix(name, "tingji/")
			if !ours || slices.Contains(allowed, imported) ||
				strings.HasPrefix(folder, imported+"/") || strings.HasPrefix(imported, folder+"/") {
				continue
			}
			t.Errorf("%s imports tingji/%s: %s may import only %v, its parents, and what is below it", rel, imported, folder, allowed)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no files found: the walk is wrong")
	}
}
