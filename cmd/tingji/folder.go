package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// openFolder makes the data folder, sees that it can be written to, and locks
// it: two processes on one folder would each believe that they own it. The lock
// goes with the process, however it ends. name keeps the places apart that may
// share a folder on one machine: up, serve, capture.
func openFolder(dir, name string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("data folder %s: %s; choose another with --data", dir, cause(err))
	}
	path := filepath.Join(dir, name+".lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("data folder %s cannot be written to: %s; mend its rights or choose another with --data", dir, cause(err))
	}
	defer file.Close()
	lock := flock.New(path)
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("data folder %s: lock: %s", dir, cause(err))
	}
	if !locked {
		holder := "another process"
		if pid, _ := os.ReadFile(path); len(pid) > 0 {
			holder = "process " + strings.TrimSpace(string(pid))
		}
		return nil, fmt.Errorf("data folder %s is used by %s: stop that one, or choose another folder with --data", dir, holder)
	}
	if err := file.Truncate(0); err == nil { // who holds it is for people; the lock itself is the kernel's
		_, err = file.WriteString(strconv.Itoa(os.Getpid()) + "\n")
		if err != nil {
			lock.Close()
			return nil, fmt.Errorf("data folder %s cannot be written to: %s", dir, cause(err))
		}
	}
	return lock.Close, nil
}

// cause is the reason of a file system error without the path, which the
// message around it names already.
func cause(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
