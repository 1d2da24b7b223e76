package capture

import (
	"errors"

	"golang.org/x/sys/windows"
)

// freeBytes is how much a user may still write to a folder's disk.
func freeBytes(dir string) (int64, error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(path, &free, nil, nil); err != nil {
		return 0, err
	}
	return int64(free), nil
}

// isFull says whether an error is that of a disk that is full.
func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// syncDir has nothing to do: the file system's journal keeps the order of names,
// and a folder cannot be flushed.
func syncDir(string) error { return nil }
