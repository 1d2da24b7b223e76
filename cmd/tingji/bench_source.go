package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// goTest runs a test of the source tree that says figures as attributes: what it
// needs, a simulated clock, a browser, other programs to compare with, has no place
// in this program. dir is its package; keys are those that it may say.
func goTest(ctx context.Context, f figures, dir, test, keys string, args ...string) error {
	root, err := sourceTree()
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return noMeans("there is no Go here, and a Go test measures it")
	}
	temp, err := os.MkdirTemp("", "tingji-bench-")
	if err != nil {
		return fmt.Errorf("temporary folder: %s", cause(err))
	}
	defer os.RemoveAll(temp)
	// The test is built first: what it starts ends with it, but not with the go command.
	binary := filepath.Join(temp, "bench.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, ".")
	build.Dir = filepath.Join(root, dir)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go test -c %s: %w: %s", dir, err, oneLine(errors.New(string(out))))
	}
	cmd := exec.CommandContext(ctx, binary, append([]string{"-test.v", "-test.timeout=30m", "-test.run", test}, args...)...)
	cmd.Dir = build.Dir
	cmd.Env = append(os.Environ(), "TINGJI_TEST_LONG=1")
	cmd.WaitDelay = 10 * time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.CombinedOutput()
	said := readAttributes(bytes.NewReader(out), strings.Fields(keys), f)
	var missing []string
	for _, key := range strings.Fields(keys) {
		if _, ok := f[key]; !ok {
			missing = append(missing, key)
		}
	}
	switch {
	case len(missing) == 0:
		return nil // whether it is good enough is for the test to say, elsewhere
	case err != nil:
		return fmt.Errorf("test in %s: %w: %s", dir, err, said)
	}
	return noMeans(strings.Join(missing, ", ") + ": " + said)
}

// readAttributes takes figures out of what a test prints, and returns why it was
// skipped or failed, in a line.
func readAttributes(out io.Reader, keys []string, f figures) (why string) {
	lines := bufio.NewScanner(out)
	last := ""
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if rest, ok := strings.CutPrefix(line, "=== ATTR"); ok {
			said := strings.Fields(rest) // test, key, value
			for _, key := range keys {
				if len(said) == 3 && said[1] == key {
					if v, err := strconv.ParseFloat(said[2], 64); err == nil {
						f[key] = v
					}
				}
			}
			continue
		}
		// What a test logs stands before its verdict.
		if verdict := strings.HasPrefix(line, "--- SKIP") || strings.HasPrefix(line, "--- FAIL"); verdict && why == "" {
			why = last
		}
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			last = line
		}
	}
	if why == "" {
		why = last
	}
	return why
}

// sourceTree is the folder of Tingji's source in which this was started.
func sourceTree() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		module, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(module, []byte("module tingji\n")) {
			return dir, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", noMeans("the source of Tingji is not here, and a test of it measures this; start in its folder")
		}
		dir = parent
	}
}
