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
// in this program. keys are those that it may say.
func goTest(ctx context.Context, f figures, dir, pkg, test, keys string, args ...string) error {
	root, err := sourceTree()
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return noMeans("there is no Go here, and a Go test measures it")
	}
	args = append([]string{"test", "-count=1", "-timeout=30m", "-v", "-run", test, pkg, "-args"}, args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(root, dir)
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
	case err != nil:
		return fmt.Errorf("go test %s: %w: %s", pkg, err, said)
	case len(missing) > 0:
		return noMeans(strings.Join(missing, ", ") + ": " + said)
	}
	return nil
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
