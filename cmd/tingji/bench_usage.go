package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// self is this process, where a process is named by its number.
const self = "self"

// cpuTime is what a process has used of all cores, it and those that it has started and
// that have ended, where the system says it.
func cpuTime(pid string) (time.Duration, bool) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, false
	}
	// The name, in brackets, may have spaces; the times are in hundredths of a second.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 15 {
		return 0, false
	}
	var sum time.Duration
	for _, field := range fields[11:15] { // user and system, its own and theirs
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, false
		}
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum, true
}

// residentMB is the memory of a process, where the system says it: the most there
// was (VmHWM) or what there is (VmRSS).
func residentMB(pid, which string) (float64, bool) {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, which+": %f kB", &kb); n == 1 {
			return kb / 1024, true
		}
	}
	return 0, false
}
