package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestProof: the sample hearing's record leaves the program as a folder, which
// proves itself; what is changed in it is found and named, with exit code 1.
func TestProof(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, sample20(dir, "127.0.0.1:0")...)
	h := p.untilComplete(3 * time.Minute)
	folder := filepath.Join(t.TempDir(), "proof")
	export := []string{"export", h.ID, "--data", dir, "--format", "folder", "-o", folder}
	if out, stderr, code := tingji(t, nil, export...); code != 0 || out != "" {
		t.Fatalf("export: %d %s%s", code, out, stderr)
	}
	p.stop()
	out, stderr, code := tingji(t, nil, "verify", folder)
	ok := regexp.MustCompile(`^ok ([0-9a-f]{64})\n`).FindStringSubmatch(out)
	if code != 0 || stderr != "" || ok == nil || !strings.Contains(out, "a demonstration, not signed") {
		t.Fatalf("verify: %d %s%s", code, out, stderr)
	}
	for args, want := range map[string]int{
		folder + " --integrity " + strings.ToUpper(ok[1]):  0,
		folder + " --integrity " + strings.Repeat("0", 64): 1,
		filepath.Join(folder, "none"):                      2,
		filepath.Join(folder, "record.json"):               2,
		filepath.Join(folder, "audio"):                     2,
		dir:                                                2,
	} {
		out, stderr, code := tingji(t, nil, append([]string{"verify"}, strings.Fields(args)...)...)
		if code != want || code != 0 && (out != "" || strings.Count(stderr, "\n") != 1) {
			t.Errorf("verify %s: %d, want %d: %s%s", args, code, want, out, stderr)
		}
	}

	var files []string
	for _, pattern := range []string{"*.*", "audio/*.wav"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		files = append(files, found...)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) == 0 {
			continue
		}
		changed := append([]byte{}, data...)
		changed[random.IntN(len(data))] ^= 1 << random.IntN(8)
		if err := os.WriteFile(file, changed, 0o644); err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(folder, file)
		if out, stderr, code := tingji(t, nil, "verify", folder); code != 1 || out != "" || !strings.Contains(stderr, ": "+filepath.ToSlash(name)+": ") {
			t.Errorf("%s changed: %d %s%s", name, code, out, stderr)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}

	// A folder that is not empty is somebody's; a hearing has to exist.
	if _, _, code := tingji(t, nil, export...); code != 2 {
		t.Errorf("export over a folder: %d", code)
	}
	if _, stderr, code := tingji(t, nil, "export", "none", "--data", dir, "--format", "folder", "-o", folder+"2"); code != 2 || !strings.Contains(stderr, "none") {
		t.Errorf("export of nothing: %d %s", code, stderr)
	}
	if _, stderr, code := tingji(t, nil, "export", h.ID, "--data", dir, "--format", "folder"); code != 2 || !strings.Contains(stderr, "-o") {
		t.Errorf("export to nowhere: %d %s", code, stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(folder), ".proof*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
