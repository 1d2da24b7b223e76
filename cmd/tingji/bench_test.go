package main

import (
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestBenchParts: standard output is one JSON object of what was asked for and
// nothing else; what cannot be measured is absent, and standard error says why.
func TestBenchParts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		args   []string
		code   int
		keys   string
		stderr string
	}{
		{"one part", []string{"--only", "search", "--lines", "2000"}, 0, "search_lines search_p95_ms search_pinyin_p95_ms", "bench: search: "},
		{"no source tree", []string{"--only", "growth,page"}, 0, "", "growth: not measured: the source of Tingji is not here"},
		{"no time", []string{"--only", "send", "--within", "1ns"}, 0, "", "send: not measured: 1ns were not enough"},
		{"no such part", []string{"--only", "serach"}, 2, "", "one of hearing, catchup, load"},
		{"no lines", []string{"--only", "search", "--lines", "0"}, 2, "", "--lines 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(executable(t), append([]string{"bench", "--json"}, tt.args...)...)
			cmd.Dir = t.TempDir()
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, _ := cmd.Output()
			if code := cmd.ProcessState.ExitCode(); code != tt.code || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("exit code %d, want %d; standard error %q, want %q", code, tt.code, &stderr, tt.stderr)
			}
			if tt.code != 0 {
				if len(out) > 0 {
					t.Errorf("standard output %q", out)
				}
				return
			}
			var f map[string]float64
			if err := json.Unmarshal(out, &f); err != nil {
				t.Fatalf("%q: %v", out, err)
			}
			if got := strings.Join(slices.Sorted(maps.Keys(f)), " "); got != tt.keys {
				t.Errorf("keys %q, want %q", got, tt.keys)
			}
			for key, v := range f {
				if v <= 0 {
					t.Errorf("%s is %v: what was not measured is absent", key, v)
				}
			}
		})
	}
}

// TestReadAttributes: figures are taken from what a test prints; of one that is
// skipped, why.
func TestReadAttributes(t *testing.T) {
	t.Parallel()
	const measured = `=== RUN   TestBeside
=== RUN   TestBeside/PostgreSQL
tingji, SQLite       2029 lines in 0s
    beside_test.go:49: p95: tingji 0.64 ms, bleve, CJK 0.39 ms
=== ATTR  TestBeside/PostgreSQL search_vs_bleve 1.66
=== ATTR  TestBeside/PostgreSQL something_else 3
--- PASS: TestBeside (3.87s)
PASS
`
	f := figures{}
	readAttributes(strings.NewReader(measured), []string{"search_vs_bleve", "search_vs_postgres"}, f)
	if len(f) != 1 || f["search_vs_bleve"] != 1.66 {
		t.Errorf("%v", f)
	}
	const skipped = `=== RUN   TestKeyToFrame
    browser_test.go:35: no chromium on this machine: the page is not tested
--- SKIP: TestKeyToFrame (0.00s)
PASS
ok  	tingji/transcript/web	0.1s
`
	f = figures{}
	if why := readAttributes(strings.NewReader(skipped), []string{"key_to_frame_p95_ms"}, f); len(f) != 0 || !strings.Contains(why, "no chromium") {
		t.Errorf("%v, %q", f, why)
	}
}
