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

// cpuTime is what a process has used of all cores, where the system says it.
func cpuTime(pid string) (time.Duration, bool) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, false
	}
	// The name, in brackets, may have spaces; the times are in hundredths of a second.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0, false
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, err == nil && err2 == nil
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
